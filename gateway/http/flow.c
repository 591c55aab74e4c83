/* The pull: from the client's input to the upstream's queue, from the upstream's input to the client's queue, as far as
 * there is room. Each function returns after anything that may have changed the flow under it. */
#include "gateway/http/relay.h"
#include "gateway/http/retry.h"
#include "gateway/http/upstream_pool.h"

/* --- the request's body ---------------------------------------------------------------------------------------- */

static void collected_step(struct http_flow *flow, struct http_framing_step *ret_step)
{
    struct gw_str rest = gw_str_from_pos(flow->exchange.body, flow->collected_sent);
    *ret_step = (struct http_framing_step){.kind = rest.len > 0 ? HTTP_STEP_DATA : HTTP_STEP_END, .data = rest};
}

static void request_step(struct http_flow *flow, struct http_framing_step *ret_step)
{
    if (http_replay_is_due(flow))
        http_replay_step(flow, ret_step);
    else if (flow->is_collected)
        collected_step(flow, ret_step);
    else if (flow->request_was_read && !flow->is_tunnel)
        *ret_step = (struct http_framing_step){.kind = HTTP_STEP_END};
    else
        flow->codec->request_step(flow, ret_step);
}

static void request_take(struct http_flow *flow, struct gw_str data)
{
    if (http_replay_is_due(flow)) {
        flow->replay_sent += data.len;
        return;
    }
    flow->exchange.request_bytes += data.len;
    if (flow->is_collected) {
        flow->collected_sent += data.len;
    } else {
        http_replay_keep(flow, data);
        flow->codec->request_take(flow, data.len);
    }
}

/* A trailer may name what the head must not: some apps merge the two (RFC 9110 section 6.5.1). */
static size_t filter_trailers(struct http_field *trailers, size_t count, http_trailer_fn may_pass, const void *data)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (may_pass == NULL || may_pass(&trailers[i], data))
            trailers[kept++] = trailers[i];
    }
    return kept;
}

static void give_request_end(struct http_flow *flow, struct net_socket *socket)
{
    flow->request_is_given = true;
    flow->request_trailer_count = filter_trailers(flow->request_trailers, flow->request_trailer_count,
                                                  flow->trailer_may_pass, flow->trailer_data);
    flow->request_was_read = true;
    if (flow->is_tunnel)
        net_socket_end(socket);
    else if (flow->exchange.request.body_kind == HTTP_BODY_CHUNKED)
        http_relay_last_chunk(flow->request_trailers, flow->request_trailer_count, net_socket_output(socket));
}

static void give_request_data(struct http_flow *flow, struct net_socket *socket, struct gw_str data)
{
    if (!flow->is_tunnel && flow->exchange.request.body_kind == HTTP_BODY_CHUNKED)
        http_relay_chunk(data, net_socket_output(socket));
    else
        gw_buf_add(net_socket_output(socket), data);
    request_take(flow, data);
}

/* What came is not a body: 400 while that can be said, and the upstream must not take the rest for a whole request. */
void http_flow_refuse_body(struct http_flow *flow)
{
    if (http_exchange_answer_has_begun(&flow->exchange)) {
        http_flow_end(flow, HTTP_END_CLIENT_LEFT);
        return;
    }
    http_exchange_close_after(&flow->exchange);
    http_exchange_fail(&flow->exchange, GW_E_BAD_REQUEST, "the request body is malformed");
}

static void pump_request(struct http_flow *flow)
{
    struct http_upstream_conn *conn = flow->conn;
    if (conn == NULL || conn->state != HTTP_UPSTREAM_BUSY)
        return;
    while (!flow->request_is_given) {
        struct http_framing_step step;
        size_t room = net_socket_room(&conn->socket);
        if (room == 0)
            return;
        request_step(flow, &step);
        switch (step.kind) {
        case HTTP_STEP_MORE:
            return;
        case HTTP_STEP_DATA:
            give_request_data(flow, &conn->socket,
                              gw_str_n(step.data.ptr, step.data.len < room ? step.data.len : room));
            break;
        case HTTP_STEP_END:
            give_request_end(flow, &conn->socket);
            break;
        case HTTP_STEP_BAD:
            http_flow_refuse_body(flow);
            return;
        case HTTP_STEP_GONE:
            http_flow_end(flow, HTTP_END_CLIENT_LEFT);
            return;
        }
    }
}

