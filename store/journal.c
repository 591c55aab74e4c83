#include "store/journal.h"

#include "store/bytes.h"
#include "store/codec.h"
#include "store/trail.h"

/* Of one change: entries are of about one size. */
#define TRIM_ENTRIES_MAX 64u
#define TRIM_PART_MAX 256u
/* Of revocations: after so many, at most so many; more than come, for an older program kept more. */
#define FORGET_EVERY 64u
#define FORGET_MAX 256u

static struct store_key seq_key(uint64_t seq)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, seq, 8);
    return key;
}

/* Deletes the oldest entries, as many bytes as are about to be added: the last room is for what takes access away, and
 * there may be any number of that. A damaged entry ends it: it must not keep a deactivation from being done. */
static enum gw_code trim(struct store_apply *apply, enum store_table table, size_t bytes, struct gw_error *err)
{
    size_t freed = 0;
    for (unsigned i = 0; i < TRIM_ENTRIES_MAX && freed < bytes; i++) {
        struct store_key oldest;
        store_key_init(&oldest);
        STORE_WALK_SCOPED(walk);
        GW_TRY(store_walk_begin(&walk, &apply->view, table, err));
        enum gw_code code = store_walk_seek(&walk, GW_STR_NONE, err);
        if (code == GW_E_NOT_FOUND || (code == GW_E_STORE_DAMAGED && !apply->view.broken))
            return GW_OK;
        if (code != GW_OK)
            return code;
        store_key_add(&oldest, walk.key);
        freed += walk.value.len;
        store_walk_end(&walk);
        GW_TRY(store_delete(&apply->view, table, store_key_str(&oldest), err));
        if (table == STORE_TABLE_ACTIVITY)
            GW_TRY(store_trail_remove(&apply->view, bytes_get_be(oldest.bytes, oldest.len), err));
    }
    return GW_OK;
}

/* The oldest entry, when it may go; GW_E_NOT_FOUND: it may not, or there is none. Texts in the arena. */
static enum gw_code find_trimmed(struct store_apply *apply, struct store_key *ret_key, struct store_activity *ret_entry,
                                 struct gw_error *err)
{
    const struct store_change *change = apply->change;
    uint64_t entries = 0;
    GW_TRY(store_table_entries(&apply->view, STORE_TABLE_ACTIVITY, &entries, err));
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, &apply->view, STORE_TABLE_ACTIVITY, err));
    enum gw_code code = store_walk_seek(&walk, GW_STR_NONE, err);
    if (code != GW_OK)
        return code;
    store_key_init(ret_key);
    store_key_add(ret_key, walk.key);
    if (!store_activity_decode(store_key_str(ret_key), gw_arena_copy(&apply->arena, walk.value), ret_entry))
        return store_fail_damaged(err, STORE_TABLE_ACTIVITY, "a record makes no sense");
    bool is_many = change->as.trim.entries_max > 0 && entries > change->as.trim.entries_max;
    return is_many || ret_entry->time_ms < change->as.trim.before_ms ? GW_OK : GW_E_NOT_FOUND;
}

