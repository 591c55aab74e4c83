/* What libnghttp2 tells of a connection. These callbacks take notes and submit frames; what follows from the notes is
 * done when libnghttp2 has returned. */
#include "gateway/http/http2_private.h"

#include <stdlib.h>

#define RESETS_BURST HTTP2_ABORTS_BURST
#define ACKS_MAX 100u
#define SETTINGS_MAX 32u
#define FRAME_HEAD_BYTES 9u

static int64_t now_of(const struct http2 *http2)
{
    return net_loop_now_ms(http2->server->loop);
}

static struct http2_stream *find(nghttp2_session *session, int32_t id)
{
    return id > 0 ? nghttp2_session_get_stream_user_data(session, id) : NULL;
}

/* --- heads ----------------------------------------------------------------------------------------------------- */

static void add_stream(struct http2 *http2, int32_t id)
{
    struct http2_stream *stream = gw_alloc(sizeof *stream);
    stream->http2 = http2;
    stream->id = id;
    stream->length_left = UINT64_MAX;
    stream->moved_ms = now_of(http2);
    gw_buf_init(&stream->in, HTTP2_WINDOW_BYTES);
    gw_buf_init(&stream->out, HTTP_ERROR_BODY_BYTES_MAX);
    gw_arena_init(&stream->arena);
    net_link_add(&http2->streams, &stream->link);
    http2->stream_count++;
    (void)nghttp2_session_set_stream_user_data(http2->session, id, stream);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    struct http2 *http2 = data;
    (void)session;
    http2_head_clear(&http2->head);
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        add_stream(http2, frame->hd.stream_id);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *data)
{
    struct http2 *http2 = data;
    (void)session;
    (void)frame;
    (void)flags;
    if (!http2_head_add(&http2->head, gw_str_n((const char *)name, name_len), gw_str_n((const char *)value, value_len)))
        http2_terminate(http2, NGHTTP2_ENHANCE_YOUR_CALM);
    return 0;
}

/* Without this, a field that libnghttp2 finds malformed would vanish silently. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                             const uint8_t *value, size_t value_len, uint8_t flags, void *data)
{
    (void)name;
    (void)name_len;
    (void)value;
    (void)value_len;
    (void)flags;
    (void)data;
    (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_PROTOCOL_ERROR);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void get_ready(struct http2_stream *stream)
{
    if (!net_link_is_linked(&stream->ready))
        net_link_add(&stream->http2->ready, &stream->ready);
}

static void finish_request(struct http2_stream *stream)
{
    struct http2 *http2 = stream->http2;
    const struct http_service *server = http2->server;
    struct http_flow *flow = http_flow_new(server->loop, server->face, server->face_data, &http2_codec, stream);
    struct http_request *request = &flow->exchange.request;
    struct gw_error err;
    stream->refusal = http2_head_read(&http2->head, http2->socket.has_tls, !stream->request_has_ended,
                                      &flow->exchange.arena, request, &flow->request_facts, &err);
    if (stream->refusal != GW_OK) {
        stream->refuses_head = gw_str_eq(request->method, GW_STR("HEAD"));
        stream->refusal_text = gw_arena_cstr(&stream->arena, gw_str_from(err.text));
        http_flow_discard(flow);
        get_ready(stream);
        return;
    }
    request->local_port = server->local_port;
    http_flow_note_peer(flow, &http2->peer, http2->peer_text, http2->socket.peer_certificate);
    stream->flow = flow;
    if (request->body_kind == HTTP_BODY_LENGTH)
        stream->length_left = request->body_length;
    /* One that says it is empty is believed when it has ended: DATA behind it makes it malformed. */
    if (stream->request_has_ended || stream->length_left > 0)
        get_ready(stream);
}

static void finish_trailers(struct http2_stream *stream)
{
    struct http_flow *flow = stream->flow;
    if (flow == NULL)
        return;
    if (http2_trailers_read(&stream->http2->head, &flow->exchange.arena, &flow->request_trailers,
                            &flow->request_trailer_count, NULL) != GW_OK) {
        stream->request_has_ended = false; /* what came must not pass for a whole request */
        http2_stream_reset(stream, NGHTTP2_PROTOCOL_ERROR);
    }
}

/* --- frames ---------------------------------------------------------------------------------------------------- */

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    (void)data;
    struct http2_stream *stream = find(session, frame->hd.stream_id);
    if (stream == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    stream->request_has_ended = stream->request_has_ended || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        stream->http2->moved_bytes += stream->http2->head.block_bytes;
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
            finish_request(stream);
        else
            finish_trailers(stream);
    }
    if (stream->flow != NULL && stream->request_has_ended) {
        if (!stream->has_begun)
            get_ready(stream);
        http_flow_stir(stream->flow);
    }
    return 0;
}

