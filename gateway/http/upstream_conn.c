#include "gateway/http/upstream_pool.h"

#include "gateway/base/arena.h"
#include "gateway/net/tls.h"

#include <stdlib.h>

static void on_event(void *owner)
{
    struct http_upstream_conn *conn = owner;
    if (conn->state == HTTP_UPSTREAM_BUSY && conn->flow != NULL)
        http_flow_stir(conn->flow);
    else if (!conn->is_dead)
        net_task_stir(conn->pool->loop, &conn->task);
}

void http_upstream_conn_enter(struct http_upstream_conn *conn, enum http_upstream_conn_state state)
{
    struct http_pool *pool = conn->pool;
    if (net_link_is_linked(&conn->link) && conn->state == HTTP_UPSTREAM_IDLE)
        pool->idle_count--;
    net_link_remove(&conn->link);
    conn->state = state;
    conn->since_ms = net_loop_now_ms(pool->loop);
    net_link_add(state == HTTP_UPSTREAM_IDLE ? &pool->idle : &pool->busy, &conn->link);
    if (state == HTTP_UPSTREAM_IDLE)
        pool->idle_count++;
}

bool http_upstream_has_received(const struct http_upstream_conn *conn)
{
    return conn->socket.bytes_in > conn->bytes_in_before;
}

void http_upstream_conn_attach(struct http_upstream_conn *conn, struct http_flow *flow)
{
    http_upstream_conn_enter(conn, HTTP_UPSTREAM_BUSY);
    conn->flow = flow;
    conn->scan = (struct http_head_scan){0};
    conn->bytes_in_before = conn->socket.bytes_in;
    flow->conn = conn;
    flow->reached_upstream = true;
    gw_buf_add(net_socket_output(&conn->socket), gw_buf_str(&flow->request_head));
    http_flow_stir(flow);
}

/* --- connecting ------------------------------------------------------------------------------------------------ */

static void note_connect_error(struct http_upstream_conn *conn)
{
    conn->failure = http_failure_of_errno(conn->socket.connect_error);
    conn->failure_detail = http_failure_errno_text(conn->socket.connect_error);
}

/* Tries addresses from the current one on until one of them can be tried. */
static bool start_connecting(struct http_upstream_conn *conn)
{
    struct http_pool *pool = conn->pool;
    while (conn->addresses_tried < pool->addresses.count) {
        conn->address = (pool->next_address + conn->addresses_tried++) % pool->addresses.count;
        struct http_address *address = &pool->addresses.list[conn->address];
        if (net_socket_connect(&conn->socket, pool->loop, (struct sockaddr *)&address->storage, address->len, on_event,
                               conn))
            return true;
        note_connect_error(conn);
        if (conn->failure == HTTP_FAILURE_OWN)
            return false;
    }
    return false;
}

static void connected(struct http_upstream_conn *conn)
{
    struct http_pool *pool = conn->pool;
    if (pool->server->settings.tls != NULL && !conn->socket.has_tls) {
        net_socket_handshake(&conn->socket, tls_client_ctx(pool->server->settings.tls),
                             tls_client_server_name(pool->server->settings.tls));
        return;
    }
    http_server_connected(pool->server);
    pool->next_address = conn->address;
    if (conn->flow != NULL)
        http_upstream_conn_attach(conn, conn->flow);
    else
        http_upstream_conn_kill(conn);
}

static void run_connecting(struct http_upstream_conn *conn)
{
    if (!conn->socket.has_failed) {
        if (conn->socket.phase == NET_SOCKET_OPEN)
            connected(conn);
        return;
    }
    bool had_tls = conn->socket.has_tls;
    if (had_tls) {
        conn->failure = HTTP_FAILURE_TLS;
        conn->failure_detail = conn->socket.tls_trouble;
    } else {
        note_connect_error(conn);
    }
    net_socket_close(&conn->socket, /* is_clean */ true);
    if (had_tls || !start_connecting(conn))
        http_upstream_conn_failed(conn, conn->failure, conn->failure_detail);
}

static void on_run(struct net_task *task)
{
    struct http_upstream_conn *conn = NET_CONTAINER(task, struct http_upstream_conn, task);
    if (conn->is_dead)
        return;
    switch (conn->state) {
    case HTTP_UPSTREAM_CONNECTING:
        run_connecting(conn);
        break;
    case HTTP_UPSTREAM_IDLE: /* an idle connection has nothing to say: whatever it is, it belongs to nobody */
        if (conn->socket.has_ended || conn->socket.cannot_write || net_socket_input(&conn->socket).len > 0)
            http_upstream_conn_kill(conn);
        break;
    case HTTP_UPSTREAM_DYING:
        if (conn->socket.sent_end || conn->socket.has_failed || conn->socket.cannot_write)
            http_upstream_conn_kill(conn);
        break;
    case HTTP_UPSTREAM_BUSY:
        break;
    }
}

/* --- life ------------------------------------------------------------------------------------------------------ */

static void on_bury(struct net_grave *grave)
{
    struct http_upstream_conn *conn = NET_CONTAINER(grave, struct http_upstream_conn, grave);
    net_task_still(&conn->task);
    free(conn);
}

void http_upstream_conn_open(struct http_pool *pool, struct http_flow *flow)
{
    struct http_upstream_conn *conn = gw_alloc(sizeof *conn);
    conn->pool = pool;
    conn->task.on_run = on_run;
    conn->grave.on_bury = on_bury;
    conn->flow = flow;
    flow->conn = conn;
    pool->connection_count++;
    http_upstream_conn_enter(conn, HTTP_UPSTREAM_CONNECTING);
    if (!start_connecting(conn))
        http_upstream_conn_failed(conn, conn->failure, conn->failure_detail);
}

void http_upstream_conn_failed(struct http_upstream_conn *conn, enum http_failure failure, const char *detail)
{
    struct http_pool *pool = conn->pool;
    struct http_flow *flow = conn->flow;
    if (failure != HTTP_FAILURE_OWN) {
        http_server_failed(pool->server, HTTP_SERVER_UNREACHABLE, failure, net_loop_now_ms(pool->loop));
        (void)http_resolver_start(pool->resolver); /* the name may lead elsewhere by now */
    }
    if (flow != NULL)
        http_flow_upstream_failed(flow, failure, detail); /* which releases and so kills */
    if (!conn->is_dead)
        http_upstream_conn_kill(conn);
}

static void take_out(struct http_upstream_conn *conn)
{
    struct http_pool *pool = conn->pool;
    if (conn->state == HTTP_UPSTREAM_IDLE)
        pool->idle_count--;
    net_link_remove(&conn->link);
    pool->connection_count--;
    net_socket_close(&conn->socket, /* is_clean */ true);
    conn->is_dead = true;
}

void http_upstream_conn_kill(struct http_upstream_conn *conn)
{
    if (conn->is_dead)
        return;
    take_out(conn);
    net_task_still(&conn->task);
    net_loop_bury(conn->pool->loop, &conn->grave);
    http_pool_stir_line(conn->pool);
}

void http_upstream_conn_free(struct http_upstream_conn *conn)
{
    take_out(conn);
    net_task_still(&conn->task);
    free(conn);
}
