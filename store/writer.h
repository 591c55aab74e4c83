/* writer: the one thread of a process that changes the store, with group commit. It takes what is queued, applies each
 * change in order, commits once, announces revocations, then answers all. A group ends after about STORE_GROUP_MS of
 * work; nothing waits for a timer, so one client alone sees the latency of one commit. An import takes longer groups
 * while nobody else has the store open. An LMDB error inside a group
 * aborts it and re-runs its changes one by one, so that one bad change cannot fail its neighbours. A failed sync makes
 * the store read-only until restart. */
#pragma once

#include "store/change.h"

#include <stdatomic.h>

#define STORE_GROUP_MS 8
#define STORE_QUEUE_MAX 4096u /* changes that are not urgent; more is GW_E_BUSY */
#define STORE_IMPORT_QUEUE_MAX 8192u

struct store_writer;

/* TOOL: one short change by a command. IMPORT: a long run of them; it keeps no short one waiting. */
enum store_role { STORE_ROLE_SSO, STORE_ROLE_PROV, STORE_ROLE_TOOL, STORE_ROLE_IMPORT };

/* Holds a role for writers in processes that inherit *ret_fd, whose changes LMDB's own lock then orders: a process and
 * its successor. It is given back when every copy of the descriptor is closed. GW_E_STORE_LOCKED names the process that
 * has it; -1 when there is no store or its lock cannot be opened: opening the store says why. */
GW_MUST_CHECK enum gw_code store_role_hold(const char *path, enum store_role role, int *ret_fd, struct gw_error *err);

struct store_writer_settings {
    enum store_role role; /* exclusive per store: a second one is refused with GW_E_STORE_LOCKED */
    /* What store_role_hold gave, borrowed: the role is the holder's, and this writer has its share. 0: takes the role
     * for itself. */
    int role_fd;
    /* Words of memory shared by all children: a waiting sso writer is counted in its own, and a prov writer then ends
     * its group and lets it in: it looks at `sso_waiting_count` of them (0: one). NULL: none. */
    _Atomic uint32_t *sso_waiting;
    size_t sso_waiting_count;
    /* Called on the writer's thread after a commit that raised generations and before anything of it is answered: wakes
     * the SSO workers. NULL: none. */
    void (*on_revoked)(void *data);
    void *data;
    /* A word of memory that outlives the process: 1 once a commit failed in a way that nothing but an operator can
     * mend. The writer sets it, and one that finds it set takes no writes. NULL: forgotten with the process. */
    _Atomic uint32_t *is_read_only;
};

GW_MUST_CHECK enum gw_code store_writer_new(struct store *store, const struct store_writer_settings *settings,
                                            struct store_writer **ret_writer, struct gw_error *err);
/* Finishes what is queued, then ends the thread. */
void store_writer_free(struct store_writer *writer);

/* Queues a change; on_done follows, also on failure. GW_E_BUSY (nothing queued, on_done not called) when the queue is
 * full and the change is not urgent. Any thread. */
GW_MUST_CHECK enum gw_code store_writer_submit(struct store_writer *writer, struct store_change *change,
                                               struct gw_error *err);

/* What the writer has done so far, for metrics. Any thread. */
struct store_writer_stats {
    uint64_t changes; /* answered, refused ones included */
    uint64_t groups;
    uint64_t queued;   /* now */
    bool is_read_only; /* a sync failed: no write until restart */
};
void store_writer_stats_read(struct store_writer *writer, struct store_writer_stats *ret_stats);

/* Submits and waits; for start-up, commands and tests, never on a loop. */
GW_MUST_CHECK enum gw_code store_writer_apply(struct store_writer *writer, struct store_change *change,
                                              struct gw_error *err);

struct store *store_writer_store(const struct store_writer *writer);

/* The number of a folder, made when it is new. Waits. */
GW_MUST_CHECK enum gw_code store_folder_ensure(struct store_writer *writer, struct gw_str name, uint32_t *ret_folder,
                                               struct gw_error *err);
