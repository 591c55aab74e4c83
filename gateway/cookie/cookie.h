/* cookie: the session cookie of a request, as every known parser of an app would read it.
 *
 * The app behind may read a Cookie line by RFC 6265, by the older rules (`,` or a blank as separator, quoted strings),
 * without regard to the case of the name, or percent-decode it. For one occurrence of the cookie all readings of its
 * value are given: if any of them is a dead session the request is refused. A request is ambiguous only when a reading
 * gives this cookie another value than the plain reading does: an occurrence that other readings do not see, or one
 * that a reading swallows. Everything else passes, however odd the other cookies are. The same name twice is no
 * ambiguity: all values are given. Pure, linear, allocates only for encoded values; any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/str.h"

/* Distinct (name, value) readings of one pattern in one request; more are ambiguous. */
#define COOKIE_VALUES_MAX 48

enum cookie_verdict {
    COOKIE_NONE, /* not there, or only with empty values */
    COOKIE_FOUND,
    COOKIE_AMBIGUOUS,
};

struct cookie_value {
    struct gw_str name; /* as sent */
    struct gw_str value;
};

struct cookie_values {
    size_t count;
    struct cookie_value list[COOKIE_VALUES_MAX]; /* borrowed from the lines or in the arena; never empty values */
};

/* `lines`: the values of all Cookie header lines (HTTP/2 crumbs too), in order. `pattern`: a cookie name; with a `*` at
 * its end every name that starts so. Each occurrence gives its raw value and, where they differ, percent-decoded,
 * unquoted and canonical (cookie_canonical). `ret_values` is filled (count set) for FOUND only. */
enum cookie_verdict cookie_find(const struct gw_str *lines, size_t line_count, struct gw_str pattern,
                                struct gw_arena *arena, struct cookie_values *ret_values);

/* Does the name match the pattern exactly as written? For Set-Cookie. */
bool cookie_name_matches(struct gw_str name, struct gw_str pattern);

/* The form under which a session is bound: without quotes, percent-decoded until nothing is left to decode, cut at NUL,
 * blanks as `+`. Two spellings that an app takes for one session have one canonical form, so bind this one (an app that
 * sets `s%3Aabc` also takes `s:abc`). Returns `value` itself when it is canonical, else a copy in the arena. */
struct gw_str cookie_canonical(struct gw_str value, struct gw_arena *arena);
