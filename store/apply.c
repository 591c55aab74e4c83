#include "store/apply.h"

#include "gateway/base/text.h"
#include "store/brake.h"
#include "store/bytes.h"
#include "store/journal.h"
#include "store/links.h"
#include "store/match.h"
#include "store/replay.h"
#include "store/session_sweep.h"
#include "store/sessions.h"
#include "store/writer.h"

#define FOLDER_NAME_BYTES_MAX 255u

static enum gw_code check_text(struct gw_str text, size_t max, const char *name, struct gw_error *err)
{
    if (text.len > max)
        return gw_fail(err, GW_E_INVALID_VALUE, "%s is longer than %zu bytes", name, max);
    if (!gw_utf8_valid(text))
        return gw_fail(err, GW_E_INVALID_VALUE, "%s is not well-formed UTF-8", name);
    return GW_OK;
}

enum gw_code store_draft_check(const struct store_user_draft *draft, struct gw_error *err)
{
    if (draft->user_name.len == 0)
        return gw_fail(err, GW_E_INVALID_VALUE, "userName is missing");
    GW_TRY(check_text(draft->user_name, STORE_USER_NAME_BYTES_MAX, "userName", err));
    GW_TRY(check_text(draft->external_id, STORE_EXTERNAL_ID_BYTES_MAX, "externalId", err));
    GW_TRY(check_text(draft->attributes, STORE_ATTRIBUTES_BYTES_MAX, "the resource", err));
    if (draft->email_count > STORE_EMAILS_MAX)
        return gw_fail(err, GW_E_INVALID_VALUE, "emails holds more than %u values", STORE_EMAILS_MAX);
    for (size_t i = 0; i < draft->email_count; i++)
        GW_TRY(check_text(draft->emails[i], STORE_EMAIL_BYTES_MAX, "emails.value", err));
    return GW_OK;
}

void store_draft_fill(struct store_user *user, const struct store_user_draft *draft)
{
    user->user_name = draft->user_name;
    user->external_id = draft->external_id;
    user->emails = draft->emails;
    user->email_count = draft->email_count;
    user->attributes = draft->attributes;
}

bool store_draft_differs(const struct store_user *user, const struct store_user_draft *draft)
{
    if (!gw_str_eq(user->user_name, draft->user_name) || !gw_str_eq(user->external_id, draft->external_id) ||
        !gw_str_eq(user->attributes, draft->attributes) || user->email_count != draft->email_count)
        return true;
    for (size_t i = 0; i < user->email_count; i++) {
        if (!gw_str_eq(user->emails[i], draft->emails[i]))
            return true;
    }
    return false;
}

enum gw_code store_apply_check_name(struct store_apply *apply, uint32_t folder, struct gw_str user_name,
                                    uint64_t own_seq, struct gw_error *err)
{
    return store_match_check_name(&apply->view, folder, user_name, own_seq, err);
}

enum gw_code store_apply_check_room(struct store_apply *apply, struct gw_error *err)
{
    if (apply->found.room == STORE_ROOM_PLENTY)
        return GW_OK;
    return gw_fail(err, GW_E_STORE_FULL, "the store is full up to the reserve that deactivations need");
}

void store_user_touch(struct store_user *user, int64_t time_ms)
{
    user->version++;
    if (time_ms > user->modified_ms)
        user->modified_ms = time_ms;
}

enum gw_code store_apply_revoke(struct store_apply *apply, struct store_user *user, struct gw_error *err)
{
    user->state.generation++;
    return store_journal_revoke(apply, user, err);
}

enum gw_code store_apply_set_active(struct store_apply *apply, struct store_user *user, bool active,
                                    struct gw_error *err)
{
    bool is_active = (user->state.flags & STORE_USER_ACTIVE) != 0;
    if (active == is_active)
        return GW_OK;
    if (active) {
        user->state.flags |= STORE_USER_ACTIVE;
        user->deactivated_ms = 0;
        return store_journal_add(apply, STORE_ACTIVITY_REACTIVATE, user, GW_STR_NONE, err);
    }
    user->state.flags &= ~(uint32_t)STORE_USER_ACTIVE;
    user->deactivated_ms = apply->change->time_ms;
    user->deactivated_version = user->version;
    GW_TRY(store_apply_revoke(apply, user, err));
    return store_journal_add(apply, STORE_ACTIVITY_DEACTIVATE, user, GW_STR_NONE, err);
}

