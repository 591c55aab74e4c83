#include "store/brake_record.h"

#include "store/bytes.h"
#include "store/codec.h"

#define TEXT_BYTES_MAX 512u

enum held_field {
    HELD_AT_KIND = STORE_SEAL_BYTES,
    HELD_AT_REJECTED = HELD_AT_KIND + 1,
    HELD_AT_ACTOR = HELD_AT_REJECTED + 1,
    HELD_AT_REASON = HELD_AT_ACTOR + 2,
    HELD_AT_TIME = HELD_AT_REASON + 2,
    HELD_HEAD_BYTES = HELD_AT_TIME + 8,
    HELD_BYTES_MAX = HELD_HEAD_BYTES + 2 * TEXT_BYTES_MAX
};

static struct gw_str shortened(struct gw_str text)
{
    return gw_str_n(text.ptr, text.len < TEXT_BYTES_MAX ? text.len : TEXT_BYTES_MAX);
}

enum gw_code store_held_put(struct store_apply *apply, const struct store_held *held, struct gw_error *err)
{
    uint8_t record[HELD_BYTES_MAX];
    struct gw_str actor = shortened(held->actor);
    struct gw_str reason = shortened(held->reason);
    struct store_key key = store_user_key(held->folder, held->user_seq);
    record[HELD_AT_KIND] = (uint8_t)held->kind;
    record[HELD_AT_REJECTED] = held->is_rejected;
    bytes_put_le(record + HELD_AT_ACTOR, actor.len, 2);
    bytes_put_le(record + HELD_AT_REASON, reason.len, 2);
    bytes_put_le(record + HELD_AT_TIME, (uint64_t)held->time_ms, 8);
    if (actor.len > 0)
        memcpy(record + HELD_HEAD_BYTES, actor.ptr, actor.len);
    if (reason.len > 0)
        memcpy(record + HELD_HEAD_BYTES + actor.len, reason.ptr, reason.len);
    return store_put(&apply->view, STORE_TABLE_HELD, store_key_str(&key), record,
                     HELD_HEAD_BYTES + actor.len + reason.len, err);
}

bool store_held_decode(struct gw_str key, struct gw_str value, struct store_held *ret_held)
{
    if (key.len != 12 || value.len < HELD_HEAD_BYTES)
        return false;
    size_t actor = (size_t)bytes_get_le(value.ptr + HELD_AT_ACTOR, 2);
    size_t reason = (size_t)bytes_get_le(value.ptr + HELD_AT_REASON, 2);
    if (value.len != HELD_HEAD_BYTES + actor + reason)
        return false;
    *ret_held = (struct store_held){
        .folder = (uint32_t)bytes_get_be(key.ptr, 4),
        .user_seq = bytes_get_be(key.ptr + 4, 8),
        .kind = (enum store_held_kind)value.ptr[HELD_AT_KIND],
        .is_rejected = value.ptr[HELD_AT_REJECTED] != 0,
        .time_ms = (int64_t)bytes_get_le(value.ptr + HELD_AT_TIME, 8),
        .actor = gw_str_n(value.ptr + HELD_HEAD_BYTES, actor),
        .reason = gw_str_n(value.ptr + HELD_HEAD_BYTES + actor, reason),
    };
    return ret_held->kind == STORE_HELD_DEACTIVATE || ret_held->kind == STORE_HELD_DELETE;
}

enum gw_code store_held_get(struct store_view *view, struct gw_arena *arena, uint32_t folder, uint64_t seq,
                            struct store_held *ret_held, struct gw_error *err)
{
    struct store_key key = store_user_key(folder, seq);
    struct gw_str value;
    enum gw_code code = store_get(view, STORE_TABLE_HELD, store_key_str(&key), &value, err);
    if (code == GW_OK && !store_held_decode(store_key_str(&key), gw_arena_copy(arena, value), ret_held))
        return store_fail_damaged(err, STORE_TABLE_HELD, "a record makes no sense");
    return code;
}

