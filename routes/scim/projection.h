/* projection: the query parameters attributes and excludedAttributes (RFC 7644 section 3.9, rule R51). Any thread. */
#pragma once

#include "gateway/base/result.h"
#include "gateway/json/value.h"
#include "routes/scim/schema.h"

#define SCIM_PROJECTION_BYTES_MAX 8192
#define SCIM_PROJECTION_NAMES_MAX 100

struct scim_projection {
    const struct scim_resource_type *type;
    bool only; /* refs are the attributes wanted; else those not wanted */
    const struct scim_ref *refs;
    size_t ref_count;
};

/* Comma-separated names; empty: the parameter was not given. Unknown names are ignored. GW_E_INVALID_VALUE when both
 * are given or a cap is passed. */
GW_MUST_CHECK enum gw_code scim_projection_parse(struct gw_arena *arena, const struct scim_resource_type *type,
                                                 struct gw_str attributes, struct gw_str excluded,
                                                 struct scim_projection *ret_projection, struct gw_error *err);

/* May the attribute be in the answer? Lets a handler leave out what is dear to load (members, groups). */
bool scim_projection_wants(const struct scim_projection *projection, struct gw_str attribute_name);

/* A new top object that shares its values with `resource` where it can. */
struct json_value *scim_project(struct gw_arena *arena, const struct scim_projection *projection,
                                const struct json_value *resource);