enum gw_code store_journal_trim(struct store_apply *apply, struct gw_error *err)
{
    struct store_change *change = apply->change;
    struct store_activity entry;
    struct store_key key;
    enum gw_code code = GW_OK;
    while (change->result.count < TRIM_PART_MAX && code == GW_OK) {
        code = find_trimmed(apply, &key, &entry, err);
        if (code != GW_OK)
            break;
        GW_TRY(store_delete(&apply->view, STORE_TABLE_ACTIVITY, store_key_str(&key), err));
        GW_TRY(store_trail_remove(&apply->view, entry.seq, err));
        change->result.count++;
    }
    change->result.has_more = code == GW_OK;
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_journal_add_entry(struct store_apply *apply, struct store_activity *entry, struct gw_error *err)
{
    entry->seq = ++apply->sentinel.activity_last;
    if (apply->found.room == STORE_ROOM_LAST)
        entry->values = GW_STR_NONE; /* the last room is for what takes access away, not for what it was before */
    struct store_bytes bytes = store_activity_encode(&apply->arena, entry);
    struct store_key key = seq_key(entry->seq);
    if (apply->found.room == STORE_ROOM_LAST)
        GW_TRY(trim(apply, STORE_TABLE_ACTIVITY, bytes.len, err));
    GW_TRY(store_append(&apply->view, STORE_TABLE_ACTIVITY, store_key_str(&key), bytes.ptr, bytes.len, err));
    return store_trail_add(&apply->view, entry->seq, err);
}

enum gw_code store_journal_add(struct store_apply *apply, enum store_activity_kind kind, const struct store_user *user,
                               struct gw_str result, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct store_activity entry = {
        .time_ms = change->time_ms,
        .kind = kind,
        .folder = user != NULL ? user->folder : change->folder,
        .user_seq = user != NULL ? user->seq : 0,
        .actor = change->actor,
        .app = change->app,
        .user_name = user != NULL ? user->user_name : GW_STR_NONE,
        .attributes = change->attribute_names,
        .result = result,
        .reference = change->reference,
        .values = user != NULL ? change->attribute_values : GW_STR_NONE,
    };
    return store_journal_add_entry(apply, &entry, err);
}

enum revocation_field {
    REVOCATION_AT_FOLDER = STORE_SEAL_BYTES,
    REVOCATION_AT_USER = REVOCATION_AT_FOLDER + 4,
    REVOCATION_AT_GENERATION = REVOCATION_AT_USER + 8,
    REVOCATION_BYTES = REVOCATION_AT_GENERATION + 8
};

/* Now and then, so that a revocation writes at one end of the table only. */
static enum gw_code forget_old(struct store_apply *apply, uint64_t seq, struct gw_error *err)
{
    for (unsigned i = 0; i < FORGET_MAX; i++) {
        struct store_key oldest;
        STORE_WALK_SCOPED(walk);
        GW_TRY(store_walk_begin(&walk, &apply->view, STORE_TABLE_REVOCATIONS, err));
        GW_TRY(store_walk_seek(&walk, GW_STR_NONE, err));
        if (bytes_get_be(walk.key.ptr, walk.key.len) + STORE_REVOCATIONS_KEPT > seq)
            return GW_OK;
        store_key_init(&oldest);
        store_key_add(&oldest, walk.key);
        store_walk_end(&walk);
        GW_TRY(store_delete(&apply->view, STORE_TABLE_REVOCATIONS, store_key_str(&oldest), err));
    }
    return GW_OK;
}

enum gw_code store_journal_revoke(struct store_apply *apply, const struct store_user *user, struct gw_error *err)
{
    uint64_t seq = ++apply->sentinel.revocation_last;
    uint8_t record[REVOCATION_BYTES];
    uint64_t entries = 0;
    GW_TRY(store_table_entries(&apply->view, STORE_TABLE_REVOCATIONS, &entries, err));
    if (apply->found.room == STORE_ROOM_LAST && entries >= STORE_REVOCATIONS_KEPT_LAST)
        GW_TRY(trim(apply, STORE_TABLE_REVOCATIONS, 2 * sizeof record, err));
    bytes_put_le(record + REVOCATION_AT_FOLDER, user->folder, 4);
    bytes_put_le(record + REVOCATION_AT_USER, user->seq, 8);
    bytes_put_le(record + REVOCATION_AT_GENERATION, user->state.generation, 8);
    struct store_key key = seq_key(seq);
    GW_TRY(store_append(&apply->view, STORE_TABLE_REVOCATIONS, store_key_str(&key), record, sizeof record, err));
    apply->revocations++;
    return seq % FORGET_EVERY == 0 ? forget_old(apply, seq, err) : GW_OK;
}

static bool decode_revocation(struct gw_str key, struct gw_str value, struct store_revocation *ret_revocation)
{
    if (key.len != 8 || value.len != REVOCATION_BYTES)
        return false;
    *ret_revocation = (struct store_revocation){.seq = bytes_get_be(key.ptr, 8),
                                                .folder = (uint32_t)bytes_get_le(value.ptr + REVOCATION_AT_FOLDER, 4),
                                                .user_seq = bytes_get_le(value.ptr + REVOCATION_AT_USER, 8),
                                                .generation = bytes_get_le(value.ptr + REVOCATION_AT_GENERATION, 8)};
    return true;
}

enum gw_code store_journal_revoked(struct store_view *view, uint64_t seq, store_revocation_fn on_revocation, void *data)
{
    struct store_key key = seq_key(seq + 1);
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_REVOCATIONS, NULL));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), NULL);
    bool is_gap = code == GW_OK && bytes_get_be(walk.key.ptr, 8) != seq + 1;
    while (code == GW_OK) {
        struct store_revocation revocation;
        if (!decode_revocation(walk.key, walk.value, &revocation))
            return GW_E_STORE_DAMAGED;
        on_revocation(&revocation, data);
        code = store_walk_next(&walk, NULL);
    }
    if (code != GW_E_NOT_FOUND)
        return code;
    return is_gap ? GW_E_STALE : GW_OK;
}
