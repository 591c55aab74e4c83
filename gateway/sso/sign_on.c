#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/sso/exempt.h"
#include "gateway/sso/form.h"
#include "gateway/sso/path_reading.h"
#include "gateway/sso/role.h"
#include "gateway/sso/sign_on_private.h"

static bool is_observed(const struct sso_sign_on *on)
{
    return on->gate->config->gate == CONFIG_GATE_OBSERVE;
}

/* As any other request, which binds nothing. */
static void pass_on(struct sso_request *rq)
{
    if (sso_request_admit(rq) && sso_role_admit(rq))
        sso_request_forward(rq);
}

/* Something about the sign-on is wrong. gate: observe lets it go on as an ordinary request that binds nothing. */
static void fail(struct sso_request *rq, enum sso_refusal refusal, const char *why)
{
    struct sso_sign_on *on = rq->sign_on;
    gw_metric_add(on->gate->kind->invalid, 1);
    if (!is_observed(on)) {
        sso_request_refuse(rq, refusal, why);
        return;
    }
    gw_metric_add(GW_METRIC_SAML_OBSERVED_INVALID, 1);
    gw_log(GW_LOG_WARN, "sign-on-observed", "app=%.*s gate=%s would_be=%s reason=\"%s\"", GW_STR_ARG(rq->app->name),
           on->gate->kind->name, sso_refusal_name(refusal), why != NULL ? why : "");
    pass_on(rq);
}

/* Two assertions are one when issuer and id are: that is what an identity provider promises to use once. */
static struct gw_sha256 mark_of(const struct sso_request *rq, const struct saml_assertion *assertion)
{
    const struct gw_str parts[] = {GW_STR("assertion"), assertion->issuer, assertion->assertion_id};
    return gw_hmac_parts(store_session_key(rq->face->shared->store), parts, 3);
}

/* What the store says of the assertion and its subject, in one snapshot that begins after the mark was taken. */
struct finding {
    bool is_marked;
    bool is_two;
    bool is_gone; /* deleted, and not provisioned again */
    uint64_t user_seq;
    struct store_user_state state;
};

static enum gw_code find(const struct sso_request *rq, struct store_reader *reader, struct finding *ret_finding)
{
    const struct sso_sign_on *on = rq->sign_on;
    struct gw_error err;
    GW_TRY(store_replay_is_marked(reader, &on->mark, &ret_finding->is_marked));
    enum gw_code code = store_join_find(reader, &on->join, &ret_finding->user_seq, &err);
    ret_finding->is_two = code == GW_E_CONFLICT;
    ret_finding->is_gone = code == GW_E_FORBIDDEN;
    if (ret_finding->is_two || ret_finding->is_gone)
        return GW_OK;
    if (code != GW_OK)
        return code;
    if (ret_finding->user_seq == 0)
        return GW_OK;
    return store_user_state_get(reader, on->join.folder, ret_finding->user_seq, &ret_finding->state);
}

static enum gw_code find_in_snapshot(struct sso_request *rq, struct finding *ret_finding)
{
    *ret_finding = (struct finding){.user_seq = 0};
    struct gw_error err;
    GW_TRY(store_reader_begin(rq->face->reader, &err));
    enum gw_code code = find(rq, rq->face->reader, ret_finding);
    store_reader_end(rq->face->reader);
    return code;
}

static void refuse_user(struct sso_request *rq, enum sso_refusal refusal, uint64_t user_seq, const char *why)
{
    gw_metric_add(GW_METRIC_SSO_SIGN_ONS_REFUSED, 1);
    sso_note_sign_on_refusal(rq, user_seq, rq->sign_on->join.value, sso_refusal_name(refusal));
    sso_request_refuse(rq, refusal, why);
}

static bool user_is_allowed(const struct sso_request *rq, const struct store_user_state *state)
{
    bool is_in = (state->flags & STORE_USER_ACTIVE) != 0 && (state->flags & STORE_USER_LOCKED) == 0;
    return is_in || sso_guard_is_off(rq->app) || rq->app->config->sso.deactivated == CONFIG_DEACTIVATED_REPORT;
}

/* From here on a deactivation of that user cuts the exchange. */
static void go_on(struct sso_request *rq, const struct finding *finding)
{
    struct sso_sign_on *on = rq->sign_on;
    on->is_vouched = true;
    on->user_seq = finding->user_seq;
    on->generation = finding->state.generation;
    if (on->user_seq != 0 && rq->app->config->sso.deactivated == CONFIG_DEACTIVATED_REFUSE)
        sso_live_add(&rq->face->live, &rq->live, on->join.folder, on->user_seq, on->generation);
    sso_sign_on_mark(rq);
    sso_request_forward(rq);
}

