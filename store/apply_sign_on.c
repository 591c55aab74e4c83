#include "store/apply.h"
#include "store/blind.h"

#include "gateway/base/text.h"
#include "store/env.h"
#include "store/join.h"
#include "store/journal.h"
#include "store/links.h"
#include "store/session_sweep.h"
#include "store/sessions.h"

/* Users begin with generation 1: a session with this one never lives. */
#define DEAD_GENERATION 0u

/* The last sign-in wins; whose it was before stands in the activity record. */
static enum gw_code note_earlier(struct store_apply *apply, const struct store_session_digest *digest, uint64_t seq,
                                 struct gw_error *err)
{
    struct store_session earlier;
    struct store_user user;
    enum gw_code code = store_sessions_load(&apply->view, digest, &earlier, err);
    if (code == GW_E_NOT_FOUND)
        return store_sessions_make_room(apply, err);
    if (code != GW_OK || (earlier.user_seq == seq && earlier.folder == apply->change->folder))
        return code;
    code = store_users_load(&apply->view, &apply->arena, earlier.folder, earlier.user_seq, &user, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? GW_OK : code;
    return store_journal_add(apply, STORE_ACTIVITY_REBIND, &user, GW_STR("somebody else signed in over it"), err);
}

static enum gw_code bind_sessions(struct store_apply *apply, uint64_t seq, uint64_t generation, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    GW_ASSERT(change->as.sign_on.session_count <= STORE_SIGN_ON_SESSIONS_MAX);
    struct store_session session = {.folder = change->folder,
                                    .user_seq = seq,
                                    .generation = generation,
                                    .bound_ms = change->time_ms,
                                    .seen_ms = change->time_ms};
    for (size_t i = 0; i < change->as.sign_on.session_count; i++) {
        GW_TRY(note_earlier(apply, &change->as.sign_on.sessions[i], seq, err));
        GW_TRY(store_sessions_put(&apply->view, &change->as.sign_on.sessions[i], &session, err));
    }
    return GW_OK;
}

/* The app may have handed out the cookie already (a sign-on that waited too long). Bound to a generation that never
 * lives, it is refused; unbound, it would pass for an unknown one. */
static enum gw_code refuse(struct store_apply *apply, uint64_t seq, const char *reason, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    uint64_t holder = seq != 0 ? seq : change->as.sign_on.expected_user_seq;
    if (holder != 0) {
        GW_TRY(bind_sessions(apply, holder, DEAD_GENERATION, err));
        apply->keep = true;
    }
    return gw_fail(err, GW_E_FORBIDDEN, "%s", reason);
}

/* The attribute that joins must be there when the same person comes again. */
static void fill_match(struct store_user *user, const struct store_join *join, struct gw_arena *arena)
{
    if (join->match == STORE_INDEX_EXTERNAL_ID && user->external_id.len == 0)
        user->external_id = join->value;
    if (join->match != STORE_INDEX_EMAIL || user->email_count > 0 || join->value.len == 0)
        return;
    user->emails = gw_arena_array(arena, 1, sizeof *user->emails);
    user->emails[0] = join->value;
    user->email_count = 1;
}

static enum gw_code check_observable(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    uint64_t gone = 0;
    GW_TRY(store_apply_check_room(apply, err));
    GW_TRY(store_blind_find(&apply->view, change->folder, STORE_INDEX_USER_NAME, change->as.sign_on.draft.user_name,
                            &gone, err));
    if (gone != 0)
        return gw_fail(err, GW_E_FORBIDDEN, "the user of that name was deleted");
    enum gw_code code = store_apply_check_name(apply, change->folder, change->as.sign_on.draft.user_name, 0, err);
    if (code == GW_E_UNIQUENESS)
        return gw_fail(err, GW_E_CONFLICT, "the sign-on names nobody by its match rule, but its user name is taken");
    return code;
}

static enum gw_code observe_new(struct store_apply *apply, struct store_user *ret_user, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    *ret_user = (struct store_user){
        .folder = change->folder,
        .state = {.flags = STORE_USER_ACTIVE | STORE_USER_OBSERVED, .generation = 1},
        .version = 1,
        .created_ms = change->time_ms,
        .modified_ms = change->time_ms,
    };
    store_draft_fill(ret_user, &change->as.sign_on.draft);
    fill_match(ret_user, &change->as.sign_on.join, &apply->arena);
    struct store_user_draft filled = change->as.sign_on.draft;
    filled.external_id = ret_user->external_id;
    filled.emails = ret_user->emails;
    filled.email_count = ret_user->email_count;
    GW_TRY(store_draft_check(&filled, err));
    GW_TRY(check_observable(apply, err));
    GW_TRY(store_users_new_seq(&apply->view, change->folder, &ret_user->seq, err));
    GW_TRY(store_apply_save(apply, NULL, ret_user, err));
    store_apply_result(apply, STORE_OUTCOME_CREATED, ret_user);
    return store_journal_add(apply, STORE_ACTIVITY_OBSERVE, ret_user, GW_STR_NONE, err);
}

static enum gw_code observe_known(struct store_apply *apply, struct store_user *user, struct gw_error *err)
{
    if ((user->state.flags & STORE_USER_OBSERVED) != 0) {
        store_apply_result(apply, STORE_OUTCOME_UNCHANGED, user);
        return GW_OK;
    }
    struct store_user before = *user;
    user->state.flags |= STORE_USER_OBSERVED;
    GW_TRY(store_users_save(&apply->view, &apply->arena, &before, user, err));
    store_apply_result(apply, STORE_OUTCOME_UPDATED, user);
    return store_journal_add(apply, STORE_ACTIVITY_OBSERVE, user, GW_STR_NONE, err);
}

static enum gw_code link_and_bind(struct store_apply *apply, const struct store_user *user, uint64_t generation,
                                  struct gw_error *err)
{
    const struct store_change *change = apply->change;
    const struct store_join *join = &change->as.sign_on.join;
    bool is_new = false;
    if (join->name_id.len > 0)
        GW_TRY(store_links_add(apply, user, join->issuer, join->name_id, &is_new, err));
    if (is_new)
        GW_TRY(store_journal_add(apply, STORE_ACTIVITY_LINK, user, GW_STR_NONE, err));
    if (change->as.sign_on.session_count == 0)
        return GW_OK;
    GW_TRY(bind_sessions(apply, user->seq, change->as.sign_on.ends_sessions ? DEAD_GENERATION : generation, err));
    return store_journal_add(apply, STORE_ACTIVITY_BIND, user, GW_STR_NONE, err);
}

static enum gw_code sign_on_unknown(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    if (change->as.sign_on.expected_user_seq != 0)
        return refuse(apply, 0, "the user is gone", err);
    if (!change->as.sign_on.observe)
        return gw_fail(err, GW_E_FORBIDDEN, "nobody of that name is known");
    if (change->as.sign_on.draft.user_name.len == 0)
        return GW_OK;
    struct store_user user;
    GW_TRY(observe_new(apply, &user, err));
    return link_and_bind(apply, &user, user.state.generation, err);
}

static enum gw_code sign_on_known(struct store_apply *apply, uint64_t seq, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    uint64_t expected = change->as.sign_on.expected_user_seq;
    struct store_user user;
    enum gw_code code = store_users_load(&apply->view, &apply->arena, change->folder, seq, &user, err);
    if (code == GW_E_NOT_FOUND)
        return store_fail_damaged(err, STORE_TABLE_INDEX, "it names a user that is not there");
    if (code != GW_OK)
        return code;
    if (expected != 0 && expected != seq)
        return refuse(apply, seq, "the sign-on names another user than when it was checked", err);
    if ((user.state.flags & STORE_USER_ACTIVE) == 0)
        return refuse(apply, seq, "the user is deactivated", err);
    if ((user.state.flags & STORE_USER_LOCKED) != 0)
        return refuse(apply, seq, "the user is locked", err);
    /* law 3: a deactivation between the check and now has raised the generation, and wins */
    uint64_t generation = expected != 0 ? change->as.sign_on.expected_generation : user.state.generation;
    GW_TRY(observe_known(apply, &user, err));
    return link_and_bind(apply, &user, generation, err);
}

enum gw_code store_apply_sign_on(struct store_apply *apply, struct gw_error *err)
{
    struct store_join join = apply->change->as.sign_on.join;
    join.folder = apply->change->folder;
    if (join.name_id.len > STORE_SUBJECT_TEXT_BYTES_MAX || join.issuer.len > STORE_SUBJECT_TEXT_BYTES_MAX ||
        !gw_utf8_valid(join.name_id))
        return gw_fail(err, GW_E_INVALID_VALUE, "the name id or its issuer is too long or not well-formed UTF-8");
    uint64_t seq = 0;
    enum gw_code code = store_join_resolve(&apply->view, &join, &seq, err);
    if (code == GW_E_FORBIDDEN)
        return refuse(apply, seq, "the user was deleted", err);
    if (code != GW_OK)
        return code;
    return seq == 0 ? sign_on_unknown(apply, err) : sign_on_known(apply, seq, err);
}
