#include "store/blind.h"
#include "store/brake_record.h"
#include "store/bytes.h"
#include "store/check_groups.h"
#include "store/codec.h"
#include "store/due.h"
#include "store/env.h"
#include "store/index.h"
#include "store/links.h"
#include "store/members.h"
#include "store/modified.h"
#include "store/pages.h"
#include "store/positions.h"
#include "store/replay.h"
#include "store/sentinel.h"
#include "store/sessions.h"
#include "store/trail.h"

/* The full scan. Reading a table verifies its seals; here the tables are compared with each other. */

#define PROGRESS_EVERY 1024u

struct scan {
    struct store_view view;
    struct gw_arena arena; /* of one record */
    bool is_part;          /* counts are not looked at */
    store_progress_fn on_progress;
    void *data;
    uint64_t done;
    uint64_t total;
    uint64_t index_entries; /* that there should be */
    uint64_t position_entries;
    uint64_t groups;
    uint64_t members;
    uint64_t due_entries;
    uint64_t trail_entries;
    uint64_t modified_entries;
    uint64_t inactive;         /* users of the folder that the walk is in */
    uint64_t inactive_folders; /* with any */
    struct store_due_scan due;
    /* users counted in the blocks that the walk is in */
    uint32_t folder;
    uint64_t blocks[STORE_BLOCK_LEVELS];
    uint64_t counts[STORE_BLOCK_LEVELS];
    struct gw_error *err;
};

static void step(struct scan *scan)
{
    scan->done++;
    if (scan->on_progress != NULL && (scan->done % PROGRESS_EVERY == 0 || scan->done == scan->total))
        scan->on_progress(scan->done, scan->total, scan->data);
}

static enum gw_code expect_key(struct scan *scan, enum store_table table, struct gw_str key)
{
    struct gw_str value;
    enum gw_code code = store_get(&scan->view, table, key, &value, scan->err);
    if (code == GW_E_NOT_FOUND)
        return store_fail_damaged(scan->err, table, "an entry is missing");
    return code;
}

static enum gw_code expect_entries(struct scan *scan, enum store_table table, uint64_t expected)
{
    uint64_t entries = 0;
    GW_TRY(store_table_entries(&scan->view, table, &entries, scan->err));
    if (entries != expected)
        return store_fail_damaged(scan->err, table, "it holds entries of nothing");
    return GW_OK;
}

/* One record of the table under the walk. */
typedef enum gw_code (*scan_fn)(struct scan *scan, struct gw_str key, struct gw_str value);

