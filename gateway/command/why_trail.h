/* why_trail: what the activity record and the access log say of one reference or one user; for `provgate why`. Main
 * thread only. */
#pragma once

#include "gateway/command/folder.h"

#define WHY_MATCHES_MAX 8u
#define WHY_LATEST_MAX 10u
#define WHY_LOG_BYTES_MAX (64u << 20) /* of the access log, from its end */

/* Entries with that reference, newest first; copied into the arena. */
struct why_matches {
    struct store_activity list[WHY_MATCHES_MAX];
    size_t count;
};
GW_MUST_CHECK enum gw_code why_find_reference(struct store_reader *reader, struct gw_arena *arena,
                                              struct gw_str reference, struct why_matches *ret_matches,
                                              struct gw_error *err);

/* What happened to one user, newest first; `cut` is the newest of them that ended sessions. `before_seq` 0: up to now,
 * else before that entry. */
struct why_history {
    struct store_activity latest[WHY_LATEST_MAX]; /* refusals and bindings left out */
    size_t count;
    struct store_activity cut;
    bool has_cut;
};
GW_MUST_CHECK enum gw_code why_find_history(struct store_reader *reader, struct gw_arena *arena, uint32_t folder,
                                            uint64_t user_seq, uint64_t before_seq, struct why_history *ret_history,
                                            struct gw_error *err);

#define WHY_DELETED_MAX 8u

/* Deleted users who had that name, in any case, and whose record is still there. */
struct why_deleted {
    uint64_t seqs[WHY_DELETED_MAX];
    size_t count;
};
GW_MUST_CHECK enum gw_code why_find_deleted(struct store_reader *reader, uint32_t folder, struct gw_str name,
                                            struct why_deleted *ret_deleted, struct gw_error *err);

/* The line of the access log with that id, in the arena; empty when there is none, or no log. */
struct gw_str why_find_line(const char *path, struct gw_arena *arena, struct gw_str id);
