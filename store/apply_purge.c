/* The end of the retention time (semantics.md 4), and the way back before it. */
#include "store/apply.h"
#include "store/blind.h"
#include "store/due.h"
#include "store/env.h"
#include "store/journal.h"
#include "store/links.h"

static enum gw_code load(struct store_apply *apply, struct store_user *ret_user, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    enum gw_code code = store_users_load(&apply->view, &apply->arena, change->folder, change->user_seq, ret_user, err);
    return code == GW_E_NOT_FOUND ? gw_fail(err, code, "there is no such user") : code;
}

/* Reactivated, deleted or purged since the pass looked: then another retention time runs, or none. */
static bool is_still_due(const struct store_user *user, int64_t since_ms)
{
    struct store_key key;
    return store_due_key(user, &key) && user->deactivated_ms == since_ms;
}

/* The same of everybody, so that it says nothing; by its number no other record has it. */
static void blank(struct store_apply *apply, struct store_user *user)
{
    char ident[GW_IDENT_TEXT + 1];
    gw_ident_format(apply->view.store->keys.ident, GW_IDENT_USER, user->folder, user->seq, ident);
    user->user_name = gw_arena_printf(&apply->arena, "anonymised-%s", ident);
    user->external_id = GW_STR_NONE;
    user->emails = NULL;
    user->email_count = 0;
    user->attributes = GW_STR("{}");
    user->state.flags |= STORE_USER_ANONYMISED;
}

static enum gw_code anonymise(struct store_apply *apply, const struct store_user *before, struct gw_error *err)
{
    struct store_user user = *before;
    blank(apply, &user);
    store_user_touch(&user, apply->change->time_ms);
    GW_TRY(store_users_save(&apply->view, &apply->arena, before, &user, err));
    store_apply_result(apply, STORE_OUTCOME_UPDATED, &user);
    return store_journal_add(apply, STORE_ACTIVITY_ANONYMISE, &user, GW_STR_NONE, err);
}

static enum gw_code remove_record(struct store_apply *apply, const struct store_user *before, struct gw_error *err)
{
    struct store_user nameless = *before;
    nameless.user_name = GW_STR_NONE;
    GW_TRY(store_apply_leave_groups(apply, before->seq, err));
    GW_TRY(store_users_remove(&apply->view, &apply->arena, before, err));
    store_apply_result(apply, STORE_OUTCOME_UPDATED, before);
    return store_journal_add(apply, STORE_ACTIVITY_PURGE, &nameless, GW_STR_NONE, err);
}

enum gw_code store_apply_user_purge(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct store_user before;
    GW_TRY(load(apply, &before, err));
    if (!is_still_due(&before, change->as.purge.since_ms)) {
        store_apply_result(apply, STORE_OUTCOME_UNCHANGED, &before);
        return GW_OK;
    }
    /* a tombstone was marked when it was made, and has no links any more */
    if ((before.state.flags & STORE_USER_DELETED) == 0) {
        GW_TRY(store_blind_add(apply, &before, err));
        GW_TRY(store_links_remove_user(apply, &before, err));
    }
    return change->as.purge.anonymise ? anonymise(apply, &before, err) : remove_record(apply, &before, err);
}

static enum gw_code check_restore(struct store_apply *apply, const struct store_user *user, struct gw_error *err)
{
    uint64_t seq = 0;
    size_t count = 0;
    if ((user->state.flags & STORE_USER_DELETED) == 0)
        return gw_fail(err, GW_E_CONFLICT, "the user is not deleted");
    if ((user->state.flags & STORE_USER_ANONYMISED) != 0)
        return gw_fail(err, GW_E_CONFLICT, "the retention time is over, and the user's data are gone");
    GW_TRY(store_apply_check_name(apply, user->folder, user->user_name, user->seq, err));
    GW_TRY(store_users_lookup(&apply->view, user->folder, STORE_INDEX_EXTERNAL_ID, user->external_id, &seq, 1, &count,
                              err));
    if (count > 0)
        return gw_fail(err, GW_E_UNIQUENESS, "externalId \"%.*s\" belongs to another user now",
                       GW_STR_ARG(user->external_id));
    return GW_OK;
}

enum gw_code store_apply_user_restore(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct store_user before;
    GW_TRY(load(apply, &before, err));
    GW_TRY(check_restore(apply, &before, err));
    struct store_user user = before;
    store_user_touch(&user, change->time_ms);
    user.state.flags &= ~(uint32_t)STORE_USER_DELETED;
    if (change->as.restore.active)
        user.state.flags |= STORE_USER_ACTIVE;
    user.deactivated_ms = change->as.restore.active ? 0 : change->time_ms;
    user.deactivated_version = user.version;
    GW_TRY(store_apply_save(apply, &before, &user, err));
    GW_TRY(store_blind_clear_seq(apply, user.folder, user.seq, err));
    store_apply_result(apply, STORE_OUTCOME_UPDATED, &user);
    return store_journal_add(apply, STORE_ACTIVITY_RESTORE, &user, GW_STR_NONE, err);
}
