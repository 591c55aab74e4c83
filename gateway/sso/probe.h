/* probe: asks the app, with the user's own cookies, whose a session is (identity: probe). For a session that nobody
 * knows: once, whoever of its requests comes first, while they go on by `unbound`; an answer that names nobody is
 * remembered for a minute. After a sign-on path: the answer is held until the app has said who it is, at most
 * SSO_PROBE_AFTER_MS. What the app answers is read with caps and is never passed on. One loop's thread; what was asked
 * is shared by the workers (sso_shared.probed). */
#pragma once

#include "gateway/sso/request.h"

#define SSO_PROBES_MAX 32u /* under way, per loop; a session beyond is asked about at its next request */
#define SSO_PROBE_ANSWER_BYTES_MAX (64u * 1024u)
#define SSO_PROBE_MS 5000
#define SSO_PROBE_AFTER_MS 2000
#define SSO_PROBE_NOBODY_MS (60 * 1000ll)
#define SSO_PROBE_FAILED_MS (10 * 1000ll)

struct sso_probe;

/* An ordinary request is about to be admitted: begins a probe for its session where one is due. */
void sso_probe_request(struct sso_request *rq);

/* The answer of an ordinary request; true: it is held, and goes on or is refused later. `sessions` are those that it
 * sets. */
bool sso_probe_take_answer(struct sso_request *rq, const struct store_session_digest *sessions, size_t count);

/* The exchange is over, or was answered by us. */
void sso_probe_leave(struct sso_request *rq);

void sso_probes_done(struct sso_face *face); /* before the upstreams */
