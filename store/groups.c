#include "store/groups.h"

#include "store/bytes.h"
#include "store/codec.h"
#include "store/modified.h"
#include "store/positions.h"

#define RECORD_FORM 1u
#define GROUP_INDEX_KEYS 2u

enum group_field {
    GROUP_AT_FORM = STORE_SEAL_BYTES,
    GROUP_AT_NAME = GROUP_AT_FORM + 2,
    GROUP_AT_EXTERNAL = GROUP_AT_NAME + 2,
    GROUP_AT_ATTRIBUTES = GROUP_AT_EXTERNAL + 2,
    GROUP_AT_VERSION = GROUP_AT_ATTRIBUTES + 4,
    GROUP_AT_CREATED = GROUP_AT_VERSION + 8,
    GROUP_AT_MODIFIED = GROUP_AT_CREATED + 8,
    GROUP_AT_SET = GROUP_AT_MODIFIED + 8,
    GROUP_HEAD_BYTES = GROUP_AT_SET + 8
};

static uint8_t *add(uint8_t *dst, struct gw_str text)
{
    if (text.len > 0)
        memcpy(dst, text.ptr, text.len);
    return dst + text.len;
}

static struct store_bytes encode(struct gw_arena *arena, const struct store_group *group)
{
    size_t texts = group->display_name.len + group->external_id.len + group->attributes.len;
    struct store_bytes bytes = {.len = GROUP_HEAD_BYTES + texts};
    uint8_t *head = bytes.ptr = gw_arena_alloc(arena, bytes.len);
    bytes_put_le(head + GROUP_AT_FORM, RECORD_FORM, 2);
    bytes_put_le(head + GROUP_AT_NAME, group->display_name.len, 2);
    bytes_put_le(head + GROUP_AT_EXTERNAL, group->external_id.len, 2);
    bytes_put_le(head + GROUP_AT_ATTRIBUTES, group->attributes.len, 4);
    bytes_put_le(head + GROUP_AT_VERSION, group->version, 8);
    bytes_put_le(head + GROUP_AT_CREATED, (uint64_t)group->created_ms, 8);
    bytes_put_le(head + GROUP_AT_MODIFIED, (uint64_t)group->modified_ms, 8);
    bytes_put_le(head + GROUP_AT_SET, group->set, 8);
    (void)add(add(add(head + GROUP_HEAD_BYTES, group->display_name), group->external_id), group->attributes);
    return bytes;
}

bool store_group_decode(struct gw_str key, struct gw_str value, struct store_group *ret_group)
{
    if (key.len != 12 || value.len < GROUP_HEAD_BYTES || bytes_get_le(value.ptr + GROUP_AT_FORM, 2) != RECORD_FORM)
        return false;
    const char *head = value.ptr;
    size_t name = (size_t)bytes_get_le(head + GROUP_AT_NAME, 2);
    size_t external = (size_t)bytes_get_le(head + GROUP_AT_EXTERNAL, 2);
    size_t attributes = (size_t)bytes_get_le(head + GROUP_AT_ATTRIBUTES, 4);
    if (value.len != GROUP_HEAD_BYTES + name + external + attributes)
        return false;
    *ret_group = (struct store_group){
        .folder = (uint32_t)bytes_get_be(key.ptr, 4),
        .seq = bytes_get_be(key.ptr + 4, 8),
        .version = bytes_get_le(head + GROUP_AT_VERSION, 8),
        .created_ms = (int64_t)bytes_get_le(head + GROUP_AT_CREATED, 8),
        .modified_ms = (int64_t)bytes_get_le(head + GROUP_AT_MODIFIED, 8),
        .set = bytes_get_le(head + GROUP_AT_SET, 8),
        .display_name = gw_str_n(head + GROUP_HEAD_BYTES, name),
        .external_id = gw_str_n(head + GROUP_HEAD_BYTES + name, external),
        .attributes = gw_str_n(head + GROUP_HEAD_BYTES + name + external, attributes),
    };
    return true;
}

