#include "tests/unit/scim/scim_test.h"

#include "gateway/base/buf.h"
#include "gateway/json/write.h"
#include "routes/scim/group.h"
#include "routes/scim/projection.h"
#include "routes/scim/user.h"

#define USER "'schemas':['urn:ietf:params:scim:schemas:core:2.0:User']"
#define GROUP "'schemas':['urn:ietf:params:scim:schemas:core:2.0:Group']"
#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

static const struct {
    const char *what;
    const char *body;
    const char *resource;
} READS[] = {
    {"R1, 1.5: Okta's POST; groups and password are dropped (0.11, 0.14)",
     "{" USER ",'userName':'test.user@okta.local','name':{'givenName':'Test','familyName':'User'},"
     "'emails':[{'primary':true,'value':'test.user@okta.local','type':'work'}],'displayName':'Test User',"
     "'locale':'en-US','externalId':'00ujl29u0le5T6Aj10h7','groups':[],'password':'1mz050nq','active':true}",
     "{" USER ",'externalId':'00ujl29u0le5T6Aj10h7','userName':'test.user@okta.local',"
     "'name':{'familyName':'User','givenName':'Test'},'displayName':'Test User','locale':'en-US','active':true,"
     "'emails':[{'value':'test.user@okta.local','type':'work','primary':true}]}"},
    {"R2, R4, R11: id, meta and groups of the client are ignored",
     "{" USER ",'userName':'a','id':'x','meta':{'resourceType':'User','version':'1'},'groups':[{'value':'g'}]}",
     "{" USER ",'userName':'a'}"},
    {"R9: names in any case are spelled as the schema has them",
     "{'SCHEMAS':['URN:ietf:params:scim:schemas:core:2.0:user'],'UserName':'A','NAME':{'GIVENNAME':'g'}}",
     "{" USER ",'userName':'A','name':{'givenName':'g'}}"},
    {"R8, C9337: null, [], {} and \"\" are unassigned",
     "{" USER ",'userName':'a','title':null,'nickName':'','emails':[],'name':{'givenName':'','familyName':null},"
     "'addresses':null,'active':null,'phoneNumbers':[{'value':'','type':'work'},null,{}],'ims':''}",
     "{" USER ",'userName':'a'}"},
    {"R15: extension data is listed in schemas, whether the client did or not",
     "{" USER ",'userName':'a','" ENTERPRISE "':{'Department':'d','manager':{'value':'m','displayName':'no'}}}",
     "{'schemas':['urn:ietf:params:scim:schemas:core:2.0:User','" ENTERPRISE "'],'userName':'a','" ENTERPRISE
     "':{'department':'d','manager':{'value':'m'}}}"},
    {"6.2: OneLogin's short URNs",
     "{'schemas':['urn:scim:schemas:core:2.0','urn:scim:schemas:extension:enterprise:2.0'],'userName':'a',"
     "'urn:scim:schemas:extension:enterprise:2.0':{'employeeNumber':7}}",
     "{'schemas':['urn:ietf:params:scim:schemas:core:2.0:User','" ENTERPRISE "'],'userName':'a','" ENTERPRISE
     "':{'employeeNumber':'7'}}"},
    {"6.4: unknown URNs beside the known one are ignored",
     "{'schemas':['urn:scim:schemas:core:1.0','urn:ietf:params:scim:schemas:core:2.0:User','urn:x:y'],'userName':'a'}",
     "{" USER ",'userName':'a'}"},
    {"unknown attributes are ignored",
     "{" USER ",'userName':'a','favourite':{'a':[1]},'emails':[{'value':'e','colour':1}],'roles':[{'value':'r'}]}",
     "{" USER ",'userName':'a','emails':[{'value':'e'}]}"},
    {"R7: the same (type, value) is kept once, primary included",
     "{" USER ",'userName':'a','emails':[{'value':'A@b','type':'work'},{'value':'a@B','type':'Work','primary':true},"
     "{'value':'a@b','type':'home'}]}",
     "{" USER ",'userName':'a','emails':[{'value':'A@b','type':'work','primary':true},{'value':'a@b','type':'home'}]}"},
    {"an empty extension is none", "{" USER ",'userName':'a','" ENTERPRISE "':{'department':''}}",
     "{" USER ",'userName':'a'}"},
    {"0.30: any printable userName, spelling kept", "{" USER ",'userName':'J\xc3\xbcrgen O\\u0027Neil+x'}",
     "{" USER ",'userName':'J\xc3\xbcrgen O\\u0027Neil+x'}"},
    {"E8: externalId may be anything short", "{" USER ",'userName':'a','externalId':'../x'}",
     "{" USER ",'userName':'a','externalId':'../x'}"},
    {"scim-clients 2: a number where a string belongs", "{" USER ",'userName':'a','externalId':17}",
     "{" USER ",'userName':'a','externalId':'17'}"},
};

