/* user: between the canonical user and what the store keeps. userName, externalId, active and e-mail addresses are
 * columns; everything else is one JSON object text. Pure; any thread. */
#pragma once

#include "gateway/base/buf.h"
#include "routes/scim/resource.h"

struct scim_user_draft {
    struct gw_str user_name;   /* as the client spells it; never empty */
    struct gw_str external_id; /* ptr NULL: none */
    bool has_active;           /* the body said so; else keep, or true for a new user */
    bool active;
    bool has_roles; /* an array was there, also an empty one: only that revokes (semantics.md 4) */
    bool has_entitlements;
    const struct gw_str *emails; /* distinct emails[].value, unfolded, in order */
    size_t email_count;
    const struct json_value *attributes; /* the rest: no schemas, id, meta, groups, userName, externalId, active */
};

/* From the body of POST or PUT to a draft: scim_resource_read, then the columns taken out. */
GW_MUST_CHECK enum gw_code scim_user_read(struct gw_arena *arena, const struct scim_resource_type *type,
                                          const struct json_value *body, struct scim_user_draft *ret_draft,
                                          struct scim_ignored *ignored, struct gw_error *err);

/* From a canonical resource, such as the result of a PATCH, to a draft. */
void scim_user_draft_fill(struct gw_arena *arena, const struct json_value *resource, struct scim_user_draft *ret_draft);

/* PUT: what the body lacks of roles, entitlements, active and what no GET shows stays as in `stored` (a resource of
 * scim_user_load). */
void scim_user_draft_keep(struct gw_arena *arena, const struct scim_resource_type *type, struct scim_user_draft *draft,
                          const struct json_value *stored);

/* Names of the attributes in which two resources differ, blank separated; `before` NULL: of all there are. */
struct gw_str scim_changed_names(struct gw_arena *arena, const struct json_value *before,
                                 const struct json_value *after);

/* The attributes as compact JSON, for the store. */
struct gw_str scim_user_store_text(struct gw_arena *arena, const struct scim_user_draft *draft);

struct scim_user_columns {
    struct scim_meta meta;
    struct gw_str user_name;
    struct gw_str external_id; /* empty: none */
    bool active;
    struct gw_str attributes;        /* text of scim_user_store_text; empty counts as {} */
    const struct json_value *groups; /* array for the read-only attribute, or NULL */
};

/* The whole resource as a client sees it before projection. GW_E_STORE_DAMAGED when the text is not a JSON object. */
GW_MUST_CHECK enum gw_code scim_user_load(struct gw_arena *arena, const struct scim_resource_type *type,
                                          const struct scim_user_columns *columns, struct json_value **ret_resource,
                                          struct gw_error *err);

/* The same resource as text, as it looks with neither attributes nor excludedAttributes asked for, appended to `buf`;
 * much cheaper than by way of a tree. False, and nothing appended, when the attributes cannot be copied as they are:
 * then scim_user_load and scim_project say it. */
bool scim_user_write(struct gw_buf *buf, const struct scim_resource_type *type,
                     const struct scim_user_columns *columns);
