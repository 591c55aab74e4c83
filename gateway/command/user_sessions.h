/* user_sessions: the bound sessions of one user, for `provgate user show --sessions`. Main thread only. */
#pragma once

#include "gateway/command/folder.h"

#define USER_SESSIONS_MAX 1000u /* shown */

/* One line each, in no particular order; a note on stderr when there are more. A session is named by the beginning of
 * its digest: no cookie value is kept anywhere. */
GW_MUST_CHECK enum gw_code command_user_sessions(struct command_folder *folder, const struct store_user *user,
                                                 bool as_json, struct gw_error *err);
