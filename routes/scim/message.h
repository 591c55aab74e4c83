/* message: the documents that are not resources of the folder: errors, lists, and discovery, which is written from the
 * same tables that decide what is accepted. Pure; any thread. */
#pragma once

#include "gateway/base/buf.h"
#include "gateway/base/result.h"
#include "gateway/json/value.h"
#include "routes/scim/schema.h"

/* RFC 7644 section 3.12: schemas, status as a string, scimType where the code has one, detail. `detail` NULL or empty:
 * the code's default text. */
void scim_error_write(struct gw_buf *buf, enum gw_code code, const char *detail);

/* RFC 7644 section 3.4.2. `resources` is the JSON text of `count` resources with commas between them. itemsPerPage is
 * `count` (scim-clients.md, rule 3). */
void scim_list_write(struct gw_buf *buf, uint64_t total, uint64_t start_index, size_t count, struct gw_str resources);

struct scim_provider_options {
    struct gw_str base_url; /* of the PROV face, without a slash at the end */
    struct gw_str documentation_url;
    size_t results_max;
    bool etag;
    bool bearer; /* which credentials may be used: any of these */
    bool basic;
};
struct json_value *scim_provider_json(struct gw_arena *arena, const struct scim_provider_options *options);

/* One entry of /Schemas, and one of /ResourceTypes. */
struct json_value *scim_schema_json(struct gw_arena *arena, const struct scim_schema *schema, struct gw_str base_url);
struct json_value *scim_resource_type_json(struct gw_arena *arena, const struct scim_resource_type *type,
                                           struct gw_str base_url);

/* The whole /Schemas and /ResourceTypes lists as ListResponse text. */
void scim_schemas_write(struct gw_buf *buf, const struct scim_schema_set *set, struct gw_str base_url);
void scim_resource_types_write(struct gw_buf *buf, const struct scim_schema_set *set, struct gw_str base_url);
