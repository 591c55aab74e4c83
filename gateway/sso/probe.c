#include "gateway/sso/probe.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/http/fetch.h"
#include "gateway/json/parse.h"
#include "gateway/json/pointer.h"
#include "gateway/sso/answer.h"
#include "gateway/sso/claim.h"
#include "gateway/sso/exempt.h"
#include "gateway/sso/header.h"
#include "gateway/sso/next_cookies.h"
#include "gateway/sso/path_reading.h"
#include "gateway/sso/servers.h"

#include <stdlib.h>

#define ANSWER_LIMITS                                                                                                  \
    ((struct json_limits){.depth = 24,                                                                                 \
                          .values = 10000,                                                                             \
                          .members = 1000,                                                                             \
                          .string_bytes = SSO_PROBE_ANSWER_BYTES_MAX,                                                  \
                          .number_bytes = 64})

struct sso_probe {
    struct sso_face *face;
    const struct sso_app *app;
    const struct config_probe *config;
    struct http_fetch *fetch;
    struct store_session_digest sessions[STORE_SIGN_ON_SESSIONS_MAX]; /* the first says which session it is about */
    size_t session_count;
    struct sso_request *requests; /* of that session, under way; one only when it is held */
    bool holds_answer;
    struct sso_probe *next, **link;
};

/* ---- which requests wait for or go with a probe ---- */

static void join(struct sso_probe *probe, struct sso_request *rq)
{
    rq->probe = probe;
    rq->probe_next = probe->requests;
    probe->requests = rq;
}

void sso_probe_leave(struct sso_request *rq)
{
    if (rq->probe == NULL)
        return;
    struct sso_request **at = &rq->probe->requests;
    while (*at != rq)
        at = &(*at)->probe_next;
    *at = rq->probe_next;
    rq->probe = NULL;
}

static void probe_free(struct sso_probe *probe)
{
    while (probe->requests != NULL)
        sso_probe_leave(probe->requests);
    *probe->link = probe->next;
    if (probe->next != NULL)
        probe->next->link = probe->link;
    probe->face->probe_count--;
    free(probe);
}

void sso_probes_done(struct sso_face *face)
{
    while (face->probes != NULL) {
        http_fetch_cancel(face->probes->fetch);
        probe_free(face->probes);
    }
}

/* ---- what the app said ---- */

enum said { SAID_USER, SAID_NOBODY, SAID_NOTHING };

static enum said said_in(const struct sso_probe *probe, struct gw_str body, struct gw_arena *arena,
                         struct gw_str *ret_user)
{
    struct json_limits limits = ANSWER_LIMITS;
    struct json_value *root;
    struct gw_error err;
    if (json_parse(arena, body, &limits, &root, &err) != GW_OK)
        return SAID_NOTHING;
    const struct json_value *value = json_pointer_get(root, gw_str_from(probe->config->user_name));
    if (value == NULL || json_is(value, JSON_NULL) || (json_is(value, JSON_STRING) && value->text.len == 0))
        return SAID_NOBODY;
    if (!json_is(value, JSON_STRING) || !sso_claim_names_a_user(value->text))
        return SAID_NOTHING;
    *ret_user = value->text;
    return SAID_USER;
}

/* A page of a login (a redirect, 401, 403, 404) is nobody's; a server's own trouble says nothing. */
static enum said said_by(const struct sso_probe *probe, const struct http_fetch_result *result, struct gw_arena *arena,
                         struct gw_str *ret_user)
{
    if (result->code != GW_OK || result->status >= 500 || result->status == 429)
        return SAID_NOTHING;
    return result->status == 200 ? said_in(probe, result->body, arena, ret_user) : SAID_NOBODY;
}

/* ---- what follows ---- */

static void remember(struct sso_probe *probe, int64_t time_ms)
{
    int64_t now_ms = net_loop_now_ms(probe->face->loop);
    struct sso_held_session asked = {
        .digest = probe->sessions[0], .kind = SSO_HELD_ASKED, .app = probe->app->index, .expires_ms = now_ms + time_ms};
    sso_held_put(probe->face->shared->probed, &asked);
}

static void pass(struct sso_request *rq, const struct store_session_digest *sessions, size_t count)
{
    sso_answer_note(rq, sessions, count);
    http_exchange_pass(rq->x);
}

static void held_goes_on(struct sso_probe *probe, struct sso_request *rq, enum said said, struct gw_str user)
{
    size_t set_count = rq->probe_set_count;
    sso_probe_leave(rq);
    if (said == SAID_NOBODY) {
        pass(rq, probe->sessions, set_count);
        return;
    }
    if (said == SAID_USER) {
        enum sso_identified identified = sso_identify(rq, user, probe->sessions, set_count);
        if (identified == SSO_IDENTIFIED_NOTHING)
            pass(rq, probe->sessions, set_count);
        else if (identified == SSO_IDENTIFIED_BOUND)
            http_exchange_pass(rq->x);
        return;
    }
    gw_metric_add(GW_METRIC_SSO_UNDECIDED, 1);
    gw_log(GW_LOG_ERROR, "undecided", "app=%.*s at=probe", GW_STR_ARG(rq->app->name));
    if (rq->app->config->sso.undecided == CONFIG_UNDECIDED_PASS)
        pass(rq, probe->sessions, set_count);
    else
        sso_request_refuse(rq, SSO_REFUSAL_UNDECIDED, "the app did not say who signed in");
}

