#include "store/brake.h"

#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "store/brake_record.h"
#include "store/due.h"
#include "store/journal.h"
#include "store/positions.h"

enum gw_code store_brake_drop(struct store_apply *apply, uint32_t folder, uint64_t seq, struct gw_error *err)
{
    struct store_held held;
    uint64_t entries = 0;
    GW_TRY(store_table_entries(&apply->view, STORE_TABLE_HELD, &entries, err));
    enum gw_code code = entries > 0 ? store_held_get(apply, folder, seq, &held, err) : GW_E_NOT_FOUND;
    if (code == GW_OK)
        return store_held_drop(apply, &held, err);
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

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
    GW_TRY(store_held_put(apply, &held, err));
    GW_TRY(store_brake_state_put(apply, user->folder, state, err));
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
    enum gw_code code = store_held_get(apply, user->folder, user->seq, &held, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? GW_OK : code;
    if (held.is_rejected && change->time_ms - held.time_ms < change->brake.within_ms)
        return gw_fail(err, GW_E_FORBIDDEN, "an operator rejected this: %.*s", GW_STR_ARG(held.reason));
    if (held.is_rejected)
        return store_held_drop(apply, &held, err);
    *ret_waits = true;
    if (held.kind == kind || kind == STORE_HELD_DEACTIVATE)
        return GW_OK;
    held.kind = kind; /* more is asked for now */
    apply->keep = true;
    return store_held_put(apply, &held, err);
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
    GW_TRY(store_brake_state_get(&apply->view, user->folder, &state, err));
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
    return brake->is_hold ? hold(apply, user, kind, &state, err)
                          : store_brake_state_put(apply, user->folder, &state, err);
}

enum gw_code store_brake_count(struct store_reader *reader, uint32_t folder, int64_t from_ms, uint64_t *ret_count,
                               uint64_t *ret_base, struct gw_error *err)
{
    return count_users(store_reader_view(reader), folder, from_ms, ret_count, ret_base, err);
}
