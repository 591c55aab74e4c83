#include "routes/scim/handlers/group_write.h"

#include "routes/reply.h"
#include "routes/scim/handlers/condition.h"
#include "routes/scim/handlers/group_view.h"

void group_write_submit(struct prov_request *r, struct group_write *write, struct store_change *change,
                        pending_fn on_done)
{
    write->is_submitted = true;
    pending_submit(r, change, on_done);
}

/* ---- the change ---- */

static enum gw_code fill_fields(struct store_change *change, const struct scim_group_draft *draft, unsigned fields,
                                struct gw_error *err)
{
    change->as.group.fields = fields;
    if ((fields & STORE_GROUP_DISPLAY_NAME) != 0)
        change->as.group.display_name = gw_arena_copy(&change->arena, draft->display_name);
    if ((fields & STORE_GROUP_EXTERNAL_ID) != 0)
        change->as.group.external_id = gw_arena_copy(&change->arena, draft->external_id);
    if ((fields & STORE_GROUP_ATTRIBUTES) != 0)
        change->as.group.attributes = scim_group_store_text(&change->arena, draft);
    if (change->as.group.attributes.len > STORE_ATTRIBUTES_BYTES_MAX)
        return gw_fail(err, GW_E_TOO_LARGE, "the attributes of a group may not be larger than %u bytes",
                       STORE_ATTRIBUTES_BYTES_MAX);
    return GW_OK;
}

static void fill_names(struct store_change *change, bool has_members)
{
    unsigned fields = change->as.group.fields;
    change->attribute_names = gw_arena_printf(
        &change->arena, "%s%s%s%s", (fields & STORE_GROUP_DISPLAY_NAME) != 0 ? "displayName " : "",
        (fields & STORE_GROUP_EXTERNAL_ID) != 0 && change->as.group.external_id.len > 0 ? "externalId " : "",
        (fields & STORE_GROUP_ATTRIBUTES) != 0 && change->as.group.attributes.len > 2 ? "attributes " : "",
        has_members ? "members" : "");
    change->attribute_names = gw_str_trim(change->attribute_names);
}

void group_write_fill_values(const struct prov_request *r, struct store_change *change,
                             const struct store_group *before)
{
    struct json_value *resources[2] = {json_object_new(r->arena), json_object_new(r->arena)};
    const struct gw_str name = GW_STR("displayName");
    if ((change->as.group.fields & STORE_GROUP_DISPLAY_NAME) == 0)
        return;
    if (before != NULL)
        json_object_append(r->arena, resources[0], name, json_string_new(r->arena, before->display_name));
    json_object_append(r->arena, resources[1], name, json_string_new(r->arena, change->as.group.display_name));
    change->attribute_values = scim_recorded_values(&change->arena, &r->app->values.groups, resources[0], resources[1]);
}

enum gw_code group_write_change(struct prov_request *r, enum store_change_kind kind,
                                const struct scim_group_draft *draft, unsigned fields, bool has_members,
                                struct store_change **ret_change, struct gw_error *err)
{
    struct store_change *change = pending_change_new(r, kind);
    enum gw_code code = fill_fields(change, draft, fields, err);
    if (code != GW_OK) {
        store_change_free(change);
        return code;
    }
    fill_names(change, has_members);
    *ret_change = change;
    return GW_OK;
}

static void give_ops(struct store_change *change, const struct store_member_op *ops, size_t count)
{
    struct store_member_op *copy = gw_arena_array(&change->arena, count, sizeof *copy);
    if (count > 0)
        memcpy(copy, ops, count * sizeof *copy);
    change->as.group.ops = copy;
    change->as.group.op_count = count;
}

static void begin_again(struct prov_request *r, struct group_write *write)
{
    const struct member_input *input = &write->input;
    if (!write->is_submitted)
        return;
    write->is_submitted = false;
    write->is_staging = false;
    write->has_before = false;
    write->stage = (struct member_stage){0, 0};
    write->is_read = input->version == 0;
    if (!write->is_read)
        member_input_begin(r, &write->input, input->reading, input->group_seq, input->changes, input->count);
}

bool group_write_resume(struct prov_request *r, struct group_write **ret_write)
{
    bool is_begun = r->state != NULL;
    *ret_write = is_begun ? r->state : gw_arena_alloc(r->arena, sizeof **ret_write);
    if (is_begun)
        begin_again(r, *ret_write);
    return is_begun;
}

/* One turn's part of the members that the body names; then the handler again. */
static void read_on(struct prov_request *r)
{
    struct group_write *write = r->state;
    struct gw_error err = {0};
    struct turn turn;
    turn_begin(&turn);
    if (member_input_go_on(r, &write->input, &turn, &write->is_read, &err) != GW_OK)
        reply_error_from(r, &err);
    else
        turn_later(r, write->is_read ? r->handler : read_on);
}