enum gw_code store_groups_load(struct store_view *view, struct gw_arena *arena, uint32_t folder, uint64_t seq,
                               struct store_group *ret_group, struct gw_error *err)
{
    struct store_key key = store_user_key(folder, seq);
    struct gw_str value;
    enum gw_code code = store_get(view, STORE_TABLE_GROUPS, store_key_str(&key), &value, err);
    if (code != GW_OK)
        return code;
    if (!store_group_decode(store_key_str(&key), gw_arena_copy(arena, value), ret_group))
        return store_fail_damaged(err, STORE_TABLE_GROUPS, "a record makes no sense");
    return GW_OK;
}

static enum gw_code add_key(struct gw_arena *arena, const struct store_group *group, enum store_index index,
                            struct gw_str value, struct store_index_keys *keys, struct gw_error *err)
{
    struct gw_str folded;
    if (value.len == 0)
        return GW_OK;
    if (!store_index_fold(arena, index, value, &folded))
        return gw_fail(err, GW_E_INVALID_VALUE, "a value is not well-formed UTF-8");
    struct store_key key = store_index_prefix(group->folder, index, folded);
    store_key_add_be(&key, group->seq, 8);
    keys->keys[keys->count++] = gw_arena_copy(arena, store_key_str(&key));
    return GW_OK;
}

enum gw_code store_group_index_keys(struct gw_arena *arena, const struct store_group *group,
                                    struct store_index_keys *ret_keys, struct gw_error *err)
{
    *ret_keys = (struct store_index_keys){.keys = gw_arena_array(arena, GROUP_INDEX_KEYS, sizeof *ret_keys->keys)};
    GW_TRY(add_key(arena, group, STORE_INDEX_GROUP_NAME, group->display_name, ret_keys, err));
    return add_key(arena, group, STORE_INDEX_GROUP_EXTERNAL_ID, group->external_id, ret_keys, err);
}

enum gw_code store_groups_save(struct store_view *view, struct gw_arena *arena, const struct store_group *before,
                               const struct store_group *after, struct gw_error *err)
{
    const struct store_group *group = after != NULL ? after : before;
    struct store_index_keys old_keys = {.count = 0};
    struct store_index_keys new_keys = {.count = 0};
    GW_ASSERT(group != NULL);
    struct store_key key = store_user_key(group->folder, group->seq);
    if (before != NULL)
        GW_TRY(store_group_index_keys(arena, before, &old_keys, err));
    if (after != NULL)
        GW_TRY(store_group_index_keys(arena, after, &new_keys, err));
    GW_TRY(store_index_move(view, &old_keys, &new_keys, err));
    if (after == NULL) {
        GW_TRY(store_delete(view, STORE_TABLE_GROUPS, store_key_str(&key), err));
    } else {
        struct store_bytes bytes = encode(arena, after);
        GW_TRY(store_put(view, STORE_TABLE_GROUPS, store_key_str(&key), bytes.ptr, bytes.len, err));
    }
    GW_TRY(store_modified_group_move(view, before, after, err));
    if (before != NULL && after != NULL)
        return GW_OK;
    return store_positions_add(view, STORE_POSITIONS_OF_GROUPS(group->folder), group->seq, after != NULL ? 1 : -1, err);
}

enum gw_code store_groups_lookup(struct store_view *view, uint32_t folder, enum store_index index, struct gw_str value,
                                 uint64_t *ret_seqs, size_t max, size_t *ret_count, struct gw_error *err)
{
    *ret_count = 0;
    GW_ARENA_SCOPED(arena);
    struct gw_str folded;
    if (value.len == 0 || !store_index_fold(&arena, index, value, &folded))
        return GW_OK;
    return store_index_find(view, folder, index, folded, ret_seqs, max, ret_count, err);
}

enum gw_code store_groups_walk(struct store_view *view, uint32_t folder, uint64_t from_seq, uint64_t skip,
                               uint64_t count, store_group_fn on_group, void *data, struct gw_error *err)
{
    struct store_key key = store_user_key(folder, from_seq);
    struct store_group group;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_GROUPS, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), err);
    while (code == GW_OK && count > 0) {
        if (!store_group_decode(walk.key, walk.value, &group))
            return store_fail_damaged(err, STORE_TABLE_GROUPS, "a record makes no sense");
        if (group.folder != folder)
            return GW_OK;
        if (skip > 0)
            skip--;
        else
            count = on_group(&group, data) ? count - 1 : 0;
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}
