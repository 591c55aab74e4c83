#include "gateway/http/http1_private.h"
#include "gateway/http/relay.h"

/* An early answer to a body that still comes says whether this was the last one (RFC 9112 section 9.6): when it can be
 * known. A refusal while much of the body is missing ends the connection. */
static bool must_close(const struct http1 *http1)
{
    const struct http_flow *flow = http1->flow;
    const struct http_request *request = &flow->exchange.request;
    bool keeps = request->version == 10 ? flow->request_facts.connection.keep_alive : true;
    if (flow->request_facts.connection.close || !keeps || flow->closes_after ||
        net_loop_is_draining(http1->server->loop))
        return true;
    if (http1->request_has_ended || http1_can_discard(http1))
        return false;
    /* Without 100 Continue nobody knows whether the body comes; with it, it goes on to an upstream that takes it. */
    bool awaits_continue = request->expects_continue && !flow->has_continued;
    return awaits_continue || flow->exchange.answer.status >= 400 || flow->phase == HTTP_FLOW_LOCAL ||
           !flow->answer_facts.keeps_connection;
}

static enum http1_output choose_output(const struct http_flow *flow, enum http_body_kind kind)
{
    switch (kind) {
    case HTTP_BODY_NONE:
        return HTTP1_OUTPUT_NONE;
    case HTTP_BODY_LENGTH:
        return HTTP1_OUTPUT_PLAIN;
    case HTTP_BODY_CHUNKED:
    case HTTP_BODY_UNTIL_CLOSE:
        break;
    }
    return flow->exchange.request.version >= 11 ? HTTP1_OUTPUT_CHUNKED : HTTP1_OUTPUT_UNTIL_CLOSE;
}

/* Of an answer without a body (HEAD, 304) the fields still describe the body that there would have been. */
static bool says_chunked(const struct http_flow *flow, enum http1_output output)
{
    if (output == HTTP1_OUTPUT_CHUNKED)
        return true;
    const struct http_answer *answer = &flow->exchange.answer;
    return output == HTTP1_OUTPUT_NONE && answer->status != 204 && flow->exchange.request.version >= 11 &&
           flow->phase == HTTP_FLOW_FORWARDED &&
           http_field_count(answer->fields, answer->field_count, GW_STR("transfer-encoding")) > 0;
}

static const char *connection_value(const struct http1 *http1)
{
    const struct http_flow *flow = http1->flow;
    bool upgrade = flow->exchange.answer.status == 426;
    if (flow->is_tunnel)
        return NULL;
    if (http1->closes)
        return upgrade ? "close, upgrade" : "close";
    if (flow->exchange.request.version == 10)
        return "keep-alive";
    return upgrade ? "upgrade" : NULL;
}

static void send_head(struct http_flow *flow, enum http_body_kind kind)
{
    struct http1 *http1 = http1_of(flow);
    http1->output = choose_output(flow, kind);
    http1->closes = http1->output == HTTP1_OUTPUT_UNTIL_CLOSE || must_close(http1);
    flow->closes_after = http1->closes;
    struct http_relay_answer relay = {
        .answer = &flow->exchange.answer,
        .flow = flow,
        .is_chunked = says_chunked(flow, http1->output),
        .keeps_length = http1->output == HTTP1_OUTPUT_PLAIN || http1->output == HTTP1_OUTPUT_NONE,
        .is_tunnel = flow->is_tunnel,
        .connection = connection_value(http1),
    };
    if (flow->is_tunnel || relay.is_chunked)
        relay.keeps_length = false;
    http_relay_answer_head(&relay, net_socket_output(&http1->socket));
}

/* HTTP/1.0 has no interim answers (RFC 9110 section 15.2). */
static void send_interim(struct http_flow *flow, const struct http_answer *answer)
{
    if (flow->exchange.request.version < 11)
        return;
    struct http_relay_answer relay = {.answer = answer};
    http_relay_answer_head(&relay, net_socket_output(&http1_of(flow)->socket));
}

static size_t room(struct http_flow *flow)
{
    return net_socket_room(&http1_of(flow)->socket);
}

static void send_body(struct http_flow *flow, struct gw_str data)
{
    struct http1 *http1 = http1_of(flow);
    struct gw_buf *out = net_socket_output(&http1->socket);
    if (http1->output == HTTP1_OUTPUT_CHUNKED)
        http_relay_chunk(data, out);
    else if (http1->output != HTTP1_OUTPUT_NONE)
        gw_buf_add(out, data);
}

static void send_end(struct http_flow *flow, const struct http_field *trailers, size_t trailer_count)
{
    struct http1 *http1 = http1_of(flow);
    if (http1->output == HTTP1_OUTPUT_CHUNKED)
        http_relay_last_chunk(trailers, trailer_count, net_socket_output(&http1->socket));
    if (flow->is_tunnel)
        net_socket_end(&http1->socket);
}

static void become_tunnel(struct http_flow *flow)
{
    struct http1 *http1 = http1_of(flow);
    http1->output = HTTP1_OUTPUT_UNTIL_CLOSE;
    http1->closes = true;
    http1->request_has_ended = false;
    http_framing_init(&http1->request, HTTP_BODY_UNTIL_CLOSE, 0);
}

const struct http_codec http1_codec = {
    .send_interim = send_interim,
    .send_head = send_head,
    .room = room,
    .send_body = send_body,
    .send_end = send_end,
    .request_step = http1_request_step,
    .request_take = http1_request_take,
    .become_tunnel = become_tunnel,
    .on_flow_end = http1_on_flow_end,
};

void http1_refuse(struct http1 *http1, enum gw_code code, const char *text)
{
    const struct http_service *server = http1->server;
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(body, HTTP_ERROR_BODY_BYTES_MAX);
    const char *type = http_error_body(server->face, server->face_data, NULL, code, text, &body);
    struct http_field fields[] = {{GW_STR("Content-Type"), gw_str_from(type)},
                                  {GW_STR("Content-Length"), gw_arena_u64(&arena, body.len)},
                                  {GW_STR("Date"), net_loop_date(server->loop)}};
    int status = gw_code_status(code);
    struct http_answer answer = {
        .status = status, .reason = gw_str_from(http_status_reason(status)), .fields = fields, .field_count = 3};
    struct http_relay_answer relay = {.answer = &answer, .keeps_length = true, .connection = "close"};
    struct gw_buf *out = net_socket_output(&http1->socket);
    http_relay_answer_head(&relay, out);
    gw_buf_add(out, gw_buf_str(&body));
    http1->closes_when_sent = false;
    http1_linger(http1);
}
