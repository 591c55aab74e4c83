#include "store/brake.h"

#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "store/brake_record.h"
#include "store/due.h"
#include "store/journal.h"
#include "store/positions.h"

#define CLOCK_SLACK_MS (5 * 60 * 1000)

/* The wall clock may have been set right since: what began later than now is over, for a hold must not last and a
 * release must not stand open until the clock is there again. */
static bool is_within(int64_t now_ms, int64_t from_ms, int64_t until_ms)
{
    return now_ms >= from_ms - CLOCK_SLACK_MS && now_ms < until_ms;
}

bool store_brake_is_over(const struct store_brake_state *state, int64_t now_ms)
{
    return state->held > 0 && !is_within(now_ms, state->held_ms, state->opens_ms);
}

enum gw_code store_brake_drop(struct store_apply *apply, uint32_t folder, uint64_t seq, struct gw_error *err)
{
    struct store_held held;
    uint64_t entries = 0;
    GW_TRY(store_table_entries(&apply->view, STORE_TABLE_HELD, &entries, err));
    enum gw_code code =
        entries > 0 ? store_held_get(&apply->view, &apply->arena, folder, seq, &held, err) : GW_E_NOT_FOUND;
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
    if (state->alerted_ms != 0 && is_within(change->time_ms, state->alerted_ms, state->alerted_ms + brake->within_ms))
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

/* What is to become of a change that takes the user out, and all that it depends on. */
struct decision {
    enum store_brake_verdict verdict;
    struct store_brake_state state;
    bool is_known; /* there is `held` of this user */
    struct store_held held;
    uint64_t count;
    uint64_t base;
    uint64_t limit;
};

static bool is_rejected(const struct decision *decision, const struct store_brake *brake, int64_t now_ms)
{
    return decision->is_known && decision->held.is_rejected &&
           is_within(now_ms, decision->held.time_ms, decision->held.time_ms + brake->within_ms);
}

static enum store_brake_verdict verdict_of(const struct decision *decision, const struct store_user *user,
                                           const struct store_brake *brake, int64_t now_ms)
{
    const struct store_brake_state *state = &decision->state;
    if (is_counted(user, now_ms - brake->within_ms))
        return STORE_BRAKE_PASSES;
    if (is_rejected(decision, brake, now_ms))
        return STORE_BRAKE_REJECTS;
    int64_t longest_ms = brake->within_ms > STORE_BRAKE_RELEASED_MS ? brake->within_ms : STORE_BRAKE_RELEASED_MS;
    bool is_released = is_within(now_ms, state->released_until_ms - longest_ms, state->released_until_ms);
    if (is_released || store_brake_is_over(state, now_ms))
        return STORE_BRAKE_PASSES;
    if (decision->is_known && !decision->held.is_rejected)
        return STORE_BRAKE_HOLDS;
    if (decision->count + state->held < decision->limit)
        return STORE_BRAKE_PASSES;
    return brake->is_hold ? STORE_BRAKE_HOLDS : STORE_BRAKE_ALERTS;
}

static enum gw_code decide(struct store_view *view, struct gw_arena *arena, const struct store_user *user,
                           const struct store_brake *brake, int64_t now_ms, struct decision *decision,
                           struct gw_error *err)
{
    *decision = (struct decision){.is_known = true};
    enum gw_code code = store_held_get(view, arena, user->folder, user->seq, &decision->held, err);
    if (code == GW_E_NOT_FOUND)
        decision->is_known = false;
    else if (code != GW_OK)
        return code;
    GW_TRY(store_brake_state_get(view, user->folder, &decision->state, err));
    GW_TRY(count_users(view, user->folder, now_ms - brake->within_ms, &decision->count, &decision->base, err));
    uint64_t share = decision->base * brake->share_percent / 100;
    decision->limit = share > brake->at_least ? share : brake->at_least;
    decision->verdict = verdict_of(decision, user, brake, now_ms);
    return GW_OK;
}

/* It waits already. */
static enum gw_code hold_on(struct store_apply *apply, struct store_held *held, enum store_held_kind kind,
                            struct gw_error *err)
{
    if (held->kind != kind && kind != STORE_HELD_DEACTIVATE) {
        held->kind = kind; /* more is asked for now */
        apply->keep = true;
        GW_TRY(store_held_put(apply, held, err));
    }
    return gw_fail(err, GW_E_HELD, "held by the brake, and not released yet");
}

enum gw_code store_brake_check(struct store_apply *apply, const struct store_user *user, enum store_held_kind kind,
                               struct gw_error *err)
{
    const struct store_change *change = apply->change;
    const struct store_brake *brake = &change->brake;
    struct decision decision;
    /* a full store is for deactivations, not for holding them */
    if (!brake->is_on || apply->found.room != STORE_ROOM_PLENTY)
        return store_brake_drop(apply, user->folder, user->seq, err);
    GW_TRY(decide(&apply->view, &apply->arena, user, brake, change->time_ms, &decision, err));
    if (decision.verdict == STORE_BRAKE_REJECTS)
        return gw_fail(err, GW_E_FORBIDDEN, "an operator rejected this: %.*s", GW_STR_ARG(decision.held.reason));
    bool waits = decision.is_known && !decision.held.is_rejected;
    if (decision.verdict == STORE_BRAKE_HOLDS && waits)
        return hold_on(apply, &decision.held, kind, err);
    if (decision.is_known)
        GW_TRY(store_held_drop(apply, &decision.held, err));
    if (decision.verdict == STORE_BRAKE_PASSES)
        return GW_OK;
    GW_TRY(alert(apply, &decision.state, decision.count + decision.state.held, decision.base, err));
    return decision.verdict == STORE_BRAKE_HOLDS ? hold(apply, user, kind, &decision.state, err)
                                                 : store_brake_state_put(apply, user->folder, &decision.state, err);
}

enum gw_code store_brake_foresee(struct store_reader *reader, struct gw_arena *arena, const struct store_user *user,
                                 const struct store_brake *brake, int64_t now_ms,
                                 struct store_brake_foreseen *ret_foreseen, struct gw_error *err)
{
    struct decision decision;
    GW_TRY(decide(store_reader_view(reader), arena, user, brake, now_ms, &decision, err));
    *ret_foreseen = (struct store_brake_foreseen){.verdict = decision.verdict,
                                                  .count = decision.count + decision.state.held,
                                                  .base = decision.base,
                                                  .limit = decision.limit,
                                                  .reason = decision.held.reason};
    return GW_OK;
}

enum gw_code store_brake_count(struct store_reader *reader, uint32_t folder, int64_t from_ms, uint64_t *ret_count,
                               uint64_t *ret_base, struct gw_error *err)
{
    return count_users(store_reader_view(reader), folder, from_ms, ret_count, ret_base, err);
}
