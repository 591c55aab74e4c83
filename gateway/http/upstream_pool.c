/* The pool of one server: who gets which connection, who waits, and what is too slow. */
#include "gateway/http/upstream_private.h"

#include "gateway/base/arena.h"
#include "gateway/http/resolver.h"
#include "gateway/http/upstream_pool.h"
#include "gateway/net/tls.h"

#include <stdlib.h>

#define DYING_MS_MAX 5000

static struct http_upstream_conn *conn_of(struct net_link *link)
{
    return NET_CONTAINER(link, struct http_upstream_conn, link);
}

static struct http_flow *waiting_of(struct net_link *link)
{
    return NET_CONTAINER(link, struct http_flow, waiting);
}

static int64_t now_of(const struct http_pool *pool)
{
    return net_loop_now_ms(pool->loop);
}

/* --- asking ---------------------------------------------------------------------------------------------------- */

static void wait_in_line(struct http_pool *pool, struct http_flow *flow)
{
    flow->waiting_since_ms = now_of(pool);
    net_link_add(&pool->waiting, &flow->waiting);
}

/* The youngest is the likeliest to be alive; one that has ended in this very turn is not. Where no retry is allowed, or
 * none once a byte of the body was given, it is worth a system call to know. */
static struct http_upstream_conn *find_idle(struct http_pool *pool, const struct http_flow *flow)
{
    const struct http_request *request = &flow->exchange.request;
    bool asks_kernel = !http_method_is_idempotent(request->method) || request->body_kind != HTTP_BODY_NONE;
    while (!net_link_is_empty(&pool->idle)) {
        struct http_upstream_conn *conn = conn_of(pool->idle.prev);
        if (net_socket_is_quiet(&conn->socket, asks_kernel))
            return conn;
        http_upstream_conn_kill(conn);
    }
    return NULL;
}

static void ask(struct http_pool *pool, struct http_flow *flow, bool fresh)
{
    struct http_upstream_conn *conn = fresh ? NULL : find_idle(pool, flow);
    if (conn != NULL) {
        conn->is_reused = true;
        http_upstream_conn_attach(conn, flow);
    } else if (pool->addresses.count == 0) {
        if (http_resolver_start(pool->resolver))
            wait_in_line(pool, flow);
        else
            http_flow_upstream_failed(flow, HTTP_FAILURE_NAME, "no address is known");
    } else if (pool->connection_count >= pool->settings.connections_max) {
        wait_in_line(pool, flow);
    } else if (http_server_may_connect(pool->server, now_of(pool))) {
        http_upstream_conn_open(pool, flow);
    } else {
        http_flow_upstream_failed(flow, HTTP_FAILURE_CONNECT, "connecting failed too often in this second");
    }
}

/* Somebody in line may have a connection of his own now. */
static void serve_line(struct net_task *task)
{
    struct http_pool *pool = NET_CONTAINER(task, struct http_pool, line_task);
    while (!net_link_is_empty(&pool->waiting) && pool->addresses.count > 0) {
        bool has_idle = !net_link_is_empty(&pool->idle);
        if (!has_idle && pool->connection_count >= pool->settings.connections_max)
            return;
        struct http_flow *flow = waiting_of(pool->waiting.next);
        net_link_remove(&flow->waiting);
        ask(pool, flow, /* fresh */ false);
    }
}

void http_pool_stir_line(struct http_pool *pool)
{
    if (!net_link_is_empty(&pool->waiting))
        net_task_stir(pool->loop, &pool->line_task);
}

/* Nobody overtakes those who wait already. */
void http_pool_ask(struct http_pool *pool, struct http_flow *flow, bool fresh)
{
    flow->server = pool->server;
    if (fresh || net_link_is_empty(&pool->waiting)) {
        ask(pool, flow, fresh);
    } else {
        wait_in_line(pool, flow);
        http_pool_stir_line(pool);
    }
}

void http_upstream_ask_again(struct http_flow *flow)
{
    struct http_pool *pool = flow->conn->pool;
    http_upstream_release(flow, /* is_reusable */ false);
    http_pool_ask(pool, flow, /* fresh */ true);
}

