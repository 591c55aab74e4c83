/* world: the face of ground.h, and an HTTP layer made of plain memory: what follows defines the few functions of
 * gateway/http that the face calls, so that a request is a call and an answer a struct. The same face behind real
 * connections is in test_loopback.c. One program, one world, the test's own thread. */
#pragma once

#include "tests/unit/routes/ground.h"

#include "gateway/json/parse.h"
#include "gateway/json/write.h"
#include "gateway/net/loop.h"
#include "routes/request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WORLD_FIELDS_MAX 16
#define WORLD_WAIT_S 60

/* ---- the HTTP layer ---- */

struct net_loop {
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    struct net_loop_message *first;
    struct net_loop_message **last;
    int64_t now_ms;
    struct net_timer *timer; /* the one that was started last */
    size_t timers;
};

struct net_timer {
    struct net_loop *loop;
    net_tick_fn on_expiry;
    void *data;
};

/* One request and what came of it. */
struct call {
    struct http_exchange x; /* first: an exchange is its call */
    struct http_field fields[WORLD_FIELDS_MAX];
    struct gw_str sent_body;
    const struct sockaddr *peer;
    const char *certificate; /* fingerprint */
    int answers;
    int status; /* 0: not answered yet */
    struct http_field answer_fields[WORLD_FIELDS_MAX];
    size_t answer_field_count;
    struct gw_str text;
    struct json_value *json; /* NULL: no body, or not JSON */
    bool was_collected;
};

void http_exchange_answer(struct http_exchange *x, int status, const struct http_field *fields, size_t field_count,
                          struct gw_str body)
{
    struct call *call = (struct call *)(void *)x;
    struct gw_error err;
    struct json_limits limits = {
        .depth = 64, .values = 4000000, .members = 2000, .string_bytes = 1 << 20, .number_bytes = 64};
    assert_int_equal(call->answers++, 0);
    assert_true(field_count <= WORLD_FIELDS_MAX);
    call->status = status;
    for (size_t i = 0; i < field_count; i++) {
        call->answer_fields[i].name = gw_arena_copy(&x->arena, fields[i].name);
        call->answer_fields[i].value = gw_arena_copy(&x->arena, fields[i].value);
    }
    call->answer_field_count = field_count;
    call->text = gw_arena_copy(&x->arena, body);
    if (body.len > 0 && json_parse(&x->arena, call->text, &limits, &call->json, &err) != GW_OK)
        call->json = NULL;
}

void http_exchange_collect(struct http_exchange *x, size_t body_bytes_max, http_body_fn on_body, void *data)
{
    struct call *call = (struct call *)(void *)x;
    call->was_collected = true;
    if (call->sent_body.len > body_bytes_max) {
        on_body(x, GW_E_TOO_LARGE, data);
        return;
    }
    x->body = call->sent_body;
    on_body(x, GW_OK, data);
}

const struct sockaddr *http_exchange_peer_address(const struct http_exchange *x)
{
    return ((const struct call *)(const void *)x)->peer;
}

const char *http_exchange_peer_certificate(const struct http_exchange *x)
{
    return ((const struct call *)(const void *)x)->certificate;
}

struct gw_str http_exchange_peer(struct http_exchange *x)
{
    (void)x;
    return GW_STR("127.0.0.1");
}

void net_loop_post(struct net_loop *loop, struct net_loop_message *message)
{
    (void)pthread_mutex_lock(&loop->mutex);
    message->next = NULL;
    *loop->last = message;
    loop->last = &message->next;
    (void)pthread_cond_signal(&loop->arrived);
    (void)pthread_mutex_unlock(&loop->mutex);
}

int64_t net_loop_now_ms(const struct net_loop *loop)
{
    return loop->now_ms;
}

struct net_timer *net_timer_start(struct net_loop *loop, int64_t delay_ms, net_tick_fn on_expiry, void *data)
{
    struct net_timer *timer = gw_alloc(sizeof *timer);
    assert_true(delay_ms > 0);
    *timer = (struct net_timer){.loop = loop, .on_expiry = on_expiry, .data = data};
    loop->timer = timer;
    loop->timers++;
    return timer;
}

void net_timer_cancel(struct net_timer *timer)
{
    timer->loop->timers--;
    free(timer);
}

static inline void loop_expire(struct net_loop *loop)
{
    struct net_timer *timer = loop->timer;
    loop->timer = NULL;
    loop->timers--;
    timer->on_expiry(timer->data);
    free(timer);
}

