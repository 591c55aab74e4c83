/* migrate: brings a store of an older format to this program's. Called by `provgate run` before it starts anything;
 * every other command refuses an older store and names the way. Any thread; the store must not be open in this process.
 *
 * Needs the writer roles of all faces: while another provgate (an older one, draining) writes, it is refused with
 * GW_E_STORE_LOCKED. Works in transactions of bounded size and writes the new format last. Interrupted, it goes on
 * where it was; the store meanwhile is a whole one of the old format, which the old program opens as before
 * (security.md H15), and when that has written to it, the next attempt begins again.
 *
 * How to add a table or an index that is derived from what is stored:
 *  1. table.h, table.c: the table at the end of the list. Entries that are derived go to a table of their own, never
 *     into one of an older format.
 *  2. keep it in step wherever its source is written (users: store_users_save), and compare it in check.c.
 *  3. migrate.c: a row in `fills` of the step to the newest format: which table is read, and what is put for a record.
 *     A table that begins empty needs no row.
 *  4. While the newest format is not released, that is all (stores made meanwhile by a work tree are refused). Once it
 *     is: raise STORE_FORMAT_VERSION, add a row to `steps` here and to `table_counts` in sentinel.c, and keep a store
 *     of the old format in tests/unit/store/fixtures.
 *
 * A step leads from its format to the newest at once, so nothing in between is ever on disk. What a format gave up is
 * emptied in the last transaction. */
#pragma once

#include "store/store.h"

/* *ret_from: the format it had; STORE_FORMAT_VERSION when there was nothing to do. `on_progress` may be NULL. */
GW_MUST_CHECK enum gw_code store_migrate(const char *path, uint64_t max_size_bytes, store_progress_fn on_progress,
                                         void *data, uint32_t *ret_from, struct gw_error *err);

/* For tests: the next migration of this process stops after so many transactions, as if it had been killed; 0: never.
 */
void store_migrate_stop_after(unsigned transactions);