static void bodies_are_read_into_their_canonical_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(READS); i++) {
        GW_ARENA_SCOPED(arena);
        struct scim_schema_set set;
        struct json_value *resource;
        struct gw_error err = {0};
        if (scim_resource_read(&arena, type_with(&set, false, "User"), json_of(&arena, READS[i].body), &resource, NULL,
                               &err) != GW_OK)
            fail_msg("%s: %s", READS[i].what, err.text);
        assert_json(&arena, resource, READS[i].resource);
    }
}

static const struct {
    const char *body;
    enum gw_code code;
    const char *reason;
} REFUSALS[] = {
    {"[]", GW_E_INVALID_SYNTAX, "object"},
    {"'x'", GW_E_INVALID_SYNTAX, "object"},
    {"{'userName':'a'}", GW_E_INVALID_SYNTAX, "schemas"},
    {"{'schemas':'urn:ietf:params:scim:schemas:core:2.0:User','userName':'a'}", GW_E_INVALID_SYNTAX, "schemas"},
    {"{'schemas':[],'userName':'a'}", GW_E_INVALID_SYNTAX, "schemas"},
    {"{'schemas':['urn:ietf:params:scim:schemas:core:2.0:Group'],'userName':'a'}", GW_E_INVALID_SYNTAX, "schemas"},
    {"{'schemas':['urn:ietf:params:scim:schemas:core:2.0:User',5],'userName':'a'}", GW_E_INVALID_SYNTAX, "strings"},
    {"{" USER "}", GW_E_INVALID_VALUE, "userName is required"},
    {"{" USER ",'userName':null}", GW_E_INVALID_VALUE, "userName is required"},
    {"{" USER ",'userName':''}", GW_E_INVALID_VALUE, "userName must not be empty"},
    {"{" USER ",'userName':5}", GW_E_INVALID_VALUE, "userName must be a string"},
    {"{" USER ",'userName':['a']}", GW_E_INVALID_VALUE, "userName"},
    {"{" USER ",'userName':[]}", GW_E_INVALID_VALUE, "userName"},
    {"{" USER ",'userName':{'a':1}}", GW_E_INVALID_VALUE, "userName"},
    {"{" USER ",'userName':' a'}", GW_E_INVALID_VALUE, "printable"},
    {"{" USER ",'userName':'a '}", GW_E_INVALID_VALUE, "printable"},
    {"{" USER ",'userName':'a\\u200bb'}", GW_E_INVALID_VALUE, "printable"},
    {"{" USER ",'userName':'a\\u202eb'}", GW_E_INVALID_VALUE, "printable"},
    {"{" USER ",'userName':'a\\nb'}", GW_E_INVALID_VALUE, "printable"},
    {"{" USER ",'userName':'a','active':'False'}", GW_E_INVALID_VALUE, "active must be true or false"},
    {"{" USER ",'userName':'a','active':'true'}", GW_E_INVALID_VALUE, "active"},
    {"{" USER ",'userName':'a','active':1}", GW_E_INVALID_VALUE, "active"},
    {"{" USER ",'userName':'a','active':[true]}", GW_E_INVALID_VALUE, "active"},
    {"{" USER ",'userName':'a','emails':'a@b'}", GW_E_INVALID_VALUE, "emails must be an array"},
    {"{" USER ",'userName':'a','emails':{'value':'a@b'}}", GW_E_INVALID_VALUE, "emails must be an array"},
    {"{" USER ",'userName':'a','emails':['a@b']}", GW_E_INVALID_VALUE, "emails must be an object"},
    {"{" USER ",'userName':'a','emails':[{'value':true}]}", GW_E_INVALID_VALUE, "emails: value must be a string"},
    {"{" USER ",'userName':'a','emails':[{'value':'x','primary':'true'}]}", GW_E_INVALID_VALUE, "primary"},
    {"{" USER ",'userName':'a','emails':[{'value':'x','primary':true},{'value':'y','primary':true}]}",
     GW_E_INVALID_VALUE, "more than one primary"},
    {"{" USER ",'userName':'a','name':'x'}", GW_E_INVALID_VALUE, "name must be an object"},
    {"{" USER ",'userName':'a','title':true}", GW_E_INVALID_VALUE, "title must be a string"},
    {"{" USER ",'userName':'a','title':{}}", GW_E_INVALID_VALUE, "title must be a string"},
    {"{" USER ",'userName':'a','profileUrl':'http://a b'}", GW_E_INVALID_VALUE, "profileUrl"},
    {"{" USER ",'userName':'a','x509Certificates':[{'value':'not base64'}]}", GW_E_INVALID_VALUE, "base64"},
    {"{" USER ",'userName':'a','" ENTERPRISE "':'x'}", GW_E_INVALID_VALUE, "must be an object"},
    {"{" USER ",'userName':'a','" ENTERPRISE "':{'department':[1,2]}}", GW_E_INVALID_VALUE, "department"},
    {"{" USER ",'userName':'a','" ENTERPRISE "':{'department':'x'},"
     "'urn:scim:schemas:extension:enterprise:2.0':{'department':'y'}}",
     GW_E_INVALID_SYNTAX, "occurs twice"},
};

