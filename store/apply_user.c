#include "store/apply.h"
#include "store/blind.h"
#include "store/brake.h"
#include "store/inspect.h"
#include "store/journal.h"
#include "store/links.h"
#include "store/match.h"
#include "store/replay.h"

/* A PUT that comes this soon after a deactivation and echoes an older version was read before it (semantics.md 4). */
#define STALE_PUT_MS 60000
#define ADOPT_IS_OFF "the user is not provisioned yet, and policy.adopt is off"

static enum gw_code load_from(struct store_view *view, struct gw_arena *arena, const struct store_change *change,
                              struct store_user *ret_user, struct gw_error *err)
{
    enum gw_code code = store_users_load(view, arena, change->folder, change->user_seq, ret_user, err);
    if (code == GW_E_NOT_FOUND || (code == GW_OK && (ret_user->state.flags & STORE_USER_DELETED) != 0))
        return gw_fail(err, GW_E_NOT_FOUND, "there is no such user");
    return code;
}

static enum gw_code load(struct store_apply *apply, struct store_user *ret_user, struct gw_error *err)
{
    return load_from(&apply->view, &apply->arena, apply->change, ret_user, err);
}

static bool is_stale_reactivation(const struct store_change *change, const struct store_user *before)
{
    return (before->state.flags & STORE_USER_ACTIVE) == 0 && change->as.replace.draft.active &&
           change->as.replace.echoed_version != 0 && change->as.replace.echoed_version < before->deactivated_version &&
           change->time_ms - before->deactivated_ms < STALE_PUT_MS;
}

/* What a replacement does to a record, decided before anything is written. */
struct plan {
    bool active;
    bool is_stale;
    bool is_adoption;
    bool is_update; /* of anything but active */
    bool is_change;
};

static struct plan make_plan(const struct store_change *change, const struct store_user *before)
{
    const struct store_user_draft *draft = &change->as.replace.draft;
    struct plan plan = {.is_stale = is_stale_reactivation(change, before)};
    plan.active = draft->active && !plan.is_stale;
    plan.is_adoption = (before->state.flags & STORE_USER_PROVISIONED) == 0;
    plan.is_update = store_draft_differs(before, draft);
    plan.is_change =
        plan.is_adoption || plan.is_update || plan.active != ((before->state.flags & STORE_USER_ACTIVE) != 0);
    return plan;
}

static enum store_outcome outcome_of(struct plan plan)
{
    if (plan.is_stale)
        return STORE_OUTCOME_STALE_REACTIVATION;
    return plan.is_adoption ? STORE_OUTCOME_ADOPTED : plan.is_change ? STORE_OUTCOME_UPDATED : STORE_OUTCOME_UNCHANGED;
}

static enum gw_code check_replace(struct store_apply *apply, const struct store_user *before, struct plan plan,
                                  struct gw_error *err)
{
    const struct store_change *change = apply->change;
    if (change->as.replace.expected_version != before->version)
        return gw_fail(err, GW_E_STALE, "the user has version %llu, not %llu", (unsigned long long)before->version,
                       (unsigned long long)change->as.replace.expected_version);
    if (plan.is_adoption && !change->as.replace.adopt)
        return gw_fail(err, GW_E_CONFLICT, ADOPT_IS_OFF);
    if (apply->found.room == STORE_ROOM_LAST && plan.is_change && plan.active)
        return gw_fail(err, GW_E_STORE_FULL, "the store is full; what is left is for deactivations");
    return store_apply_check_name(apply, before->folder, change->as.replace.draft.user_name, before->seq, err);
}

static size_t data_bytes(const struct store_user *user)
{
    size_t bytes = user->user_name.len + user->external_id.len + user->attributes.len;
    for (size_t i = 0; i < user->email_count; i++)
        bytes += user->emails[i].len;
    return bytes;
}

/* In the last room no record grows, but no deactivation waits for room either: active:false is taken and stays, the
 * rest is refused and will come again. */
static enum gw_code deactivate_only(struct store_apply *apply, const struct store_user *before, struct gw_error *err)
{
    struct store_user user = *before;
    if ((before->state.flags & STORE_USER_ACTIVE) == 0)
        return gw_fail(err, GW_E_STORE_FULL, "the store is full; what is left is for deactivations");
    store_user_touch(&user, apply->change->time_ms);
    GW_TRY(store_apply_set_active(apply, &user, false, err));
    GW_TRY(store_users_save(&apply->view, &apply->arena, before, &user, err));
    apply->keep = true;
    return gw_fail(err, GW_E_STORE_FULL, "the store is full: the user is inactive now, but nothing else was changed");
}

static enum gw_code journal_replace(struct store_apply *apply, const struct store_user *user, struct plan plan,
                                    struct gw_error *err)
{
    if (plan.is_stale)
        GW_TRY(store_journal_add(apply, STORE_ACTIVITY_STALE_REACTIVATION, user,
                                 GW_STR("ignored: the client had read the user before the deactivation"), err));
    if (plan.is_adoption)
        return store_journal_add(apply, STORE_ACTIVITY_ADOPT, user, GW_STR_NONE, err);
    if (plan.is_update)
        return store_journal_add(apply, STORE_ACTIVITY_UPDATE, user, GW_STR_NONE, err);
    return GW_OK;
}

