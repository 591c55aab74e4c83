#include "gateway/sso/header.h"

#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/sso/claim.h"
#include "gateway/sso/exempt.h"

/* Two lines that differ say nothing: which of them a reader takes is a guess. */
static bool value_find(const struct http_answer *answer, struct gw_str name, struct gw_str *ret_value)
{
    *ret_value = GW_STR_NONE;
    for (size_t i = 0; i < answer->field_count; i++) {
        if (!gw_str_eq_nocase(answer->fields[i].name, name) || answer->fields[i].value.len == 0)
            continue;
        if (ret_value->len > 0 && !gw_str_eq(*ret_value, answer->fields[i].value))
            return false;
        *ret_value = answer->fields[i].value;
    }
    return true;
}

struct gw_str sso_header_user(const struct sso_request *rq)
{
    const struct config_sso_face *config = &rq->app->config->sso;
    for (size_t i = 0; i < config->identity_count; i++) {
        if (config->identities[i].kind != CONFIG_IDENTITY_HEADER)
            continue;
        struct gw_str value;
        bool is_clear = value_find(&rq->x->answer, gw_str_from(config->identities[i].header_name), &value);
        if (is_clear && value.len == 0)
            continue;
        if (is_clear && sso_claim_names_a_user(value))
            return value;
        gw_log(GW_LOG_WARN, "identity-unclear", "app=%.*s by=header", GW_STR_ARG(rq->app->name));
        return GW_STR_NONE;
    }
    return GW_STR_NONE;
}

static bool is_dead(const struct sso_request *rq)
{
    return rq->guard.verdict == SSO_GUARD_ENDED || rq->guard.verdict == SSO_GUARD_INACTIVE;
}

static enum sso_identified refuse(struct sso_request *rq, enum sso_refusal refusal, uint64_t user_seq,
                                  struct gw_str user_name, const char *why)
{
    gw_metric_add(GW_METRIC_SSO_SIGN_ONS_REFUSED, 1);
    sso_note_sign_on_refusal(rq, user_seq, user_name, sso_refusal_name(refusal));
    sso_request_refuse(rq, refusal, why);
    return SSO_IDENTIFIED_ANSWERED;
}

static enum sso_identified undecided(struct sso_request *rq)
{
    gw_metric_add(GW_METRIC_SSO_UNDECIDED, 1);
    gw_log(GW_LOG_ERROR, "undecided", "app=%.*s at=identity", GW_STR_ARG(rq->app->name));
    if (rq->app->config->sso.undecided == CONFIG_UNDECIDED_PASS)
        return SSO_IDENTIFIED_NOTHING;
    sso_request_refuse(rq, SSO_REFUSAL_UNDECIDED, "the store could not be read");
    return SSO_IDENTIFIED_ANSWERED;
}

static enum sso_identified obey(struct sso_request *rq, const struct sso_claim *claim,
                                const struct sso_claim_finding *finding)
{
    bool reports = rq->app->config->sso.deactivated == CONFIG_DEACTIVATED_REPORT;
    switch (finding->verdict) {
    case SSO_CLAIM_UNDECIDED:
        return undecided(rq);
    case SSO_CLAIM_NOBODY:
        return refuse(rq, SSO_REFUSAL_NO_USER, 0, claim->user_name, "nobody of the name that the app gave");
    case SSO_CLAIM_INACTIVE:
    case SSO_CLAIM_GONE:
        if (!reports && !sso_guard_is_off(rq->app) && !sso_user_is_exempt(rq, finding->user_seq))
            return refuse(rq, SSO_REFUSAL_INACTIVE, finding->user_seq, claim->user_name,
                          "the app named an inactive user");
        gw_metric_add(GW_METRIC_SSO_REPORTED, reports);
        break;
    case SSO_CLAIM_ALLOWED:
        sso_request_tie(rq, rq->app->folder, finding->user_seq, finding->generation);
        break;
    }
    return claim->session_count > 0 ? SSO_IDENTIFIED_BOUND : SSO_IDENTIFIED_NOTHING;
}

enum sso_identified sso_identify(struct sso_request *rq, struct gw_str user_name,
                                 const struct store_session_digest *sessions, size_t count)
{
    struct sso_claim claim = {.app = rq->app,
                              .user_name = user_name,
                              .reference = sso_request_reference(rq),
                              .sessions = sessions,
                              .session_count = count};
    if (count == 0 && !rq->guard.has_twins && !is_dead(rq)) {
        claim.sessions = rq->guard.sessions;
        claim.session_count = rq->guard.session_count;
    }
    struct sso_claim_finding finding;
    sso_claim_check(rq->face, &claim, &finding);
    bool is_somebody = finding.user_seq != 0 && finding.verdict != SSO_CLAIM_GONE;
    /* The session is known; the app may know its user by an older name. */
    if (rq->guard.verdict == SSO_GUARD_BOUND && (!is_somebody || finding.user_seq == rq->guard.user_seq))
        return SSO_IDENTIFIED_NOTHING;
    sso_claim_record(rq->face, &claim, &finding);
    return obey(rq, &claim, &finding);
}

enum sso_identified sso_header_take_answer(struct sso_request *rq, struct gw_str user_name,
                                           const struct store_session_digest *sessions, size_t count)
{
    if (user_name.len == 0 || rq->x->answer.status >= 400)
        return SSO_IDENTIFIED_NOTHING;
    return sso_identify(rq, user_name, sessions, count);
}
