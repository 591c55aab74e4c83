/* cookie_value: the readings of one cookie value; cookie_canonical (cookie.h) is built of them. Results borrow from
 * the value or live in the arena. Pure; any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/str.h"

/* The length of the quoted string (RFC 2109) at the start of `s`, quotes included, or 0 when there is none: an open
 * quote is read literally (RFC 6265 section 5.2 knows no quotes). */
size_t cookie_quoted_length(struct gw_str s);

/* What stands in the quoted string at the start of `value`, unescaped; `value` itself when there is none. */
struct gw_str cookie_unquote(struct gw_str value, struct gw_arena *arena);

struct gw_str cookie_percent_decode(struct gw_str value, struct gw_arena *arena); /* once */

/* Is every reading of `value` the value itself? */
bool cookie_is_canonical(struct gw_str value);
