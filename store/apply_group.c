#include "store/apply_members.h"
#include "store/env.h"
#include "store/journal.h"

#define LEAVE_PART 64u

/* ---- what a change says of the group itself ---- */

static enum gw_code check_text(struct gw_str text, size_t max, const char *name, struct gw_error *err)
{
    if (text.len > max)
        return gw_fail(err, GW_E_INVALID_VALUE, "%s is longer than %zu bytes", name, max);
    return GW_OK;
}

static enum gw_code check_fields(const struct store_change *change, unsigned fields, struct gw_error *err)
{
    if ((fields & STORE_GROUP_DISPLAY_NAME) != 0 && change->as.group.display_name.len == 0)
        return gw_fail(err, GW_E_INVALID_VALUE, "displayName is missing");
    if (change->as.group.op_count > STORE_MEMBER_OPS_MAX)
        return gw_fail(err, GW_E_TOO_LARGE, "one change may name %u members", STORE_MEMBER_OPS_MAX);
    GW_TRY(check_text(change->as.group.display_name, STORE_GROUP_NAME_BYTES_MAX, "displayName", err));
    GW_TRY(check_text(change->as.group.external_id, STORE_EXTERNAL_ID_BYTES_MAX, "externalId", err));
    return check_text(change->as.group.attributes, STORE_ATTRIBUTES_BYTES_MAX, "the resource", err);
}

static enum gw_code check_name(struct store_apply *apply, struct gw_str name, uint64_t own_seq, struct gw_error *err)
{
    uint64_t seqs[1];
    size_t count = 0;
    uint32_t folder = apply->change->folder;
    GW_TRY(store_groups_lookup(&apply->view, folder, STORE_INDEX_GROUP_NAME, name, seqs, 1, &count, err));
    if (count == 0 || seqs[0] == own_seq)
        return GW_OK;
    char ident[GW_IDENT_TEXT + 1];
    gw_ident_format(apply->view.store->keys.ident, GW_IDENT_GROUP, folder, seqs[0], ident);
    return gw_fail(err, GW_E_UNIQUENESS, "displayName \"%.*s\" belongs to another group, %s", GW_STR_ARG(name), ident);
}

static bool fill(struct store_group *group, const struct store_change *change, unsigned fields)
{
    struct {
        unsigned field;
        struct gw_str *to;
        struct gw_str from;
    } rows[] = {
        {STORE_GROUP_DISPLAY_NAME, &group->display_name, change->as.group.display_name},
        {STORE_GROUP_EXTERNAL_ID, &group->external_id, change->as.group.external_id},
        {STORE_GROUP_ATTRIBUTES, &group->attributes, change->as.group.attributes},
    };
    bool is_changed = false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((fields & rows[i].field) == 0 || gw_str_eq(*rows[i].to, rows[i].from))
            continue;
        *rows[i].to = rows[i].from;
        is_changed = true;
    }
    return is_changed;
}

static void touch(struct store_group *group, int64_t time_ms)
{
    group->version++;
    if (time_ms > group->modified_ms)
        group->modified_ms = time_ms;
}

static enum gw_code journal(struct store_apply *apply, enum store_activity_kind kind, const struct store_group *group,
                            uint64_t came, uint64_t went, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct store_activity entry = {
        .time_ms = change->time_ms,
        .kind = kind,
        .folder = group->folder,
        .actor = change->actor,
        .app = change->app,
        .user_name = group->display_name,
        .attributes = change->attribute_names,
        .reference = change->reference,
        .values = change->attribute_values,
    };
    if (came + went > 0)
        entry.result = gw_arena_printf(&apply->arena, "%llu members came, %llu went", (unsigned long long)came,
                                       (unsigned long long)went);
    return store_journal_add_entry(apply, &entry, err);
}

static void set_result(struct store_apply *apply, enum store_outcome outcome, const struct store_group *group)
{
    apply->change->result.outcome = outcome;
    apply->change->result.folder = group->folder;
    apply->change->result.group_seq = group->seq;
    apply->change->result.version = group->version;
    apply->change->result.set = group->set;
}

/* A staged set, if it is still there. */
static enum gw_code load_staged(struct store_apply *apply, uint64_t number, struct store_set *ret_set,
                                struct gw_error *err)
{
    enum gw_code code = store_set_load(&apply->view, apply->change->folder, number, ret_set, err);
    if (code == GW_E_NOT_FOUND || (code == GW_OK && ret_set->group != 0))
        return gw_fail(err, GW_E_STALE, "the staged members are gone");
    return code;
}

