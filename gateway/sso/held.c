#include "gateway/sso/held.h"

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/base/digest.h"
#include "gateway/base/result.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT16_MAX

_Static_assert(SSO_HELD_SHARD_SESSIONS < NONE, "places are 16 bits");

/* A place in a shard: in its bucket's chain, and in the list of use with the newest first. */
struct place {
    struct sso_held_session session;
    uint16_t chain_next;
    uint16_t use_prev, use_next;
    bool is_taken;
};

struct shard {
    pthread_mutex_t lock;
    uint16_t buckets[SSO_HELD_SHARD_SESSIONS];
    uint16_t newest, oldest;
    uint16_t free_head; /* chained by chain_next */
    uint16_t owed_count;
    struct place *places; /* made at first use */
};

struct sso_held {
    struct sso_marks *marks;     /* NULL: this process is on its own with anonymous sessions */
    struct sso_records *records; /* NULL: with all kinds */
    _Atomic size_t count;
    _Atomic size_t owed_count;
    _Atomic unsigned next_shard;
    struct shard shards[SSO_HELD_SHARDS];
};

struct sso_held *sso_held_new(void)
{
    struct sso_held *held = gw_alloc(sizeof *held);
    for (size_t i = 0; i < SSO_HELD_SHARDS; i++) {
        struct shard *shard = &held->shards[i];
        (void)pthread_mutex_init(&shard->lock, NULL);
        memset(shard->buckets, 0xff, sizeof shard->buckets);
        shard->newest = shard->oldest = NONE;
        shard->free_head = NONE;
    }
    return held;
}

void sso_held_free(struct sso_held *held)
{
    if (held == NULL)
        return;
    for (size_t i = 0; i < SSO_HELD_SHARDS; i++) {
        (void)pthread_mutex_destroy(&held->shards[i].lock);
        free(held->shards[i].places);
    }
    free(held);
}

/* A digest is an HMAC: any of its bits are as good as a hash. */
static struct shard *shard_of(struct sso_held *held, const struct store_session_digest *digest)
{
    return &held->shards[digest->bytes[0] % SSO_HELD_SHARDS];
}

static uint16_t *bucket_of(struct shard *shard, const struct store_session_digest *digest)
{
    unsigned hash = (unsigned)digest->bytes[1] << 8 | digest->bytes[2];
    return &shard->buckets[hash % SSO_HELD_SHARD_SESSIONS];
}

static void places_make(struct shard *shard)
{
    shard->places = gw_alloc(SSO_HELD_SHARD_SESSIONS * sizeof *shard->places);
    for (uint16_t i = 0; i < SSO_HELD_SHARD_SESSIONS; i++)
        shard->places[i].chain_next = i + 1u < SSO_HELD_SHARD_SESSIONS ? (uint16_t)(i + 1u) : NONE;
    shard->free_head = 0;
}

static uint16_t place_find(struct shard *shard, const struct store_session_digest *digest)
{
    if (shard->places == NULL)
        return NONE;
    uint16_t at = *bucket_of(shard, digest);
    while (at != NONE && !gw_secret_eq(&shard->places[at].session.digest, digest, sizeof *digest))
        at = shard->places[at].chain_next;
    return at;
}

static void use_unlink(struct shard *shard, uint16_t at)
{
    struct place *place = &shard->places[at];
    *(place->use_prev != NONE ? &shard->places[place->use_prev].use_next : &shard->newest) = place->use_next;
    *(place->use_next != NONE ? &shard->places[place->use_next].use_prev : &shard->oldest) = place->use_prev;
}

static void use_push(struct shard *shard, uint16_t at)
{
    struct place *place = &shard->places[at];
    place->use_prev = NONE;
    place->use_next = shard->newest;
    *(shard->newest != NONE ? &shard->places[shard->newest].use_prev : &shard->oldest) = at;
    shard->newest = at;
}

static void owes_set(struct sso_held *held, struct shard *shard, struct place *place, bool owes_write)
{
    if (place->session.owes_write == owes_write)
        return;
    place->session.owes_write = owes_write;
    shard->owed_count = (uint16_t)(owes_write ? shard->owed_count + 1u : shard->owed_count - 1u);
    if (owes_write)
        atomic_fetch_add(&held->owed_count, 1);
    else
        atomic_fetch_sub(&held->owed_count, 1);
}

static void place_drop(struct sso_held *held, struct shard *shard, uint16_t at)
{
    struct place *place = &shard->places[at];
    uint16_t *link = bucket_of(shard, &place->session.digest);
    while (*link != at)
        link = &shard->places[*link].chain_next;
    *link = place->chain_next;
    use_unlink(shard, at);
    owes_set(held, shard, place, false);
    place->is_taken = false;
    place->chain_next = shard->free_head;
    shard->free_head = at;
    atomic_fetch_sub(&held->count, 1);
}

/* The oldest that owes no write goes first: losing an owed one makes its session an unknown one. */
static uint16_t place_to_evict(const struct shard *shard)
{
    uint16_t at = shard->oldest;
    for (unsigned looked = 0; at != NONE && looked < 64; looked++) {
        if (!shard->places[at].session.owes_write)
            return at;
        at = shard->places[at].use_prev;
    }
    return shard->oldest;
}

