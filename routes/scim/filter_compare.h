/* filter_compare: may an attribute be compared with a value, and how. One thread at a time per scanner. */
#pragma once

#include "routes/scim/filter_parse.h"

/* Checks operator and literal of a comparison against the attribute's type (rules R47, R48), and prepares the literal:
 * folded text, time, the "value" of a complex attribute. */
GW_MUST_CHECK enum gw_code scim_filter_bind(struct scim_filter_scanner *scanner, struct scim_filter *filter);