static enum gw_code scan_table(struct scan *scan, enum store_table table, scan_fn on_record)
{
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, &scan->view, table, scan->err));
    enum gw_code code = store_walk_seek(&walk, GW_STR_NONE, scan->err);
    while (code == GW_OK) {
        if (on_record != NULL)
            GW_TRY(on_record(scan, walk.key, walk.value));
        gw_arena_reset(&scan->arena);
        step(scan);
        code = store_walk_next(&walk, scan->err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static enum gw_code close_block(struct scan *scan, unsigned level)
{
    uint64_t count = 0;
    if (scan->counts[level] == 0)
        return GW_OK;
    GW_TRY(store_positions_get(&scan->view, scan->folder, level, scan->blocks[level], &count, scan->err));
    if (count != scan->counts[level])
        return store_fail_damaged(scan->err, STORE_TABLE_POSITIONS, "a count is wrong");
    scan->position_entries++;
    scan->counts[level] = 0;
    return GW_OK;
}

static enum gw_code close_inactive(struct scan *scan)
{
    uint64_t count = 0;
    if (scan->inactive == 0)
        return GW_OK;
    GW_TRY(store_due_inactive(&scan->view, scan->folder, &count, scan->err));
    if (count != scan->inactive)
        return store_fail_damaged(scan->err, STORE_TABLE_DUE_COUNTS, "a count is wrong");
    scan->inactive_folders++;
    scan->inactive = 0;
    return GW_OK;
}

static enum gw_code count_position(struct scan *scan, uint32_t folder, uint64_t seq, bool is_deleted)
{
    uint64_t block = seq;
    if (scan->is_part)
        return GW_OK;
    if (scan->folder != folder)
        GW_TRY(close_inactive(scan));
    for (unsigned level = 0; level < STORE_BLOCK_LEVELS; level++) {
        block >>= STORE_BLOCK_BITS;
        if (scan->folder != folder || scan->blocks[level] != block)
            GW_TRY(close_block(scan, level));
        scan->blocks[level] = block;
    }
    scan->folder = folder;
    for (unsigned level = 0; level < STORE_BLOCK_LEVELS && !is_deleted; level++)
        scan->counts[level]++;
    return GW_OK;
}

static enum gw_code compare_state(struct scan *scan, struct gw_str key, const struct store_user *user)
{
    struct gw_str value;
    struct store_user_state state;
    enum gw_code code = store_get(&scan->view, STORE_TABLE_STATES, key, &value, scan->err);
    if (code == GW_E_NOT_FOUND)
        return store_fail_damaged(scan->err, STORE_TABLE_STATES, "an entry is missing");
    if (code != GW_OK)
        return code;
    if (!store_state_decode(value, &state) || state.flags != user->state.flags ||
        state.generation != user->state.generation)
        return store_fail_damaged(scan->err, STORE_TABLE_STATES, "an entry differs from its user");
    return GW_OK;
}

/* What format 2 wrote has a key for an e-mail that is the userName too. */
static enum gw_code compare_email(struct scan *scan, const struct store_index_keys *keys)
{
    struct gw_str value;
    if (keys->count == 0)
        return GW_OK;
    GW_TRY(store_get(&scan->view, STORE_TABLE_INDEX, keys->keys[0], &value, scan->err));
    if (store_index_is_email(value) && !keys->name_is_email)
        return store_fail_damaged(scan->err, STORE_TABLE_INDEX, "an entry differs from its user");
    if (store_index_is_email(value) || !keys->name_is_email)
        return GW_OK;
    scan->index_entries++;
    return expect_key(scan, STORE_TABLE_INDEX, keys->email_key);
}

static enum gw_code scan_user(struct scan *scan, struct gw_str key, struct gw_str value)
{
    struct store_user user;
    struct gw_str emails[STORE_EMAILS_MAX];
    struct store_index_keys keys;
    if (!store_user_decode(key, value, emails, &user))
        return store_fail_damaged(scan->err, STORE_TABLE_USERS, "a record makes no sense");
    GW_TRY(compare_state(scan, key, &user));
    GW_TRY(store_index_keys(&scan->arena, &user, &keys, scan->err));
    for (size_t i = 0; i < keys.count; i++)
        GW_TRY(expect_key(scan, STORE_TABLE_INDEX, keys.keys[i]));
    scan->index_entries += keys.count;
    GW_TRY(compare_email(scan, &keys));
    struct store_key due;
    if (store_due_key(&user, &due)) {
        GW_TRY(expect_key(scan, STORE_TABLE_DUE, store_key_str(&due)));
        scan->due_entries++;
    }
    struct store_key modified;
    if (store_modified_key(&user, &modified)) {
        GW_TRY(expect_key(scan, STORE_TABLE_MODIFIED, store_key_str(&modified)));
        scan->modified_entries++;
    }
    GW_TRY(count_position(scan, user.folder, user.seq, (user.state.flags & STORE_USER_DELETED) != 0));
    scan->inactive += (user.state.flags & (STORE_USER_ACTIVE | STORE_USER_DELETED)) == 0;
    return GW_OK;
}

static enum gw_code scan_due(struct scan *scan, struct gw_str key, struct gw_str value)
{
    (void)value;
    if (scan->is_part)
        return GW_OK;
    return store_due_check(&scan->view, &scan->due, key, scan->err);
}

static enum gw_code scan_group(struct scan *scan, struct gw_str key, struct gw_str value)
{
    struct store_group group;
    struct store_index_keys keys;
    GW_TRY(store_group_check(&scan->view, key, value, &group, scan->err));
    GW_TRY(store_group_index_keys(&scan->arena, &group, &keys, scan->err));
    for (size_t i = 0; i < keys.count; i++)
        GW_TRY(expect_key(scan, STORE_TABLE_INDEX, keys.keys[i]));
    scan->index_entries += keys.count;
    scan->groups++;
    struct store_key modified = store_modified_group_key(&group);
    GW_TRY(expect_key(scan, STORE_TABLE_GROUPS_MODIFIED, store_key_str(&modified)));
    return count_position(scan, STORE_POSITIONS_OF_GROUPS(group.folder), group.seq, false);
}

static enum gw_code scan_set(struct scan *scan, struct gw_str key, struct gw_str value)
{
    uint64_t count = 0;
    (void)value;
    GW_TRY(store_set_check(&scan->view, key, &count, scan->err));
    scan->members += count;
    return GW_OK;
}

static enum gw_code scan_member(struct scan *scan, struct gw_str key, struct gw_str value)
{
    (void)value;
    return store_member_check(&scan->view, key, scan->err);
}

static enum gw_code scan_link(struct scan *scan, struct gw_str key, struct gw_str value)
{
    struct store_key index_key;
    if (!store_link_index_key(&scan->arena, key, value, &index_key))
        return store_fail_damaged(scan->err, STORE_TABLE_LINKS, "a record makes no sense");
    scan->index_entries++;
    return expect_key(scan, STORE_TABLE_INDEX, store_key_str(&index_key));
}

static enum gw_code scan_session(struct scan *scan, struct gw_str key, struct gw_str value)
{
    struct store_session session;
    struct store_session_digest digest;
    if (key.len != sizeof digest.bytes || !store_session_decode(value, &session))
        return store_fail_damaged(scan->err, STORE_TABLE_SESSIONS, "a record makes no sense");
    memcpy(digest.bytes, key.ptr, sizeof digest.bytes);
    struct store_key day = store_session_day_key(&digest, &session);
    return expect_key(scan, STORE_TABLE_SESSION_EXPIRY, store_key_str(&day));
}

static enum gw_code scan_replay(struct scan *scan, struct gw_str key, struct gw_str value)
{
    struct store_key expiry;
    if (!store_replay_expiry_key(key, value, &expiry))
        return store_fail_damaged(scan->err, STORE_TABLE_REPLAY, "a record makes no sense");
    return expect_key(scan, STORE_TABLE_REPLAY_EXPIRY, store_key_str(&expiry));
}

static enum gw_code scan_activity(struct scan *scan, struct gw_str key, struct gw_str value)
{
    struct store_activity entry;
    if (!store_activity_decode(key, value, &entry))
        return store_fail_damaged(scan->err, STORE_TABLE_ACTIVITY, "a record makes no sense");
    return store_trail_check(&scan->view, &entry, &scan->trail_entries, scan->err);
}

static enum gw_code scan_blind(struct scan *scan, struct gw_str key, struct gw_str value)
{
    return store_blind_check(&scan->view, key, value, scan->err);
}

static enum gw_code scan_held(struct scan *scan, struct gw_str key, struct gw_str value)
{
    struct store_held held;
    if (!store_held_decode(key, value, &held))
        return store_fail_damaged(scan->err, STORE_TABLE_HELD, "a record makes no sense");
    return GW_OK;
}

static enum gw_code expect_same_entries(struct scan *scan, enum store_table table, enum store_table other)
{
    uint64_t expected = 0;
    GW_TRY(store_table_entries(&scan->view, other, &expected, scan->err));
    return expect_entries(scan, table, expected);
}

static const scan_fn scans[STORE_TABLE_COUNT] = {
    [STORE_TABLE_USERS] = scan_user,    [STORE_TABLE_LINKS] = scan_link,        [STORE_TABLE_SESSIONS] = scan_session,
    [STORE_TABLE_REPLAY] = scan_replay, [STORE_TABLE_ACTIVITY] = scan_activity, [STORE_TABLE_GROUPS] = scan_group,
    [STORE_TABLE_SETS] = scan_set,      [STORE_TABLE_MEMBERS] = scan_member,    [STORE_TABLE_DUE] = scan_due,
    [STORE_TABLE_BLIND] = scan_blind,   [STORE_TABLE_HELD] = scan_held,
};

static enum gw_code scan_tables(struct scan *scan)
{
    for (int table = 0; table < STORE_TABLE_COUNT; table++) {
        uint64_t entries = 0;
        GW_TRY(store_table_entries(&scan->view, (enum store_table)table, &entries, scan->err));
        scan->total += entries;
    }
    for (int table = 0; table < STORE_TABLE_COUNT; table++)
        GW_TRY(scan_table(scan, (enum store_table)table, scans[table]));
    for (unsigned level = 0; level < STORE_BLOCK_LEVELS; level++)
        GW_TRY(close_block(scan, level));
    GW_TRY(close_inactive(scan));
    GW_TRY(store_due_check(&scan->view, &scan->due, GW_STR_NONE, scan->err));
    GW_TRY(expect_entries(scan, STORE_TABLE_DUE, scan->due_entries));
    GW_TRY(expect_entries(scan, STORE_TABLE_TRAIL, scan->trail_entries));
    GW_TRY(expect_entries(scan, STORE_TABLE_TRAIL_2, 0));
    GW_TRY(expect_entries(scan, STORE_TABLE_MODIFIED, scan->modified_entries));
    GW_TRY(expect_entries(scan, STORE_TABLE_GROUPS_MODIFIED, scan->groups));
    GW_TRY(expect_entries(scan, STORE_TABLE_DUE_COUNTS, scan->due.entries + scan->inactive_folders));
    GW_TRY(expect_entries(scan, STORE_TABLE_INDEX, scan->index_entries));
    GW_TRY(expect_entries(scan, STORE_TABLE_POSITIONS, scan->position_entries));
    GW_TRY(expect_same_entries(scan, STORE_TABLE_STATES, STORE_TABLE_USERS));
    GW_TRY(expect_same_entries(scan, STORE_TABLE_SESSION_EXPIRY, STORE_TABLE_SESSIONS));
    uint64_t loose = 0;
    GW_TRY(store_table_entries(&scan->view, STORE_TABLE_LOOSE_SETS, &loose, scan->err));
    GW_TRY(expect_entries(scan, STORE_TABLE_SETS, scan->groups + loose));
    GW_TRY(expect_entries(scan, STORE_TABLE_MEMBERS, scan->members));
    GW_TRY(expect_same_entries(scan, STORE_TABLE_MEMBERSHIPS, STORE_TABLE_MEMBERS));
    return expect_same_entries(scan, STORE_TABLE_REPLAY_EXPIRY, STORE_TABLE_REPLAY);
}

enum gw_code store_check(struct store *store, store_progress_fn on_progress, void *data, struct gw_error *err)
{
    struct scan scan = {.view = {.store = store}, .on_progress = on_progress, .data = data, .err = err};
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &scan.view.txn);
    if (rc != 0)
        return store_fail_mdb(err, rc, "read the store");
    enum gw_code code = store_pages_check_tree(store->path, scan.view.txn, /* whole= */ true, err);
    if (code == GW_OK)
        code = store_sentinel_check(&scan.view, err);
    if (code == GW_OK)
        code = scan_tables(&scan);
    gw_arena_done(&scan.arena);
    mdb_txn_abort(scan.view.txn);
    return code;
}

static enum gw_code count_total(struct scan *scan, struct store_check_place *place)
{
    place->total = 0;
    for (int table = 0; table < STORE_TABLE_COUNT; table++) {
        uint64_t entries = 0;
        GW_TRY(store_table_entries(&scan->view, (enum store_table)table, &entries, scan->err));
        place->total += entries;
    }
    return GW_OK;
}

/* From `place` on, until so many records are done or the table ends. */
static enum gw_code scan_some(struct scan *scan, struct store_check_place *place, unsigned records_max)
{
    STORE_WALK_SCOPED(walk);
    scan_fn on_record = scans[place->table];
    GW_TRY(store_walk_begin(&walk, &scan->view, (enum store_table)place->table, scan->err));
    enum gw_code code = store_walk_seek(&walk, gw_str_n((const char *)place->key, place->key_bytes), scan->err);
    while (code == GW_OK && scan->done < records_max) {
        if (on_record != NULL)
            GW_TRY(on_record(scan, walk.key, walk.value));
        gw_arena_reset(&scan->arena);
        scan->done++;
        code = store_walk_next(&walk, scan->err);
    }
    if (code != GW_OK && code != GW_E_NOT_FOUND)
        return code;
    bool is_end = code == GW_E_NOT_FOUND;
    place->key_bytes = is_end ? 0 : walk.key.len;
    if (!is_end)
        memcpy(place->key, walk.key.ptr, walk.key.len);
    place->table += is_end;
    place->is_done = place->table == STORE_TABLE_COUNT;
    return GW_OK;
}

enum gw_code store_check_part(struct store *store, struct store_check_place *place, unsigned records_max,
                              struct gw_error *err)
{
    struct scan scan = {.view = {.store = store}, .is_part = true, .err = err};
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &scan.view.txn);
    if (rc != 0)
        return store_fail_mdb(err, rc, "read the store");
    enum gw_code code = count_total(&scan, place);
    while (code == GW_OK && !place->is_done && scan.done < records_max)
        code = scan_some(&scan, place, records_max);
    place->done += scan.done;
    gw_arena_done(&scan.arena);
    mdb_txn_abort(scan.view.txn);
    return code;
}

bool store_is_large(const struct store_stats *stats)
{
    return stats->used_bytes > STORE_FULL_CHECK_BYTES_MAX;
}
