/* scim1: SCIM 1.1 at the edge of the face (scim-clients.md 3; draft-scim-core-schema-01, draft-scim-api-01). What a
 * client of that version sends is brought into the form of version 2.0 before anybody looks at it, and what 2.0 answers
 * is written over on its way out; between the two nobody knows. The URNs of 1.1 are aliases in the tables (schema.h),
 * so only what has another shape is touched here: PATCH, "email" and "managerId", errors, lists, meta. Pure; any
 * thread. */
#pragma once

#include "gateway/base/buf.h"
#include "gateway/base/result.h"
#include "gateway/json/value.h"
#include "routes/scim/schema.h"

#define SCIM1_URN_CORE "urn:scim:schemas:core:1.0"
#define SCIM1_URN_ENTERPRISE "urn:scim:schemas:extension:enterprise:1.0"
#define SCIM1_URN_SCHEMA_LIST "urn:scim:schemas:core:1.0:ListResponse"
#define SCIM1_URN_AGENT "urn:okta:schemas:scim:providerconfig:1.0"
#define SCIM1_URN_AGENT_GROUP "urn:okta:custom:group:1.0" /* what the agent puts into every group */
#define SCIM1_MEDIA_TYPE "application/json"
#define SCIM1_DEPTH_MAX 64        /* of an answer */
#define SCIM1_MATCH_BYTES_MAX 256 /* a value by which an element of a list is found again */

/* A filter or a list of attribute names: "email" becomes "emails.value", "...managerId" "...value"; literals stay. In
 * `arena`, or `text` itself when nothing changes. */
struct gw_str scim1_names_read(struct gw_arena *arena, struct gw_str text);

/* The body of POST or PUT, in place: the manager's id gets its name of 2.0. */
void scim1_body_read(const struct scim_schema_set *set, struct json_value *body);

/* The body of PATCH: a partial resource becomes a PatchOp message with the same meaning, out of `arena` and of parts of
 * `body`, which is no longer whole. What is no object, or is a PatchOp message already, comes back as it is. */
struct json_value *scim1_patch_read(struct gw_arena *arena, const struct scim_schema_set *set, struct json_value *body);

/* An answer of 2.0, compact JSON as json_write makes it, being written over in the words of 1.1, part by part: it can
 * be as long as a group of 100,000. */
struct scim1_frame {
    struct gw_str parent; /* the name of the member that this array or object is, with its quotes */
    bool is_object;
    bool is_first;    /* nothing stands in it yet */
    bool is_left_out; /* the member that is being read */
};

struct scim1_writing {
    struct gw_str rest; /* what is not read yet; borrowed */
    struct gw_str name; /* of the value that comes next */
    bool is_schemas;
    bool is_behind; /* a value: a comma or an end comes next */
    unsigned muted; /* within what is left out */
    size_t depth;
    struct scim1_frame frames[SCIM1_DEPTH_MAX];
};

/* `is_schemas`: the list of /Schemas, which has a URN of its own. */
void scim1_writing_init(struct scim1_writing *writing, struct gw_str text, bool is_schemas);

/* Reads about `bytes` more and appends what comes of it. *ret_done: that was all. False when the text is not such JSON;
 * whether it fitted is the buffer's to say. */
GW_MUST_CHECK bool scim1_writing_go_on(struct scim1_writing *writing, struct gw_buf *buf, size_t bytes, bool *ret_done);

/* At one go. */
GW_MUST_CHECK bool scim1_text_write(struct gw_buf *buf, struct gw_str text, bool is_schemas);

/* {"Errors": [{"description", "code"}]}, with `detail` beside it, which Okta's test of 1.1 looks for. */
void scim1_error_write(struct gw_buf *buf, enum gw_code code, const char *detail);

/* /Schemas in the form of 1.1, with its URNs and `readOnly`. Roles and entitlements are not served there. */
bool scim1_has_type(const struct scim_resource_type *type);
void scim1_schemas_write(struct gw_buf *buf, const struct scim_schema_set *set, struct gw_str base_url);
/* By its URN of 1.1 or of 2.0, and whose it is; NULL: none. */
const struct scim_schema *scim1_schema_find(const struct scim_schema_set *set, struct gw_str urn,
                                            const struct scim_resource_type **ret_type);
struct json_value *scim1_schema_json(struct gw_arena *arena, const struct scim_resource_type *type,
                                     const struct scim_schema *schema, struct gw_str base_url);

struct scim1_provider_options {
    struct gw_str documentation_url;
    uint64_t results_max; /* of one page */
};

/* ServiceProviderConfigs of 1.1 with what Okta's on-premises agent may do here. */
struct json_value *scim1_provider_json(struct gw_arena *arena, const struct scim1_provider_options *options);

/* Adds the same to the ServiceProviderConfig of 2.0, for the agent that speaks 2.0 and asks by the old name. */
void scim1_agent_extend(struct gw_arena *arena, struct json_value *config);

/* Schema SCIM1_URN_AGENT_GROUP, an extension of Group. */
extern const struct scim_schema SCIM1_SCHEMA_AGENT_GROUP;
