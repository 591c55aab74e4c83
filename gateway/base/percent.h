/* percent: percent-decoding as lenient parsers do it: what is not `%` and two hex digits stays as it is. Used to find
 * readings, never to change what is forwarded. Pure; any thread. */
#pragma once

#include "gateway/base/str.h"

/* One decoding of `s`; `dst` holds s.len bytes and may be s.ptr itself. Returns the length. */
size_t gw_percent_decode(struct gw_str s, char *dst);
