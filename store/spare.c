#include "store/spare.h"

#include <unistd.h>

static enum gw_code open_tables(struct store *store, struct gw_error *err)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(store->spare, NULL, MDB_RDONLY, &txn);
    for (int table = 0; rc == 0 && table < STORE_TABLE_COUNT; table++) {
        MDB_dbi handle = 0;
        rc = mdb_dbi_open(txn, store_table_name((enum store_table)table), 0, &handle);
        GW_ASSERT(rc != 0 || handle == store->tables[table]);
    }
    if (rc == 0)
        rc = mdb_txn_commit(txn); /* handles outlive the transaction only when it commits */
    else
        mdb_txn_abort(txn);
    return rc == 0 ? GW_OK : store_fail_mdb(err, rc, "read the store");
}

enum gw_code store_spare_open(struct store *store, struct gw_error *err)
{
    if (store->spare != NULL)
        return GW_OK;
    int rc = mdb_env_create(&store->spare);
    if (rc == 0)
        rc = mdb_env_set_mapsize(store->spare, (size_t)store->max_bytes);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(store->spare, STORE_TABLES_MAX);
    if (rc == 0)
        rc = mdb_env_open(store->spare, store->path, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD, 0600);
    if (rc != 0)
        return store_fail_mdb(err, rc, "open data.mdb");
    return open_tables(store, err);
}

bool store_spare_is_on_disk(const struct store *store)
{
    int fd = -1;
    return mdb_env_get_fd(store->spare, &fd) == 0 && fdatasync(fd) == 0;
}

void store_pin_hold(struct store_pin *pin, MDB_env *env)
{
    int rc = pin->txn == NULL ? mdb_txn_begin(env, NULL, MDB_RDONLY, &pin->txn) : mdb_txn_renew(pin->txn);
    pin->is_held = rc == 0; /* without it the next readers see less far, never wrongly: records are sealed */
}

void store_pin_let_go(struct store_pin *pin)
{
    if (pin->is_held)
        mdb_txn_reset(pin->txn);
    pin->is_held = false;
}

void store_pin_done(struct store_pin *pin)
{
    mdb_txn_abort(pin->txn);
    pin->txn = NULL;
}
