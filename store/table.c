#include "store/table.h"

#include "gateway/base/digest.h"
#include "store/bytes.h"
#include "store/env.h"
#include "store/fault.h"

#include <errno.h>

#define PAGE_BYTES 4096u

static const char *const table_names[STORE_TABLE_COUNT] = {
    [STORE_TABLE_META] = "meta",
    [STORE_TABLE_FOLDERS] = "folders",
    [STORE_TABLE_USERS] = "users",
    [STORE_TABLE_STATES] = "states",
    [STORE_TABLE_INDEX] = "index",
    [STORE_TABLE_POSITIONS] = "positions",
    [STORE_TABLE_LINKS] = "links",
    [STORE_TABLE_SESSIONS] = "sessions",
    [STORE_TABLE_SESSION_EXPIRY] = "session_expiry",
    [STORE_TABLE_REVOCATIONS] = "revocations",
    [STORE_TABLE_REPLAY] = "replay",
    [STORE_TABLE_REPLAY_EXPIRY] = "replay_expiry",
    [STORE_TABLE_ACTIVITY] = "activity",
    [STORE_TABLE_GROUPS] = "groups",
    [STORE_TABLE_SETS] = "sets",
    [STORE_TABLE_LOOSE_SETS] = "loose_sets",
    [STORE_TABLE_MEMBERS] = "members",
    [STORE_TABLE_MEMBERSHIPS] = "memberships",
    [STORE_TABLE_DUE] = "due",
    [STORE_TABLE_DUE_COUNTS] = "due_counts",
    [STORE_TABLE_BLIND] = "blind",
    [STORE_TABLE_HELD] = "held",
    [STORE_TABLE_TRAIL_2] = "trail",
    [STORE_TABLE_TRAIL] = "trail_blocks",
    [STORE_TABLE_MODIFIED] = "modified",
    [STORE_TABLE_GROUPS_MODIFIED] = "groups_modified",
};

const char *store_table_name(enum store_table table)
{
    return table_names[table];
}

void store_key_init(struct store_key *key)
{
    key->len = 0;
}

void store_key_add(struct store_key *key, struct gw_str s)
{
    GW_ASSERT(s.len <= sizeof key->bytes - key->len);
    if (s.len > 0)
        memcpy(key->bytes + key->len, s.ptr, s.len);
    key->len += s.len;
}

void store_key_add_be(struct store_key *key, uint64_t value, size_t size)
{
    GW_ASSERT(size <= sizeof key->bytes - key->len);
    bytes_put_be(key->bytes + key->len, value, size);
    key->len += size;
}

enum gw_code store_fail_mdb(struct gw_error *err, int rc, const char *what)
{
    switch (rc) {
    case STORE_FAULT:
        return gw_fail(err, GW_E_STORE_IO, "cannot %s: the disk does not give a page", what);
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return gw_fail(err, GW_E_STORE_FULL, "cannot %s: the store has reached store.max_size", what);
    case ENOSPC:
    case EDQUOT:
        return gw_fail(err, GW_E_STORE_FULL, "cannot %s: the disk is full", what);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
        return gw_fail(err, GW_E_STORE_DAMAGED, "cannot %s: %s", what, mdb_strerror(rc));
    case MDB_PANIC:
    case EROFS:
        return gw_fail(err, GW_E_STORE_READ_ONLY, "cannot %s: %s", what, mdb_strerror(rc));
    default:
        return gw_fail(err, GW_E_STORE_IO, "cannot %s: %s", what, mdb_strerror(rc));
    }
}

enum gw_code store_fail_damaged(struct gw_error *err, enum store_table table, const char *reason)
{
    return gw_fail(err, GW_E_STORE_DAMAGED, "the store is damaged: table %s: %s", table_names[table], reason);
}

static MDB_val to_val(struct gw_str s)
{
    union {
        const char *in;
        void *out;
    } ptr = {.in = s.ptr};
    return (MDB_val){s.len, ptr.out};
}

static struct gw_str to_str(MDB_val val)
{
    return gw_str_n(val.mv_data, val.mv_size);
}

