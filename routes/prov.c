#include "routes/prov.h"

#include "config/token_use.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/jwt/key_source.h"
#include "routes/body.h"
#include "routes/credential.h"
#include "routes/logout.h"
#include "routes/pending.h"
#include "routes/reply.h"
#include "routes/router.h"
#include "routes/schemas.h"
#include "routes/scim/handlers/group_members.h"
#include "routes/scim/handlers/turn.h"
#include "routes/scim/message.h"
#include "routes/scim/scim1.h"
#include "routes/values.h"

#include <netinet/in.h>
#include <stdlib.h>

/* ---- the face ---- */

static enum gw_code open_credentials(struct prov_app *app, struct gw_error *err)
{
    const struct config_prov_face *prov = &app->config->prov;
    enum gw_code code = auth_file_init(&app->credentials, prov->tokens_file, err);
    if (!prov->enabled || (prov->tokens_file == NULL && prov->oauth.is_present))
        return GW_OK; /* switched off: nobody needs a credential; or all of them come from an issuer */
    if (code != GW_OK)
        return gw_error_prefix(err, "app %s", app->config->name);
    if (app->credentials.set == NULL || app->credentials.set->count == 0)
        return gw_fail(err, GW_E_CONFIG, "app %s: %s holds no credential; make one with `provgate token new`",
                       app->config->name, prov->tokens_file != NULL ? prov->tokens_file : "tokens_file");
    return GW_OK;
}

static enum gw_code open_keys(struct prov_face *face, const struct config_keys *keys, struct key_source **ret_source,
                              struct gw_error *err)
{
    struct key_origin origin = {.file = keys->file, .url = keys->url, .ca = keys->ca};
    return key_pool_add(face->keys, &origin, ret_source, err);
}

static enum gw_code open_issuers(struct prov_face *face, struct prov_app *app, struct gw_error *err)
{
    const struct config_prov_face *prov = &app->config->prov;
    enum gw_code code = GW_OK;
    if (prov->logout.is_present)
        code = open_keys(face, &prov->logout.keys, &app->logout_keys, err);
    if (code == GW_OK && prov->oauth.is_present)
        code = open_keys(face, &prov->oauth.keys, &app->oauth_keys, err);
    return code != GW_OK ? gw_error_prefix(err, "app %s", app->config->name) : GW_OK;
}

static enum gw_code open_app(struct prov_face *face, const struct config_app *config, struct gw_error *err)
{
    struct prov_app *app = &face->apps[face->app_count++];
    app->config = config;
    app->name = gw_str_from(config->name);
    app->base_path = gw_str_from(config->prov.base_path);
    if (config->prov.scim1_base_path != NULL)
        app->scim1_base_path = gw_str_from(config->prov.scim1_base_path);
    prov_schemas_init(&app->schema_arena, &config->prov, &app->schemas);
    prov_values_fill(&app->schema_arena, face->config, &app->schemas, &app->values);
    app->user_type = scim_resource_type_find(&app->schemas, GW_STR("User"));
    app->group_type = scim_resource_type_find(&app->schemas, GW_STR("Group"));
    GW_TRY(open_credentials(app, err));
    GW_TRY(open_issuers(face, app, err));
    return store_folder_ensure(face->writer, gw_str_from(config->folder), &app->folder, err);
}

enum gw_code prov_face_new(struct config *config, struct store *store, struct store_writer *writer,
                           struct net_loop *loop, struct prov_face **ret_face, struct gw_error *err)
{
    struct prov_face *face = gw_alloc(sizeof *face);
    face->config = config_ref(config);
    face->store = store;
    face->writer = writer;
    face->loop = loop;
    face->apps = gw_alloc(sizeof face->apps[0] * (config->app_count + 1));
    face->keys = key_pool_new();
    face->use = token_use_new(config->store_path);
    auth_throttle_init(&face->throttle);
    enum gw_code code = prov_values_check(config, err);
    if (code == GW_OK)
        code = store_reader_new(store, &face->reader, err);
    for (size_t i = 0; code == GW_OK && i < config->app_count; i++) {
        if (config->apps[i].prov.is_present)
            code = open_app(face, &config->apps[i], err);
    }
    if (code != GW_OK) {
        prov_face_free(face);
        return code;
    }
    key_pool_start(face->keys);
    for (size_t i = 0; i < face->app_count; i++) /* what an earlier run left */
        member_sweep_start(face, &face->apps[i]);
    *ret_face = face;
    return GW_OK;
}

void prov_face_free(struct prov_face *face)
{
    if (face == NULL)
        return;
    pending_leave_all(face);
    key_pool_free(face->keys);
    token_use_free(face->use);
    for (size_t i = 0; i < face->app_count; i++)
        auth_file_done(&face->apps[i].credentials);
    for (size_t i = 0; i < face->app_count; i++)
        gw_arena_done(&face->apps[i].schema_arena);
    if (face->reader != NULL)
        store_reader_free(face->reader);
    config_unref(face->config);
    free(face->apps);
    free(face);
}

