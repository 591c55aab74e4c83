#include "gateway/http/http1_private.h"

#include "gateway/base/metrics.h"
#include "gateway/http/http2.h"
#include "gateway/net/proxy_protocol.h"
#include "gateway/net/tls.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void http1_on_event(void *owner)
{
    struct http1 *http1 = owner;
    if (http1->state != HTTP1_CLOSED)
        net_task_stir(http1->server->loop, &http1->task);
}

void http1_enter(struct http1 *http1, enum http1_state state)
{
    http1->state = state;
    http1->since_ms = net_loop_now_ms(http1->server->loop);
}

/* --- ending ---------------------------------------------------------------------------------------------------- */

void http1_close(struct http1 *http1, bool is_clean)
{
    if (http1->state == HTTP1_CLOSED)
        return;
    http1_enter(http1, HTTP1_CLOSED);
    net_socket_close(&http1->socket, is_clean);
    net_task_still(&http1->task);
    net_loop_bury(http1->server->loop, &http1->grave);
}

static void on_bury(struct net_grave *grave)
{
    struct http1 *http1 = NET_CONTAINER(grave, struct http1, grave);
    net_task_still(&http1->task);
    net_loop_leave(http1->server->loop, &http1->sweepable);
    free(http1);
}

/* Closing with unread input would make the kernel send a reset, which can destroy an answer on its way. */
void http1_linger(struct http1 *http1)
{
    http1_enter(http1, HTTP1_LINGERING);
    net_socket_end(&http1->socket);
    net_task_stir(http1->server->loop, &http1->task);
}

static void run_lingering(struct http1 *http1)
{
    struct net_socket *socket = &http1->socket;
    net_socket_consume(socket, net_socket_input(socket).len);
    if (socket->has_failed || socket->cannot_write || (socket->has_ended && socket->sent_end))
        http1_close(http1, /* is_clean */ true);
    else if (socket->has_tls && socket->sent_end && (http1->is_broken || http1->closes_when_sent))
        http1_close(http1, /* is_clean */ !http1->is_broken); /* no half-close there that would say it */
}

/* --- the request's body ---------------------------------------------------------------------------------------- */

bool http1_can_discard(const struct http1 *http1)
{
    const struct http_flow *flow = http1->flow;
    bool awaits_continue = flow != NULL && flow->exchange.request.expects_continue && !flow->has_continued;
    return http1->request.kind == HTTP_BODY_LENGTH && http1->request.left <= HTTP1_DISCARD_BYTES_MAX &&
           !awaits_continue && !http1->socket.has_ended;
}

static void take_trailers(struct http_flow *flow, struct http_framing_step *step)
{
    struct http_exchange *x = &flow->exchange;
    struct gw_str lines = gw_arena_copy(&x->arena, step->data);
    if (http_fields_parse(lines, &x->arena, &flow->request_trailers, &flow->request_trailer_count, NULL) != GW_OK)
        step->kind = HTTP_STEP_BAD;
    for (size_t i = 0; i < flow->request_trailer_count; i++) {
        if (!http_field_may_trail(flow->request_trailers[i].name))
            step->kind = HTTP_STEP_BAD;
    }
}

/* The decoder's step, with what the connection knows of the peer's end. */
static void body_step(struct http1 *http1, struct http_framing_step *step)
{
    struct net_socket *socket = &http1->socket;
    http_framing_step(&http1->request, net_socket_input(socket), step);
    if (step->kind == HTTP_STEP_END && step->data.len > 0 && http1->flow != NULL)
        take_trailers(http1->flow, step);
    net_socket_consume(socket, step->dropped);
    if (step->kind == HTTP_STEP_DATA)
        step->data.ptr = net_socket_input(socket).ptr;
    if (step->kind == HTTP_STEP_MORE && socket->has_ended)
        step->kind = http1->request.kind == HTTP_BODY_UNTIL_CLOSE ? HTTP_STEP_END : HTTP_STEP_GONE;
    if (step->kind == HTTP_STEP_END)
        http1->request_has_ended = true;
}

void http1_request_step(struct http_flow *flow, struct http_framing_step *ret_step)
{
    struct http1 *http1 = http1_of(flow);
    *ret_step = (struct http_framing_step){.kind = HTTP_STEP_END};
    if (!http1->request_has_ended)
        body_step(http1, ret_step);
}

void http1_request_take(struct http_flow *flow, size_t size)
{
    struct http1 *http1 = http1_of(flow);
    http_framing_take(&http1->request, size);
    net_socket_consume(&http1->socket, size);
}

/* --- between requests ------------------------------------------------------------------------------------------ */