static uint32_t seal_of(struct gw_str key, const uint8_t *value, size_t size)
{
    return gw_crc32(value + STORE_SEAL_BYTES, size - STORE_SEAL_BYTES) ^ gw_crc32(key.ptr, key.len);
}

/* NULL: it is as it was written. */
static const char *flaw_of(struct gw_str key, struct gw_str value)
{
    if (value.len < STORE_SEAL_BYTES)
        return "a record is cut short";
    const uint8_t *bytes = (const uint8_t *)value.ptr;
    bool is_sound = bytes_get_le(bytes, STORE_SEAL_BYTES) == seal_of(key, bytes, value.len);
    return is_sound ? NULL : "a record has a wrong checksum";
}

/* One read of LMDB and the look at its seal, which touches every byte: later the caller finds all of it in memory. */
struct look {
    MDB_txn *txn;
    MDB_dbi table;
    MDB_cursor *cursor;
    MDB_cursor_op op;
    MDB_val key;
    MDB_val value;
    const char *flaw;
};

static int look_up(void *data)
{
    struct look *look = data;
    int rc = mdb_get(look->txn, look->table, &look->key, &look->value);
    look->flaw = rc == 0 ? flaw_of(to_str(look->key), to_str(look->value)) : NULL;
    return rc;
}

static int look_on(void *data)
{
    struct look *look = data;
    int rc = mdb_cursor_get(look->cursor, &look->key, &look->value, look->op);
    look->flaw = rc == 0 ? flaw_of(to_str(look->key), to_str(look->value)) : NULL;
    return rc;
}

static enum gw_code run_look(struct store_view *view, enum store_table table, store_fault_fn read, struct look *look,
                             struct gw_error *err)
{
    int rc = store_fault_run(read, look);
    if (rc == MDB_NOTFOUND)
        return GW_E_NOT_FOUND;
    if (rc != 0) {
        view->broken = true;
        return store_fail_mdb(err, rc, "read the store");
    }
    return look->flaw == NULL ? GW_OK : store_fail_damaged(err, table, look->flaw);
}

enum gw_code store_get(struct store_view *view, enum store_table table, struct gw_str key, struct gw_str *ret_value,
                       struct gw_error *err)
{
    if (key.len == 0 || key.len > STORE_KEY_BYTES_MAX)
        return GW_E_NOT_FOUND;
    struct look look = {.txn = view->txn, .table = view->store->tables[table], .key = to_val(key)};
    enum gw_code code = run_look(view, table, look_up, &look, err);
    if (code == GW_OK)
        *ret_value = to_str(look.value);
    return code;
}

struct stroke {
    MDB_txn *txn;
    MDB_dbi table;
    MDB_val key;
    MDB_val value;
    bool is_append;
};

static int put_one(void *data)
{
    struct stroke *put = data;
    int rc = MDB_KEYEXIST;
    if (put->is_append)
        rc = mdb_put(put->txn, put->table, &put->key, &put->value, MDB_APPEND);
    if (rc == MDB_KEYEXIST)
        rc = mdb_put(put->txn, put->table, &put->key, &put->value, 0);
    return rc;
}

