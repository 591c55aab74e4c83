/* next_cookies: the Cookie header with which a browser would come back after an answer: what it sent, without what the
 * answer deletes or replaces, and what the answer sets. Path and domain are not looked at: the one who asks is an app
 * about its own session. Pure; any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/http/message.h"

#define SSO_NEXT_COOKIES_BYTES_MAX 16384u
#define SSO_NEXT_COOKIES_SET_MAX 64u /* Set-Cookie lines that are looked at */

/* In `arena`; empty when there is none, or more than SSO_NEXT_COOKIES_BYTES_MAX. `answer` may be NULL. */
struct gw_str sso_next_cookies(const struct http_request *request, const struct http_answer *answer, int64_t now_ms,
                               struct gw_arena *arena);
