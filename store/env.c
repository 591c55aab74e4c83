#include "store/env.h"

#include "gateway/base/arena.h"
#include "store/bytes.h"
#include "store/fault.h"
#include "store/pages.h"
#include "store/sentinel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE_BYTES (STORE_READERS_MAX * 64 + 16384)

/* LMDB must not have one file open twice in a process: closing one drops the file locks of the other. */
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct store *open_stores;

/* Btrfs needs new room for each write to a file without this mark, which only an empty file can get. */
static void mark_as_written_in_place(int fd)
{
    int flags = 0;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
        return;
    flags |= FS_NOCOW_FL;
    (void)ioctl(fd, FS_IOC_SETFLAGS, &flags); /* others do not know it, and write in place */
}

/* LMDB maps lock.mdb and writes to it: on a full disk a hole in it would be a SIGBUS. Before LMDB has it open, for
 * closing any descriptor of it drops LMDB's locks. Where this cannot be done the disk was not full when it was made. */
static enum gw_code reserve_lock_file(const char *path, struct gw_error *err)
{
    char file[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(path, "lock.mdb", file, err));
    int fd = open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return GW_OK;
    (void)store_files_give(path, fd); /* the service cannot open a store whose lock.mdb is root's */
    mark_as_written_in_place(fd);
    int rc = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, LOCK_FILE_BYTES);
    int reason = errno;
    (void)close(fd);
    if (rc != 0 && (reason == ENOSPC || reason == EDQUOT))
        return gw_fail(err, GW_E_STORE_FULL, "%s: the disk is full", file);
    return GW_OK;
}

/* LMDB says only that it may not. */
static bool is_lock_file_barred(const char *path, int rc)
{
    char file[STORE_PATH_BYTES_MAX];
    return rc == EACCES && store_files_path(path, "lock.mdb", file, NULL) == GW_OK && access(file, R_OK | W_OK) != 0 &&
           errno == EACCES;
}

enum gw_code store_env_open(const char *path, uint64_t max_size_bytes, unsigned flags, MDB_env **ret_env,
                            struct gw_error *err)
{
    MDB_env *env = NULL;
    GW_TRY(reserve_lock_file(path, err));
    int rc = mdb_env_create(&env);
    if (rc == 0)
        rc = mdb_env_set_mapsize(env, (size_t)max_size_bytes);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(env, STORE_READERS_MAX);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(env, STORE_TABLES_MAX);
    /* Without NOSYNC, NOMETASYNC and the like: they lose acknowledged writes (security.md R6). */
    if (rc == 0)
        rc = mdb_env_open(env, path, MDB_NOTLS | flags, 0600);
    if (rc == 0) {
        *ret_env = env;
        return GW_OK;
    }
    if (env != NULL)
        mdb_env_close(env);
    (void)store_fail_mdb(err, rc, is_lock_file_barred(path, rc) ? "open lock.mdb" : "open data.mdb");
    return gw_error_prefix(err, "%s", path);
}

enum gw_code store_env_tables(struct store *store, MDB_txn *txn, enum store_table create_from, struct gw_error *err)
{
    for (int table = 0; table < STORE_TABLE_COUNT; table++) {
        int rc = mdb_dbi_open(txn, store_table_name((enum store_table)table),
                              table >= (int)create_from ? MDB_CREATE : 0, &store->tables[table]);
        if (rc == MDB_NOTFOUND)
            return store_fail_damaged(err, (enum store_table)table, "it is missing");
        if (rc != 0)
            return store_fail_mdb(err, rc, "open the tables");
    }
    return GW_OK;
}

enum gw_code store_env_tables_old(struct store *store, MDB_txn *txn, int count, struct gw_error *err)
{
    for (int table = 0; table < count; table++) {
        int rc = mdb_dbi_open(txn, store_table_name((enum store_table)table), 0, &store->tables[table]);
        if (rc == MDB_NOTFOUND)
            return store_fail_damaged(err, (enum store_table)table, "it is missing");
        if (rc != 0)
            return store_fail_mdb(err, rc, "open the tables");
    }
    return GW_OK;
}

static enum gw_code registry_add(struct store *store, struct gw_error *err)
{
    char file[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(store->path, "data.mdb", file, err));
    struct stat info;
    if (stat(file, &info) != 0)
        return gw_fail(err, GW_E_STORE_IO, "%s: %s", file, strerror(errno));
    store->device = info.st_dev;
    store->inode = info.st_ino;
    (void)pthread_mutex_lock(&open_lock);
    const struct store *other = open_stores;
    while (other != NULL && (other->device != store->device || other->inode != store->inode))
        other = other->next;
    if (other == NULL) {
        store->next = open_stores;
        open_stores = store;
    }
    (void)pthread_mutex_unlock(&open_lock);
    if (other != NULL)
        return gw_fail(err, GW_E_STORE_LOCKED, "%s is open in this process already", store->path);
    return GW_OK;
}