static void next_request(struct http1 *http1)
{
    http1_enter(http1, HTTP1_HEAD);
    http1->scan = (struct http_head_scan){0};
    http1->head_has_begun = false;
    http1->line_was_checked = false;
    http1->was_used = true;
    net_task_stir(http1->server->loop, &http1->task);
}

static void run_discarding(struct http1 *http1)
{
    for (;;) {
        struct http_framing_step step;
        body_step(http1, &step);
        if (step.kind == HTTP_STEP_END) {
            next_request(http1);
            return;
        }
        if (step.kind != HTTP_STEP_DATA) {
            if (step.kind != HTTP_STEP_MORE)
                http1_linger(http1);
            return;
        }
        http_framing_take(&http1->request, step.data.len);
        net_socket_consume(&http1->socket, step.data.len);
    }
}

/* RFC 9112 section 9.3 and 9.6. */
void http1_on_flow_end(struct http_flow *flow)
{
    struct http1 *http1 = http1_of(flow);
    enum http_exchange_end end = flow->exchange.end;
    bool is_open_ended = http1->output == HTTP1_OUTPUT_UNTIL_CLOSE && flow->stage >= HTTP_ANSWER_BEGUN;
    bool can_discard = http1_can_discard(http1);
    http1->flow = NULL;
    http1->is_broken = end != HTTP_END_COMPLETE;
    http1->closes_when_sent = http1->request_has_ended || flow->is_tunnel;
    if (end == HTTP_END_UPSTREAM_LOST && !is_open_ended)
        http1_linger(http1); /* the missing rest of the body says it */
    else if (end != HTTP_END_COMPLETE)
        http1_close(http1, /* is_clean */ false);
    else if (http1->closes || (!http1->request_has_ended && !can_discard))
        http1_linger(http1);
    else if (!http1->request_has_ended)
        http1_enter(http1, HTTP1_DISCARDING);
    else
        next_request(http1);
    if (http1->state != HTTP1_CLOSED)
        net_task_stir(http1->server->loop, &http1->task);
}

/* --- heads ----------------------------------------------------------------------------------------------------- */

static void begin_flow(struct http1 *http1, struct gw_str head, size_t head_bytes)
{
    const struct http_service *server = http1->server;
    struct http_flow *flow = http_flow_new(server->loop, server->face, server->face_data, &http1_codec, http1);
    struct http_request *request = &flow->exchange.request;
    struct gw_error err;
    enum gw_code code = http_request_head_parse(head, &flow->exchange.arena, request, &flow->request_facts, &err);
    net_socket_consume(&http1->socket, head_bytes);
    if (code != GW_OK) {
        http_flow_discard(flow);
        http1_refuse(http1, code, err.text);
        return;
    }
    request->tls = http1->socket.has_tls;
    request->local_port = server->local_port;
    http_flow_note_peer(flow, &http1->peer, http1->peer_text, http1->socket.peer_certificate);
    http_framing_init(&http1->request, request->body_kind, request->body_length);
    http1->request_has_ended =
        request->body_kind == HTTP_BODY_NONE || (request->body_kind == HTTP_BODY_LENGTH && request->body_length == 0);
    http1->output = HTTP1_OUTPUT_NONE;
    http1->closes = false;
    http1->flow = flow;
    http1_enter(http1, HTTP1_EXCHANGE);
    http_flow_begin(flow);
}

/* An incomplete head: is it at least the beginning of one? */
static void check_beginning(struct http1 *http1, struct gw_str input)
{
    struct gw_error err;
    if (!http1->head_has_begun) {
        http1->head_has_begun = true;
        http1->since_ms = net_loop_now_ms(http1->server->loop);
    }
    if (http1->line_was_checked || http1->scan.lines == 0)
        return;
    http1->line_was_checked = true;
    enum gw_code code = http_request_line_check(gw_str_from_pos(input, http1->scan.blank), &err);
    if (code != GW_OK)
        http1_refuse(http1, code, err.text);
}

static void run_head(struct http1 *http1)
{
    struct net_socket *socket = &http1->socket;
    struct gw_str input = net_socket_input(socket);
    if (socket->has_failed || socket->cannot_write ||
        (input.len == 0 && (socket->has_ended || net_loop_closes_idle(http1->server->loop)))) {
        if (socket->has_failed || net_socket_queued(socket) == 0)
            http1_close(http1, /* is_clean */ true);
        else
            http1_linger(http1);
        return;
    }
    /* Answers to pipelined requests must not pile up: the next one is looked at when there is room for its answer. */
    if (input.len == 0 || net_socket_room(socket) == 0)
        return;
    struct gw_error err;
    size_t head_bytes = 0;
    enum gw_code code = http_head_scan(&http1->scan, input, &head_bytes, &err);
    if (code != GW_OK)
        http1_refuse(http1, code, err.text);
    else if (head_bytes > 0)
        begin_flow(http1, gw_str_n(input.ptr + http1->scan.blank, head_bytes - http1->scan.blank), head_bytes);
    else if (socket->has_ended)
        http1_linger(http1);
    else
        check_beginning(http1, input);
}

