/* spare: a second view of the store in the same process, for what still reads when LMDB gives up. After a write of its
 * meta page that failed, LMDB lets nobody in the process read any more, and on a disk that failed the store cannot be
 * opened again: without the spare nobody could be told from anybody. It only reads, takes no locks and is in no table
 * of readers, so it is used only then, and what it reads is kept from being used again by a pin in the first view.
 * Private to store/. */
#pragma once

#include "store/env.h"

/* Opens it beside store->env, with the same numbers for tables. Closed by store_close. Before any other thread reads.
 */
GW_MUST_CHECK enum gw_code store_spare_open(struct store *store, struct gw_error *err);

/* Is all that was written to the store on its disk? The kernel tells each open file once of a page that is not (Linux
 * 4.13 and later): LMDB's own was told by the sync that failed, the spare's is asked here alone. */
bool store_spare_is_on_disk(const struct store *store);

/* A read transaction that begins before each commit and ends after it, unless the commit failed for good: then it
 * stays, and no process uses the pages again that it sees. The writer's own. */
struct store_pin {
    MDB_txn *txn;
    bool is_held;
};
void store_pin_hold(struct store_pin *pin, MDB_env *env);
void store_pin_let_go(struct store_pin *pin);
void store_pin_done(struct store_pin *pin);
