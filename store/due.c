#include "store/due.h"

#include "store/bytes.h"

#define DUE_KEY_BYTES 20u
#define COUNT_KEY_BYTES 12u
#define AT_COUNT STORE_SEAL_BYTES
#define COUNT_BYTES (AT_COUNT + 8u)
/* Behind every minute there is. */
#define MINUTE_INACTIVE UINT64_MAX

static bool is_inactive(const struct store_user *user)
{
    return user != NULL && (user->state.flags & (STORE_USER_ACTIVE | STORE_USER_DELETED)) == 0;
}

/* An observed or imported account that an operator put out has no retention: nobody ever provisioned it. */
bool store_due_key(const struct store_user *user, struct store_key *ret_key)
{
    bool is_gone = (user->state.flags & STORE_USER_DELETED) != 0;
    bool is_deprovisioned = is_inactive(user) && (user->state.flags & STORE_USER_PROVISIONED) != 0;
    if ((!is_gone && !is_deprovisioned) || (user->state.flags & STORE_USER_ANONYMISED) != 0)
        return false;
    store_key_init(ret_key);
    store_key_add_be(ret_key, user->folder, 4);
    store_key_add_be(ret_key, (uint64_t)(user->deactivated_ms > 0 ? user->deactivated_ms : 0), 8);
    store_key_add_be(ret_key, user->seq, 8);
    return true;
}

bool store_due_decode(struct gw_str key, uint32_t *ret_folder, int64_t *ret_since_ms, uint64_t *ret_seq)
{
    if (key.len != DUE_KEY_BYTES)
        return false;
    *ret_folder = (uint32_t)bytes_get_be(key.ptr, 4);
    *ret_since_ms = (int64_t)bytes_get_be(key.ptr + 4, 8);
    *ret_seq = bytes_get_be(key.ptr + 12, 8);
    return true;
}

static uint64_t minute_of(struct gw_str due_key)
{
    return bytes_get_be(due_key.ptr + 4, 8) / STORE_DUE_MINUTE_MS;
}

static struct store_key count_key(uint32_t folder, uint64_t minute)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, folder, 4);
    store_key_add_be(&key, minute, 8);
    return key;
}

static enum gw_code get_count(struct store_view *view, uint32_t folder, uint64_t minute, uint64_t *ret_count,
                              struct gw_error *err)
{
    struct store_key key = count_key(folder, minute);
    struct gw_str value;
    *ret_count = 0;
    enum gw_code code = store_get(view, STORE_TABLE_DUE_COUNTS, store_key_str(&key), &value, err);
    if (code == GW_E_NOT_FOUND)
        return GW_OK;
    if (code == GW_OK && value.len != COUNT_BYTES)
        return store_fail_damaged(err, STORE_TABLE_DUE_COUNTS, "a record has a wrong size");
    if (code == GW_OK)
        *ret_count = bytes_get_le(value.ptr + AT_COUNT, 8);
    return code;
}

static enum gw_code add_count(struct store_view *view, uint32_t folder, uint64_t minute, int change,
                              struct gw_error *err)
{
    uint64_t count = 0;
    GW_TRY(get_count(view, folder, minute, &count, err));
    if (change < 0 && count == 0)
        return store_fail_damaged(err, STORE_TABLE_DUE_COUNTS, "a count is wrong");
    count = change < 0 ? count - 1 : count + 1;
    struct store_key key = count_key(folder, minute);
    if (count == 0)
        return store_delete(view, STORE_TABLE_DUE_COUNTS, store_key_str(&key), err);
    uint8_t record[COUNT_BYTES];
    bytes_put_le(record + AT_COUNT, count, 8);
    return store_put(view, STORE_TABLE_DUE_COUNTS, store_key_str(&key), record, sizeof record, err);
}

static enum gw_code move_inactive(struct store_view *view, const struct store_user *before,
                                  const struct store_user *after, struct gw_error *err)
{
    if (is_inactive(before) == is_inactive(after))
        return GW_OK;
    uint32_t folder = after != NULL ? after->folder : before->folder;
    return add_count(view, folder, MINUTE_INACTIVE, is_inactive(after) ? 1 : -1, err);
}

