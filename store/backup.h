/* backup: a whole store copied to another folder while it is in use. The copy is one snapshot, compact, with the key
 * file; it was opened and read to the last record before it counts as done. The copy of a store of an older format is
 * brought to this one. Blocks; never on a loop. */
#pragma once

#include "store/store.h"

/* Who wants to know how far a copy is; each may be NULL. Never two calls at a time, on whatever thread. */
struct store_backup_watch {
    store_progress_fn on_copied;    /* bytes */
    uint64_t expected_bytes;        /* of these: used_bytes of store_stats_read, or 0 */
    store_progress_fn on_read_back; /* bytes, from the disk; only where others use the store */
    store_progress_fn on_verified;  /* records */
    void *data;
};

/* Copies into `to`, which is made (mode 0700) or is empty, but for what an interrupted copy left; GW_E_CONFLICT
 * otherwise, GW_E_STORE_LOCKED while another copy is made there. `to` holds no store before all of it is done, and
 * nothing after a failure. *ret_bytes: the size of the copy. Where others use the store the disk is theirs for half of
 * the time. */
GW_MUST_CHECK enum gw_code store_backup(struct store *store, const char *to, const struct store_backup_watch *watch,
                                        uint64_t *ret_bytes, struct gw_error *err);

/* The same, for a copy that is going to be used: it is older than what clients remember, and numbers that were given
 * out since must not come again, or one person's id would name another. Skips so many of every folder. */
#define STORE_RESTORE_SKIP (1u << 20)
GW_MUST_CHECK enum gw_code store_restore(struct store *backup, const char *to, const struct store_backup_watch *watch,
                                         uint64_t *ret_bytes, struct gw_error *err);