static void registry_remove(const struct store *store)
{
    (void)pthread_mutex_lock(&open_lock);
    struct store **link = &open_stores;
    while (*link != NULL && *link != store)
        link = &(*link)->next;
    if (*link != NULL)
        *link = store->next;
    (void)pthread_mutex_unlock(&open_lock);
}

static enum gw_code check_start(struct store *store, MDB_txn *txn, bool may_be_old, struct gw_error *err)
{
    GW_TRY(store_pages_check_tree(store->path, txn, /* whole= */ false, err));
    struct store_view view = {.store = store, .txn = txn};
    /* first of all, so that an older store is called old, and not damaged for the tables that it lacks */
    GW_TRY(store_sentinel_format(&view, &store->format, err));
    if (store->format < STORE_FORMAT_VERSION && !may_be_old)
        return gw_fail(err, GW_E_STORE_DAMAGED,
                       "the store has format %u, this program needs format %u: provgate run brings it up to date",
                       store->format, STORE_FORMAT_VERSION);
    GW_TRY(store_env_tables_old(store, txn, store_sentinel_tables(&view), err));
    return store_sentinel_check(&view, err);
}

static enum gw_code open_tables(struct store *store, bool may_be_old, struct gw_error *err)
{
    MDB_txn *txn = NULL;
    int dead = 0;
    (void)mdb_reader_check(store->env, &dead);
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (rc != 0)
        return store_fail_mdb(err, rc, "read the store");
    enum gw_code code = check_start(store, txn, may_be_old, err);
    if (code != GW_OK) {
        mdb_txn_abort(txn);
        return code;
    }
    /* handles outlive the transaction only when it commits */
    rc = mdb_txn_commit(txn);
    return rc == 0 ? GW_OK : store_fail_mdb(err, rc, "read the store");
}

static enum gw_code check_small(struct store *store, struct gw_error *err)
{
    struct store_stats stats;
    GW_TRY(store_stats_read(store, &stats, err));
    if (stats.used_bytes > STORE_FULL_CHECK_BYTES_MAX)
        return GW_OK;
    return store_check(store, NULL, NULL, err);
}

static enum gw_code open_files(struct store *store, struct gw_error *err)
{
    GW_TRY(store_files_check(store->path, err));
    enum gw_code code = store_keys_read(store->path, &store->keys, err);
    gw_hmac_key_init(&store->session_hmac, store->keys.session);
    if (code == GW_OK)
        code = store_pages_check_head(store->path, err);
    if (code == GW_OK)
        code = registry_add(store, err);
    return code;
}

static bool find_file(const struct store *store, const char *name, struct store_file_id *ret_id)
{
    char file[STORE_PATH_BYTES_MAX];
    struct stat info;
    if (store_files_path(store->path, name, file, NULL) != GW_OK)
        return true;
    bool is_found = stat(file, &info) == 0;
    if (is_found)
        *ret_id = (struct store_file_id){info.st_dev, info.st_ino};
    return is_found || (errno != ENOENT && errno != ENOTDIR); /* a disk that does not answer says nothing */
}

static bool is_in_place(const struct store *store, const char *name, const struct store_file_id *id)
{
    struct store_file_id now = *id;
    bool is_there = find_file(store, name, &now);
    return id->inode == 0 || (is_there && now.device == id->device && now.inode == id->inode);
}

bool store_env_is_in_place(const struct store *store)
{
    return is_in_place(store, "data.mdb", &store->data_id) && is_in_place(store, "lock.mdb", &store->lock_id);
}

enum gw_code store_env_new(const char *path, uint64_t max_size_bytes, unsigned flags, struct store **ret_store,
                           struct gw_error *err)
{
    struct store *store = gw_alloc(sizeof *store);
    store_fault_init();
    store->path = gw_strdup(path);
    store->max_bytes = max_size_bytes;
    store->format = STORE_FORMAT_VERSION;
    store->pid = getpid();
    enum gw_code code = open_files(store, err);
    if (code == GW_OK)
        code = store_env_open(path, max_size_bytes, flags, &store->env, err);
    if (code != GW_OK) {
        store_close(store);
        return code;
    }
    (void)find_file(store, "data.mdb", &store->data_id);
    (void)find_file(store, "lock.mdb", &store->lock_id);
    *ret_store = store;
    return GW_OK;
}

