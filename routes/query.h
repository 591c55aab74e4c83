/* query: the parameters of a list (RFC 7644 section 3.4.2), from a query string or from a SearchRequest.
 * Percent-decoded once, '+' is a blank; unknown and empty parameters are ignored (rules 0.8, R23). Pure; any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/json/value.h"

/* Caps (law 10). */
#define QUERY_PARAMETERS_MAX 64u
#define QUERY_COUNT_DEFAULT 100u
#define QUERY_COUNT_MAX 1000u
#define QUERY_START_MAX 1000000000000000ull /* a JSON number that every client can read */

struct route_query {
    uint64_t start_index; /* 1-based, at least 1 */
    uint64_t count;       /* at most QUERY_COUNT_MAX */
    struct gw_str filter; /* empty: none */
    struct gw_str attributes;
    struct gw_str excluded_attributes;
};

/* `query` is raw, without '?'; ptr NULL: none. GW_E_INVALID_VALUE or GW_E_INVALID_FILTER: broken percent-encoding, text
 * that is not UTF-8 or holds NUL, a number that is none, a known parameter given twice. */
GW_MUST_CHECK enum gw_code route_query_parse(struct gw_arena *arena, struct gw_str query, struct route_query *ret_query,
                                             struct gw_error *err);

/* The body of POST /.search (RFC 7644 section 3.4.3). GW_E_INVALID_SYNTAX, GW_E_INVALID_VALUE. */
GW_MUST_CHECK enum gw_code route_query_read(struct gw_arena *arena, const struct json_value *body,
                                            struct route_query *ret_query, struct gw_error *err);
