#include "gateway/http/http1_private.h"

#include "gateway/http/tls.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void on_event(void *owner)
{
    struct http1 *http1 = owner;
    if (http1->state != HTTP1_CLOSED)
        http_task_stir(http1->server->loop, &http1->task);
}

void http1_enter(struct http1 *http1, enum http1_state state)
{
    http1->state = state;
    http1->since_ms = http_loop_now_ms(http1->server->loop);
}

/* --- ending ---------------------------------------------------------------------------------------------------- */

static void close_now(struct http1 *http1, bool is_clean)
{
    if (http1->state == HTTP1_CLOSED)
        return;
    http1_enter(http1, HTTP1_CLOSED);
    http_socket_close(&http1->socket, is_clean);
    http_task_still(&http1->task);
    http_loop_bury(http1->server->loop, &http1->grave);
}

static void on_bury(struct http_grave *grave)
{
    struct http1 *http1 = HTTP_CONTAINER(grave, struct http1, grave);
    http_task_still(&http1->task);
    http_loop_leave(http1->server->loop, &http1->sweepable);
    free(http1);
}

/* Closing with unread input would make the kernel send a reset, which can destroy an answer on its way. */
void http1_linger(struct http1 *http1)
{
    http1_enter(http1, HTTP1_LINGERING);
    http_socket_end(&http1->socket);
    http_task_stir(http1->server->loop, &http1->task);
}

static void run_lingering(struct http1 *http1)
{
    struct http_socket *socket = &http1->socket;
    http_socket_consume(socket, http_socket_input(socket).len);
    if (socket->has_failed || socket->cannot_write || (socket->has_ended && socket->sent_end))
        close_now(http1, /* is_clean */ true);
    else if (http1->is_broken && socket->has_tls && socket->sent_end) /* no half-close there that would say it */
        close_now(http1, /* is_clean */ false);
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
    struct http_socket *socket = &http1->socket;
    http_framing_step(&http1->request, http_socket_input(socket), step);
    if (step->kind == HTTP_STEP_END && step->data.len > 0 && http1->flow != NULL)
        take_trailers(http1->flow, step);
    http_socket_consume(socket, step->dropped);
    if (step->kind == HTTP_STEP_DATA)
        step->data.ptr = http_socket_input(socket).ptr;
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
    http_socket_consume(&http1->socket, size);
}

/* --- between requests ------------------------------------------------------------------------------------------ */

static void next_request(struct http1 *http1)
{
    http1_enter(http1, HTTP1_HEAD);
    http1->scan = (struct http_head_scan){0};
    http1->head_has_begun = false;
    http1->line_was_checked = false;
    http1->was_used = true;
    http_task_stir(http1->server->loop, &http1->task);
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
        http_socket_consume(&http1->socket, step.data.len);
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
    if (end == HTTP_END_UPSTREAM_LOST && !is_open_ended)
        http1_linger(http1); /* the missing rest of the body says it */
    else if (end != HTTP_END_COMPLETE)
        close_now(http1, /* is_clean */ false);
    else if (http1->closes || (!http1->request_has_ended && !can_discard))
        http1_linger(http1);
    else if (!http1->request_has_ended)
        http1_enter(http1, HTTP1_DISCARDING);
    else
        next_request(http1);
    if (http1->state != HTTP1_CLOSED)
        http_task_stir(http1->server->loop, &http1->task);
}

/* --- heads ----------------------------------------------------------------------------------------------------- */

static void begin_flow(struct http1 *http1, struct gw_str head, size_t head_bytes)
{
    const struct http_server *server = http1->server;
    struct http_flow *flow = http_flow_new(server->loop, server->face, server->face_data, &http1_codec, http1);
    struct http_request *request = &flow->exchange.request;
    struct gw_error err;
    enum gw_code code = http_request_head_parse(head, &flow->exchange.arena, request, &flow->request_facts, &err);
    http_socket_consume(&http1->socket, head_bytes);
    if (code != GW_OK) {
        http_flow_discard(flow);
        http1_refuse(http1, code, err.text);
        return;
    }
    request->tls = http1->socket.has_tls;
    request->local_port = server->local_port;
    flow->peer_address = (const struct sockaddr *)&http1->peer;
    flow->peer_text = gw_str_from(http1->peer_text);
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
        http1->since_ms = http_loop_now_ms(http1->server->loop);
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
    struct http_socket *socket = &http1->socket;
    struct gw_str input = http_socket_input(socket);
    if (socket->has_failed || socket->cannot_write ||
        (input.len == 0 && (socket->has_ended || http_loop_is_draining(http1->server->loop)))) {
        if (socket->has_failed || http_socket_queued(socket) == 0)
            close_now(http1, /* is_clean */ true);
        else
            http1_linger(http1);
        return;
    }
    if (input.len == 0)
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
    struct http_socket *socket = &http1->socket;
    struct http_flow *flow = http1->flow;
    bool has_left = socket->has_failed || socket->cannot_write ||
                    (socket->has_ended && socket->has_tls && !flow->is_tunnel);
    if (has_left)
        http_flow_end(flow, HTTP_END_CLIENT_LEFT);
    else
        http_flow_stir(flow);
}

static void run_shaking(struct http1 *http1)
{
    if (http1->socket.has_failed)
        close_now(http1, /* is_clean */ false);
    if (http1->socket.phase != HTTP_SOCKET_OPEN || http1->socket.has_failed)
        return;
    http1->state = HTTP1_HEAD; /* the head's time runs since the connection was made */
    run_head(http1);
}

