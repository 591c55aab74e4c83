#include "routes/scim/group.h"

#include "gateway/json/write.h"
#include "routes/scim/patch_apply.h"

static const struct gw_str KEPT_APART[] = {
    GW_STR_INIT("schemas"),     GW_STR_INIT("id"),         GW_STR_INIT("meta"),
    GW_STR_INIT("displayName"), GW_STR_INIT("externalId"), GW_STR_INIT("members"),
};
#define KEPT_APART_COUNT (sizeof KEPT_APART / sizeof KEPT_APART[0])

static size_t copy_members(struct gw_arena *arena, const struct json_value *list, const struct gw_str **ret_members)
{
    struct gw_str *members = gw_arena_array(arena, json_count(list), sizeof *members);
    size_t count = 0;
    for (size_t i = 0; i < json_count(list); i++) {
        struct gw_str text = scim_text_of(list->array.items[i], GW_STR("value"));
        if (text.len > 0)
            members[count++] = text;
    }
    *ret_members = members;
    return count;
}

void scim_group_draft_fill(struct gw_arena *arena, const struct json_value *resource,
                           struct scim_group_draft *ret_draft)
{
    *ret_draft = (struct scim_group_draft){
        .display_name = scim_text_of(resource, GW_STR("displayName")),
        .external_id = scim_text_of(resource, GW_STR("externalId")),
        .attributes = scim_attributes_without(arena, resource, KEPT_APART, KEPT_APART_COUNT),
    };
}

/* The body without a list of members; *ret_list: the list, or NULL. */
static const struct json_value *without_members(struct gw_arena *arena, const struct json_value *body,
                                                const struct json_value **ret_list)
{
    struct json_value *rest = json_object_new(arena);
    *ret_list = json_object_get_nocase(body, GW_STR("members"));
    if (!json_is(*ret_list, JSON_ARRAY)) {
        *ret_list = NULL;
        return body;
    }
    for (size_t i = 0; i < json_count(body); i++) {
        const struct json_member *member = &body->object.members[i];
        if (member->value != *ret_list)
            json_object_append(arena, rest, member->name, member->value);
    }
    return rest;
}

enum gw_code scim_group_read(struct gw_arena *arena, const struct scim_resource_type *type,
                             const struct json_value *body, struct scim_group_draft *ret_draft,
                             struct scim_ignored *ignored, struct gw_error *err)
{
    struct json_value *resource;
    const struct json_value *list;
    const struct json_value *rest = without_members(arena, body, &list);
    GW_TRY(scim_resource_read(arena, type, rest, &resource, ignored, err));
    scim_group_draft_fill(arena, resource, ret_draft);
    ret_draft->has_members = json_object_get_nocase(body, GW_STR("members")) != NULL;
    ret_draft->list = list;
    return GW_OK;
}

enum gw_code scim_members_read(const struct scim_reader *reader, const struct scim_resource_type *type,
                               const struct json_value *list, size_t from, size_t count,
                               struct scim_member_ids *ret_ids, struct gw_error *err)
{
    const struct scim_schema *core = type->core;
    const struct scim_attribute *members =
        scim_attribute_find(core->attributes, core->attribute_count, GW_STR("members"));
    GW_ASSERT(list->type == JSON_ARRAY && from + count <= json_count(list));
    if (json_count(list) > SCIM_MEMBERS_MAX)
        return gw_fail(err, GW_E_INVALID_VALUE, "members has more than %u values", SCIM_MEMBERS_MAX);
    struct json_value part = {.type = JSON_ARRAY,
                              .array = {.items = list->array.items + from, .count = (uint32_t)count}};
    struct json_value *read = NULL;
    GW_TRY(scim_value_read(reader, members, &part, &read, err));
    ret_ids->count = copy_members(reader->arena, read, &ret_ids->ids);
    return GW_OK;
}

struct gw_str scim_group_store_text(struct gw_arena *arena, const struct scim_group_draft *draft)
{
    return json_text(arena, draft->attributes);
}

enum gw_code scim_group_load(struct gw_arena *arena, const struct scim_resource_type *type,
                             const struct scim_group_columns *columns, struct json_value **ret_resource,
                             struct gw_error *err)
{
    struct json_value *attributes;
    GW_TRY(scim_attributes_load(arena, columns->attributes, &attributes, err));
    struct json_value *group = json_object_new(arena);
    json_object_append(arena, group, GW_STR("schemas"), scim_resource_schemas(arena, type, attributes));
    json_object_append(arena, group, GW_STR("id"), json_string_new(arena, columns->meta.id));
    if (columns->external_id.len > 0)
        json_object_append(arena, group, GW_STR("externalId"), json_string_new(arena, columns->external_id));
    json_object_append(arena, group, GW_STR("displayName"), json_string_new(arena, columns->display_name));
    scim_members_append(arena, group, attributes);
    if (json_count(columns->members) > 0)
        json_object_append(arena, group, GW_STR("members"), json_copy(arena, columns->members));
    json_object_append(arena, group, GW_STR("meta"), scim_meta_json(arena, type->name, &columns->meta));
    *ret_resource = group;
    return GW_OK;
}

