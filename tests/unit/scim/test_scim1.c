/* SCIM 1.1 at the edge (scim-clients.md 3.3, 3.4): what comes in and what goes out, without a face. */
#include "tests/unit/scim/scim_test.h"

#include "routes/scim/message.h"
#include "routes/scim/scim1.h"

#define V1 "'schemas':['urn:scim:schemas:core:1.0']"

static void names_of_1_1_are_read_in_filters_and_literals_stay(void **state)
{
    (void)state;
    static const char *const ROWS[][2] = {
        {"email eq 'a@x' or email eq 'b@x'", "emails.value eq 'a@x' or emails.value eq 'b@x'"},
        {"(EMAIL eq 'email') and not(email pr)", "(emails.value eq 'email') and not(emails.value pr)"},
        {"userName eq 'email'", "userName eq 'email'"},
        {"emails eq 'x' or myemail pr", "emails eq 'x' or myemail pr"},
        {"displayName eq 'a \\'email\\' b' and email pr", "displayName eq 'a \\'email\\' b' and emails.value pr"},
        {"urn:scim:schemas:extension:enterprise:1.0:manager.managerId eq '7'",
         "urn:scim:schemas:extension:enterprise:1.0:manager.value eq '7'"},
        {"userName,email,manager.managerid", "userName,emails.value,manager.value"},
        {"email", "emails.value"},
        {"userName eq 'open email", "userName eq 'open email"},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        GW_ARENA_SCOPED(arena);
        struct gw_str read = scim1_names_read(&arena, quoted(&arena, ROWS[i][0]));
        struct gw_str wanted = quoted(&arena, ROWS[i][1]);
        if (!gw_str_eq(read, wanted))
            fail_msg("%s: %.*s", ROWS[i][0], GW_STR_ARG(read));
    }
}

static void a_partial_resource_becomes_a_patch_message(void **state)
{
    (void)state;
#define MESSAGE(operations)                                                                                            \
    "{'schemas':['urn:ietf:params:scim:api:messages:2.0:PatchOp'],'Operations':[" operations "]}"
    static const char *const ROWS[][2] = {
        {"{" V1 ",'id':'7','active':false}", MESSAGE("{'op':'replace','value':{'active':false}}")},
        {"{" V1 ",'id':'7','displayName':'new'}", MESSAGE("{'op':'replace','value':{'displayName':'new'}}")},
        {"{" V1 ",'members':[{'value':'u1','display':'A'}]}",
         MESSAGE("{'op':'replace','value':{}},{'op':'add','value':{'members':[{'value':'u1','display':'A'}]}}")},
        {"{" V1 ",'members':[{'value':'u1','display':'A','operation':'delete'},{'value':'u2'}]}",
         MESSAGE("{'op':'remove','path':'members','value':[{'value':'u1','display':'A'}]},{'op':'replace','value':{}},"
                 "{'op':'add','value':{'members':[{'value':'u2'}]}}")},
        {"{'meta':{'attributes':['members']},'members':[{'value':'u1'},{'value':'u2','operation':'DELETE'}]}",
         MESSAGE("{'op':'replace','value':{'members':[{'value':'u1'}]}}")},
        {"{'meta':{'attributes':['title','name.middleName','email']},'title':'T','name':{'givenName':'A'}}",
         MESSAGE("{'op':'remove','path':'name.middleName'},{'op':'remove','path':'emails.value'},"
                 "{'op':'replace','value':{'title':'T','name':{'givenName':'A'}}}")},
        {"{'meta':{'attributes':['name']},'name':{'givenName':'A'}}",
         MESSAGE("{'op':'remove','path':'name'},{'op':'replace','value':{'name':{'givenName':'A'}}}")},
        {"{'emails':[{'value':'a\\'b','type':'home'},{'type':'other'}]}",
         MESSAGE("{'op':'replace','value':{}},{'op':'add','value':{'emails[value eq \\'a\\\\\\'b\\']':"
                 "{'value':'a\\'b','type':'home'},'emails':[{'type':'other'}]}}")},
        {"{'urn:scim:schemas:extension:enterprise:1.0':{'department':'D','manager':{'managerId':'7'}}}",
         MESSAGE("{'op':'replace','value':{'urn:scim:schemas:extension:enterprise:1.0:department':'D',"
                 "'urn:scim:schemas:extension:enterprise:1.0:manager':{'value':'7'}}}")},
        {MESSAGE("{'op':'remove','path':'title'}"), MESSAGE("{'op':'remove','path':'title'}")},
        {"[]", "[]"},
    };
#undef MESSAGE
    struct scim_schema_set set;
    scim_schema_set_init(&set, &(struct scim_schema_options){.roles = false});
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        GW_ARENA_SCOPED(arena);
        assert_json(&arena, scim1_patch_read(&arena, &set, json_of(&arena, ROWS[i][0])), ROWS[i][1]);
    }
}

static void the_manager_of_a_whole_resource_gets_his_name_of_2_0(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    scim_schema_set_init(&set, &(struct scim_schema_options){.roles = false});
    struct json_value *body = json_of(
        &arena, "{'urn:scim:schemas:extension:enterprise:1.0':{'manager':{'managerId':'7','displayName':'B'}}}");
    scim1_body_read(&set, body);
    assert_json(&arena, body,
                "{'urn:scim:schemas:extension:enterprise:1.0':{'manager':{'value':'7','displayName':'B'}}}");
    scim1_body_read(&set, json_of(&arena, "['not an object']"));
}