static void on_run(struct http_task *task)
{
    struct http1 *http1 = HTTP_CONTAINER(task, struct http1, task);
    switch (http1->state) {
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

/* --- time ------------------------------------------------------------------------------------------------------ */

static bool owes(const struct http1 *http1)
{
    const struct http_socket *socket = &http1->socket;
    if (http_socket_queued(socket) > 0)
        return true;
    if (http1->state != HTTP1_EXCHANGE || http1->request_has_ended || http1->flow->is_tunnel)
        return http1->state == HTTP1_DISCARDING;
    const struct http_flow *flow = http1->flow;
    bool awaits_continue =
        flow->exchange.request.expects_continue && !flow->has_continued && flow->interim_count == 0;
    return !http_socket_is_paused(socket) && !socket->has_ended && !awaits_continue;
}

/* True when too little moved over a whole window in which something was owed. */
static bool is_too_slow(struct http1 *http1, int64_t now_ms)
{
    const struct http_limits *limits = &http1->server->limits;
    struct http1_pace *pace = &http1->pace;
    uint64_t bytes = http1->socket.bytes_in + http1->socket.bytes_out;
    if (!owes(http1)) {
        pace->is_running = false;
        return false;
    }
    if (pace->is_running && now_ms - pace->begun_ms < limits->min_rate_window_ms)
        return false;
    bool is_slow = pace->is_running &&
                   bytes - pace->bytes < limits->min_rate * (uint64_t)limits->min_rate_window_ms / 1000;
    *pace = (struct http1_pace){.begun_ms = now_ms, .bytes = bytes, .is_running = true};
    return is_slow;
}

static void sweep_exchange(struct http1 *http1, int64_t now_ms)
{
    struct http_flow *flow = http1->flow;
    int64_t still_ms = now_ms - http1->socket.moved_ms;
    bool has_left = http1->socket.has_ended && !flow->is_tunnel && still_ms >= HTTP1_LEFT_MS;
    if (has_left)
        http_flow_end(flow, HTTP_END_CLIENT_LEFT);
    else if (still_ms >= http1->server->limits.stream_idle_ms && flow->stage >= HTTP_ANSWER_BEGUN)
        http_flow_end(flow, HTTP_END_SLOW);
}

static void sweep_head(struct http1 *http1, int64_t now_ms)
{
    const struct http_limits *limits = &http1->server->limits;
    int64_t age_ms = now_ms - http1->since_ms;
    bool is_idle = http1->state == HTTP1_HEAD && !http1->head_has_begun && http1->was_used;
    if (is_idle)
        http_socket_trim(&http1->socket);
    if (age_ms < (is_idle ? limits->idle_ms : limits->head_ms))
        return;
    if (http1->head_has_begun)
        http1_refuse(http1, GW_E_TIMEOUT, NULL);
    else
        close_now(http1, /* is_clean */ http1->state == HTTP1_HEAD);
}

static void on_sweep(struct http_sweepable *sweepable, int64_t now_ms)
{
    struct http1 *http1 = HTTP_CONTAINER(sweepable, struct http1, sweepable);
    if (http1->state != HTTP1_CLOSED && is_too_slow(http1, now_ms)) {
        if (http1->flow != NULL)
            http_flow_end(http1->flow, HTTP_END_SLOW);
        else
            close_now(http1, /* is_clean */ false);
        return;
    }
    switch (http1->state) {
    case HTTP1_SHAKING:
    case HTTP1_HEAD:
    case HTTP1_DISCARDING:
        sweep_head(http1, now_ms);
        break;
    case HTTP1_EXCHANGE:
        sweep_exchange(http1, now_ms);
        break;
    case HTTP1_LINGERING:
        if (!http1->socket.sent_end) /* what is still to be sent is a matter of the pace */
            http1->since_ms = now_ms;
        else if (now_ms - http1->since_ms >= HTTP1_LINGER_MS)
            close_now(http1, /* is_clean */ true);
        break;
    case HTTP1_CLOSED:
        break;
    }
}

static void on_drain(struct http_sweepable *sweepable, bool is_over)
{
    struct http1 *http1 = HTTP_CONTAINER(sweepable, struct http1, sweepable);
    if (is_over && http1->flow != NULL)
        http_flow_end(http1->flow, HTTP_END_CUT);
    else if (is_over)
        close_now(http1, /* is_clean */ false);
    else
        on_event(http1);
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

void http1_accept(const struct http_server *server, int fd, const struct sockaddr_storage *peer)
{
    struct http1 *http1 = gw_alloc(sizeof *http1);
    http1->server = server;
    http1->peer = *peer;
    http1->task.on_run = on_run;
    http1->grave.on_bury = on_bury;
    http1->sweepable = (struct http_sweepable){.is_connection = true, .on_sweep = on_sweep, .on_drain = on_drain};
    write_peer(http1);
    http_socket_open(&http1->socket, server->loop, fd, on_event, http1);
    http_loop_enroll(server->loop, &http1->sweepable);
    http1_enter(http1, server->tls != NULL ? HTTP1_SHAKING : HTTP1_HEAD);
    if (server->tls != NULL)
        http_socket_handshake(&http1->socket, tls_server_ctx(server->tls), NULL);
}
