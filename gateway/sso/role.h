/* role: who may go below a guarded path (key `roles` of the SSO face; semantics.md 6). Decided on every request from
 * the live record, for any reading of the path. A user has a role by `roles` or `entitlements` of the record, or by a
 * group that gives it (key `roles` of the folder's PROV face). All roles that a path requires are needed. A request
 * without a session cookie passes, for the app must be able to start its login; a session that is nobody's is refused,
 * one that the app handed out without a sign-on too. Loss of a role refuses the next request and cuts what is open
 * below the path; the session lives. One loop's thread. */
#pragma once

#include "gateway/sso/request.h"

#define SSO_ROLE_CHECKS_PER_TICK 256u /* open exchanges that are looked at again in one tick */

/* Obeys the guarded paths: false when the request was answered. After it was admitted. */
bool sso_role_admit(struct sso_request *rq);

/* The exchange is over, or was answered by us. */
void sso_role_leave(struct sso_request *rq);

/* Looks at open exchanges below guarded paths again when the store has changed. From the face's tick. */
void sso_role_tick(struct sso_face *face);
