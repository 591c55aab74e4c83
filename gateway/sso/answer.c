#include "gateway/sso/answer.h"

#include "gateway/base/clock.h"
#include "gateway/base/metrics.h"
#include "gateway/cookie/cookie.h"
#include "gateway/cookie/set_cookie.h"
#include "gateway/sso/path_reading.h"

static bool is_session_cookie(const struct config_sso_face *face, struct gw_str name)
{
    for (size_t i = 0; i < face->session_cookie_count; i++) {
        if (cookie_name_matches(name, gw_str_from(face->session_cookies[i])))
            return true;
    }
    return false;
}

struct jar {
    struct set_cookie list[STORE_SIGN_ON_SESSIONS_MAX];
    size_t count;
};

/* What a browser does with one line (RFC 6265 section 5.3): name, path and domain make the identity of a cookie. */
static void jar_put(struct jar *jar, const struct set_cookie *cookie)
{
    size_t at = 0;
    while (at < jar->count &&
           !(gw_str_eq(jar->list[at].name, cookie->name) && gw_str_eq(jar->list[at].path, cookie->path) &&
             gw_str_eq_nocase(jar->list[at].domain, cookie->domain)))
        at++;
    if (at == STORE_SIGN_ON_SESSIONS_MAX) { /* what is taken back makes room for what is given */
        at = 0;
        while (at < jar->count && !jar->list[at].deletes)
            at++;
    }
    if (at == STORE_SIGN_ON_SESSIONS_MAX)
        return;
    if (at == jar->count)
        jar->count++;
    jar->list[at] = *cookie;
}

static void jar_fill(struct jar *jar, const struct sso_request *rq)
{
    const struct http_answer *answer = &rq->x->answer;
    jar->count = 0;
    for (size_t i = 0; i < answer->field_count; i++) {
        struct set_cookie cookie;
        if (gw_str_eq_nocase(answer->fields[i].name, GW_STR("Set-Cookie")) &&
            set_cookie_parse(answer->fields[i].value, gw_clock_wall_ms(), &cookie) &&
            is_session_cookie(&rq->app->config->sso, cookie.name))
            jar_put(jar, &cookie);
    }
}

size_t sso_answer_sessions(const struct sso_request *rq,
                           struct store_session_digest ret_sessions[STORE_SIGN_ON_SESSIONS_MAX])
{
    struct jar jar;
    jar_fill(&jar, rq);
    size_t count = 0;
    for (size_t i = 0; i < jar.count; i++) {
        struct gw_str value = cookie_canonical(jar.list[i].value, &rq->x->arena);
        if (!jar.list[i].deletes && value.len > 0)
            ret_sessions[count++] =
                store_session_digest(rq->face->shared->store, rq->app->name, jar.list[i].name, value);
    }
    return count;
}

/* The hour runs from the first cookie that was handed out: setting it again, or a new one in its place, renews nothing.
 */
static void anonymous_put(struct sso_request *rq, const struct store_session_digest *digest)
{
    struct sso_held *anonymous = rq->face->shared->anonymous;
    int64_t now_ms = net_loop_now_ms(rq->face->loop);
    struct sso_held_session known;
    if (sso_held_get(anonymous, digest, now_ms, &known) && known.kind == SSO_HELD_ANONYMOUS)
        return;
    struct sso_held_session held = {.digest = *digest,
                                    .kind = SSO_HELD_ANONYMOUS,
                                    .app = rq->app->index,
                                    .expires_ms = now_ms + SSO_ANONYMOUS_HELD_MS};
    if (rq->guard.verdict == SSO_GUARD_ANONYMOUS)
        held.expires_ms = rq->guard.anonymous_until_ms;
    sso_held_put(anonymous, &held);
}

/* What is held goes on for readers whose snapshot is older, unless the store knows better whom it belongs to. */
static void written(struct sso_held *bound, struct sso_held_session *held, int64_t now_ms)
{
    held->expires_ms = now_ms + SSO_ROTATION_HELD_MS;
    if (held->user_seq == 0)
        sso_held_remove(bound, &held->digest);
    else
        sso_held_put(bound, held);
}

static void on_bound(struct sso_job *job)
{
    const struct store_change *change = job->change;
    struct sso_held *bound = job->face->shared->bound;
    int64_t now_ms = net_loop_now_ms(job->face->loop);
    struct sso_held_session held;
    if (!sso_held_get(bound, &change->as.bind.new_digest, now_ms, &held))
        return;
    if (change->code == GW_OK) {
        written(bound, &held, now_ms);
        return;
    }
    /* What it goes back to may be a sign-on whose commit is late: tried until what is held has had its time. */
    held.owes_write = true;
    held.due_ms = now_ms + SSO_ROTATION_RETRY_MS;
    sso_held_put(bound, &held);
}

static bool bind_submit(struct sso_face *face, const struct sso_held_session *held, bool is_urgent)
{
    struct sso_job *job = sso_job_new(face, STORE_CHANGE_SESSION_BIND, is_urgent, on_bound);
    if (job == NULL)
        return false;
    struct store_change *change = job->change;
    change->app = gw_arena_copy(&change->arena, face->shared->apps[held->app].name);
    change->folder = held->folder;
    change->user_seq = held->user_seq;
    change->as.bind.old_digest = held->root;
    change->as.bind.new_digest = held->digest;
    sso_job_submit(job);
    return true;
}

