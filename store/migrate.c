#include "store/migrate.h"

#include "store/blind.h"
#include "store/bytes.h"
#include "store/codec.h"
#include "store/due.h"
#include "store/env.h"
#include "store/groups.h"
#include "store/modified.h"
#include "store/pages.h"
#include "store/role.h"
#include "store/sentinel.h"
#include "store/trail.h"

#include <unistd.h>

/* Of one transaction: some ten milliseconds, and a bounded piece of the map. */
#define BATCH_RECORDS_MAX 512u
#define BATCH_BYTES_MAX (4u << 20)
#define ROLES 4u

/* Puts what is derived from one record; never the same record twice. */
typedef enum gw_code (*fill_fn)(struct store_view *view, struct gw_str key, struct gw_str value, struct gw_error *err);

struct fill {
    enum store_table source;
    fill_fn on_record;
};

static enum gw_code fill_from_user(struct store_view *view, struct gw_str key, struct gw_str value,
                                   struct gw_error *err)
{
    struct store_user user;
    struct gw_str emails[STORE_EMAILS_MAX];
    if (!store_user_decode(key, value, emails, &user))
        return store_fail_damaged(err, STORE_TABLE_USERS, "a record makes no sense");
    GW_TRY(store_due_move(view, NULL, &user, err));
    GW_TRY(store_modified_move(view, NULL, &user, err));
    return (user.state.flags & STORE_USER_DELETED) != 0 ? store_blind_fill(view, &user, err) : GW_OK;
}

static enum gw_code fill_from_activity(struct store_view *view, struct gw_str key, struct gw_str value,
                                       struct gw_error *err)
{
    struct store_activity entry;
    if (!store_activity_decode(key, value, &entry))
        return store_fail_damaged(err, STORE_TABLE_ACTIVITY, "a record makes no sense");
    return store_trail_add(view, entry.seq, err);
}

static enum gw_code fill_from_group(struct store_view *view, struct gw_str key, struct gw_str value,
                                    struct gw_error *err)
{
    struct store_group group;
    if (!store_group_decode(key, value, &group))
        return store_fail_damaged(err, STORE_TABLE_GROUPS, "a record makes no sense");
    return store_modified_group_move(view, NULL, &group, err);
}

static const struct fill fills_1[] = {
    {STORE_TABLE_ACTIVITY, fill_from_activity},
    {STORE_TABLE_USERS, fill_from_user},
    {STORE_TABLE_GROUPS, fill_from_group},
};
static const struct fill fills_2[] = {
    {STORE_TABLE_ACTIVITY, fill_from_activity},
    {STORE_TABLE_GROUPS, fill_from_group},
};
static const struct fill fills_3[] = {
    {STORE_TABLE_GROUPS, fill_from_group},
};

/* By the format that a step starts from; each leads to the newest one. */
static const struct step {
    enum store_table tables_from; /* the first one that is new */
    const struct fill *fills;
    size_t fill_count;
} steps[] = {
    [1] = {STORE_TABLE_MEMBERSHIPS + 1, fills_1, sizeof fills_1 / sizeof fills_1[0]},
    [2] = {STORE_TABLE_BLIND + 1, fills_2, sizeof fills_2 / sizeof fills_2[0]},
    [3] = {STORE_TABLE_TRAIL + 1, fills_3, sizeof fills_3 / sizeof fills_3[0]},
};
_Static_assert(sizeof steps / sizeof steps[0] == STORE_FORMAT_VERSION, "each older format has a step");

/* How far a step got, beside the sentinel: which fill, how many commits the store had then, the last key that is done.
 */
#define STATE_KEY GW_STR("migration")
enum state_field {
    STATE_AT_FILL = STORE_SEAL_BYTES,
    STATE_AT_COMMITS = STATE_AT_FILL + 4,
    STATE_AT_KEY = STATE_AT_COMMITS + 8
};

struct migration {
    struct store_view view;
    struct store_sentinel sentinel;
    struct gw_arena arena; /* of one transaction */
    const struct step *step;
    uint32_t fill;
    struct store_key last; /* of the fill's source; empty: none yet */
    store_progress_fn on_progress;
    void *data;
    uint64_t done;
    uint64_t total;
    struct gw_error *err;
};

static unsigned stop_after;

void store_migrate_stop_after(unsigned transactions)
{
    stop_after = transactions;
}