static void assert_refused(const struct json_value *body, enum gw_code code, const char *reason)
{
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    struct json_value *resource = NULL;
    struct gw_error err = {0};
    enum gw_code got = scim_resource_read(&arena, type_with(&set, false, "User"), body, &resource, NULL, &err);
    if (got != code || strstr(err.text, reason) == NULL)
        fail_msg("%s: '%s' for %.*s", gw_code_name(got), err.text, GW_STR_ARG(json_text(&arena, body)));
    assert_null(resource);
}

/* security.md E5, E7, E11; rules R5, R7, R10, R31 */
static void wrong_bodies_are_refused_with_the_attribute(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(REFUSALS); i++) {
        GW_ARENA_SCOPED(arena);
        assert_refused(json_of(&arena, REFUSALS[i].body), REFUSALS[i].code, REFUSALS[i].reason);
    }
}

static struct json_value *user_with(struct gw_arena *arena, const char *name, struct json_value *value)
{
    struct json_value *body = json_of(arena, "{" USER ",'userName':'a'}");
    json_object_set(arena, body, gw_str_from(name), value);
    return body;
}

static struct json_value *long_string(struct gw_arena *arena, size_t len)
{
    char *bytes = gw_arena_alloc(arena, len);
    memset(bytes, 'a', len);
    return json_string_new(arena, gw_str_n(bytes, len));
}

/* security.md E5 (20,000 e-mails), law 10 */
static void sizes_are_capped(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct json_value *emails = json_array_new(&arena);
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct json_value *email = json_object_new(&arena);
        json_object_append(&arena, email, GW_STR("value"),
                           json_string_new(&arena, gw_arena_printf(&arena, "u%d@example.com", i)));
        json_array_append(&arena, emails, email);
    }
    assert_refused(user_with(&arena, "emails", emails), GW_E_INVALID_VALUE, "more than 1000 values");
    assert_refused(user_with(&arena, "userName", long_string(&arena, SCIM_NAME_BYTES_MAX + 1)), GW_E_INVALID_VALUE,
                   "userName is too long");
    assert_refused(user_with(&arena, "externalId", long_string(&arena, SCIM_EXTERNAL_ID_BYTES_MAX + 1)),
                   GW_E_INVALID_VALUE, "externalId is too long");
    assert_refused(user_with(&arena, "title", long_string(&arena, SCIM_STRING_BYTES_MAX + 1)), GW_E_INVALID_VALUE,
                   "title is too long");
    struct scim_schema_set set;
    struct json_value *resource;
    struct gw_error err;
    assert_int_equal(scim_resource_read(&arena, type_with(&set, false, "User"),
                                        user_with(&arena, "userName", long_string(&arena, SCIM_NAME_BYTES_MAX)),
                                        &resource, NULL, &err),
                     GW_OK);
}

