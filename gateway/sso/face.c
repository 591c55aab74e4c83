#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/sso/access.h"
#include "gateway/sso/answer.h"
#include "gateway/sso/exempt.h"
#include "gateway/sso/header.h"
#include "gateway/sso/probe.h"
#include "gateway/sso/role.h"
#include "gateway/sso/servers.h"
#include "gateway/sso/sign_on.h"

#include <stdlib.h>

static const enum gw_app_count failure_counts[] = {
#define XX(constant, word) [HTTP_FAILURE_##constant] = GW_APP_FAILED_##constant,
    HTTP_FAILURE_MAP(XX)
#undef XX
};

#define TICK_MS 100 /* semantics.md 2: a draining old process hears of revocations by polling alone */

/* ---- the path of a request: named steps; one that returns false has dealt with it ---- */

static bool step_route(struct sso_request *rq)
{
    const struct http_request *request = &rq->x->request;
    size_t app = sso_route_find(&rq->face->shared->routes, request->authority, request->local_port, request->tls);
    if (app != SSO_ROUTE_NONE)
        rq->app = &rq->face->shared->apps[app];
    if (app == SSO_ROUTE_NONE) {
        sso_request_refuse(rq, SSO_REFUSAL_HOST, NULL);
        return false;
    }
    return true;
}

/* Only finds out. A sign-on may carry a dead session: it is what replaces it. An unclear cookie stops even that. */
static bool step_guard(struct sso_request *rq)
{
    sso_request_guard(rq);
    return rq->guard.verdict != SSO_GUARD_AMBIGUOUS || sso_request_admit(rq);
}

static bool step_sign_on(struct sso_request *rq)
{
    return !sso_sign_on_take(rq);
}

static bool step_forward(struct sso_request *rq)
{
    sso_request_forward(rq);
    return false;
}

static bool step_probe(struct sso_request *rq)
{
    sso_probe_request(rq);
    return true;
}

typedef bool (*step_fn)(struct sso_request *rq);
static const step_fn steps[] = {step_route,        step_guard,     step_sign_on, step_probe,
                                sso_request_admit, sso_role_admit, step_forward};

static void on_request(struct http_exchange *x, void *data)
{
    struct sso_request *rq = gw_arena_alloc(&x->arena, sizeof *rq);
    rq->face = data;
    rq->x = x;
    x->face_state = rq;
    gw_metric_add(GW_METRIC_SSO_REQUESTS, 1);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (!steps[i](rq))
            return;
    }
}

static void on_answer_head(struct http_exchange *x, void *data)
{
    (void)data;
    struct sso_request *rq = x->face_state;
    rq->answer_ms = net_loop_now_ms(rq->face->loop);
    struct store_session_digest sessions[STORE_SIGN_ON_SESSIONS_MAX];
    struct gw_str user_name = sso_header_user(rq);
    sso_forward_answer(&rq->app->forward, &x->answer);
    size_t count = sso_answer_sessions(rq, sessions);
    sso_affinity_note(rq, sessions, count);
    if (sso_sign_on_take_answer(rq, sessions, count))
        return;
    enum sso_identified identified = sso_header_take_answer(rq, user_name, sessions, count);
    if (identified == SSO_IDENTIFIED_ANSWERED)
        return;
    if (identified == SSO_IDENTIFIED_NOTHING && sso_probe_take_answer(rq, sessions, count))
        return;
    if (identified == SSO_IDENTIFIED_NOTHING)
        sso_answer_note(rq, sessions, count);
    sso_answer_note_logout(rq);
    http_exchange_pass(x);
}

/* Once for each request that was lost by it, also when the answer had begun. What we lacked ourselves is another event:
 * there is nothing to look for at the app. */
static void note_failure(struct sso_request *rq)
{
    const struct http_exchange *x = rq->x;
    if (x->failure == HTTP_FAILURE_NONE || rq->app == NULL)
        return;
    bool is_own = x->failure == HTTP_FAILURE_OWN;
    rq->failed_why = http_failure_word(x->failure);
    gw_app_add(rq->app->counts, failure_counts[x->failure], 1);
    gw_log(is_own ? GW_LOG_ERROR : GW_LOG_WARN, is_own ? "no-resources" : "upstream",
           "app=%.*s server=%.*s id=%.*s reason=%s detail=\"%.*s\"", GW_STR_ARG(rq->app->name),
           GW_STR_ARG(x->failed_server), GW_STR_ARG(sso_request_reference(rq)), rq->failed_why,
           GW_STR_ARG(x->failure_detail));
}