void store_apply_result(struct store_apply *apply, enum store_outcome outcome, const struct store_user *user)
{
    struct store_change *change = apply->change;
    change->result.outcome = outcome;
    change->result.folder = user->folder;
    change->result.user_seq = user->seq;
    change->result.version = user->version;
    change->result.state = user->state;
}

static bool has_new_name(const struct store_user *before, const struct store_user *after)
{
    return before == NULL || !gw_str_eq(before->user_name, after->user_name);
}

enum gw_code store_apply_save(struct store_apply *apply, const struct store_user *before,
                              const struct store_user *after, struct gw_error *err)
{
    GW_TRY(store_users_save(&apply->view, &apply->arena, before, after, err));
    if (!has_new_name(before, after))
        return GW_OK;
    return store_links_remove_equal(apply, after, err);
}

static enum gw_code apply_folder_ensure(struct store_apply *apply, struct gw_error *err)
{
    struct gw_str name = apply->change->as.folder_ensure.name;
    if (name.len == 0 || name.len > FOLDER_NAME_BYTES_MAX || !gw_utf8_valid(name))
        return gw_fail(err, GW_E_INVALID_VALUE, "a folder needs a name of 1 to %u bytes", FOLDER_NAME_BYTES_MAX);
    struct gw_str value;
    uint8_t record[STORE_SEAL_BYTES + 4];
    enum gw_code code = store_get(&apply->view, STORE_TABLE_FOLDERS, name, &value, err);
    if (code == GW_OK) {
        if (value.len != sizeof record)
            return store_fail_damaged(err, STORE_TABLE_FOLDERS, "a record has a wrong size");
        apply->change->result.folder = (uint32_t)bytes_get_le(value.ptr + STORE_SEAL_BYTES, 4);
        apply->change->result.outcome = STORE_OUTCOME_UNCHANGED;
        return GW_OK;
    }
    if (code != GW_E_NOT_FOUND)
        return code;
    apply->change->result.folder = ++apply->sentinel.folder_last;
    apply->change->result.outcome = STORE_OUTCOME_CREATED;
    bytes_put_le(record + STORE_SEAL_BYTES, apply->change->result.folder, 4);
    return store_put(&apply->view, STORE_TABLE_FOLDERS, name, record, sizeof record, err);
}

/* The guard knows a user by number alone. The entry matters more than the name. */
static struct gw_str name_of_user(struct store_apply *apply, uint32_t folder, uint64_t seq)
{
    struct store_user user;
    struct gw_error err;
    enum gw_code code =
        seq != 0 ? store_users_load(&apply->view, &apply->arena, folder, seq, &user, &err) : GW_E_NOT_FOUND;
    return code == GW_OK ? user.user_name : GW_STR_NONE;
}

static enum gw_code apply_activity(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct gw_str user_name = change->as.activity.user_name;
    struct store_activity entry = {
        .time_ms = change->time_ms,
        .kind = change->as.activity.kind,
        .folder = change->folder,
        .user_seq = change->user_seq,
        .actor = change->actor,
        .app = change->app,
        .user_name = user_name.len > 0 ? user_name : name_of_user(apply, change->folder, change->user_seq),
        .attributes = change->attribute_names,
        .result = change->as.activity.result,
        .reference = change->reference,
    };
    return store_journal_add_entry(apply, &entry, err);
}