/* --- the upstream's answer ------------------------------------------------------------------------------------- */

static void finish(struct http_flow *flow)
{
    struct http_upstream_conn *conn = flow->conn;
    if (conn != NULL && (flow->is_tunnel || (flow->request_is_given && net_socket_queued(&conn->socket) > 0)))
        http_upstream_release_flushing(flow);
    else if (conn != NULL)
        http_upstream_release(flow, flow->answer_facts.keeps_connection && flow->request_is_given);
    http_flow_end(flow, HTTP_END_COMPLETE);
}

/* RFC 9110 section 15.2: interim answers go on as they come; after 100 was said by us nobody waits for another. */
static bool pass_interim(struct http_flow *flow)
{
    if (++flow->interim_count > HTTP_INTERIM_MAX) {
        http_flow_upstream_failed(flow, HTTP_FAILURE_MALFORMED, "too many interim answers");
        return false;
    }
    bool is_continue = flow->exchange.answer.status == 100;
    if (!is_continue || !flow->has_continued)
        flow->codec->send_interim(flow, &flow->exchange.answer);
    flow->has_continued = flow->has_continued || is_continue;
    return true;
}

static void hold_final(struct http_flow *flow)
{
    struct http_answer *answer = &flow->exchange.answer;
    flow->stage = HTTP_ANSWER_HELD;
    flow->exchange.failure = HTTP_FAILURE_NONE;
    http_replay_drop(flow);
    http_server_answered(flow->conn->pool->server);
    flow->is_tunnel = answer->status == 101;
    flow->answer_fields = answer->fields;
    flow->answer_field_count = answer->field_count;
    http_framing_init(&flow->answer_framing, flow->is_tunnel ? HTTP_BODY_UNTIL_CLOSE : flow->answer_facts.body_kind,
                      flow->answer_facts.body_length);
    if (flow->face->on_answer_head != NULL)
        flow->face->on_answer_head(&flow->exchange, flow->face_data);
    else
        flow->stage = HTTP_ANSWER_PASSED;
}

/* RFC 9112 section 2.2 lets a recipient skip empty lines before a request, not before an answer. */
static enum gw_code parse_answer_head(struct http_flow *flow, struct gw_str head, struct gw_error *err)
{
    struct http_exchange *x = &flow->exchange;
    if (flow->conn->scan.blank > 0)
        return gw_fail(err, GW_E_UPSTREAM, "an empty line before the status line");
    GW_TRY(http_answer_head_parse(head, &x->arena, x->request.is_head, &x->answer, &flow->answer_facts, err));
    if (x->answer.status == 101 && !x->request.is_upgrade)
        return gw_fail(err, GW_E_UPSTREAM, "101 without being asked for an upgrade");
    return GW_OK;
}

static void answer_head_ended(struct http_flow *flow)
{
    const struct net_socket *socket = &flow->conn->socket;
    const char *how = net_socket_input(socket).len > 0 ? "the connection ended inside the answer's head"
                      : socket->has_failed             ? "the connection broke before the answer"
                                                       : "the connection was closed before the answer";
    http_flow_upstream_failed(flow, HTTP_FAILURE_CLOSED, how);
}

/* One head. False: not complete, or the flow has changed. */
static bool read_answer_head(struct http_flow *flow)
{
    struct http_upstream_conn *conn = flow->conn;
    size_t head_bytes = 0;
    struct gw_str input = net_socket_input(&conn->socket);
    struct gw_error why;
    enum gw_code code = http_head_scan(&conn->scan, input, &head_bytes, &why);
    if (code == GW_OK && head_bytes == 0) {
        if (conn->socket.has_ended)
            answer_head_ended(flow);
        return false;
    }
    if (code == GW_OK)
        code = parse_answer_head(flow, gw_str_n(input.ptr, head_bytes), &why);
    if (code != GW_OK) {
        http_flow_upstream_failed(flow, HTTP_FAILURE_MALFORMED, why.text);
        return false;
    }
    net_socket_consume(&conn->socket, head_bytes);
    conn->scan = (struct http_head_scan){0};
    return true;
}

