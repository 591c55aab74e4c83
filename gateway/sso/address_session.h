/* address_session: a session that is named in the address of a request and not in a cookie. Servlet containers take
 * `;jsessionid=VALUE` in any segment of the path when no cookie names a session that they know, and some runtimes a
 * parameter of the query with the cookie's name. What is found here only says which sessions the request may be of: a
 * value that nobody knows is no session, since a cookie's name may well be that of an ordinary parameter. Pure, linear;
 * any thread. */
#pragma once

#include "gateway/cookie/cookie.h"
#include "gateway/http/message.h"

/* Path parameters and query parameters whose name an app could take for the pattern's (any case, percent-encoded), with
 * their canonical values. The name is the cookie's; of a pattern with `*` it is as sent. False: there are more of them
 * than COOKIE_VALUES_MAX. */
bool sso_address_sessions_find(const struct http_request *request, struct gw_str pattern, struct gw_arena *arena,
                               struct cookie_values *ret_values);