/* ---- the changes ---- */

#define ALL_FIELDS (STORE_GROUP_DISPLAY_NAME | STORE_GROUP_EXTERNAL_ID | STORE_GROUP_ATTRIBUTES)

static enum gw_code first_set(struct store_apply *apply, struct store_group *group,
                              const struct store_member_plan *plan, struct store_member_tally *tally,
                              struct gw_error *err)
{
    struct store_set set;
    if (apply->change->as.group.set != 0) {
        GW_TRY(load_staged(apply, apply->change->as.group.set, &set, err));
        GW_TRY(store_set_take(&apply->view, &set, group->seq, err));
        tally->came = set.count;
    } else {
        GW_TRY(store_set_new(&apply->view, group->folder, group->seq, 0, &set, err));
        GW_TRY(store_member_plan_run(apply, &set, plan, tally, err));
        GW_TRY(store_set_save(&apply->view, &set, err));
    }
    group->set = set.number;
    return GW_OK;
}

enum gw_code store_apply_group_create(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct store_member_plan plan;
    struct store_member_tally tally = {0, 0};
    GW_TRY(check_fields(change, ALL_FIELDS, err));
    GW_TRY(store_apply_check_room(apply, err));
    GW_TRY(check_name(apply, change->as.group.display_name, 0, err));
    GW_TRY(store_member_plan_make(apply, &plan, err));
    struct store_group group = {
        .folder = change->folder, .version = 1, .created_ms = change->time_ms, .modified_ms = change->time_ms};
    (void)fill(&group, change, ALL_FIELDS);
    if (change->as.group.set != 0) {
        struct store_set staged;
        GW_TRY(load_staged(apply, change->as.group.set, &staged, err));
    }
    GW_TRY(store_new_number(&apply->view, GW_STR("group-seq"), group.folder, &group.seq, err));
    GW_TRY(first_set(apply, &group, &plan, &tally, err));
    GW_TRY(store_groups_save(&apply->view, &apply->arena, NULL, &group, err));
    GW_TRY(journal(apply, STORE_ACTIVITY_GROUP_CREATE, &group, tally.came, 0, err));
    set_result(apply, STORE_OUTCOME_CREATED, &group);
    return GW_OK;
}

static enum gw_code load_group(struct store_apply *apply, struct store_group *ret_group, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    enum gw_code code =
        store_groups_load(&apply->view, &apply->arena, change->folder, change->group_seq, ret_group, err);
    if (code == GW_E_NOT_FOUND)
        return gw_fail(err, code, "there is no group with this id");
    uint64_t expected = change->as.group.expected_version;
    if (code == GW_OK && expected != 0 && expected != ret_group->version)
        return gw_fail(err, GW_E_STALE, "the group has version %llu, not %llu", (unsigned long long)ret_group->version,
                       (unsigned long long)expected);
    return code;
}

static enum gw_code put_staged(struct store_apply *apply, struct store_group *group, struct store_member_tally *tally,
                               struct gw_error *err)
{
    struct store_set staged;
    struct store_set old;
    GW_TRY(load_staged(apply, apply->change->as.group.set, &staged, err));
    GW_TRY(store_group_set_load(apply, group, &old, err));
    GW_TRY(store_set_drop(&apply->view, &old, err));
    GW_TRY(store_set_take(&apply->view, &staged, group->seq, err));
    group->set = staged.number;
    *tally = (struct store_member_tally){staged.count, old.count};
    return GW_OK;
}