static enum gw_code empty_tables(struct migration *m)
{
    for (int table = (int)m->step->tables_from; table < STORE_TABLE_COUNT; table++) {
        int rc = mdb_drop(m->view.txn, m->view.store->tables[table], 0);
        if (rc != 0)
            return store_fail_mdb(m->err, rc, "empty a table");
    }
    return GW_OK;
}

/* Where an earlier attempt stood; when the old program has written since, everything begins again. */
static enum gw_code load_state(struct migration *m)
{
    struct gw_str value;
    enum gw_code code = store_get(&m->view, STORE_TABLE_META, STATE_KEY, &value, m->err);
    m->fill = 0;
    store_key_init(&m->last);
    if (code != GW_OK && code != GW_E_NOT_FOUND)
        return code;
    bool is_ours = code == GW_OK && value.len >= STATE_AT_KEY && value.len - STATE_AT_KEY <= STORE_KEY_BYTES_MAX &&
                   bytes_get_le(value.ptr + STATE_AT_COMMITS, 8) == m->sentinel.commits;
    if (!is_ours)
        return empty_tables(m);
    m->fill = (uint32_t)bytes_get_le(value.ptr + STATE_AT_FILL, 4);
    store_key_add(&m->last, gw_str_from_pos(value, STATE_AT_KEY));
    return GW_OK;
}

static enum gw_code save_state(struct migration *m)
{
    uint8_t record[STATE_AT_KEY + STORE_KEY_BYTES_MAX];
    bytes_put_le(record + STATE_AT_FILL, m->fill, 4);
    bytes_put_le(record + STATE_AT_COMMITS, m->sentinel.commits, 8);
    memcpy(record + STATE_AT_KEY, m->last.bytes, m->last.len);
    return store_put(&m->view, STORE_TABLE_META, STATE_KEY, record, STATE_AT_KEY + m->last.len, m->err);
}

struct batch {
    struct gw_str keys[BATCH_RECORDS_MAX];
    struct gw_str values[BATCH_RECORDS_MAX];
    size_t count;
};