/* The subject is verified: may this person in? */
static void decide(struct sso_request *rq, const struct finding *finding)
{
    if (finding->is_marked) {
        gw_metric_add(GW_METRIC_SAML_REPLAYED, 1);
        fail(rq, SSO_REFUSAL_REPLAYED, "the assertion was used before");
    } else if (finding->is_two) {
        refuse_user(rq, SSO_REFUSAL_NO_USER, 0, "two users match");
    } else if (finding->is_gone && !user_is_allowed(rq, &finding->state)) {
        refuse_user(rq, SSO_REFUSAL_INACTIVE, 0, "the user was deleted");
    } else if (finding->user_seq != 0 && !user_is_allowed(rq, &finding->state) &&
               !sso_user_is_exempt(rq, finding->user_seq)) {
        refuse_user(rq, SSO_REFUSAL_INACTIVE, finding->user_seq, "the user is inactive or locked");
    } else if (finding->user_seq == 0 && rq->app->config->sso.unknown == CONFIG_UNKNOWN_REFUSE) {
        refuse_user(rq, SSO_REFUSAL_NO_USER, 0, "nobody matches");
    } else {
        go_on(rq, finding);
    }
}

static void vouched(struct sso_request *rq)
{
    struct sso_sign_on *on = rq->sign_on;
    on->mark = mark_of(rq, &on->assertion);
    on->forget_after_ms = on->assertion.not_on_or_after_ms;
    sso_join_fill(on->gate->config, rq->app->folder, &on->assertion, &on->join);
    if (!sso_replay_take(rq->face->shared->replay, &on->mark, gw_clock_wall_ms(), on->forget_after_ms)) {
        gw_metric_add(GW_METRIC_SAML_REPLAYED, 1);
        fail(rq, SSO_REFUSAL_REPLAYED, "the assertion is being used");
        return;
    }
    on->is_marked = true;
    struct finding finding;
    enum gw_code code = find_in_snapshot(rq, &finding);
    if (code == GW_OK) {
        decide(rq, &finding);
        return;
    }
    gw_metric_add(GW_METRIC_SSO_UNDECIDED, 1);
    gw_log(GW_LOG_ERROR, "undecided", "app=%.*s at=sign-on code=%s", GW_STR_ARG(rq->app->name), gw_code_name(code));
    finding = (struct finding){.user_seq = 0};
    if (rq->app->config->sso.undecided == CONFIG_UNDECIDED_REFUSE)
        sso_request_refuse(rq, SSO_REFUSAL_UNDECIDED, "the store could not be read");
    else
        go_on(rq, &finding);
}

static void check(struct sso_request *rq);

static void on_turn(void *data)
{
    struct sso_request *rq = data;
    rq->sign_on->timer = NULL;
    if (!rq->is_answered)
        check(rq);
}

static void check(struct sso_request *rq)
{
    struct sso_sign_on *on = rq->sign_on;
    struct gw_error err = {.text = ""};
    struct sso_gate_result result = {.refusal = SSO_REFUSAL_UNKNOWN_KEY};
    switch (on->gate->kind->check(on->gate, &rq->x->arena, rq->x->body, gw_clock_wall_ms(), &result, &err)) {
    case SSO_GATE_VOUCHED:
        on->assertion = result.assertion;
        vouched(rq);
        break;
    case SSO_GATE_ORDINARY:
        pass_on(rq);
        break;
    case SSO_GATE_WAITS:
        if (on->turns++ < SSO_SIGN_ON_TURNS_MAX) {
            on->timer = net_timer_start(rq->face->loop, SSO_SIGN_ON_TURN_MS, on_turn, rq);
            break;
        }
        result.refusal = SSO_REFUSAL_UNKNOWN_KEY;
        fail(rq, result.refusal, err.text);
        break;
    case SSO_GATE_REFUSED:
        fail(rq, result.refusal, err.text);
        break;
    }
}

static void on_body(struct http_exchange *x, enum gw_code code, void *data)
{
    (void)x;
    struct sso_request *rq = data;
    if (rq->is_answered)
        return;
    if (code != GW_OK) {
        gw_metric_add(rq->sign_on->gate->kind->invalid, 1);
        sso_request_refuse(rq, SSO_REFUSAL_TOO_LARGE, NULL);
        return;
    }
    check(rq);
}