static void ignored_names_are_collected(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    struct scim_ignored ignored = {0};
    struct json_value *resource;
    struct gw_error err;
    (void)state;
    const struct json_value *body =
        json_of(&arena, "{" USER ",'userName':'a','id':'1','password':'p','shoe':1,"
                        "'emails':[{'value':'e','colour':1}],'" ENTERPRISE "':{'desk':1},'urn:x:y':{'z':1}}");
    assert_int_equal(scim_resource_read(&arena, type_with(&set, false, "User"), body, &resource, &ignored, &err),
                     GW_OK);
    assert_int_equal(ignored.count, 4);
    assert_str_equal(ignored.names[0], "emails.colour");
    assert_str_equal(ignored.names[1], "desk");
    assert_str_equal(ignored.names[2], "shoe");
    assert_str_equal(ignored.names[3], "urn:x:y");
    for (int i = 0; i < 100; i++)
        scim_ignored_add(&arena, &ignored, GW_STR("x"));
    assert_int_equal(ignored.count, SCIM_IGNORED_MAX);
    assert_int_equal(ignored.total, 104);
}

static struct scim_user_draft read_user(struct gw_arena *arena, const char *body)
{
    struct scim_schema_set set;
    struct scim_user_draft draft;
    struct gw_error err = {0};
    if (scim_user_read(arena, type_with(&set, true, "User"), json_of(arena, body), &draft, NULL, &err) != GW_OK)
        fail_msg("%s", err.text);
    return draft;
}

static void a_draft_has_the_columns_and_the_rest(void **state)
{
    GW_ARENA_SCOPED(arena);
    (void)state;
    struct scim_user_draft draft =
        read_user(&arena, "{" USER ",'userName':'Ann','externalId':'e1','active':false,'title':'T',"
                          "'emails':[{'value':'a@b','type':'work'},{'value':'A@B','type':'home'},{'value':'c@d'}],"
                          "'roles':[]}");
    assert_str_equal(draft.user_name, "Ann");
    assert_str_equal(draft.external_id, "e1");
    assert_true(draft.has_active && !draft.active);
    assert_true(draft.has_roles && !draft.has_entitlements);
    assert_int_equal(draft.email_count, 2);
    assert_str_equal(draft.emails[0], "a@b");
    assert_str_equal(draft.emails[1], "c@d");
    assert_str_equal(scim_user_store_text(&arena, &draft),
                     "{\"title\":\"T\",\"emails\":[{\"value\":\"a@b\",\"type\":\"work\"},{\"value\":\"A@B\",\"type\":"
                     "\"home\"},{\"value\":\"c@d\"}]}");
    draft = read_user(&arena, "{" USER ",'userName':'Ann','roles':null,'entitlements':[{'value':'x'}]}");
    assert_true(draft.external_id.ptr == NULL && !draft.has_active && !draft.has_roles && draft.has_entitlements);
}

/* semantics.md 4, rules R60 and 0.17 */
static void put_keeps_roles_entitlements_and_active_that_it_does_not_name(void **state)
{
    GW_ARENA_SCOPED(arena);
    const struct json_value *stored =
        json_of(&arena, "{'userName':'Ann','active':false,'title':'T','roles':[{'value':'r'}],"
                        "'entitlements':[{'value':'e'}]}");
    (void)state;
    struct scim_schema_set set;
    const struct scim_resource_type *type = type_with(&set, true, "User");
    struct scim_user_draft draft = read_user(&arena, "{" USER ",'userName':'Ann'}");
    scim_user_draft_keep(&arena, type, &draft, stored);
    assert_true(draft.has_active && !draft.active);
    assert_json(&arena, draft.attributes, "{'roles':[{'value':'r'}],'entitlements':[{'value':'e'}]}");
    draft = read_user(&arena, "{" USER ",'userName':'Ann','roles':[],'active':true,'entitlements':[{'value':'n'}]}");
    scim_user_draft_keep(&arena, type, &draft, stored);
    assert_true(draft.active);
    assert_json(&arena, draft.attributes, "{'entitlements':[{'value':'n'}]}");
}

