/* binding: the sessions of a sign-on while the store does not have them yet. Held in memory, so that the next request
 * is known, and obeys a deactivation, on every worker. The job is one of STORE_CHANGE_SIGN_ON. One loop's thread. */
#pragma once

#include "gateway/sso/request.h"

#define SSO_BINDING_HELD_MS (24 * 3600 * 1000ll)

/* Holds the sessions of the job's change as `kind`: SSO_HELD_BOUND to the user it expects, or SSO_HELD_REFUSED. */
void sso_binding_hold(struct sso_job *job, enum sso_held_kind kind);

/* The store has them (or nobody is to have them): they are held no more, and are nobody's anonymous cookies. */
void sso_binding_release(struct sso_job *job);

/* Is it worth trying the same write again? */
bool sso_binding_time_cures(enum gw_code code);
