/* reauth: what `unbound: reauth` does with a session cookie that nobody knows: a browser that goes to a page gets its
 * session cookies expired once and the same address again; everything else, and a browser that comes back with the same
 * cookie within SSO_REAUTH_ONCE_MS (it could not be expired), is refused. One loop's thread. */
#pragma once

#include "gateway/sso/request.h"

#define SSO_REAUTH_ONCE_MS (60 * 1000ll)
#define SSO_REAUTH_COOKIES_MAX 32u

void sso_reauth_ask(struct sso_request *rq);
