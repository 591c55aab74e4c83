/* ignored: attributes of a body that nobody knows are counted, and logged by name, at most once a second per app
 * (semantics.md 5). The face's own loop only. */
#pragma once

#include "routes/request.h"
#include "routes/scim/value.h"

void ignored_note(const struct prov_request *r, const struct scim_ignored *ignored);
