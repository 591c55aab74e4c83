#include "store/users.h"

#include "store/bytes.h"
#include "store/codec.h"
#include "store/due.h"
#include "store/modified.h"
#include "store/positions.h"

enum gw_code store_users_load(struct store_view *view, struct gw_arena *arena, uint32_t folder, uint64_t seq,
                              struct store_user *ret_user, struct gw_error *err)
{
    struct store_key key = store_user_key(folder, seq);
    struct gw_str value;
    enum gw_code code = store_get(view, STORE_TABLE_USERS, store_key_str(&key), &value, err);
    if (code != GW_OK)
        return code;
    value = gw_arena_copy(arena, value);
    struct gw_str *emails = gw_arena_array(arena, STORE_EMAILS_MAX, sizeof *emails);
    if (!store_user_decode(store_key_str(&key), value, emails, ret_user))
        return store_fail_damaged(err, STORE_TABLE_USERS, "a record makes no sense");
    return GW_OK;
}

static bool is_deleted(const struct store_user *user)
{
    return user == NULL || (user->state.flags & STORE_USER_DELETED) != 0;
}

static enum gw_code save_index(struct store_view *view, struct gw_arena *arena, const struct store_user *before,
                               const struct store_user *after, struct gw_error *err)
{
    struct store_index_keys old_keys = {.count = 0};
    struct store_index_keys new_keys;
    if (before != NULL)
        GW_TRY(store_index_keys(arena, before, &old_keys, err));
    GW_TRY(store_index_keys(arena, after, &new_keys, err));
    return store_index_move(view, &old_keys, &new_keys, err);
}

static enum gw_code save_state(struct store_view *view, struct gw_str key, const struct store_user *before,
                               const struct store_user *after, struct gw_error *err)
{
    uint8_t record[STORE_STATE_RECORD_BYTES];
    store_state_encode(&after->state, record);
    if (before == NULL)
        return store_append(view, STORE_TABLE_STATES, key, record, sizeof record, err);
    if (before->state.flags == after->state.flags && before->state.generation == after->state.generation)
        return GW_OK;
    return store_put(view, STORE_TABLE_STATES, key, record, sizeof record, err);
}

enum gw_code store_users_save(struct store_view *view, struct gw_arena *arena, const struct store_user *before,
                              const struct store_user *after, struct gw_error *err)
{
    GW_TRY(save_index(view, arena, before, after, err));
    struct store_key key = store_user_key(after->folder, after->seq);
    GW_TRY(save_state(view, store_key_str(&key), before, after, err));
    GW_TRY(store_due_move(view, before, after, err));
    GW_TRY(store_modified_move(view, before, after, err));
    struct store_bytes bytes = store_user_encode(arena, after);
    if (before == NULL)
        GW_TRY(store_append(view, STORE_TABLE_USERS, store_key_str(&key), bytes.ptr, bytes.len, err));
    else
        GW_TRY(store_put(view, STORE_TABLE_USERS, store_key_str(&key), bytes.ptr, bytes.len, err));
    if (is_deleted(before) == is_deleted(after))
        return GW_OK;
    return store_positions_add(view, after->folder, after->seq, is_deleted(after) ? -1 : 1, err);
}

enum gw_code store_users_remove(struct store_view *view, struct gw_arena *arena, const struct store_user *before,
                                struct gw_error *err)
{
    const struct store_index_keys no_keys = {.count = 0};
    struct store_index_keys keys;
    GW_TRY(store_index_keys(arena, before, &keys, err));
    GW_TRY(store_index_move(view, &keys, &no_keys, err));
    struct store_key key = store_user_key(before->folder, before->seq);
    GW_TRY(store_due_move(view, before, NULL, err));
    GW_TRY(store_modified_move(view, before, NULL, err));
    GW_TRY(store_delete(view, STORE_TABLE_STATES, store_key_str(&key), err));
    GW_TRY(store_delete(view, STORE_TABLE_USERS, store_key_str(&key), err));
    return is_deleted(before) ? GW_OK : store_positions_add(view, before->folder, before->seq, -1, err);
}

enum gw_code store_new_number(struct store_view *view, struct gw_str counter, uint32_t folder, uint64_t *ret_number,
                              struct gw_error *err)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add(&key, counter);
    store_key_add_be(&key, folder, 4);
    struct gw_str value;
    uint64_t last = 0;
    enum gw_code code = store_get(view, STORE_TABLE_META, store_key_str(&key), &value, err);
    if (code != GW_OK && code != GW_E_NOT_FOUND)
        return code;
    if (code == GW_OK)
        last = bytes_get_le(value.ptr + STORE_SEAL_BYTES, value.len - STORE_SEAL_BYTES);
    *ret_number = last + 1;
    uint8_t record[STORE_SEAL_BYTES + 8];
    bytes_put_le(record + STORE_SEAL_BYTES, *ret_number, 8);
    return store_put(view, STORE_TABLE_META, store_key_str(&key), record, sizeof record, err);
}

enum gw_code store_users_new_seq(struct store_view *view, uint32_t folder, uint64_t *ret_seq, struct gw_error *err)
{
    return store_new_number(view, GW_STR("user-seq"), folder, ret_seq, err);
}

enum gw_code store_users_lookup(struct store_view *view, uint32_t folder, enum store_index index, struct gw_str value,
                                uint64_t *ret_seqs, size_t max, size_t *ret_count, struct gw_error *err)
{
    *ret_count = 0;
    GW_ARENA_SCOPED(arena);
    struct gw_str folded;
    if (value.len == 0 || !store_index_fold(&arena, index, value, &folded))
        return GW_OK;
    return store_index_find(view, folder, index, folded, ret_seqs, max, ret_count, err);
}
