/* sign_on: a POST to an assertion consumer service, from its head to the moment its answer may leave.
 *
 * In: the body is collected, the assertion is checked, marked as used, and joined to a user; whoever is inactive,
 * unknown where that is refused, or two people, is refused before the app sees anything. Out: an answer that sets
 * a session cookie, whatever its status, waits until the store holds its mark and its binding, at most
 * SSO_SIGN_ON_WAIT_MS: one commit group (law 2). What cannot be recorded in that time is held in memory and tried
 * again, and `undecided` decides. An assertion that fails verification is never undecided: it is refused, or with gate:
 * observe passed on unbound. One loop's thread. */
#pragma once

#include "gateway/sso/request.h"

#define SSO_SIGN_ON_WAIT_MS 250
#define SSO_SIGN_ON_TURN_MS 100 /* while an issuer is asked for its keys */
#define SSO_SIGN_ON_TURNS_MAX 30u

/* Takes the request when it goes to an ACS, also to one in another spelling; false: an ordinary request. */
bool sso_sign_on_take(struct sso_request *rq);

/* The answer of a sign-on arrived. True: it waits (or was answered); false: an ordinary answer. */
bool sso_sign_on_take_answer(struct sso_request *rq, const struct store_session_digest *sessions, size_t count);

/* Is the answer held back until the store has the sign-on? */
bool sso_sign_on_is_waiting(const struct sso_request *rq);

/* The exchange is over, or was answered by us: forgets it, and takes the mark back when the app saw nothing. */
void sso_sign_on_end(struct sso_request *rq);