static void a_user_comes_back_whole(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    struct json_value *user;
    struct gw_error err = {0};
    (void)state;
    struct scim_user_columns columns = {
        .meta = {GW_STR("u1"), 0, 1500, GW_STR("https://p/scim/v2/Users/u1"), GW_STR("W/\"1\"")},
        .user_name = GW_STR("Ann"),
        .external_id = GW_STR("e1"),
        .active = true,
        .attributes = GW_STR("{\"title\":\"T\",\"" ENTERPRISE "\":{\"department\":\"d\"}}"),
        .groups = json_of(&arena, "[{'value':'g1','display':'G'}]"),
    };
    const struct scim_resource_type *type = type_with(&set, false, "User");
    assert_int_equal(scim_user_load(&arena, type, &columns, &user, &err), GW_OK);
    assert_json(&arena, user,
                "{'schemas':['urn:ietf:params:scim:schemas:core:2.0:User','" ENTERPRISE
                "'],'id':'u1','externalId':'e1',"
                "'userName':'Ann','active':true,'title':'T','" ENTERPRISE "':{'department':'d'},"
                "'groups':[{'value':'g1','display':'G'}],'meta':{'resourceType':'User',"
                "'created':'1970-01-01T00:00:00.000Z','lastModified':'1970-01-01T00:00:01.500Z',"
                "'location':'https://p/scim/v2/Users/u1','version':'W/\\u00221\\u0022'}}");
    struct scim_user_draft draft;
    scim_user_draft_fill(&arena, user, &draft);
    assert_str_equal(scim_user_store_text(&arena, &draft), columns.attributes.ptr);
    columns.attributes = GW_STR("[1]");
    assert_int_equal(scim_user_load(&arena, type, &columns, &user, &err), GW_E_STORE_DAMAGED);
    columns.attributes = GW_STR("{\"title\":");
    assert_int_equal(scim_user_load(&arena, type, &columns, &user, &err), GW_E_STORE_DAMAGED);
}

/* The short way of a read must say exactly what the long way says. */
static void a_user_written_as_text_is_the_same_as_by_way_of_a_tree(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "{\"title\":\"T\"}",
        "{\"title\":\"a,b}\\\"{[:\",\"nickName\":\"\\\\\"}",
        "{\"name\":{\"givenName\":\"G\",\"familyName\":\"F\"},\"emails\":[{\"value\":\"a@b\",\"primary\":true},"
        "{\"value\":\"]\"}],\"" ENTERPRISE "\":{\"department\":\"d\"}}",
        "{\"notInTheTables\":[1,{\"a\":2}],\"title\":\"T\"}",
        "{\"roles\":[{\"value\":\"r\"}]}"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        GW_ARENA_SCOPED(arena);
        GW_BUF_SCOPED(buf, 65536);
        struct scim_schema_set set;
        struct gw_error err = {0};
        struct json_value *tree;
        const struct scim_resource_type *type = type_with(&set, i % 2 == 0, "User");
        struct scim_user_columns columns = {
            .meta = {GW_STR("u1"), 0, 1500, GW_STR("https://p/Users/u1"), GW_STR("W/\"1\"")},
            .user_name = GW_STR("A\"nn"),
            .external_id = i % 3 == 0 ? GW_STR("e1") : GW_STR_NONE,
            .active = i % 2 == 0,
            .attributes = gw_str_from(texts[i]),
            .groups = i % 2 == 0 ? json_of(&arena, "[{'value':'g1','display':'G'}]") : NULL,
        };
        struct scim_projection all;
        assert_int_equal(scim_projection_parse(&arena, type, GW_STR_NONE, GW_STR_NONE, &all, &err), GW_OK);
        assert_int_equal(scim_user_load(&arena, type, &columns, &tree, &err), GW_OK);
        assert_true(scim_user_write(&buf, type, &columns));
        assert_str_equal(gw_buf_str(&buf), json_text(&arena, scim_project(&arena, &all, tree)).ptr);
    }
}

static void damaged_text_is_not_copied(void **state)
{
    static const char *const texts[] = {"[1]", "{\"title\":", "{\"title\"", "{title:1}", "{\"a\":1,}", "{\"a\":\"}",
                                        "{,}", "{\"a\":}",    "{\"a\":1",   "{",         "x"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        GW_BUF_SCOPED(buf, 65536);
        struct scim_schema_set set;
        const struct scim_resource_type *type = type_with(&set, false, "User");
        struct scim_user_columns columns = {.user_name = GW_STR("Ann"), .attributes = gw_str_from(texts[i])};
        assert_false(scim_user_write(&buf, type, &columns));
        assert_int_equal(buf.len, 0);
    }
}

/* A body with all its members. */
static enum gw_code read_group(struct gw_arena *arena, const struct scim_resource_type *type,
                               const struct json_value *body, struct scim_group_draft *ret_draft,
                               struct scim_member_ids *ret_ids, struct gw_error *err)
{
    struct scim_reader reader = {arena, SCIM_READ_STRICT, NULL};
    enum gw_code code = scim_group_read(arena, type, body, ret_draft, NULL, err);
    *ret_ids = (struct scim_member_ids){NULL, 0};
    if (code == GW_OK && ret_draft->list != NULL)
        code = scim_members_read(&reader, type, ret_draft->list, 0, json_count(ret_draft->list), ret_ids, err);
    return code;
}

