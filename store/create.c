#include "store/env.h"
#include "store/sentinel.h"

static enum gw_code fill(struct store *store, struct gw_error *err)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (rc != 0)
        return store_fail_mdb(err, rc, "write the store");
    struct store_view view = {.store = store, .txn = txn};
    enum gw_code code = store_env_tables(store, txn, /* create= */ true, err);
    if (code == GW_OK)
        code = store_sentinel_make(&view, err);
    if (code != GW_OK) {
        mdb_txn_abort(txn);
        return code;
    }
    rc = mdb_txn_commit(txn);
    return rc == 0 ? GW_OK : store_fail_mdb(err, rc, "write the store");
}

static enum gw_code make_data(const char *path, uint64_t max_size_bytes, const struct store_keys *keys,
                              struct gw_error *err)
{
    struct store store = {.keys = *keys, .max_bytes = max_size_bytes};
    enum gw_code code = store_env_open(path, max_size_bytes, &store.env, err);
    if (code == GW_OK) {
        code = fill(&store, err);
        mdb_env_close(store.env);
    }
    gw_secret_wipe(&store.keys, sizeof store.keys);
    return code;
}

enum gw_code store_create(const char *path, uint64_t max_size_bytes, struct gw_error *err)
{
    GW_TRY(store_files_make_folder(path, err));
    struct store_keys keys;
    enum gw_code code = store_keys_make(path, &keys, err);
    if (code == GW_OK)
        code = make_data(path, max_size_bytes, &keys, err);
    if (code == GW_OK)
        code = store_files_sync_folder(path, err);
    gw_secret_wipe(&keys, sizeof keys);
    if (code != GW_OK)
        store_files_remove(path);
    return code;
}
