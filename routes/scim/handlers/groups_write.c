#include "routes/pending.h"
#include "routes/reply.h"
#include "routes/scim/handlers/condition.h"
#include "routes/scim/handlers/group_view.h"
#include "routes/scim/handlers/handlers.h"
#include "routes/scim/handlers/ignored.h"
#include "routes/scim/handlers/member_input.h"

#define ALL_FIELDS (STORE_GROUP_DISPLAY_NAME | STORE_GROUP_EXTERNAL_ID | STORE_GROUP_ATTRIBUTES)

/* What a request wants, kept while it is being staged and when it is computed again. */
struct group_write {
    struct scim_group_draft draft;
    struct scim_member_change list; /* of a body: these are added */
    struct member_input input;
    bool is_read;     /* all of the body */
    bool has_members; /* they are to be exactly `wanted` */
    struct member_list wanted;
    struct member_stage stage;
    bool is_staging;       /* too much for one change */
    uint64_t base_version; /* `wanted` was made of this version; 0: of none */
    bool has_before;       /* the next two are set */
    struct member_list before;
    uint64_t before_version;
    bool is_submitted;       /* the change that ends it */
    struct scim_patch patch; /* of a PATCH; and the same, as far as it is about members */
    struct scim_member_changes changes;
};

static void submit(struct prov_request *r, struct group_write *write, struct store_change *change, pending_fn on_done)
{
    write->is_submitted = true;
    pending_submit(r, change, on_done);
}

static void on_created(struct prov_request *r, struct store_change *change)
{
    group_reply(r, 201, change->result.group_seq, GROUP_MEMBERS_FEW);
}

static void on_replaced(struct prov_request *r, struct store_change *change)
{
    member_sweep_start(r->face, r->app);
    group_reply(r, 200, change->group_seq, GROUP_MEMBERS_FEW);
}

/* scim-clients.md 9: the answer to a PATCH shows no members unless they are asked for. */
static void on_patched(struct prov_request *r, struct store_change *change)
{
    member_sweep_start(r->face, r->app);
    group_reply(r, 200, change->group_seq, GROUP_MEMBERS_ASKED);
}