static void user_is_out(struct sso_request *rq)
{
    gw_metric_add(GW_METRIC_SSO_CUT, 1);
    if (http_exchange_answer_has_begun(rq->x))
        http_exchange_cut(rq->x);
    else
        sso_request_refuse(rq, SSO_REFUSAL_INACTIVE, "the app named an inactive user");
}

/* The requests that went on meanwhile are that user's from here on. */
static void others_obey(struct sso_probe *probe, const struct sso_claim_finding *finding)
{
    bool refuses = probe->app->config->sso.deactivated == CONFIG_DEACTIVATED_REFUSE;
    bool is_out = finding->verdict == SSO_CLAIM_INACTIVE || finding->verdict == SSO_CLAIM_GONE;
    while (probe->requests != NULL) {
        struct sso_request *rq = probe->requests;
        sso_probe_leave(rq);
        if (finding->verdict == SSO_CLAIM_ALLOWED && rq->live.link == NULL)
            sso_request_tie(rq, probe->app->folder, finding->user_seq, finding->generation);
        else if (is_out && refuses && !sso_guard_is_off(rq->app) && !sso_user_is_exempt(rq, finding->user_seq))
            user_is_out(rq);
    }
}

static void session_is_users(struct sso_probe *probe, struct gw_str user)
{
    struct sso_claim claim = {
        .app = probe->app, .user_name = user, .sessions = probe->sessions, .session_count = probe->session_count};
    struct sso_claim_finding finding;
    sso_claim_check(probe->face, &claim, &finding);
    sso_claim_record(probe->face, &claim, &finding);
    others_obey(probe, &finding);
}

static void on_done(const struct http_fetch_result *result, void *data)
{
    struct sso_probe *probe = data;
    GW_ARENA_SCOPED(arena);
    struct gw_str user = GW_STR_NONE;
    enum said said = said_by(probe, result, &arena, &user);
    if (said == SAID_NOTHING) {
        gw_metric_add(GW_METRIC_SSO_PROBES_FAILED, 1);
        gw_log(GW_LOG_WARN, "probe-failed", "app=%.*s code=%s status=%d", GW_STR_ARG(probe->app->name),
               gw_code_name(result->code), result->status);
    }
    if (!probe->holds_answer)
        remember(probe, said == SAID_NOTHING ? SSO_PROBE_FAILED_MS : SSO_PROBE_NOBODY_MS);
    if (probe->holds_answer && probe->requests != NULL)
        held_goes_on(probe, probe->requests, said, user);
    else if (!probe->holds_answer && said == SAID_USER)
        session_is_users(probe, user);
    probe_free(probe);
}

/* ---- asking ---- */

static bool is_told(struct gw_str name)
{
    static const struct gw_str names[] = {GW_STR_INIT("Host"), GW_STR_INIT("User-Agent"),
                                          GW_STR_INIT("Accept-Language")};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (gw_str_eq_nocase(name, names[i]))
            return true;
    }
    return gw_str_starts_nocase(name, GW_STR("X-Forwarded-"));
}

/* As the user's own browser would ask, since some apps tie a session to address or browser. */
static size_t fields_fill(struct sso_request *rq, struct gw_str cookies, struct http_field **ret_fields)
{
    size_t all_count, count = 0;
    struct http_field *all = sso_request_fields(rq, &all_count);
    struct http_field *fields = gw_arena_array(&rq->x->arena, all_count + 2, sizeof *fields);
    for (size_t i = 0; i < all_count; i++) {
        if (is_told(all[i].name))
            fields[count++] = all[i];
    }
    fields[count++] = (struct http_field){GW_STR("Cookie"), cookies};
    fields[count++] = (struct http_field){GW_STR("Accept"), GW_STR("application/json")};
    *ret_fields = fields;
    return count;
}

static struct sso_probe *probe_start(struct sso_request *rq, const struct config_probe *config, struct gw_str cookies,
                                     int64_t time_ms)
{
    struct sso_face *face = rq->face;
    struct sso_probe *probe = gw_alloc(sizeof *probe);
    *probe = (struct sso_probe){.face = face, .app = rq->app, .config = config};
    probe->next = face->probes;
    probe->link = &face->probes;
    if (face->probes != NULL)
        face->probes->link = &probe->next;
    face->probes = probe;
    face->probe_count++;
    gw_metric_add(GW_METRIC_SSO_PROBES, 1);
    struct http_field *fields;
    size_t field_count = fields_fill(rq, cookies, &fields);
    struct http_fetch_order order = {.loop = face->loop,
                                     .upstream = face->upstreams[rq->app->index],
                                     .hint = sso_affinity_hint(rq),
                                     .target = gw_str_from(config->get),
                                     .fields = fields,
                                     .field_count = field_count,
                                     .body_bytes_max = SSO_PROBE_ANSWER_BYTES_MAX,
                                     .time_ms = time_ms,
                                     .on_done = on_done,
                                     .data = probe};
    probe->fetch = http_fetch_start(&order);
    join(probe, rq);
    return probe;
}

