#include "store/members.h"

#include "store/bytes.h"
#include "store/users.h"

#define SET_KEY_BYTES 12u
#define MEMBER_KEY_BYTES 20u
#define SWEEP_PART 512u

enum set_field { SET_AT_GROUP = STORE_SEAL_BYTES, SET_AT_COUNT = SET_AT_GROUP + 8, SET_BYTES = SET_AT_COUNT + 8 };
enum loose_field { LOOSE_AT_TIME = STORE_SEAL_BYTES, LOOSE_BYTES = LOOSE_AT_TIME + 8 };

/* MEMBERS and MEMBERSHIPS: who, of whom. */
static struct store_key pair_key(uint32_t folder, uint64_t first, uint64_t second)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, folder, 4);
    store_key_add_be(&key, first, 8);
    store_key_add_be(&key, second, 8);
    return key;
}

static struct store_key set_key(uint32_t folder, uint64_t number)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, folder, 4);
    store_key_add_be(&key, number, 8);
    return key;
}

enum gw_code store_set_load(struct store_view *view, uint32_t folder, uint64_t number, struct store_set *ret_set,
                            struct gw_error *err)
{
    struct store_key key = set_key(folder, number);
    struct gw_str value;
    enum gw_code code = store_get(view, STORE_TABLE_SETS, store_key_str(&key), &value, err);
    if (code != GW_OK)
        return code;
    if (value.len != SET_BYTES)
        return store_fail_damaged(err, STORE_TABLE_SETS, "a record has a wrong size");
    *ret_set = (struct store_set){folder, number, bytes_get_le(value.ptr + SET_AT_GROUP, 8),
                                  bytes_get_le(value.ptr + SET_AT_COUNT, 8)};
    return GW_OK;
}

enum gw_code store_set_save(struct store_view *view, const struct store_set *set, struct gw_error *err)
{
    struct store_key key = set_key(set->folder, set->number);
    uint8_t record[SET_BYTES];
    bytes_put_le(record + SET_AT_GROUP, set->group, 8);
    bytes_put_le(record + SET_AT_COUNT, set->count, 8);
    return store_put(view, STORE_TABLE_SETS, store_key_str(&key), record, sizeof record, err);
}

static enum gw_code put_loose(struct store_view *view, const struct store_set *set, int64_t since_ms,
                              struct gw_error *err)
{
    struct store_key key = set_key(set->folder, set->number);
    uint8_t record[LOOSE_BYTES];
    bytes_put_le(record + LOOSE_AT_TIME, (uint64_t)since_ms, 8);
    return store_put(view, STORE_TABLE_LOOSE_SETS, store_key_str(&key), record, sizeof record, err);
}

enum gw_code store_set_new(struct store_view *view, uint32_t folder, uint64_t group, int64_t time_ms,
                           struct store_set *ret_set, struct gw_error *err)
{
    *ret_set = (struct store_set){.folder = folder, .group = group};
    GW_TRY(store_new_number(view, GW_STR("set-seq"), folder, &ret_set->number, err));
    if (group == 0)
        GW_TRY(put_loose(view, ret_set, time_ms, err));
    return store_set_save(view, ret_set, err);
}

enum gw_code store_set_take(struct store_view *view, struct store_set *set, uint64_t group, struct gw_error *err)
{
    struct store_key key = set_key(set->folder, set->number);
    GW_TRY(store_delete(view, STORE_TABLE_LOOSE_SETS, store_key_str(&key), err));
    set->group = group;
    return store_set_save(view, set, err);
}

enum gw_code store_set_drop(struct store_view *view, struct store_set *set, struct gw_error *err)
{
    GW_TRY(put_loose(view, set, 0, err));
    set->group = 0;
    return store_set_save(view, set, err);
}

