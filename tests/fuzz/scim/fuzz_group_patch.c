/* What a PATCH does to a group's members is the same whether it is worked out on the whole group or seen as changes of
 * membership, without the group (routes/scim/group.h). */
#include "gateway/json/parse.h"
#include "routes/scim/group.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMBERS_MAX 1000u

static const char GROUP[] =
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"id\":\"g1\",\"displayName\":\"G\","
    "\"members\":[{\"value\":\"u1\"},{\"value\":\"u2\"},{\"value\":\"u3\"}],\"meta\":{\"version\":\"1\"}}";
static const char EMPTY[] = "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"id\":\"g1\","
                            "\"displayName\":\"G\",\"meta\":{\"version\":\"1\"}}";

struct set {
    struct gw_str ids[MEMBERS_MAX];
    size_t count;
};

static size_t find(const struct set *set, struct gw_str id)
{
    size_t at = 0;
    while (at < set->count && !gw_str_eq(set->ids[at], id))
        at++;
    return at;
}

static void change_one(struct set *set, enum scim_member_change_kind kind, struct gw_str member)
{
    size_t at = find(set, member);
    if (kind == SCIM_MEMBER_CLEAR)
        set->count = 0;
    else if (kind == SCIM_MEMBER_ADD && at == set->count && at < MEMBERS_MAX)
        set->ids[set->count++] = member;
    else if (kind == SCIM_MEMBER_REMOVE && at < set->count)
        set->ids[at] = set->ids[--set->count];
}

static struct json_value *member_json(struct gw_arena *arena, struct gw_str id)
{
    struct json_value *member = json_object_new(arena);
    json_object_append(arena, member, GW_STR("value"), json_string_new(arena, id));
    return member;
}

/* Member by member, as long as any is left that the step was not told of. */
static void change_by_look(struct gw_arena *arena, const struct scim_resource_type *type, struct set *set,
                           const struct scim_patch_step *step)
{
    const struct json_value *left = NULL;
    struct gw_error err;
    bool has_found = false;
    for (size_t i = 0; i < set->count;) {
        struct json_value *one = json_array_new(arena);
        json_array_append(arena, one, member_json(arena, set->ids[i]));
        if (!scim_member_matches(step, one->array.items[0], arena)) {
            i++;
            continue;
        }
        has_found = true;
        GW_ASSERT(scim_members_patch(arena, type, step, one, &left, &err) == GW_OK);
        if (json_count(left) == 1)
            GW_ASSERT(gw_str_eq(scim_text_of(left->array.items[0], GW_STR("value")), set->ids[i++]));
        else
            set->ids[i] = set->ids[--set->count];
    }
    if (has_found)
        return;
    GW_ASSERT(scim_members_patch(arena, type, step, json_array_new(arena), &left, &err) == GW_OK);
    for (size_t i = 0; i < json_count(left); i++)
        change_one(set, SCIM_MEMBER_ADD, scim_text_of(left->array.items[i], GW_STR("value")));
}

/* What is in a list comes in two parts. */
static void change_set(struct gw_arena *arena, const struct scim_resource_type *type, struct set *set,
                       const struct scim_member_change *change)
{
    struct scim_reader reader = {arena, SCIM_READ_LENIENT, NULL};
    struct scim_member_ids ids = {&change->member, 1};
    struct gw_error err;
    size_t half = json_count(change->list) / 2;
    if (change->step != NULL) {
        change_by_look(arena, type, set, change->step);
        return;
    }
    for (size_t part = 0; part < (change->list != NULL ? 2 : 1); part++) {
        if (change->list != NULL)
            GW_ASSERT(scim_members_read(&reader, type, change->list, part * half,
                                        part == 0 ? half : json_count(change->list) - half, &ids, &err) == GW_OK);
        for (size_t i = 0; i < ids.count; i++)
            change_one(set, change->kind, ids.ids[i]);
    }
}

static void compare(const struct set *set, const struct json_value *group)
{
    const struct json_value *members = json_object_get(group, GW_STR("members"));
    GW_ASSERT(json_count(members) == set->count);
    for (size_t i = 0; i < json_count(members); i++)
        GW_ASSERT(find(set, scim_text_of(members->array.items[i], GW_STR("value"))) < set->count);
}

static void patch(struct gw_arena *arena, const struct scim_resource_type *type, const struct json_value *message)
{
    struct json_limits limits = JSON_LIMITS_BODY;
    struct json_value *whole = NULL;
    struct json_value *bare = NULL;
    struct json_value *after = NULL;
    struct json_value *rest = NULL;
    struct scim_member_changes changes;
    struct scim_patch steps;
    struct gw_error err;
    bool is_changed = false;
    GW_ASSERT(json_parse(arena, gw_str_from(GROUP), &limits, &whole, &err) == GW_OK);
    GW_ASSERT(json_parse(arena, gw_str_from(EMPTY), &limits, &bare, &err) == GW_OK);
    if (scim_patch_parse(arena, type, message, &steps, NULL, &err) != GW_OK ||
        scim_patch_apply(arena, type, whole, &steps, &after, &is_changed, &err) != GW_OK)
        return;
    GW_ASSERT(scim_group_patch_split(arena, &steps, &changes, &err) == GW_OK);
    struct set *set = gw_arena_alloc(arena, sizeof *set);
    *set = (struct set){.ids = {GW_STR("u1"), GW_STR("u2"), GW_STR("u3")}, .count = 3};
    for (size_t i = 0; i < changes.count; i++)
        change_set(arena, type, set, &changes.changes[i]);
    if (set->count < MEMBERS_MAX)
        compare(set, after);
    GW_ASSERT(scim_patch_apply(arena, type, bare, &changes.rest, &rest, &is_changed, &err) == GW_OK);
    GW_ASSERT(json_equal(json_object_get(rest, GW_STR("displayName")), json_object_get(after, GW_STR("displayName"))));
    GW_ASSERT(json_equal(json_object_get(rest, GW_STR("externalId")), json_object_get(after, GW_STR("externalId"))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GW_ARENA_SCOPED(arena);
    struct json_limits limits = {.depth = 12, .values = 2000, .members = 100, .string_bytes = 1024, .number_bytes = 64};
    struct scim_schema_set set;
    struct json_value *message = NULL;
    struct gw_error err;
    scim_schema_set_init(&set, &(struct scim_schema_options){.roles = true});
    if (json_parse(&arena, gw_str_n((const char *)data, size), &limits, &message, &err) == GW_OK)
        patch(&arena, scim_resource_type_find(&set, GW_STR("Group")), message);
    return 0;
}