bool group_write_is_read_later(struct prov_request *r, struct group_write *write)
{
    if (write->is_read)
        return false;
    turn_later(r, read_on);
    return true;
}

enum gw_code group_write_read(struct prov_request *r, struct group_write *write, enum scim_reading reading,
                              uint64_t group_seq, const struct scim_member_change *changes, size_t count,
                              struct gw_error *err)
{
    struct turn turn;
    turn_begin(&turn);
    r->state = write;
    member_input_begin(r, &write->input, reading, group_seq, changes, count);
    return member_input_go_on(r, &write->input, &turn, &write->is_read, err);
}

/* ---- the target ---- */

enum gw_code group_write_target(struct prov_request *r, struct store_group *ret_group, struct gw_error *err)
{
    uint64_t seq = 0;
    if (!group_id_parse(r, r->id, &seq))
        return gw_fail(err, GW_E_NOT_FOUND, "there is no group with this id");
    GW_TRY(group_fetch(r, seq, ret_group, err));
    if (condition_fails(&r->x->request, ret_group->version))
        return gw_fail(err, GW_E_PRECONDITION, "the group has another version now");
    return GW_OK;
}

uint64_t group_write_expected_version(const struct prov_request *r, const struct store_group *group)
{
    return http_request_field(&r->x->request, GW_STR("If-Match")).len > 0 ? group->version : 0;
}

static enum gw_code load_before(struct prov_request *r, struct group_write *write, const struct store_group *group,
                                struct gw_error *err)
{
    if (write->has_before)
        return GW_OK;
    GW_TRY(member_list_load(r, group->seq, &write->before, &write->before_version, err));
    write->has_before = true;
    return GW_OK;
}

enum gw_code group_write_load_apart(struct prov_request *r, struct group_write *write, const struct store_group *group,
                                    struct gw_error *err)
{
    GW_TRY(load_before(r, write, group, err));
    turn_later(r, r->handler);
    return GW_OK;
}

/* The difference is only right for the version that was read. */
enum gw_code group_write_submit_wanted(struct prov_request *r, struct group_write *write,
                                       const struct store_group *group, unsigned fields, pending_fn on_done,
                                       struct gw_error *err)
{
    struct store_change *change = NULL;
    struct store_member_op *ops = NULL;
    size_t count = 0;
    uint64_t version = write->base_version != 0 ? write->base_version : group_write_expected_version(r, group);
    if (write->is_staging && member_stage_next(r, &write->stage, &write->wanted))
        return GW_OK;
    if (!write->is_staging && write->wanted.count < STORE_MEMBER_OPS_MAX) {
        ops = member_list_replace(r->arena, &write->wanted, /* clear= */ true, &count);
    } else if (!write->is_staging) {
        GW_TRY(load_before(r, write, group, err));
        ops = member_list_diff(r->arena, &write->before, &write->wanted, &count);
        version = ops != NULL && version == 0 ? write->before_version : version;
    }
    if (ops == NULL && !write->is_staging) {
        write->is_staging = true;
        return member_stage_next(r, &write->stage, &write->wanted)
                   ? GW_OK
                   : gw_fail(err, GW_E_INTERNAL, "a group without members needs no staging");
    }
    GW_TRY(group_write_change(r, STORE_CHANGE_GROUP_UPDATE, &write->draft, fields, true, &change, err));
    change->group_seq = group->seq;
    group_write_fill_values(r, change, group);
    change->as.group.expected_version = version;
    change->as.group.set = write->is_staging ? write->stage.set : 0;
    give_ops(change, ops, count);
    group_write_submit(r, write, change, on_done);
    return GW_OK;
}

enum gw_code group_write_submit_ops(struct prov_request *r, struct group_write *write, const struct store_group *group,
                                    unsigned fields, pending_fn on_done, struct gw_error *err)
{
    struct store_change *change = NULL;
    bool replaces_text = (fields & STORE_GROUP_ATTRIBUTES) != 0 && write->patch.count > 0;
    GW_TRY(group_write_change(r, STORE_CHANGE_GROUP_UPDATE, &write->draft, fields, write->input.op_count > 0, &change,
                              err));
    change->group_seq = group->seq;
    group_write_fill_values(r, change, group);
    /* the text of the other attributes was made of this version, as are operations by a look at the members; names and
     * other operations commute */
    uint64_t version = replaces_text ? group->version : group_write_expected_version(r, group);
    change->as.group.expected_version = write->input.version != 0 ? write->input.version : version;
    give_ops(change, write->input.ops, write->input.op_count);
    group_write_submit(r, write, change, on_done);
    return GW_OK;
}
