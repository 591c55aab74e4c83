#include "routes/router.h"

#include "gateway/base/buf.h"
#include "routes/scim/handlers/handlers.h"

#define PORT_TEXT_MAX 8u

/* clang-format off */
static const struct route route_table[] = {
    /* endpoint, shape, body cap, {GET, POST, PUT, PATCH, DELETE} */
    {GW_STR_INIT("Users"), ROUTE_COLLECTION, ROUTE_BODY_USERS_MAX, {users_on_list, users_on_create, NULL, NULL, NULL}},
    {GW_STR_INIT("Users"), ROUTE_ITEM, ROUTE_BODY_USERS_MAX,
     {users_on_get, NULL, users_on_replace, users_on_patch, users_on_delete}},
    {GW_STR_INIT("Users"), ROUTE_SEARCH, ROUTE_BODY_OTHER_MAX, {NULL, users_on_search, NULL, NULL, NULL}},
    {GW_STR_INIT("Groups"), ROUTE_COLLECTION, ROUTE_BODY_GROUPS_MAX,
     {groups_on_list, groups_on_create, NULL, NULL, NULL}},
    {GW_STR_INIT("Groups"), ROUTE_ITEM, ROUTE_BODY_GROUPS_MAX,
     {groups_on_get, NULL, groups_on_replace, groups_on_patch, groups_on_delete}},
    {GW_STR_INIT("Groups"), ROUTE_SEARCH, ROUTE_BODY_OTHER_MAX, {NULL, groups_on_search, NULL, NULL, NULL}},
    {GW_STR_INIT("Roles"), ROUTE_COLLECTION, 0, {roles_on_list, NULL, NULL, NULL, NULL}},
    {GW_STR_INIT("Roles"), ROUTE_ITEM, 0, {roles_on_get, NULL, NULL, NULL, NULL}},
    {GW_STR_INIT("Roles"), ROUTE_SEARCH, ROUTE_BODY_OTHER_MAX, {NULL, roles_on_search, NULL, NULL, NULL}},
    {GW_STR_INIT("Entitlements"), ROUTE_COLLECTION, 0, {entitlements_on_list, NULL, NULL, NULL, NULL}},
    {GW_STR_INIT("Entitlements"), ROUTE_ITEM, 0, {entitlements_on_get, NULL, NULL, NULL, NULL}},
    {GW_STR_INIT("Entitlements"), ROUTE_SEARCH, ROUTE_BODY_OTHER_MAX, {NULL, entitlements_on_search, NULL, NULL, NULL}},
    {GW_STR_INIT("ServiceProviderConfig"), ROUTE_COLLECTION, 0, {discovery_on_provider, NULL, NULL, NULL, NULL}},
    {GW_STR_INIT("ServiceProviderConfigs"), ROUTE_COLLECTION, 0, {discovery_on_agent, NULL, NULL, NULL, NULL}},
    {GW_STR_INIT("ResourceTypes"), ROUTE_COLLECTION, 0, {discovery_on_types, NULL, NULL, NULL, NULL}},
    {GW_STR_INIT("ResourceTypes"), ROUTE_ITEM, 0, {discovery_on_type, NULL, NULL, NULL, NULL}},
    {GW_STR_INIT("Schemas"), ROUTE_COLLECTION, 0, {discovery_on_schemas, NULL, NULL, NULL, NULL}},
    {GW_STR_INIT("Schemas"), ROUTE_ITEM, 0, {discovery_on_schema, NULL, NULL, NULL, NULL}},
    {GW_STR_INIT("Me"), ROUTE_COLLECTION, 0, {absent_on_me, absent_on_me, absent_on_me, absent_on_me, absent_on_me}},
    {GW_STR_INIT("Bulk"), ROUTE_COLLECTION, 0, {NULL, absent_on_bulk, NULL, NULL, NULL}},
    {GW_STR_INIT(""), ROUTE_COLLECTION, 0, {absent_on_root, NULL, NULL, NULL, NULL}},
    {GW_STR_INIT(""), ROUTE_SEARCH, 0, {NULL, absent_on_root, NULL, NULL, NULL}},
};

static const struct gw_str method_names[ROUTE_METHODS] = {
    GW_STR_INIT("GET"), GW_STR_INIT("POST"), GW_STR_INIT("PUT"), GW_STR_INIT("PATCH"), GW_STR_INIT("DELETE"),
};
/* clang-format on */

enum route_method router_method(struct gw_str name)
{
    if (gw_str_eq(name, GW_STR("HEAD")))
        return ROUTE_GET;
    for (int i = 0; i < ROUTE_METHODS; i++) {
        if (gw_str_eq(method_names[i], name))
            return (enum route_method)i;
    }
    return ROUTE_METHODS;
}

struct gw_str router_allow(struct gw_arena *arena, const struct route *route)
{
    GW_BUF_SCOPED(allow, 256);
    for (int i = 0; i < ROUTE_METHODS; i++) {
        if (route->handlers[i] == NULL)
            continue;
        gw_buf_add(&allow, method_names[i]);
        if (i == ROUTE_GET)
            gw_buf_add_lit(&allow, ", HEAD");
        gw_buf_add_lit(&allow, ", ");
    }
    gw_buf_add_lit(&allow, "OPTIONS");
    return gw_arena_copy(arena, gw_buf_str(&allow));
}

