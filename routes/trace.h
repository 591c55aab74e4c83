/* trace: one line of the log for every call of an app, for the first live run of a client (scim-clients.md 10): method,
 * endpoint, parameter and header names, the key names of the body in order, the answer. Never a value, an id or a
 * credential (law 9). `trace: on` of the app's prov face. The face's own loop only. */
#pragma once

#include "routes/request.h"

#define TRACE_LINES_PER_SECOND 50u /* of one app; more are counted, so that other lines of the log keep their room */

/* Before an answer. `scim_type` is the error's kind, or NULL. */
void trace_answer(struct prov_request *r, int status, const char *scim_type);