/* The next records after the last one that is done, copied: nothing may be written during a walk. */
static enum gw_code read_batch(struct migration *m, enum store_table source, struct batch *batch)
{
    size_t bytes = 0;
    batch->count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, &m->view, source, m->err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&m->last), m->err);
    if (code == GW_OK && m->last.len > 0 && gw_str_eq(walk.key, store_key_str(&m->last)))
        code = store_walk_next(&walk, m->err);
    while (code == GW_OK && batch->count < BATCH_RECORDS_MAX && bytes < BATCH_BYTES_MAX) {
        batch->keys[batch->count] = gw_arena_copy(&m->arena, walk.key);
        batch->values[batch->count++] = gw_arena_copy(&m->arena, walk.value);
        bytes += walk.value.len;
        code = store_walk_next(&walk, m->err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static enum gw_code fill_some(struct migration *m)
{
    const struct fill *fill = &m->step->fills[m->fill];
    struct batch *batch = gw_arena_alloc(&m->arena, sizeof *batch);
    GW_TRY(read_batch(m, fill->source, batch));
    for (size_t i = 0; i < batch->count; i++)
        GW_TRY(fill->on_record(&m->view, batch->keys[i], batch->values[i], m->err));
    store_key_init(&m->last);
    if (batch->count > 0)
        store_key_add(&m->last, batch->keys[batch->count - 1]);
    else
        m->fill++;
    m->done += batch->count;
    return GW_OK;
}

/* What the newest format does not have any more. */
static enum gw_code leave_behind(struct migration *m)
{
    int rc = mdb_drop(m->view.txn, m->view.store->tables[STORE_TABLE_TRAIL_2], 0);
    if (rc != 0)
        return store_fail_mdb(m->err, rc, "empty a table");
    return store_delete(&m->view, STORE_TABLE_META, GW_STR("trail-gap"), m->err);
}

/* One transaction's work. After the last fill: the new format, and nothing of the migration is left. */
static enum gw_code do_some(struct migration *m)
{
    struct store *store = m->view.store;
    GW_TRY(store_env_tables(store, m->view.txn, m->step->tables_from, m->err));
    GW_TRY(store_sentinel_read(&m->view, &m->sentinel, m->err));
    GW_TRY(load_state(m));
    m->sentinel.commits++;
    if (m->fill < m->step->fill_count) {
        GW_TRY(fill_some(m));
        GW_TRY(save_state(m));
    } else {
        GW_TRY(store_delete(&m->view, STORE_TABLE_META, STATE_KEY, m->err));
        GW_TRY(leave_behind(m));
        store->format = STORE_FORMAT_VERSION;
    }
    return store_sentinel_write(&m->view, &m->sentinel, m->err);
}

static enum gw_code run_transaction(struct migration *m)
{
    struct store *store = m->view.store;
    uint32_t format = store->format;
    int rc = mdb_txn_begin(store->env, NULL, 0, &m->view.txn);
    if (rc != 0)
        return store_fail_mdb(m->err, rc, "write the store");
    enum gw_code code = do_some(m);
    gw_arena_reset(&m->arena);
    if (code == GW_OK) {
        rc = mdb_txn_commit(m->view.txn);
        code = rc == 0 ? GW_OK : store_fail_mdb(m->err, rc, "write the store");
    } else {
        mdb_txn_abort(m->view.txn);
    }
    if (code != GW_OK)
        store->format = format;
    return code;
}

static enum gw_code count_total(struct migration *m)
{
    struct store_view *view = &m->view;
    for (size_t i = 0; i < m->step->fill_count; i++) {
        uint64_t entries = 0;
        GW_TRY(store_table_entries(view, m->step->fills[i].source, &entries, m->err));
        m->total += entries;
    }
    return GW_OK;
}

static enum gw_code run_steps(struct migration *m)
{
    unsigned transactions = 0;
    while (m->view.store->format < STORE_FORMAT_VERSION) {
        if (stop_after > 0 && transactions++ == stop_after)
            return gw_fail(m->err, GW_E_INTERNAL, "stopped by a test");
        GW_TRY(run_transaction(m));
        if (m->on_progress != NULL)
            m->on_progress(m->done < m->total ? m->done : m->total, m->total, m->data);
    }
    return GW_OK;
}

/* The old tables are what the old sentinel says, before anything is derived from them. */
static enum gw_code check_old(struct migration *m)
{
    struct store *store = m->view.store;
    GW_TRY(store_pages_check_tree(store->path, m->view.txn, /* whole= */ false, m->err));
    GW_TRY(store_sentinel_format(&m->view, &store->format, m->err));
    if (store->format == STORE_FORMAT_VERSION)
        return GW_OK;
    m->step = &steps[store->format];
    GW_TRY(store_env_tables_old(store, m->view.txn, (int)m->step->tables_from, m->err));
    GW_TRY(store_sentinel_check(&m->view, m->err));
    return count_total(m);
}

static enum gw_code look(struct migration *m)
{
    int rc = mdb_txn_begin(m->view.store->env, NULL, MDB_RDONLY, &m->view.txn);
    if (rc != 0)
        return store_fail_mdb(m->err, rc, "read the store");
    enum gw_code code = check_old(m);
    if (code != GW_OK) {
        mdb_txn_abort(m->view.txn);
        return code;
    }
    /* handles outlive the transaction only when it commits */
    rc = mdb_txn_commit(m->view.txn);
    return rc == 0 ? GW_OK : store_fail_mdb(m->err, rc, "read the store");
}

static enum gw_code run_alone(struct migration *m)
{
    static const enum store_role roles[ROLES] = {STORE_ROLE_SSO, STORE_ROLE_PROV, STORE_ROLE_TOOL, STORE_ROLE_IMPORT};
    int fds[ROLES];
    size_t taken = 0;
    enum gw_code code = GW_OK;
    while (code == GW_OK && taken < ROLES) {
        code = store_role_take(m->view.store->path, roles[taken], &fds[taken], m->err);
        taken += code == GW_OK;
    }
    if (code == GW_OK)
        code = run_steps(m);
    while (taken > 0)
        (void)close(fds[--taken]);
    return code;
}

enum gw_code store_migrate(const char *path, uint64_t max_size_bytes, store_progress_fn on_progress, void *data,
                           uint32_t *ret_from, struct gw_error *err)
{
    struct store *store = NULL;
    GW_TRY(store_env_new(path, max_size_bytes, 0, &store, err));
    struct migration m = {.view = {.store = store}, .on_progress = on_progress, .data = data, .err = err};
    enum gw_code code = look(&m);
    if (code == GW_OK) {
        *ret_from = store->format;
        if (store->format < STORE_FORMAT_VERSION)
            code = run_alone(&m);
    }
    if (code != GW_OK)
        (void)gw_error_prefix(err, "%s", path);
    gw_arena_done(&m.arena);
    store_close(store);
    return code;
}
