/* set_cookie: one Set-Cookie line of the app, as a browser reads it (RFC 6265 section 5.2). Pure; any thread. */
#pragma once

#include "gateway/base/str.h"

#include <stdint.h>

#define SET_COOKIE_BYTES_MAX 16384 /* of one line; a longer one is not a cookie that a browser keeps */

struct set_cookie {
    struct gw_str name;   /* never empty */
    struct gw_str value;  /* raw, quotes included: what the browser will send; bind its cookie_canonical form */
    struct gw_str path;   /* ptr NULL when not said (or not starting with `/`: the default path counts) */
    struct gw_str domain; /* without the leading dot, as written; ptr NULL when not said */
    bool deletes;         /* Max-Age <= 0, else Expires not after now */
    bool secure;
    bool http_only;
};

/* `line`: the header's value. Results borrow from it. False when a browser would ignore the line. */
bool set_cookie_parse(struct gw_str line, int64_t now_ms, struct set_cookie *ret_cookie);

/* A date as RFC 6265 section 5.1.1 reads it, which is nearly anything. */
bool cookie_date_parse(struct gw_str text, int64_t *ret_wall_ms);