enum gw_code store_set_has(struct store_view *view, uint32_t folder, uint64_t number, uint64_t user_seq, bool *ret_has,
                           struct gw_error *err)
{
    struct store_key key = pair_key(folder, number, user_seq);
    struct gw_str value;
    enum gw_code code = store_get(view, STORE_TABLE_MEMBERS, store_key_str(&key), &value, err);
    *ret_has = code == GW_OK;
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_set_add(struct store_view *view, struct store_set *set, uint64_t user_seq, bool *ret_changed,
                           struct gw_error *err)
{
    bool has = false;
    GW_TRY(store_set_has(view, set->folder, set->number, user_seq, &has, err));
    *ret_changed = !has;
    if (has)
        return GW_OK;
    struct store_key member = pair_key(set->folder, set->number, user_seq);
    struct store_key membership = pair_key(set->folder, user_seq, set->number);
    set->count++;
    GW_TRY(store_put_key(view, STORE_TABLE_MEMBERS, store_key_str(&member), err));
    return store_put_key(view, STORE_TABLE_MEMBERSHIPS, store_key_str(&membership), err);
}

enum gw_code store_set_remove(struct store_view *view, struct store_set *set, uint64_t user_seq, bool *ret_changed,
                              struct gw_error *err)
{
    bool has = false;
    GW_TRY(store_set_has(view, set->folder, set->number, user_seq, &has, err));
    *ret_changed = has;
    if (!has)
        return GW_OK;
    if (set->count == 0)
        return store_fail_damaged(err, STORE_TABLE_SETS, "a set holds more members than it should");
    struct store_key member = pair_key(set->folder, set->number, user_seq);
    struct store_key membership = pair_key(set->folder, user_seq, set->number);
    set->count--;
    GW_TRY(store_delete(view, STORE_TABLE_MEMBERS, store_key_str(&member), err));
    return store_delete(view, STORE_TABLE_MEMBERSHIPS, store_key_str(&membership), err);
}

/* The second halves of the pairs that begin with `first`, from `from` on. */
static enum gw_code list_pairs(struct store_view *view, enum store_table table, uint32_t folder, uint64_t first,
                               uint64_t from, uint64_t *ret_seconds, size_t max, size_t *ret_count,
                               struct gw_error *err)
{
    struct store_key prefix = set_key(folder, first);
    struct store_key key = pair_key(folder, first, from);
    *ret_count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, table, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), err);
    while (code == GW_OK && *ret_count < max && gw_str_starts(walk.key, store_key_str(&prefix))) {
        if (walk.key.len != MEMBER_KEY_BYTES)
            return store_fail_damaged(err, table, "a key has a wrong size");
        ret_seconds[(*ret_count)++] = bytes_get_be(walk.key.ptr + SET_KEY_BYTES, 8);
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_set_members(struct store_view *view, uint32_t folder, uint64_t number, uint64_t from_seq,
                               uint64_t *ret_seqs, size_t max, size_t *ret_count, struct gw_error *err)
{
    return list_pairs(view, STORE_TABLE_MEMBERS, folder, number, from_seq, ret_seqs, max, ret_count, err);
}

enum gw_code store_sets_of_user(struct store_view *view, uint32_t folder, uint64_t user_seq, uint64_t from,
                                uint64_t *ret_sets, size_t max, size_t *ret_count, struct gw_error *err)
{
    return list_pairs(view, STORE_TABLE_MEMBERSHIPS, folder, user_seq, from, ret_sets, max, ret_count, err);
}

/* The first loose set of the folder, from *number on, that nobody will come back for. */
static enum gw_code find_loose(struct store_view *view, uint32_t folder, int64_t staged_before_ms, uint64_t *number,
                               struct gw_error *err)
{
    struct store_key key = set_key(folder, *number);
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_LOOSE_SETS, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), err);
    while (code == GW_OK && bytes_get_be(walk.key.ptr, 4) == folder) {
        if (walk.key.len != SET_KEY_BYTES || walk.value.len != LOOSE_BYTES)
            return store_fail_damaged(err, STORE_TABLE_LOOSE_SETS, "a record has a wrong size");
        *number = bytes_get_be(walk.key.ptr + 4, 8);
        if ((int64_t)bytes_get_le(walk.value.ptr + LOOSE_AT_TIME, 8) < staged_before_ms)
            return GW_OK;
        code = store_walk_next(&walk, err);
    }
    return code == GW_OK ? GW_E_NOT_FOUND : code;
}

