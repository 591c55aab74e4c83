#include "store/apply.h"
#include "store/env.h"
#include "store/journal.h"

/* What a POST's match rules name (semantics.md 4). */
struct match {
    uint64_t seq; /* 0: nobody */
    const char *rule;
};

static enum gw_code two_users(struct store_apply *apply, const struct match *match, uint64_t seq, const char *rule,
                              struct gw_error *err)
{
    const struct store_change *change = apply->change;
    char first[GW_IDENT_TEXT + 1];
    char second[GW_IDENT_TEXT + 1];
    gw_ident_format(apply->view.store->keys.ident, GW_IDENT_USER, change->folder, match->seq, first);
    gw_ident_format(apply->view.store->keys.ident, GW_IDENT_USER, change->folder, seq, second);
    return gw_fail(err, GW_E_UNIQUENESS, "the match rules name two users: %s names %s, %s names %s", match->rule, first,
                   rule, second);
}

static enum gw_code add_match(struct store_apply *apply, struct match *match, uint64_t seq, const char *rule,
                              struct gw_error *err)
{
    if (match->seq != 0 && match->seq != seq)
        return two_users(apply, match, seq, rule, err);
    if (match->seq == 0)
        *match = (struct match){seq, rule};
    return GW_OK;
}

static enum gw_code match_value(struct store_apply *apply, enum store_index index, struct gw_str value,
                                const char *rule, struct match *match, struct gw_error *err)
{
    uint64_t seqs[2];
    size_t count = 0;
    GW_TRY(store_users_lookup(&apply->view, apply->change->folder, index, value, seqs, 2, &count, err));
    /* an address that several people have names nobody */
    if (index == STORE_INDEX_EMAIL && count > 1)
        return GW_OK;
    for (size_t i = 0; i < count; i++)
        GW_TRY(add_match(apply, match, seqs[i], rule, err));
    return GW_OK;
}

static enum gw_code find_match(struct store_apply *apply, struct match *ret_match, struct gw_error *err)
{
    const struct store_user_draft *draft = &apply->change->as.create.draft;
    unsigned rules = apply->change->as.create.match;
    *ret_match = (struct match){.seq = 0};
    if ((rules & STORE_MATCH_EXTERNAL_ID) != 0)
        GW_TRY(match_value(apply, STORE_INDEX_EXTERNAL_ID, draft->external_id, "externalId", ret_match, err));
    if ((rules & STORE_MATCH_USER_NAME) != 0)
        GW_TRY(match_value(apply, STORE_INDEX_USER_NAME, draft->user_name, "userName", ret_match, err));
    if ((rules & STORE_MATCH_EMAIL) == 0)
        return GW_OK;
    for (size_t i = 0; i < draft->email_count; i++)
        GW_TRY(match_value(apply, STORE_INDEX_EMAIL, draft->emails[i], "email", ret_match, err));
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
    GW_TRY(store_apply_save(apply, NULL, &user, err));
    store_apply_result(apply, STORE_OUTCOME_CREATED, &user);
    return store_journal_add(apply, STORE_ACTIVITY_CREATE, &user, GW_STR_NONE, err);
}

static enum gw_code check_policy(struct store_apply *apply, const struct match *match, const struct store_user *user,
                                 struct gw_error *err)
{
    const struct store_change *change = apply->change;
    bool is_active = (user->state.flags & STORE_USER_ACTIVE) != 0;
    bool is_provisioned = (user->state.flags & STORE_USER_PROVISIONED) != 0;
    char ident[GW_IDENT_TEXT + 1];
    gw_ident_format(apply->view.store->keys.ident, GW_IDENT_USER, user->folder, user->seq, ident);
    if (is_provisioned && is_active)
        return gw_fail(err, GW_E_UNIQUENESS, "%s names an active user, %s", match->rule, ident);
    if (!is_active && !change->as.create.revive)
        return gw_fail(err, GW_E_UNIQUENESS, "%s names a deactivated user, %s, and policy.revive is off", match->rule,
                       ident);
    if (!is_provisioned && !change->as.create.adopt)
        return gw_fail(err, GW_E_CONFLICT, "%s names a user that is not provisioned yet, %s, and policy.adopt is off",
                       match->rule, ident);
    return store_apply_check_name(apply, user->folder, change->as.create.draft.user_name, user->seq, err);
}

/* Adopt or revive: the same id, the new data. */
static enum gw_code take_over(struct store_apply *apply, const struct match *match, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct store_user before;
    enum gw_code code = store_users_load(&apply->view, &apply->arena, change->folder, match->seq, &before, err);
    if (code == GW_E_NOT_FOUND)
        return store_fail_damaged(err, STORE_TABLE_INDEX, "it names a user that is not there");
    if (code != GW_OK)
        return code;
    GW_TRY(check_policy(apply, match, &before, err));
    bool is_adoption = (before.state.flags & STORE_USER_PROVISIONED) == 0;
    struct store_user user = before;
    store_draft_fill(&user, &change->as.create.draft);
    user.state.flags |= STORE_USER_PROVISIONED;
    store_user_touch(&user, change->time_ms);
    GW_TRY(
        store_journal_add(apply, is_adoption ? STORE_ACTIVITY_ADOPT : STORE_ACTIVITY_REVIVE, &user, GW_STR_NONE, err));
    GW_TRY(store_apply_set_active(apply, &user, change->as.create.draft.active, err));
    GW_TRY(store_apply_save(apply, &before, &user, err));
    store_apply_result(apply, is_adoption ? STORE_OUTCOME_ADOPTED : STORE_OUTCOME_REVIVED, &user);
    return GW_OK;
}

enum gw_code store_apply_user_create(struct store_apply *apply, struct gw_error *err)
{
    struct match match;
    GW_TRY(store_draft_check(&apply->change->as.create.draft, err));
    GW_TRY(find_match(apply, &match, err));
    return match.seq == 0 ? create_new(apply, err) : take_over(apply, &match, err);
}
