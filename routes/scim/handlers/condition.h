/* condition: If-Match and If-None-Match (RFC 9110 section 13, RFC 7644 section 3.14). Versions go out as weak entity
 * tags W/"N" and come back in whatever form: they are compared by their text alone. Pure; any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/http/message.h"

struct gw_str condition_tag(struct gw_arena *arena, uint64_t version);

/* The version in W/"N", "N" or N; 0 when it is none of these. */
uint64_t condition_version(struct gw_str tag);

/* GET: is the client's copy fresh (304)? */
bool condition_is_fresh(const struct http_request *request, uint64_t version);

/* PUT, PATCH, DELETE: does the client mean another version (412)? */
bool condition_fails(const struct http_request *request, uint64_t version);
