#include "tests/unit/scim/scim_test.h"

#include "routes/scim/group.h"

/* Appends "+a +b " of a change. */
static enum gw_code add_change(struct gw_arena *arena, const struct scim_resource_type *type,
                               const struct scim_member_change *change, struct gw_str *text, struct gw_error *err)
{
    static const char *const MARKS[] = {[SCIM_MEMBER_ADD] = "+", [SCIM_MEMBER_REMOVE] = "-", [SCIM_MEMBER_CLEAR] = "0"};
    struct scim_reader reader = {arena, SCIM_READ_LENIENT, NULL};
    struct scim_member_ids ids = {&change->member, change->step == NULL ? 1 : 0};
    if (change->step != NULL)
        *text = gw_arena_printf(arena, "%.*s? ", GW_STR_ARG(*text));
    if (change->list != NULL)
        GW_TRY(scim_members_read(&reader, type, change->list, 0, json_count(change->list), &ids, err));
    for (size_t i = 0; i < ids.count; i++)
        *text = gw_arena_printf(arena, "%.*s%s%.*s ", GW_STR_ARG(*text), MARKS[change->kind], GW_STR_ARG(ids.ids[i]));
    return GW_OK;
}

/* "+a" add, "-a" remove, "0" clear, "?" a step that looks into the members, in order; "| n" other steps */
static struct gw_str split_text(struct gw_arena *arena, const char *operations)
{
    struct scim_schema_set set;
    struct scim_patch patch;
    struct scim_member_changes changes;
    struct gw_error err = {0};
    struct json_value *message = json_of(arena, "{'schemas':['urn:ietf:params:scim:api:messages:2.0:PatchOp']}");
    json_object_append(arena, message, GW_STR("Operations"), json_of(arena, operations));
    const struct scim_resource_type *type = type_with(&set, false, "Group");
    if (scim_patch_parse(arena, type, message, &patch, NULL, &err) != GW_OK)
        fail_msg("%s", err.text);
    if (scim_group_patch_split(arena, &patch, &changes, &err) != GW_OK)
        return gw_str_from(gw_code_name(err.code));
    struct gw_str text = GW_STR("");
    for (size_t i = 0; i < changes.count; i++) {
        if (add_change(arena, type, &changes.changes[i], &text, &err) != GW_OK)
            return gw_str_from(gw_code_name(err.code));
    }
    return gw_arena_printf(arena, "%.*s| %zu", GW_STR_ARG(text), changes.rest.count);
}

static const struct {
    const char *operations;
    const char *split;
} CASES[] = {
    {"[{'op':'remove','path':'members[value eq "
     "\\u0022a\\u0022]'},{'op':'add','path':'members','value':[{'value':'b'}]}]",
     "-a +b | 0"},
    {"[{'op':'replace','value':{'id':'g','displayName':'N'}}]", "| 1"},
    {"[{'op':'replace','path':'members','value':[]}]", "0 | 0"},
    {"[{'op':'replace','path':'members','value':[{'value':'a'},{'value':'b'},{'value':'a'}]}]", "0 +a +b | 0"},
    {"[{'op':'replace','value':{'members':[{'value':'a'}],'displayName':'N'}}]", "0 +a | 1"},
    {"[{'op':'remove','path':'members'}]", "0 | 0"},
    {"[{'op':'Remove','path':'members','value':[{'value':'a'},{'value':'b','$ref':null}]}]", "-a -b | 0"},
    {"[{'op':'Remove','path':'members','value':[]}]", "| 0"},
    {"[{'op':'Add','path':'members','value':'a'}]", "+a | 0"},
    {"[{'op':'remove','path':'members[value eq \\u0022a\\u0022 or value eq \\u0022b\\u0022]'}]", "-a -b | 0"},
    {"[{'op':'remove','path':'members[value ne \\u0022a\\u0022]'}]", "? | 0"},
    {"[{'op':'remove','path':'members[value eq \\u0022a\\u0022 or type eq \\u0022User\\u0022]'}]", "? | 0"},
    {"[{'op':'add','path':'members','value':[{'value':'b'}]},{'op':'remove','path':'members[type eq "
     "\\u0022User\\u0022]'},{'op':'replace','path':'displayName','value':'N'},{'op':'remove','path':'members'}]",
     "+b ? 0 | 1"},
    {"[{'op':'add','path':'members[value eq \\u0022a\\u0022]','value':{'value':'a'}}]", "? | 0"},
    {"[{'op':'add','path':'members.value','value':'a'}]", "? | 0"},
    {"[{'op':'add','path':'members','value':[{'display':'x'}]}]", "GW_E_INVALID_VALUE"},
    {"[{'op':'add','path':'members','value':[5,true]}]", "GW_E_INVALID_VALUE"},
};

/* #40: a PATCH of a big group costs what it changes */
static void a_patch_is_seen_as_changes_of_membership(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        GW_ARENA_SCOPED(arena);
        struct gw_str text = split_text(&arena, CASES[i].operations);
        if (!gw_str_eq(text, gw_str_from(CASES[i].split)))
            fail_msg("%s: %.*s", CASES[i].operations, GW_STR_ARG(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_patch_is_seen_as_changes_of_membership)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
