/* patch: RFC 7644 section 3.5.2 with the liberal forms that real clients send (scim-clients.md 1.6 to 1.8, 6.1, 9).
 *
 * A PATCH body becomes a list of steps, each with one target; path-less operations are spread over their members. Steps
 * are applied in order to a copy: either all of them, or the caller keeps what it had. Pure; any thread. */
#pragma once

#include "routes/scim/path.h"
#include "routes/scim/value.h"

#define SCIM_PATCH_OPS_MAX 1000
#define SCIM_PATCH_STEPS_MAX 4000 /* after path-less operations were spread */
#define SCIM_PATCH_WORK_MAX                                                                                            \
    10000000 /* values looked at, times comparisons, by all steps of one PATCH: about a second */

enum scim_patch_op { SCIM_PATCH_ADD, SCIM_PATCH_REMOVE, SCIM_PATCH_REPLACE };

struct scim_patch_step {
    enum scim_patch_op op;
    struct scim_path path;
    const struct json_value *value; /* as the client sent it; NULL: none */
};

struct scim_patch {
    const struct scim_patch_step *steps;
    size_t count;
};

/* Unknown and read-only names inside path-less values are dropped (the unknown ones go to `*ignored`, may be NULL);
 * an explicit path to them fails with GW_E_INVALID_PATH or GW_E_MUTABILITY. GW_E_INVALID_SYNTAX, GW_E_NO_TARGET (remove
 * without path), GW_E_TOO_LARGE (more than SCIM_PATCH_OPS_MAX operations). */
GW_MUST_CHECK enum gw_code scim_patch_parse(struct gw_arena *arena, const struct scim_resource_type *type,
                                            const struct json_value *message, struct scim_patch *ret_patch,
                                            struct scim_ignored *ignored, struct gw_error *err);

/* `resource` is not touched. `*ret_resource` is the changed copy with `schemas` brought up to date; `*ret_changed` says
 * whether it differs at all (rule R72: no change, same lastModified). GW_E_TOO_LARGE past SCIM_PATCH_WORK_MAX. */
GW_MUST_CHECK enum gw_code scim_patch_apply(struct gw_arena *arena, const struct scim_resource_type *type,
                                            const struct json_value *resource, const struct scim_patch *patch,
                                            struct json_value **ret_resource, bool *ret_changed, struct gw_error *err);
