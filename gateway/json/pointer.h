/* pointer: one value of a document by its JSON pointer (RFC 6901). Pure; any thread. */
#pragma once

#include "gateway/json/value.h"

#define JSON_POINTER_TOKEN_BYTES_MAX 256u /* a longer reference token finds nothing */

/* The value, or NULL when nothing is there or `pointer` is none. "" is the whole document; names are matched exactly;
 * an item of an array by its decimal index without leading zeros ("-" never names an item that exists). */
const struct json_value *json_pointer_get(const struct json_value *document, struct gw_str pointer);
