#include "store/match.h"

#include "store/env.h"
#include "store/users.h"

/* Who is looked for, and where. */
struct search {
    struct store_view *view;
    uint32_t folder;
};

static enum gw_code two_users(const struct search *search, const struct store_match_found *match, uint64_t seq,
                              const char *rule, struct gw_error *err)
{
    char first[GW_IDENT_TEXT + 1];
    char second[GW_IDENT_TEXT + 1];
    gw_ident_format(search->view->store->keys.ident, GW_IDENT_USER, search->folder, match->seq, first);
    gw_ident_format(search->view->store->keys.ident, GW_IDENT_USER, search->folder, seq, second);
    return gw_fail(err, GW_E_UNIQUENESS, "the match rules name two users: %s names %s, %s names %s", match->rule, first,
                   rule, second);
}

static enum gw_code add_match(const struct search *search, struct store_match_found *match, uint64_t seq,
                              const char *rule, struct gw_error *err)
{
    if (match->seq != 0 && match->seq != seq)
        return two_users(search, match, seq, rule, err);
    if (match->seq == 0)
        *match = (struct store_match_found){seq, rule};
    return GW_OK;
}

static enum gw_code match_value(const struct search *search, enum store_index index, struct gw_str value,
                                const char *rule, struct store_match_found *match, struct gw_error *err)
{
    uint64_t seqs[2];
    size_t count = 0;
    GW_TRY(store_users_lookup(search->view, search->folder, index, value, seqs, 2, &count, err));
    /* an address that several people have names nobody */
    if (index == STORE_INDEX_EMAIL && count > 1)
        return GW_OK;
    for (size_t i = 0; i < count; i++)
        GW_TRY(add_match(search, match, seqs[i], rule, err));
    return GW_OK;
}

enum gw_code store_match_find(struct store_view *view, uint32_t folder, const struct store_user_draft *draft,
                              unsigned rules, struct store_match_found *ret_found, struct gw_error *err)
{
    const struct search search = {view, folder};
    *ret_found = (struct store_match_found){.seq = 0};
    if ((rules & STORE_MATCH_EXTERNAL_ID) != 0)
        GW_TRY(match_value(&search, STORE_INDEX_EXTERNAL_ID, draft->external_id, "externalId", ret_found, err));
    if ((rules & STORE_MATCH_USER_NAME) != 0)
        GW_TRY(match_value(&search, STORE_INDEX_USER_NAME, draft->user_name, "userName", ret_found, err));
    if ((rules & STORE_MATCH_EMAIL) == 0)
        return GW_OK;
    for (size_t i = 0; i < draft->email_count; i++)
        GW_TRY(match_value(&search, STORE_INDEX_EMAIL, draft->emails[i], "email", ret_found, err));
    return GW_OK;
}

enum gw_code store_match_check_name(struct store_view *view, uint32_t folder, struct gw_str user_name, uint64_t own_seq,
                                    struct gw_error *err)
{
    uint64_t seq = 0;
    size_t count = 0;
    GW_TRY(store_users_lookup(view, folder, STORE_INDEX_USER_NAME, user_name, &seq, 1, &count, err));
    if (count == 0 || seq == own_seq)
        return GW_OK;
    char ident[GW_IDENT_TEXT + 1];
    gw_ident_format(view->store->keys.ident, GW_IDENT_USER, folder, seq, ident);
    return gw_fail(err, GW_E_UNIQUENESS, "userName \"%.*s\" belongs to another user, %s", GW_STR_ARG(user_name), ident);
}

enum gw_code store_match_check(struct store_view *view, const struct store_match_found *found,
                               const struct store_user *user, const struct store_user_draft *draft, bool adopt,
                               bool revive, struct gw_error *err)
{
    bool is_active = (user->state.flags & STORE_USER_ACTIVE) != 0;
    bool is_provisioned = (user->state.flags & STORE_USER_PROVISIONED) != 0;
    char ident[GW_IDENT_TEXT + 1];
    gw_ident_format(view->store->keys.ident, GW_IDENT_USER, user->folder, user->seq, ident);
    if (is_provisioned && is_active)
        return gw_fail(err, GW_E_UNIQUENESS, "%s names an active user, %s", found->rule, ident);
    if (!is_active && !revive)
        return gw_fail(err, GW_E_UNIQUENESS, "%s names a deactivated user, %s, and policy.revive is off", found->rule,
                       ident);
    if (!is_provisioned && !adopt)
        return gw_fail(err, GW_E_CONFLICT, "%s names a user that is not provisioned yet, %s, and policy.adopt is off",
                       found->rule, ident);
    return store_match_check_name(view, user->folder, draft->user_name, user->seq, err);
}
