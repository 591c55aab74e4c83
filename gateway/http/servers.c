#include "gateway/http/servers.h"

#include "gateway/base/arena.h"
#include "gateway/base/digest.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"

#include <stdlib.h>
#include <string.h>

static const char *copy(const char *text)
{
    return text != NULL ? gw_strdup(text) : NULL;
}

static void discard(const char *text)
{
    free((void *)(uintptr_t)text);
}

/* --- life ------------------------------------------------------------------------------------------------------ */

/* Not 0, which means none; the low bits are the affinity's (affinity.c). */
static uint64_t id_of(const char *name)
{
    struct gw_sha256 digest = gw_sha256(gw_str_from(name));
    uint64_t id = 0;
    memcpy(&id, digest.bytes, sizeof id);
    return id | 1u << 16;
}

static void server_init(struct http_server *server, const char *app, const struct http_server_settings *settings)
{
    server->settings = *settings;
    server->settings.name = copy(settings->name);
    server->settings.host = copy(settings->host);
    server->settings.unix_path = copy(settings->unix_path);
    server->id = id_of(settings->name);
    server->app = app;
    if (server->settings.weight == 0)
        server->settings.weight = 1;
    if (app == NULL)
        return;
    gw_gauge_hold(GW_GAUGE_UPSTREAM_UP, app, settings->name);
    gw_gauge_set(GW_GAUGE_UPSTREAM_UP, app, settings->name, 1);
}

struct http_servers *http_servers_new(const char *app, const struct http_server_settings *list, size_t count)
{
    GW_ASSERT(count > 0 && count <= SERVERS_MAX);
    struct http_servers *servers = gw_alloc(sizeof *servers);
    servers->app = copy(app);
    servers->list = gw_alloc(count * sizeof *servers->list);
    servers->count = count;
    for (size_t i = 0; i < count; i++)
        server_init(&servers->list[i], servers->app, &list[i]);
    return servers;
}

void http_servers_check_health(struct http_servers *servers, const struct http_health_settings *health)
{
    servers->health = *health;
    servers->health.path = copy(health->path);
    servers->health.host = copy(health->host);
}

void http_servers_free(struct http_servers *servers)
{
    if (servers == NULL)
        return;
    for (size_t i = 0; i < servers->count; i++) {
        struct http_server *server = &servers->list[i];
        if (servers->app != NULL)
            gw_gauge_drop(GW_GAUGE_UPSTREAM_UP, servers->app, server->settings.name);
        discard(server->settings.name);
        discard(server->settings.host);
        discard(server->settings.unix_path);
    }
    discard(servers->health.path);
    discard(servers->health.host);
    discard(servers->app);
    free(servers->list);
    free(servers);
}

/* --- up and out ------------------------------------------------------------------------------------------------ */

bool http_server_is_up(const struct http_server *server)
{
    return atomic_load_explicit(&server->out_until_ms, memory_order_relaxed) == 0 &&
           !atomic_load_explicit(&server->is_sick, memory_order_relaxed);
}

/* Until it answers, each trial is paid for with a longer pause. */
bool http_server_take_trial(struct http_server *server, int64_t now_ms)
{
    int64_t until_ms = atomic_load(&server->out_until_ms);
    if (until_ms == 0 || now_ms < until_ms || atomic_load(&server->is_sick))
        return false;
    int64_t pause_ms = 2 * atomic_load(&server->pause_ms);
    if (pause_ms > SERVERS_PAUSE_MS_MAX)
        pause_ms = SERVERS_PAUSE_MS_MAX;
    if (!atomic_compare_exchange_strong(&server->out_until_ms, &until_ms, now_ms + pause_ms))
        return false;
    atomic_store(&server->pause_ms, pause_ms);
    return true;
}

static void tell(const struct http_server *server, bool is_up, const char *why)
{
    if (server->app == NULL)
        return;
    gw_gauge_set(GW_GAUGE_UPSTREAM_UP, server->app, server->settings.name, is_up);
    gw_metric_add(GW_METRIC_UPSTREAM_DOWNS, is_up ? 0 : 1);
    gw_log(is_up ? GW_LOG_INFO : GW_LOG_WARN, is_up ? "upstream-up" : "upstream-down", "app=%s server=%s why=%s",
           server->app, server->settings.name, why);
}

static void take_out(struct http_server *server, const char *why, int64_t now_ms)
{
    int64_t none = 0;
    bool was_up = http_server_is_up(server);
    if (!atomic_compare_exchange_strong(&server->out_until_ms, &none, now_ms + SERVERS_PAUSE_MS_MIN))
        return;
    atomic_store(&server->pause_ms, SERVERS_PAUSE_MS_MIN);
    if (was_up)
        tell(server, false, why);
}

void http_server_failed(struct http_server *server, enum http_server_failure failure, enum http_failure why,
                        int64_t now_ms)
{
    if (failure == HTTP_SERVER_UNREACHABLE) {
        atomic_store(&server->is_refusing, true);
        take_out(server, http_failure_word(why), now_ms);
    } else if (atomic_fetch_add(&server->failures, 1) + 1 >= SERVERS_FAILURES_MAX) {
        take_out(server, http_failure_word(why), now_ms);
    }
}

void http_server_connected(struct http_server *server)
{
    if (atomic_load_explicit(&server->is_refusing, memory_order_relaxed))
        atomic_store(&server->is_refusing, false);
}

void http_server_answered(struct http_server *server)
{
    if (atomic_load_explicit(&server->failures, memory_order_relaxed) != 0)
        atomic_store(&server->failures, 0);
    if (atomic_load_explicit(&server->out_until_ms, memory_order_relaxed) == 0)
        return;
    if (atomic_exchange(&server->out_until_ms, 0) != 0 && !atomic_load(&server->is_sick))
        tell(server, true, "answers");
}

bool http_server_may_connect(struct http_server *server, int64_t now_ms)
{
    if (!atomic_load_explicit(&server->is_refusing, memory_order_relaxed))
        return true;
    int64_t second_ms = atomic_load(&server->second_ms);
    if (now_ms - second_ms >= 1000 && atomic_compare_exchange_strong(&server->second_ms, &second_ms, now_ms))
        atomic_store(&server->second_connects, 0);
    return atomic_fetch_add(&server->second_connects, 1) < SERVERS_CONNECTS_PER_SECOND;
}

/* --- health checks --------------------------------------------------------------------------------------------- */

bool http_server_take_check(struct http_server *server, const struct http_health_settings *health, int64_t now_ms)
{
    int64_t due_ms = atomic_load_explicit(&server->next_check_ms, memory_order_relaxed);
    return now_ms >= due_ms &&
           atomic_compare_exchange_strong(&server->next_check_ms, &due_ms, now_ms + health->every_ms);
}

void http_server_checked(struct http_server *server, const struct http_health_settings *health, bool is_well)
{
    bool is_sick = atomic_load(&server->is_sick);
    gw_metric_add(is_well ? GW_METRIC_UPSTREAM_CHECKS : GW_METRIC_UPSTREAM_CHECKS_FAILED, 1);
    if (is_well != is_sick) { /* nothing new */
        atomic_store(&server->checks, 0);
        return;
    }
    if (atomic_fetch_add(&server->checks, 1) + 1 < (is_sick ? health->rise : health->fall))
        return;
    bool was_up = http_server_is_up(server);
    atomic_store(&server->checks, 0);
    atomic_store(&server->is_sick, !is_sick);
    if (is_sick) /* what happened to requests before is history */
        atomic_store(&server->out_until_ms, 0);
    if (was_up != http_server_is_up(server))
        tell(server, is_sick, "health-check");
}
