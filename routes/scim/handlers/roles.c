#include "gateway/json/write.h"
#include "routes/reply.h"
#include "routes/scim/filter.h"
#include "routes/scim/handlers/handlers.h"
#include "routes/scim/handlers/location.h"
#include "routes/scim/handlers/page.h"
#include "routes/scim/handlers/user_rules.h"
#include "routes/scim/resource.h"

struct role_kind {
    struct gw_str type_name;
    struct gw_str urn;
    bool has_type; /* Okta tells entitlements apart by `type` */
};

static const struct role_kind kind_role = {GW_STR_INIT("Role"), GW_STR_INIT(SCIM_URN_ROLE), false};
static const struct role_kind kind_entitlement = {GW_STR_INIT("Entitlement"), GW_STR_INIT(SCIM_URN_ENTITLEMENT), true};

static void set_text(struct gw_arena *arena, struct json_value *object, const char *name, struct gw_str text)
{
    json_object_append(arena, object, gw_str_from(name), json_string_new(arena, text));
}

static struct json_value *role_json(const struct prov_request *r, const struct role_kind *kind,
                                    const struct scim_resource_type *type, const struct config_role *role)
{
    struct gw_arena *arena = r->arena;
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
    set_text(arena, meta, "location", resource_location(arena, r, type, gw_str_from(role->id)));
    json_object_append(arena, object, GW_STR("meta"), meta);
    return object;
}

/* The type, the projection and the filter of a request. False: it is answered. */
static bool begin(struct prov_request *r, const struct role_kind *kind, const struct scim_resource_type **ret_type,
                  const struct scim_filter **ret_filter)
{
    struct gw_error err = {0};
    const struct scim_resource_type *type = scim_resource_type_find(&r->app->schemas, kind->type_name);
    enum gw_code code = type != NULL ? GW_OK : gw_fail(&err, GW_E_NOT_FOUND, "this app defines no roles");
    if (code == GW_OK)
        code = scim_projection_parse(r->arena, type, r->query.attributes, r->query.excluded_attributes, &r->projection,
                                     &err);
    if (code == GW_OK && ret_filter != NULL && r->query.filter.len > 0)
        code = scim_filter_parse(r->arena, type, r->query.filter, ret_filter, &err);
    if (code != GW_OK)
        reply_error_from(r, &err);
    *ret_type = type;
    return code == GW_OK;
}

static void answer_list(struct prov_request *r, const struct role_kind *kind)
{
    const struct config_prov_face *prov = &r->app->config->prov;
    const struct scim_resource_type *type = NULL;
    const struct scim_filter *filter = NULL;
    uint64_t total = 0;
    size_t count = 0;
    if (!begin(r, kind, &type, &filter))
        return;
    GW_BUF_SCOPED(resources, REPLY_BYTES_MAX);
    for (size_t i = 0; i < prov->role_count; i++) {
        const struct json_value *role = role_json(r, kind, type, &prov->roles[i]);
        if (filter != NULL && !scim_filter_matches(filter, role, r->arena))
            continue;
        if (++total < r->query.start_index || count == r->query.count)
            continue;
        if (count++ > 0)
            gw_buf_add_byte(&resources, ',');
        json_write(&resources, scim_project(r->arena, &r->projection, role));
    }
    page_reply(r, total, count, &resources, "the page is too large; ask for fewer");
}

static void answer_one(struct prov_request *r, const struct role_kind *kind)
{
    const struct scim_resource_type *type = NULL;
    if (!begin(r, kind, &type, NULL))
        return;
    const struct config_role *role = user_rules_role(&r->app->config->prov, r->id);
    if (role == NULL)
        reply_error(r, GW_E_NOT_FOUND, "there is no role with this id");
    else
        reply_json(r, 200, NULL, 0, scim_project(r->arena, &r->projection, role_json(r, kind, type, role)));
}

void roles_on_list(struct prov_request *r)
{
    answer_list(r, &kind_role);
}

void roles_on_search(struct prov_request *r)
{
    page_search(r, roles_on_list);
}

void roles_on_get(struct prov_request *r)
{
    answer_one(r, &kind_role);
}

void entitlements_on_list(struct prov_request *r)
{
    answer_list(r, &kind_entitlement);
}

void entitlements_on_search(struct prov_request *r)
{
    page_search(r, entitlements_on_list);
}

void entitlements_on_get(struct prov_request *r)
{
    answer_one(r, &kind_entitlement);
}
