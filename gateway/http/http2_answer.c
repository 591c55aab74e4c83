/* What the flow tells its stream. All of it is only noted or submitted here; it leaves at the end of the turn. */
#include "gateway/http/http2_private.h"
#include "gateway/http/relay.h"

#include <stdio.h>

/* --- heads ----------------------------------------------------------------------------------------------------- */

/* libnghttp2 copies both and turns names into lower case (RFC 9113 section 8.2.1). */
static nghttp2_nv nv_of(struct gw_str name, struct gw_str value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.ptr,
                        .namelen = name.len,
                        .value = (uint8_t *)(uintptr_t)(value.ptr != NULL ? value.ptr : ""),
                        .valuelen = value.len,
                        .flags = NGHTTP2_NV_FLAG_NONE};
}

struct block {
    nghttp2_nv *list;
    size_t count;
    char status[4];
};

/* RFC 9110 section 8.6 forbids it. HTTP/1.1 clients shrug; those of libnghttp2 (curl) take the whole answer for broken,
 * except for a 0. */
static bool is_length_of_204(const struct http_answer *answer, const struct http_field *field)
{
    return answer->status == 204 && gw_str_eq_nocase(field->name, GW_STR("content-length")) &&
           !gw_str_eq(field->value, GW_STR("0"));
}

static void make_block(struct block *block, const struct http_relay_answer *relay, struct gw_arena *arena)
{
    const struct http_answer *answer = relay->answer;
    (void)snprintf(block->status, sizeof block->status, "%03u", (unsigned)answer->status % 1000);
    block->list = gw_arena_array(arena, answer->field_count + 1, sizeof *block->list);
    block->list[0] = nv_of(GW_STR(":status"), gw_str_n(block->status, 3));
    block->count = 1;
    for (size_t i = 0; i < answer->field_count; i++) {
        const struct http_field *field = &answer->fields[i];
        if (!http_field_is_hop(field->name) && !is_length_of_204(answer, field) &&
            http_relay_answer_field_stays(relay, field))
            block->list[block->count++] = nv_of(field->name, field->value);
    }
}

static void submit_head(struct http2_stream *stream, const struct http_relay_answer *relay, bool has_body,
                        struct gw_arena *arena)
{
    struct block block = {.count = 0};
    make_block(&block, relay, arena);
    nghttp2_data_provider body = {.source.ptr = stream, .read_callback = http2_stream_read};
    if (nghttp2_submit_response(stream->http2->session, stream->id, block.list, block.count, has_body ? &body : NULL) !=
        0)
        http2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
    http2_stir(stream->http2);
}

static void send_head(struct http_flow *flow, enum http_body_kind kind)
{
    struct http2_stream *stream = http2_stream_of(flow);
    bool is_empty =
        kind == HTTP_BODY_LENGTH && flow->phase == HTTP_FLOW_FORWARDED && flow->answer_facts.body_length == 0;
    struct http_relay_answer relay = {.answer = &flow->exchange.answer,
                                      .flow = flow,
                                      .keeps_length = kind == HTTP_BODY_NONE || kind == HTTP_BODY_LENGTH};
    /* As in HTTP/1.1: an app that refuses reads no more of a large body; other early answers do not end an upload. */
    if (flow->exchange.answer.status >= 400 && http2_stream_owes_much(stream))
        flow->closes_after = true;
    submit_head(stream, &relay, kind != HTTP_BODY_NONE && !is_empty, &flow->exchange.arena);
}

static void send_interim(struct http_flow *flow, const struct http_answer *answer)
{
    struct http2_stream *stream = http2_stream_of(flow);
    struct http_relay_answer relay = {.answer = answer};
    struct block block;
    make_block(&block, &relay, &flow->exchange.arena);
    (void)nghttp2_submit_headers(stream->http2->session, NGHTTP2_FLAG_NONE, stream->id, NULL, block.list, block.count,
                                 NULL);
    http2_stir(stream->http2);
}

/* --- bodies ---------------------------------------------------------------------------------------------------- */

static void resume(struct http2_stream *stream)
{
    if (stream->out_waits)
        (void)nghttp2_session_resume_data(stream->http2->session, stream->id);
    stream->out_waits = false;
    http2_stir(stream->http2);
}

static size_t room(struct http_flow *flow)
{
    size_t waiting = http2_stream_out(http2_stream_of(flow));
    return waiting < HTTP2_STREAM_OUT_BYTES ? HTTP2_STREAM_OUT_BYTES - waiting : 0;
}

static void send_body(struct http_flow *flow, struct gw_str data)
{
    struct http2_stream *stream = http2_stream_of(flow);
    gw_buf_consume(&stream->out, stream->out_sent);
    stream->out_sent = 0;
    gw_buf_add(&stream->out, data);
    resume(stream);
}

static void send_end(struct http_flow *flow, const struct http_field *trailers, size_t trailer_count)
{
    struct http2_stream *stream = http2_stream_of(flow);
    stream->trailers = gw_arena_array(&stream->arena, trailer_count, sizeof *stream->trailers);
    for (size_t i = 0; i < trailer_count; i++) {
        if (!http_field_may_trail(trailers[i].name))
            continue;
        stream->trailers[stream->trailer_count].name = gw_arena_copy(&stream->arena, trailers[i].name);
        stream->trailers[stream->trailer_count++].value = gw_arena_copy(&stream->arena, trailers[i].value);
    }
    stream->out_is_over = true;
    resume(stream);
}