/* Rules 0.22, R13: what Okta sends as a member; display is ours to say */
static void a_group_is_read_and_comes_back(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    struct scim_group_draft draft;
    struct json_value *group;
    struct gw_error err = {0};
    const struct scim_resource_type *type = type_with(&set, false, "Group");
    (void)state;
    const struct json_value *body =
        json_of(&arena, "{" GROUP ",'displayName':'Test SCIMv2','id':'x','externalId':'e','members':["
                        "{'value':'u1','display':'U 1'},{'value':'u2','type':'User','$ref':null},{'value':'u1'}]}");
    struct scim_member_ids ids;
    assert_int_equal(read_group(&arena, type, body, &draft, &ids, &err), GW_OK);
    assert_str_equal(draft.display_name, "Test SCIMv2");
    assert_true(draft.has_members);
    assert_int_equal(ids.count, 2);
    assert_str_equal(ids.ids[1], "u2");
    assert_str_equal(scim_group_store_text(&arena, &draft), "{}");
    struct scim_group_columns columns = {.meta = {.id = GW_STR("g1")},
                                         .display_name = GW_STR("G"),
                                         .members = json_of(&arena, "[{'value':'u1','display':'U'}]")};
    assert_int_equal(scim_group_load(&arena, type, &columns, &group, &err), GW_OK);
    assert_json(&arena, group,
                "{" GROUP ",'id':'g1','displayName':'G','members':[{'value':'u1','display':'U'}],"
                "'meta':{'resourceType':'Group','created':'1970-01-01T00:00:00.000Z',"
                "'lastModified':'1970-01-01T00:00:00.000Z'}}");
}

static void wrong_groups_are_refused(void **state)
{
    static const char *const BODIES[] = {
        "{" GROUP "}",
        "{" GROUP ",'displayName':''}",
        "{" GROUP ",'displayName':'G','members':[{'display':'nobody'}]}",
        "{" GROUP ",'displayName':'G','members':[{'value':''}]}",
        "{" GROUP ",'displayName':'G','members':[{'value':5.5e1,'value2':1},'u1']}",
        "{" GROUP ",'displayName':'G','members':{'value':'u1'}}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(BODIES); i++) {
        GW_ARENA_SCOPED(arena);
        struct scim_schema_set set;
        struct scim_group_draft draft;
        struct gw_error err = {0};
        struct scim_member_ids ids;
        if (read_group(&arena, type_with(&set, false, "Group"), json_of(&arena, BODIES[i]), &draft, &ids, &err) !=
            GW_E_INVALID_VALUE)
            fail_msg("%s", BODIES[i]);
    }
}

/* #40: many members without quadratic work */
static void a_hundred_thousand_members_are_read(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    struct scim_group_draft draft;
    struct gw_error err = {0};
    struct json_value *members = json_array_new(&arena);
    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct json_value *member = json_object_new(&arena);
        struct gw_str id = gw_arena_printf(&arena, "id-%d", (i * 7919) % 90000);
        json_object_append(&arena, member, GW_STR("value"), json_string_new(&arena, id));
        json_array_append(&arena, members, member);
    }
    struct json_value *body = json_of(&arena, "{" GROUP ",'displayName':'G'}");
    json_object_set(&arena, body, GW_STR("members"), members);
    struct scim_member_ids ids;
    assert_int_equal(read_group(&arena, type_with(&set, false, "Group"), body, &draft, &ids, &err), GW_OK);
    assert_int_equal(ids.count, 90000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_read_into_their_canonical_form),
        cmocka_unit_test(wrong_bodies_are_refused_with_the_attribute),
        cmocka_unit_test(sizes_are_capped),
        cmocka_unit_test(ignored_names_are_collected),
        cmocka_unit_test(a_draft_has_the_columns_and_the_rest),
        cmocka_unit_test(put_keeps_roles_entitlements_and_active_that_it_does_not_name),
        cmocka_unit_test(a_user_comes_back_whole),
        cmocka_unit_test(a_user_written_as_text_is_the_same_as_by_way_of_a_tree),
        cmocka_unit_test(damaged_text_is_not_copied),
        cmocka_unit_test(a_group_is_read_and_comes_back),
        cmocka_unit_test(wrong_groups_are_refused),
        cmocka_unit_test(a_hundred_thousand_members_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