static void assert_parts(struct gw_str text, size_t bytes, struct gw_str wanted)
{
    GW_BUF_SCOPED(buf, 64 * 1024);
    struct scim1_writing writing;
    bool is_done = false;
    scim1_writing_init(&writing, text, false);
    while (!is_done)
        assert_true(scim1_writing_go_on(&writing, &buf, bytes, &is_done));
    assert_true(gw_str_eq(gw_buf_str(&buf), wanted));
}

static void answers_are_written_in_the_words_of_1_1(void **state)
{
    (void)state;
    static const char *const ROWS[][2] = {
        {"{'schemas':['urn:ietf:params:scim:schemas:core:2.0:User',"
         "'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User','urn:okta:a:1.0:user:custom'],'id':'7',"
         "'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User':{'manager':{'value':'8','$ref':'http://x'}},"
         "'groups':[{'value':'g','$ref':'http://g'},{'$ref':'http://g','value':'h'}],'emails':[{'value':'a'}],"
         "'meta':{'resourceType':'User','version':'W/\\'1\\''}}",
         "{'schemas':['urn:scim:schemas:core:1.0','urn:scim:schemas:extension:enterprise:1.0',"
         "'urn:okta:a:1.0:user:custom'],'id':'7','urn:scim:schemas:extension:enterprise:1.0':"
         "{'manager':{'managerId':'8'}},'groups':[{'value':'g'},{'value':'h'}],'emails':[{'value':'a'}],"
         "'meta':{'version':'W/\\'1\\''}}"},
        {"{'schemas':['urn:ietf:params:scim:api:messages:2.0:ListResponse'],'totalResults':0,'Resources':[]}",
         "{'schemas':['urn:scim:schemas:core:1.0'],'totalResults':0,'Resources':[]}"},
        {"{'displayName':'urn:ietf:params:scim:schemas:core:2.0:User','active':true,'x':null,'n':-1.5e3}",
         "{'displayName':'urn:ietf:params:scim:schemas:core:2.0:User','active':true,'x':null,'n':-1.5e3}"},
        {"{'meta':{'resourceType':'User'}}", "{'meta':{}}"},
        {"{'schema':'urn:ietf:params:scim:schemas:core:2.0:User','schemaExtensions':[{'schema':"
         "'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User','required':false}]}",
         "{'schema':'urn:scim:schemas:core:1.0','schemaExtensions':[{'schema':"
         "'urn:scim:schemas:extension:enterprise:1.0','required':false}]}"},
        {"{'$ref':{'a':[1,{'$ref':'x','b':2}]},'c':[[],{},[[{'$ref':1}]]]}", "{'c':[[],{},[[{}]]]}"},
    };
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        GW_ARENA_SCOPED(arena);
        GW_BUF_SCOPED(buf, 64 * 1024);
        assert_true(scim1_text_write(&buf, quoted(&arena, ROWS[i][0]), false));
        struct gw_str wanted = quoted(&arena, ROWS[i][1]);
        if (!gw_str_eq(gw_buf_str(&buf), wanted))
            fail_msg("got    %.*s\nwanted %.*s", GW_STR_ARG(gw_buf_str(&buf)), GW_STR_ARG(wanted));
        for (size_t bytes = 1; bytes < 100; bytes++)
            assert_parts(quoted(&arena, ROWS[i][0]), bytes, wanted);
    }
}

static void the_list_of_schemas_has_a_urn_of_its_own(void **state)
{
    (void)state;
    GW_BUF_SCOPED(list, 1024);
    GW_BUF_SCOPED(buf, 1024);
    scim_list_write(&list, 0, 1, 0, GW_STR(""));
    assert_true(scim1_text_write(&buf, gw_buf_str(&list), true));
    assert_true(gw_str_starts(gw_buf_str(&buf), GW_STR("{\"schemas\":[\"urn:scim:schemas:core:1.0:ListResponse\"]")));
}

static void what_is_no_compact_json_is_refused(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"",     "{",          "[1,",     "{\"a\" :1}", "{\"a\":}", "\"open",
                                       "[1] ", "{\"a\":1,}", "{'a':1}", "\"a\\",      "[,]",      "{\"$ref\":}"};
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        GW_BUF_SCOPED(buf, 1024);
        if (scim1_text_write(&buf, gw_str_from(ROWS[i]), false))
            fail_msg("%s", ROWS[i]);
    }
    char deep[SCIM1_DEPTH_MAX + 2];
    memset(deep, '[', sizeof deep);
    GW_BUF_SCOPED(buf, 1024);
    assert_false(scim1_text_write(&buf, gw_str_n(deep, sizeof deep), false));
}

static void an_error_has_errors_and_a_detail(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(buf, 1024);
    struct json_limits limits = JSON_LIMITS_BODY;
    struct json_value *error = NULL;
    struct gw_error err;
    scim1_error_write(&buf, GW_E_UNIQUENESS, "the name \"x\" is taken");
    assert_int_equal(json_parse(&arena, gw_buf_str(&buf), &limits, &error, &err), GW_OK);
    assert_json(&arena, error,
                "{" V1 ",'Errors':[{'description':'the name \\'x\\' is taken','code':'409'}],"
                "'detail':'the name \\'x\\' is taken'}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_1_1_are_read_in_filters_and_literals_stay),
        cmocka_unit_test(a_partial_resource_becomes_a_patch_message),
        cmocka_unit_test(the_manager_of_a_whole_resource_gets_his_name_of_2_0),
        cmocka_unit_test(answers_are_written_in_the_words_of_1_1),
        cmocka_unit_test(the_list_of_schemas_has_a_urn_of_its_own),
        cmocka_unit_test(what_is_no_compact_json_is_refused),
        cmocka_unit_test(an_error_has_errors_and_a_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
