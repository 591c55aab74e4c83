#include "gateway/json/write.h"
#include "routes/reply.h"
#include "routes/scim/handlers/handlers.h"
#include "routes/scim/message.h"
#include "routes/scim/resource.h"

#define QUOTED_BYTES_MAX 128u

struct role_kind {
    struct gw_str type_name;
    struct gw_str urn;
    bool has_type; /* Okta tells entitlements apart by `type` */
};

static const struct role_kind kind_role = {GW_STR_INIT("Role"), GW_STR_INIT(SCIM_URN_ROLE), false};
static const struct role_kind kind_entitlement = {GW_STR_INIT("Entitlement"), GW_STR_INIT(SCIM_URN_ENTITLEMENT), true};

static const struct config_role *find_role(const struct prov_app *app, struct gw_str id)
{
    const struct config_prov_face *prov = &app->config->prov;
    for (size_t i = 0; i < prov->role_count; i++) {
        if (gw_str_eq(gw_str_from(prov->roles[i].id), id))
            return &prov->roles[i];
    }
    return NULL;
}

/* A short string to quote in an error, or nothing. */
static struct gw_str quoted(const struct json_value *value)
{
    return json_is(value, JSON_STRING) && value->text.len <= QUOTED_BYTES_MAX ? value->text : GW_STR_NONE;
}

static bool has_value(const struct json_value *values, const struct json_value *value)
{
    for (size_t i = 0; json_is(values, JSON_ARRAY) && i < json_count(values); i++) {
        if (json_equal(json_object_get(values->array.items[i], GW_STR("value")), value))
            return true;
    }
    return false;
}

static enum gw_code check_values(const struct prov_app *app, const struct json_value *before,
                                 const struct json_value *values, const char *name, struct gw_error *err)
{
    for (size_t i = 0; json_is(values, JSON_ARRAY) && i < json_count(values); i++) {
        const struct json_value *value = json_object_get(values->array.items[i], GW_STR("value"));
        bool is_known = json_is(value, JSON_STRING) && find_role(app, value->text) != NULL;
        if (!is_known && !has_value(before, value))
            return gw_fail(err, GW_E_INVALID_VALUE, "%s: \"%.*s\" is not a role of this app", name,
                           GW_STR_ARG(quoted(value)));
    }
    return GW_OK;
}

enum gw_code roles_check(const struct prov_app *app, const struct json_value *before,
                         const struct json_value *attributes, struct gw_error *err)
{
    struct gw_str roles = GW_STR("roles");
    struct gw_str entitlements = GW_STR("entitlements");
    if (app->config->prov.role_count == 0)
        return GW_OK; /* the schema has no such attributes then */
    GW_TRY(check_values(app, json_object_get(before, roles), json_object_get(attributes, roles), roles.ptr, err));
    return check_values(app, json_object_get(before, entitlements), json_object_get(attributes, entitlements),
                        entitlements.ptr, err);
}

static void set_text(struct gw_arena *arena, struct json_value *object, const char *name, struct gw_str text)
{
    json_object_append(arena, object, gw_str_from(name), json_string_new(arena, text));
}

static struct json_value *role_json(const struct prov_request *r, const struct role_kind *kind,
                                    const struct config_role *role)
{
    struct gw_arena *arena = r->arena;
    const struct scim_resource_type *type = scim_resource_type_find(&r->app->schemas, kind->type_name);
    struct json_value *object = json_object_new(arena);
    struct json_value *schemas = json_array_new(arena);
    json_array_append(arena, schemas, json_string_new(arena, kind->urn));
    json_object_append(arena, object, GW_STR("schemas"), schemas);
    set_text(arena, object, "id", gw_str_from(role->id));
    set_text(arena, object, "displayName", gw_str_from(role->display != NULL ? role->display : role->id));
    if (kind->has_type)
        set_text(arena, object, "type", kind->type_name);
    struct json_value *meta = json_object_new(arena);
    set_text(arena, meta, "resourceType", kind->type_name);
    set_text(arena, meta, "location",
             gw_arena_printf(arena, "%.*s%.*s/%s", GW_STR_ARG(r->base_url), GW_STR_ARG(type->endpoint), role->id));
    json_object_append(arena, object, GW_STR("meta"), meta);
    return object;
}

static bool has_kind(struct prov_request *r, const struct role_kind *kind)
{
    if (scim_resource_type_find(&r->app->schemas, kind->type_name) != NULL)
        return true;
    reply_error(r, GW_E_NOT_FOUND, "this app defines no roles");
    return false;
}

static void answer_list(struct prov_request *r, const struct role_kind *kind)
{
    const struct config_prov_face *prov = &r->app->config->prov;
    if (!has_kind(r, kind))
        return;
    if (r->query.filter.len > 0) {
        reply_error(r, GW_E_INVALID_FILTER, "filter is not supported here");
        return;
    }
    GW_BUF_SCOPED(resources, REPLY_BYTES_MAX);
    size_t count = 0;
    for (uint64_t i = r->query.start_index - 1; i < prov->role_count && count < r->query.count; i++) {
        if (count++ > 0)
            gw_buf_add_byte(&resources, ',');
        json_write(&resources, role_json(r, kind, &prov->roles[i]));
    }
    GW_BUF_SCOPED(body, REPLY_BYTES_MAX);
    scim_list_write(&body, prov->role_count, r->query.start_index, count, gw_buf_str(&resources));
    reply_text(r, 200, NULL, 0, gw_buf_str(&body));
}

static void answer_one(struct prov_request *r, const struct role_kind *kind)
{
    if (!has_kind(r, kind))
        return;
    const struct config_role *role = find_role(r->app, r->id);
    if (role == NULL)
        reply_error(r, GW_E_NOT_FOUND, "there is no role with this id");
    else
        reply_json(r, 200, NULL, 0, role_json(r, kind, role));
}

void roles_on_list(struct prov_request *r)
{
    answer_list(r, &kind_role);
}

void roles_on_get(struct prov_request *r)
{
    answer_one(r, &kind_role);
}

void entitlements_on_list(struct prov_request *r)
{
    answer_list(r, &kind_entitlement);
}

void entitlements_on_get(struct prov_request *r)
{
    answer_one(r, &kind_entitlement);
}