static void await_answer(struct http_flow *flow)
{
    while (flow->phase == HTTP_FLOW_FORWARDED && flow->stage == HTTP_ANSWER_AWAITED && read_answer_head(flow)) {
        int status = flow->exchange.answer.status;
        if (status >= 200 || status == 101)
            hold_final(flow);
        else if (!pass_interim(flow))
            return;
    }
}

static void send_answer_head(struct http_flow *flow)
{
    flow->stage = HTTP_ANSWER_BEGUN;
    flow->codec->send_head(flow, flow->answer_facts.body_kind);
    if (flow->is_tunnel) {
        flow->codec->become_tunnel(flow);
        flow->request_is_given = false;
    }
}

static void end_answer(struct http_flow *flow, struct gw_str trailer_lines)
{
    struct http_field *trailers = NULL;
    struct gw_error why;
    size_t count = 0;
    if (http_fields_parse(gw_arena_copy(&flow->exchange.arena, trailer_lines), &flow->exchange.arena, &trailers, &count,
                          &why) != GW_OK) {
        http_flow_upstream_failed(flow, HTTP_FAILURE_BODY_MALFORMED, why.text);
        return;
    }
    flow->stage = HTTP_ANSWER_DONE;
    count = filter_trailers(trailers, count, flow->answer_trailer_may_pass, flow->answer_trailer_data);
    flow->codec->send_end(flow, trailers, count);
}

/* RFC 9112 section 8: a body that ends early, by a reset or badly framed must not look whole. */
static void answer_input_ended(struct http_flow *flow)
{
    const struct net_socket *socket = &flow->conn->socket;
    bool is_whole = flow->answer_framing.kind == HTTP_BODY_UNTIL_CLOSE && (!socket->has_failed || flow->is_tunnel);
    if (is_whole)
        end_answer(flow, GW_STR_NONE);
    else
        http_flow_upstream_failed(flow, HTTP_FAILURE_BODY_CLOSED,
                                  socket->has_failed ? "the connection broke inside the answer's body"
                                                     : "the connection was closed inside the answer's body");
}

static void relay_answer_body(struct http_flow *flow)
{
    struct net_socket *socket = &flow->conn->socket;
    while (flow->stage == HTTP_ANSWER_BEGUN && flow->phase == HTTP_FLOW_FORWARDED) {
        struct http_framing_step step;
        http_framing_step(&flow->answer_framing, net_socket_input(socket), &step);
        if (step.kind == HTTP_STEP_DATA) {
            size_t room = flow->codec->room(flow);
            size_t size = step.data.len < room ? step.data.len : room;
            if (size > 0)
                flow->codec->send_body(flow, gw_str_n(step.data.ptr, size));
            flow->exchange.answer_bytes += size;
            http_framing_take(&flow->answer_framing, size);
            net_socket_consume(socket, step.dropped + size);
            if (size < step.data.len)
                return;
        } else if (step.kind == HTTP_STEP_END) {
            end_answer(flow, step.data);
            net_socket_consume(socket, step.dropped);
        } else {
            net_socket_consume(socket, step.dropped);
            if (step.kind == HTTP_STEP_BAD)
                http_flow_upstream_failed(flow, HTTP_FAILURE_BODY_MALFORMED, "the body is not made of chunks");
            else if (socket->has_ended)
                answer_input_ended(flow);
            return;
        }
    }
}

static void pump_answer(struct http_flow *flow)
{
    struct http_upstream_conn *conn = flow->conn;
    if (conn == NULL || conn->state != HTTP_UPSTREAM_BUSY)
        return;
    await_answer(flow);
    if (flow->phase == HTTP_FLOW_FORWARDED && flow->stage == HTTP_ANSWER_PASSED)
        send_answer_head(flow);
    if (flow->phase == HTTP_FLOW_FORWARDED && flow->stage == HTTP_ANSWER_BEGUN)
        relay_answer_body(flow);
}

