/* Which server a request goes to, and the health checks. */
#include "gateway/http/upstream.h"

#include "gateway/base/arena.h"
#include "gateway/base/metrics.h"
#include "gateway/http/affinity.h"
#include "gateway/http/fetch.h"
#include "gateway/http/upstream_pool.h"
#include "gateway/net/timer.h"

#include <stdlib.h>

const struct http_upstream_settings http_upstream_settings_default = {
    .connect_ms = 5000,
    .head_ms = 60000,
    .idle_ms = 60000,
    .keep_ms = 30000,
    .idle_max = 1024, /* an HTTP/2 client asks for a hundred at once; keep_ms lets them go */
    .connections_max = 1024,
};

#define CHECK_LOOK_MS 100 /* how often a loop looks whether a check is due */
#define CHECK_BODY_BYTES_MAX (64u * 1024u)

struct member {
    struct http_upstream *upstream;
    struct http_server *server;
    struct http_pool *pool;
    int64_t turn; /* smooth weighted round robin: whoever has most is next, and pays for it */
    struct http_fetch *check;
};

struct http_upstream {
    struct net_loop *loop;
    struct http_servers *servers;
    struct http_servers *own; /* made here; NULL: borrowed */
    struct member *members;
    size_t count;
    size_t last_resort; /* when all are out: whose turn it is */
    struct net_timer *check_timer;
};

/* --- choosing -------------------------------------------------------------------------------------------------- */

static bool was_tried(const struct http_flow *flow, size_t index)
{
    return (flow->servers_tried >> index & 1u) != 0;
}

/* The nginx way: evenly spread also with unequal weights. */
static struct member *choose_by_turns(struct http_upstream *upstream, const struct http_flow *flow)
{
    struct member *best = NULL;
    int64_t total = 0;
    for (size_t i = 0; i < upstream->count; i++) {
        struct member *member = &upstream->members[i];
        if (was_tried(flow, i) || !http_server_is_up(member->server))
            continue;
        member->turn += member->server->settings.weight;
        total += member->server->settings.weight;
        if (best == NULL || member->turn > best->turn)
            best = member;
    }
    if (best != NULL)
        best->turn -= total;
    return best;
}

static struct member *choose_by_draw(struct http_upstream *upstream, const struct http_flow *flow)
{
    struct member *best = NULL;
    double best_draw = 0;
    for (size_t i = 0; i < upstream->count; i++) {
        struct member *member = &upstream->members[i];
        if (was_tried(flow, i) || !http_server_is_up(member->server))
            continue;
        double draw = http_affinity_draw(flow->hint, member->server->id, member->server->settings.weight);
        if (best == NULL || draw > best_draw) {
            best = member;
            best_draw = draw;
        }
    }
    return best;
}

static struct member *member_of_id(struct http_upstream *upstream, uint64_t id)
{
    for (size_t i = 0; i < upstream->count; i++) {
        if (http_affinity_id(upstream->members[i].server->id) == id)
            return &upstream->members[i];
    }
    return NULL;
}

/* A session whose server is out waits for it elsewhere and is not moved: where it is known is where it was made. */
static struct member *choose_by_session(struct http_upstream *upstream, const struct http_flow *flow)
{
    int64_t now_ms = net_loop_now_ms(upstream->loop);
    struct http_affinity *affinity = upstream->servers->affinity;
    if (flow->hint == 0)
        return NULL;
    if (affinity == NULL)
        return choose_by_draw(upstream, flow);
    struct member *home = member_of_id(upstream, http_affinity_get(affinity, flow->hint, now_ms));
    if (home != NULL && !was_tried(flow, (size_t)(home - upstream->members)) &&
        (http_server_is_up(home->server) || http_server_take_trial(home->server, now_ms)))
        return home;
    struct member *drawn = choose_by_draw(upstream, flow);
    if (home == NULL && drawn != NULL)
        http_affinity_put(affinity, flow->hint, drawn->server->id, now_ms);
    return drawn;
}

static struct member *choose_trial(struct http_upstream *upstream, const struct http_flow *flow)
{
    for (size_t i = 0; i < upstream->count; i++) {
        if (!was_tried(flow, i) && http_server_take_trial(upstream->members[i].server, net_loop_now_ms(upstream->loop)))
            return &upstream->members[i];
    }
    return NULL;
}

static struct member *choose_last_resort(struct http_upstream *upstream, const struct http_flow *flow)
{
    for (size_t i = 0; i < upstream->count; i++) {
        size_t index = (upstream->last_resort + i) % upstream->count;
        if (was_tried(flow, index))
            continue;
        upstream->last_resort = index + 1;
        return &upstream->members[index];
    }
    return NULL;
}

static struct member *choose(struct http_upstream *upstream, const struct http_flow *flow)
{
    if (flow->server_wanted > 0)
        return was_tried(flow, flow->server_wanted - 1) ? NULL : &upstream->members[flow->server_wanted - 1];
    if (upstream->count == 1)
        return flow->servers_tried == 0 ? upstream->members : NULL;
    struct member *member = choose_by_session(upstream, flow);
    if (member == NULL)
        member = choose_trial(upstream, flow);
    if (member == NULL)
        member = choose_by_turns(upstream, flow);
    if (member == NULL)
        member = choose_last_resort(upstream, flow);
    return member;
}

