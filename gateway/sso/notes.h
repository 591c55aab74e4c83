/* notes: what the SSO side writes in the background about what it saw: the first refusal of a session (then only
 * counts: refusal_counts.h), once a day that a session is still in use, and that one signed out. Bounded: a small table
 * of sessions that were noted, and so many notes a second. Nothing waits for a note. One loop's thread. */
#pragma once

#include "store/record.h"

#define SSO_NOTES_TABLE 4096u /* a power of two */
#define SSO_NOTES_PER_SECOND 20u
#define SSO_SEEN_EVERY_MS (24 * 3600 * 1000ll)
#define SSO_SEEN_AGAIN_MS (3600 * 1000ll) /* a note may have been lost */

struct sso_request;

struct sso_note_seen {
    struct store_session_digest digest;
    int64_t at_ms; /* monotonic */
};

struct sso_note_refused {
    struct store_session_digest digest;
    const char *result;
    uint64_t exchange_id; /* of the first one; 0: it has no reference of ours */
};

struct sso_notes {
    struct sso_note_refused refused[SSO_NOTES_TABLE];
    struct sso_note_seen seen[SSO_NOTES_TABLE];
    int64_t second; /* monotonic, of the count below */
    unsigned count;
};

/* A session of a user was refused: written when it is the first time for that reason (`result`, which lives for ever),
 * else the request is shown the reference of that one, which is what `provgate why` finds. */
void sso_note_refusal(struct sso_request *rq, const char *result);
/* A sign-on was refused; `user_seq` 0: nobody known. `user_name` is what the provider said. */
void sso_note_sign_on_refusal(struct sso_request *rq, uint64_t user_seq, struct gw_str user_name, const char *result);
/* The sessions of the request signed out at the app, or its answer deleted their cookies. */
void sso_note_logout(struct sso_request *rq);
/* A bound session passes. */
void sso_note_seen(struct sso_request *rq);
