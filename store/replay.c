#include "store/replay.h"

#include "store/bytes.h"

#define MARK_BYTES (STORE_SEAL_BYTES + 8u)
#define EXPIRY_KEY_BYTES (8u + GW_SHA256_BYTES)
/* Each mark takes away more old ones than it adds, so the table stays as large as a day's sign-ons. */
#define FORGET_EACH 4u
/* A mark outlives its assertion by more than a day: a wall clock that was a day ahead for a while must not have made
 * provgate forget what is good again once the clock is right (security.md L1). */
#define KEPT_MS (26ll * 3600 * 1000)

static struct gw_str assertion_str(const struct gw_sha256 *assertion)
{
    return gw_str_n((const char *)assertion->bytes, sizeof assertion->bytes);
}

bool store_replay_expiry_key(struct gw_str key, struct gw_str value, struct store_key *ret_key)
{
    if (key.len != GW_SHA256_BYTES || value.len != MARK_BYTES)
        return false;
    store_key_init(ret_key);
    store_key_add_be(ret_key, bytes_get_le(value.ptr + STORE_SEAL_BYTES, 8), 8);
    store_key_add(ret_key, key);
    return true;
}

enum gw_code store_replay_find(struct store_view *view, const struct gw_sha256 *assertion, bool *ret_marked,
                               struct gw_error *err)
{
    struct gw_str value;
    enum gw_code code = store_get(view, STORE_TABLE_REPLAY, assertion_str(assertion), &value, err);
    *ret_marked = code == GW_OK;
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static enum gw_code find_old(struct store_apply *apply, struct store_key *ret_keys, size_t *ret_count,
                             struct gw_error *err)
{
    *ret_count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, &apply->view, STORE_TABLE_REPLAY_EXPIRY, err));
    enum gw_code code = store_walk_seek(&walk, GW_STR_NONE, err);
    while (code == GW_OK && *ret_count < FORGET_EACH) {
        if (walk.key.len != EXPIRY_KEY_BYTES)
            return store_fail_damaged(err, STORE_TABLE_REPLAY_EXPIRY, "a record makes no sense");
        if ((int64_t)bytes_get_be(walk.key.ptr, 8) >= apply->change->time_ms - KEPT_MS)
            break;
        store_key_init(&ret_keys[*ret_count]);
        store_key_add(&ret_keys[(*ret_count)++], walk.key);
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static enum gw_code forget_old(struct store_apply *apply, struct gw_error *err)
{
    struct store_key keys[FORGET_EACH];
    size_t count = 0;
    GW_TRY(find_old(apply, keys, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct gw_str assertion = gw_str_from_pos(store_key_str(&keys[i]), 8);
        GW_TRY(store_delete(&apply->view, STORE_TABLE_REPLAY, assertion, err));
        GW_TRY(store_delete(&apply->view, STORE_TABLE_REPLAY_EXPIRY, store_key_str(&keys[i]), err));
    }
    return GW_OK;
}

enum gw_code store_apply_replay_mark(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct gw_str key = assertion_str(&change->as.replay.assertion);
    bool is_marked = false;
    GW_TRY(store_replay_find(&apply->view, &change->as.replay.assertion, &is_marked, err));
    if (is_marked)
        return gw_fail(err, GW_E_CONFLICT, "the assertion was used before");
    GW_TRY(forget_old(apply, err));
    uint8_t mark[MARK_BYTES];
    bytes_put_le(mark + STORE_SEAL_BYTES, (uint64_t)change->as.replay.forget_after_ms, 8);
    struct store_key expiry;
    GW_ASSERT(store_replay_expiry_key(key, gw_str_n((const char *)mark, sizeof mark), &expiry));
    GW_TRY(store_put(&apply->view, STORE_TABLE_REPLAY, key, mark, sizeof mark, err));
    return store_put_key(&apply->view, STORE_TABLE_REPLAY_EXPIRY, store_key_str(&expiry), err);
}

enum gw_code store_apply_replay_unmark(struct store_apply *apply, struct gw_error *err)
{
    struct gw_str key = assertion_str(&apply->change->as.replay.assertion);
    struct gw_str value;
    enum gw_code code = store_get(&apply->view, STORE_TABLE_REPLAY, key, &value, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? GW_OK : code;
    struct store_key expiry;
    if (!store_replay_expiry_key(key, value, &expiry))
        return store_fail_damaged(err, STORE_TABLE_REPLAY, "a record makes no sense");
    GW_TRY(store_delete(&apply->view, STORE_TABLE_REPLAY, key, err));
    return store_delete(&apply->view, STORE_TABLE_REPLAY_EXPIRY, store_key_str(&expiry), err);
}