static void fail_line(struct http_pool *pool, enum http_failure failure, const char *detail)
{
    while (!net_link_is_empty(&pool->waiting)) {
        struct http_flow *flow = waiting_of(pool->waiting.next);
        net_link_remove(&flow->waiting);
        http_flow_upstream_failed(flow, failure, detail);
    }
}

/* --- letting go ------------------------------------------------------------------------------------------------ */

static bool can_keep(const struct http_upstream_conn *conn)
{
    const struct net_socket *socket = &conn->socket;
    return !socket->has_ended && !socket->has_failed && !socket->cannot_write && net_socket_queued(socket) == 0 &&
           !socket->is_writing && net_socket_input(socket).len == 0 &&
           conn->pool->idle_count < conn->pool->settings.idle_max && !net_loop_is_draining(conn->pool->loop);
}

void http_upstream_release(struct http_flow *flow, bool is_reusable)
{
    struct http_upstream_conn *conn = flow->conn;
    net_link_remove(&flow->waiting);
    if (conn == NULL)
        return;
    flow->conn = NULL;
    conn->flow = NULL;
    if (is_reusable && can_keep(conn)) {
        http_upstream_conn_enter(conn, HTTP_UPSTREAM_IDLE);
        http_pool_stir_line(conn->pool);
    } else {
        http_upstream_conn_kill(conn);
    }
}

void http_upstream_release_flushing(struct http_flow *flow)
{
    struct http_upstream_conn *conn = flow->conn;
    if (conn == NULL)
        return;
    flow->conn = NULL;
    conn->flow = NULL;
    http_upstream_conn_enter(conn, HTTP_UPSTREAM_DYING);
    net_socket_end(&conn->socket);
    net_task_stir(conn->pool->loop, &conn->task); /* its end may have been sent before: no event would come */
}

/* --- time ------------------------------------------------------------------------------------------------------ */

static bool is_endless(const struct http_flow *flow)
{
    struct gw_str type =
        http_field_find(flow->exchange.answer.fields, flow->exchange.answer.field_count, GW_STR("content-type"));
    return flow->is_tunnel || gw_str_starts_nocase(type, GW_STR("text/event-stream"));
}

/* Is it the upstream that everything waits for? Not while the client owes the rest of its body, or takes no more. */
static void sweep_busy(struct http_upstream_conn *conn, int64_t now_ms)
{
    struct http_flow *flow = conn->flow;
    const struct http_upstream_settings *settings = &conn->pool->settings;
    const struct net_socket *socket = &conn->socket;
    int64_t still_ms = now_ms - (socket->moved_ms > conn->since_ms ? socket->moved_ms : conn->since_ms);
    bool awaits_continue = flow->exchange.request.expects_continue && !flow->has_continued;
    if (still_ms >= NET_SWEEP_MS)
        net_socket_trim(&conn->socket);
    bool client_owes = !flow->request_is_given && net_socket_queued(socket) == 0 && !awaits_continue;
    if (flow->stage == HTTP_ANSWER_AWAITED && !client_owes && still_ms >= settings->head_ms)
        http_flow_upstream_failed(flow, HTTP_FAILURE_HEAD_TIMEOUT, "no answer head within answer_timeout");
    else if (flow->stage >= HTTP_ANSWER_BEGUN && !is_endless(flow) && !client_owes && still_ms >= settings->idle_ms &&
             net_socket_input(socket).len == 0)
        http_flow_upstream_failed(flow, HTTP_FAILURE_BODY_TIMEOUT, "nothing moved within idle_timeout");
}

