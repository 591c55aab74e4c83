/* When a client is too slow, idle for too long, or gone without a word; and draining. */
#include "gateway/http/http1_private.h"

static bool owes(const struct http1 *http1)
{
    const struct net_socket *socket = &http1->socket;
    if (net_socket_queued(socket) > 0)
        return true;
    if (http1->state != HTTP1_EXCHANGE || http1->request_has_ended || http1->flow->is_tunnel)
        return http1->state == HTTP1_DISCARDING;
    const struct http_flow *flow = http1->flow;
    bool awaits_continue = flow->exchange.request.expects_continue && !flow->has_continued;
    return !net_socket_is_paused(socket) && !socket->has_ended && !awaits_continue;
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
    bool is_slow =
        pace->is_running && bytes - pace->bytes < limits->min_rate * (uint64_t)limits->min_rate_window_ms / 1000;
    *pace = (struct http1_pace){.begun_ms = now_ms, .bytes = bytes, .is_running = true};
    return is_slow;
}

static void sweep_exchange(struct http1 *http1, int64_t now_ms)
{
    struct http_flow *flow = http1->flow;
    int64_t still_ms = now_ms - http1->socket.moved_ms;
    if (still_ms >= NET_SWEEP_MS)
        net_socket_trim(&http1->socket);
    bool is_half = flow->is_tunnel && (http1->socket.has_ended || flow->stage == HTTP_ANSWER_DONE);
    bool has_left = (http1->socket.has_ended && !flow->is_tunnel && still_ms >= HTTP1_LEFT_MS) ||
                    (is_half && still_ms >= HTTP1_HALF_TUNNEL_MS);
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
        net_socket_trim(&http1->socket);
    if (age_ms < (is_idle ? limits->idle_ms : limits->head_ms))
        return;
    if (http1->state == HTTP1_HEAD && http1->head_has_begun)
        http1_refuse(http1, GW_E_TIMEOUT, NULL);
    else
        http1_close(http1, /* is_clean */ http1->state > HTTP1_SHAKING);
}

void http1_on_sweep(struct net_sweepable *sweepable, int64_t now_ms)
{
    struct http1 *http1 = NET_CONTAINER(sweepable, struct http1, sweepable);
    if (http1->state != HTTP1_CLOSED && is_too_slow(http1, now_ms)) {
        if (http1->flow != NULL)
            http_flow_end(http1->flow, HTTP_END_SLOW);
        else
            http1_close(http1, /* is_clean */ false);
        return;
    }
    switch (http1->state) {
    case HTTP1_UNTOLD:
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
        else if (now_ms - http1->since_ms >= HTTP1_LINGER_TOTAL_MS ||
                 (now_ms - http1->since_ms >= HTTP1_LINGER_MS && now_ms - http1->socket.moved_ms >= HTTP1_LINGER_MS))
            http1_close(http1, /* is_clean */ true);
        break;
    case HTTP1_CLOSED:
        break;
    }
}

void http1_on_drain(struct net_sweepable *sweepable, bool is_over)
{
    struct http1 *http1 = NET_CONTAINER(sweepable, struct http1, sweepable);
    if (is_over && http1->flow != NULL)
        http_flow_end(http1->flow, HTTP_END_CUT);
    else if (is_over)
        http1_close(http1, /* is_clean */ false);
    else
        http1_on_event(http1);
}

bool http1_on_evict(struct net_sweepable *sweepable, int64_t now_ms)
{
    struct http1 *http1 = NET_CONTAINER(sweepable, struct http1, sweepable);
    bool is_idle = http1->state == HTTP1_HEAD && !http1->head_has_begun && net_socket_queued(&http1->socket) == 0 &&
                   now_ms - http1->since_ms >= NET_EVICT_IDLE_MS &&
                   net_socket_is_quiet(&http1->socket, /* asks_kernel */ true);
    if (is_idle)
        http1_close(http1, /* is_clean */ true);
    return is_idle;
}