static enum gw_code open_store(const char *path, uint64_t max_size_bytes, unsigned flags, bool may_be_old,
                               struct store **ret_store, struct gw_error *err)
{
    struct store *store = NULL;
    GW_TRY(store_env_new(path, max_size_bytes, flags, &store, err));
    enum gw_code code = open_tables(store, may_be_old, err);
    if (code == GW_OK && store->format == STORE_FORMAT_VERSION)
        code = check_small(store, err);
    if (code != GW_OK) {
        (void)gw_error_prefix(err, "%s", path);
        store_close(store);
        return code;
    }
    *ret_store = store;
    return GW_OK;
}

enum gw_code store_open(const char *path, uint64_t max_size_bytes, struct store **ret_store, struct gw_error *err)
{
    return open_store(path, max_size_bytes, 0, /* may_be_old= */ false, ret_store, err);
}

enum gw_code store_open_to_serve(const char *path, uint64_t max_size_bytes, struct store **ret_store,
                                 struct gw_error *err)
{
    return open_store(path, max_size_bytes, MDB_NORDAHEAD, /* may_be_old= */ false, ret_store, err);
}

enum gw_code store_open_to_copy(const char *path, uint64_t max_size_bytes, struct store **ret_store,
                                struct gw_error *err)
{
    /* Nobody writes on a read-only file system, and LMDB goes without its lock file there. */
    bool is_read_only = access(path, W_OK) != 0 && errno == EROFS;
    return open_store(path, max_size_bytes, is_read_only ? MDB_RDONLY : 0, /* may_be_old= */ true, ret_store, err);
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    gw_secret_wipe(&store->keys, sizeof store->keys);
    gw_secret_wipe(&store->session_hmac, sizeof store->session_hmac);
    if (store->is_torn)
        return;
    if (store->spare != NULL)
        mdb_env_close(store->spare);
    if (store->env != NULL)
        mdb_env_close(store->env);
    registry_remove(store);
    free(store->path);
    free(store);
}

/* Handle 0 is LMDB's table of pages that wait to be used again: the transaction that freed them, their count, and so
 * many page numbers. */
#define FREE_TABLE 0
#define FREE_ENTRIES_MAX 100000u

struct free_count {
    MDB_cursor *cursor;
    uint64_t txnid_max;
    uint64_t pages;
};

static int walk_free(void *data)
{
    struct free_count *count = data;
    MDB_val key;
    MDB_val value;
    int rc = mdb_cursor_get(count->cursor, &key, &value, MDB_FIRST);
    for (unsigned i = 0; rc == 0 && i < FREE_ENTRIES_MAX && bytes_get_le(key.mv_data, 8) <= count->txnid_max; i++) {
        count->pages += bytes_get_le(value.mv_data, 8);
        rc = mdb_cursor_get(count->cursor, &key, &value, MDB_NEXT);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static enum gw_code count_free(MDB_txn *txn, uint64_t txnid_max, uint64_t *ret_pages, struct gw_error *err)
{
    struct free_count count = {.txnid_max = txnid_max};
    int rc = mdb_cursor_open(txn, FREE_TABLE, &count.cursor);
    if (rc != 0)
        return store_fail_mdb(err, rc, "read the store");
    rc = store_fault_run(walk_free, &count);
    mdb_cursor_close(count.cursor);
    *ret_pages = count.pages;
    return rc == 0 ? GW_OK : store_fail_mdb(err, rc, "read the store");
}

enum gw_code store_env_used(struct store_view *view, uint64_t *ret_bytes, struct gw_error *err)
{
    MDB_envinfo info;
    MDB_stat stat;
    int rc = mdb_env_info(view->store->env, &info);
    if (rc == 0)
        rc = mdb_stat(view->txn, FREE_TABLE, &stat);
    if (rc != 0)
        return store_fail_mdb(err, rc, "read the store");
    uint64_t free_pages = 0;
    GW_TRY(count_free(view->txn, UINT64_MAX, &free_pages, err));
    uint64_t pages = info.me_last_pgno + 1;
    *ret_bytes = (pages > free_pages ? pages - free_pages : 0) * stat.ms_psize;
    return GW_OK;
}

enum gw_code store_env_free(struct store_view *view, uint64_t txnid_max, uint64_t *ret_bytes, struct gw_error *err)
{
    MDB_stat stat;
    int rc = mdb_stat(view->txn, FREE_TABLE, &stat);
    if (rc != 0)
        return store_fail_mdb(err, rc, "read the store");
    uint64_t pages = 0;
    GW_TRY(count_free(view->txn, txnid_max, &pages, err));
    *ret_bytes = pages * stat.ms_psize;
    return GW_OK;
}

const uint8_t *store_ident_key(const struct store *store)
{
    return store->keys.ident;
}

const uint8_t *store_session_key(const struct store *store)
{
    return store->keys.session;
}
