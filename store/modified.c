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

enum gw_code store_modified_move(struct store_view *view, const struct store_user *before,
                                 const struct store_user *after, struct gw_error *err)
{
    struct store_key old_key;
    struct store_key new_key;
    bool had = before != NULL && store_modified_key(before, &old_key);
    bool has = after != NULL && store_modified_key(after, &new_key);
    if (had && has && gw_str_eq(store_key_str(&old_key), store_key_str(&new_key)))
        return GW_OK;
    if (had)
        GW_TRY(store_delete(view, STORE_TABLE_MODIFIED, store_key_str(&old_key), err));
    return has ? store_put_key(view, STORE_TABLE_MODIFIED, store_key_str(&new_key), err) : GW_OK;
}

enum gw_code store_users_modified(struct store_reader *reader, uint32_t folder, struct store_modified_range *range,
                                  uint64_t *ret_seqs, size_t max, size_t *ret_count, struct gw_error *err)
{
    struct store_key key = make_key(folder, range->since_ms, range->from_seq);
    *ret_count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, store_reader_view(reader), STORE_TABLE_MODIFIED, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), err);
    while (code == GW_OK && *ret_count < max) {
        if (walk.key.len != KEY_BYTES)
            return store_fail_damaged(err, STORE_TABLE_MODIFIED, "a key makes no sense");
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