enum gw_code store_due_move(struct store_view *view, const struct store_user *before, const struct store_user *after,
                            struct gw_error *err)
{
    struct store_key old_key;
    struct store_key new_key;
    bool had = before != NULL && store_due_key(before, &old_key);
    bool has = after != NULL && store_due_key(after, &new_key);
    GW_TRY(move_inactive(view, before, after, err));
    if (had && has && gw_str_eq(store_key_str(&old_key), store_key_str(&new_key)))
        return GW_OK;
    if (had) {
        GW_TRY(store_delete(view, STORE_TABLE_DUE, store_key_str(&old_key), err));
        GW_TRY(add_count(view, before->folder, minute_of(store_key_str(&old_key)), -1, err));
    }
    if (!has)
        return GW_OK;
    GW_TRY(store_put_key(view, STORE_TABLE_DUE, store_key_str(&new_key), err));
    return add_count(view, after->folder, minute_of(store_key_str(&new_key)), 1, err);
}

enum gw_code store_due_count(struct store_view *view, uint32_t folder, int64_t from_ms, uint64_t *ret_count,
                             struct gw_error *err)
{
    struct store_key key = count_key(folder, (uint64_t)(from_ms > 0 ? from_ms : 0) / STORE_DUE_MINUTE_MS);
    *ret_count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_DUE_COUNTS, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), err);
    while (code == GW_OK && walk.key.len == COUNT_KEY_BYTES && bytes_get_be(walk.key.ptr, 4) == folder &&
           bytes_get_be(walk.key.ptr + 4, 8) != MINUTE_INACTIVE) {
        if (walk.value.len != COUNT_BYTES)
            return store_fail_damaged(err, STORE_TABLE_DUE_COUNTS, "a record has a wrong size");
        *ret_count += bytes_get_le(walk.value.ptr + AT_COUNT, 8);
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_due_inactive(struct store_view *view, uint32_t folder, uint64_t *ret_count, struct gw_error *err)
{
    return get_count(view, folder, MINUTE_INACTIVE, ret_count, err);
}

enum gw_code store_due_list(struct store_reader *reader, uint32_t folder, int64_t until_ms, struct store_due *ret_due,
                            size_t max, size_t *ret_count, struct gw_error *err)
{
    struct store_key key;
    uint32_t key_folder = 0;
    store_key_init(&key);
    store_key_add_be(&key, folder, 4);
    *ret_count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, store_reader_view(reader), STORE_TABLE_DUE, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), err);
    while (code == GW_OK && *ret_count < max) {
        struct store_due *due = &ret_due[*ret_count];
        if (!store_due_decode(walk.key, &key_folder, &due->since_ms, &due->seq))
            return store_fail_damaged(err, STORE_TABLE_DUE, "a key makes no sense");
        if (key_folder != folder || due->since_ms > until_ms)
            return GW_OK;
        (*ret_count)++;
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static enum gw_code close_minute(struct store_view *view, struct store_due_scan *scan, struct gw_error *err)
{
    uint64_t count = 0;
    if (scan->count == 0)
        return GW_OK;
    GW_TRY(get_count(view, scan->folder, scan->minute, &count, err));
    if (count != scan->count)
        return store_fail_damaged(err, STORE_TABLE_DUE_COUNTS, "a count is wrong");
    scan->entries++;
    scan->count = 0;
    return GW_OK;
}

enum gw_code store_due_check(struct store_view *view, struct store_due_scan *scan, struct gw_str key,
                             struct gw_error *err)
{
    uint32_t folder = 0;
    int64_t since_ms = 0;
    uint64_t seq = 0;
    if (key.len == 0)
        return close_minute(view, scan, err);
    if (!store_due_decode(key, &folder, &since_ms, &seq))
        return store_fail_damaged(err, STORE_TABLE_DUE, "a key makes no sense");
    if (folder != scan->folder || minute_of(key) != scan->minute)
        GW_TRY(close_minute(view, scan, err));
    scan->folder = folder;
    scan->minute = minute_of(key);
    scan->count++;
    return GW_OK;
}
