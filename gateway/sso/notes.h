/* notes: what the SSO side writes in the background about what it saw: the first refusal of a session (then only
 * counters), and once a day that a session is still in use. Bounded: a small table of sessions that were noted, and so
 * many notes a second. Nothing waits for a note. One loop's thread. */
#pragma once

#include "store/record.h"

#define SSO_NOTES_TABLE 4096u /* a power of two */
#define SSO_NOTES_PER_SECOND 20u
#define SSO_SEEN_EVERY_MS (24 * 3600 * 1000ll)

struct sso_request;

struct sso_notes {
    struct store_session_digest refused[SSO_NOTES_TABLE];
    struct store_session_digest seen[SSO_NOTES_TABLE];
    int64_t second; /* monotonic, of the count below */
    unsigned count;
};

/* A session of a user was refused. */
void sso_note_refusal(struct sso_request *rq, const char *result);
/* A sign-on was refused; `user_seq` 0: nobody known. `user_name` is what the provider said. */
void sso_note_sign_on_refusal(struct sso_request *rq, uint64_t user_seq, struct gw_str user_name, const char *result);
/* A bound session passes. */
void sso_note_seen(struct sso_request *rq);
