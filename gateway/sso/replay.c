#include "gateway/sso/replay.h"

#include "gateway/base/clock.h"

#include <pthread.h>
#include <stdlib.h>

#define BUCKETS 4096u

/* Marks normally live for one commit: only a store that takes no writes lets them pile up. */
struct mark {
    struct mark *next;
    struct gw_sha256 assertion;
    int64_t forget_after_ms;
};

struct sso_replay {
    struct sso_marks *marks; /* NULL: this process is on its own */
    pthread_mutex_t lock;
    size_t count;
    struct mark *buckets[BUCKETS];
};

struct sso_replay *sso_replay_new(void)
{
    struct sso_replay *replay = gw_alloc(sizeof *replay);
    (void)pthread_mutex_init(&replay->lock, NULL);
    return replay;
}

void sso_replay_free(struct sso_replay *replay)
{
    if (replay == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct mark *next;
        for (struct mark *mark = replay->buckets[i]; mark != NULL; mark = next) {
            next = mark->next;
            free(mark);
        }
    }
    (void)pthread_mutex_destroy(&replay->lock);
    free(replay);
}

void sso_replay_share(struct sso_replay *replay, struct sso_marks *marks)
{
    replay->marks = marks;
}

static struct mark **bucket_of(struct sso_replay *replay, const struct gw_sha256 *assertion)
{
    unsigned hash = (unsigned)assertion->bytes[0] << 8 | assertion->bytes[1];
    return &replay->buckets[hash % BUCKETS];
}

/* Drops what expired on the way; where it stands, or where it would stand. */
static struct mark **mark_find(struct sso_replay *replay, struct mark **link, const struct gw_sha256 *assertion,
                               int64_t now_ms)
{
    while (*link != NULL) {
        struct mark *mark = *link;
        if (memcmp(&mark->assertion, assertion, sizeof *assertion) == 0)
            return link;
        if (mark->forget_after_ms < now_ms) {
            *link = mark->next;
            free(mark);
            replay->count--;
        } else {
            link = &mark->next;
        }
    }
    return link;
}

static void expired_drop(struct sso_replay *replay, int64_t now_ms)
{
    static const struct gw_sha256 nobody = {{0}};
    for (size_t i = 0; i < BUCKETS; i++)
        (void)mark_find(replay, &replay->buckets[i], &nobody, now_ms);
}

static bool own_take(struct sso_replay *replay, const struct gw_sha256 *assertion, int64_t now_ms,
                     int64_t forget_after_ms)
{
    (void)pthread_mutex_lock(&replay->lock);
    if (replay->count >= SSO_REPLAY_MARKS_MAX)
        expired_drop(replay, now_ms);
    struct mark **link = mark_find(replay, bucket_of(replay, assertion), assertion, now_ms);
    /* Full of marks that no commit took over: no sign-on that could be replayed is let through. */
    bool taken = *link == NULL && replay->count < SSO_REPLAY_MARKS_MAX;
    if (taken) {
        struct mark *mark = gw_alloc(sizeof *mark);
        *mark = (struct mark){.assertion = *assertion, .forget_after_ms = forget_after_ms};
        *link = mark;
        replay->count++;
    }
    (void)pthread_mutex_unlock(&replay->lock);
    return taken;
}

static void own_forget(struct sso_replay *replay, const struct gw_sha256 *assertion)
{
    (void)pthread_mutex_lock(&replay->lock);
    struct mark **link = mark_find(replay, bucket_of(replay, assertion), assertion, INT64_MIN);
    if (*link != NULL) {
        struct mark *mark = *link;
        *link = mark->next;
        free(mark);
        replay->count--;
    }
    (void)pthread_mutex_unlock(&replay->lock);
}

bool sso_replay_take(struct sso_replay *replay, const struct gw_sha256 *assertion, int64_t now_ms,
                     int64_t forget_after_ms)
{
    if (!own_take(replay, assertion, now_ms, forget_after_ms))
        return false;
    int64_t mono_ms = gw_clock_mono_ms();
    if (replay->marks == NULL ||
        sso_marks_take(replay->marks, assertion->bytes, mono_ms, mono_ms + (forget_after_ms - now_ms)))
        return true;
    own_forget(replay, assertion);
    return false;
}

/* The shared one goes first: until then the own one answers for it here. */
void sso_replay_forget(struct sso_replay *replay, const struct gw_sha256 *assertion)
{
    if (replay->marks != NULL)
        sso_marks_drop(replay->marks, assertion->bytes);
    own_forget(replay, assertion);
}
