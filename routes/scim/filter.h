/* filter: RFC 7644 section 3.4.2.2, parsed once into a tree in an arena, checked against the schema while it is parsed,
 * then planned (which index to ask) and evaluated (rules R45 to R49).
 *
 * Refused with invalidFilter: unknown attributes and operators, values without quotes, types that cannot be compared,
 * and whatever passes a cap. An evaluated filter never fails. Trees are immutable: any thread. */
#pragma once

#include "gateway/base/result.h"
#include "gateway/json/value.h"
#include "routes/scim/schema.h"

#define SCIM_FILTER_BYTES_MAX 8192
#define SCIM_FILTER_DEPTH_MAX 24  /* parentheses, "not" and brackets */
#define SCIM_FILTER_TERMS_MAX 200 /* comparisons in one filter */
#define SCIM_PATH_TERMS_MAX 16    /* comparisons in the value filter of a PATCH path */

enum scim_filter_kind {
    SCIM_FILTER_COMPARE,
    SCIM_FILTER_PRESENT,
    SCIM_FILTER_AND,
    SCIM_FILTER_OR,
    SCIM_FILTER_NOT,       /* one child */
    SCIM_FILTER_VALUE_PATH /* attribute[child]: some value of the attribute matches the child */
};
enum scim_op { SCIM_EQ, SCIM_NE, SCIM_CO, SCIM_SW, SCIM_EW, SCIM_GT, SCIM_GE, SCIM_LT, SCIM_LE };

struct scim_filter {
    enum scim_filter_kind kind;
    /* COMPARE, PRESENT, VALUE_PATH. Inside a value path `attribute` is the sub-attribute and `sub` is NULL; there it is
     * compared with a member of the value. Comparing a complex attribute means its "value" (sub is set then). */
    struct scim_ref ref;
    enum scim_op op;
    const struct json_value *literal; /* COMPARE: string, number, boolean or null */
    struct gw_str folded;             /* COMPARE with a string: the form that is compared when case does not count */
    int64_t time_ms;                  /* COMPARE of a dateTime */
    const struct scim_filter **children;
    size_t child_count;
};

/* `text` is the decoded query parameter. GW_E_INVALID_FILTER. */
GW_MUST_CHECK enum gw_code scim_filter_parse(struct gw_arena *arena, const struct scim_resource_type *type,
                                             struct gw_str text, const struct scim_filter **ret_filter,
                                             struct gw_error *err);

/* Does the resource (as scim_user_load gives it) match? `scratch` takes folded copies of values. */
bool scim_filter_matches(const struct scim_filter *filter, const struct json_value *resource, struct gw_arena *scratch);

/* The same for one value of a multi-valued attribute and the filter inside a value path. */
bool scim_filter_matches_value(const struct scim_filter *filter, const struct json_value *value,
                               struct gw_arena *scratch);