/* --- phases ---------------------------------------------------------------------------------------------------- */

static void start_forwarding(struct http_flow *flow)
{
    http_relay_request_head(flow, &flow->request_head);
    if (flow->request_head.overflow)
        http_exchange_fail(&flow->exchange, GW_E_HEAD_TOO_LARGE, NULL);
    else if (!http_upstream_ask(flow->upstream, flow))
        http_flow_upstream_failed(flow, HTTP_FAILURE_CONNECT, "no server is left to be asked");
}

/* A tunnel lives until both ends are done, or one of them where half an end cannot be told (TLS). */
static bool tunnel_is_over(const struct http_flow *flow)
{
    const struct net_socket *socket = &flow->conn->socket;
    bool is_half = flow->stage == HTTP_ANSWER_DONE || flow->request_is_given;
    bool is_whole = flow->stage == HTTP_ANSWER_DONE && flow->request_is_given;
    return is_whole ||
           (is_half && (flow->exchange.request.tls || socket->has_tls || socket->has_failed || socket->cannot_write));
}

/* After an early answer the rest of the body still goes to an app that may want it, unless one of the two has said that
 * this connection ends. */
static bool is_over(struct http_flow *flow)
{
    struct net_socket *socket = &flow->conn->socket;
    if (flow->is_tunnel)
        return tunnel_is_over(flow);
    if (flow->stage != HTTP_ANSWER_DONE)
        return false;
    return (flow->request_is_given && net_socket_is_flushed(socket)) || flow->closes_after ||
           !flow->answer_facts.keeps_connection || socket->has_ended || socket->cannot_write;
}

static void run_forwarded(struct http_flow *flow)
{
    if (flow->request_head.len == 0) {
        start_forwarding(flow);
        if (flow->phase != HTTP_FLOW_FORWARDED)
            return;
    }
    pump_request(flow);
    if (flow->phase == HTTP_FLOW_FORWARDED)
        pump_answer(flow);
    if (flow->phase == HTTP_FLOW_FORWARDED && flow->is_tunnel && flow->stage >= HTTP_ANSWER_BEGUN)
        pump_request(flow);
    if (flow->phase == HTTP_FLOW_FORWARDED && flow->conn != NULL && is_over(flow))
        finish(flow);
}

static void run_local(struct http_flow *flow)
{
    if (flow->stage == HTTP_ANSWER_PASSED) {
        flow->stage = HTTP_ANSWER_BEGUN;
        flow->codec->send_head(flow, flow->local_body.len > 0 ? HTTP_BODY_LENGTH : HTTP_BODY_NONE);
    }
    struct gw_str rest = gw_str_from_pos(flow->local_body, flow->local_sent);
    size_t room = flow->codec->room(flow);
    size_t size = rest.len < room ? rest.len : room;
    if (size > 0)
        flow->codec->send_body(flow, gw_str_n(rest.ptr, size));
    flow->local_sent += size;
    flow->exchange.answer_bytes += size;
    if (flow->local_sent < flow->local_body.len)
        return;
    flow->stage = HTTP_ANSWER_DONE;
    flow->codec->send_end(flow, NULL, 0);
    finish(flow);
}

/* --- phases, one after the other --------------------------------------------------------------------------------- */

void http_flow_run(struct http_flow *flow)
{
    if (flow->is_cut && flow->phase != HTTP_FLOW_ENDED) {
        http_flow_end(flow, HTTP_END_CUT);
        return;
    }
    switch (flow->phase) {
    case HTTP_FLOW_COLLECTING:
        http_flow_collect(flow);
        break;
    case HTTP_FLOW_FORWARDED:
        run_forwarded(flow);
        break;
    case HTTP_FLOW_LOCAL:
        run_local(flow);
        break;
    case HTTP_FLOW_UNDECIDED:
    case HTTP_FLOW_ENDED:
        break;
    }
}
