/* claim: an app has said whose a session is, in a header of its answer or to a probe. The user is looked up by userName
 * at once; the binding is written in the background and held in memory until the store has it, so that it counts from
 * the next request on. A claim is no sign-on of ours: it never waits for a commit. One loop's thread. */
#pragma once

#include "gateway/sso/request.h"

struct sso_claim {
    const struct sso_app *app;
    struct gw_str user_name; /* as the app said it; sso_claim_names_a_user */
    struct gw_str reference;
    const struct store_session_digest *sessions; /* to be bound; at most STORE_SIGN_ON_SESSIONS_MAX are */
    size_t session_count;
};

enum sso_claim_verdict {
    SSO_CLAIM_ALLOWED,
    SSO_CLAIM_INACTIVE,  /* deactivated or locked */
    SSO_CLAIM_GONE,      /* deleted, and not provisioned again */
    SSO_CLAIM_NOBODY,    /* nobody of that name, and unknown: refuse */
    SSO_CLAIM_UNDECIDED, /* the store could not be read */
};

struct sso_claim_finding {
    enum sso_claim_verdict verdict;
    uint64_t user_seq; /* 0: nobody of that name yet */
    uint64_t generation;
};

/* Can the text be a userName? What cannot is no claim. */
bool sso_claim_names_a_user(struct gw_str text);

/* Reads only. */
void sso_claim_check(struct sso_face *face, const struct sso_claim *claim, struct sso_claim_finding *ret_finding);

/* Binds the sessions to the user that was found, or to a newly observed one. Those of an inactive or deleted user are
 * bound too, dead: unbound they would pass for unknown ones. Nothing to do for NOBODY and UNDECIDED. */
void sso_claim_record(struct sso_face *face, const struct sso_claim *claim, const struct sso_claim_finding *finding);
