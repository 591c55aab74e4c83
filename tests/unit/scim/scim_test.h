/* scim_test: JSON with ' for ", so that bodies can be read in C. */
#pragma once

#include "tests/support/unit.h"

#include "gateway/json/parse.h"
#include "gateway/json/write.h"
#include "routes/scim/schema.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Every ' becomes ". */
static inline struct gw_str quoted(struct gw_arena *arena, const char *text)
{
    struct gw_str copy = gw_arena_copy(arena, gw_str_from(text));
    char *bytes = gw_arena_alloc(arena, copy.len + 1);
    for (size_t i = 0; i < copy.len; i++)
        bytes[i] = copy.ptr[i] == '\'' ? '"' : copy.ptr[i];
    return gw_str_n(bytes, copy.len);
}

static inline struct json_value *json_of(struct gw_arena *arena, const char *text)
{
    struct json_limits limits = JSON_LIMITS_BODY;
    struct json_value *value = NULL;
    struct gw_error err = {0};
    if (json_parse(arena, quoted(arena, text), &limits, &value, &err) != GW_OK)
        fail_msg("%s: %s", err.text, text);
    return value;
}

static inline void assert_json(struct gw_arena *arena, const struct json_value *actual, const char *expected)
{
    struct gw_str text = json_text(arena, actual);
    struct gw_str wanted = quoted(arena, expected);
    if (!json_equal(actual, json_of(arena, expected)))
        fail_msg("got    %.*s\nwanted %.*s", GW_STR_ARG(text), GW_STR_ARG(wanted));
}

static inline const struct scim_resource_type *type_with(struct scim_schema_set *set, bool roles, const char *name)
{
    scim_schema_set_init(set, &(struct scim_schema_options){.roles = roles});
    return scim_resource_type_find(set, gw_str_from(name));
}