static void on_end(struct http_exchange *x, void *data)
{
    (void)data;
    struct sso_request *rq = x->face_state;
    if (rq == NULL)
        return;
    sso_live_remove(&rq->face->live, &rq->live);
    sso_probe_leave(rq);
    sso_role_leave(rq);
    sso_sign_on_end(rq);
    note_failure(rq);
    sso_access_log(rq);
    x->face_state = NULL;
}

static void on_error_body(struct http_exchange *x, enum gw_code code, const char *text, struct gw_buf *body,
                          const char **ret_content_type, void *data)
{
    (void)data;
    int status = gw_code_status(code);
    struct sso_request *rq = x != NULL ? x->face_state : NULL;
    bool json = x != NULL && sso_request_wants_json(&x->request);
    bool is_upstream = x != NULL && x->failure != HTTP_FAILURE_NONE;
    if (!is_upstream || x->failure != HTTP_FAILURE_OWN)
        gw_metric_add(status >= 500 ? GW_METRIC_UPSTREAM_ERRORS : GW_METRIC_HTTP_REFUSED, 1);
    if (rq != NULL)
        rq->failed_why = is_upstream ? http_failure_word(x->failure) : gw_code_name(code);
    /* What is wrong with a request is the sender's to know; what is wrong behind us is not. */
    const char *sentence = status < 500 && text != NULL ? text : gw_code_text(code);
    if (rq != NULL && status >= 500 && !is_upstream)
        gw_log(GW_LOG_WARN, "failed", "app=%.*s id=%.*s code=%s reason=\"%s\"",
               GW_STR_ARG(rq->app != NULL ? rq->app->name : GW_STR_NONE), GW_STR_ARG(sso_request_reference(rq)),
               gw_code_name(code), text != NULL ? text : "");
    *ret_content_type = json ? "application/json" : "text/html; charset=utf-8";
    sso_error_write(body, status, json, gw_str_from(sentence), rq != NULL ? sso_request_reference(rq) : GW_STR_NONE);
}

const struct http_face sso_http_face = {
    .on_request = on_request, .on_answer_head = on_answer_head, .on_end = on_end, .on_error_body = on_error_body};

/* ---- the cut ---- */

static struct sso_request *request_of(struct sso_live_entry *entry)
{
    return (struct sso_request *)(void *)((char *)entry - offsetof(struct sso_request, live));
}

/* Whom nothing was sent yet, and who waits for us and not for the app, can be told why. */
static void on_older(struct sso_live_entry *entry, void *data)
{
    (void)data;
    struct sso_request *rq = request_of(entry);
    if (sso_guard_is_off(rq->app) || sso_user_is_exempt(rq, entry->user_seq))
        return;
    gw_metric_add(GW_METRIC_SSO_CUT, 1);
    sso_live_remove(&rq->face->live, entry);
    rq->refused_why = "revoked";
    if (!http_exchange_answer_has_begun(rq->x) && (!rq->was_forwarded || sso_sign_on_is_waiting(rq)))
        sso_request_refuse(rq, SSO_REFUSAL_INACTIVE, "cut");
    else
        http_exchange_cut(rq->x);
}

#define CUT_BATCH 256u

struct revoked {
    struct store_revocation list[CUT_BATCH];
    size_t count;
};

static void on_revocation(const struct store_revocation *revocation, void *data)
{
    struct revoked *revoked = data;
    if (revoked->count < CUT_BATCH)
        revoked->list[revoked->count] = *revocation;
    revoked->count++;
}

static void mark_dead(struct sso_live_entry *entry, void *data)
{
    struct sso_face *face = data;
    struct store_user_state state;
    enum gw_code code = store_user_state_get(face->reader, entry->folder, entry->user_seq, &state);
    entry->is_dead = code == GW_E_NOT_FOUND || (code == GW_OK && state.generation != entry->generation);
}

static void cut_marked(struct sso_live_entry *entry, void *data)
{
    if (entry->is_dead)
        on_older(entry, data);
}

/* In the snapshot that said so: the log does not go back to where this face stands, so the users themselves are asked.
 */
