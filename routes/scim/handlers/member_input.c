#include "routes/scim/handlers/member_input.h"

#include "routes/scim/handlers/group_view.h"
#include "routes/scim/handlers/ignored.h"
#include "routes/scim/handlers/user_view.h"

/* Between two looks at the clock. */
#define LIST_PART 256u /* of a body's list */
#define WALK_PART 64u  /* of the members that are there */

void member_input_begin(struct prov_request *r, struct member_input *input, enum scim_reading reading,
                        uint64_t group_seq, const struct scim_member_change *changes, size_t count)
{
    *input = (struct member_input){.reading = reading, .group_seq = group_seq, .changes = changes, .count = count};
    for (size_t i = 0; i < count; i++)
        input->op_max += changes[i].list != NULL ? json_count(changes[i].list) : 1;
    input->ops = gw_arena_array(r->arena, input->op_max, sizeof *input->ops);
}

static void put_op(struct member_input *input, enum store_member_op_kind kind, uint64_t user)
{
    GW_ASSERT(input->op_count < input->op_max);
    input->ops[input->op_count++] = (struct store_member_op){kind, user};
}

static enum gw_code add_member(struct prov_request *r, struct member_input *input, struct gw_str id,
                               struct gw_error *err)
{
    uint64_t user = 0;
    if (!user_id_parse(r, id, &user))
        return gw_fail(err, GW_E_INVALID_VALUE, "members: there is no user with the id %.*s", GW_STR_ARG(id));
    if (user == SERVICE_USER_SEQ)
        return gw_fail(err, GW_E_INVALID_VALUE, "members: %.*s is provgate's service user, which is no person",
                       GW_STR_ARG(id));
    put_op(input, STORE_MEMBER_ADD, user);
    return GW_OK;
}

static enum gw_code add_op(struct prov_request *r, struct member_input *input, enum scim_member_change_kind kind,
                           struct gw_str id, struct gw_error *err)
{
    uint64_t user = 0;
    if (kind == SCIM_MEMBER_ADD)
        return add_member(r, input, id, err);
    if (kind == SCIM_MEMBER_CLEAR)
        put_op(input, STORE_MEMBER_CLEAR, 0);
    else if (user_id_parse(r, id, &user))
        put_op(input, STORE_MEMBER_REMOVE, user);
    return GW_OK;
}

/* ---- a list ---- */

/* The next LIST_PART of the list of a change. */
static enum gw_code read_part(struct prov_request *r, struct member_input *input,
                              const struct scim_member_change *change, bool *ret_done, struct gw_error *err)
{
    GW_ARENA_SCOPED(scratch);
    struct scim_ignored ignored = {0};
    struct scim_reader reader = {&scratch, input->reading, &ignored};
    struct scim_member_ids part = {NULL, 0};
    size_t left = json_count(change->list) - input->item_at;
    size_t count = left < LIST_PART ? left : LIST_PART;
    GW_TRY(scim_members_read(&reader, r->app->group_type, change->list, input->item_at, count, &part, err));
    ignored_note(r, &ignored);
    for (size_t i = 0; i < part.count; i++)
        GW_TRY(add_op(r, input, change->kind, part.ids[i], err));
    *ret_done = count == left;
    input->item_at = *ret_done ? 0 : input->item_at + count;
    return GW_OK;
}

/* ---- a step that looks into the members ---- */

static void make_room(struct prov_request *r, struct member_input *input, size_t more)
{
    struct store_member_op *ops = gw_arena_array(r->arena, input->op_max + more, sizeof *ops);
    if (input->op_count > 0)
        memcpy(ops, input->ops, input->op_count * sizeof *ops);
    input->ops = ops;
    input->op_max += more;
}

/* The members as the steps before this one leave them. */
static enum gw_code begin_walk(struct prov_request *r, struct member_input *input, struct gw_error *err)
{
    if (input->version == 0)
        GW_TRY(member_list_load(r, input->group_seq, &input->before, &input->version, err));
    input->walk = (struct member_walk){
        .is_begun = true, .members = member_list_apply(r->arena, &input->before, input->ops, input->op_count)};
    make_room(r, input, input->walk.members.count + 1);
    return GW_OK;
}

/* Of the next WALK_PART members, those that the step is about. */
struct walk_part {
    struct json_value *members;
    uint64_t users[WALK_PART];
    size_t count;
};

