#include "routes/reply.h"
#include "routes/scim/handlers/group_view.h"
#include "routes/scim/handlers/group_write.h"
#include "routes/scim/handlers/handlers.h"
#include "routes/scim/handlers/ignored.h"

/* scim-clients.md 9: the answer to a PATCH shows no members unless they are asked for. */
static void on_patched(struct prov_request *r, struct store_change *change)
{
    member_sweep_start(r->face, r->app);
    group_reply(r, 200, change->group_seq, GROUP_MEMBERS_ASKED);
}

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
        return group_write_load_apart(r, write, group, err);
    if (!write->is_staging) {
        write->base_version = write->before_version;
        write->wanted = member_list_apply(r->arena, &write->before, write->input.ops, write->input.op_count);
    }
    return group_write_submit_wanted(r, write, group, fields, on_patched, err);
}

static enum gw_code patch_few(struct prov_request *r, struct group_write *write, const struct store_group *group,
                              unsigned fields, struct gw_error *err)
{
    if (write->input.op_count > 0 || fields != 0)
        return group_write_submit_ops(r, write, group, fields, on_patched, err);
    group_reply(r, 200, group->seq, GROUP_MEMBERS_ASKED); /* rule R72: nothing to do */
    return GW_OK;
}

static enum gw_code parse_patch(struct prov_request *r, uint64_t group_seq, struct group_write **ret_write,
                                struct gw_error *err)
{
    struct scim_ignored ignored = {0};
    if (group_write_resume(r, ret_write))
        return GW_OK;
    struct group_write *write = *ret_write;
    GW_TRY(group_projection_read(r, err));
    GW_TRY(scim_patch_parse(r->arena, r->app->group_type, r->body, &write->patch, &ignored, err));
    ignored_note(r, &ignored);
    GW_TRY(scim_group_patch_split(r->arena, &write->patch, &write->changes, err));
    return group_write_read(r, write, SCIM_READ_LENIENT, group_seq, write->changes.changes, write->changes.count, err);
}

static enum gw_code patch(struct prov_request *r, struct gw_error *err)
{
    struct group_write *write = NULL;
    struct store_group group = {0};
    unsigned fields = 0;
    GW_TRY(group_write_target(r, &group, err));
    GW_TRY(parse_patch(r, group.seq, &write, err));
    if (group_write_is_read_later(r, write))
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
