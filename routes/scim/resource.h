/* resource: a whole resource in its canonical form: members spelled and ordered as the schema has them, extension data
 * under its URN, `schemas` as it follows from the data. Pure; any thread. */
#pragma once

#include "routes/scim/value.h"

/* Reads the body of POST or PUT (rules R1 to R17, R31, R60). In the result are `schemas` and all writable attributes;
 * id, meta, other read-only and discarded attributes are gone, unknown names are in `*ignored` (may be NULL).
 * GW_E_INVALID_SYNTAX: not an object, or `schemas` does not name the resource type. GW_E_INVALID_VALUE: a required
 * attribute is missing or a value is wrong. */
GW_MUST_CHECK enum gw_code scim_resource_read(struct gw_arena *arena, const struct scim_resource_type *type,
                                              const struct json_value *body, struct json_value **ret_resource,
                                              struct scim_ignored *ignored, struct gw_error *err);

/* The `schemas` array that follows from the data of `resource`. */
struct json_value *scim_resource_schemas(struct gw_arena *arena, const struct scim_resource_type *type,
                                         const struct json_value *resource);

/* All required attributes there? GW_E_INVALID_VALUE names the missing one. */
GW_MUST_CHECK enum gw_code scim_resource_check(const struct scim_resource_type *type, const struct json_value *resource,
                                               struct gw_error *err);

/* What the server knows about a resource and the client cannot write. */
struct scim_meta {
    struct gw_str id;
    int64_t created_ms;
    int64_t modified_ms;
    struct gw_str location; /* absolute address; empty: left out */
    struct gw_str version;  /* entity tag; empty: left out */
};

struct json_value *scim_meta_json(struct gw_arena *arena, struct gw_str type_name, const struct scim_meta *meta);
