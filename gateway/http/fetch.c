#include "gateway/http/fetch.h"

#include "gateway/http/exchange_private.h"

#include <stdlib.h>

struct http_fetch {
    struct http_flow *flow;
    struct http_upstream *upstream;
    struct http_field *fields; /* in the exchange's arena */
    size_t field_count;
    struct gw_buf body;
    struct net_timer *timer;
    http_fetch_fn on_done; /* NULL: cancelled */
    void *data;
    bool is_local; /* the answer is our own error */
    bool is_late;
    bool is_whole;
};

static struct http_fetch *fetch_of(const struct http_flow *flow)
{
    return flow->face_data;
}

/* --- the client's side, where there is none -------------------------------------------------------------------- */

static void send_interim(struct http_flow *flow, const struct http_answer *answer)
{
    (void)flow;
    (void)answer;
}

static void send_head(struct http_flow *flow, enum http_body_kind kind)
{
    (void)kind;
    fetch_of(flow)->is_local = flow->phase == HTTP_FLOW_LOCAL;
}

static size_t room(struct http_flow *flow)
{
    const struct gw_buf *body = &fetch_of(flow)->body;
    return body->overflow ? 0 : body->max - body->len + 1;
}

static void send_body(struct http_flow *flow, struct gw_str data)
{
    struct http_fetch *fetch = fetch_of(flow);
    gw_buf_add(&fetch->body, data);
    if (fetch->body.overflow)
        http_exchange_cut(&flow->exchange);
}

static void send_end(struct http_flow *flow, const struct http_field *trailers, size_t trailer_count)
{
    (void)trailers;
    (void)trailer_count;
    fetch_of(flow)->is_whole = true;
}

static void request_step(struct http_flow *flow, struct http_framing_step *ret_step)
{
    (void)flow;
    *ret_step = (struct http_framing_step){.kind = HTTP_STEP_END};
}

static void request_take(struct http_flow *flow, size_t size)
{
    (void)flow;
    (void)size;
}

/* A switch of protocols that nobody asked for is a failure before it comes here. */
static void become_tunnel(struct http_flow *flow)
{
    http_exchange_cut(&flow->exchange);
}

static void on_flow_end(struct http_flow *flow)
{
    (void)flow;
}

static const struct http_codec codec = {.send_interim = send_interim,
                                        .send_head = send_head,
                                        .room = room,
                                        .send_body = send_body,
                                        .send_end = send_end,
                                        .request_step = request_step,
                                        .request_take = request_take,
                                        .become_tunnel = become_tunnel,
                                        .on_flow_end = on_flow_end};

/* --- the face --------------------------------------------------------------------------------------------------- */

static void on_request(struct http_exchange *x, void *data)
{
    struct http_fetch *fetch = data;
    http_exchange_forward(x, fetch->upstream, fetch->fields, fetch->field_count);
}

static enum gw_code code_of(const struct http_fetch *fetch)
{
    if (fetch->is_late)
        return GW_E_UPSTREAM_TIMEOUT;
    if (fetch->body.overflow)
        return GW_E_TOO_LARGE;
    if (fetch->flow->exchange.failure == HTTP_FAILURE_OWN)
        return GW_E_OVERLOADED;
    bool came = fetch->is_whole && !fetch->is_local && fetch->flow->exchange.end == HTTP_END_COMPLETE;
    return came ? GW_OK : GW_E_UPSTREAM;
}

static void on_end(struct http_exchange *x, void *data)
{
    struct http_fetch *fetch = data;
    if (fetch->timer != NULL)
        net_timer_cancel(fetch->timer);
    if (fetch->on_done != NULL) {
        struct http_fetch_result result = {.code = code_of(fetch)};
        if (result.code == GW_OK) {
            result.status = x->answer.status;
            result.fields = x->answer.fields;
            result.field_count = x->answer.field_count;
            result.body = gw_buf_str(&fetch->body);
        }
        fetch->on_done(&result, fetch->data);
    }
    gw_buf_done(&fetch->body);
    free(fetch);
}

static const struct http_face face = {.on_request = on_request, .on_end = on_end};

static void on_late(void *data)
{
    struct http_fetch *fetch = data;
    fetch->timer = NULL;
    fetch->is_late = true;
    http_exchange_cut(&fetch->flow->exchange);
}

static void request_fill(struct http_request *request, struct gw_arena *arena, struct gw_str target)
{
    request->method = GW_STR("GET");
    request->target = gw_arena_copy(arena, target);
    request->path = request->target;
    request->body_kind = HTTP_BODY_NONE;
    request->version = 11;
}

struct http_fetch *http_fetch_start(const struct http_fetch_order *order)
{
    struct http_fetch *fetch = gw_alloc(sizeof *fetch);
    fetch->upstream = order->upstream;
    fetch->on_done = order->on_done;
    fetch->data = order->data;
    gw_buf_init(&fetch->body, order->body_bytes_max);
    fetch->flow = http_flow_new(order->loop, &face, fetch, &codec, fetch);
    fetch->flow->server_wanted = order->server_wanted;
    fetch->flow->hint = order->hint;
    struct http_exchange *x = &fetch->flow->exchange;
    request_fill(&x->request, &x->arena, order->target);
    fetch->fields = gw_arena_array(&x->arena, order->field_count + 1, sizeof *fetch->fields);
    for (; fetch->field_count < order->field_count; fetch->field_count++) {
        const struct http_field *field = &order->fields[fetch->field_count];
        fetch->fields[fetch->field_count] =
            (struct http_field){gw_arena_copy(&x->arena, field->name), gw_arena_copy(&x->arena, field->value)};
    }
    fetch->timer = net_timer_start(order->loop, order->time_ms, on_late, fetch);
    http_flow_begin(fetch->flow);
    return fetch;
}

void http_fetch_cancel(struct http_fetch *fetch)
{
    fetch->on_done = NULL;
    http_flow_end(fetch->flow, HTTP_END_CUT);
}
