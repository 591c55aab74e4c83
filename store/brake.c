#include "store/brake.h"

#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "store/bytes.h"
#include "store/codec.h"
#include "store/due.h"
#include "store/journal.h"
#include "store/positions.h"

#define PART_MAX 64u /* users of one change: each may leave groups */
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

static enum gw_code put_held(struct store_apply *apply, const struct store_held *held, struct gw_error *err)
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

/* GW_E_NOT_FOUND: nothing is. Texts in the arena. */
static enum gw_code get_held(struct store_apply *apply, uint32_t folder, uint64_t seq, struct store_held *ret_held,
                             struct gw_error *err)
{
    struct store_key key = store_user_key(folder, seq);
    struct gw_str value;
    enum gw_code code = store_get(&apply->view, STORE_TABLE_HELD, store_key_str(&key), &value, err);
    if (code == GW_OK && !store_held_decode(store_key_str(&key), gw_arena_copy(&apply->arena, value), ret_held))
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

static struct store_key state_key(uint32_t folder)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add(&key, GW_STR("brake"));
    store_key_add_be(&key, folder, 4);
    return key;
}

static enum gw_code get_state(struct store_view *view, uint32_t folder, struct store_brake_state *ret_state,
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

static enum gw_code put_state(struct store_apply *apply, uint32_t folder, const struct store_brake_state *state,
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

static enum gw_code drop_held(struct store_apply *apply, const struct store_held *held, struct gw_error *err)
{
    struct store_brake_state state;
    struct store_key key = store_user_key(held->folder, held->user_seq);
    GW_TRY(store_delete(&apply->view, STORE_TABLE_HELD, store_key_str(&key), err));
    if (held->is_rejected)
        return GW_OK;
    GW_TRY(get_state(&apply->view, held->folder, &state, err));
    state.held -= state.held > 0;
    return put_state(apply, held->folder, &state, err);
}

enum gw_code store_brake_drop(struct store_apply *apply, uint32_t folder, uint64_t seq, struct gw_error *err)
{
    struct store_held held;
    uint64_t entries = 0;
    GW_TRY(store_table_entries(&apply->view, STORE_TABLE_HELD, &entries, err));
    enum gw_code code = entries > 0 ? get_held(apply, folder, seq, &held, err) : GW_E_NOT_FOUND;
    if (code == GW_OK)
        return drop_held(apply, &held, err);
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

/* ---- deciding ---- */

static enum gw_code count_users(struct store_view *view, uint32_t folder, int64_t from_ms, uint64_t *ret_count,
                                uint64_t *ret_base, struct gw_error *err)
{
    uint64_t total = 0;
    uint64_t inactive = 0;
    GW_TRY(store_due_count(view, folder, from_ms, ret_count, err));
    GW_TRY(store_positions_total(view, folder, &total, err));
    GW_TRY(store_due_inactive(view, folder, &inactive, err));
    *ret_base = (total > inactive ? total - inactive : 0) + *ret_count;
    return GW_OK;
}

static bool is_counted(const struct store_user *user, int64_t from_ms)
{
    struct store_key key;
    return store_due_key(user, &key) && user->deactivated_ms >= from_ms;
}

/* Once in a window: an alarm, also where nothing is held. */
static enum gw_code alert(struct store_apply *apply, struct store_brake_state *state, uint64_t count, uint64_t base,
                          struct gw_error *err)
{
    struct store_change *change = apply->change;
    const struct store_brake *brake = &change->brake;
    if (state->alerted_ms != 0 && change->time_ms - state->alerted_ms < brake->within_ms)
        return GW_OK;
    state->alerted_ms = change->time_ms;
    struct gw_str text =
        gw_arena_printf(&apply->arena, "%llu of %llu users in %lld minutes: %s", (unsigned long long)count,
                        (unsigned long long)base, (long long)(brake->within_ms / STORE_DUE_MINUTE_MS),
                        brake->is_hold ? "the next ones are held" : "nothing is held");
    gw_metric_add(GW_METRIC_BRAKE_ALERTS, 1);
    gw_log(GW_LOG_WARN, "brake", "app=%.*s by=%.*s %.*s", GW_STR_ARG(change->app), GW_STR_ARG(change->actor),
           GW_STR_ARG(text));
    return store_journal_add(apply, STORE_ACTIVITY_BRAKE, NULL, text, err);
}

static enum gw_code hold(struct store_apply *apply, const struct store_user *user, enum store_held_kind kind,
                         struct store_brake_state *state, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    if (state->held++ == 0) {
        state->held_ms = change->time_ms;
        state->opens_ms = change->time_ms + change->brake.max_hold_ms;
    }
    const struct store_held held = {.folder = user->folder,
                                    .user_seq = user->seq,
                                    .kind = kind,
                                    .time_ms = change->time_ms,
                                    .actor = change->actor};
    GW_TRY(put_held(apply, &held, err));
    GW_TRY(put_state(apply, user->folder, state, err));
    GW_TRY(store_journal_add(apply, STORE_ACTIVITY_HOLD, user,
                             kind == STORE_HELD_DELETE ? GW_STR("deletion") : GW_STR("deactivation"), err));
    gw_metric_add(GW_METRIC_BRAKE_HELD, 1);
    apply->keep = true;
    return gw_fail(err, GW_E_HELD,
                   "held by the brake: too many users at once; it is done when an operator releases it");
}

/* What is known of just this user. GW_E_NOT_FOUND: nothing. */
static enum gw_code check_known(struct store_apply *apply, const struct store_user *user, enum store_held_kind kind,
                                bool *ret_waits, struct gw_error *err)
{
    struct store_held held;
    const struct store_change *change = apply->change;
    enum gw_code code = get_held(apply, user->folder, user->seq, &held, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? GW_OK : code;
    if (held.is_rejected && change->time_ms - held.time_ms < change->brake.within_ms)
        return gw_fail(err, GW_E_FORBIDDEN, "an operator rejected this: %.*s", GW_STR_ARG(held.reason));
    if (held.is_rejected)
        return drop_held(apply, &held, err);
    *ret_waits = true;
    if (held.kind == kind || kind == STORE_HELD_DEACTIVATE)
        return GW_OK;
    held.kind = kind; /* more is asked for now */
    apply->keep = true;
    return put_held(apply, &held, err);
}

enum gw_code store_brake_check(struct store_apply *apply, const struct store_user *user, enum store_held_kind kind,
                               struct gw_error *err)
{
    const struct store_change *change = apply->change;
    const struct store_brake *brake = &change->brake;
    struct store_brake_state state;
    bool waits = false;
    uint64_t count = 0;
    uint64_t base = 0;
    /* a full store is for deactivations, not for holding them */
    if (!brake->is_on || is_counted(user, change->time_ms - brake->within_ms) || apply->found.room != STORE_ROOM_PLENTY)
        return store_brake_drop(apply, user->folder, user->seq, err);
    GW_TRY(check_known(apply, user, kind, &waits, err));
    GW_TRY(get_state(&apply->view, user->folder, &state, err));
    bool is_open = change->time_ms < state.released_until_ms || (state.held > 0 && change->time_ms >= state.opens_ms);
    if (waits && !is_open)
        return gw_fail(err, GW_E_HELD, "held by the brake, and not released yet");
    if (waits || is_open)
        return store_brake_drop(apply, user->folder, user->seq, err);
    GW_TRY(count_users(&apply->view, user->folder, change->time_ms - brake->within_ms, &count, &base, err));
    uint64_t share = base * brake->share_percent / 100;
    if (count + state.held < (share > brake->at_least ? share : brake->at_least))
        return GW_OK;
    GW_TRY(alert(apply, &state, count + state.held, base, err));
    return brake->is_hold ? hold(apply, user, kind, &state, err) : put_state(apply, user->folder, &state, err);
}

/* ---- the operator, and the end of max_hold ---- */

struct part {
    struct store_held helds[PART_MAX];
    size_t count;
    bool has_more;
};

/* The next ones that wait, texts in the arena. */
static enum gw_code read_part(struct store_apply *apply, uint32_t folder, struct part *part, struct gw_error *err)
{
    struct store_key prefix;
    store_key_init(&prefix);
    store_key_add_be(&prefix, folder, 4);
    part->count = 0;
    part->has_more = false;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, &apply->view, STORE_TABLE_HELD, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&prefix), err);
    while (code == GW_OK && gw_str_starts(walk.key, store_key_str(&prefix))) {
        struct store_held held;
        if (!store_held_decode(walk.key, gw_arena_copy(&apply->arena, walk.value), &held))
            return store_fail_damaged(err, STORE_TABLE_HELD, "a record makes no sense");
        if (!held.is_rejected && part->count == PART_MAX) {
            part->has_more = true;
            return GW_OK;
        }
        if (!held.is_rejected)
            part->helds[part->count++] = held;
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static enum gw_code take_out(struct store_apply *apply, const struct store_held *held, struct gw_error *err)
{
    struct store_user before;
    enum gw_code code = store_users_load(&apply->view, &apply->arena, held->folder, held->user_seq, &before, err);
    bool is_gone = code == GW_E_NOT_FOUND || (code == GW_OK && (before.state.flags & STORE_USER_DELETED) != 0);
    if (is_gone)
        return GW_OK;
    if (code != GW_OK)
        return code;
    if (held->kind == STORE_HELD_DELETE)
        return store_apply_tombstone(apply, &before, err);
    struct store_user user = before;
    if ((before.state.flags & STORE_USER_ACTIVE) == 0)
        return GW_OK;
    store_user_touch(&user, apply->change->time_ms);
    GW_TRY(store_apply_set_active(apply, &user, false, err));
    return store_users_save(&apply->view, &apply->arena, &before, &user, err);
}

enum gw_code store_apply_brake_release(struct store_apply *apply, struct gw_error *err)
{
    struct store_change *change = apply->change;
    struct store_brake_state state;
    GW_TRY(get_state(&apply->view, change->folder, &state, err));
    bool is_due = state.held > 0 && (!change->as.release.only_when_over || change->time_ms >= state.opens_ms);
    change->result.outcome = STORE_OUTCOME_UNCHANGED;
    if (!is_due)
        return GW_OK;
    struct part *part = gw_arena_alloc(&apply->arena, sizeof *part);
    GW_TRY(read_part(apply, change->folder, part, err));
    for (size_t i = 0; i < part->count; i++) {
        GW_TRY(take_out(apply, &part->helds[i], err));
        GW_TRY(drop_held(apply, &part->helds[i], err));
    }
    GW_TRY(get_state(&apply->view, change->folder, &state, err));
    state.held = part->has_more ? state.held : 0;
    /* whoever comes with the rest of the same run passes */
    int64_t window_ms = change->brake.within_ms > 0 ? change->brake.within_ms : STORE_BRAKE_RELEASED_MS;
    state.released_until_ms = change->time_ms + window_ms;
    GW_TRY(put_state(apply, change->folder, &state, err));
    change->result.outcome = STORE_OUTCOME_UPDATED;
    change->result.has_more = part->has_more;
    change->result.count = part->count;
    struct gw_str text = gw_arena_printf(&apply->arena, "%zu users", part->count);
    return store_journal_add(apply, STORE_ACTIVITY_BRAKE_RELEASE, NULL, text, err);
}

enum gw_code store_apply_brake_reject(struct store_apply *apply, struct gw_error *err)
{
    struct store_change *change = apply->change;
    struct store_brake_state state;
    struct part *part = gw_arena_alloc(&apply->arena, sizeof *part);
    GW_TRY(read_part(apply, change->folder, part, err));
    change->result.outcome = STORE_OUTCOME_UNCHANGED;
    if (part->count == 0)
        return GW_OK;
    for (size_t i = 0; i < part->count; i++) {
        struct store_held held = part->helds[i];
        held.is_rejected = true;
        held.time_ms = change->time_ms;
        held.reason = change->as.reject.reason;
        GW_TRY(put_held(apply, &held, err));
    }
    GW_TRY(get_state(&apply->view, change->folder, &state, err));
    state.held = part->has_more && state.held > part->count ? state.held - part->count : 0;
    GW_TRY(put_state(apply, change->folder, &state, err));
    change->result.outcome = STORE_OUTCOME_UPDATED;
    change->result.has_more = part->has_more;
    change->result.count = part->count;
    struct gw_str text =
        gw_arena_printf(&apply->arena, "%zu users: %.*s", part->count, GW_STR_ARG(change->as.reject.reason));
    return store_journal_add(apply, STORE_ACTIVITY_BRAKE_REJECT, NULL, text, err);
}

/* ---- reading ---- */

enum gw_code store_held_walk(struct store_reader *reader, uint32_t folder, store_held_fn on_held, void *data,
                             struct gw_error *err)
{
    struct store_key prefix;
    bool goes_on = true;
    store_key_init(&prefix);
    store_key_add_be(&prefix, folder, 4);
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, store_reader_view(reader), STORE_TABLE_HELD, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&prefix), err);
    while (code == GW_OK && goes_on && gw_str_starts(walk.key, store_key_str(&prefix))) {
        struct store_held held;
        if (!store_held_decode(walk.key, walk.value, &held))
            return store_fail_damaged(err, STORE_TABLE_HELD, "a record makes no sense");
        goes_on = on_held(&held, data);
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_brake_read(struct store_reader *reader, uint32_t folder, struct store_brake_state *ret_state,
                              struct gw_error *err)
{
    return get_state(store_reader_view(reader), folder, ret_state, err);
}

enum gw_code store_brake_count(struct store_reader *reader, uint32_t folder, int64_t from_ms, uint64_t *ret_count,
                               uint64_t *ret_base, struct gw_error *err)
{
    return count_users(store_reader_view(reader), folder, from_ms, ret_count, ret_base, err);
}