/* Delivers one message, waiting for it; false when none came. */
static inline bool loop_turn(struct net_loop *loop)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WORLD_WAIT_S;
    (void)pthread_mutex_lock(&loop->mutex);
    int error = 0;
    while (loop->first == NULL && error == 0)
        error = pthread_cond_timedwait(&loop->arrived, &loop->mutex, &until);
    struct net_loop_message *message = loop->first;
    if (message != NULL) {
        loop->first = message->next;
        if (loop->first == NULL)
            loop->last = &loop->first;
    }
    (void)pthread_mutex_unlock(&loop->mutex);
    if (message != NULL)
        message->on_arrival(message);
    return message != NULL;
}

static inline struct world *world_new(const char *prov_extra)
{
    struct net_loop *loop = gw_alloc(sizeof *loop);
    *loop = (struct net_loop){.now_ms = 1000000, .last = &loop->first};
    (void)pthread_mutex_init(&loop->mutex, NULL);
    (void)pthread_cond_init(&loop->arrived, NULL);
    return world_open(prov_extra, loop);
}

static inline void world_free(struct world *w)
{
    struct net_loop *loop = w->loop;
    world_close(w);
    while (loop->first != NULL) /* as net_loop_free does */
        (void)loop_turn(loop);
    (void)pthread_cond_destroy(&loop->arrived);
    (void)pthread_mutex_destroy(&loop->mutex);
    free(loop);
}

/* ---- calls ---- */

static inline void call_add_field(struct call *call, const char *name, struct gw_str value)
{
    size_t at = call->x.request.field_count++;
    assert_true(at < WORLD_FIELDS_MAX);
    call->fields[at] = (struct http_field){gw_str_from(name), value};
}

/* A request with nothing but its line and its host. */
static inline struct call *call_new(struct world *w, const char *method, const char *target, struct gw_str body)
{
    static const struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr = {0x0100007f}};
    static uint64_t ids;
    struct call *call = gw_alloc(sizeof *call);
    struct http_request *request = &call->x.request;
    call->x.loop = w->loop;
    call->x.id = ++ids;
    call->peer = (const struct sockaddr *)(const void *)&peer;
    call->sent_body = body;
    request->method = gw_str_from(method);
    request->is_head = strcmp(method, "HEAD") == 0;
    request->target = gw_str_from(target);
    request->query = request->target;
    request->path = gw_str_split(&request->query, '?');
    request->authority = GW_STR("prov.test");
    request->fields = call->fields;
    request->version = 11;
    request->tls = true;
    request->local_port = 8443;
    request->body_kind = body.ptr != NULL ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
    request->body_length = body.len;
    return call;
}

static inline void call_authorize(struct world *w, struct call *call)
{
    call_add_field(call, "Authorization", gw_arena_printf(&w->arena, "Bearer %.*s", GW_STR_ARG(w->secret)));
}

static inline void call_start(struct world *w, struct call *call)
{
    prov_http_face.on_request(&call->x, &w->listener);
}

/* One of the timers: what waits for its next turn goes on. */
static inline void timer_expire(struct net_timer *timer)
{
    if (timer->loop->timer == timer)
        timer->loop->timer = NULL;
    timer->loop->timers--;
    timer->on_expiry(timer->data);
    free(timer);
}

static inline bool call_takes_turns(const struct call *call)
{
    const struct prov_request *r = call->x.face_state;
    return r != NULL && r->turn != NULL;
}

static inline void call_wait(struct world *w, struct call *call)
{
    while (call->status == 0) {
        if (call_takes_turns(call))
            timer_expire(((struct prov_request *)call->x.face_state)->turn);
        else
            assert_true(loop_turn(w->loop));
    }
}

static inline void call_free(struct world *w, struct call *call)
{
    prov_http_face.on_end(&call->x, &w->listener);
    gw_arena_done(&call->x.arena);
    free(call);
}

/* Sends a request as Okta does and waits for the answer. The world keeps the call until its end: see `calls_free`. */
static inline struct call *send_body(struct world *w, const char *method, const char *target, const char *body)
{
    struct call *call = call_new(w, method, target, gw_str_from(body));
    call_authorize(w, call);
    if (body != NULL)
        call_add_field(call, "Content-Type", GW_STR("application/scim+json; charset=utf-8"));
    call_start(w, call);
    call_wait(w, call);
    return call;
}