/* ---- the state ---- */

enum state_field {
    STATE_AT_ALERTED = STORE_SEAL_BYTES,
    STATE_AT_HELD = STATE_AT_ALERTED + 8,
    STATE_AT_HELD_SINCE = STATE_AT_HELD + 8,
    STATE_AT_OPENS = STATE_AT_HELD_SINCE + 8,
    STATE_AT_RELEASED = STATE_AT_OPENS + 8,
    STATE_BYTES = STATE_AT_RELEASED + 8
};

#define STATE_PREFIX GW_STR("brake")

static struct store_key state_key(uint32_t folder)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add(&key, STATE_PREFIX);
    store_key_add_be(&key, folder, 4);
    return key;
}

enum gw_code store_brake_state_get(struct store_view *view, uint32_t folder, struct store_brake_state *ret_state,
                                   struct gw_error *err)
{
    struct store_key key = state_key(folder);
    struct gw_str value;
    *ret_state = (struct store_brake_state){.held = 0};
    enum gw_code code = store_get(view, STORE_TABLE_META, store_key_str(&key), &value, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? GW_OK : code;
    if (value.len != STATE_BYTES)
        return store_fail_damaged(err, STORE_TABLE_META, "the brake's record has a wrong size");
    ret_state->alerted_ms = (int64_t)bytes_get_le(value.ptr + STATE_AT_ALERTED, 8);
    ret_state->held = bytes_get_le(value.ptr + STATE_AT_HELD, 8);
    ret_state->held_ms = (int64_t)bytes_get_le(value.ptr + STATE_AT_HELD_SINCE, 8);
    ret_state->opens_ms = (int64_t)bytes_get_le(value.ptr + STATE_AT_OPENS, 8);
    ret_state->released_until_ms = (int64_t)bytes_get_le(value.ptr + STATE_AT_RELEASED, 8);
    return GW_OK;
}

enum gw_code store_brake_state_put(struct store_apply *apply, uint32_t folder, const struct store_brake_state *state,
                                   struct gw_error *err)
{
    uint8_t record[STATE_BYTES];
    struct store_key key = state_key(folder);
    bytes_put_le(record + STATE_AT_ALERTED, (uint64_t)state->alerted_ms, 8);
    bytes_put_le(record + STATE_AT_HELD, state->held, 8);
    bytes_put_le(record + STATE_AT_HELD_SINCE, (uint64_t)state->held_ms, 8);
    bytes_put_le(record + STATE_AT_OPENS, (uint64_t)state->opens_ms, 8);
    bytes_put_le(record + STATE_AT_RELEASED, (uint64_t)state->released_until_ms, 8);
    return store_put(&apply->view, STORE_TABLE_META, store_key_str(&key), record, sizeof record, err);
}

enum gw_code store_held_drop(struct store_apply *apply, const struct store_held *held, struct gw_error *err)
{
    struct store_brake_state state;
    struct store_key key = store_user_key(held->folder, held->user_seq);
    GW_TRY(store_delete(&apply->view, STORE_TABLE_HELD, store_key_str(&key), err));
    if (held->is_rejected)
        return GW_OK;
    GW_TRY(store_brake_state_get(&apply->view, held->folder, &state, err));
    state.held -= state.held > 0;
    return store_brake_state_put(apply, held->folder, &state, err);
}

enum gw_code store_brake_total(struct store_view *view, uint64_t *ret_held, struct gw_error *err)
{
    *ret_held = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_META, err));
    enum gw_code code = store_walk_seek(&walk, STATE_PREFIX, err);
    while (code == GW_OK && gw_str_starts(walk.key, STATE_PREFIX)) {
        if (walk.value.len != STATE_BYTES)
            return store_fail_damaged(err, STORE_TABLE_META, "the brake's record has a wrong size");
        *ret_held += bytes_get_le(walk.value.ptr + STATE_AT_HELD, 8);
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}
