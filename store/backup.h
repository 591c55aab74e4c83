/* backup: a whole store copied to another folder while it is in use. The copy is one snapshot, compact, with the key
 * file; it was opened and read to the last record before it counts as done. The copy of a store of an older format is
 * brought to this one. Blocks; never on a loop. */
#pragma once

#include "store/store.h"

/* Copies into `to`, which is made (mode 0700) or is empty, but for what an interrupted copy left; GW_E_CONFLICT
 * otherwise, GW_E_STORE_LOCKED while another copy is made there. `on_progress` (may be NULL) follows the verification.
 * `to` holds no store before all of it is done, and nothing after a failure. */
GW_MUST_CHECK enum gw_code store_backup(struct store *store, const char *to, store_progress_fn on_progress, void *data,
                                        struct gw_error *err);

/* The same, for a copy that is going to be used: it is older than what clients remember, and numbers that were given
 * out since must not come again, or one person's id would name another. Skips so many of every folder. */
#define STORE_RESTORE_SKIP (1u << 20)
GW_MUST_CHECK enum gw_code store_restore(struct store *backup, const char *to, store_progress_fn on_progress,
                                         void *data, struct gw_error *err);

/* How much of a copy in `to` is written, by whatever process; 0: nothing. */
uint64_t store_backup_bytes(const char *to);
