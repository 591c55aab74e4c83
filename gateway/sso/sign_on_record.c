#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/sso/binding.h"
#include "gateway/sso/exempt.h"
#include "gateway/sso/sign_on_private.h"

static void on_marked(struct sso_job *job)
{
    struct sso_replay *replay = job->face->shared->replay;
    enum gw_code code = job->change->code;
    if (code == GW_OK || code == GW_E_CONFLICT)
        sso_replay_forget(replay, &job->change->as.replay.assertion); /* the store holds it from here on */
    if (job->request == NULL)
        return;
    struct sso_sign_on *on = job->request->sign_on;
    on->mark_job = NULL;
    on->was_marked_elsewhere = code == GW_E_CONFLICT;
}

void sso_sign_on_mark(struct sso_request *rq)
{
    struct sso_sign_on *on = rq->sign_on;
    struct sso_job *job = sso_job_new(rq->face, STORE_CHANGE_REPLAY_MARK, true, on_marked);
    job->request = rq;
    job->change->folder = rq->app->folder;
    job->change->app = gw_arena_copy(&job->change->arena, rq->app->name);
    job->change->as.replay.assertion = on->mark;
    job->change->as.replay.forget_after_ms = on->forget_after_ms;
    on->mark_job = job;
    on->is_mark_durable = true;
    sso_job_submit(job);
}

static void on_unmarked(struct sso_job *job)
{
    if (job->change->code == GW_OK)
        sso_replay_forget(job->face->shared->replay, &job->change->as.replay.assertion);
}

/* Nothing was sent to the app: the same assertion may be tried again. */
static void unmark(struct sso_request *rq)
{
    struct sso_sign_on *on = rq->sign_on;
    struct sso_job *job = sso_job_new(rq->face, STORE_CHANGE_REPLAY_UNMARK, true, on_unmarked);
    job->change->folder = rq->app->folder;
    job->change->app = gw_arena_copy(&job->change->arena, rq->app->name);
    job->change->as.replay.assertion = on->mark;
    job->change->as.replay.forget_after_ms = on->forget_after_ms;
    sso_job_submit(job);
}

/* Ends the wait: nobody is to hear of the result any more. */
static struct sso_request *wait_end(struct sso_job *job)
{
    struct sso_request *rq = job->request;
    if (rq == NULL)
        return NULL;
    job->request = NULL;
    rq->sign_on->record_job = NULL;
    if (rq->sign_on->timer != NULL)
        net_timer_cancel(rq->sign_on->timer);
    rq->sign_on->timer = NULL;
    return rq;
}

static void on_recorded_ok(struct sso_job *job)
{
    sso_binding_release(job);
    gw_metric_add(GW_METRIC_SSO_SIGN_ONS, 1);
    struct sso_request *rq = wait_end(job);
    if (rq == NULL)
        return;
    bool is_linked = (job->change->result.state.flags & STORE_USER_PROVISIONED) != 0;
    gw_app_add(rq->app->counts, is_linked ? GW_APP_SIGN_ONS_LINKED : GW_APP_SIGN_ONS_OBSERVED, 1);
    if (!rq->sign_on->was_marked_elsewhere) {
        http_exchange_pass(rq->x);
        return;
    }
    gw_metric_add(GW_METRIC_SAML_REPLAYED, 1);
    sso_request_refuse(rq, SSO_REFUSAL_REPLAYED, "the assertion was used through another process");
}

/* The store says no: a deactivation came first, or nobody may be made. */
static void on_recorded_refused(struct sso_job *job)
{
    if (job->is_held)
        sso_binding_hold(job, SSO_HELD_REFUSED);
    struct sso_request *rq = wait_end(job);
    if (rq == NULL)
        return;
    if (rq->app->config->sso.deactivated == CONFIG_DEACTIVATED_REPORT) {
        gw_metric_add(GW_METRIC_SSO_REPORTED, 1);
        http_exchange_pass(rq->x);
        return;
    }
    if (sso_guard_is_off(rq->app) || sso_user_is_exempt(rq, rq->sign_on->user_seq)) {
        http_exchange_pass(rq->x);
        return;
    }
    gw_metric_add(GW_METRIC_SSO_SIGN_ONS_REFUSED, 1);
    sso_note_sign_on_refusal(rq, rq->sign_on->user_seq, rq->sign_on->join.value, "inactive");
    sso_request_refuse(rq, SSO_REFUSAL_INACTIVE, job->change->error.text);
}

/* Not in time, or not now: `undecided` decides, and the change is kept. False: the sign-on was refused. The result of
 * what is late is the writer's still: `why` says it. */
static bool go_on_unrecorded(struct sso_job *job, const char *why)
{
    struct sso_request *rq = wait_end(job);
    if (rq == NULL)
        return true;
    gw_metric_add(GW_METRIC_SIGN_ON_NOT_RECORDED, 1);
    gw_metric_add(GW_METRIC_SSO_UNDECIDED, 1);
    gw_log(GW_LOG_ERROR, "sign-on-not-recorded", "app=%.*s code=%s", GW_STR_ARG(rq->app->name), why);
    if (rq->app->config->sso.undecided == CONFIG_UNDECIDED_REFUSE) {
        sso_request_refuse(rq, SSO_REFUSAL_UNDECIDED, "the sign-on could not be recorded");
        return false;
    }
    sso_binding_hold(job, SSO_HELD_BOUND);
    job->is_held = true;
    http_exchange_pass(rq->x);
    return true;
}

