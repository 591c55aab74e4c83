/* Reading a whole body first: into one buffer, up to the cap its face has named. */
#include "gateway/http/exchange_private.h"

static void continue_client(struct http_flow *flow)
{
    if (!flow->exchange.request.expects_continue || flow->has_continued)
        return;
    flow->has_continued = true;
    struct http_answer go_on = {.status = 100, .reason = GW_STR("Continue")};
    flow->codec->send_interim(flow, &go_on);
}

static void tell_body(struct http_flow *flow, enum gw_code code)
{
    flow->phase = HTTP_FLOW_UNDECIDED;
    if (code == GW_OK) {
        flow->is_collected = true;
        flow->exchange.body = gw_buf_str(&flow->collected);
    }
    flow->on_body(&flow->exchange, code, flow->on_body_data);
}

/* False: nothing more to be had now, or it is decided. */
static bool collect_some(struct http_flow *flow)
{
    struct http_framing_step step;
    flow->codec->request_step(flow, &step);
    switch (step.kind) {
    case HTTP_STEP_DATA:
        gw_buf_add(&flow->collected, step.data);
        flow->codec->request_take(flow, step.data.len);
        if (flow->collected.overflow)
            tell_body(flow, GW_E_TOO_LARGE);
        return !flow->collected.overflow;
    case HTTP_STEP_END:
        tell_body(flow, GW_OK);
        return false;
    case HTTP_STEP_MORE:
        continue_client(flow);
        return false;
    case HTTP_STEP_BAD:
        http_flow_refuse_body(flow);
        return false;
    case HTTP_STEP_GONE:
        http_flow_end(flow, HTTP_END_CLIENT_LEFT);
        return false;
    }
    return false;
}

void http_flow_collect(struct http_flow *flow)
{
    const struct http_request *request = &flow->exchange.request;
    if (request->body_kind == HTTP_BODY_LENGTH && request->body_length > flow->collect_bytes_max) {
        tell_body(flow, GW_E_TOO_LARGE);
        return;
    }
    while (collect_some(flow))
        ;
}
