/* text: Unicode. The one door to libunistring. Any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/str.h"

/* Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is well-formed. */
bool gw_utf8_valid(struct gw_str s);

/* The form in which names (userName, e-mail, group displayName, subjects that are e-mail-like) are compared: NFKC,
 * lower case, NFKC (RFC 7643 section 4.1.1, caseExact false; in the spirit of RFC 8265 UsernameCaseMapped). Lower case
 * and not case folding: U+00DF must not become "ss", or two people would share one name. False when `s` is not
 * well-formed UTF-8. */
bool gw_name_fold(struct gw_arena *arena, struct gw_str s, struct gw_str *ret_folded);

/* May this be a userName? Non-empty, well-formed, no control, format, unassigned, private or default-ignorable code
 * point, no blank at either end, not longer than `max` bytes. */
bool gw_name_printable(struct gw_str s, size_t max);
