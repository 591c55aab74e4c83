#include "store/apply.h"
#include "store/blind.h"
#include "store/brake.h"
#include "store/journal.h"
#include "store/match.h"

/* An operator's lock is not lifted by deleting the user and making it anew (semantics.md 4). */
static enum gw_code inherit_lock(struct store_apply *apply, struct store_user *user, struct gw_error *err)
{
    const enum store_index indexes[] = {STORE_INDEX_USER_NAME, STORE_INDEX_EXTERNAL_ID};
    const struct gw_str names[] = {user->user_name, user->external_id};
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        struct store_user gone;
        uint64_t seq = 0;
        GW_TRY(store_blind_find(&apply->view, user->folder, indexes[i], names[i], &seq, err));
        enum gw_code code = GW_E_NOT_FOUND;
        if (seq != 0)
            code = store_users_load(&apply->view, &apply->arena, user->folder, seq, &gone, err);
        if (code == GW_OK)
            user->state.flags |= gone.state.flags & (uint32_t)STORE_USER_LOCKED;
        else if (code != GW_E_NOT_FOUND)
            return code;
    }
    return GW_OK;
}

static enum gw_code create_new(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    const struct store_user_draft *draft = &change->as.create.draft;
    GW_TRY(store_apply_check_room(apply, err));
    GW_TRY(store_apply_check_name(apply, change->folder, draft->user_name, 0, err));
    struct store_user user = {
        .folder = change->folder,
        .state = {.flags = STORE_USER_PROVISIONED | (draft->active ? (uint32_t)STORE_USER_ACTIVE : 0u),
                  .generation = 1},
        .version = 1,
        .created_ms = change->time_ms,
        .modified_ms = change->time_ms,
        .deactivated_ms = draft->active ? 0 : change->time_ms,
        .deactivated_version = draft->active ? 0 : 1,
    };
    GW_TRY(store_users_new_seq(&apply->view, change->folder, &user.seq, err));
    store_draft_fill(&user, draft);
    GW_TRY(inherit_lock(apply, &user, err));
    GW_TRY(store_apply_save(apply, NULL, &user, err));
    GW_TRY(store_blind_clear(apply, &user, err));
    store_apply_result(apply, STORE_OUTCOME_CREATED, &user);
    GW_TRY(store_journal_add(apply, STORE_ACTIVITY_CREATE, &user, GW_STR_NONE, err));
    if ((user.state.flags & STORE_USER_LOCKED) == 0)
        return GW_OK;
    return store_journal_add(apply, STORE_ACTIVITY_LOCK, &user, GW_STR("the record before was locked when it went"),
                             err);
}

/* Adopt or revive: the same id, the new data. */
static enum gw_code take_over(struct store_apply *apply, const struct store_match_found *found, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct store_user before;
    enum gw_code code = store_users_load(&apply->view, &apply->arena, change->folder, found->seq, &before, err);
    if (code == GW_E_NOT_FOUND)
        return store_fail_damaged(err, STORE_TABLE_INDEX, "it names a user that is not there");
    if (code != GW_OK)
        return code;
    GW_TRY(store_match_check(&apply->view, found, &before, &change->as.create.draft, change->as.create.adopt,
                             change->as.create.revive, err));
    if ((before.state.flags & STORE_USER_ACTIVE) != 0 && !change->as.create.draft.active)
        GW_TRY(store_brake_check(apply, &before, STORE_HELD_DEACTIVATE, err));
    else if (change->as.create.draft.active) /* the client wants the user after all */
        GW_TRY(store_brake_drop(apply, before.folder, before.seq, err));
    bool is_adoption = (before.state.flags & STORE_USER_PROVISIONED) == 0;
    struct store_user user = before;
    store_draft_fill(&user, &change->as.create.draft);
    user.state.flags |= STORE_USER_PROVISIONED;
    user.state.flags &= ~(uint32_t)STORE_USER_ANONYMISED;
    store_user_touch(&user, change->time_ms);
    GW_TRY(
        store_journal_add(apply, is_adoption ? STORE_ACTIVITY_ADOPT : STORE_ACTIVITY_REVIVE, &user, GW_STR_NONE, err));
    GW_TRY(store_apply_set_active(apply, &user, change->as.create.draft.active, err));
    GW_TRY(store_apply_save(apply, &before, &user, err));
    GW_TRY(store_blind_clear(apply, &user, err));
    store_apply_result(apply, is_adoption ? STORE_OUTCOME_ADOPTED : STORE_OUTCOME_REVIVED, &user);
    return GW_OK;
}

enum gw_code store_apply_user_create(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct store_match_found found;
    GW_TRY(store_draft_check(&change->as.create.draft, err));
    GW_TRY(
        store_match_find(&apply->view, change->folder, &change->as.create.draft, change->as.create.match, &found, err));
    return found.seq == 0 ? create_new(apply, err) : take_over(apply, &found, err);
}
