/* group_members: who is to be in a group, and how the store is told. A list is an ascending run of user numbers, each
 * once. The face's own loop only. */
#pragma once

#include "routes/request.h"
#include "store/change.h"

struct member_list {
    uint64_t *users;
    size_t count;
};

/* The users that the operations add. */
struct member_list member_list_added(struct gw_arena *arena, const struct store_member_op *ops, size_t count);

/* Opens a snapshot: the members as they are, and in *ret_version of which version of the group. */
GW_MUST_CHECK enum gw_code member_list_load(struct prov_request *r, uint64_t group_seq, struct member_list *ret_list,
                                            uint64_t *ret_version, struct gw_error *err);

/* What comes of the operations on these members. */
struct member_list member_list_apply(struct gw_arena *arena, const struct member_list *before,
                                     const struct store_member_op *ops, size_t count);

/* One operation for each difference; NULL when there are more than STORE_MEMBER_OPS_MAX. */
struct store_member_op *member_list_diff(struct gw_arena *arena, const struct member_list *before,
                                         const struct member_list *after, size_t *ret_count);

/* Emptying, then adding all: not for more than STORE_MEMBER_OPS_MAX - 1. */
struct store_member_op *member_list_replace(struct gw_arena *arena, const struct member_list *after, bool clear,
                                            size_t *ret_count);

/* Members that are being staged for one change; part of a handler's state. */
struct member_stage {
    uint64_t set;  /* 0: none yet */
    size_t staged; /* of the list */
};

/* Submits the next part; the handler is called again after its commit. False: all of it is staged. */
bool member_stage_next(struct prov_request *r, struct member_stage *stage, const struct member_list *list);

/* Takes away, part by part, the members of sets that are nobody's any more, if there are any. */
void member_sweep_start(struct prov_face *face, struct prov_app *app);
