#include "routes/pending.h"
#include "routes/reply.h"
#include "routes/scim/handlers/condition.h"
#include "routes/scim/handlers/handlers.h"
#include "routes/scim/handlers/ignored.h"
#include "routes/scim/handlers/user_rules.h"
#include "routes/scim/handlers/user_view.h"
#include "routes/scim/patch.h"
#include "routes/scim/user.h"

/* After a commit: the record as it is now, which is also what a stale PUT did not change. */
static void answer_committed(struct prov_request *r, int status, uint64_t seq)
{
    struct gw_error err = {0};
    struct store_user user = {0};
    if (user_fetch(r, seq, &user, &err) != GW_OK)
        reply_error_from(r, &err);
    else
        user_reply(r, status, &user);
}

static void on_created(struct prov_request *r, struct store_change *change)
{
    answer_committed(r, 201, change->result.user_seq);
}

static void on_updated(struct prov_request *r, struct store_change *change)
{
    answer_committed(r, 200, change->user_seq);
}

static void on_deleted(struct prov_request *r, struct store_change *change)
{
    (void)change;
    reply_text(r, 204, NULL, 0, GW_STR_NONE);
}

/* ---- POST ---- */

/* Whom it may take over is not known yet: as if nothing had been there. */
static struct gw_str created_values(struct gw_arena *arena, const struct prov_request *r,
                                    const struct scim_user_draft *draft, bool active)
{
    struct json_value *after = json_object_new(r->arena);
    json_object_append(r->arena, after, GW_STR("userName"), json_string_new(r->arena, draft->user_name));
    if (draft->external_id.len > 0)
        json_object_append(r->arena, after, GW_STR("externalId"), json_string_new(r->arena, draft->external_id));
    json_object_append(r->arena, after, GW_STR("active"), json_bool_new(r->arena, active));
    scim_members_append(r->arena, after, draft->attributes);
    return scim_recorded_values(arena, &r->app->values.users, NULL, after);
}

static enum gw_code create(struct prov_request *r, struct gw_error *err)
{
    struct scim_user_draft draft = {0};
    struct scim_ignored ignored = {0};
    const struct config_policy *policy = &r->app->config->prov.policy;
    GW_TRY(user_projection_read(r, err));
    GW_TRY(scim_user_read(r->arena, r->app->user_type, r->body, &draft, &ignored, err));
    ignored_note(r, &ignored);
    GW_TRY(user_rules_check(&r->app->config->prov, r->arena, NULL, &draft, err));
    struct store_change *change = pending_change_new(r, STORE_CHANGE_USER_CREATE);
    bool active = draft.has_active ? draft.active : true;
    enum gw_code code = user_rules_fill(&change->arena, &draft, active, &change->as.create.draft, err);
    if (code != GW_OK) {
        store_change_free(change);
        return code;
    }
    change->brake = user_rules_brake(&r->app->config->prov.policy);
    change->is_urgent = !active; /* it may take over a person who is signed in */
    change->as.create.match = user_rules_match(policy);
    change->as.create.adopt = policy->adopt;
    change->as.create.revive = policy->revive;
    change->attribute_names = scim_changed_names(&change->arena, NULL, draft.attributes);
    change->attribute_values = created_values(&change->arena, r, &draft, active);
    pending_submit(r, change, on_created);
    return GW_OK;
}

void users_on_create(struct prov_request *r)
{
    struct gw_error err = {0};
    if (create(r, &err) != GW_OK)
        reply_error_from(r, &err);
}

/* ---- PUT and PATCH ---- */

/* The record that a request wants to change. The service user is nobody's to change. */
static enum gw_code fetch_target(struct prov_request *r, struct store_user *ret_user, struct gw_error *err)
{
    uint64_t seq = 0;
    if (!user_id_parse(r, r->id, &seq))
        return gw_fail(err, GW_E_NOT_FOUND, "there is no user with this id");
    if (seq == SERVICE_USER_SEQ)
        return gw_fail(err, GW_E_MUTABILITY,
                       "this is provgate's service user, which is read-only; it is no person and "
                       "can be switched off by prov.service_user");
    GW_TRY(user_fetch(r, seq, ret_user, err));
    if (condition_fails(&r->x->request, ret_user->version))
        return gw_fail(err, GW_E_PRECONDITION, "the user has another version now");
    return GW_OK;
}

struct update {
    struct store_user user;       /* as it is */
    struct json_value *before;    /* the same as a resource */
    struct scim_user_draft draft; /* as it is to be */
    uint64_t echoed_version;
    bool says_active; /* the body itself */
};

static enum gw_code begin_update(struct prov_request *r, struct update *update, struct gw_error *err)
{
    GW_TRY(user_projection_read(r, err));
    GW_TRY(fetch_target(r, &update->user, err));
    return user_resource(r->arena, r, &update->user, &update->before, err);
}

