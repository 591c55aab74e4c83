/* The life of a connection: what is read, what is sent, and its end. */
#include "gateway/http/http2_private.h"

#include <stdio.h>
#include <stdlib.h>

void http2_stir(struct http2 *http2)
{
    if (http2->state != HTTP2_CLOSED)
        net_task_stir(http2->server->loop, &http2->task);
}

static void on_event(void *owner)
{
    http2_stir(owner);
}

static int64_t now_of(const struct http2 *http2)
{
    return net_loop_now_ms(http2->server->loop);
}

static void enter(struct http2 *http2, enum http2_state state)
{
    http2->state = state;
    http2->since_ms = now_of(http2);
}

/* --- ending ---------------------------------------------------------------------------------------------------- */

/* A stream that libnghttp2 knows no more. */
static void free_stream(struct http2_stream *stream, enum http_exchange_end end)
{
    struct http2 *http2 = stream->http2;
    if (stream->flow != NULL && stream->has_begun)
        http_flow_end(stream->flow, end);
    else if (stream->flow != NULL)
        http_flow_discard(stream->flow);
    net_link_remove(&stream->link);
    net_link_remove(&stream->ready);
    gw_buf_done(&stream->in);
    gw_buf_done(&stream->out);
    gw_arena_done(&stream->arena);
    free(stream);
    http2->stream_count--;
    http2->idle_since_ms = now_of(http2);
}

static void free_streams(struct net_link *list, enum http_exchange_end end)
{
    while (!net_link_is_empty(list))
        free_stream(NET_CONTAINER(list->next, struct http2_stream, link), end);
}

/* One that ended well on both sides stays until the app has the rest of its request: the answer came early. */
static void reap(struct http2 *http2)
{
    size_t finishing = 0;
    for (struct net_link *at = http2->closed.next, *next; at != &http2->closed; at = next) {
        next = at->next;
        struct http2_stream *stream = NET_CONTAINER(at, struct http2_stream, link);
        if (stream->flow == NULL || !stream->is_whole || ++finishing > HTTP2_STREAMS_MAX)
            free_stream(stream, HTTP_END_CLIENT_LEFT);
    }
}

/* No flow of this connection speaks to the session after that. */
static void drop_session(struct http2 *http2, enum http_exchange_end end)
{
    free_streams(&http2->closed, HTTP_END_CLIENT_LEFT);
    free_streams(&http2->streams, end);
    nghttp2_session_del(http2->session);
    http2->session = NULL;
}

void http2_close(struct http2 *http2, enum http_exchange_end end, bool is_clean)
{
    if (http2->state == HTTP2_CLOSED)
        return;
    enter(http2, HTTP2_CLOSED);
    if (http2->session != NULL)
        drop_session(http2, end);
    net_socket_close(&http2->socket, is_clean);
    net_task_still(&http2->task);
    net_loop_bury(http2->server->loop, &http2->grave);
}

static void on_bury(struct net_grave *grave)
{
    struct http2 *http2 = NET_CONTAINER(grave, struct http2, grave);
    net_task_still(&http2->task);
    net_loop_leave(http2->server->loop, &http2->sweepable);
    http2_head_done(&http2->head);
    free(http2);
}

void http2_terminate(struct http2 *http2, uint32_t error)
{
    (void)nghttp2_session_terminate_session(http2->session, error);
    http2_stir(http2);
}

/* Closing with unread input would make the kernel send a reset, which can destroy GOAWAY on its way. */
static void linger(struct http2 *http2)
{
    enter(http2, HTTP2_LINGERING);
    drop_session(http2, HTTP_END_CLIENT_LEFT);
    net_socket_end(&http2->socket);
    http2_stir(http2);
}

static void run_lingering(struct http2 *http2)
{
    struct net_socket *socket = &http2->socket;
    net_socket_consume(socket, net_socket_input(socket).len);
    if (socket->has_failed || socket->cannot_write || (socket->has_ended && socket->sent_end))
        http2_close(http2, HTTP_END_CLIENT_LEFT, /* is_clean */ true);
}

/* --- a turn ---------------------------------------------------------------------------------------------------- */

/* While the peer takes nothing, what it makes us say must not pile up. */
static bool is_backed_up(const struct http2 *http2)
{
    return net_socket_room(&http2->socket) == 0 &&
           nghttp2_session_get_outbound_queue_size(http2->session) > HTTP2_BACKLOG_MAX;
}

/* False when the session is of no use any more. */
static bool receive(struct http2 *http2)
{
    struct gw_str input = net_socket_input(&http2->socket);
    if (input.len == 0 || is_backed_up(http2))
        return true;
    bool is_calm = http2_meter_read(&http2->meter, input, now_of(http2));
    ssize_t used = nghttp2_session_mem_recv(http2->session, (const uint8_t *)input.ptr, input.len);
    net_socket_consume(&http2->socket, input.len);
    if (!is_calm || used == NGHTTP2_ERR_FLOODED)
        http2_terminate(http2, NGHTTP2_ENHANCE_YOUR_CALM);
    return used >= 0 || used == NGHTTP2_ERR_FLOODED;
}

