#include "routes/reply.h"
#include "routes/scim/handlers/group_view.h"
#include "routes/scim/handlers/group_write.h"
#include "routes/scim/handlers/handlers.h"
#include "routes/scim/handlers/ignored.h"

#define ALL_FIELDS (STORE_GROUP_DISPLAY_NAME | STORE_GROUP_EXTERNAL_ID | STORE_GROUP_ATTRIBUTES)

/* ---- POST ---- */

static void on_created(struct prov_request *r, struct store_change *change)
{
    group_reply(r, 201, change->result.group_seq, GROUP_MEMBERS_FEW);
}

static enum gw_code parse_body(struct prov_request *r, struct group_write **ret_write, struct gw_error *err)
{
    struct scim_ignored ignored = {0};
    if (group_write_resume(r, ret_write))
        return GW_OK;
    struct group_write *write = *ret_write;
    GW_TRY(group_projection_read(r, err));
    GW_TRY(scim_group_read(r->arena, r->app->group_type, r->body, &write->draft, &ignored, err));
    ignored_note(r, &ignored);
    write->has_members = write->draft.has_members;
    write->list = (struct scim_member_change){.kind = SCIM_MEMBER_ADD, .list = write->draft.list};
    return group_write_read(r, write, SCIM_READ_STRICT, /* group_seq= */ 0, &write->list,
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
    if (group_write_is_read_later(r, write))
        return GW_OK;
    find_wanted(r, write);
    write->is_staging = write->wanted.count > STORE_MEMBER_OPS_MAX;
    if (write->is_staging && member_stage_next(r, &write->stage, &write->wanted))
        return GW_OK;
    GW_TRY(group_write_change(r, STORE_CHANGE_GROUP_CREATE, &write->draft, ALL_FIELDS, write->wanted.count > 0, &change,
                              err));
    group_write_fill_values(r, change, NULL);
    if (write->is_staging)
        change->as.group.set = write->stage.set;
    else
        change->as.group.ops =
            member_list_replace(&change->arena, &write->wanted, /* clear= */ false, &change->as.group.op_count);
    group_write_submit(r, write, change, on_created);
    return GW_OK;
}

void groups_on_create(struct prov_request *r)
{
    struct gw_error err = {0};
    if (create(r, &err) != GW_OK)
        reply_error_from(r, &err);
}

/* ---- PUT ---- */

static void on_replaced(struct prov_request *r, struct store_change *change)
{
    member_sweep_start(r->face, r->app);
    group_reply(r, 200, change->group_seq, GROUP_MEMBERS_FEW);
}

static enum gw_code replace(struct prov_request *r, struct gw_error *err)
{
    struct group_write *write = NULL;
    struct store_group group = {0};
    GW_TRY(group_write_target(r, &group, err));
    GW_TRY(parse_body(r, &write, err));
    if (group_write_is_read_later(r, write))
        return GW_OK;
    find_wanted(r, write);
    if (write->wanted.count >= STORE_MEMBER_OPS_MAX && !write->is_staging && !write->has_before)
        return group_write_load_apart(r, write, &group, err);
    return write->has_members ? group_write_submit_wanted(r, write, &group, ALL_FIELDS, on_replaced, err)
                              : group_write_submit_ops(r, write, &group, ALL_FIELDS, on_replaced, err);
}

void groups_on_replace(struct prov_request *r)
{
    struct gw_error err = {0};
    if (replace(r, &err) != GW_OK)
        reply_error_from(r, &err);
}

/* ---- DELETE ---- */

static void on_deleted(struct prov_request *r, struct store_change *change)
{
    (void)change;
    member_sweep_start(r->face, r->app);
    reply_text(r, 204, NULL, 0, GW_STR_NONE);
}

void groups_on_delete(struct prov_request *r)
{
    struct gw_error err = {0};
    struct store_group group = {0};
    if (group_write_target(r, &group, &err) != GW_OK) {
        reply_error_from(r, &err);
        return;
    }
    struct store_change *change = pending_change_new(r, STORE_CHANGE_GROUP_DELETE);
    change->group_seq = group.seq;
    change->as.group.expected_version = group_write_expected_version(r, &group);
    pending_submit(r, change, on_deleted);
}
