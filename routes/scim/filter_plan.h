/* filter_plan: which indexes answer a filter. A plan names a superset; every candidate must still be put to
 * scim_filter_matches. Pure; any thread. */
#pragma once

#include "routes/scim/filter.h"

enum scim_lookup_kind {
    SCIM_LOOKUP_ID,           /* value: the text of the id, compared byte by byte */
    SCIM_LOOKUP_USER_NAME,    /* value: unfolded; the index holds the gw_name_fold form */
    SCIM_LOOKUP_EXTERNAL_ID,  /* value: exact */
    SCIM_LOOKUP_EMAIL,        /* value: unfolded */
    SCIM_LOOKUP_DISPLAY_NAME, /* of a group; value: unfolded */
    SCIM_LOOKUP_MEMBER,       /* groups that have this member; value: the text of the id */
    SCIM_LOOKUP_MODIFIED      /* since_ms to until_ms, both included: when meta.lastModified is */
};

struct scim_lookup {
    enum scim_lookup_kind kind;
    struct gw_str value;
    int64_t since_ms; /* at least 0 */
    int64_t until_ms; /* INT64_MAX: no end */
};

struct scim_plan {
    bool scan;                         /* no index helps: walk all resources; `lookups` is empty then */
    const struct scim_lookup *lookups; /* the union of these; one resource may come from several */
    size_t lookup_count;
    bool exact; /* what the one lookup names matches; nothing has to be put to the filter */
};

/* `type_name` decides what has an index: "User" or "Group". */
struct scim_plan scim_filter_plan(struct gw_arena *arena, const struct scim_filter *filter,
                                  const struct scim_resource_type *type);
