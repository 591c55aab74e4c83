/* transaction: the one write transaction that a writer has at a time, and what the ways in which it can fail mean for
 * those after it (security.md H5 to H8). Private to store/; the writer's thread only. */
#pragma once

#include "store/apply.h"
#include "store/queue.h"
#include "store/spare.h"
#include "store/writer.h"

#include <pthread.h>

struct store_writer {
    struct store *store;
    struct store_writer_settings settings;
    int role_fd;
    pthread_t thread;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t is_needed;
    struct store_queue urgent;
    struct store_queue normal;
    bool is_stopping;
    struct store_writer_stats stats;

    /* the thread's own */
    struct store_apply apply;
    struct store_pin pin;
    bool is_torn;
    int64_t readers_checked_ms;
};

/* Waits for LMDB's lock. GW_E_STORE_READ_ONLY: a failure that only an operator can mend was before. */
GW_MUST_CHECK enum gw_code store_transaction_begin(struct store_writer *writer, struct gw_error *err);

/* Durable when it is GW_OK. A full disk or map (GW_E_STORE_FULL) heals; after any other failure nobody knows what
 * reached the disk, and the store takes no more writes. What this process reads from then on is pinned. */
GW_MUST_CHECK enum gw_code store_transaction_commit(struct store_writer *writer, struct gw_error *err);

/* Ends a transaction that is not committed. One that is torn cannot be ended: writer->is_torn tells the thread to end
 * with LMDB's lock, and others then clean up as after a process that was killed. */
void store_transaction_give_up(struct store_writer *writer);