static void sessions_copy(struct sso_probe *probe, const struct store_session_digest *sessions, size_t count)
{
    for (size_t i = 0; i < count && i < STORE_SIGN_ON_SESSIONS_MAX; i++)
        probe->sessions[probe->session_count++] = sessions[i];
}

/* ---- a session that nobody knows ---- */

static const struct config_probe *probe_for_unbound(const struct config_sso_face *config)
{
    for (size_t i = 0; i < config->identity_count; i++) {
        const struct config_probe *probe = &config->identities[i].probe;
        for (size_t k = 0; config->identities[i].kind == CONFIG_IDENTITY_PROBE && k < probe->when_count; k++) {
            if (probe->when[k].unbound)
                return probe;
        }
    }
    return NULL;
}

static struct sso_probe *probe_of(const struct sso_face *face, const struct store_session_digest *session)
{
    struct sso_probe *probe = face->probes;
    while (probe != NULL &&
           (probe->holds_answer || !gw_secret_eq(&probe->sessions[0], session, sizeof probe->sessions[0])))
        probe = probe->next;
    return probe;
}

/* Nobody asks about this session, and nobody did lately: takes it. */
static bool take_session(const struct sso_request *rq, const struct store_session_digest *session)
{
    int64_t now_ms = net_loop_now_ms(rq->face->loop);
    struct sso_held_session asked = {
        .digest = *session, .kind = SSO_HELD_ASKED, .app = rq->app->index, .expires_ms = now_ms + SSO_PROBE_NOBODY_MS};
    struct sso_shared *shared = rq->face->shared;
    struct sso_held_session known;
    (void)pthread_mutex_lock(&shared->probed_lock);
    bool is_free = !sso_held_get(shared->probed, session, now_ms, &known);
    if (is_free)
        sso_held_put(shared->probed, &asked);
    (void)pthread_mutex_unlock(&shared->probed_lock);
    return is_free;
}

void sso_probe_request(struct sso_request *rq)
{
    const struct sso_guard *guard = &rq->guard;
    bool is_unknown = guard->verdict == SSO_GUARD_UNBOUND || guard->verdict == SSO_GUARD_ANONYMOUS;
    if (!is_unknown || guard->has_twins || guard->session_count == 0)
        return;
    const struct config_probe *config = probe_for_unbound(&rq->app->config->sso);
    if (config == NULL)
        return;
    const struct store_session_digest *session = &guard->sessions[0];
    struct sso_probe *probe = probe_of(rq->face, session);
    if (probe != NULL) {
        join(probe, rq);
        return;
    }
    if (rq->face->probe_count >= SSO_PROBES_MAX)
        return;
    struct gw_str cookies = sso_next_cookies(&rq->x->request, NULL, gw_clock_wall_ms(), &rq->x->arena);
    if (cookies.len == 0 || !take_session(rq, session))
        return;
    probe = probe_start(rq, config, cookies, SSO_PROBE_MS);
    sessions_copy(probe, guard->sessions, guard->session_count);
}

/* ---- the answer of a sign-on path ---- */

static const struct config_probe *probe_after(const struct sso_request *rq)
{
    const struct config_sso_face *config = &rq->app->config->sso;
    for (size_t i = 0; i < config->identity_count; i++) {
        const struct config_probe *probe = &config->identities[i].probe;
        for (size_t k = 0; config->identities[i].kind == CONFIG_IDENTITY_PROBE && k < probe->when_count; k++) {
            const char *after = probe->when[k].after;
            if (after != NULL && sso_path_equals_any_reading(rq->x->request.path, gw_str_from(after)))
                return probe;
        }
    }
    return NULL;
}

bool sso_probe_take_answer(struct sso_request *rq, const struct store_session_digest *sessions, size_t count)
{
    const struct sso_guard *guard = &rq->guard;
    bool may_keep_id = !guard->has_twins && guard->session_count > 0;
    if (rq->x->answer.status >= 400 || rq->x->answer.status < 200 || (count == 0 && !may_keep_id))
        return false;
    const struct config_probe *config = probe_after(rq);
    if (config == NULL)
        return false;
    struct gw_str cookies = sso_next_cookies(&rq->x->request, &rq->x->answer, gw_clock_wall_ms(), &rq->x->arena);
    if (cookies.len == 0)
        return false;
    sso_probe_leave(rq);
    struct sso_probe *probe = probe_start(rq, config, cookies, SSO_PROBE_AFTER_MS);
    probe->holds_answer = true;
    rq->probe_set_count = count;
    sessions_copy(probe, sessions, count);
    return true;
}