/* What the activity record has of it. */
static void describe_update(const struct prov_request *r, const struct update *update, struct store_change *change)
{
    const struct store_user_draft *draft = &change->as.replace.draft;
    struct store_user after = update->user;
    struct json_value *resource = NULL;
    struct gw_error err;
    after.user_name = draft->user_name;
    after.external_id = draft->external_id;
    after.attributes = draft->attributes;
    after.state.flags = draft->active ? STORE_USER_ACTIVE : 0;
    if (user_resource(r->arena, r, &after, &resource, &err) != GW_OK)
        return;
    change->attribute_names = scim_changed_names(&change->arena, update->before, resource);
    change->attribute_values = scim_recorded_values(&change->arena, &r->app->values.users, update->before, resource);
}

static enum gw_code submit_update(struct prov_request *r, const struct update *update, struct gw_error *err)
{
    bool was_active = (update->user.state.flags & STORE_USER_ACTIVE) != 0;
    bool active = update->draft.has_active ? update->draft.active : was_active;
    GW_TRY(user_rules_check(&r->app->config->prov, r->arena, update->before, &update->draft, err));
    struct store_change *change = pending_change_new(r, STORE_CHANGE_USER_REPLACE);
    enum gw_code code = user_rules_fill(&change->arena, &update->draft, active, &change->as.replace.draft, err);
    if (code != GW_OK) {
        store_change_free(change);
        return code;
    }
    change->user_seq = update->user.seq;
    change->brake = user_rules_brake(&r->app->config->prov.policy);
    change->is_urgent = was_active && !active;
    change->as.replace.expected_version = update->user.version;
    change->as.replace.echoed_version = update->echoed_version;
    change->as.replace.says_active = update->says_active;
    change->as.replace.adopt = r->app->config->prov.policy.adopt;
    describe_update(r, update, change);
    pending_submit(r, change, on_updated);
    return GW_OK;
}

static enum gw_code replace(struct prov_request *r, struct gw_error *err)
{
    struct update update = {.echoed_version = user_rules_echoed_version(r->body)};
    struct scim_ignored ignored = {0};
    GW_TRY(begin_update(r, &update, err));
    GW_TRY(scim_user_read(r->arena, r->app->user_type, r->body, &update.draft, &ignored, err));
    ignored_note(r, &ignored);
    update.says_active = update.draft.has_active;
    scim_user_draft_keep(r->arena, r->app->user_type, &update.draft, update.before);
    return submit_update(r, &update, err);
}

void users_on_replace(struct prov_request *r)
{
    struct gw_error err = {0};
    if (replace(r, &err) != GW_OK)
        reply_error_from(r, &err);
}

static bool sets_active(const struct scim_patch *patch)
{
    bool sets = false;
    for (size_t i = 0; i < patch->count; i++) {
        const struct scim_attribute *attribute = patch->steps[i].path.ref.attribute;
        sets |= attribute != NULL && gw_str_eq(attribute->name, GW_STR("active"));
    }
    return sets;
}

/* Rule R72: nothing new, and nobody to adopt. But active: true may take back what the brake holds. */
static bool is_nothing_new(const struct prov_request *r, const struct update *update, bool is_changed)
{
    bool may_be_held = r->app->config->prov.policy.brake.action == CONFIG_BRAKE_HOLD;
    return !is_changed && (update->user.state.flags & STORE_USER_PROVISIONED) != 0 &&
           !(may_be_held && update->says_active);
}

static enum gw_code patch(struct prov_request *r, struct gw_error *err)
{
    const struct scim_resource_type *type = r->app->user_type;
    struct update update = {0};
    struct scim_ignored ignored = {0};
    struct scim_patch steps = {0};
    struct json_value *after = NULL;
    bool is_changed = false;
    GW_TRY(begin_update(r, &update, err));
    GW_TRY(scim_patch_parse(r->arena, type, r->body, &steps, &ignored, err));
    ignored_note(r, &ignored);
    GW_TRY(scim_patch_apply(r->arena, type, update.before, &steps, &after, &is_changed, err));
    update.says_active = sets_active(&steps);
    if (is_nothing_new(r, &update, is_changed)) {
        user_reply(r, 200, &update.user);
        return GW_OK;
    }
    GW_TRY(scim_resource_check(type, after, err));
    scim_user_draft_fill(r->arena, after, &update.draft);
    return submit_update(r, &update, err);
}

void users_on_patch(struct prov_request *r)
{
    struct gw_error err = {0};
    if (patch(r, &err) != GW_OK)
        reply_error_from(r, &err);
}

/* ---- DELETE ---- */

void users_on_delete(struct prov_request *r)
{
    struct gw_error err = {0};
    struct store_user user = {0};
    if (fetch_target(r, &user, &err) != GW_OK) {
        reply_error(r, err.code == GW_E_MUTABILITY ? GW_E_FORBIDDEN : err.code, err.text);
        return;
    }
    struct store_change *change = pending_change_new(r, STORE_CHANGE_USER_DELETE);
    change->user_seq = user.seq;
    change->brake = user_rules_brake(&r->app->config->prov.policy);
    change->is_urgent = true; /* ends sessions */
    pending_submit(r, change, on_deleted);
}
