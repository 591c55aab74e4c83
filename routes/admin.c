#include "routes/admin.h"

#include "gateway/base/buf.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/net/loop.h"
#include "routes/auth.h"
#include "store/coverage.h"
#include "store/guard_off.h"

#include <inttypes.h>
#include <stdlib.h>

#define ADMIN_ANSWER_BYTES_MAX (1024u * 1024u)
#define ADMIN_FIELDS_MAX 4u

struct admin_face {
    struct admin_settings settings;
    struct auth_file credentials;
};

enum gw_code admin_face_new(const struct admin_settings *settings, struct admin_face **ret_face, struct gw_error *err)
{
    struct admin_face *face = gw_alloc(sizeof *face);
    face->settings = *settings;
    face->settings.config = config_ref(settings->config);
    struct gw_error why = {0};
    /* without credentials everything but /healthz stays closed (semantics.md 5): that is a state, not a failure */
    if (auth_file_init(&face->credentials, settings->config->admin_tokens_file, &why) != GW_OK)
        gw_log(GW_LOG_WARN, "admin-closed", "only /healthz is served: %s", why.text);
    (void)err;
    *ret_face = face;
    return GW_OK;
}

void admin_face_free(struct admin_face *face)
{
    if (face == NULL)
        return;
    auth_file_done(&face->credentials);
    config_unref(face->settings.config);
    free(face);
}

static void answer(struct http_exchange *x, int status, const char *type, const char *extra_name,
                   const char *extra_value, struct gw_str body)
{
    struct http_field fields[ADMIN_FIELDS_MAX] = {
        {GW_STR("Content-Type"), gw_str_from(type)},
        {GW_STR("Cache-Control"), GW_STR("no-store")},
    };
    size_t count = 2;
    if (extra_name != NULL)
        fields[count++] = (struct http_field){gw_str_from(extra_name), gw_str_from(extra_value)};
    http_exchange_answer(x, status, fields, count, body);
}

static void answer_error(struct http_exchange *x, enum gw_code code, const char *extra_name, const char *extra_value)
{
    struct gw_str body = gw_arena_printf(&x->arena, "{\"error\":\"%s\"}", gw_code_text(code));
    answer(x, gw_code_status(code), "application/json", extra_name, extra_value, body);
}

static const char *state_name(bool is_up)
{
    return is_up ? "up" : "down";
}

/* A file is read here, a few hundred bytes, for those who ask how all is. */
static size_t guards_off(struct admin_face *face)
{
    const struct config *config = face->settings.config;
    GW_ARENA_SCOPED(arena);
    struct store_guard_offs *offs = gw_arena_alloc(&arena, sizeof *offs);
    struct gw_error err;
    size_t count = 0;
    if (store_guard_offs_read(config->store_path, &arena, offs, &err) != GW_OK)
        return 0;
    for (size_t i = 0; i < config->app_count; i++)
        count += config->apps[i].sso.is_present &&
                 store_guard_off_find(offs, gw_str_from(config->apps[i].name), gw_clock_wall_ms()) != NULL;
    return count;
}

/* Both last until provgate is started again. */
static const char *store_name(const struct admin_face *face, bool is_up)
{
    const struct gw_metrics *metrics = face->settings.metrics;
    if (gw_metric_sum(metrics, GW_METRIC_STORE_DAMAGE) > 0)
        return "damaged";
    return is_up && gw_metric_sum(metrics, GW_METRIC_STORE_WRITES_FAILED) > 0 ? "read-only" : state_name(is_up);
}

static void serve_health(struct admin_face *face, struct http_exchange *x)
{
    struct store_stats stats;
    struct gw_error err;
    bool is_store_up = store_stats_read(face->settings.store, &stats, &err) == GW_OK;
    bool is_sso_up = face->settings.is_sso_up(face->settings.data);
    bool is_well = is_store_up && is_sso_up;
    /* whoever can answer this is prov */
    struct gw_str body = gw_arena_printf(
        &x->arena,
        "{\"status\":\"%s\",\"prov\":\"up\",\"sso\":\"%s\",\"store\":\"%s\",\"guard\":\"%s\",\"clock\":\"%s\","
        "\"brake\":\"%s\"}",
        is_well ? "ok" : "failing", state_name(is_sso_up), store_name(face, is_store_up),
        guards_off(face) > 0 ? "off" : "on", gw_gauge_max(GW_GAUGE_CLOCK_JUMPED) > 0 ? "jumped" : "ok",
        is_store_up && stats.held > 0 ? "holds" : "ok");
    answer(x, is_well ? 200 : 503, "application/json", NULL, NULL, body);
}

static bool is_authorized(struct admin_face *face, const struct http_exchange *x)
{
    const struct http_request *request = &x->request;
    auth_file_refresh(&face->credentials, net_loop_now_ms(x->loop));
    if (http_field_count(request->fields, request->field_count, GW_STR("Authorization")) != 1)
        return false;
    return auth_file_find(&face->credentials, http_request_field(request, GW_STR("Authorization"))) != NULL;
}

static void add_store_gauge(struct gw_buf *buf, const char *name, const char *help, uint64_t value)
{
    gw_buf_printf(buf, "# HELP %s %s\n# TYPE %s gauge\n%s ", name, help, name, name);
    gw_buf_add_u64(buf, value);
    gw_buf_add_byte(buf, '\n');
}

