#include "gateway/http/exchange_private.h"

#include "gateway/base/clock.h"
#include "gateway/base/metrics.h"
#include "gateway/http/upstream_private.h"

#include <stdatomic.h>
#include <stdlib.h>

#define RETRY_AFTER_SECONDS "5"

static void on_run(struct net_task *task)
{
    http_flow_run(NET_CONTAINER(task, struct http_flow, task));
}

/* --- keeping flows for the next exchange ----------------------------------------------------------------------- */

/* An address sanitizer could not see a use after the end of a flow that lives on. */
#if NET_IS_SANITIZED
#define SPARES_MAX 0u
#else
#define SPARES_MAX 64u
#endif
#define SPARE_BYTES_MAX (16u * 1024u) /* a flow that grew larger is freed */

static void free_flow(struct http_flow *flow)
{
    gw_buf_done(&flow->collected);
    gw_buf_done(&flow->replay);
    gw_buf_done(&flow->request_head);
    gw_arena_done(&flow->exchange.arena);
    free(flow);
}

static void free_spares(void *data)
{
    struct net_spares *spares = data;
    while (!net_link_is_empty(&spares->list)) {
        struct http_flow *flow = NET_CONTAINER(spares->list.next, struct http_flow, waiting);
        net_link_remove(&flow->waiting);
        free_flow(flow);
    }
}

static void keep_or_free(struct http_flow *flow)
{
    struct net_spares *spares = net_loop_spares(flow->exchange.loop);
    net_task_still(&flow->task);
    if (spares->count + 1 > SPARES_MAX || flow->exchange.arena.used_bytes > SPARE_BYTES_MAX ||
        flow->request_head.capacity > SPARE_BYTES_MAX) {
        free_flow(flow);
        return;
    }
    if (!net_link_is_linked(&spares->list)) {
        net_link_init(&spares->list);
        net_loop_on_free(flow->exchange.loop, free_spares, spares);
    }
    spares->count++;
    net_link_add(&spares->list, &flow->waiting);
}

/* Keeps the memory of arena and head, and nothing else. */
static void wipe(struct http_flow *flow)
{
    struct gw_arena arena = flow->exchange.arena;
    struct gw_buf request_head = flow->request_head;
    gw_buf_done(&flow->collected);
    gw_buf_done(&flow->replay);
    gw_arena_reset(&arena);
    gw_buf_clear(&request_head);
    *flow = (struct http_flow){.exchange.arena = arena, .request_head = request_head};
}

static struct http_flow *take_or_make(struct net_loop *loop)
{
    struct net_spares *spares = net_loop_spares(loop);
    if (spares->count == 0) {
        struct http_flow *made = gw_alloc(sizeof *made);
        gw_buf_init(&made->request_head, 4 * HTTP_HEAD_BYTES_MAX);
        return made;
    }
    struct http_flow *flow = NET_CONTAINER(spares->list.prev, struct http_flow, waiting);
    net_link_remove(&flow->waiting);
    spares->count--;
    wipe(flow);
    return flow;
}

/* --- life ------------------------------------------------------------------------------------------------------ */

static void on_bury(struct net_grave *grave)
{
    struct http_flow *flow = NET_CONTAINER(grave, struct http_flow, grave);
    if (flow->face->on_end != NULL)
        flow->face->on_end(&flow->exchange, flow->face_data);
    keep_or_free(flow);
}

struct http_flow *http_flow_new(struct net_loop *loop, const struct http_face *face, void *face_data,
                                const struct http_codec *codec, void *carrier)
{
    static atomic_uint_fast64_t last_id;
    struct http_flow *flow = take_or_make(loop);
    flow->exchange.loop = loop;
    flow->exchange.id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    flow->task.on_run = on_run;
    flow->grave.on_bury = on_bury;
    flow->face = face;
    flow->face_data = face_data;
    flow->codec = codec;
    flow->carrier = carrier;
    return flow;
}

void http_flow_discard(struct http_flow *flow)
{
    keep_or_free(flow);
}

void http_flow_begin(struct http_flow *flow)
{
    flow->exchange.begun_ms = net_loop_now_ms(flow->exchange.loop);
    flow->face->on_request(&flow->exchange, flow->face_data);
}