static void submit_trailers(struct http2_stream *stream)
{
    nghttp2_nv *list = gw_arena_array(&stream->arena, stream->trailer_count, sizeof *list);
    for (size_t i = 0; i < stream->trailer_count; i++)
        list[i] = nv_of(stream->trailers[i].name, stream->trailers[i].value);
    (void)nghttp2_submit_trailer(stream->http2->session, stream->id, list, stream->trailer_count);
}

ssize_t http2_stream_read(nghttp2_session *session, int32_t id, uint8_t *bytes, size_t size, uint32_t *flags,
                          nghttp2_data_source *source, void *data)
{
    (void)session;
    (void)id;
    (void)bytes;
    (void)data;
    struct http2_stream *stream = source->ptr;
    size_t waiting = http2_stream_out(stream);
    if (waiting == 0 && !stream->out_is_over) {
        stream->out_waits = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (waiting > size)
        return (ssize_t)size;
    if (stream->out_is_over) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (stream->trailer_count > 0) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            submit_trailers(stream);
        }
    }
    return (ssize_t)waiting;
}

/* --- the request's body ---------------------------------------------------------------------------------------- */

static void request_step(struct http_flow *flow, struct http_framing_step *ret_step)
{
    const struct http2_stream *stream = http2_stream_of(flow);
    size_t waiting = http2_stream_in(stream);
    *ret_step = (struct http_framing_step){.kind = HTTP_STEP_MORE};
    if (waiting > 0) {
        ret_step->kind = HTTP_STEP_DATA;
        ret_step->data = gw_str_n(stream->in.data + stream->in_taken, waiting);
    } else if (stream->request_has_ended) {
        ret_step->kind = HTTP_STEP_END;
    }
}

static void request_take(struct http_flow *flow, size_t size)
{
    struct http2_stream *stream = http2_stream_of(flow);
    stream->in_taken += size;
    (void)nghttp2_session_consume(stream->http2->session, stream->id, size);
    http2_stir(stream->http2);
}

/* --- ends ------------------------------------------------------------------------------------------------------ */

void http2_stream_reset(struct http2_stream *stream, uint32_t error)
{
    stream->out_sent = stream->out.len;
    stream->out_is_over = false; /* it must not look whole */
    (void)nghttp2_submit_rst_stream(stream->http2->session, NGHTTP2_FLAG_NONE, stream->id, error);
    http2_stir(stream->http2);
}

bool http2_stream_owes_much(const struct http2_stream *stream)
{
    if (stream->request_has_ended || stream->is_closed)
        return false;
    int32_t window = nghttp2_session_get_stream_local_window_size(stream->http2->session, stream->id);
    return window < 0 || stream->length_left > (uint64_t)window;
}

/* RFC 9113 section 8.1. Not at once: a client that finds answer and reset in one read may lose the answer (curl 7.88
 * does). Until then it can send what is left of the stream's window. */
void http2_stream_stop(struct http2_stream *stream, int64_t now_ms)
{
    bool may_wait = now_ms - stream->ended_ms < HTTP2_STOP_MS && stream->http2->stream_count <= HTTP2_STREAMS_MAX / 2;
    if (stream->flow != NULL || !stream->end_was_sent || may_wait || !http2_stream_owes_much(stream))
        return;
    (void)nghttp2_submit_rst_stream(stream->http2->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
    http2_stir(stream->http2);
}

/* A tunnel cannot be: 101 is refused where no upgrade was asked for. */
static void become_tunnel(struct http_flow *flow)
{
    GW_ASSERT(!flow->is_tunnel);
}

static void on_flow_end(struct http_flow *flow)
{
    struct http2_stream *stream = http2_stream_of(flow);
    struct http2 *http2 = stream->http2;
    enum http_exchange_end end = flow->exchange.end;
    stream->flow = NULL;
    if (http2->state != HTTP2_OPEN)
        return;
    size_t dropped = http2_stream_in(stream);
    stream->in_taken = stream->in.len;
    if (dropped > 0)
        (void)nghttp2_session_consume_connection(http2->session, dropped);
    if (!stream->is_closed && end != HTTP_END_COMPLETE) {
        stream->is_ours = end != HTTP_END_CLIENT_LEFT;
        http2_stream_reset(stream, end == HTTP_END_UPSTREAM_LOST ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL);
    } else {
        http2_stream_stop(stream, net_loop_now_ms(http2->server->loop));
    }
    http2_stir(http2);
}

const struct http_codec http2_codec = {
    .send_interim = send_interim,
    .send_head = send_head,
    .room = room,
    .send_body = send_body,
    .send_end = send_end,
    .request_step = request_step,
    .request_take = request_take,
    .become_tunnel = become_tunnel,
    .on_flow_end = on_flow_end,
};

void http2_stream_refuse(struct http2_stream *stream)
{
    const struct http_service *server = stream->http2->server;
    GW_BUF_SCOPED(body, HTTP_ERROR_BODY_BYTES_MAX);
    const char *type =
        http_error_body(server->face, server->face_data, NULL, stream->refusal, stream->refusal_text, &body);
    struct http_field fields[] = {{GW_STR("content-type"), gw_str_from(type)},
                                  {GW_STR("content-length"), gw_arena_u64(&stream->arena, body.len)},
                                  {GW_STR("date"), net_loop_date(server->loop)}};
    struct http_answer answer = {.status = gw_code_status(stream->refusal), .fields = fields, .field_count = 3};
    struct http_relay_answer relay = {.answer = &answer, .keeps_length = true};
    if (!stream->refuses_head)
        gw_buf_add(&stream->out, gw_buf_str(&body));
    stream->out_is_over = true;
    submit_head(stream, &relay, stream->out.len > 0, &stream->arena);
}
