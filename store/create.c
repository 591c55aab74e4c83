#include "store/env.h"
#include "store/sentinel.h"
#include "store/workshop.h"

#include <unistd.h>

static enum gw_code fill(struct store *store, struct gw_error *err)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (rc != 0)
        return store_fail_mdb(err, rc, "write the store");
    struct store_view view = {.store = store, .txn = txn};
    enum gw_code code = store_env_tables(store, txn, STORE_TABLE_META, err);
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
    struct store store = {.keys = *keys, .max_bytes = max_size_bytes, .format = STORE_FORMAT_VERSION};
    enum gw_code code = store_env_open(path, max_size_bytes, 0, &store.env, err);
    if (code == GW_OK) {
        code = fill(&store, err);
        mdb_env_close(store.env);
    }
    gw_secret_wipe(&store.keys, sizeof store.keys);
    return code;
}

static enum gw_code make_parts(const char *workshop, uint64_t max_size_bytes, struct gw_error *err)
{
    struct store_keys keys;
    GW_TRY(store_keys_make(workshop, &keys, err));
    enum gw_code code = make_data(workshop, max_size_bytes, &keys, err);
    gw_secret_wipe(&keys, sizeof keys);
    return code == GW_OK ? store_files_sync_folder(workshop, err) : code;
}

/* Made in a folder of its own inside, and moved into place at the end, data.mdb last: a create that was interrupted
 * leaves nothing that looks like a store, and the next one begins again. Inside and not beside, because the directory
 * may be a mount point, or the only one that we may write to. */
static enum gw_code make(const char *path, uint64_t max_size_bytes, struct gw_error *err)
{
    char workshop[STORE_PATH_BYTES_MAX];
    GW_TRY(store_workshop_make(path, workshop, err));
    enum gw_code code = make_parts(workshop, max_size_bytes, err);
    if (code == GW_OK)
        code = store_workshop_move(path, err);
    if (code != GW_OK)
        store_workshop_remove(path);
    return code;
}

enum gw_code store_create(const char *path, uint64_t max_size_bytes, struct gw_error *err)
{
    int lock_fd = -1;
    bool is_new = false;
    GW_TRY(store_workshop_enter(path, &lock_fd, &is_new, err));
    enum gw_code code = make(path, max_size_bytes, err);
    store_workshop_leave(lock_fd);
    if (code != GW_OK && is_new)
        (void)rmdir(path);
    return code;
}