static enum gw_code sweep_part(struct store_view *view, struct store_set *set, size_t max, size_t *ret_swept,
                               struct gw_error *err)
{
    uint64_t users[SWEEP_PART];
    size_t count = 0;
    GW_TRY(
        store_set_members(view, set->folder, set->number, 0, users, max < SWEEP_PART ? max : SWEEP_PART, &count, err));
    for (size_t i = 0; i < count; i++) {
        bool changed = false;
        GW_TRY(store_set_remove(view, set, users[i], &changed, err));
    }
    *ret_swept = count;
    if (set->count > 0)
        return store_set_save(view, set, err);
    struct store_key key = set_key(set->folder, set->number);
    GW_TRY(store_delete(view, STORE_TABLE_LOOSE_SETS, store_key_str(&key), err));
    return store_delete(view, STORE_TABLE_SETS, store_key_str(&key), err);
}

enum gw_code store_sets_sweep(struct store_view *view, uint32_t folder, int64_t staged_before_ms, size_t max,
                              bool *ret_more, struct gw_error *err)
{
    uint64_t number = 0;
    *ret_more = false;
    enum gw_code code = find_loose(view, folder, staged_before_ms, &number, err);
    while (code == GW_OK && max > 0) {
        struct store_set set = {.group = 0};
        size_t swept = 0;
        code = store_set_load(view, folder, number, &set, err);
        if (code == GW_E_NOT_FOUND || set.group != 0)
            return store_fail_damaged(err, STORE_TABLE_LOOSE_SETS, "an entry is about no loose set");
        if (code != GW_OK)
            return code;
        GW_TRY(sweep_part(view, &set, max, &swept, err));
        if (swept == 0 && set.count > 0)
            return store_fail_damaged(err, STORE_TABLE_SETS, "a set holds fewer members than it should");
        size_t work = swept > 0 ? swept : 1; /* an empty set is work too */
        max = work < max ? max - work : 0;
        code = find_loose(view, folder, staged_before_ms, &number, err);
    }
    *ret_more = code == GW_OK;
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

/* ---- the full scan ---- */

static enum gw_code count_members(struct store_view *view, const struct store_set *set, uint64_t *ret_count,
                                  struct gw_error *err)
{
    struct store_key prefix = set_key(set->folder, set->number);
    *ret_count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_MEMBERS, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&prefix), err);
    while (code == GW_OK && gw_str_starts(walk.key, store_key_str(&prefix))) {
        ++*ret_count;
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_set_check(struct store_view *view, struct gw_str key, uint64_t *ret_count, struct gw_error *err)
{
    struct store_set set = {.group = 0};
    struct gw_str value;
    if (key.len != SET_KEY_BYTES)
        return store_fail_damaged(err, STORE_TABLE_SETS, "a key has a wrong size");
    GW_TRY(store_set_load(view, (uint32_t)bytes_get_be(key.ptr, 4), bytes_get_be(key.ptr + 4, 8), &set, err));
    GW_TRY(count_members(view, &set, ret_count, err));
    if (*ret_count != set.count)
        return store_fail_damaged(err, STORE_TABLE_SETS, "a count is wrong");
    struct store_key group = set_key(set.folder, set.group);
    enum gw_code code = store_get(view, STORE_TABLE_LOOSE_SETS, key, &value, err);
    if (set.group != 0 && code == GW_E_NOT_FOUND)
        code = store_get(view, STORE_TABLE_GROUPS, store_key_str(&group), &value, err);
    else if (set.group != 0 && code == GW_OK)
        return store_fail_damaged(err, STORE_TABLE_LOOSE_SETS, "it names the set of a group");
    return code == GW_E_NOT_FOUND ? store_fail_damaged(err, STORE_TABLE_SETS, "a set is nobody's") : code;
}

enum gw_code store_member_check(struct store_view *view, struct gw_str key, struct gw_error *err)
{
    struct gw_str value;
    if (key.len != MEMBER_KEY_BYTES)
        return store_fail_damaged(err, STORE_TABLE_MEMBERS, "a key has a wrong size");
    struct store_key membership =
        pair_key((uint32_t)bytes_get_be(key.ptr, 4), bytes_get_be(key.ptr + 12, 8), bytes_get_be(key.ptr + 4, 8));
    enum gw_code code = store_get(view, STORE_TABLE_MEMBERSHIPS, store_key_str(&membership), &value, err);
    return code == GW_E_NOT_FOUND ? store_fail_damaged(err, STORE_TABLE_MEMBERSHIPS, "an entry is missing") : code;
}