static int on_data_chunk_recv(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t size,
                              void *data)
{
    (void)flags;
    struct http2 *http2 = data;
    struct http2_stream *stream = find(session, id);
    http2->moved_bytes += size;
    if (stream == NULL || stream->flow == NULL) {
        (void)nghttp2_session_consume_connection(session, size); /* or uploads would hang in the end */
        if (stream != NULL && stream->length_left != UINT64_MAX)
            stream->length_left -= size;
        return 0;
    }
    stream->moved_bytes += size;
    stream->moved_ms = now_of(http2);
    if (stream->length_left != UINT64_MAX)
        stream->length_left -= size;
    gw_buf_consume(&stream->in, stream->in_taken);
    stream->in_taken = 0;
    gw_buf_add(&stream->in, gw_str_n((const char *)bytes, size));
    if (stream->in.overflow) /* cannot be: the window is not larger */
        http2_terminate(http2, NGHTTP2_FLOW_CONTROL_ERROR);
    http_flow_stir(stream->flow);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *data)
{
    struct http2 *http2 = data;
    struct http2_stream *stream = find(session, id);
    if (stream == NULL)
        return 0;
    stream->is_closed = true;
    stream->is_whole = error == NGHTTP2_NO_ERROR && stream->end_was_sent && stream->request_has_ended;
    net_link_remove(&stream->link);
    net_link_remove(&stream->ready);
    net_link_add(&http2->closed, &stream->link);
    bool is_abort = error != NGHTTP2_NO_ERROR && error != NGHTTP2_REFUSED_STREAM && !stream->is_ours;
    if (is_abort && !http2_bucket_take(&http2->aborts, now_of(http2)))
        http2_terminate(http2, NGHTTP2_ENHANCE_YOUR_CALM);
    return 0;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    bool ends = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    struct http2_stream *stream = ends ? find(session, frame->hd.stream_id) : NULL;
    if (stream == NULL)
        return 0;
    stream->end_was_sent = true;
    stream->ended_ms = now_of(data);
    http2_stream_stop(stream, stream->ended_ms);
    return 0;
}

/* An answer head that cannot be sent (larger than HTTP2_ANSWER_BLOCK_BYTES_MAX) must not leave the peer waiting. */
static int on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int error, void *data)
{
    (void)error;
    (void)data;
    struct http2_stream *stream = frame->hd.type == NGHTTP2_HEADERS ? find(session, frame->hd.stream_id) : NULL;
    if (stream != NULL && !stream->is_closed)
        http2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
    return 0;
}

static int send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t size,
                     nghttp2_data_source *source, void *data)
{
    (void)session;
    (void)frame;
    struct http2 *http2 = data;
    struct http2_stream *stream = source->ptr;
    struct gw_buf *to = net_socket_output(&http2->socket);
    gw_buf_add(to, gw_str_n((const char *)head, FRAME_HEAD_BYTES));
    gw_buf_add(to, gw_str_n(stream->out.data + stream->out_sent, size));
    stream->out_sent += size;
    stream->moved_bytes += size;
    stream->moved_ms = now_of(http2);
    http2->moved_bytes += size;
    http2_bucket_earn(&http2->meter.chatter, size * 1000 / HTTP2_CHATTER_SENT_BYTES);
    if (stream->flow != NULL && http2_stream_out(stream) < HTTP2_STREAM_OUT_BYTES / 2)
        http_flow_stir(stream->flow);
    return net_socket_room(&http2->socket) > 0 ? 0 : NGHTTP2_ERR_PAUSE;
}

/* --- making one ------------------------------------------------------------------------------------------------ */

static nghttp2_session_callbacks *callbacks_new(void)
{
    nghttp2_session_callbacks *callbacks = NULL;
    GW_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk_recv);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    return callbacks;
}

static nghttp2_option *options_new(void)
{
    nghttp2_option *options = NULL;
    GW_ASSERT(nghttp2_option_new(&options) == 0);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_stream_reset_rate_limit(options, RESETS_BURST, HTTP2_ABORTS_PER_SECOND);
    nghttp2_option_set_max_outbound_ack(options, ACKS_MAX);
    nghttp2_option_set_max_settings(options, SETTINGS_MAX);
    nghttp2_option_set_max_send_header_block_length(options, HTTP2_ANSWER_BLOCK_BYTES_MAX);
    return options;
}

static void greet(nghttp2_session *session)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HTTP2_STREAMS_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_BYTES_MAX},
    };
    GW_ASSERT(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof settings[0]) == 0);
    GW_ASSERT(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, HTTP2_CONNECTION_WINDOW_BYTES) == 0);
}

nghttp2_session *http2_session_new(struct http2 *http2)
{
    nghttp2_session_callbacks *callbacks = callbacks_new();
    nghttp2_option *options = options_new();
    nghttp2_session *session = NULL;
    GW_ASSERT(nghttp2_session_server_new2(&session, callbacks, http2, options) == 0);
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(callbacks);
    greet(session);
    return session;
}