void http_flow_stir(struct http_flow *flow)
{
    if (flow->phase != HTTP_FLOW_ENDED)
        net_task_stir(flow->exchange.loop, &flow->task);
}

void http_flow_end(struct http_flow *flow, enum http_exchange_end end)
{
    if (flow->phase == HTTP_FLOW_ENDED)
        return;
    if (flow->phase == HTTP_FLOW_FORWARDED && flow->conn != NULL && end != HTTP_END_COMPLETE &&
        end != HTTP_END_UPSTREAM_LOST)
        gw_metric_add(GW_METRIC_UPSTREAM_CANCELLED, 1);
    flow->phase = HTTP_FLOW_ENDED;
    flow->exchange.end = end;
    http_upstream_release(flow, /* is_reusable */ false);
    flow->codec->on_flow_end(flow);
    flow->carrier = NULL;
    net_task_still(&flow->task);
    net_loop_bury(flow->exchange.loop, &flow->grave);
}

/* --- the face's decisions -------------------------------------------------------------------------------------- */

bool http_exchange_answer_has_begun(const struct http_exchange *x)
{
    const struct http_flow *flow = (const struct http_flow *)x;
    return flow->stage >= HTTP_ANSWER_BEGUN || flow->phase == HTTP_FLOW_ENDED;
}

bool http_exchange_reached_upstream(const struct http_exchange *x)
{
    return ((const struct http_flow *)x)->reached_upstream;
}

void http_exchange_close_after(struct http_exchange *x)
{
    http_flow_of(x)->closes_after = true;
}

struct gw_str http_exchange_peer(struct http_exchange *x)
{
    return http_flow_of(x)->peer_text;
}

const char *http_exchange_peer_certificate(const struct http_exchange *x)
{
    return ((const struct http_flow *)x)->peer_certificate;
}

void http_flow_note_peer(struct http_flow *flow, const struct sockaddr_storage *address, const char *text,
                         const char *fingerprint)
{
    struct gw_arena *arena = &flow->exchange.arena;
    struct sockaddr_storage *copy = gw_arena_alloc(arena, sizeof *copy);
    *copy = *address;
    flow->peer_address = (const struct sockaddr *)copy;
    flow->peer_text = gw_arena_copy(arena, gw_str_from(text));
    flow->peer_certificate = fingerprint != NULL ? gw_arena_cstr(arena, gw_str_from(fingerprint)) : NULL;
}

const struct sockaddr *http_exchange_peer_address(const struct http_exchange *x)
{
    return ((const struct http_flow *)x)->peer_address;
}

void http_exchange_cut(struct http_exchange *x)
{
    struct http_flow *flow = http_flow_of(x);
    flow->is_cut = true;
    http_flow_stir(flow);
}

/* The face's fields, then Content-Length and Date. RFC 9110 section 8.6: none of the first with 204 (and 1xx). */
static void set_local_answer(struct http_flow *flow, int status, const struct http_field *fields, size_t field_count,
                             size_t body_bytes)
{
    struct gw_arena *arena = &flow->exchange.arena;
    struct http_answer *answer = &flow->exchange.answer;
    *answer = (struct http_answer){.status = status, .reason = gw_str_from(http_status_reason(status))};
    answer->fields = gw_arena_array(arena, field_count + 2, sizeof *answer->fields);
    for (size_t i = 0; i < field_count; i++) {
        answer->fields[i].name = gw_arena_copy(arena, fields[i].name);
        answer->fields[i].value = gw_arena_copy(arena, fields[i].value);
    }
    size_t count = field_count;
    if (status != 204 && status != 304)
        answer->fields[count++] = (struct http_field){GW_STR("Content-Length"), gw_arena_u64(arena, body_bytes)};
    if (http_field_count(fields, field_count, GW_STR("date")) == 0)
        answer->fields[count++] =
            (struct http_field){GW_STR("Date"), gw_arena_copy(arena, net_loop_date(flow->exchange.loop))};
    answer->field_count = count;
    flow->answer_facts = (struct http_answer_facts){0};
}

