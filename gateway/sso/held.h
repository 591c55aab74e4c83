/* held: sessions that this process knows and the store does not (yet): a rotated cookie before its durable write, a
 * sign-on whose commit is late, a cookie that the app handed out without a sign-on. Bounded: the least recently used
 * makes room. Shared by the workers, in shards with a lock each; the guard comes here only for a session that it did
 * not find alive in the store, so a bound session's request takes no lock. Any thread. */
#pragma once

#include "gateway/sso/handover.h"
#include "store/record.h"

#define SSO_HELD_SHARDS 64u
#define SSO_HELD_SHARD_SESSIONS 1024u

enum sso_held_kind {
    SSO_HELD_BOUND,     /* to the user below; alive while the user's generation is the same */
    SSO_HELD_REFUSED,   /* its sign-on was refused after the answer had left */
    SSO_HELD_ANONYMOUS, /* handed out without a sign-on */
    SSO_HELD_ASKED,     /* unbound; its browser was asked to sign in again */
};

struct sso_held_session {
    struct store_session_digest digest;
    enum sso_held_kind kind;
    uint32_t folder;
    uint64_t user_seq; /* 0: a person whom the store does not know yet */
    uint64_t generation;
    struct store_session_digest root; /* the session in the store that this one goes back to */
    int64_t expires_ms;               /* monotonic; one with an owed write stays */
    int64_t due_ms;                   /* monotonic: an owed write is not tried before */
    uint16_t app;                     /* index in the configuration */
    bool owes_write;
};

struct sso_held;

struct sso_held *sso_held_new(void);
void sso_held_free(struct sso_held *held);
/* Anonymous sessions are known to all processes that share `marks`, all kinds to those that share `records`; either may
 * be NULL. Before any other thread uses it. */
void sso_held_share(struct sso_held *held, struct sso_marks *marks, struct sso_records *records);

/* Inserts, or replaces the one of the same digest. */
void sso_held_put(struct sso_held *held, const struct sso_held_session *session);
bool sso_held_get(struct sso_held *held, const struct store_session_digest *digest, int64_t now_ms,
                  struct sso_held_session *ret_session);
void sso_held_remove(struct sso_held *held, const struct store_session_digest *digest);

/* Takes up to `max` sessions that owe a write which is due; they owe none any more. A write that fails is owed again by
 * sso_held_put. Costs nothing while none is owed; successive calls begin with another shard. */
size_t sso_held_take_due(struct sso_held *held, int64_t now_ms, struct sso_held_session *ret_sessions, size_t max);

size_t sso_held_count(const struct sso_held *held);