static bool send_all(struct http2 *http2)
{
    while (net_socket_room(&http2->socket) > 0) {
        const uint8_t *bytes = NULL;
        ssize_t size = nghttp2_session_mem_send(http2->session, &bytes);
        if (size < 0)
            return false;
        if (size == 0)
            return true;
        gw_buf_add(net_socket_output(&http2->socket), gw_str_n((const char *)bytes, (size_t)size));
    }
    return true;
}

/* Not while something waits to be sent: it may be the reset of one of them. */
static void begin_ready(struct http2 *http2)
{
    while (!net_link_is_empty(&http2->ready) && net_socket_room(&http2->socket) > 0) {
        struct http2_stream *stream = NET_CONTAINER(http2->ready.next, struct http2_stream, ready);
        net_link_remove(&stream->ready);
        if (stream->refusal != GW_OK) {
            http2_stream_refuse(stream);
            continue;
        }
        if (stream->has_begun || stream->flow == NULL)
            continue;
        stream->has_begun = true;
        http_flow_begin(stream->flow);
    }
}

static void run_open(struct http2 *http2)
{
    struct net_socket *socket = &http2->socket;
    if (socket->has_failed || socket->cannot_write) {
        http2_close(http2, HTTP_END_CLIENT_LEFT, /* is_clean */ true);
        return;
    }
    if (!receive(http2) || !send_all(http2)) {
        linger(http2);
        return;
    }
    reap(http2);
    if (!nghttp2_session_want_read(http2->session) && !nghttp2_session_want_write(http2->session))
        linger(http2);
    else if (socket->has_ended) /* over TLS there is no half of an end */
        http2_close(http2, HTTP_END_CLIENT_LEFT, /* is_clean */ true);
    else
        begin_ready(http2);
}

static void on_run(struct net_task *task)
{
    struct http2 *http2 = NET_CONTAINER(task, struct http2, task);
    if (http2->state == HTTP2_OPEN)
        run_open(http2);
    else if (http2->state == HTTP2_LINGERING)
        run_lingering(http2);
}

static bool on_evict(struct net_sweepable *sweepable, int64_t now_ms)
{
    return http2_evict(NET_CONTAINER(sweepable, struct http2, sweepable), now_ms);
}

static void on_sweep(struct net_sweepable *sweepable, int64_t now_ms)
{
    http2_sweep(NET_CONTAINER(sweepable, struct http2, sweepable), now_ms);
}

/* RFC 9113 section 6.8: a first GOAWAY warns, the second (http2_pace.c) says which request was the last. */
static void on_drain(struct net_sweepable *sweepable, bool is_over)
{
    struct http2 *http2 = NET_CONTAINER(sweepable, struct http2, sweepable);
    if (is_over) {
        http2_close(http2, HTTP_END_CUT, /* is_clean */ false);
    } else if (http2->state == HTTP2_OPEN && !http2->is_draining) {
        http2->is_draining = true;
        http2->drain_since_ms = now_of(http2);
        (void)nghttp2_submit_shutdown_notice(http2->session);
        http2_stir(http2);
    }
}

void http2_adopt(const struct http_service *server, struct net_socket *socket, const struct sockaddr_storage *peer,
                 const char *peer_text)
{
    struct http2 *http2 = gw_alloc(sizeof *http2);
    int64_t now_ms = net_loop_now_ms(server->loop);
    http2->server = server;
    http2->peer = *peer;
    (void)snprintf(http2->peer_text, sizeof http2->peer_text, "%s", peer_text);
    http2->task.on_run = on_run;
    http2->grave.on_bury = on_bury;
    http2->sweepable =
        (struct net_sweepable){.is_connection = true, .on_sweep = on_sweep, .on_drain = on_drain, .on_evict = on_evict};
    http2->idle_since_ms = now_ms;
    net_link_init(&http2->streams);
    net_link_init(&http2->ready);
    net_link_init(&http2->closed);
    http2_head_init(&http2->head);
    http2_meter_init(&http2->meter, now_ms);
    http2_bucket_init(&http2->aborts, HTTP2_ABORTS_BURST, HTTP2_ABORTS_PER_SECOND, now_ms);
    net_socket_move(&http2->socket, socket, on_event, http2);
    http2->session = http2_session_new(http2);
    net_loop_enroll(server->loop, &http2->sweepable);
    enter(http2, HTTP2_OPEN);
    http2_stir(http2);
    if (net_loop_is_draining(server->loop))
        on_drain(&http2->sweepable, /* is_over */ false);
}