/* Can be said from the head alone. */
static enum gw_code check_head(const struct sso_gate *gate, const struct http_request *request, struct gw_error *err)
{
    struct gw_str types[HTTP_FIELDS_MAX];
    struct gw_str encodings[HTTP_FIELDS_MAX];
    struct sso_form_head head = {.content_types = types, .content_encodings = encodings};
    head.content_type_count = http_field_values(request->fields, request->field_count, GW_STR("Content-Type"), types);
    head.content_encoding_count =
        http_field_values(request->fields, request->field_count, GW_STR("Content-Encoding"), encodings);
    if (gate->kind->query_names(request->query))
        return gw_fail(err, GW_E_BAD_REQUEST, "the query names a parameter of the form");
    if (gate->kind->query_has_answer != NULL && gate->kind->query_has_answer(request->query))
        return gw_fail(err, GW_E_BAD_REQUEST, "the query of a form brings a code or a token");
    if (request->body_kind == HTTP_BODY_LENGTH && request->body_length > SSO_FORM_BYTES_MAX)
        return gw_fail(err, GW_E_TOO_LARGE, "the body is larger than %u bytes", SSO_FORM_BYTES_MAX);
    return sso_form_check_head(&head, err);
}

/* A header or a probe tells who it is, however the sign-on came. */
static bool app_says_who(const struct config_sso_face *config)
{
    bool says = false;
    for (size_t i = 0; i < config->identity_count; i++)
        says |=
            config->identities[i].kind == CONFIG_IDENTITY_HEADER || config->identities[i].kind == CONFIG_IDENTITY_PROBE;
    return says;
}

/* A request that comes near an ACS but is not a POST to it: harmless only when it can carry no response. */
static bool is_harmless(const struct sso_app *app, const struct sso_gate *gate, const struct http_request *request)
{
    bool has_answer = gate->kind->query_has_answer != NULL && gate->kind->query_has_answer(request->query);
    if (has_answer && !app_says_who(&app->config->sso))
        return false;
    bool reads = gw_str_eq(request->method, GW_STR("GET")) || gw_str_eq(request->method, GW_STR("HEAD")) ||
                 gw_str_eq(request->method, GW_STR("OPTIONS"));
    return reads && request->body_kind == HTTP_BODY_NONE && !gate->kind->query_names(request->query);
}

/* The identity whose ACS any app could read in this path; *ret_exact when it is that path byte for byte. */
static const struct sso_gate *gate_find(const struct sso_app *app, struct gw_str path, bool *ret_exact)
{
    const struct sso_gate *near = NULL;
    for (size_t i = 0; i < app->gate_count; i++) {
        const struct config_saml *config = app->gates[i].config;
        for (size_t k = 0; k < config->acs_count; k++) {
            struct gw_str acs = gw_str_from(config->acs[k]);
            *ret_exact = gw_str_eq(path, acs);
            if (*ret_exact)
                return &app->gates[i];
            if (near == NULL && sso_path_equals_any_reading(path, acs))
                near = &app->gates[i];
        }
    }
    return near;
}

bool sso_sign_on_take(struct sso_request *rq)
{
    struct http_exchange *x = rq->x;
    bool exact = false;
    const struct sso_gate *gate = gate_find(rq->app, x->request.path, &exact);
    if (gate == NULL)
        return false;
    bool posts = exact && gw_str_eq(x->request.method, GW_STR("POST"));
    if (!posts && is_harmless(rq->app, gate, &x->request))
        return false;
    rq->sign_on = gw_arena_alloc(&x->arena, sizeof *rq->sign_on);
    rq->sign_on->gate = gate;
    struct gw_error err = {.text = ""};
    if (!posts) {
        fail(rq, SSO_REFUSAL_ACS_REQUEST, "another spelling of the ACS path, or another way to it");
        return true;
    }
    enum gw_code code = check_head(gate, &x->request, &err);
    if (code == GW_OK)
        http_exchange_collect(x, SSO_FORM_BYTES_MAX, on_body, rq);
    else
        fail(rq, code == GW_E_TOO_LARGE ? SSO_REFUSAL_TOO_LARGE : SSO_REFUSAL_ACS_REQUEST, err.text);
    return true;
}
