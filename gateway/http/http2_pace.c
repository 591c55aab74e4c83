/* Time: who owes bytes moves them (semantics.md 8), who is owed nothing may idle for so long and no longer. What counts
 * is bodies and heads alone: PING and the like move nothing. */
#include "gateway/http/http2_private.h"

/* True when too little moved over a whole window in which something was owed. */
static bool is_too_slow(struct http2_pace *pace, bool is_owed, uint64_t bytes, uint64_t bytes_min, int64_t window_ms,
                        int64_t now_ms)
{
    if (!is_owed) {
        pace->is_running = false;
        return false;
    }
    if (pace->is_running && now_ms - pace->begun_ms < window_ms)
        return false;
    bool is_slow = pace->is_running && bytes - pace->bytes < bytes_min;
    *pace = (struct http2_pace){.begun_ms = now_ms, .bytes = bytes, .is_running = true};
    return is_slow;
}

/* Is it the peer's turn to send more of its request? */
static bool owes_body(const struct http2_stream *stream)
{
    const struct http_flow *flow = stream->flow;
    if (stream->request_has_ended || http2_stream_in(stream) > 0)
        return false;
    bool awaits_continue =
        flow != NULL && flow->exchange.request.expects_continue && !flow->has_continued && flow->interim_count == 0;
    return !awaits_continue;
}

/* Does its own window hold up the answer? */
static bool is_shut(const struct http2_stream *stream)
{
    return http2_stream_out(stream) > 0 &&
           nghttp2_session_get_stream_remote_window_size(stream->http2->session, stream->id) <= 0;
}

/* A stream that rests keeps no empty buffers. */
static void trim_stream(struct http2_stream *stream)
{
    if (http2_stream_in(stream) == 0) {
        gw_buf_done(&stream->in);
        stream->in_taken = 0;
    }
    if (http2_stream_out(stream) == 0) {
        gw_buf_done(&stream->out);
        stream->out_sent = 0;
    }
}

/* One stream alone need not keep the rate of a whole connection, only its share of it, and has twice the time. */
static void sweep_stream(struct http2_stream *stream, int64_t now_ms)
{
    struct http2 *http2 = stream->http2;
    const struct http_limits *limits = &http2->server->limits;
    int64_t window_ms = 2 * limits->min_rate_window_ms;
    uint64_t bytes_min = limits->min_rate * (uint64_t)window_ms / 1000 / http2->stream_count;
    bool is_owed = owes_body(stream) || is_shut(stream);
    bool is_slow = is_too_slow(&stream->pace, is_owed, stream->moved_bytes, bytes_min, window_ms, now_ms);
    if (now_ms - stream->moved_ms >= NET_SWEEP_MS)
        trim_stream(stream);
    http2_stream_stop(stream, now_ms);
    if (stream->flow == NULL || !stream->has_begun) {
        if (is_slow)
            http2_stream_reset(stream, NGHTTP2_CANCEL);
        return;
    }
    bool is_still = stream->flow->stage >= HTTP_ANSWER_BEGUN && now_ms - stream->moved_ms >= limits->stream_idle_ms;
    if (is_slow || is_still)
        http_flow_end(stream->flow, HTTP_END_SLOW);
}

static bool is_owed(struct http2 *http2)
{
    if (net_socket_queued(&http2->socket) > 0)
        return true;
    for (struct net_link *at = http2->streams.next; at != &http2->streams; at = at->next) {
        const struct http2_stream *stream = NET_CONTAINER(at, struct http2_stream, link);
        if (owes_body(stream) || http2_stream_out(stream) > 0)
            return true;
    }
    return false;
}

static void sweep_idle(struct http2 *http2, int64_t now_ms)
{
    const struct http_limits *limits = &http2->server->limits;
    http2_head_done(&http2->head);
    /* So that it is gone by then. */
    if (now_ms - http2->idle_since_ms >= limits->idle_ms - HTTP2_LINGER_MS - NET_SWEEP_MS)
        http2_terminate(http2, NGHTTP2_NO_ERROR);
}

/* Those whose answer came early: the app must take the rest of the request. */
static void sweep_closed(struct http2 *http2, int64_t now_ms)
{
    for (struct net_link *at = http2->closed.next, *next; at != &http2->closed; at = next) {
        next = at->next;
        struct http2_stream *stream = NET_CONTAINER(at, struct http2_stream, link);
        if (stream->flow != NULL && now_ms - stream->moved_ms >= 2 * http2->server->limits.min_rate_window_ms)
            http_flow_end(stream->flow, HTTP_END_SLOW);
    }
}

static void sweep_drain(struct http2 *http2, int64_t now_ms)
{
    if (!http2->is_draining || http2->said_last || now_ms - http2->drain_since_ms < HTTP2_GOAWAY_MS)
        return;
    http2->said_last = true;
    (void)nghttp2_submit_goaway(http2->session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(http2->session), NGHTTP2_NO_ERROR, NULL, 0);
    http2_stir(http2);
}

static void sweep_open(struct http2 *http2, int64_t now_ms)
{
    const struct http_limits *limits = &http2->server->limits;
    uint64_t bytes_min = limits->min_rate * (uint64_t)limits->min_rate_window_ms / 1000;
    if (is_too_slow(&http2->pace, is_owed(http2), http2->moved_bytes, bytes_min, limits->min_rate_window_ms, now_ms)) {
        http2_close(http2, HTTP_END_SLOW, /* is_clean */ false);
        return;
    }
    if (now_ms - http2->socket.moved_ms >= NET_SWEEP_MS)
        net_socket_trim(&http2->socket);
    if (http2_meter_is_inside(&http2->meter) && now_ms - http2->meter.since_ms >= limits->head_ms)
        http2_terminate(http2, NGHTTP2_ENHANCE_YOUR_CALM);
    for (struct net_link *at = http2->streams.next, *next; at != &http2->streams; at = next) {
        next = at->next;
        sweep_stream(NET_CONTAINER(at, struct http2_stream, link), now_ms);
    }
    sweep_closed(http2, now_ms);
    if (http2->stream_count == 0 && !http2_meter_is_inside(&http2->meter))
        sweep_idle(http2, now_ms);
    sweep_drain(http2, now_ms);
}

void http2_sweep(struct http2 *http2, int64_t now_ms)
{
    if (http2->state == HTTP2_OPEN)
        sweep_open(http2, now_ms);
    else if (http2->state == HTTP2_LINGERING && now_ms - http2->since_ms >= HTTP2_LINGER_MS)
        http2_close(http2, HTTP_END_CLIENT_LEFT, /* is_clean */ true);
}

/* At once, without GOAWAY: nothing is under way that it could speak of, and somebody waits for the place. */
bool http2_evict(struct http2 *http2, int64_t now_ms)
{
    bool is_idle = http2->state == HTTP2_OPEN && http2->stream_count == 0 && !http2_meter_is_inside(&http2->meter) &&
                   net_socket_queued(&http2->socket) == 0 && now_ms - http2->idle_since_ms >= NET_EVICT_IDLE_MS &&
                   net_socket_is_quiet(&http2->socket, /* asks_kernel */ true);
    if (is_idle)
        http2_close(http2, HTTP_END_CLIENT_LEFT, /* is_clean */ true);
    return is_idle;
}
