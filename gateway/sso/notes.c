#include "gateway/sso/notes.h"

#include "gateway/base/clock.h"
#include "gateway/base/metrics.h"
#include "gateway/sso/request.h"

static void on_noted(struct sso_job *job)
{
    (void)job; /* a note that was not written is only counted, and the counters stand already */
}

static struct sso_note_refused *refused_place(struct sso_request *rq)
{
    uint32_t at;
    memcpy(&at, rq->guard.session.bytes, sizeof at);
    return &rq->face->notes.refused[at % SSO_NOTES_TABLE];
}

static bool may_write(struct sso_notes *notes, int64_t now_ms)
{
    if (notes->second != now_ms / 1000) {
        notes->second = now_ms / 1000;
        notes->count = 0;
    }
    return notes->count++ < SSO_NOTES_PER_SECOND;
}

static struct sso_job *note_new(struct sso_request *rq, enum store_change_kind kind)
{
    struct sso_face *face = rq->face;
    if (!may_write(&face->notes, net_loop_now_ms(face->loop)))
        return NULL;
    struct sso_job *job = sso_job_new(face, kind, false, on_noted);
    if (job == NULL)
        return NULL;
    struct store_change *change = job->change;
    change->app = gw_arena_copy(&change->arena, rq->app->name);
    change->reference = gw_arena_copy(&change->arena, sso_request_reference(rq));
    change->folder = rq->app->folder;
    return job;
}

static bool refusal_write(struct sso_request *rq, uint64_t user_seq, struct gw_str user_name, const char *result)
{
    struct sso_job *job = note_new(rq, STORE_CHANGE_ACTIVITY);
    if (job == NULL)
        return false;
    struct store_change *change = job->change;
    change->user_seq = user_seq;
    change->as.activity.kind = STORE_ACTIVITY_REFUSE;
    change->as.activity.user_name = gw_arena_copy(&change->arena, user_name);
    change->as.activity.result = gw_str_from(result);
    rq->is_refusal_noted = true;
    sso_job_submit(job);
    return true;
}

void sso_note_refusal(struct sso_request *rq, const char *result)
{
    struct sso_note_refused *place = refused_place(rq);
    bool is_known = gw_secret_eq(&place->digest, &rq->guard.session, sizeof place->digest) && place->result != NULL &&
                    strcmp(place->result, result) == 0;
    if (!is_known) {
        if (refusal_write(rq, rq->guard.user_seq, GW_STR_NONE, result))
            *place =
                (struct sso_note_refused){rq->guard.session, result, sso_request_own_reference(rq) ? rq->x->id : 0};
    } else if (place->exchange_id != 0) {
        rq->first_refusal_id = place->exchange_id;
    }
}

void sso_note_sign_on_refusal(struct sso_request *rq, uint64_t user_seq, struct gw_str user_name, const char *result)
{
    (void)refusal_write(rq, user_seq, user_name, result);
}

void sso_note_logout(struct sso_request *rq)
{
    const struct sso_guard *guard = &rq->guard;
    gw_metric_add(GW_METRIC_SSO_LOGOUTS, 1);
    struct sso_job *job = note_new(rq, STORE_CHANGE_SESSION_MARK);
    if (job == NULL)
        return;
    struct store_change *change = job->change;
    change->user_seq = guard->user_seq;
    for (size_t i = 0; i < guard->known_count && change->as.mark.count < STORE_SIGN_ON_SESSIONS_MAX; i++)
        change->as.mark.digests[change->as.mark.count++] = guard->known[i];
    sso_job_submit(job);
}

static struct sso_note_seen *seen_place(struct sso_request *rq)
{
    uint32_t at;
    memcpy(&at, rq->guard.session.bytes, sizeof at);
    return &rq->face->notes.seen[at % SSO_NOTES_TABLE];
}

/* Until the note is written, each request would write another; and the next day it is due again. */
static bool is_seen_lately(struct sso_request *rq)
{
    const struct sso_note_seen *place = seen_place(rq);
    int64_t now_ms = net_loop_now_ms(rq->face->loop);
    return gw_secret_eq(&place->digest, &rq->guard.session, sizeof place->digest) &&
           now_ms - place->at_ms < SSO_SEEN_AGAIN_MS;
}

static void seen_remember(struct sso_request *rq)
{
    *seen_place(rq) = (struct sso_note_seen){rq->guard.session, net_loop_now_ms(rq->face->loop)};
}

void sso_note_seen(struct sso_request *rq)
{
    const struct sso_guard *guard = &rq->guard;
    if (guard->seen_ms == 0 || gw_clock_wall_ms() - guard->seen_ms < SSO_SEEN_EVERY_MS)
        return;
    if (is_seen_lately(rq))
        return;
    struct sso_job *job = note_new(rq, STORE_CHANGE_SESSION_SEEN);
    if (job == NULL)
        return;
    seen_remember(rq);
    job->change->user_seq = guard->user_seq;
    job->change->as.seen.digest = guard->session;
    sso_job_submit(job);
}
