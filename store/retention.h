/* retention: the background pass that ends retention times (semantics.md 4). It reads who is due from an index, never
 * all users; asks the writer for a few purges at a time, each of which looks at the record again; pauses while a client
 * walks through the list of users, whose positions a purge shifts; and stops while the wall clock is not where
 * it should be: a wrong year must not end every retention time at once (security.md L1). On a thread of its own, which
 * may wait. */
#pragma once

#include "gateway/base/steady.h"
#include "store/writer.h"

#define STORE_RETENTION_BATCH 32u
#define STORE_RETENTION_WALK_MS (10 * 60 * 1000) /* a walk is over when no page but the first was asked for so long */
#define STORE_RETENTION_JUMP_MS (5 * 60 * 1000)  /* wall clock against monotonic clock, between two steps */

struct store_retention_rule {
    uint32_t folder;
    int64_t retain_ms;
    bool anonymise; /* else the record goes */
};

/* What time it is. */
struct store_retention_now {
    int64_t wall_ms;
    int64_t mono_ms;
    int64_t walked_ms; /* monotonic, of the last page of a walk; 0: none yet */
};

enum store_retention_state {
    STORE_RETENTION_RESTING, /* nobody is due */
    STORE_RETENTION_WORKING, /* there may be more at once */
    STORE_RETENTION_PAUSED,  /* a walk is under way */
    STORE_RETENTION_STOPPED  /* the clock jumped; until it is right again, or the process starts again */
};

struct store_retention {
    struct gw_steady steady;
    bool is_behind; /* at the first step it was earlier than what was written last, and it is still */
    bool is_stopped;
};

/* One step. *ret_done: records that were purged. */
GW_MUST_CHECK enum gw_code store_retention_step(struct store_retention *retention, struct store_writer *writer,
                                                struct store_reader *reader, const struct store_retention_rule *rules,
                                                size_t rule_count, const struct store_retention_now *now,
                                                enum store_retention_state *ret_state, uint64_t *ret_done,
                                                struct gw_error *err);
