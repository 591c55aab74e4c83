/* cookie_name: is this name in a Cookie line the configured one, as written or as a lenient parser reads it?
 *
 * Loosely: percent-decoded once, without regard to case, without blanks, controls and non-ASCII bytes at its ends
 * (which some languages trim), cut at NUL, and with `.`, blank and `[` as `_` (PHP). Pure; any thread. */
#pragma once

#include "gateway/base/str.h"

struct cookie_pattern {
    struct gw_str text; /* without the `*` */
    bool any_end;
};

struct cookie_pattern cookie_pattern(struct gw_str pattern);
bool cookie_pattern_exactly(const struct cookie_pattern *pattern, struct gw_str name);
/* Also true for every name that matches exactly. */
bool cookie_pattern_loosely(const struct cookie_pattern *pattern, struct gw_str name);
