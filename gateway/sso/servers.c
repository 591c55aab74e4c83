#include "gateway/sso/servers.h"

#include "gateway/base/clock.h"
#include "gateway/cookie/cookie.h"
#include "gateway/cookie/set_cookie.h"
#include "gateway/http/servers.h"

#include <stdlib.h>

/* --- affinity -------------------------------------------------------------------------------------------------- */

static uint64_t hint_of(const struct store_session_digest *digest)
{
    uint64_t hint = 0;
    memcpy(&hint, digest->bytes, sizeof hint);
    return hint;
}

static bool has_choice(const struct sso_request *rq)
{
    return rq->app != NULL && rq->app->servers->count > 1;
}

static uint64_t hint_of_cookie(const struct sso_request *rq, struct gw_str name, struct gw_str value)
{
    struct gw_str canonical = cookie_canonical(value, &rq->x->arena);
    struct store_session_digest digest = store_session_digest(rq->face->shared->store, rq->app->name, name, canonical);
    return canonical.len > 0 ? hint_of(&digest) : 0;
}

static uint64_t hint_of_request(const struct sso_request *rq, const char *pattern)
{
    const struct http_request *request = &rq->x->request;
    struct gw_str lines[HTTP_FIELDS_MAX];
    struct cookie_values values;
    size_t count = http_field_values(request->fields, request->field_count, GW_STR("Cookie"), lines);
    if (cookie_find(lines, count, gw_str_from(pattern), &rq->x->arena, &values) != COOKIE_FOUND)
        return 0;
    return hint_of_cookie(rq, values.list[0].name, values.list[0].value);
}

uint64_t sso_affinity_hint(const struct sso_request *rq)
{
    if (!has_choice(rq))
        return 0;
    if (rq->affinity_set != 0)
        return rq->affinity_set;
    const char *pattern = rq->app->config->sso.upstream.affinity_cookie;
    if (pattern != NULL)
        return hint_of_request(rq, pattern);
    return rq->guard.session_count > 0 ? hint_of(&rq->guard.sessions[0]) : 0;
}

static void remember(struct sso_request *rq, uint64_t hint)
{
    if (hint == 0)
        return;
    rq->affinity_set = hint;
    http_exchange_remember(rq->x, hint);
}

static void note_cookie(struct sso_request *rq, const char *pattern)
{
    const struct http_answer *answer = &rq->x->answer;
    for (size_t i = 0; i < answer->field_count; i++) {
        struct set_cookie cookie;
        if (gw_str_eq_nocase(answer->fields[i].name, GW_STR("Set-Cookie")) &&
            set_cookie_parse(answer->fields[i].value, gw_clock_wall_ms(), &cookie) && !cookie.deletes &&
            cookie_name_matches(cookie.name, gw_str_from(pattern)))
            remember(rq, hint_of_cookie(rq, cookie.name, cookie.value));
    }
}

void sso_affinity_note(struct sso_request *rq, const struct store_session_digest *sessions, size_t count)
{
    if (!has_choice(rq))
        return;
    const char *pattern = rq->app->config->sso.upstream.affinity_cookie;
    if (pattern != NULL)
        note_cookie(rq, pattern);
    for (size_t i = 0; i < count && pattern == NULL; i++)
        remember(rq, hint_of(&sessions[i]));
}

/* --- servers --------------------------------------------------------------------------------------------------- */

static enum gw_code tls_load(const struct config_upstream *upstream, const struct config_url *url,
                             struct tls_client **ret_tls, struct gw_error *err)
{
    if (!url->is_https)
        return GW_OK;
    const char *name = upstream->server_name != NULL ? upstream->server_name : url->host;
    GW_TRY(tls_client_new(name, upstream->ca, ret_tls, err));
    if (upstream->certificate == NULL)
        return GW_OK;
    return tls_client_present(*ret_tls, upstream->certificate, upstream->key, err);
}

static void check_health(struct sso_app *app)
{
    const struct config_health *config = &app->config->sso.upstream.health;
    struct http_health_settings health = {
        .path = config->path,
        .host = app->config->sso.hosts[0],
        .every_ms = config->every_ms,
        .timeout_ms = config->timeout_ms,
        .fall = config->fall,
        .rise = config->rise,
        .status_min = (int)config->status_min,
        .status_max = (int)config->status_max,
    };
    if (health.path != NULL)
        http_servers_check_health(app->servers, &health);
}

enum gw_code sso_servers_load(struct sso_app *app, struct gw_error *err)
{
    const struct config_upstream *upstream = &app->config->sso.upstream;
    struct http_server_settings list[SERVERS_MAX];
    app->tls = gw_alloc(upstream->server_count * sizeof(struct tls_client *));
    for (size_t i = 0; i < upstream->server_count; i++) {
        const struct config_server *server = &upstream->servers[i];
        GW_TRY(tls_load(upstream, &server->url, &app->tls[i], err));
        list[i] = (struct http_server_settings){.name = server->url.text,
                                                .host = server->url.host,
                                                .port = server->url.port,
                                                .unix_path = server->url.unix_path,
                                                .tls = app->tls[i],
                                                .weight = server->weight};
    }
    app->servers = http_servers_new(app->config->name, list, upstream->server_count);
    check_health(app);
    return GW_OK;
}

void sso_servers_free(struct sso_app *app)
{
    http_servers_free(app->servers);
    for (size_t i = 0; app->tls != NULL && i < app->config->sso.upstream.server_count; i++)
        tls_client_free(app->tls[i]);
    free(app->tls);
}

enum gw_code sso_upstream_new(struct net_loop *loop, const struct sso_app *app, struct http_upstream **ret_upstream,
                              struct gw_error *err)
{
    const struct config_upstream *config = &app->config->sso.upstream;
    struct http_upstream_settings settings = http_upstream_settings_default;
    settings.servers = app->servers;
    if (config->connect_timeout_ms > 0)
        settings.connect_ms = config->connect_timeout_ms;
    if (config->answer_timeout_ms > 0)
        settings.head_ms = config->answer_timeout_ms;
    if (config->idle_timeout_ms > 0)
        settings.idle_ms = config->idle_timeout_ms;
    if (config->connections_max > 0)
        settings.connections_max = config->connections_max;
    return http_upstream_new(loop, &settings, ret_upstream, err);
}

size_t sso_outgoing_connections_max(const struct config *config)
{
    size_t most = 0;
    for (size_t i = 0; i < config->app_count; i++) {
        const struct config_upstream *upstream = &config->apps[i].sso.upstream;
        size_t each =
            upstream->connections_max > 0 ? upstream->connections_max : http_upstream_settings_default.connections_max;
        if (config->apps[i].sso.is_present)
            most += each * upstream->server_count;
    }
    return most;
}

_Static_assert(CONFIG_SERVERS_MAX <= SERVERS_MAX, "every server that can be configured has a place");
