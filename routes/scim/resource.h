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

/* For user.c and group.c: stored text to object (empty: {}; GW_E_STORE_DAMAGED otherwise), the members of an object
 * that are not among `apart`, all members of one object behind those of another, and a string member's text. */
GW_MUST_CHECK enum gw_code scim_attributes_load(struct gw_arena *arena, struct gw_str text,
                                                struct json_value **ret_object, struct gw_error *err);
struct json_value *scim_attributes_without(struct gw_arena *arena, const struct json_value *resource,
                                           const struct gw_str *apart, size_t apart_count);
void scim_members_append(struct gw_arena *arena, struct json_value *to, const struct json_value *from);
struct gw_str scim_text_of(const struct json_value *object, struct gw_str name); /* ptr NULL: no such string */