int64_t prov_face_walked_ms(const struct prov_face *face)
{
    return atomic_load_explicit(&face->walked_ms, memory_order_relaxed);
}

void prov_face_reload_tokens(struct prov_face *face)
{
    for (size_t i = 0; i < face->app_count; i++)
        auth_file_refresh(&face->apps[i].credentials, 0);
    token_use_save(face->use, net_loop_now_ms(face->loop));
}

/* ---- the path of a request: credentials, route, body, handler ---- */

static void serve(struct prov_request *r, const struct route *route, enum route_method method)
{
    struct gw_error err = {0};
    r->handler = route->handlers[method];
    if (route_query_parse(r->arena, r->x->request.query, &r->query, &err) != GW_OK) {
        reply_error_from(r, &err);
        return;
    }
    if (r->is_scim1) {
        r->query.filter = scim1_names_read(r->arena, r->query.filter);
        r->query.attributes = scim1_names_read(r->arena, r->query.attributes);
    }
    bool has_body = method == ROUTE_POST || method == ROUTE_PUT || method == ROUTE_PATCH;
    if (!has_body || route->body_bytes_max == 0) {
        r->handler(r); /* a body of GET or DELETE means nothing (RFC 9110 section 9.3.1; rule 0.29) */
        return;
    }
    body_read(r, route);
}

static bool is_in_scope(const struct prov_request *r, const struct route *route, enum route_method method)
{
    if (method == ROUTE_GET || route->shape == ROUTE_SEARCH)
        return r->may_read;
    bool is_push = gw_str_eq(route->endpoint, GW_STR("Users")) && method != ROUTE_DELETE;
    return r->may_write || (is_push && r->may_push);
}

static void dispatch(struct prov_request *r, struct gw_str rest)
{
    const struct route *route = router_find(r->arena, rest, &r->id);
    if (route == NULL || (r->is_scim1 && !router_is_of_scim1(route))) {
        reply_error(r, GW_E_NOT_FOUND, "there is no such endpoint or resource");
        return;
    }
    struct gw_str name = r->x->request.method;
    if (gw_str_eq(name, GW_STR("OPTIONS"))) {
        reply_options(r, router_allow(r->arena, route));
        return;
    }
    enum route_method method = router_method(name);
    if (method == ROUTE_METHODS || route->handlers[method] == NULL)
        reply_method_error(r, router_allow(r->arena, route));
    else if (!is_in_scope(r, route, method))
        reply_scope_error(r);
    else
        serve(r, route, method);
}

static void authorized(struct prov_request *r)
{
    if (!r->app->config->prov.enabled) {
        reply_error(r, GW_E_FORBIDDEN, "provisioning is switched off for this app (prov.enabled)");
        return;
    }
    struct gw_str base_path = r->is_scim1 ? r->app->scim1_base_path : r->app->base_path;
    r->base_url = gw_arena_printf(r->arena, "%s://%.*s%.*s", r->x->request.tls ? "https" : "http",
                                  GW_STR_ARG(r->x->request.authority), GW_STR_ARG(base_path));
    dispatch(r, r->rest);
}

static void authorize(struct prov_request *r)
{
    enum credential verdict = credential_check(r);
    if (verdict == CREDENTIAL_ACCEPTED)
        authorized(r);
    else
        credential_deny(r, verdict, authorize);
}

static void on_request(struct http_exchange *x, void *listener)
{
    struct prov_request *r = gw_arena_alloc(&x->arena, sizeof *r);
    r->x = x;
    r->face = ((struct prov_listener *)listener)->face;
    r->arena = &x->arena;
    x->face_state = r;
    gw_metric_add(GW_METRIC_SCIM_REQUESTS, 1);
    if (logout_take(r))
        return;
    enum gw_code code = router_app_find(r->face, r);
    if (code != GW_OK)
        reply_error(r, code, NULL);
    else
        authorize(r);
}

static void on_end(struct http_exchange *x, void *listener)
{
    (void)listener;
    struct prov_request *r = x->face_state;
    if (r == NULL)
        return;
    pending_forget(r);
    turn_forget(r);
    if (r->on_over != NULL)
        r->on_over(r->state);
    credential_forget(r);
}

static void on_error_body(struct http_exchange *x, enum gw_code code, const char *text, struct gw_buf *body,
                          const char **ret_content_type, void *listener)
{
    (void)x;
    (void)listener;
    gw_metric_add(GW_METRIC_SCIM_ERRORS, 1);
    scim_error_write(body, code, text);
    *ret_content_type = SCIM_MEDIA_TYPE;
}

const struct http_face prov_http_face = {
    .on_request = on_request,
    .on_end = on_end,
    .on_error_body = on_error_body,
};
