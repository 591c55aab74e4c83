/* group_tree: the members of one group as a tree, for a filter that looks into them; loaded part by part, each as long
 * as one turn of the loop may be (turn.h). A group that changes between two parts is begun again. The face's own loop
 * only.
 */
#pragma once

#include "gateway/json/value.h"
#include "routes/request.h"
#include "routes/scim/handlers/turn.h"

/* Members that one request may look at in this way. */
#define GROUP_TREE_MEMBERS_MAX 100000u

struct group_tree {
    uint64_t seq;
    uint64_t version;
    uint64_t next_user; /* where the members go on */
    bool is_open;       /* there are members to come */
    struct json_value *members;
    size_t looked_at; /* in groups that are done with */
    struct gw_arena arena;
};

/* In a snapshot: loads until the turn is spent; while it is open, it is called again with the same group, or with
 * another when that one is gone. Then `members` is whole until the next call. GW_E_TOO_MANY. */
GW_MUST_CHECK enum gw_code group_tree_load(struct group_tree *tree, const struct prov_request *r,
                                           const struct store_group *group, struct turn *turn, struct gw_error *err);
void group_tree_done(struct group_tree *tree);
