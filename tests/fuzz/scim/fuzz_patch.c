/* A PATCH either fails and leaves the user as it was, or gives a user that can be stored, loaded and read again. */
#include "gateway/json/parse.h"
#include "gateway/json/write.h"
#include "routes/scim/group.h"
#include "routes/scim/user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char USER[] =
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"u1\",\"userName\":\"ann\",\"active\":true,"
    "\"name\":{\"givenName\":\"Ann\",\"familyName\":\"Lee\"},\"title\":\"T\",\"emails\":[{\"value\":\"a@w\",\"type\":"
    "\"work\","
    "\"primary\":true},{\"value\":\"a@h\",\"type\":\"home\"}],\"groups\":[{\"value\":\"g1\"}],\"meta\":{\"version\":"
    "\"1\"}}";
static const char GROUP[] =
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"id\":\"g1\",\"displayName\":\"G\","
    "\"members\":[{\"value\":\"u1\"},{\"value\":\"u2\"}],\"meta\":{\"version\":\"1\"}}";

static void check_result(struct gw_arena *arena, const struct scim_resource_type *type, const struct json_value *before,
                         const struct json_value *after)
{
    static const char *const FIXED[] = {"id", "meta", "groups"};
    struct json_value *again;
    struct gw_error err;
    for (size_t i = 0; i < sizeof FIXED / sizeof FIXED[0]; i++)
        GW_ASSERT(
            json_equal(json_object_get(before, gw_str_from(FIXED[i])), json_object_get(after, gw_str_from(FIXED[i]))));
    GW_ASSERT(json_object_get(after, GW_STR("password")) == NULL);
    /* POST and PUT accept what PATCH leaves behind, and read the same from it */
    GW_ASSERT(scim_resource_read(arena, type, after, &again, NULL, &err) == GW_OK);
    for (size_t i = 0; i < json_count(again); i++)
        GW_ASSERT(json_equal(again->object.members[i].value, json_object_get(after, again->object.members[i].name)));
}

static void patch(const struct scim_resource_type *type, const char *resource, struct gw_str body)
{
    GW_ARENA_SCOPED(arena);
    struct json_limits limits = {.depth = 12, .values = 5000, .members = 100, .string_bytes = 1024, .number_bytes = 64};
    struct json_value *message;
    struct json_value *before;
    struct json_value *after = NULL;
    struct scim_patch parsed;
    struct scim_ignored ignored = {0};
    struct gw_error err;
    bool changed = false;
    if (json_parse(&arena, body, &limits, &message, &err) != GW_OK)
        return;
    GW_ASSERT(json_parse(&arena, gw_str_from(resource), &limits, &before, &err) == GW_OK);
    if (scim_patch_parse(&arena, type, message, &parsed, &ignored, &err) != GW_OK)
        return;
    enum gw_code code = scim_patch_apply(&arena, type, before, &parsed, &after, &changed, &err);
    GW_ASSERT(gw_str_eq(json_text(&arena, before), gw_str_from(resource)));
    struct scim_member_changes changes;
    if (gw_str_eq(type->name, GW_STR("Group")))
        (void)!scim_group_patch_split(&arena, &parsed, &changes, &err);
    if (code != GW_OK) {
        GW_ASSERT(after == NULL && gw_code_status(code) >= 400 && gw_code_status(code) < 429);
        return;
    }
    GW_ASSERT(changed == !json_equal(before, after));
    check_result(&arena, type, before, after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scim_schema_set set;
    scim_schema_set_init(&set, &(struct scim_schema_options){.roles = true});
    patch(&set.types[0], USER, gw_str_n((const char *)data, size));
    patch(&set.types[1], GROUP, gw_str_n((const char *)data, size));
    return 0;
}