static enum gw_code mark_all(struct sso_face *face)
{
    GW_TRY(store_revocations_last(face->reader, &face->revocation_seq));
    sso_live_each(&face->live, mark_dead, face);
    return GW_OK;
}

/* Reads first, cuts after: ending an exchange may begin the next request of its connection, which reads too. */
static bool cut_batch(struct sso_face *face)
{
    struct gw_error err;
    struct revoked revoked;
    revoked.count = 0;
    bool is_gap = false;
    enum gw_code code = store_reader_begin(face->reader, &err);
    if (code == GW_OK) {
        code = store_revocations_after(face->reader, face->revocation_seq, on_revocation, &revoked);
        is_gap = code == GW_E_STALE;
        if (is_gap)
            code = mark_all(face);
        store_reader_end(face->reader);
    }
    if (code != GW_OK)
        gw_log(GW_LOG_ERROR, "cut", "code=%s", gw_code_name(code));
    if (is_gap) {
        if (code == GW_OK)
            sso_live_each(&face->live, cut_marked, NULL);
        return false;
    }
    size_t count = revoked.count < CUT_BATCH ? revoked.count : CUT_BATCH;
    for (size_t i = 0; i < count; i++) {
        const struct store_revocation *one = &revoked.list[i];
        face->revocation_seq = one->seq;
        sso_live_each_older(&face->live, one->folder, one->user_seq, one->generation, on_older, NULL);
    }
    return revoked.count > CUT_BATCH;
}

void sso_face_cut_revoked(struct sso_face *face)
{
    while (cut_batch(face))
        continue;
}

/* A guard that rested is back: what it let pass meanwhile is looked at again. */
static void obey_return(struct sso_face *face)
{
    uint32_t returns = atomic_load(&face->shared->guard_returns);
    struct gw_error err;
    if (returns == face->guard_returns || store_reader_begin(face->reader, &err) != GW_OK)
        return;
    sso_live_each(&face->live, mark_dead, face);
    store_reader_end(face->reader);
    sso_live_each(&face->live, cut_marked, NULL);
    face->guard_returns = returns;
}

static void on_tick(void *data)
{
    struct sso_face *face = data;
    int64_t now_ms = net_loop_now_ms(face->loop);
    sso_face_cut_revoked(face);
    obey_return(face);
    sso_role_tick(face);
    sso_jobs_tick(face, now_ms);
    sso_answer_tick(face, now_ms);
}

void sso_face_flush(struct sso_face *face)
{
    sso_jobs_flush(&face->jobs);
    sso_answer_flush(face);
}

/* ---- start and stop ---- */

static enum gw_code face_prepare(struct sso_face *face, struct gw_error *err)
{
    const struct sso_shared *shared = face->shared;
    GW_TRY(store_reader_new(shared->store, &face->reader, err));
    GW_TRY(store_reader_begin(face->reader, err));
    enum gw_code code = store_revocations_last(face->reader, &face->revocation_seq);
    store_reader_end(face->reader);
    if (code != GW_OK)
        return gw_fail(err, code, "the revocation log could not be read");
    face->upstreams = gw_alloc((shared->config->app_count + 1) * sizeof *face->upstreams);
    for (size_t i = 0; i < shared->config->app_count; i++) {
        if (shared->apps[i].config->sso.is_present)
            GW_TRY(sso_upstream_new(face->loop, &shared->apps[i], &face->upstreams[i], err));
    }
    net_loop_every(face->loop, TICK_MS, on_tick, face);
    return GW_OK;
}

enum gw_code sso_face_new(struct sso_shared *shared, struct net_loop *loop, struct sso_face **ret_face,
                          struct gw_error *err)
{
    struct sso_face *face = gw_alloc(sizeof *face);
    face->shared = shared;
    face->loop = loop;
    net_link_init(&face->guarded);
    enum gw_code code = face_prepare(face, err);
    if (code != GW_OK) {
        sso_face_free(face);
        return code;
    }
    *ret_face = face;
    return GW_OK;
}

void sso_face_free(struct sso_face *face)
{
    if (face == NULL)
        return;
    sso_jobs_done(&face->jobs);
    sso_probes_done(face);
    for (size_t i = 0; face->upstreams != NULL && i < face->shared->config->app_count; i++) {
        if (face->upstreams[i] != NULL)
            http_upstream_free(face->upstreams[i]);
    }
    free(face->upstreams);
    store_reader_free(face->reader);
    free(face);
}