static const struct rule {
    enum gw_code (*apply)(struct store_apply *apply, struct gw_error *err);
    bool needs_folder;
    bool may_use_last_room; /* it takes access away, or frees space */
} rules[] = {
    [STORE_CHANGE_FOLDER_ENSURE] = {apply_folder_ensure, false, false},
    [STORE_CHANGE_USER_CREATE] = {store_apply_user_create, true, false},
    [STORE_CHANGE_USER_REPLACE] = {store_apply_user_replace, true, true}, /* looks at the room itself */
    [STORE_CHANGE_USER_DELETE] = {store_apply_user_delete, true, true},
    [STORE_CHANGE_USER_END_SESSIONS] = {store_apply_user_end_sessions, true, true},
    [STORE_CHANGE_USER_LOCK] = {store_apply_user_lock, true, true},
    [STORE_CHANGE_USER_UNLOCK] = {store_apply_user_unlock, true, true},
    [STORE_CHANGE_REPLAY_MARK] = {store_apply_replay_mark, false, false},
    [STORE_CHANGE_REPLAY_UNMARK] = {store_apply_replay_unmark, false, true},
    [STORE_CHANGE_SIGN_ON] = {store_apply_sign_on, true, false},
    [STORE_CHANGE_SESSION_BIND] = {store_apply_session_bind, false, false},
    [STORE_CHANGE_SESSION_SEEN] = {store_apply_session_seen, false, false},
    [STORE_CHANGE_SESSION_MARK] = {store_apply_session_mark, false, false},
    [STORE_CHANGE_SESSION_SWEEP] = {store_apply_session_sweep, false, true},
    [STORE_CHANGE_ACTIVITY] = {apply_activity, false, false},
    [STORE_CHANGE_ACTIVITY_TRIM] = {store_journal_trim, false, true},
    [STORE_CHANGE_GROUP_CREATE] = {store_apply_group_create, true, false},
    [STORE_CHANGE_GROUP_UPDATE] = {store_apply_group_update, true, true}, /* looks at the room itself */
    [STORE_CHANGE_GROUP_DELETE] = {store_apply_group_delete, true, true},
    [STORE_CHANGE_GROUP_STAGE] = {store_apply_group_stage, true, false},
    [STORE_CHANGE_GROUP_SWEEP] = {store_apply_group_sweep, true, true},
    [STORE_CHANGE_USER_PURGE] = {store_apply_user_purge, true, true},
    [STORE_CHANGE_USER_RESTORE] = {store_apply_user_restore, true, false},
    [STORE_CHANGE_BRAKE_RELEASE] = {store_apply_brake_release, true, true},
    [STORE_CHANGE_BRAKE_REJECT] = {store_apply_brake_reject, true, false},
    [STORE_CHANGE_USER_DEACTIVATE] = {store_apply_user_deactivate, true, true},
    [STORE_CHANGE_USER_REACTIVATE] = {store_apply_user_reactivate, true, false},
    [STORE_CHANGE_USER_IMPORT] = {store_apply_user_import, true, false},
};

static enum gw_code apply_rule(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    GW_ASSERT(change->kind > 0 && (size_t)change->kind < sizeof rules / sizeof rules[0]);
    const struct rule *rule = &rules[change->kind];
    if (rule->needs_folder && (change->folder == 0 || change->folder > apply->sentinel.folder_last))
        return gw_fail(err, GW_E_NOT_FOUND, "there is no folder %u", change->folder);
    if (apply->found.room == STORE_ROOM_LAST && !rule->may_use_last_room)
        return gw_fail(err, GW_E_STORE_FULL, "the store is full; what is left is for deactivations");
    return rule->apply(apply, err);
}

bool store_apply_change(struct store_apply *apply, struct store_change *change)
{
    struct store_sentinel before = apply->sentinel;
    unsigned revocations = apply->revocations;
    apply->change = change;
    apply->keep = false;
    apply->view.wrote = false;
    change->error = (struct gw_error){.code = GW_OK};
    memset(&change->result, 0, sizeof change->result);
    change->code = apply_rule(apply, &change->error);
    gw_arena_reset(&apply->arena);
    GW_ASSERT(change->code != GW_OK || !apply->view.broken);
    if (apply->view.broken)
        return false;
    if (change->code == GW_OK || apply->keep) {
        apply->has_writes = apply->has_writes || apply->view.wrote;
        return true;
    }
    apply->sentinel = before;
    apply->revocations = revocations;
    return !apply->view.wrote;
}
