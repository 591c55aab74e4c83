/* path: the target of a PATCH operation (RFC 7644 section 3.5.2): attrPath, or attribute[filter] with an optional
 * sub-attribute behind it, or the URN of an extension. Any thread. */
#pragma once

#include "routes/scim/filter.h"

#define SCIM_PATH_BYTES_MAX 1024

struct scim_path {
    struct scim_ref ref;              /* with a filter, `sub` is what stands behind the bracket */
    const struct scim_filter *filter; /* NULL: none */
    size_t terms;                     /* comparisons in it */
};

/* GW_E_INVALID_PATH; for a broken value filter as well. Booleans in the value filter may be strings ("True"): Entra. */
GW_MUST_CHECK enum gw_code scim_path_parse(struct gw_arena *arena, const struct scim_resource_type *type,
                                           struct gw_str text, struct scim_path *ret_path, struct gw_error *err);
