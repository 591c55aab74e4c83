/* group_match: is a filter true of a group? No more of its members are looked at than the filter asks for: none, or
 * whether those are there that it names by id, or all of them, part by part (turn.h). The face's own loop only. */
#pragma once

#include "routes/request.h"
#include "routes/scim/filter.h"
#include "routes/scim/handlers/group_tree.h"

/* What a filter has to know of members. */
enum members_needed {
    MEMBERS_NONE,
    MEMBERS_NAMED, /* only whether those are there that it names by id */
    MEMBERS_ALL
};

struct group_match {
    const struct prov_request *r;
    const struct scim_filter *filter;
    enum members_needed needed;
    uint64_t named[SCIM_FILTER_TERMS_MAX];
    size_t named_count;
    struct group_tree tree; /* of the group that is being put to the filter */
};

/* A zeroed one is empty. Borrows both. */
void group_match_init(struct group_match *match, const struct prov_request *r, const struct scim_filter *filter);
void group_match_done(struct group_match *match);

/* In a snapshot. *ret_matches is said unless group_match_is_open: then the turn was spent before all members were
 * there, and the same group is put again in the next one. */
GW_MUST_CHECK enum gw_code group_match_put(struct group_match *match, struct gw_arena *arena,
                                           const struct store_group *group, struct turn *turn, bool *ret_matches,
                                           struct gw_error *err);
bool group_match_is_open(const struct group_match *match);
/* The group that was open is gone. */
void group_match_forget(struct group_match *match);