static uint16_t place_take(struct sso_held *held, struct shard *shard, const struct store_session_digest *digest)
{
    if (shard->places == NULL)
        places_make(shard);
    if (shard->free_head == NONE)
        place_drop(held, shard, place_to_evict(shard));
    uint16_t at = shard->free_head;
    GW_ASSERT(at != NONE);
    struct place *place = &shard->places[at];
    shard->free_head = place->chain_next;
    uint16_t *bucket = bucket_of(shard, digest);
    place->chain_next = *bucket;
    *bucket = at;
    place->is_taken = true;
    place->session.owes_write = false;
    use_push(shard, at);
    atomic_fetch_add(&held->count, 1);
    return at;
}

void sso_held_share(struct sso_held *held, struct sso_marks *marks, struct sso_records *records)
{
    held->marks = marks;
    held->records = records;
}

_Static_assert(sizeof(struct sso_held_session) <= SSO_RECORD_WORDS * sizeof(uint64_t), "a session fits a record");
_Static_assert(offsetof(struct sso_held_session, digest) == 0 && STORE_SESSION_DIGEST_BYTES == SSO_RECORD_KEY_BYTES,
               "its digest is the key");

static void share_put(struct sso_held *held, const struct sso_held_session *session)
{
    uint64_t record[SSO_RECORD_WORDS] = {0};
    if (held->marks != NULL && session->kind == SSO_HELD_ANONYMOUS)
        sso_marks_put(held->marks, session->digest.bytes, gw_clock_mono_ms(), session->expires_ms);
    else if (held->marks != NULL)
        sso_marks_drop(held->marks, session->digest.bytes);
    if (held->records == NULL)
        return;
    memcpy(record, session, sizeof *session);
    sso_records_put(held->records, record, session->expires_ms);
}

static void share_drop(struct sso_held *held, const struct store_session_digest *digest)
{
    if (held->marks != NULL)
        sso_marks_drop(held->marks, digest->bytes);
    if (held->records != NULL)
        sso_records_drop(held->records, digest->bytes);
}

/* Held by another process of this machine? What is owed there is written there. */
static bool share_get(struct sso_held *held, const struct store_session_digest *digest, int64_t now_ms,
                      struct sso_held_session *ret_session)
{
    uint64_t record[SSO_RECORD_WORDS];
    int64_t expires_ms = 0;
    if (held->records != NULL && sso_records_find(held->records, digest->bytes, now_ms, record)) {
        memcpy(ret_session, record, sizeof *ret_session);
        ret_session->owes_write = false;
        return true;
    }
    if (held->marks == NULL || !sso_marks_find(held->marks, digest->bytes, now_ms, &expires_ms))
        return false;
    *ret_session = (struct sso_held_session){.digest = *digest, .kind = SSO_HELD_ANONYMOUS, .expires_ms = expires_ms};
    return true;
}

void sso_held_put(struct sso_held *held, const struct sso_held_session *session)
{
    share_put(held, session);
    struct shard *shard = shard_of(held, &session->digest);
    (void)pthread_mutex_lock(&shard->lock);
    uint16_t at = place_find(shard, &session->digest);
    if (at == NONE)
        at = place_take(held, shard, &session->digest);
    owes_set(held, shard, &shard->places[at], session->owes_write);
    shard->places[at].session = *session;
    (void)pthread_mutex_unlock(&shard->lock);
}

bool sso_held_get(struct sso_held *held, const struct store_session_digest *digest, int64_t now_ms,
                  struct sso_held_session *ret_session)
{
    if (sso_held_count(held) == 0)
        return share_get(held, digest, now_ms, ret_session);
    struct shard *shard = shard_of(held, digest);
    (void)pthread_mutex_lock(&shard->lock);
    uint16_t at = place_find(shard, digest);
    bool found = at != NONE;
    if (found) {
        *ret_session = shard->places[at].session;
        if (ret_session->expires_ms <= now_ms && !ret_session->owes_write) {
            place_drop(held, shard, at);
            found = false;
        } else {
            use_unlink(shard, at);
            use_push(shard, at);
        }
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return found || share_get(held, digest, now_ms, ret_session);
}

void sso_held_remove(struct sso_held *held, const struct store_session_digest *digest)
{
    share_drop(held, digest);
    struct shard *shard = shard_of(held, digest);
    (void)pthread_mutex_lock(&shard->lock);
    uint16_t at = place_find(shard, digest);
    if (at != NONE)
        place_drop(held, shard, at);
    (void)pthread_mutex_unlock(&shard->lock);
}

static size_t shard_take_due(struct sso_held *held, struct shard *shard, int64_t now_ms,
                             struct sso_held_session *ret_sessions, size_t max)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&shard->lock);
    for (uint16_t i = 0; shard->owed_count > 0 && i < SSO_HELD_SHARD_SESSIONS && count < max; i++) {
        struct place *place = &shard->places[i];
        if (!place->is_taken || !place->session.owes_write || place->session.due_ms > now_ms)
            continue;
        ret_sessions[count++] = place->session;
        owes_set(held, shard, place, false);
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return count;
}

size_t sso_held_take_due(struct sso_held *held, int64_t now_ms, struct sso_held_session *ret_sessions, size_t max)
{
    size_t count = 0;
    for (unsigned i = 0; i < SSO_HELD_SHARDS && count < max; i++) {
        if (atomic_load_explicit(&held->owed_count, memory_order_relaxed) == 0)
            break;
        struct shard *shard = &held->shards[atomic_fetch_add(&held->next_shard, 1) % SSO_HELD_SHARDS];
        count += shard_take_due(held, shard, now_ms, ret_sessions + count, max - count);
    }
    return count;
}

size_t sso_held_count(const struct sso_held *held)
{
    return atomic_load_explicit(&held->count, memory_order_relaxed);
}
