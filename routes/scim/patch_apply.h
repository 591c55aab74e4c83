/* patch_apply: one step on the copy of a resource. Inside the module only. */
#pragma once

#include "routes/scim/patch.h"

struct scim_patcher {
    struct gw_arena *arena;
    const struct scim_resource_type *type;
    struct json_value *resource; /* the copy; every node is ours to change */
    struct scim_reader reader;
    size_t work; /* spent so far, of SCIM_PATCH_WORK_MAX */
    struct gw_error *err;
};

/* A step on a multi-valued attribute; `container` holds the attribute, or will. */
GW_MUST_CHECK enum gw_code scim_patch_values(struct scim_patcher *patcher, const struct scim_patch_step *step,
                                             struct json_value *container);

/* Sets or (value NULL) unsets a sub-attribute; an immutable one cannot be changed. */
GW_MUST_CHECK enum gw_code scim_patch_set_sub(struct scim_patcher *patcher, const struct scim_attribute *sub,
                                              struct json_value *object, struct json_value *value);

/* Refuses to take away what is required: GW_E_MUTABILITY. */
GW_MUST_CHECK enum gw_code scim_patch_may_remove(struct scim_patcher *patcher, const struct scim_attribute *attribute);

/* Is there a value, other than null? */
bool scim_patch_has_value(const struct scim_patch_step *step);