bool http_upstream_ask(struct http_upstream *upstream, struct http_flow *flow)
{
    struct member *member = choose(upstream, flow);
    if (member == NULL)
        return false;
    if (flow->servers_tried != 0)
        gw_metric_add(GW_METRIC_UPSTREAM_MOVES, 1);
    flow->servers_tried |= 1u << (member - upstream->members);
    http_pool_ask(member->pool, flow, /* fresh */ false);
    return true;
}

void http_upstream_remember(struct http_upstream *upstream, const struct http_flow *flow, uint64_t hint)
{
    if (hint != 0 && upstream->count > 1 && upstream->servers->affinity != NULL && flow->conn != NULL)
        http_affinity_put(upstream->servers->affinity, hint, flow->conn->pool->server->id,
                          net_loop_now_ms(upstream->loop));
}

/* --- health checks --------------------------------------------------------------------------------------------- */

static void on_checked(const struct http_fetch_result *result, void *data)
{
    struct member *member = data;
    const struct http_health_settings *health = &member->upstream->servers->health;
    member->check = NULL;
    /* A body that is too long is no sickness: the head came, but its status is not told. */
    bool is_well =
        result->code == GW_OK && result->status >= health->status_min && result->status <= health->status_max;
    if (result->code != GW_E_OVERLOADED) /* what we lack says nothing about the server */
        http_server_checked(member->server, health, is_well);
}

static void start_check(struct http_upstream *upstream, size_t index)
{
    const struct http_health_settings *health = &upstream->servers->health;
    struct http_field host = {GW_STR("Host"), gw_str_from(health->host)};
    struct http_fetch_order order = {.loop = upstream->loop,
                                     .upstream = upstream,
                                     .server_wanted = index + 1,
                                     .target = gw_str_from(health->path),
                                     .fields = &host,
                                     .field_count = 1,
                                     .body_bytes_max = CHECK_BODY_BYTES_MAX,
                                     .time_ms = health->timeout_ms,
                                     .on_done = on_checked,
                                     .data = &upstream->members[index]};
    upstream->members[index].check = http_fetch_start(&order);
}

static void on_check_look(void *data)
{
    struct http_upstream *upstream = data;
    int64_t now_ms = net_loop_now_ms(upstream->loop);
    upstream->check_timer = NULL;
    if (net_loop_is_draining(upstream->loop))
        return;
    for (size_t i = 0; i < upstream->count; i++) {
        struct member *member = &upstream->members[i];
        if (member->check == NULL && http_server_take_check(member->server, &upstream->servers->health, now_ms))
            start_check(upstream, i);
    }
    upstream->check_timer = net_timer_start(upstream->loop, CHECK_LOOK_MS, on_check_look, upstream);
}

/* --- life ------------------------------------------------------------------------------------------------------ */

static struct http_servers *one_server(const struct http_upstream_settings *settings)
{
    struct http_server_settings one = {
        .name = settings->unix_path != NULL ? settings->unix_path
                : settings->host != NULL    ? settings->host
                                            : "",
        .host = settings->host,
        .port = settings->port,
        .unix_path = settings->unix_path,
        .tls = settings->tls,
        .weight = 1,
    };
    return http_servers_new(NULL, &one, 1);
}

enum gw_code http_upstream_new(struct net_loop *loop, const struct http_upstream_settings *settings,
                               struct http_upstream **ret_upstream, struct gw_error *err)
{
    struct http_upstream *upstream = gw_alloc(sizeof *upstream);
    upstream->loop = loop;
    if (settings->servers == NULL)
        upstream->own = one_server(settings);
    upstream->servers = upstream->own != NULL ? upstream->own : settings->servers;
    upstream->count = upstream->servers->count;
    upstream->members = gw_alloc(upstream->count * sizeof *upstream->members);
    for (size_t i = 0; i < upstream->count; i++) {
        struct member *member = &upstream->members[i];
        member->upstream = upstream;
        member->server = &upstream->servers->list[i];
        enum gw_code code = http_pool_new(loop, settings, member->server, &member->pool, err);
        if (code != GW_OK) {
            http_upstream_free(upstream);
            return code;
        }
    }
    if (upstream->servers->health.path != NULL)
        upstream->check_timer = net_timer_start(loop, 0, on_check_look, upstream);
    *ret_upstream = upstream;
    return GW_OK;
}

void http_upstream_free(struct http_upstream *upstream)
{
    if (upstream == NULL)
        return;
    net_timer_cancel(upstream->check_timer);
    for (size_t i = 0; i < upstream->count; i++) {
        if (upstream->members[i].check != NULL)
            http_fetch_cancel(upstream->members[i].check);
        http_pool_free(upstream->members[i].pool);
    }
    http_servers_free(upstream->own);
    free(upstream->members);
    free(upstream);
}