/* A host without a port is meant with the listener's own port and with none. */
static bool host_matches(const char *configured, const struct http_request *request)
{
    struct gw_str host = gw_str_from(configured);
    struct gw_str authority = request->authority;
    if (gw_str_eq_nocase(host, authority))
        return true;
    if (!gw_str_starts_nocase(authority, host) || authority.ptr[host.len] != ':')
        return false;
    uint64_t port = 0;
    struct gw_str text = gw_str_from_pos(authority, host.len + 1);
    return text.len < PORT_TEXT_MAX && gw_str_to_u64(text, UINT16_MAX, &port) && port == request->local_port;
}

static bool serves_host(const struct prov_app *app, const struct http_request *request)
{
    const struct config_prov_face *prov = &app->config->prov;
    for (size_t i = 0; i < prov->host_count; i++) {
        if (host_matches(prov->hosts[i], request))
            return true;
    }
    return false;
}

static bool is_below(struct gw_str path, struct gw_str base)
{
    return gw_str_starts(path, base) && (path.len == base.len || path.ptr[base.len] == '/');
}

/* The longest base path wins. */
static void match_base(struct prov_request *r, struct prov_app *app, struct gw_str base, bool is_scim1, size_t *longest)
{
    struct gw_str path = r->x->request.path;
    if (base.len <= *longest || !is_below(path, base))
        return;
    *longest = base.len;
    r->app = app;
    r->is_scim1 = is_scim1;
    r->rest = gw_str_from_pos(path, base.len);
}

enum gw_code router_app_find(struct prov_face *face, struct prov_request *r)
{
    bool is_our_host = false;
    size_t longest = 0;
    for (size_t i = 0; i < face->app_count; i++) {
        struct prov_app *app = &face->apps[i];
        if (!serves_host(app, &r->x->request))
            continue;
        is_our_host = true;
        match_base(r, app, app->base_path, /* is_scim1= */ false, &longest);
        match_base(r, app, app->scim1_base_path, /* is_scim1= */ true, &longest);
    }
    if (longest > 0)
        return GW_OK;
    return is_our_host ? GW_E_NOT_FOUND : GW_E_MISDIRECTED;
}

struct prov_app *router_logout_find(struct prov_face *face, const struct http_request *request)
{
    for (size_t i = 0; i < face->app_count; i++) {
        struct prov_app *app = &face->apps[i];
        const struct config_logout *logout = &app->config->prov.logout;
        if (logout->is_present && gw_str_eq(request->path, gw_str_from(logout->path)) && serves_host(app, request))
            return app;
    }
    return NULL;
}

static const struct route *find_row(struct gw_str endpoint, enum route_shape shape)
{
    for (size_t i = 0; i < sizeof route_table / sizeof route_table[0]; i++) {
        if (route_table[i].shape == shape && gw_str_eq(route_table[i].endpoint, endpoint))
            return &route_table[i];
    }
    return NULL;
}

bool router_is_of_scim1(const struct route *route)
{
    static const struct gw_str endpoints[] = {GW_STR_INIT("Users"),         GW_STR_INIT("Groups"),
                                              GW_STR_INIT("Schemas"),       GW_STR_INIT("ServiceProviderConfigs"),
                                              GW_STR_INIT("ResourceTypes"), GW_STR_INIT("Bulk")};
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        if (gw_str_eq(route->endpoint, endpoints[i]))
            return route->shape != ROUTE_SEARCH;
    }
    return false;
}

static bool decode_id(struct gw_arena *arena, struct gw_str raw, struct gw_str *ret_id)
{
    if (raw.len == 0 || raw.len > ROUTE_ID_BYTES_MAX)
        return false;
    char *text = gw_arena_alloc(arena, raw.len + 1);
    size_t len = 0;
    if (!gw_str_percent_decode(raw, false, text, &len))
        return false;
    *ret_id = gw_str_n(text, len);
    return gw_str_find(*ret_id, '\0') < 0;
}

const struct route *router_find(struct gw_arena *arena, struct gw_str rest, struct gw_str *ret_id)
{
    *ret_id = GW_STR_NONE;
    if (gw_str_starts(rest, GW_STR("//"))) /* a base address that was written with a slash at its end */
        rest = gw_str_from_pos(rest, 1);
    rest = gw_str_from_pos(rest, 1);
    struct gw_str endpoint = gw_str_split(&rest, '/');
    if (gw_str_eq(endpoint, GW_STR(".search")))
        return rest.ptr == NULL ? find_row(GW_STR_NONE, ROUTE_SEARCH) : NULL;
    if (rest.ptr == NULL || rest.len == 0)
        return find_row(endpoint, ROUTE_COLLECTION);
    struct gw_str item = gw_str_split(&rest, '/');
    if (rest.ptr != NULL && rest.len > 0)
        return NULL;
    if (gw_str_eq(item, GW_STR(".search")))
        return find_row(endpoint, ROUTE_SEARCH);
    return decode_id(arena, item, ret_id) ? find_row(endpoint, ROUTE_ITEM) : NULL;
}