enum gw_code store_apply_user_replace(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct store_user before;
    GW_TRY(store_draft_check(&change->as.replace.draft, err));
    GW_TRY(load(apply, &before, err));
    struct plan plan = make_plan(change, &before);
    GW_TRY(check_replace(apply, &before, plan, err));
    if ((before.state.flags & STORE_USER_ACTIVE) != 0 && !plan.active)
        GW_TRY(store_brake_check(apply, &before, STORE_HELD_DEACTIVATE, err));
    else if (plan.active && change->as.replace.says_active) /* another title takes no deactivation back */
        GW_TRY(store_brake_drop(apply, before.folder, before.seq, err));
    struct store_user user = before;
    if (plan.is_change) {
        store_draft_fill(&user, &change->as.replace.draft);
        user.state.flags &= ~(uint32_t)STORE_USER_ANONYMISED; /* it has data again */
        if (apply->found.room == STORE_ROOM_LAST && data_bytes(&user) > data_bytes(&before))
            return deactivate_only(apply, &before, err);
        user.state.flags |= STORE_USER_PROVISIONED;
        store_user_touch(&user, change->time_ms);
    }
    if (!gw_str_eq(before.user_name, user.user_name)) /* an anonymised record that is somebody's again */
        GW_TRY(store_blind_clear_seq(apply, user.folder, user.seq, err));
    GW_TRY(journal_replace(apply, &user, plan, err));
    GW_TRY(store_apply_set_active(apply, &user, plan.active, err));
    if (plan.is_change)
        GW_TRY(store_apply_save(apply, &before, &user, err));
    store_apply_result(apply, outcome_of(plan), &user);
    return GW_OK;
}

enum gw_code store_foresee_replace(struct store_reader *reader, const struct store_change *change,
                                   enum store_outcome *ret_outcome, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct store_view *view = store_reader_view(reader);
    struct store_user before;
    GW_TRY(store_draft_check(&change->as.replace.draft, err));
    GW_TRY(load_from(view, &arena, change, &before, err));
    struct plan plan = make_plan(change, &before);
    if (plan.is_adoption && !change->as.replace.adopt)
        return gw_fail(err, GW_E_CONFLICT, ADOPT_IS_OFF);
    GW_TRY(store_match_check_name(view, change->folder, change->as.replace.draft.user_name, before.seq, err));
    *ret_outcome = outcome_of(plan);
    return GW_OK;
}

/* A tombstone (semantics.md 4): out of index and totals at once, sessions dead, the record kept. */
enum gw_code store_apply_tombstone(struct store_apply *apply, const struct store_user *before, struct gw_error *err)
{
    struct store_user user = *before;
    store_user_touch(&user, apply->change->time_ms);
    /* whoever was inactive for long is kept as long as anybody: the retention time begins here */
    user.deactivated_ms = apply->change->time_ms;
    user.deactivated_version = user.version;
    /* a reader that looks at active only must refuse as well */
    user.state.flags = (user.state.flags | STORE_USER_DELETED) & ~(uint32_t)STORE_USER_ACTIVE;
    GW_TRY(store_apply_revoke(apply, &user, err));
    GW_TRY(store_journal_add(apply, STORE_ACTIVITY_DELETE, &user, GW_STR_NONE, err));
    GW_TRY(store_blind_add(apply, &user, err)); /* or the next sign-on would make an observed user of the same person */
    GW_TRY(store_links_remove_user(apply, &user, err));
    GW_TRY(store_apply_leave_groups(apply, user.seq, err));
    GW_TRY(store_users_save(&apply->view, &apply->arena, before, &user, err));
    store_apply_result(apply, STORE_OUTCOME_UPDATED, &user);
    return GW_OK;
}

enum gw_code store_apply_user_delete(struct store_apply *apply, struct gw_error *err)
{
    struct store_user before;
    GW_TRY(load(apply, &before, err));
    GW_TRY(store_brake_check(apply, &before, STORE_HELD_DELETE, err));
    return store_apply_tombstone(apply, &before, err);
}

enum gw_code store_apply_user_end_sessions(struct store_apply *apply, struct gw_error *err)
{
    struct store_user before;
    GW_TRY(load(apply, &before, err));
    struct store_user user = before;
    if (apply->change->as.replay.forget_after_ms != 0)
        GW_TRY(store_apply_replay_mark(apply, err));
    GW_TRY(store_apply_revoke(apply, &user, err));
    GW_TRY(store_journal_add(apply, STORE_ACTIVITY_END_SESSIONS, &user, GW_STR_NONE, err));
    GW_TRY(store_users_save(&apply->view, &apply->arena, &before, &user, err));
    store_apply_result(apply, STORE_OUTCOME_UPDATED, &user);
    return GW_OK;
}

static enum gw_code set_lock(struct store_apply *apply, bool locked, struct gw_error *err)
{
    struct store_user before;
    GW_TRY(load(apply, &before, err));
    struct store_user user = before;
    if (locked == ((before.state.flags & STORE_USER_LOCKED) != 0)) {
        store_apply_result(apply, STORE_OUTCOME_UNCHANGED, &user);
        return GW_OK;
    }
    if (locked) {
        user.state.flags |= STORE_USER_LOCKED;
        GW_TRY(store_apply_revoke(apply, &user, err));
    } else {
        user.state.flags &= ~(uint32_t)STORE_USER_LOCKED;
    }
    GW_TRY(store_journal_add(apply, locked ? STORE_ACTIVITY_LOCK : STORE_ACTIVITY_UNLOCK, &user, GW_STR_NONE, err));
    GW_TRY(store_users_save(&apply->view, &apply->arena, &before, &user, err));
    store_apply_result(apply, STORE_OUTCOME_UPDATED, &user);
    return GW_OK;
}

enum gw_code store_apply_user_lock(struct store_apply *apply, struct gw_error *err)
{
    return set_lock(apply, true, err);
}

enum gw_code store_apply_user_unlock(struct store_apply *apply, struct gw_error *err)
{
    return set_lock(apply, false, err);
}