static void on_deleted(struct prov_request *r, struct store_change *change)
{
    (void)change;
    member_sweep_start(r->face, r->app);
    reply_text(r, 204, NULL, 0, GW_STR_NONE);
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

/* `before` NULL: a new group. */
static void fill_values(const struct prov_request *r, struct store_change *change, const struct store_group *before)
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

static enum gw_code new_change(struct prov_request *r, enum store_change_kind kind,
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

/* Another call after the last change was refused as stale: what was staged is gone, or made of an older version. */
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

/* Few are read at once. True: they are not all read, and the handler is called again. */
static bool is_read_later(struct prov_request *r, struct group_write *write)
{
    if (write->is_read)
        return false;
    turn_later(r, read_on);
    return true;
}

static enum gw_code begin_reading(struct prov_request *r, struct group_write *write, enum scim_reading reading,
                                  uint64_t group_seq, const struct scim_member_change *changes, size_t count,
                                  struct gw_error *err)
{
    struct turn turn;
    turn_begin(&turn);
    r->state = write;
    member_input_begin(r, &write->input, reading, group_seq, changes, count);
    return member_input_go_on(r, &write->input, &turn, &write->is_read, err);
}

/* ---- POST ---- */

static enum gw_code parse_body(struct prov_request *r, struct group_write **ret_write, struct gw_error *err)
{
    struct scim_ignored ignored = {0};
    struct group_write *write = r->state;
    *ret_write = write;
    if (write != NULL) {
        begin_again(r, write);
        return GW_OK;
    }
    write = gw_arena_alloc(r->arena, sizeof *write);
    *ret_write = write;
    GW_TRY(group_projection_read(r, err));
    GW_TRY(scim_group_read(r->arena, r->app->group_type, r->body, &write->draft, &ignored, err));
    ignored_note(r, &ignored);
    write->has_members = write->draft.has_members;
    write->list = (struct scim_member_change){.kind = SCIM_MEMBER_ADD, .list = write->draft.list};
    return begin_reading(r, write, SCIM_READ_STRICT, /* group_seq= */ 0, &write->list,
                         json_count(write->draft.list) > 0, err);
}

/* Once, when all is read. */
static void find_wanted(struct prov_request *r, struct group_write *write)
{
    if (write->wanted.users == NULL)
        write->wanted = member_list_added(r->arena, write->input.ops, write->input.op_count);
}

static enum gw_code create(struct prov_request *r, struct gw_error *err)
{
    struct group_write *write = NULL;
    struct store_change *change = NULL;
    GW_TRY(parse_body(r, &write, err));
    if (is_read_later(r, write))
        return GW_OK;
    find_wanted(r, write);
    write->is_staging = write->wanted.count > STORE_MEMBER_OPS_MAX;
    if (write->is_staging && member_stage_next(r, &write->stage, &write->wanted))
        return GW_OK;
    GW_TRY(new_change(r, STORE_CHANGE_GROUP_CREATE, &write->draft, ALL_FIELDS, write->wanted.count > 0, &change, err));
    fill_values(r, change, NULL);
    if (write->is_staging)
        change->as.group.set = write->stage.set;
    else
        change->as.group.ops =
            member_list_replace(&change->arena, &write->wanted, /* clear= */ false, &change->as.group.op_count);
    submit(r, write, change, on_created);
    return GW_OK;
}

void groups_on_create(struct prov_request *r)
{
    struct gw_error err = {0};
    if (create(r, &err) != GW_OK)
        reply_error_from(r, &err);
}

/* ---- PUT and PATCH ---- */

static enum gw_code fetch_target(struct prov_request *r, struct store_group *ret_group, struct gw_error *err)
{
    uint64_t seq = 0;
    if (!group_id_parse(r, r->id, &seq))
        return gw_fail(err, GW_E_NOT_FOUND, "there is no group with this id");
    GW_TRY(group_fetch(r, seq, ret_group, err));
    if (condition_fails(&r->x->request, ret_group->version))
        return gw_fail(err, GW_E_PRECONDITION, "the group has another version now");
    return GW_OK;
}

/* A client that names a version means that one, also when another change is quicker. */
static uint64_t expected_version(const struct prov_request *r, const struct store_group *group)
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

/* Many members are loaded in a turn of their own; then the handler is called again. */
static enum gw_code load_apart(struct prov_request *r, struct group_write *write, const struct store_group *group,
                               struct gw_error *err)
{
    GW_TRY(load_before(r, write, group, err));
    turn_later(r, r->handler);
    return GW_OK;
}

/* Writes `fields` and makes the members exactly `wanted`: as one change when that is small enough, in itself or as a
 * difference, else by staging. The difference is only right for the version that was read. */
static enum gw_code submit_wanted(struct prov_request *r, struct group_write *write, const struct store_group *group,
                                  unsigned fields, pending_fn on_done, struct gw_error *err)
{
    struct store_change *change = NULL;
    struct store_member_op *ops = NULL;
    size_t count = 0;
    uint64_t version = write->base_version != 0 ? write->base_version : expected_version(r, group);
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
    GW_TRY(new_change(r, STORE_CHANGE_GROUP_UPDATE, &write->draft, fields, true, &change, err));
    change->group_seq = group->seq;
    fill_values(r, change, group);
    change->as.group.expected_version = version;
    change->as.group.set = write->is_staging ? write->stage.set : 0;
    give_ops(change, ops, count);
    submit(r, write, change, on_done);
    return GW_OK;
}

static enum gw_code submit_ops(struct prov_request *r, struct group_write *write, const struct store_group *group,
                               unsigned fields, pending_fn on_done, struct gw_error *err)
{
    struct store_change *change = NULL;
    bool replaces_text = (fields & STORE_GROUP_ATTRIBUTES) != 0 && write->patch.count > 0;
    GW_TRY(new_change(r, STORE_CHANGE_GROUP_UPDATE, &write->draft, fields, write->input.op_count > 0, &change, err));
    change->group_seq = group->seq;
    fill_values(r, change, group);
    /* the text of the other attributes was made of this version, as are operations by a look at the members; names and
     * other operations commute */
    uint64_t version = replaces_text ? group->version : expected_version(r, group);
    change->as.group.expected_version = write->input.version != 0 ? write->input.version : version;
    give_ops(change, write->input.ops, write->input.op_count);
    submit(r, write, change, on_done);
    return GW_OK;
}

static enum gw_code replace(struct prov_request *r, struct gw_error *err)
{
    struct group_write *write = NULL;
    struct store_group group = {0};
    GW_TRY(fetch_target(r, &group, err));
    GW_TRY(parse_body(r, &write, err));
    if (is_read_later(r, write))
        return GW_OK;
    find_wanted(r, write);
    if (write->wanted.count >= STORE_MEMBER_OPS_MAX && !write->is_staging && !write->has_before)
        return load_apart(r, write, &group, err);
    return write->has_members ? submit_wanted(r, write, &group, ALL_FIELDS, on_replaced, err)
                              : submit_ops(r, write, &group, ALL_FIELDS, on_replaced, err);
}

void groups_on_replace(struct prov_request *r)
{
    struct gw_error err = {0};
    if (replace(r, &err) != GW_OK)
        reply_error_from(r, &err);
}

/* ---- PATCH ---- */

static unsigned changed_fields(struct gw_arena *arena, const struct scim_group_draft *draft,
                               const struct store_group *group)
{
    unsigned fields = 0;
    struct gw_str text = scim_group_store_text(arena, draft);
    if (!gw_str_eq(draft->display_name, group->display_name))
        fields |= STORE_GROUP_DISPLAY_NAME;
    if (!gw_str_eq(draft->external_id, group->external_id))
        fields |= STORE_GROUP_EXTERNAL_ID;
    if (!gw_str_eq(text, group->attributes))
        fields |= STORE_GROUP_ATTRIBUTES;
    return fields;
}

/* Applies steps to the resource without members, and takes the result as the draft. */
static enum gw_code apply_steps(struct prov_request *r, struct group_write *write, const struct store_group *group,
                                const struct scim_patch *steps, unsigned *ret_fields, struct gw_error *err)
{
    const struct scim_resource_type *type = r->app->group_type;
    struct json_value *before = NULL;
    struct json_value *after = NULL;
    bool is_changed = false;
    GW_TRY(group_resource(r->arena, r, group, /* members= */ NULL, &before, err));
    GW_TRY(scim_patch_apply(r->arena, type, before, steps, &after, &is_changed, err));
    GW_TRY(scim_resource_check(type, after, err));
    scim_group_draft_fill(r->arena, after, &write->draft);
    *ret_fields = changed_fields(r->arena, &write->draft, group);
    return GW_OK;
}

/* More than one change may name: worked out here, from what is there. */
static enum gw_code patch_many(struct prov_request *r, struct group_write *write, const struct store_group *group,
                               unsigned fields, struct gw_error *err)
{
    if (!write->has_before && write->input.version != 0) {
        write->before = write->input.before;
        write->before_version = write->input.version;
        write->has_before = true;
    }
    if (!write->is_staging && !write->has_before)
        return load_apart(r, write, group, err);
    if (!write->is_staging) {
        write->base_version = write->before_version;
        write->wanted = member_list_apply(r->arena, &write->before, write->input.ops, write->input.op_count);
    }
    return submit_wanted(r, write, group, fields, on_patched, err);
}

static enum gw_code patch_few(struct prov_request *r, struct group_write *write, const struct store_group *group,
                              unsigned fields, struct gw_error *err)
{
    if (write->input.op_count > 0 || fields != 0)
        return submit_ops(r, write, group, fields, on_patched, err);
    group_reply(r, 200, group->seq, GROUP_MEMBERS_ASKED); /* rule R72: nothing to do */
    return GW_OK;
}

static enum gw_code parse_patch(struct prov_request *r, uint64_t group_seq, struct group_write **ret_write,
                                struct gw_error *err)
{
    struct scim_ignored ignored = {0};
    struct group_write *write = r->state;
    *ret_write = write;
    if (write != NULL) {
        begin_again(r, write);
        return GW_OK;
    }
    write = gw_arena_alloc(r->arena, sizeof *write);
    *ret_write = write;
    GW_TRY(group_projection_read(r, err));
    GW_TRY(scim_patch_parse(r->arena, r->app->group_type, r->body, &write->patch, &ignored, err));
    ignored_note(r, &ignored);
    GW_TRY(scim_group_patch_split(r->arena, &write->patch, &write->changes, err));
    return begin_reading(r, write, SCIM_READ_LENIENT, group_seq, write->changes.changes, write->changes.count, err);
}

static enum gw_code patch(struct prov_request *r, struct gw_error *err)
{
    struct group_write *write = NULL;
    struct store_group group = {0};
    unsigned fields = 0;
    GW_TRY(fetch_target(r, &group, err));
    GW_TRY(parse_patch(r, group.seq, &write, err));
    if (is_read_later(r, write))
        return GW_OK;
    if (write->changes.rest.count > 0)
        GW_TRY(apply_steps(r, write, &group, &write->changes.rest, &fields, err));
    return write->input.op_count > STORE_MEMBER_OPS_MAX ? patch_many(r, write, &group, fields, err)
                                                        : patch_few(r, write, &group, fields, err);
}

void groups_on_patch(struct prov_request *r)
{
    struct gw_error err = {0};
    if (patch(r, &err) != GW_OK)
        reply_error_from(r, &err);
}

/* ---- DELETE ---- */

void groups_on_delete(struct prov_request *r)
{
    struct gw_error err = {0};
    struct store_group group = {0};
    if (fetch_target(r, &group, &err) != GW_OK) {
        reply_error_from(r, &err);
        return;
    }
    struct store_change *change = pending_change_new(r, STORE_CHANGE_GROUP_DELETE);
    change->group_seq = group.seq;
    change->as.group.expected_version = expected_version(r, &group);
    pending_submit(r, change, on_deleted);
}
