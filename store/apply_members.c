#include "store/apply_members.h"

#include "store/codec.h"
#include "store/env.h"

#include <stdlib.h>

enum gw_code store_member_user_check(struct store_apply *apply, uint64_t user_seq, struct gw_error *err)
{
    uint32_t folder = apply->change->folder;
    struct store_key key = store_user_key(folder, user_seq);
    struct store_user_state state = {.flags = 0};
    struct gw_str value;
    enum gw_code code = store_get(&apply->view, STORE_TABLE_STATES, store_key_str(&key), &value, err);
    if (code == GW_OK && !store_state_decode(value, &state))
        return store_fail_damaged(err, STORE_TABLE_STATES, "a record makes no sense");
    if (code != GW_E_NOT_FOUND && (code != GW_OK || (state.flags & STORE_USER_DELETED) == 0))
        return code;
    char ident[GW_IDENT_TEXT + 1];
    gw_ident_format(apply->view.store->keys.ident, GW_IDENT_USER, folder, user_seq, ident);
    return gw_fail(err, GW_E_INVALID_VALUE, "members: there is no user with the id %s", ident);
}

struct ranked_op {
    struct store_member_op op;
    size_t rank;
};

static int compare_ops(const void *a, const void *b)
{
    const struct ranked_op *left = a;
    const struct ranked_op *right = b;
    if (left->op.user_seq != right->op.user_seq)
        return left->op.user_seq < right->op.user_seq ? -1 : 1;
    return (left->rank > right->rank) - (left->rank < right->rank);
}

enum gw_code store_member_plan_make(struct store_apply *apply, struct store_member_plan *ret_plan, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    size_t first = 0;
    *ret_plan = (struct store_member_plan){.clears = false};
    for (size_t i = 0; i < change->as.group.op_count; i++) {
        const struct store_member_op *op = &change->as.group.ops[i];
        if (op->kind == STORE_MEMBER_ADD)
            GW_TRY(store_member_user_check(apply, op->user_seq, err));
        if (op->kind != STORE_MEMBER_CLEAR)
            continue;
        ret_plan->clears = true;
        first = i + 1;
    }
    size_t count = change->as.group.op_count - first;
    struct ranked_op *ranked = gw_arena_array(&apply->arena, count, sizeof *ranked);
    for (size_t i = 0; i < count; i++)
        ranked[i] = (struct ranked_op){change->as.group.ops[first + i], i};
    if (count > 1)
        qsort(ranked, count, sizeof *ranked, compare_ops);
    ret_plan->ops = gw_arena_array(&apply->arena, count, sizeof *ret_plan->ops);
    for (size_t i = 0; i < count; i++) {
        bool is_last = i + 1 == count || ranked[i + 1].op.user_seq != ranked[i].op.user_seq;
        if (is_last && (ranked[i].op.kind == STORE_MEMBER_ADD || !ret_plan->clears))
            ret_plan->ops[ret_plan->count++] = ranked[i].op;
    }
    return GW_OK;
}

bool store_member_plan_adds(const struct store_member_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->ops[i].kind == STORE_MEMBER_ADD)
            return true;
    }
    return false;
}

enum gw_code store_member_plan_run(struct store_apply *apply, struct store_set *set,
                                   const struct store_member_plan *plan, struct store_member_tally *tally,
                                   struct gw_error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        bool is_changed = false;
        if (plan->ops[i].kind == STORE_MEMBER_ADD) {
            GW_TRY(store_set_add(&apply->view, set, plan->ops[i].user_seq, &is_changed, err));
            tally->came += is_changed;
        } else {
            GW_TRY(store_set_remove(&apply->view, set, plan->ops[i].user_seq, &is_changed, err));
            tally->went += is_changed;
        }
    }
    return GW_OK;
}

/* Removes who is not in the plan, which is in order, as the members are. */
static enum gw_code keep_planned(struct store_apply *apply, struct store_set *set, const struct store_member_plan *plan,
                                 struct store_member_tally *tally, struct gw_error *err)
{
    uint64_t *users = gw_arena_array(&apply->arena, STORE_MEMBER_OPS_MAX, sizeof *users);
    size_t count = 0;
    size_t at = 0;
    GW_TRY(store_set_members(&apply->view, set->folder, set->number, 0, users, STORE_MEMBER_OPS_MAX, &count, err));
    for (size_t i = 0; i < count; i++) {
        bool is_changed = false;
        while (at < plan->count && plan->ops[at].user_seq < users[i])
            at++;
        if (at < plan->count && plan->ops[at].user_seq == users[i])
            continue;
        GW_TRY(store_set_remove(&apply->view, set, users[i], &is_changed, err));
        tally->went += is_changed;
    }
    return GW_OK;
}

/* A large set is not emptied one by one: the group gets another, and the old one is swept later. */
static enum gw_code renew_set(struct store_apply *apply, struct store_group *group, struct store_set *set,
                              struct store_member_tally *tally, struct gw_error *err)
{
    tally->went += set->count;
    GW_TRY(store_set_drop(&apply->view, set, err));
    GW_TRY(store_set_new(&apply->view, group->folder, group->seq, 0, set, err));
    group->set = set->number;
    return GW_OK;
}

enum gw_code store_group_set_load(struct store_apply *apply, const struct store_group *group, struct store_set *ret_set,
                                  struct gw_error *err)
{
    enum gw_code code = store_set_load(&apply->view, group->folder, group->set, ret_set, err);
    return code == GW_E_NOT_FOUND ? store_fail_damaged(err, STORE_TABLE_SETS, "the set of a group is missing") : code;
}

enum gw_code store_member_plan_apply(struct store_apply *apply, struct store_group *group,
                                     const struct store_member_plan *plan, struct store_member_tally *tally,
                                     struct gw_error *err)
{
    struct store_set set;
    if (!plan->clears && plan->count == 0)
        return GW_OK;
    GW_TRY(store_group_set_load(apply, group, &set, err));
    if (plan->clears && set.count > STORE_MEMBER_OPS_MAX)
        GW_TRY(renew_set(apply, group, &set, tally, err));
    else if (plan->clears)
        GW_TRY(keep_planned(apply, &set, plan, tally, err));
    GW_TRY(store_member_plan_run(apply, &set, plan, tally, err));
    return tally->came + tally->went > 0 ? store_set_save(&apply->view, &set, err) : GW_OK;
}