static void on_recorded(struct sso_job *job)
{
    switch ((int)job->change->code) {
    case GW_OK:
        on_recorded_ok(job);
        return;
    case GW_E_FORBIDDEN:
    case GW_E_CONFLICT:
    case GW_E_UNIQUENESS:
        on_recorded_refused(job);
        return;
    default:
        break;
    }
    bool is_kept = go_on_unrecorded(job, gw_code_name(job->change->code)) && job->is_held;
    if (is_kept && !(sso_binding_time_cures(job->change->code) && sso_job_again(job)))
        gw_log(GW_LOG_ERROR, "sign-on-lost", "code=%s reason=\"%s\"", gw_code_name(job->change->code),
               job->change->error.text);
}

static void on_wait_over(void *data)
{
    struct sso_request *rq = data;
    rq->sign_on->timer = NULL;
    (void)go_on_unrecorded(rq->sign_on->record_job, "late");
}

static void change_fill(struct sso_request *rq, struct store_change *change)
{
    const struct sso_sign_on *on = rq->sign_on;
    change->app = gw_arena_copy(&change->arena, rq->app->name);
    change->reference = gw_arena_copy(&change->arena, sso_request_reference(rq));
    change->folder = rq->app->folder;
    sso_join_copy(&on->join, &change->arena, &change->as.sign_on.join);
    sso_join_draft(on->gate->config, &on->assertion, &on->join, &change->arena, &change->as.sign_on.draft);
    change->as.sign_on.observe = rq->app->config->sso.unknown == CONFIG_UNKNOWN_OBSERVE;
    change->as.sign_on.expected_user_seq = on->user_seq;
    change->as.sign_on.expected_generation = on->generation;
}

static void sessions_add(struct store_change *change, const struct store_session_digest *sessions, size_t count)
{
    for (size_t i = 0; i < count && change->as.sign_on.session_count < STORE_SIGN_ON_SESSIONS_MAX; i++)
        change->as.sign_on.sessions[change->as.sign_on.session_count++] = sessions[i];
}

/* The operator has to hear of it: such an app is not protected until session_cookies or keeps_session_id say more. */
static void warn_unbound(const struct sso_request *rq)
{
    gw_metric_add(GW_METRIC_SSO_SIGN_ONS_UNBOUND, 1);
    gw_app_add(rq->app->counts, GW_APP_SIGN_ONS_UNBOUND, 1);
    gw_log(GW_LOG_WARN, "sign-on-unbound", "app=%.*s status=%d reason=\"the app set none of its session_cookies\"",
           GW_STR_ARG(rq->app->name), rq->x->answer.status);
}

/* F8: somebody signs in over another person's session and the app sets no new one. Whose it is now is a guess, so it is
 * nobody's: left alone, it would go on after its new user is deactivated. */
static bool keeps_another_session(const struct sso_request *rq)
{
    const struct sso_guard *guard = &rq->guard;
    return guard->verdict == SSO_GUARD_TWO_USERS ||
           (guard->verdict == SSO_GUARD_BOUND && guard->user_seq != rq->sign_on->user_seq);
}

bool sso_sign_on_take_answer(struct sso_request *rq, const struct store_session_digest *sessions, size_t count)
{
    struct sso_sign_on *on = rq->sign_on;
    bool keeps_id = rq->app->config->sso.keeps_session_id;
    bool is_accepted = rq->x->answer.status < 400;
    size_t kept = keeps_id && is_accepted ? rq->guard.carried_count : 0;
    if (on == NULL || !on->is_vouched)
        return false;
    if (count + kept == 0) {
        if (is_accepted)
            warn_unbound(rq);
        if (!is_accepted || !keeps_another_session(rq))
            return false;
    }
    bool ends = count + kept == 0;
    struct sso_job *job = sso_job_new(rq->face, STORE_CHANGE_SIGN_ON, true, on_recorded);
    change_fill(rq, job->change);
    sessions_add(job->change, sessions, count);
    sessions_add(job->change, rq->guard.carried, kept);
    sessions_add(job->change, rq->guard.known, ends ? rq->guard.known_count : 0);
    job->change->as.sign_on.ends_sessions = ends;
    job->request = rq;
    on->record_job = job;
    on->timer = net_timer_start(rq->face->loop, SSO_SIGN_ON_WAIT_MS, on_wait_over, rq);
    sso_job_submit(job);
    return true;
}

bool sso_sign_on_is_waiting(const struct sso_request *rq)
{
    return rq->sign_on != NULL && rq->sign_on->record_job != NULL;
}

void sso_sign_on_end(struct sso_request *rq)
{
    struct sso_sign_on *on = rq->sign_on;
    if (on == NULL)
        return;
    if (on->record_job != NULL)
        (void)wait_end(on->record_job);
    if (on->timer != NULL) /* keys of an issuer were awaited */
        net_timer_cancel(on->timer);
    on->timer = NULL;
    if (on->mark_job != NULL)
        on->mark_job->request = NULL;
    on->mark_job = NULL;
    if (on->is_marked && !on->is_mark_durable)
        sso_replay_forget(rq->face->shared->replay, &on->mark); /* the store knew it before, or need not know */
    else if (on->is_marked && !http_exchange_reached_upstream(rq->x))
        unmark(rq);
    on->is_marked = false;
}
