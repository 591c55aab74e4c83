/* logout: Okta's Universal Logout (draft-parecki-oauth-global-token-revocation): a signed POST that ends all sessions
 * of one user, on every SSO face of the folder; the user stays active and may sign in again.
 *
 * The token is checked before the body is read. Its jti works once, also after a restart: the mark and the end of the
 * sessions are one change. Answers 204 after the commit, 400 what is no subject, 401 every wrong token, 404 nobody,
 * 409 two people. The face's own loop only. */
#pragma once

#include "routes/request.h"

/* Takes a request to the logout path of an app; false: it is somebody else's. */
bool logout_take(struct prov_request *r);
