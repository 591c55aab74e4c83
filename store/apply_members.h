/* apply_members: what a change says of a group's members, and carrying it out in one transaction. Private to store/;
 * the writer's thread only. */
#pragma once

#include "store/apply.h"
#include "store/groups.h"
#include "store/members.h"

/* The same as the operations in their order: first whether all go, then what happens to each user at last. */
struct store_member_plan {
    bool clears;
    struct store_member_op *ops; /* by user, each user once */
    size_t count;
};

struct store_member_tally {
    uint64_t came;
    uint64_t went;
};

/* Rule 0.23: GW_E_INVALID_VALUE names the id of a member that is no user. */
GW_MUST_CHECK enum gw_code store_member_user_check(struct store_apply *apply, uint64_t user_seq, struct gw_error *err);

/* From the change's operations; writes nothing. Lives in the arena of the change. */
GW_MUST_CHECK enum gw_code store_member_plan_make(struct store_apply *apply, struct store_member_plan *ret_plan,
                                                  struct gw_error *err);
bool store_member_plan_adds(const struct store_member_plan *plan);

/* The operations alone, on a set that the caller saves. */
GW_MUST_CHECK enum gw_code store_member_plan_run(struct store_apply *apply, struct store_set *set,
                                                 const struct store_member_plan *plan, struct store_member_tally *tally,
                                                 struct gw_error *err);
/* The whole plan on a group; saves its set, and may give the group another one. */
GW_MUST_CHECK enum gw_code store_member_plan_apply(struct store_apply *apply, struct store_group *group,
                                                   const struct store_member_plan *plan,
                                                   struct store_member_tally *tally, struct gw_error *err);

GW_MUST_CHECK enum gw_code store_group_set_load(struct store_apply *apply, const struct store_group *group,
                                                struct store_set *ret_set, struct gw_error *err);
