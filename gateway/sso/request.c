#include "gateway/sso/request.h"

#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/sso/access.h"
#include "gateway/sso/exempt.h"
#include "gateway/sso/inject.h"
#include "gateway/sso/probe.h"
#include "gateway/sso/reauth.h"
#include "gateway/sso/refusal_counts.h"
#include "gateway/sso/role.h"
#include "gateway/sso/servers.h"
#include "gateway/sso/sign_on.h"

void sso_request_refuse(struct sso_request *rq, enum sso_refusal refusal, const char *why)
{
    struct sso_refusal_text text = {.reference = sso_request_shown_reference(rq)};
    if (rq->app != NULL) {
        text.app = rq->app->name;
        text.page = rq->app->refusal_page;
        text.contact = rq->app->refusal_contact;
        text.again_url = gw_arena_printf(&rq->x->arena, "%s/", rq->app->config->sso.external_url);
    }
    rq->is_answered = true;
    rq->refused_why = sso_refusal_name(refusal);
    sso_refusal_count(rq, refusal);
    sso_live_remove(&rq->face->live, &rq->live);
    sso_probe_leave(rq);
    sso_role_leave(rq);
    sso_sign_on_end(rq);
    gw_log(GW_LOG_INFO, "refused", "app=%.*s why=%s reference=%.*s reason=\"%s\"", GW_STR_ARG(text.app),
           sso_refusal_name(refusal), GW_STR_ARG(text.reference), why != NULL ? why : "");
    sso_refusal_answer(rq->x, refusal, &text);
}

void sso_request_guard(struct sso_request *rq)
{
    const struct sso_shared *shared = rq->face->shared;
    const struct config_sso_face *config = &rq->app->config->sso;
    struct sso_guard_view view = {.store = shared->store,
                                  .reader = rq->face->reader,
                                  .bound = shared->bound,
                                  .anonymous = shared->anonymous,
                                  .app = rq->app->name,
                                  .folder = rq->app->folder,
                                  .session_cookies = (const char *const *)config->session_cookies,
                                  .session_cookie_count = config->session_cookie_count,
                                  .siblings = rq->app->siblings,
                                  .sibling_count = rq->app->sibling_count,
                                  .now_ms = net_loop_now_ms(rq->face->loop)};
    struct gw_error err;
    if (store_reader_begin(rq->face->reader, &err) != GW_OK) {
        rq->guard = (struct sso_guard){.verdict = SSO_GUARD_UNDECIDED};
        return;
    }
    sso_guard_check(&view, &rq->x->request, &rq->x->arena, &rq->guard);
    store_reader_end(rq->face->reader);
}

/* In the turn in which the user's state was read: a revocation that its snapshot did not see is read in a later one. */
void sso_request_tie(struct sso_request *rq, uint32_t folder, uint64_t user_seq, uint64_t generation)
{
    sso_live_remove(&rq->face->live, &rq->live);
    if (user_seq != 0 && rq->app->config->sso.deactivated == CONFIG_DEACTIVATED_REFUSE)
        sso_live_add(&rq->face->live, &rq->live, folder, user_seq, generation);
}

static bool admit_unbound(struct sso_request *rq)
{
    gw_metric_add(GW_METRIC_SSO_UNBOUND, 1);
    gw_app_add(rq->app->counts, GW_APP_UNBOUND, 1);
    if (rq->app->config->sso.unbound == CONFIG_UNBOUND_PASS)
        return true;
    gw_metric_add(GW_METRIC_SSO_UNBOUND_REFUSED, 1);
    if (rq->app->config->sso.unbound == CONFIG_UNBOUND_REFUSE)
        sso_request_refuse(rq, SSO_REFUSAL_UNBOUND, NULL);
    else
        sso_reauth_ask(rq);
    return false;
}

static bool admit_bound(struct sso_request *rq)
{
    if (rq->guard.has_unbound_twin && rq->app->config->sso.unbound != CONFIG_UNBOUND_PASS)
        return admit_unbound(rq);
    gw_metric_add(GW_METRIC_SSO_BOUND, 1);
    gw_app_add(rq->app->counts, GW_APP_BOUND, 1);
    sso_request_tie(rq, rq->guard.folder, rq->guard.user_seq, rq->guard.generation);
    sso_note_seen(rq);
    return true;
}

static bool admit_undecided(struct sso_request *rq)
{
    gw_metric_add(GW_METRIC_SSO_UNDECIDED, 1);
    gw_log(GW_LOG_ERROR, "undecided", "app=%.*s at=guard", GW_STR_ARG(rq->app->name));
    if (rq->app->config->sso.undecided == CONFIG_UNDECIDED_PASS)
        return true;
    sso_request_refuse(rq, SSO_REFUSAL_UNDECIDED, "the store could not be read");
    return false;
}

static void count_refused(struct sso_request *rq)
{
    gw_metric_add(GW_METRIC_SSO_REFUSED, 1);
    if (rq->guard.folder == rq->app->folder && !sso_refusal_is_right(rq->face->reader, &rq->guard))
        gw_log(GW_LOG_ERROR, "refused-though-active", "app=%.*s reference=%.*s", GW_STR_ARG(rq->app->name),
               GW_STR_ARG(sso_request_reference(rq)));
}