void http_exchange_answer(struct http_exchange *x, int status, const struct http_field *fields, size_t field_count,
                          struct gw_str body)
{
    struct http_flow *flow = http_flow_of(x);
    if (http_exchange_answer_has_begun(x) || flow->is_cut)
        return;
    http_upstream_release(flow, /* is_reusable */ false);
    set_local_answer(flow, status, fields, field_count, body.len);
    bool has_body = !x->request.is_head && status != 204 && status != 304;
    flow->local_body = has_body ? gw_arena_copy(&x->arena, body) : GW_STR_NONE;
    flow->local_sent = 0;
    flow->is_tunnel = false; /* the answer that this one replaces may have been a 101 */
    flow->phase = HTTP_FLOW_LOCAL;
    flow->stage = HTTP_ANSWER_PASSED;
    http_flow_stir(flow);
}

void http_exchange_fail(struct http_exchange *x, enum gw_code code, const char *text)
{
    struct http_flow *flow = http_flow_of(x);
    GW_BUF_SCOPED(body, HTTP_ERROR_BODY_BYTES_MAX);
    const char *type = http_error_body(flow->face, flow->face_data, x, code, text, &body);
    struct http_field fields[] = {{GW_STR("Content-Type"), gw_str_from(type)},
                                  {GW_STR("Retry-After"), GW_STR(RETRY_AFTER_SECONDS)}};
    int status = gw_code_status(code);
    http_exchange_answer(x, status, fields, status == 429 || status == 503 ? 2 : 1, gw_buf_str(&body));
}

void http_exchange_collect(struct http_exchange *x, size_t body_bytes_max, http_body_fn on_body, void *data)
{
    struct http_flow *flow = http_flow_of(x);
    GW_ASSERT(flow->phase == HTTP_FLOW_UNDECIDED || flow->phase == HTTP_FLOW_ENDED);
    if (flow->phase == HTTP_FLOW_ENDED)
        return;
    flow->phase = HTTP_FLOW_COLLECTING;
    flow->collect_bytes_max = body_bytes_max;
    gw_buf_init(&flow->collected, body_bytes_max);
    flow->on_body = on_body;
    flow->on_body_data = data;
    http_flow_stir(flow);
}

void http_exchange_forward(struct http_exchange *x, struct http_upstream *upstream, const struct http_field *fields,
                           size_t field_count)
{
    struct http_flow *flow = http_flow_of(x);
    if (flow->phase == HTTP_FLOW_ENDED || flow->is_cut)
        return;
    GW_ASSERT(flow->phase == HTTP_FLOW_UNDECIDED);
    flow->phase = HTTP_FLOW_FORWARDED;
    flow->upstream = upstream;
    flow->forward_fields = fields;
    flow->forward_field_count = field_count;
    http_flow_stir(flow);
}

void http_exchange_stick(struct http_exchange *x, uint64_t hint)
{
    http_flow_of(x)->hint = hint;
}

void http_exchange_remember(struct http_exchange *x, uint64_t hint)
{
    struct http_flow *flow = http_flow_of(x);
    if (flow->phase == HTTP_FLOW_FORWARDED)
        http_upstream_remember(flow->upstream, flow, hint);
}

void http_exchange_filter_trailers(struct http_exchange *x, http_trailer_fn may_pass, const void *data)
{
    struct http_flow *flow = http_flow_of(x);
    flow->trailer_may_pass = may_pass;
    flow->trailer_data = data;
}

void http_exchange_filter_answer_trailers(struct http_exchange *x, http_trailer_fn may_pass, const void *data)
{
    struct http_flow *flow = http_flow_of(x);
    flow->answer_trailer_may_pass = may_pass;
    flow->answer_trailer_data = data;
}

void http_exchange_pass(struct http_exchange *x)
{
    struct http_flow *flow = http_flow_of(x);
    if (flow->phase != HTTP_FLOW_FORWARDED || flow->stage != HTTP_ANSWER_HELD)
        return;
    flow->stage = HTTP_ANSWER_PASSED;
    http_flow_stir(flow);
}

const char *http_error_body(const struct http_face *face, void *face_data, struct http_exchange *x, enum gw_code code,
                            const char *text, struct gw_buf *body)
{
    const char *type = "text/plain; charset=utf-8";
    const char *sentence = text != NULL ? text : gw_code_text(code);
    if (face->on_error_body != NULL)
        face->on_error_body(x, code, sentence, body, &type, face_data);
    else
        gw_buf_printf(body, "%s\n", sentence);
    return type;
}