/* --- a PATCH as changes of membership --- */

struct splitter {
    struct gw_arena *arena;
    struct scim_member_change *changes;
    size_t count;
    size_t capacity;
};

static void add_change(struct splitter *splitter, struct scim_member_change change)
{
    if (splitter->count == splitter->capacity) {
        size_t capacity = splitter->capacity > 0 ? splitter->capacity * 2 : 16;
        struct scim_member_change *changes = gw_arena_array(splitter->arena, capacity, sizeof *changes);
        if (splitter->count > 0)
            memcpy(changes, splitter->changes, splitter->count * sizeof *changes);
        splitter->changes = changes;
        splitter->capacity = capacity;
    }
    splitter->changes[splitter->count++] = change;
}

static enum gw_code split_list(struct splitter *splitter, const struct scim_patch_step *step, struct gw_error *err)
{
    struct scim_reader reader = {splitter->arena, SCIM_READ_LENIENT, NULL};
    struct json_value *read = NULL;
    const struct json_value *list = step->value;
    if (list != NULL && list->type != JSON_ARRAY) { /* one member, say */
        GW_TRY(scim_value_read(&reader, step->path.ref.attribute, step->value, &read, err));
        list = read;
    }
    bool bare = step->value == NULL || step->value->type == JSON_NULL;
    bool removes = step->op == SCIM_PATCH_REMOVE;
    if (step->op == SCIM_PATCH_REPLACE || (removes && bare))
        add_change(splitter, (struct scim_member_change){.kind = SCIM_MEMBER_CLEAR});
    if (json_count(list) > 0)
        add_change(splitter,
                   (struct scim_member_change){.kind = removes ? SCIM_MEMBER_REMOVE : SCIM_MEMBER_ADD, .list = list});
    return GW_OK;
}

/* value eq "..." or an `or` of such; false otherwise. */
static bool split_filter(struct splitter *splitter, const struct scim_filter *filter)
{
    if (filter->kind == SCIM_FILTER_OR) {
        for (size_t i = 0; i < filter->child_count; i++) {
            if (!split_filter(splitter, filter->children[i]))
                return false;
        }
        return true;
    }
    if (filter->kind != SCIM_FILTER_COMPARE || filter->op != SCIM_EQ || filter->literal->type != JSON_STRING ||
        !gw_str_eq(filter->ref.attribute->name, GW_STR("value")))
        return false;
    add_change(splitter, (struct scim_member_change){.kind = SCIM_MEMBER_REMOVE, .member = filter->literal->text});
    return true;
}

static bool is_about_members(const struct scim_patch_step *step)
{
    const struct scim_ref *ref = &step->path.ref;
    return ref->extension == NULL && ref->attribute != NULL && gw_str_eq(ref->attribute->name, GW_STR("members"));
}

enum gw_code scim_group_patch_split(struct gw_arena *arena, const struct scim_patch *patch,
                                    struct scim_member_changes *ret_changes, struct gw_error *err)
{
    struct splitter splitter = {.arena = arena};
    struct scim_patch_step *rest = gw_arena_array(arena, patch->count, sizeof *rest);
    size_t rest_count = 0;
    *ret_changes = (struct scim_member_changes){0};
    for (size_t i = 0; i < patch->count; i++) {
        const struct scim_patch_step *step = &patch->steps[i];
        bool understood = true;
        size_t count = splitter.count;
        if (!is_about_members(step))
            rest[rest_count++] = *step;
        else if (step->path.ref.sub != NULL)
            understood = false;
        else if (step->path.filter == NULL)
            GW_TRY(split_list(&splitter, step, err));
        else
            understood = step->op == SCIM_PATCH_REMOVE && split_filter(&splitter, step->path.filter);
        if (understood)
            continue;
        splitter.count = count;
        add_change(&splitter, (struct scim_member_change){.kind = SCIM_MEMBER_STEP, .step = step});
    }
    ret_changes->changes = splitter.changes;
    ret_changes->count = splitter.count;
    ret_changes->rest = (struct scim_patch){rest, rest_count};
    return GW_OK;
}

bool scim_member_matches(const struct scim_patch_step *step, const struct json_value *member, struct gw_arena *scratch)
{
    return step->path.filter == NULL || scim_filter_matches_value(step->path.filter, member, scratch);
}

enum gw_code scim_members_patch(struct gw_arena *arena, const struct scim_resource_type *type,
                                const struct scim_patch_step *step, const struct json_value *members,
                                const struct json_value **ret_members, struct gw_error *err)
{
    struct json_value *group = json_object_new(arena);
    struct scim_patcher patcher = {
        .arena = arena, .type = type, .resource = group, .reader = {arena, SCIM_READ_LENIENT, NULL}, .err = err};
    if (json_count(members) > 0)
        json_object_append(arena, group, GW_STR("members"), json_copy(arena, members));
    GW_TRY(scim_patch_values(&patcher, step, group));
    *ret_members = json_object_get(group, GW_STR("members"));
    return GW_OK;
}