static inline struct call *get(struct world *w, const char *target)
{
    return send_body(w, "GET", target, NULL);
}

static inline struct gw_str call_field(const struct call *call, const char *name)
{
    return http_field_find(call->answer_fields, call->answer_field_count, gw_str_from(name));
}

/* ---- looking into answers ---- */

/* "Resources.0.userName"; a name in a path may not hold a dot. NULL when there is nothing. */
static inline const struct json_value *json_at(const struct json_value *value, const char *path)
{
    struct gw_str rest = gw_str_from(path);
    while (rest.ptr != NULL && value != NULL) {
        struct gw_str name = gw_str_split(&rest, '.');
        uint64_t index = 0;
        if (value->type == JSON_ARRAY)
            value =
                gw_str_to_u64(name, UINT32_MAX, &index) && index < json_count(value) ? value->array.items[index] : NULL;
        else
            value = json_object_get(value, name);
    }
    return value;
}

/* The value as text: strings bare, everything else as JSON; "" when there is nothing. */
static inline struct gw_str call_text(struct call *call, const char *path)
{
    const struct json_value *value = json_at(call->json, path);
    if (value == NULL)
        return GW_STR("");
    return value->type == JSON_STRING ? value->text : json_text(&call->x.arena, value);
}

#define assert_status(call, expected)                                                                                  \
    do {                                                                                                               \
        if ((call)->status != (expected))                                                                              \
            fail_msg("%d instead of %d: %.*s", (call)->status, (expected), GW_STR_ARG((call)->text));                  \
    } while (0)
#define assert_at(call, path, literal) assert_str_equal(call_text((call), (path)), (literal))

/* RFC 7644 section 3.12: status is a string. */
#define assert_error(call, expected_status, expected_type)                                                             \
    do {                                                                                                               \
        assert_status(call, expected_status);                                                                          \
        assert_at(call, "schemas.0", "urn:ietf:params:scim:api:messages:2.0:Error");                                   \
        assert_int_equal(json_at((call)->json, "status")->type, JSON_STRING);                                          \
        assert_at(call, "status", #expected_status);                                                                   \
        assert_at(call, "scimType", expected_type);                                                                    \
        assert_true(call_text((call), "detail").len > 0);                                                              \
        assert_str_equal(call_field((call), "Content-Type"), "application/scim+json");                                 \
    } while (0)

/* The body of POST as Okta makes it. */
static inline struct gw_str user_body(struct world *w, const char *user_name)
{
    return gw_arena_printf(
        &w->arena,
        "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"%s\",\"name\":{\"givenName\":"
        "\"Test\",\"familyName\":\"User\"},\"emails\":[{\"primary\":true,\"value\":\"%s\",\"type\":\"work\"}],"
        "\"displayName\":\"Test User\",\"locale\":\"en-US\",\"externalId\":\"ext-%s\",\"groups\":[],"
        "\"password\":\"1mz050nq\",\"active\":true}",
        user_name, user_name, user_name);
}

/* Makes a user; returns its id in the world's arena. */
static inline struct gw_str create_user(struct world *w, const char *user_name)
{
    struct call *call = send_body(w, "POST", "/scim/v2/Users", user_body(w, user_name).ptr);
    assert_status(call, 201);
    struct gw_str id = gw_arena_copy(&w->arena, call_text(call, "id"));
    assert_true(id.len > 0);
    call_free(w, call);
    return id;
}

/* Makes PREFIX0000@okta.local and so on, in that order, all under way at once so that they share commits. */
static inline void create_users(struct world *w, const char *prefix, size_t count)
{
    struct call **calls = gw_arena_array(&w->arena, count, sizeof calls[0]);
    for (size_t i = 0; i < count; i++) {
        struct gw_str name = gw_arena_printf(&w->arena, "%s%04zu@okta.local", prefix, i);
        calls[i] = call_new(w, "POST", "/scim/v2/Users", user_body(w, name.ptr));
        call_authorize(w, calls[i]);
        call_start(w, calls[i]);
    }
    for (size_t i = 0; i < count; i++) {
        call_wait(w, calls[i]);
        assert_status(calls[i], 201);
        call_free(w, calls[i]);
    }
}

static inline struct gw_str user_path(struct world *w, struct gw_str id)
{
    return gw_arena_printf(&w->arena, "/scim/v2/Users/%.*s", GW_STR_ARG(id));
}
