#include "store/walk_users.h"

#include "store/bytes.h"
#include "store/codec.h"
#include "store/positions.h"

/* Is the walk still inside the block? Users and states have the same keys. */
static bool in_block(const struct store_walk *walk, uint32_t folder, uint64_t block, uint64_t *ret_seq)
{
    if (walk->key.len != 12 || bytes_get_be(walk->key.ptr, 4) != folder)
        return false;
    *ret_seq = bytes_get_be(walk->key.ptr + 4, 8);
    return *ret_seq >> STORE_BLOCK_BITS == block;
}

/* States are small: a block of them stands in a dozen pages. */
static enum gw_code find_in_block(struct store_view *view, uint32_t folder, uint64_t block, uint64_t before,
                                  uint64_t *ret_seq, struct gw_error *err)
{
    struct store_key key = store_user_key(folder, block << STORE_BLOCK_BITS);
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_STATES, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), err);
    while (code == GW_OK && in_block(&walk, folder, block, ret_seq)) {
        struct store_user_state state;
        if (!store_state_decode(walk.value, &state))
            return store_fail_damaged(err, STORE_TABLE_STATES, "a record makes no sense");
        if ((state.flags & STORE_USER_DELETED) == 0 && before-- == 0)
            return GW_OK;
        code = store_walk_next(&walk, err);
    }
    if (code != GW_OK && code != GW_E_NOT_FOUND)
        return code;
    return store_fail_damaged(err, STORE_TABLE_POSITIONS, "a block holds more users than there are");
}

enum gw_code store_walk_users_position(struct store_view *view, uint32_t folder, uint64_t position, uint64_t *ret_seq,
                                       struct gw_error *err)
{
    uint64_t block = 0;
    uint64_t before = 0;
    GW_TRY(store_positions_find(view, folder, position, &block, &before, err));
    return find_in_block(view, folder, block, before, ret_seq, err);
}

struct visit {
    uint64_t left;
    store_user_fn on_user;
    void *data;
};

static enum gw_code visit_block(struct store_view *view, uint32_t folder, uint64_t from_seq, struct visit *visit,
                                struct gw_error *err)
{
    struct store_key key = store_user_key(folder, from_seq);
    uint64_t block = from_seq >> STORE_BLOCK_BITS;
    uint64_t seq = 0;
    struct gw_str emails[STORE_EMAILS_MAX];
    struct store_user user;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_USERS, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), err);
    while (code == GW_OK && visit->left > 0 && in_block(&walk, folder, block, &seq)) {
        if (!store_user_decode(walk.key, walk.value, emails, &user))
            return store_fail_damaged(err, STORE_TABLE_USERS, "a record makes no sense");
        if ((user.state.flags & STORE_USER_DELETED) == 0)
            visit->left = visit->on_user(&user, visit->data) ? visit->left - 1 : 0;
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_walk_users_from(struct store_view *view, uint32_t folder, uint64_t from_seq, uint64_t count,
                                   store_user_fn on_user, void *data, struct gw_error *err)
{
    struct visit visit = {count, on_user, data};
    uint64_t block = from_seq >> STORE_BLOCK_BITS;
    while (visit.left > 0) {
        enum gw_code code = store_positions_block(view, folder, block, &block, err);
        if (code != GW_OK)
            return code == GW_E_NOT_FOUND ? GW_OK : code;
        uint64_t first = block << STORE_BLOCK_BITS;
        GW_TRY(visit_block(view, folder, first > from_seq ? first : from_seq, &visit, err));
        block++;
    }
    return GW_OK;
}
