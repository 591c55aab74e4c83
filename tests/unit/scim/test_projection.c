#include "tests/unit/scim/scim_test.h"

#include "routes/scim/projection.h"

#define USER_URN "urn:ietf:params:scim:schemas:core:2.0:User"
#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

static const char USER[] =
    "{'schemas':['" USER_URN "'],'id':'u1','userName':'a','name':{'givenName':'g','familyName':'f'},"
    "'emails':[{'value':'e','type':'work'},{'value':'h'}],'" ENTERPRISE
    "':{'department':'d','manager':{'value':'m'}},'meta':{'resourceType':'User'}}";

/* Rule R51 */
static const struct {
    const char *attributes;
    const char *excluded;
    const char *result;
} CASES[] = {
    {"", "", USER},
    {"userName", "", "{'schemas':['" USER_URN "'],'id':'u1','userName':'a'}"},
    {" USERNAME , Name.familyName,", "",
     "{'schemas':['" USER_URN "'],'id':'u1','userName':'a','name':{'familyName':'f'}}"},
    {"emails.type", "", "{'schemas':['" USER_URN "'],'id':'u1','emails':[{'type':'work'}]}"},
    {"emails,emails.type", "",
     "{'schemas':['" USER_URN "'],'id':'u1','emails':[{'value':'e','type':'work'},{'value':'h'}]}"},
    {"nosuch", "", "{'schemas':['" USER_URN "'],'id':'u1'}"},
    {"emails.display", "", "{'schemas':['" USER_URN "'],'id':'u1'}"},
    {ENTERPRISE, "",
     "{'schemas':['" USER_URN "'],'id':'u1','" ENTERPRISE "':{'department':'d','manager':{'value':'m'}}}"},
    {ENTERPRISE ":department", "", "{'schemas':['" USER_URN "'],'id':'u1','" ENTERPRISE "':{'department':'d'}}"},
    {USER_URN ":userName", "", "{'schemas':['" USER_URN "'],'id':'u1','userName':'a'}"},
    {"", "id,schemas,nosuch", USER},
    {"", "emails,name,meta," ENTERPRISE, "{'schemas':['" USER_URN "'],'id':'u1','userName':'a'}"},
    {"", "emails.type,name,meta,userName," ENTERPRISE ":manager",
     "{'schemas':['" USER_URN "'],'id':'u1','emails':[{'value':'e'},{'value':'h'}],'" ENTERPRISE
     "':{'department':'d'}}"},
};

static void attributes_are_chosen(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        GW_ARENA_SCOPED(arena);
        struct scim_schema_set set;
        struct scim_projection projection;
        struct gw_error err = {0};
        assert_int_equal(scim_projection_parse(&arena, type_with(&set, false, "User"), gw_str_from(CASES[i].attributes),
                                               gw_str_from(CASES[i].excluded), &projection, &err),
                         GW_OK);
        assert_json(&arena, scim_project(&arena, &projection, json_of(&arena, USER)), CASES[i].result);
    }
}

static void both_parameters_exclude_each_other(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    struct scim_projection projection;
    struct gw_error err = {0};
    (void)state;
    assert_int_equal(
        scim_projection_parse(&arena, type_with(&set, false, "User"), GW_STR("a"), GW_STR("b"), &projection, &err),
        GW_E_INVALID_VALUE);
    char names[1000];
    memset(names, ',', sizeof names);
    assert_int_equal(scim_projection_parse(&arena, type_with(&set, false, "User"), gw_str_n(names, sizeof names),
                                           GW_STR_NONE, &projection, &err),
                     GW_E_INVALID_VALUE);
}

/* scim-clients.md 6.1: Entra excludes members, so they need not be loaded */
static void a_handler_learns_what_it_need_not_load(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    struct scim_projection projection;
    const struct scim_resource_type *type = type_with(&set, false, "Group");
    (void)state;
    assert_int_equal(scim_projection_parse(&arena, type, GW_STR_NONE, GW_STR("members"), &projection, NULL), GW_OK);
    assert_false(scim_projection_wants(&projection, GW_STR("members")));
    assert_true(scim_projection_wants(&projection, GW_STR("displayName")));
    assert_int_equal(scim_projection_parse(&arena, type, GW_STR("members.value"), GW_STR_NONE, &projection, NULL),
                     GW_OK);
    assert_true(scim_projection_wants(&projection, GW_STR("members")));
    assert_false(scim_projection_wants(&projection, GW_STR("displayName")));
    assert_true(scim_projection_wants(&projection, GW_STR("id")));
    assert_int_equal(scim_projection_parse(&arena, type, GW_STR_NONE, GW_STR_NONE, &projection, NULL), GW_OK);
    assert_true(scim_projection_wants(&projection, GW_STR("members")));
    assert_false(scim_projection_wants(&projection, GW_STR("nosuch")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_are_chosen),
        cmocka_unit_test(both_parameters_exclude_each_other),
        cmocka_unit_test(a_handler_learns_what_it_need_not_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
