/* guard: may this request reach the app? Looks up every reading of every configured session cookie: a session is alive
 * when its generation is its user's and the user is active, not locked and not deleted. Any dead reading refuses; two
 * that name two users refuse. Where no cookie names a session that lives, one that the address names counts as well
 * (address_session.h). One read transaction, two gets for a session, no lock for one that is found alive, no
 * decision kept (semantics.md 2 and 3). It says what it found and answers nothing.
 *
 * Why one transaction is enough: it begins after the last byte of the head was read, so it sees every deactivation that
 * was answered before; and what commits later is cut, because the loop that runs the guard registers the exchange in
 * the same turn in which it decides, and reads the revocation log in a later one. One loop's thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/http/message.h"
#include "gateway/sso/held.h"
#include "store/reader.h"

enum sso_guard_verdict {
    SSO_GUARD_NO_SESSION, /* no session cookie */
    SSO_GUARD_BOUND,      /* of a user who may pass */
    SSO_GUARD_ANONYMOUS,  /* handed out by the app without a sign-on */
    SSO_GUARD_UNBOUND,    /* a session cookie that nobody knows */
    SSO_GUARD_UNDECIDED,  /* the store could not be read */
    SSO_GUARD_ENDED,      /* dead: of an older generation; the user is active */
    SSO_GUARD_INACTIVE,   /* dead: deactivated, locked or deleted */
    SSO_GUARD_TWO_USERS,
    SSO_GUARD_AMBIGUOUS,
};

/* Another app on the folder. The two may be one app with two entries, or share their sessions, and what is bound
 * through one is as dead when it comes through the other (law 3). */
struct sso_guard_sibling {
    struct gw_str app;
    const char *const *session_cookies; /* patterns */
    size_t session_cookie_count;
};

/* What it looks into. */
struct sso_guard_view {
    struct store *store;
    struct store_reader *reader; /* between begin and end: the caller's */
    struct sso_held *bound;
    struct sso_held *anonymous;
    struct gw_str app;
    uint32_t folder;
    const char *const *session_cookies; /* patterns */
    size_t session_cookie_count;
    const struct sso_guard_sibling *siblings; /* asked about what the app itself does not know */
    size_t sibling_count;
    int64_t now_ms; /* monotonic */
};

struct sso_guard {
    enum sso_guard_verdict verdict;
    uint32_t folder;
    uint64_t user_seq;   /* of the (first) bound session, dead or alive; 0: nobody, or not known to the store yet */
    uint64_t generation; /* of that session */
    int64_t seen_ms;     /* wall clock, as stored; 0: not in the store */
    struct store_session_digest session;        /* that session; with UNBOUND the unbound one */
    struct store_session_digest root;           /* what it goes back to in the store */
    const struct store_session_digest *carried; /* all that the request brought, in the arena */
    size_t carried_count;
    const struct store_session_digest *sessions; /* of them the canonical ones: what would be bound, in the arena */
    size_t session_count;
    int64_t anonymous_until_ms; /* monotonic, with ANONYMOUS: when the first of them is nobody's cookie no more */
    const struct store_session_digest *known; /* of them the ones that are somebody's, dead or alive, in the arena */
    size_t known_count;
    bool has_twins;        /* one name came with two values: which of them the app takes is a guess */
    bool has_unbound_twin; /* BOUND, and the same name came with a second value that nobody knows */
};

void sso_guard_check(const struct sso_guard_view *view, const struct http_request *request, struct gw_arena *arena,
                     struct sso_guard *ret_guard);

bool sso_guard_refuses(enum sso_guard_verdict verdict); /* whatever `unbound` and `undecided` say */
