/* A request whose server failed: again, elsewhere, or no more. */
#include "gateway/http/retry.h"

#include "gateway/base/metrics.h"
#include "gateway/http/upstream_pool.h"

/* --- the body, once more -------------------------------------------------------------------------------------- */

/* What was given before the one retry is given again, then what was not. */
void http_replay_step(struct http_flow *flow, struct http_framing_step *ret_step)
{
    struct gw_str rest = gw_str_from_pos(gw_buf_str(&flow->replay), flow->replay_sent);
    *ret_step = (struct http_framing_step){.kind = HTTP_STEP_DATA, .data = rest};
}

void http_replay_drop(struct http_flow *flow)
{
    flow->body_was_given = true;
    gw_buf_done(&flow->replay);
}

bool http_replay_is_due(const struct http_flow *flow)
{
    return flow->replay_sent < flow->replay.len;
}

/* Only a request that may be sent twice, on a connection that may be about to close. */
static bool keeps_replay(const struct http_flow *flow)
{
    return flow->conn->is_reused && !flow->was_retried && !flow->body_was_given &&
           http_method_is_idempotent(flow->exchange.request.method);
}

void http_replay_keep(struct http_flow *flow, struct gw_str data)
{
    if (flow->is_tunnel || !keeps_replay(flow) || flow->replay.len + data.len > HTTP_REPLAY_BYTES_MAX) {
        http_replay_drop(flow);
        return;
    }
    if (flow->replay.len == 0)
        gw_buf_init(&flow->replay, HTTP_REPLAY_BYTES_MAX);
    gw_buf_add(&flow->replay, data);
    flow->replay_sent = flow->replay.len;
}

/* --- failures -------------------------------------------------------------------------------------------------- */

bool http_method_is_idempotent(struct gw_str method)
{
    static const struct gw_str methods[] = {GW_STR_INIT("GET"),   GW_STR_INIT("HEAD"), GW_STR_INIT("OPTIONS"),
                                            GW_STR_INIT("TRACE"), GW_STR_INIT("PUT"),  GW_STR_INIT("DELETE")};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (gw_str_eq(method, methods[i]))
            return true;
    }
    return false;
}

/* RFC 9110 section 9.2.2: it may have closed before it saw any of this. */
static bool is_stale(const struct http_flow *flow)
{
    const struct http_upstream_conn *conn = flow->conn;
    return conn != NULL && conn->state == HTTP_UPSTREAM_BUSY && conn->is_reused && !http_upstream_has_received(conn);
}

static bool may_retry(const struct http_flow *flow)
{
    return is_stale(flow) && !flow->was_retried && !flow->body_was_given &&
           http_method_is_idempotent(flow->exchange.request.method);
}

static void retry(struct http_flow *flow)
{
    gw_metric_add(GW_METRIC_UPSTREAM_RETRIES, 1);
    flow->was_retried = true;
    flow->exchange.failure = HTTP_FAILURE_NONE;
    flow->request_is_given = false;
    flow->replay_sent = 0;
    flow->collected_sent = 0;
    http_upstream_ask_again(flow);
}

/* It waits for a connection, or one was not made: no server has seen anything of this attempt. */
static bool is_unsent(const struct http_flow *flow)
{
    return flow->conn == NULL || flow->conn->state == HTTP_UPSTREAM_CONNECTING;
}

static bool goes_on(struct http_flow *flow)
{
    enum http_failure failure = flow->exchange.failure;
    if (!is_unsent(flow))
        return false;
    http_upstream_release(flow, /* is_reusable */ false);
    flow->exchange.failure = HTTP_FAILURE_NONE;
    if (http_upstream_ask(flow->upstream, flow))
        return true;
    flow->exchange.failure = failure;
    return false;
}

/* A connection that had been idle too long says nothing about its server. */
static void blame(const struct http_flow *flow, enum http_failure failure)
{
    if (!is_unsent(flow) && (failure == HTTP_FAILURE_HEAD_TIMEOUT || !is_stale(flow)))
        http_server_failed(flow->conn->pool->server, HTTP_SERVER_SPEECHLESS, failure,
                           net_loop_now_ms(flow->exchange.loop));
}

static void note(struct http_flow *flow, enum http_failure failure, const char *detail)
{
    struct http_exchange *x = &flow->exchange;
    x->failure = failure;
    x->failure_detail = gw_arena_copy(&x->arena, gw_str_from(detail != NULL ? detail : ""));
    x->failed_server =
        flow->server != NULL ? gw_arena_copy(&x->arena, gw_str_from(flow->server->settings.name)) : GW_STR("");
}

void http_flow_upstream_failed(struct http_flow *flow, enum http_failure failure, const char *detail)
{
    if (flow->phase != HTTP_FLOW_FORWARDED)
        return;
    note(flow, failure, detail);
    if (flow->stage >= HTTP_ANSWER_BEGUN) {
        http_flow_end(flow, HTTP_END_UPSTREAM_LOST);
        return;
    }
    blame(flow, failure);
    if (failure == HTTP_FAILURE_CLOSED && may_retry(flow))
        retry(flow);
    else if (failure == HTTP_FAILURE_OWN || !goes_on(flow)) /* what we lack, we lack for every server */
        http_exchange_fail(&flow->exchange, http_failure_code(failure), NULL);
}