static void sweep_conn(struct http_upstream_conn *conn, int64_t now_ms)
{
    const struct http_upstream_settings *settings = &conn->pool->settings;
    int64_t age_ms = now_ms - conn->since_ms;
    if (conn->is_dead)
        return;
    switch (conn->state) {
    case HTTP_UPSTREAM_CONNECTING:
        if (age_ms >= settings->connect_ms)
            http_upstream_conn_failed(conn, HTTP_FAILURE_CONNECT_TIMEOUT,
                                      conn->socket.has_tls ? "no TLS handshake within connect_timeout"
                                                           : "no connection within connect_timeout");
        break;
    case HTTP_UPSTREAM_BUSY:
        sweep_busy(conn, now_ms);
        break;
    case HTTP_UPSTREAM_IDLE:
        net_socket_trim(&conn->socket);
        if (age_ms >= settings->keep_ms)
            http_upstream_conn_kill(conn);
        break;
    case HTTP_UPSTREAM_DYING:
        if (age_ms >= DYING_MS_MAX)
            http_upstream_conn_kill(conn);
        break;
    }
}

static void sweep_list(struct net_link *list, int64_t now_ms)
{
    for (struct net_link *at = list->next, *next; at != list; at = next) {
        next = at->next;
        sweep_conn(conn_of(at), now_ms);
    }
}

static void on_sweep(struct net_sweepable *sweepable, int64_t now_ms)
{
    struct http_pool *pool = NET_CONTAINER(sweepable, struct http_pool, sweepable);
    sweep_list(&pool->idle, now_ms);
    sweep_list(&pool->busy, now_ms);
    while (!net_link_is_empty(&pool->waiting)) {
        struct http_flow *flow = waiting_of(pool->waiting.next);
        if (now_ms - flow->waiting_since_ms < pool->settings.connect_ms)
            return;
        net_link_remove(&flow->waiting);
        if (pool->addresses.count == 0)
            http_flow_upstream_failed(flow, HTTP_FAILURE_NAME, "the name was not resolved within connect_timeout");
        else
            http_flow_upstream_failed(flow, HTTP_FAILURE_BUSY, "all connections to the server were in use");
    }
}

static void on_drain(struct net_sweepable *sweepable, bool is_over)
{
    struct http_pool *pool = NET_CONTAINER(sweepable, struct http_pool, sweepable);
    (void)is_over;
    while (!net_link_is_empty(&pool->idle))
        http_upstream_conn_kill(conn_of(pool->idle.next));
}

/* --- life ------------------------------------------------------------------------------------------------------ */

static void on_resolved(const struct http_addresses *addresses, void *data)
{
    struct http_pool *pool = data;
    if (addresses->count > 0)
        pool->addresses = *addresses;
    if (pool->addresses.count > 0)
        http_pool_stir_line(pool);
    else
        fail_line(pool, HTTP_FAILURE_NAME, "the name leads to no address");
}

enum gw_code http_pool_new(struct net_loop *loop, const struct http_upstream_settings *settings,
                           struct http_server *server, struct http_pool **ret_pool, struct gw_error *err)
{
    struct http_pool *pool = gw_alloc(sizeof *pool);
    pool->loop = loop;
    pool->settings = *settings;
    pool->server = server;
    net_link_init(&pool->idle);
    net_link_init(&pool->busy);
    net_link_init(&pool->waiting);
    pool->line_task.on_run = serve_line;
    enum gw_code code =
        http_resolver_new(loop, &server->settings, &pool->addresses, on_resolved, pool, &pool->resolver, err);
    pool->sweepable = (struct net_sweepable){.on_sweep = on_sweep, .on_drain = on_drain};
    net_loop_enroll(loop, &pool->sweepable);
    if (code != GW_OK) {
        http_pool_free(pool);
        return code;
    }
    *ret_pool = pool;
    return GW_OK;
}

void http_pool_free(struct http_pool *pool)
{
    if (pool == NULL)
        return;
    net_loop_leave(pool->loop, &pool->sweepable);
    net_task_still(&pool->line_task);
    http_resolver_free(pool->resolver);
    struct net_link *lists[] = {&pool->idle, &pool->busy};
    for (size_t i = 0; i < 2; i++) {
        while (!net_link_is_empty(lists[i]))
            http_upstream_conn_free(conn_of(lists[i]->next));
    }
    free(pool);
}
