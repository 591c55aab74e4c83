/* backup: a whole store copied to another folder while it is in use. The copy is one snapshot, compact, with the key
 * file; it was opened and read to the last record before it counts as done. The copy of a store of an older format is
 * brought to this one. Blocks; never on a loop. */
#pragma once

#include "store/store.h"

/* While it is being written the copy's data has this name, so that nobody takes a part for the whole. */
#define STORE_BACKUP_PART "data.mdb.part"

/* Copies into `to`, which is made (mode 0700) or is empty; GW_E_CONFLICT otherwise. `on_progress` (may be NULL) follows
 * the verification. What a failure leaves is taken away. */
GW_MUST_CHECK enum gw_code store_backup(struct store *store, const char *to, store_progress_fn on_progress, void *data,
                                        struct gw_error *err);

/* A restored store is older than what clients remember: numbers that were given out since must not come again, or one
 * person's id would name another. Skips so many of every folder, in a store that nobody has open. */
#define STORE_RESTORE_SKIP (1u << 20)
GW_MUST_CHECK enum gw_code store_restore_skip(const char *path, uint64_t max_size_bytes, struct gw_error *err);