enum gw_code store_apply_group_update(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    unsigned fields = change->as.group.fields;
    struct store_group before;
    struct store_member_plan plan;
    struct store_member_tally tally = {0, 0};
    GW_TRY(check_fields(change, fields, err));
    GW_TRY(load_group(apply, &before, err));
    struct store_group group = before;
    bool is_changed = fill(&group, change, fields);
    if ((fields & STORE_GROUP_DISPLAY_NAME) != 0)
        GW_TRY(check_name(apply, group.display_name, group.seq, err));
    GW_TRY(store_member_plan_make(apply, &plan, err));
    if (store_member_plan_adds(&plan) || change->as.group.set != 0)
        GW_TRY(store_apply_check_room(apply, err));
    if (change->as.group.set != 0)
        GW_TRY(put_staged(apply, &group, &tally, err));
    else
        GW_TRY(store_member_plan_apply(apply, &group, &plan, &tally, err));
    is_changed = is_changed || tally.came + tally.went > 0;
    if (is_changed) {
        touch(&group, change->time_ms);
        GW_TRY(store_groups_save(&apply->view, &apply->arena, &before, &group, err));
        GW_TRY(journal(apply, STORE_ACTIVITY_GROUP_UPDATE, &group, tally.came, tally.went, err));
    }
    set_result(apply, is_changed ? STORE_OUTCOME_UPDATED : STORE_OUTCOME_UNCHANGED, &group);
    return GW_OK;
}

enum gw_code store_apply_group_delete(struct store_apply *apply, struct gw_error *err)
{
    struct store_group group;
    struct store_set set;
    GW_TRY(load_group(apply, &group, err));
    GW_TRY(store_group_set_load(apply, &group, &set, err));
    GW_TRY(store_set_drop(&apply->view, &set, err));
    GW_TRY(store_groups_save(&apply->view, &apply->arena, &group, NULL, err));
    GW_TRY(journal(apply, STORE_ACTIVITY_GROUP_DELETE, &group, 0, set.count, err));
    set_result(apply, STORE_OUTCOME_UPDATED, &group);
    return GW_OK;
}

enum gw_code store_apply_group_stage(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct store_set set;
    if (change->as.stage.user_count > STORE_MEMBER_PART)
        return gw_fail(err, GW_E_TOO_LARGE, "one change may stage %u members", STORE_MEMBER_PART);
    GW_TRY(store_apply_check_room(apply, err));
    for (size_t i = 0; i < change->as.stage.user_count; i++)
        GW_TRY(store_member_user_check(apply, change->as.stage.users[i], err));
    if (change->as.stage.set == 0)
        GW_TRY(store_set_new(&apply->view, change->folder, 0, change->time_ms, &set, err));
    else
        GW_TRY(load_staged(apply, change->as.stage.set, &set, err));
    for (size_t i = 0; i < change->as.stage.user_count; i++) {
        bool is_changed = false;
        GW_TRY(store_set_add(&apply->view, &set, change->as.stage.users[i], &is_changed, err));
    }
    apply->change->result.set = set.number;
    return store_set_save(&apply->view, &set, err);
}

enum gw_code store_apply_group_sweep(struct store_apply *apply, struct gw_error *err)
{
    struct store_change *change = apply->change;
    return store_sets_sweep(&apply->view, change->folder, change->time_ms - STORE_STAGE_KEPT_MS, STORE_MEMBER_PART,
                            &change->result.has_more, err);
}

static enum gw_code leave_set(struct store_apply *apply, uint64_t number, uint64_t user_seq, struct gw_error *err)
{
    struct store_set set;
    struct store_group before;
    bool is_changed = false;
    uint32_t folder = apply->change->folder;
    enum gw_code code = store_set_load(&apply->view, folder, number, &set, err);
    if (code == GW_OK)
        code = store_set_remove(&apply->view, &set, user_seq, &is_changed, err);
    if (code == GW_OK)
        code = store_set_save(&apply->view, &set, err);
    if (code == GW_OK && set.group == 0)
        return GW_OK;
    if (code == GW_OK)
        code = store_groups_load(&apply->view, &apply->arena, folder, set.group, &before, err);
    if (code == GW_E_NOT_FOUND)
        return store_fail_damaged(err, STORE_TABLE_MEMBERSHIPS, "a membership is of no group");
    if (code != GW_OK)
        return code;
    struct store_group group = before;
    touch(&group, apply->change->time_ms);
    return store_groups_save(&apply->view, &apply->arena, &before, &group, err);
}

enum gw_code store_apply_leave_groups(struct store_apply *apply, uint64_t user_seq, struct gw_error *err)
{
    uint64_t sets[LEAVE_PART];
    size_t count = LEAVE_PART;
    while (count == LEAVE_PART) {
        GW_TRY(store_sets_of_user(&apply->view, apply->change->folder, user_seq, 0, sets, LEAVE_PART, &count, err));
        for (size_t i = 0; i < count; i++)
            GW_TRY(leave_set(apply, sets[i], user_seq, err));
    }
    return GW_OK;
}