static struct store_app_counts app_counts(const struct admin_face *face, const char *app)
{
    const struct gw_metrics *metrics = face->settings.metrics;
    return (struct store_app_counts){.app = gw_str_from(app),
                                     .requests_bound = gw_app_sum(metrics, app, GW_APP_BOUND),
                                     .requests_unbound = gw_app_sum(metrics, app, GW_APP_UNBOUND),
                                     .requests_none = gw_app_sum(metrics, app, GW_APP_NO_SESSION),
                                     .sign_ons_linked = gw_app_sum(metrics, app, GW_APP_SIGN_ONS_LINKED),
                                     .sign_ons_observed = gw_app_sum(metrics, app, GW_APP_SIGN_ONS_OBSERVED),
                                     .sign_ons_unbound = gw_app_sum(metrics, app, GW_APP_SIGN_ONS_UNBOUND)};
}

/* What was counted; sessions and users would need a scan (`provgate coverage` does it). */
static void serve_coverage(struct admin_face *face, struct http_exchange *x)
{
    const struct config *config = face->settings.config;
    const char *comma = "";
    GW_BUF_SCOPED(body, ADMIN_ANSWER_BYTES_MAX);
    gw_buf_add_lit(&body, "{\"apps\":[");
    for (size_t i = 0; i < config->app_count; i++) {
        if (!config->apps[i].sso.is_present)
            continue;
        struct store_app_counts c = app_counts(face, config->apps[i].name);
        gw_buf_printf(&body,
                      "%s{\"app\":\"%s\",\"requestsBound\":%" PRIu64 ",\"requestsUnbound\":%" PRIu64
                      ",\"requestsWithoutSession\":%" PRIu64 ",\"signOnsProvisioned\":%" PRIu64
                      ",\"signOnsObserved\":%" PRIu64 ",\"signOnsUnbound\":%" PRIu64 ",\"advice\":\"%s\"}",
                      comma, config->apps[i].name, c.requests_bound, c.requests_unbound, c.requests_none,
                      c.sign_ons_linked, c.sign_ons_observed, c.sign_ons_unbound,
                      store_coverage_advice(&x->arena, &c).ptr);
        comma = ",";
    }
    gw_buf_add_lit(&body, "]}");
    answer(x, 200, "application/json", NULL, NULL, gw_buf_str(&body));
}

static void add_app_counts(struct admin_face *face, struct gw_buf *buf)
{
    static const struct {
        const char *name, *second, *help;
    } rows[GW_APP_COUNT_COUNT] = {
#define XX(constant, name, second, help) {name, second, help},
        GW_APP_COUNT_MAP(XX)
#undef XX
    };
    const struct config *config = face->settings.config;
    for (unsigned row = 0; row < GW_APP_COUNT_COUNT; row++) {
        if (rows[row].help[0] != '\0')
            gw_buf_printf(buf, "# HELP %s %s\n# TYPE %s counter\n", rows[row].name, rows[row].help, rows[row].name);
        for (size_t i = 0; i < config->app_count; i++) {
            if (config->apps[i].sso.is_present)
                gw_buf_printf(buf, "%s{app=\"%s\",%s} %" PRIu64 "\n", rows[row].name, config->apps[i].name,
                              rows[row].second,
                              gw_app_sum(face->settings.metrics, config->apps[i].name, (enum gw_app_count)row));
        }
    }
}

static void serve_metrics(struct admin_face *face, struct http_exchange *x)
{
    struct store_stats stats;
    struct gw_error err;
    GW_BUF_SCOPED(body, ADMIN_ANSWER_BYTES_MAX);
    gw_metrics_write(face->settings.metrics, &body);
    add_app_counts(face, &body);
    if (store_stats_read(face->settings.store, &stats, &err) == GW_OK) {
        add_store_gauge(&body, "provgate_store_used_bytes", "Bytes of the store in use", stats.used_bytes);
        add_store_gauge(&body, "provgate_store_max_bytes", "Bytes that the store may grow to", stats.max_bytes);
        add_store_gauge(&body, "provgate_store_users", "Users in all folders", stats.users);
        add_store_gauge(&body, "provgate_store_sessions", "Bound sessions", stats.sessions);
        add_store_gauge(&body, "provgate_store_activity_entries", "Entries of the activity record",
                        stats.activity_entries);
        add_store_gauge(&body, "provgate_store_readers", "Open read slots", stats.readers);
        add_store_gauge(&body, "provgate_brake_waiting", "Changes that the brake holds now", stats.held);
    }
    add_store_gauge(&body, "provgate_guard_off", "Apps whose guard an operator has switched off", guards_off(face));
    answer(x, 200, "text/plain; version=0.0.4; charset=utf-8", NULL, NULL, gw_buf_str(&body));
}

static void on_request(struct http_exchange *x, void *data)
{
    struct admin_face *face = data;
    const struct http_request *request = &x->request;
    if (!gw_str_eq(request->method, GW_STR("GET")) && !gw_str_eq(request->method, GW_STR("HEAD")))
        answer_error(x, GW_E_METHOD, "Allow", "GET, HEAD");
    else if (gw_str_eq(request->path, GW_STR("/healthz")))
        serve_health(face, x);
    else if (!is_authorized(face, x))
        answer_error(x, GW_E_UNAUTHORIZED, "WWW-Authenticate", "Bearer realm=\"provgate admin\"");
    else if (gw_str_eq(request->path, GW_STR("/metrics")))
        serve_metrics(face, x);
    else if (gw_str_eq(request->path, GW_STR("/coverage")))
        serve_coverage(face, x);
    else
        answer_error(x, GW_E_NOT_FOUND, NULL, NULL);
}

static void on_error_body(struct http_exchange *x, enum gw_code code, const char *text, struct gw_buf *body,
                          const char **ret_content_type, void *face)
{
    (void)x;
    (void)text;
    (void)face;
    gw_buf_printf(body, "{\"error\":\"%s\"}", gw_code_text(code));
    *ret_content_type = "application/json";
}

const struct http_face admin_http_face = {.on_request = on_request, .on_error_body = on_error_body};