/* Who was deleted meanwhile is passed over: the group has another version then, and the store refuses. */
static enum gw_code find_part(struct prov_request *r, struct member_walk *walk, const struct scim_patch_step *step,
                              struct gw_arena *scratch, struct walk_part *part, struct gw_error *err)
{
    size_t left = walk->members.count - walk->at;
    size_t end = walk->at + (left < WALK_PART ? left : WALK_PART);
    for (; walk->at < end; walk->at++) {
        struct store_user user;
        uint64_t seq = walk->members.users[walk->at];
        enum gw_code code = store_user_get(r->face->reader, scratch, r->app->folder, seq, &user, err);
        if (code != GW_OK && code != GW_E_NOT_FOUND)
            return code;
        if (code == GW_E_NOT_FOUND || (user.state.flags & STORE_USER_DELETED) != 0)
            continue;
        struct json_value *member = group_member_json(scratch, r, &user);
        if (!scim_member_matches(step, member, scratch))
            continue;
        json_array_append(scratch, part->members, member);
        part->users[part->count++] = seq;
    }
    return GW_OK;
}

/* A step takes members away or leaves them as they are: what makes one is their value, which is immutable. */
static void remove_missing(struct member_input *input, const struct walk_part *part, const struct json_value *left)
{
    const struct gw_str value = GW_STR("value");
    size_t at = 0;
    for (size_t i = 0; i < part->count; i++) {
        const struct json_value *member = json_object_get(part->members->array.items[i], value);
        bool stays = at < json_count(left) && json_equal(json_object_get(left->array.items[at], value), member);
        if (!stays)
            put_op(input, STORE_MEMBER_REMOVE, part->users[i]);
        at += stays;
    }
}

static enum gw_code walk_part(struct prov_request *r, struct member_input *input, const struct scim_patch_step *step,
                              struct gw_error *err)
{
    GW_ARENA_SCOPED(scratch);
    struct walk_part part = {.members = json_array_new(&scratch)};
    const struct json_value *left = NULL;
    GW_TRY(store_reader_begin(r->face->reader, err));
    enum gw_code code = find_part(r, &input->walk, step, &scratch, &part, err);
    store_reader_end(r->face->reader);
    if (code != GW_OK || part.count == 0)
        return code;
    input->walk.has_found = true;
    GW_TRY(scim_members_patch(&scratch, r->app->group_type, step, part.members, &left, err));
    remove_missing(input, &part, left);
    return GW_OK;
}

/* About none: the step may make one. */
static enum gw_code end_walk(struct prov_request *r, struct member_input *input, const struct scim_patch_step *step,
                             struct gw_error *err)
{
    GW_ARENA_SCOPED(scratch);
    const struct json_value *made = NULL;
    bool has_found = input->walk.has_found;
    input->walk.is_begun = false;
    if (has_found)
        return GW_OK;
    GW_TRY(scim_members_patch(&scratch, r->app->group_type, step, json_array_new(&scratch), &made, err));
    for (size_t i = 0; i < json_count(made); i++)
        GW_TRY(add_member(r, input, scim_text_of(made->array.items[i], GW_STR("value")), err));
    return GW_OK;
}

static enum gw_code walk_on(struct prov_request *r, struct member_input *input, const struct scim_patch_step *step,
                            bool *ret_done, struct gw_error *err)
{
    if (!input->walk.is_begun)
        GW_TRY(begin_walk(r, input, err));
    *ret_done = input->walk.at == input->walk.members.count;
    if (*ret_done)
        return end_walk(r, input, step, err);
    input->work += WALK_PART * (step->path.terms + 1);
    if (input->work > SCIM_PATCH_WORK_MAX)
        return gw_fail(err, GW_E_TOO_LARGE, "the PATCH takes too many comparisons: send it in parts");
    return walk_part(r, input, step, err);
}

enum gw_code member_input_go_on(struct prov_request *r, struct member_input *input, struct turn *turn, bool *ret_done,
                                struct gw_error *err)
{
    bool is_spent = false;
    while (input->change_at < input->count && !is_spent) {
        const struct scim_member_change *change = &input->changes[input->change_at];
        bool is_done = true;
        if (change->list != NULL)
            GW_TRY(read_part(r, input, change, &is_done, err));
        else if (change->step != NULL)
            GW_TRY(walk_on(r, input, change->step, &is_done, err));
        else
            GW_TRY(add_op(r, input, change->kind, change->member, err));
        input->change_at += is_done;
        is_spent = turn_is_spent(turn);
    }
    *ret_done = input->change_at == input->count;
    return GW_OK;
}
