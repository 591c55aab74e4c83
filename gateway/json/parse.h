/* parse: JSON text to a tree. The only door to yajl.
 *
 * Accepts one RFC 8259 document in UTF-8 and refuses with a clear sentence: a byte order mark, ill-formed UTF-8
 * (overlong, surrogates), \u0000, escapes that are half a surrogate pair, raw control characters, comments, a second
 * document or anything else behind the first, names that occur twice in one object (names are SCIM attribute names, so
 * also when they differ in ASCII case or in escapes only), numbers that no double can hold, and whatever passes a
 * limit. Time and memory are proportional to the text. Any thread. */
#pragma once

#include "gateway/base/result.h"
#include "gateway/json/value.h"

#define JSON_DEPTH_MAX 64 /* no limit may be above it: trees are walked recursively */

struct json_limits {
    size_t depth;   /* nested arrays and objects, at most JSON_DEPTH_MAX */
    size_t values;  /* nodes of the whole document */
    size_t members; /* of one object */
    size_t string_bytes;
    size_t number_bytes;
};

/* What a request body of any route may hold; the body itself is capped by the route. */
#define JSON_LIMITS_BODY                                                                                               \
    ((struct json_limits){                                                                                             \
        .depth = 24, .values = 2000000, .members = 1000, .string_bytes = 256 * 1024, .number_bytes = 64})

/* GW_E_INVALID_SYNTAX, with the place where it helps; `*ret_value` is set on success only and lives in `arena`. Copies
 * what it keeps, so `text` may go. */
GW_MUST_CHECK enum gw_code json_parse(struct gw_arena *arena, struct gw_str text, const struct json_limits *limits,
                                      struct json_value **ret_value, struct gw_error *err);

/* The same part by part, for texts that take longer than one turn of a loop may. `text` and `arena` stay until it is
 * freed, on one thread at a time. */
struct json_reading;
struct json_reading *json_reading_new(struct gw_arena *arena, struct gw_str text, const struct json_limits *limits);
/* Reads some `bytes` (at least 16) more. *ret_value: the value when all is read, else NULL. After an error, and after
 * the value, it can only be freed. */
GW_MUST_CHECK enum gw_code json_reading_go_on(struct json_reading *reading, size_t bytes, struct json_value **ret_value,
                                              struct gw_error *err);
void json_reading_free(struct json_reading *reading); /* NULL too */
