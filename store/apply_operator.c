/* What operators change: active, apart from any provisioning, and accounts of the app that are brought in. */
#include "store/apply.h"
#include "store/blind.h"
#include "store/brake.h"
#include "store/env.h"
#include "store/inspect.h"
#include "store/journal.h"

static enum gw_code set_active(struct store_apply *apply, bool active, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct store_user before;
    enum gw_code code = store_users_load(&apply->view, &apply->arena, change->folder, change->user_seq, &before, err);
    if (code == GW_E_NOT_FOUND || (code == GW_OK && (before.state.flags & STORE_USER_DELETED) != 0))
        return gw_fail(err, GW_E_NOT_FOUND, "there is no such user");
    if (code != GW_OK)
        return code;
    struct store_user user = before;
    if (active) /* also of somebody who is still in: what waits for the brake would take her out later */
        GW_TRY(store_brake_drop(apply, before.folder, before.seq, err));
    if (active == ((before.state.flags & STORE_USER_ACTIVE) != 0)) {
        store_apply_result(apply, STORE_OUTCOME_UNCHANGED, &user);
        return GW_OK;
    }
    store_user_touch(&user, change->time_ms);
    GW_TRY(store_apply_set_active(apply, &user, active, err));
    GW_TRY(store_users_save(&apply->view, &apply->arena, &before, &user, err));
    store_apply_result(apply, STORE_OUTCOME_UPDATED, &user);
    return GW_OK;
}

enum gw_code store_apply_user_deactivate(struct store_apply *apply, struct gw_error *err)
{
    return set_active(apply, false, err);
}

enum gw_code store_apply_user_reactivate(struct store_apply *apply, struct gw_error *err)
{
    return set_active(apply, true, err);
}

/* The app's list of accounts still has those whom Okta deleted: they stay out (decision 0010). */
static enum gw_code check_gone(struct store_view *view, uint32_t folder, const struct store_user_draft *draft,
                               struct gw_error *err)
{
    uint64_t gone = 0;
    GW_TRY(store_blind_find(view, folder, STORE_INDEX_USER_NAME, draft->user_name, &gone, err));
    if (gone == 0)
        GW_TRY(store_blind_find(view, folder, STORE_INDEX_EXTERNAL_ID, draft->external_id, &gone, err));
    for (size_t i = 0; i < draft->email_count && gone == 0; i++)
        GW_TRY(store_blind_find(view, folder, STORE_INDEX_EMAIL, draft->emails[i], &gone, err));
    return gone == 0 ? GW_OK
                     : gw_fail(err, GW_E_FORBIDDEN,
                               "\"%.*s\" has a name of somebody who was deleted: provision or restore the person",
                               GW_STR_ARG(draft->user_name));
}

/* Who has the userName or the externalId of the row; GW_E_UNIQUENESS when these are two, GW_E_FORBIDDEN when it is
 * nobody but somebody was deleted who had one of its names. */
static enum gw_code find_known(struct store_view *view, uint32_t folder, const struct store_user_draft *draft,
                               uint64_t *ret_seq, struct gw_error *err)
{
    uint64_t seqs[3] = {0, 0, 0};
    size_t by_name = 0;
    size_t by_id = 0;
    GW_TRY(store_users_lookup(view, folder, STORE_INDEX_USER_NAME, draft->user_name, seqs, 1, &by_name, err));
    GW_TRY(store_users_lookup(view, folder, STORE_INDEX_EXTERNAL_ID, draft->external_id, seqs + 1, 2, &by_id, err));
    bool is_ambiguous = by_id > 1 || (by_name == 1 && by_id == 1 && seqs[0] != seqs[1]);
    if (is_ambiguous)
        return gw_fail(err, GW_E_UNIQUENESS, "userName \"%.*s\" and externalId \"%.*s\" name two users",
                       GW_STR_ARG(draft->user_name), GW_STR_ARG(draft->external_id));
    *ret_seq = by_name == 1 ? seqs[0] : seqs[1];
    return *ret_seq == 0 ? check_gone(view, folder, draft, err) : GW_OK;
}

enum gw_code store_foresee_import(struct store_reader *reader, uint32_t folder, const struct store_user_draft *draft,
                                  uint64_t *ret_seq, struct gw_error *err)
{
    GW_TRY(store_draft_check(draft, err));
    return find_known(store_reader_view(reader), folder, draft, ret_seq, err);
}

static enum gw_code import_new(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    const struct store_user_draft *draft = &change->as.import.draft;
    GW_TRY(store_apply_check_room(apply, err));
    struct store_user user = {
        .folder = change->folder,
        .state = {.flags = STORE_USER_IMPORTED | (draft->active ? (uint32_t)STORE_USER_ACTIVE : 0u) |
                           (change->as.import.is_locked ? (uint32_t)STORE_USER_LOCKED : 0u),
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
    return store_journal_add(apply, STORE_ACTIVITY_IMPORT, &user, GW_STR_NONE, err);
}

/* A row that names somebody changes nothing: what Okta pushed and what was seen is newer than a list of accounts, and
 * an import that was interrupted can be run again. */
enum gw_code store_apply_user_import(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    uint64_t seq = 0;
    GW_TRY(store_draft_check(&change->as.import.draft, err));
    GW_TRY(find_known(&apply->view, change->folder, &change->as.import.draft, &seq, err));
    if (seq == 0)
        return import_new(apply, err);
    struct store_user user;
    enum gw_code code = store_users_load(&apply->view, &apply->arena, change->folder, seq, &user, err);
    if (code == GW_E_NOT_FOUND)
        return store_fail_damaged(err, STORE_TABLE_INDEX, "it names a user that is not there");
    if (code != GW_OK)
        return code;
    store_apply_result(apply, STORE_OUTCOME_UNCHANGED, &user);
    return GW_OK;
}