static void run_exchange(struct http1 *http1)
{
    struct net_socket *socket = &http1->socket;
    struct http_flow *flow = http1->flow;
    bool has_left =
        socket->has_failed || socket->cannot_write || (socket->has_ended && socket->has_tls && !flow->is_tunnel);
    if (has_left)
        http_flow_end(flow, HTTP_END_CLIENT_LEFT);
    else
        http_flow_stir(flow);
}

static void run_shaking(struct http1 *http1)
{
    if (http1->socket.has_failed)
        http1_close(http1, /* is_clean */ true); /* a reset could destroy the alert on its way */
    if (http1->socket.phase != NET_SOCKET_OPEN || http1->socket.has_failed)
        return;
    if (net_socket_speaks_http2(&http1->socket)) {
        http2_adopt(http1->server, &http1->socket, &http1->peer, http1->peer_text);
        http1_close(http1, /* is_clean */ true);
        return;
    }
    http1->state = HTTP1_HEAD; /* the head's time runs since the connection was made */
    run_head(http1);
}

/* --- beginning ------------------------------------------------------------------------------------------------- */

static void write_peer(struct http1 *http1)
{
    const struct sockaddr_storage *peer = &http1->peer;
    char *text = http1->peer_text;
    if (peer->ss_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, text, sizeof http1->peer_text);
    else if (peer->ss_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)peer)->sin6_addr, text, sizeof http1->peer_text);
    else
        (void)snprintf(text, sizeof http1->peer_text, "unix");
}

/* The header and what comes after it share one time limit: since the connection was made. */
static void begin_protocol(struct http1 *http1)
{
    const struct http_service *server = http1->server;
    http1->state = server->tls != NULL ? HTTP1_SHAKING : HTTP1_HEAD;
    if (server->tls == NULL)
        return;
    SSL_CTX *ctx = tls_server_ctx_take(server->tls);
    net_socket_handshake(&http1->socket, ctx, NULL);
    SSL_CTX_free(ctx);
}

static void run_untold(struct http1 *http1)
{
    const struct http_service *server = http1->server;
    struct net_proxy_header header;
    enum net_proxy_result result = net_proxy_read(net_socket_input(&http1->socket), &header);
    bool may_go_on = !http1->socket.has_ended && !http1->socket.has_failed && !net_loop_closes_idle(server->loop);
    if (result == NET_PROXY_MORE && may_go_on)
        return;
    if (result == NET_PROXY_DONE && header.has_peer) {
        http1->peer = header.peer;
        write_peer(http1);
    }
    bool may_come = result == NET_PROXY_DONE &&
                    (server->allow == NULL || server->allow((const struct sockaddr *)&http1->peer, server->peer_data));
    if (!may_come) {
        gw_metric_add(GW_METRIC_PROXY_REFUSED, 1);
        http1_close(http1, /* is_clean */ false);
        return;
    }
    net_socket_consume(&http1->socket, header.size);
    begin_protocol(http1);
    if (http1->state == HTTP1_HEAD)
        run_head(http1);
}

static void on_run(struct net_task *task)
{
    struct http1 *http1 = NET_CONTAINER(task, struct http1, task);
    switch (http1->state) {
    case HTTP1_UNTOLD:
        run_untold(http1);
        break;
    case HTTP1_SHAKING:
        run_shaking(http1);
        break;
    case HTTP1_HEAD:
        run_head(http1);
        break;
    case HTTP1_EXCHANGE:
        run_exchange(http1);
        break;
    case HTTP1_DISCARDING:
        run_discarding(http1);
        break;
    case HTTP1_LINGERING:
        run_lingering(http1);
        break;
    case HTTP1_CLOSED:
        break;
    }
}

void http1_accept(const struct http_service *server, int fd, const struct sockaddr_storage *peer)
{
    struct http1 *http1 = gw_alloc(sizeof *http1);
    http1->server = server;
    http1->peer = *peer;
    http1->task.on_run = on_run;
    http1->grave.on_bury = on_bury;
    http1->sweepable = (struct net_sweepable){
        .is_connection = true, .on_sweep = http1_on_sweep, .on_drain = http1_on_drain, .on_evict = http1_on_evict};
    write_peer(http1);
    net_socket_open(&http1->socket, server->loop, fd, http1_on_event, http1);
    net_loop_enroll(server->loop, &http1->sweepable);
    http1_enter(http1, HTTP1_UNTOLD);
    if (!server->has_proxy_header)
        begin_protocol(http1);
}