static int delete_one(void *data)
{
    struct stroke *gone = data;
    int rc = mdb_del(gone->txn, gone->table, &gone->key, NULL);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static enum gw_code run_stroke(struct store_view *view, store_fault_fn write, struct stroke *stroke,
                               struct gw_error *err)
{
    view->wrote = true;
    view->put_bytes += stroke->value.mv_size + PAGE_BYTES;
    int rc = store_fault_run(write, stroke);
    if (rc == 0)
        return GW_OK;
    view->broken = true;
    view->torn = view->torn || rc == STORE_FAULT;
    return store_fail_mdb(err, rc, "write the store");
}

static enum gw_code put(struct store_view *view, enum store_table table, struct gw_str key, uint8_t *value, size_t size,
                        bool is_append, struct gw_error *err)
{
    GW_ASSERT(size >= STORE_SEAL_BYTES && key.len > 0 && key.len <= STORE_KEY_BYTES_MAX);
    bytes_put_le(value, seal_of(key, value, size), STORE_SEAL_BYTES);
    struct stroke stroke = {view->txn, view->store->tables[table], to_val(key), {size, value}, is_append};
    return run_stroke(view, put_one, &stroke, err);
}

enum gw_code store_put(struct store_view *view, enum store_table table, struct gw_str key, uint8_t *value, size_t size,
                       struct gw_error *err)
{
    return put(view, table, key, value, size, /* is_append= */ false, err);
}

enum gw_code store_append(struct store_view *view, enum store_table table, struct gw_str key, uint8_t *value,
                          size_t size, struct gw_error *err)
{
    return put(view, table, key, value, size, /* is_append= */ true, err);
}

enum gw_code store_put_key(struct store_view *view, enum store_table table, struct gw_str key, struct gw_error *err)
{
    uint8_t seal[STORE_SEAL_BYTES];
    return put(view, table, key, seal, sizeof seal, /* is_append= */ false, err);
}

enum gw_code store_delete(struct store_view *view, enum store_table table, struct gw_str key, struct gw_error *err)
{
    struct stroke stroke = {.txn = view->txn, .table = view->store->tables[table], .key = to_val(key)};
    return run_stroke(view, delete_one, &stroke, err);
}

struct size {
    MDB_txn *txn;
    MDB_dbi table;
    MDB_stat stat;
};

static int read_size(void *data)
{
    struct size *size = data;
    return mdb_stat(size->txn, size->table, &size->stat);
}

enum gw_code store_table_size(struct store_view *view, enum store_table table, uint64_t *ret_entries,
                              uint64_t *ret_bytes, struct gw_error *err)
{
    struct size size = {.txn = view->txn, .table = view->store->tables[table]};
    int rc = store_fault_run(read_size, &size);
    if (rc != 0)
        return store_fail_mdb(err, rc, "read the store");
    const MDB_stat *stat = &size.stat;
    *ret_entries = stat->ms_entries;
    *ret_bytes = (stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages) * stat->ms_psize;
    return GW_OK;
}

enum gw_code store_table_entries(struct store_view *view, enum store_table table, uint64_t *ret_entries,
                                 struct gw_error *err)
{
    uint64_t bytes = 0;
    return store_table_size(view, table, ret_entries, &bytes, err);
}

enum gw_code store_walk_begin(struct store_walk *walk, struct store_view *view, enum store_table table,
                              struct gw_error *err)
{
    uint64_t entries = 0;
    *walk = (struct store_walk){.view = view, .table = table};
    /* it reads where the table begins, which opening the cursor would do while it owns memory */
    enum gw_code code = store_table_entries(view, table, &entries, err);
    int rc = code == GW_OK ? mdb_cursor_open(view->txn, view->store->tables[table], &walk->cursor) : 0;
    if (rc != 0)
        code = store_fail_mdb(err, rc, "read the store");
    if (code != GW_OK)
        view->broken = true;
    return code;
}

static enum gw_code step(struct store_walk *walk, MDB_val key, MDB_cursor_op op, struct gw_error *err)
{
    struct look look = {.cursor = walk->cursor, .op = op, .key = key};
    enum gw_code code = run_look(walk->view, walk->table, look_on, &look, err);
    if (code == GW_OK) {
        walk->key = to_str(look.key);
        walk->value = to_str(look.value);
    }
    return code;
}

enum gw_code store_walk_seek(struct store_walk *walk, struct gw_str key, struct gw_error *err)
{
    return step(walk, to_val(key), key.len == 0 ? MDB_FIRST : MDB_SET_RANGE, err);
}

enum gw_code store_walk_next(struct store_walk *walk, struct gw_error *err)
{
    return step(walk, (MDB_val){0}, MDB_NEXT, err);
}

enum gw_code store_walk_last(struct store_walk *walk, struct gw_error *err)
{
    return step(walk, (MDB_val){0}, MDB_LAST, err);
}

enum gw_code store_walk_back(struct store_walk *walk, struct gw_error *err)
{
    return step(walk, (MDB_val){0}, MDB_PREV, err);
}

void store_walk_end(struct store_walk *walk)
{
    if (walk->cursor != NULL)
        mdb_cursor_close(walk->cursor);
    walk->cursor = NULL;
}