/* Does the app hand this value to more than one person? Then it is no session (a constant before login). */
static bool is_shared_value(struct sso_request *rq, const struct store_session_digest *digest, int64_t now_ms)
{
    struct sso_shared *shared = rq->face->shared;
    struct sso_held_session held;
    if (sso_held_get(shared->anonymous, digest, now_ms, &held) && held.kind == SSO_HELD_ANONYMOUS)
        return true;
    if (!sso_held_get(shared->bound, digest, now_ms, &held) || held.user_seq == rq->guard.user_seq)
        return false;
    sso_held_remove(shared->bound, digest);
    anonymous_put(rq, digest);
    return true;
}

static bool is_carried(const struct sso_guard *guard, const struct store_session_digest *digest)
{
    for (size_t i = 0; i < guard->carried_count; i++) {
        if (gw_secret_eq(&guard->carried[i], digest, sizeof *digest))
            return true;
    }
    return false;
}

/* An app may set the same new cookie in the answers to several requests that were under way. */
static bool is_rotated_already(struct sso_held *bound, const struct sso_held_session *held, int64_t now_ms)
{
    struct sso_held_session known;
    return sso_held_get(bound, &held->digest, now_ms, &known) && known.kind == SSO_HELD_BOUND &&
           known.folder == held->folder && known.user_seq == held->user_seq && known.generation == held->generation;
}

/* Bound with the old session's generation: in memory at once, so that the next request is known on every worker; in the
 * store from the next tick of a face on, so that a restart forgets nobody (law 3). */
static void rotate(struct sso_request *rq, const struct store_session_digest *digest)
{
    struct sso_held *bound = rq->face->shared->bound;
    int64_t now_ms = net_loop_now_ms(rq->face->loop);
    if (is_carried(&rq->guard, digest) || is_shared_value(rq, digest, now_ms))
        return;
    struct sso_held_session held = {.digest = *digest,
                                    .kind = SSO_HELD_BOUND,
                                    .folder = rq->guard.folder,
                                    .user_seq = rq->guard.user_seq,
                                    .generation = rq->guard.generation,
                                    .root = rq->guard.root,
                                    .expires_ms = now_ms + SSO_ROTATION_UNWRITTEN_MS,
                                    .app = rq->app->index,
                                    .owes_write = true};
    if (is_rotated_already(bound, &held, now_ms))
        return;
    gw_metric_add(GW_METRIC_SSO_ROTATIONS, 1);
    sso_held_put(bound, &held);
}

/* The app takes session cookies back and gives none in their place. */
static bool deletes_session(const struct sso_request *rq)
{
    struct jar jar;
    bool deletes = false;
    jar_fill(&jar, rq);
    for (size_t i = 0; i < jar.count; i++) {
        if (!jar.list[i].deletes && cookie_canonical(jar.list[i].value, &rq->x->arena).len > 0)
            return false;
        deletes = true;
    }
    return deletes;
}

static bool is_logout_path(const struct sso_request *rq)
{
    const struct config_sso_face *config = &rq->app->config->sso;
    for (size_t i = 0; i < config->logout_count; i++) {
        if (sso_path_equals_any_reading(rq->x->request.path, gw_str_from(config->logout[i])))
            return true;
    }
    return false;
}

void sso_answer_note_logout(struct sso_request *rq)
{
    if (rq->guard.known_count == 0 || rq->guard.verdict != SSO_GUARD_BOUND)
        return;
    if ((rq->x->answer.status < 400 && is_logout_path(rq)) || deletes_session(rq))
        sso_note_logout(rq);
}

void sso_answer_note(struct sso_request *rq, const struct store_session_digest *sessions, size_t count)
{
    enum sso_guard_verdict verdict = rq->guard.verdict;
    bool is_bound = verdict == SSO_GUARD_BOUND || verdict == SSO_GUARD_ENDED || verdict == SSO_GUARD_INACTIVE;
    for (size_t i = 0; i < count; i++) {
        if (is_bound)
            rotate(rq, &sessions[i]);
        else if (verdict != SSO_GUARD_UNDECIDED)
            anonymous_put(rq, &sessions[i]);
    }
}

/* True: there may be more. */
static bool write_due(struct sso_face *face, int64_t now_ms, bool is_urgent)
{
    struct sso_held_session due[SSO_ROTATION_BATCH];
    size_t count = sso_held_take_due(face->shared->bound, now_ms, due, SSO_ROTATION_BATCH);
    for (size_t i = 0; i < count; i++) {
        if (bind_submit(face, &due[i], is_urgent))
            continue;
        due[i].owes_write = true;
        due[i].due_ms = now_ms + SSO_ROTATION_RETRY_MS;
        sso_held_put(face->shared->bound, &due[i]);
    }
    return count == SSO_ROTATION_BATCH;
}

void sso_answer_tick(struct sso_face *face, int64_t now_ms)
{
    (void)write_due(face, now_ms, false);
}

void sso_answer_flush(struct sso_face *face)
{
    for (size_t i = 0; i < SSO_ROTATION_FLUSHES_MAX && write_due(face, SSO_ROTATION_ANY_MS, true); i++)
        continue;
}
