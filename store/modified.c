#include "store/modified.h"

#include "store/bytes.h"
#include "store/reader.h"

#define KEY_BYTES 20u

static struct store_key make_key(uint32_t folder, int64_t time_ms, uint64_t seq)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, folder, 4);
    store_key_add_be(&key, time_ms > 0 ? (uint64_t)time_ms : 0, 8);
    store_key_add_be(&key, seq, 8);
    return key;
}

bool store_modified_key(const struct store_user *user, struct store_key *ret_key)
{
    if ((user->state.flags & STORE_USER_DELETED) != 0)
        return false;
    *ret_key = make_key(user->folder, user->modified_ms, user->seq);
    return true;
}

struct store_key store_modified_group_key(const struct store_group *group)
{
    return make_key(group->folder, group->modified_ms, group->seq);
}

/* A key that is NULL is not there. */
static enum gw_code move(struct store_view *view, enum store_table table, const struct store_key *before,
                         const struct store_key *after, struct gw_error *err)
{
    if (before != NULL && after != NULL && gw_str_eq(store_key_str(before), store_key_str(after)))
        return GW_OK;
    if (before != NULL)
        GW_TRY(store_delete(view, table, store_key_str(before), err));
    return after != NULL ? store_put_key(view, table, store_key_str(after), err) : GW_OK;
}

enum gw_code store_modified_move(struct store_view *view, const struct store_user *before,
                                 const struct store_user *after, struct gw_error *err)
{
    struct store_key old_key;
    struct store_key new_key;
    bool had = before != NULL && store_modified_key(before, &old_key);
    bool has = after != NULL && store_modified_key(after, &new_key);
    return move(view, STORE_TABLE_MODIFIED, had ? &old_key : NULL, has ? &new_key : NULL, err);
}

enum gw_code store_modified_group_move(struct store_view *view, const struct store_group *before,
                                       const struct store_group *after, struct gw_error *err)
{
    struct store_key old_key;
    struct store_key new_key;
    if (before != NULL)
        old_key = store_modified_group_key(before);
    if (after != NULL)
        new_key = store_modified_group_key(after);
    return move(view, STORE_TABLE_GROUPS_MODIFIED, before != NULL ? &old_key : NULL, after != NULL ? &new_key : NULL,
                err);
}

static enum gw_code list(struct store_reader *reader, enum store_table table, uint32_t folder,
                         struct store_modified_range *range, uint64_t *ret_seqs, size_t max, size_t *ret_count,
                         struct gw_error *err)
{
    struct store_key key = make_key(folder, range->since_ms, range->from_seq);
    *ret_count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, store_reader_view(reader), table, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), err);
    while (code == GW_OK && *ret_count < max) {
        if (walk.key.len != KEY_BYTES)
            return store_fail_damaged(err, table, "a key makes no sense");
        int64_t time_ms = (int64_t)bytes_get_be(walk.key.ptr + 4, 8);
        if (bytes_get_be(walk.key.ptr, 4) != folder || time_ms > range->until_ms)
            return GW_OK;
        uint64_t seq = bytes_get_be(walk.key.ptr + 12, 8);
        ret_seqs[(*ret_count)++] = seq;
        range->since_ms = time_ms;
        range->from_seq = seq + 1;
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_users_modified(struct store_reader *reader, uint32_t folder, struct store_modified_range *range,
                                  uint64_t *ret_seqs, size_t max, size_t *ret_count, struct gw_error *err)
{
    return list(reader, STORE_TABLE_MODIFIED, folder, range, ret_seqs, max, ret_count, err);
}

enum gw_code store_groups_modified(struct store_reader *reader, uint32_t folder, struct store_modified_range *range,
                                   uint64_t *ret_seqs, size_t max, size_t *ret_count, struct gw_error *err)
{
    return list(reader, STORE_TABLE_GROUPS_MODIFIED, folder, range, ret_seqs, max, ret_count, err);
}
