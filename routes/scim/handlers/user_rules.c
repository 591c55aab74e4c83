#include "routes/scim/handlers/user_rules.h"

#include "gateway/base/text.h"
#include "routes/scim/handlers/condition.h"

#define QUOTED_BYTES_MAX 128u

bool user_rules_is_service(const struct config_prov_face *prov, struct gw_arena *arena, struct gw_str user_name)
{
    struct gw_str folded;
    return prov->service_user && gw_name_fold(arena, user_name, &folded) &&
           gw_str_eq(folded, GW_STR(SERVICE_USER_NAME));
}

/* A short string to quote in an error, or nothing. */
static struct gw_str quoted(const struct json_value *value)
{
    return json_is(value, JSON_STRING) && value->text.len <= QUOTED_BYTES_MAX ? value->text : GW_STR_NONE;
}

const struct config_role *user_rules_role(const struct config_prov_face *prov, struct gw_str id)
{
    for (size_t i = 0; i < prov->role_count; i++) {
        if (gw_str_eq(gw_str_from(prov->roles[i].id), id))
            return &prov->roles[i];
    }
    return NULL;
}

static bool has_value(const struct json_value *values, const struct json_value *value)
{
    for (size_t i = 0; json_is(values, JSON_ARRAY) && i < json_count(values); i++) {
        if (json_equal(json_object_get(values->array.items[i], GW_STR("value")), value))
            return true;
    }
    return false;
}

static enum gw_code check_values(const struct config_prov_face *prov, const struct json_value *before,
                                 const struct json_value *values, const char *name, struct gw_error *err)
{
    for (size_t i = 0; json_is(values, JSON_ARRAY) && i < json_count(values); i++) {
        const struct json_value *value = json_object_get(values->array.items[i], GW_STR("value"));
        bool is_known = json_is(value, JSON_STRING) && user_rules_role(prov, value->text) != NULL;
        if (!is_known && !has_value(before, value))
            return gw_fail(err, GW_E_INVALID_VALUE, "%s: \"%.*s\" is not a role of this app", name,
                           GW_STR_ARG(quoted(value)));
    }
    return GW_OK;
}

static enum gw_code check_roles(const struct config_prov_face *prov, const struct json_value *before,
                                const struct json_value *attributes, struct gw_error *err)
{
    struct gw_str roles = GW_STR("roles");
    struct gw_str entitlements = GW_STR("entitlements");
    if (prov->role_count == 0)
        return GW_OK; /* the schema has no such attributes then */
    GW_TRY(check_values(prov, json_object_get(before, roles), json_object_get(attributes, roles), roles.ptr, err));
    return check_values(prov, json_object_get(before, entitlements), json_object_get(attributes, entitlements),
                        entitlements.ptr, err);
}

enum gw_code user_rules_check(const struct config_prov_face *prov, struct gw_arena *arena,
                              const struct json_value *before, const struct scim_user_draft *draft,
                              struct gw_error *err)
{
    if (draft->email_count > STORE_EMAILS_MAX)
        return gw_fail(err, GW_E_INVALID_VALUE, "emails: more than %u addresses", STORE_EMAILS_MAX);
    if (user_rules_is_service(prov, arena, draft->user_name))
        return gw_fail(err, GW_E_UNIQUENESS, "userName: this is the name of provgate's service user");
    return check_roles(prov, before, draft->attributes, err);
}

enum gw_code user_rules_fill(struct gw_arena *arena, const struct scim_user_draft *draft, bool active,
                             struct store_user_draft *ret_draft, struct gw_error *err)
{
    ret_draft->user_name = gw_arena_copy(arena, draft->user_name);
    ret_draft->external_id = gw_arena_copy(arena, draft->external_id);
    ret_draft->active = active;
    ret_draft->attributes = scim_user_store_text(arena, draft);
    ret_draft->emails = gw_arena_array(arena, draft->email_count, sizeof ret_draft->emails[0]);
    ret_draft->email_count = draft->email_count;
    for (size_t i = 0; i < draft->email_count; i++)
        ret_draft->emails[i] = gw_arena_copy(arena, draft->emails[i]);
    if (ret_draft->attributes.len > STORE_ATTRIBUTES_BYTES_MAX)
        return gw_fail(err, GW_E_TOO_LARGE, "the attributes of a user may not be larger than %u bytes",
                       STORE_ATTRIBUTES_BYTES_MAX);
    return GW_OK;
}

uint64_t user_rules_echoed_version(const struct json_value *body)
{
    const struct json_value *meta = json_object_get_nocase(body, GW_STR("meta"));
    const struct json_value *version = json_object_get_nocase(meta, GW_STR("version"));
    return json_is(version, JSON_STRING) ? condition_version(version->text) : 0;
}

unsigned user_rules_match(const struct config_policy *policy)
{
    unsigned rules = 0;
    for (size_t i = 0; i < policy->match_count; i++) {
        switch (policy->match[i]) {
        case CONFIG_MATCH_USER_NAME:
            rules |= STORE_MATCH_USER_NAME;
            break;
        case CONFIG_MATCH_EXTERNAL_ID:
            rules |= STORE_MATCH_EXTERNAL_ID;
            break;
        case CONFIG_MATCH_EMAIL:
            rules |= STORE_MATCH_EMAIL;
            break;
        }
    }
    return rules;
}

struct store_brake user_rules_brake(const struct config_policy *policy)
{
    const struct config_brake *brake = &policy->brake;
    return (struct store_brake){.is_on = true,
                                .is_hold = brake->action == CONFIG_BRAKE_HOLD,
                                .share_percent = brake->share_percent,
                                .at_least = brake->at_least,
                                .within_ms = brake->within_ms,
                                .max_hold_ms = brake->max_hold_ms};
}
