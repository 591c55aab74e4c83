/* header: the app says in its answer who the user is (identity: header). Only the app's answer counts, in the name's
 * own spelling; it is stripped on the way out in every spelling (forward.h). What is bound: the session cookies that
 * the answer sets, else those that the request brought, unless one name came with two values. Looked at when the
 * session is not bound, or bound to another user than the one that is named. One loop's thread. */
#pragma once

#include "gateway/sso/request.h"

/* Whom the answer names, by the first header identity that says anything; empty: nobody. Before the answer is stripped.
 */
struct gw_str sso_header_user(const struct sso_request *rq);

enum sso_identified {
    SSO_IDENTIFIED_NOTHING,  /* the answer goes on as if nothing had been said */
    SSO_IDENTIFIED_BOUND,    /* it goes on; its cookies are dealt with */
    SSO_IDENTIFIED_ANSWERED, /* it was refused, or waits */
};

/* The answer says that its session is `user_name`'s (empty: nothing is said). */
enum sso_identified sso_header_take_answer(struct sso_request *rq, struct gw_str user_name,
                                           const struct store_session_digest *sessions, size_t count);

/* The same for whoever else knows: checks, binds, and refuses the answer of somebody inactive or unknown. */
enum sso_identified sso_identify(struct sso_request *rq, struct gw_str user_name,
                                 const struct store_session_digest *sessions, size_t count);