static bool admit_dead(struct sso_request *rq, enum sso_refusal refusal)
{
    if (rq->app->config->sso.deactivated == CONFIG_DEACTIVATED_REPORT) {
        gw_metric_add(GW_METRIC_SSO_REPORTED, 1);
        return true;
    }
    if (sso_user_is_exempt(rq, rq->guard.user_seq))
        return true;
    count_refused(rq);
    sso_note_refusal(rq, sso_refusal_name(refusal));
    sso_request_refuse(rq, refusal, NULL);
    return false;
}

/* Where the app itself signs people in, a dead cookie would keep its (active) user from every login page. */
static bool admit_ended(struct sso_request *rq)
{
    const struct config_sso_face *config = &rq->app->config->sso;
    bool signs_in_here = false;
    for (size_t i = 0; i < config->identity_count; i++)
        signs_in_here |= config->identities[i].kind != CONFIG_IDENTITY_SAML;
    if (!signs_in_here || config->deactivated == CONFIG_DEACTIVATED_REPORT)
        return admit_dead(rq, SSO_REFUSAL_ENDED);
    if (sso_user_is_exempt(rq, rq->guard.user_seq))
        return true;
    count_refused(rq);
    sso_note_refusal(rq, sso_refusal_name(SSO_REFUSAL_ENDED));
    sso_reauth_ask(rq);
    return false;
}

/* Break-glass: whoever comes passes, and is tied to what was found, so that the guard cuts when it returns. */
static bool admit_unguarded(struct sso_request *rq)
{
    bool is_unbound = rq->guard.verdict == SSO_GUARD_UNBOUND;
    bool is_stopped =
        is_unbound ? rq->app->config->sso.unbound != CONFIG_UNBOUND_PASS : sso_guard_refuses(rq->guard.verdict);
    gw_metric_add(GW_METRIC_GUARD_OFF_PASSED, is_stopped);
    sso_request_tie(rq, rq->guard.folder, rq->guard.user_seq, rq->guard.generation);
    return true;
}

bool sso_request_admit(struct sso_request *rq)
{
    if (sso_guard_is_off(rq->app))
        return admit_unguarded(rq);
    switch (rq->guard.verdict) {
    case SSO_GUARD_NO_SESSION:
    case SSO_GUARD_ANONYMOUS:
        gw_metric_add(GW_METRIC_SSO_ANONYMOUS, 1);
        gw_app_add(rq->app->counts, GW_APP_NO_SESSION, 1);
        return true;
    case SSO_GUARD_BOUND:
        return admit_bound(rq);
    case SSO_GUARD_UNBOUND:
        return admit_unbound(rq);
    case SSO_GUARD_UNDECIDED:
        return admit_undecided(rq);
    case SSO_GUARD_ENDED:
        return admit_ended(rq);
    case SSO_GUARD_INACTIVE:
        return admit_dead(rq, SSO_REFUSAL_INACTIVE);
    case SSO_GUARD_TWO_USERS:
        gw_metric_add(GW_METRIC_SSO_REFUSED, 1);
        sso_request_refuse(rq, SSO_REFUSAL_TWO_USERS, NULL);
        return false;
    case SSO_GUARD_AMBIGUOUS:
        gw_metric_add(GW_METRIC_SSO_AMBIGUOUS, 1);
        sso_request_refuse(rq, SSO_REFUSAL_AMBIGUOUS, NULL);
        return false;
    }
    return false;
}

struct http_field *sso_request_fields(struct sso_request *rq, size_t *ret_count)
{
    struct http_exchange *x = rq->x;
    struct sso_forward_peer peer = {
        .address = http_exchange_peer(x),
        .is_trusted = sso_forward_peer_is_trusted(&rq->app->config->sso, http_exchange_peer_address(x))};
    struct http_field *fields = sso_forward_fields(&rq->app->forward, &x->request, &peer, &x->arena, ret_count);
    return sso_request_id_fields(rq, fields, ret_count);
}

void sso_request_forward(struct sso_request *rq)
{
    struct http_exchange *x = rq->x;
    size_t count;
    struct http_field *fields = sso_request_fields(rq, &count);
    fields = sso_inject_fields(rq, fields, &count);
    rq->was_forwarded = true;
    rq->forwarded_ms = net_loop_now_ms(rq->face->loop);
    gw_metric_add(GW_METRIC_SSO_FORWARDED, 1);
    http_exchange_filter_trailers(x, sso_forward_trailer_passes, &rq->app->forward);
    if (rq->app->forward.strip_answer.count > 0)
        http_exchange_filter_answer_trailers(x, sso_forward_answer_trailer_passes, &rq->app->forward);
    http_exchange_stick(x, sso_affinity_hint(rq));
    http_exchange_forward(x, rq->face->upstreams[rq->app->index], fields, count);
}
