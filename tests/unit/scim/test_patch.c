#include "tests/unit/scim/scim_test.h"

#include "gateway/base/buf.h"
#include "routes/scim/patch.h"

#define CORE "urn:ietf:params:scim:schemas:core:2.0:User"
#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define META "'meta':{'resourceType':'User','version':'1'}"

/* What the tables below start from, and what stands around the part that changes. */
static const char USER[] =
    "{'schemas':['" CORE "'],'id':'u1','userName':'ann','active':true,'name':{'givenName':'Ann','familyName':'Lee'},"
    "'title':'T','emails':[{'value':'a@w','type':'work','primary':true},{'value':'a@h','type':'home'}],"
    "'groups':[{'value':'g1'}]," META "}";
static const char GROUP[] = "{'schemas':['urn:ietf:params:scim:schemas:core:2.0:Group'],'id':'g1','displayName':'G',"
                            "'members':[{'value':'u1','display':'U 1'},{'value':'u2','display':'U 2'}]}";

static enum gw_code patch(struct gw_arena *arena, const char *type_name, const struct json_value *resource,
                          const char *operations, struct json_value **ret_resource, bool *ret_changed,
                          struct gw_error *err)
{
    struct scim_schema_set set;
    struct scim_patch parsed;
    const struct scim_resource_type *type = type_with(&set, true, type_name);
    struct json_value *message = json_of(arena, "{'schemas':['urn:ietf:params:scim:api:messages:2.0:PatchOp']}");
    json_object_append(arena, message, GW_STR("Operations"), json_of(arena, operations));
    *err = (struct gw_error){0};
    GW_TRY(scim_patch_parse(arena, type, message, &parsed, NULL, err));
    return scim_patch_apply(arena, type, resource, &parsed, ret_resource, ret_changed, err);
}

struct change {
    const char *what;
    const char *operations;
    const char *attribute; /* that is looked at afterwards */
    const char *value;     /* NULL: it is not there */
};

static void assert_changes(const char *type_name, const char *before, const struct change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        GW_ARENA_SCOPED(arena);
        struct json_value *resource;
        struct gw_error err;
        bool changed;
        const struct json_value *original = json_of(&arena, before);
        if (patch(&arena, type_name, original, changes[i].operations, &resource, &changed, &err) != GW_OK)
            fail_msg("%s: %s", changes[i].what, err.text);
        if (!json_equal(original, json_of(&arena, before)))
            fail_msg("%s: the original was changed", changes[i].what);
        const struct json_value *value = json_object_get(resource, gw_str_from(changes[i].attribute));
        if ((value == NULL) != (changes[i].value == NULL))
            fail_msg("%s: there: %d", changes[i].what, value != NULL);
        if (value != NULL)
            assert_json(&arena, value, changes[i].value);
        assert_int_equal(changed, !json_equal(original, resource));
    }
}

static const struct change OKTA[] = {
    {"0.13, 1.7: deactivate without path", "[{'op':'replace','value':{'active':false}}]", "active", "false"},
    {"0.13, 1.7: reactivate", "[{'op':'replace','value':{'active':true}}]", "active", "true"},
    {"deactivate with path", "[{'op':'replace','path':'active','value':false}]", "active", "false"},
    {"1.6: a profile update without path",
     "[{'op':'replace','value':{'name':{'givenName':'A'},'title':'B','" ENTERPRISE "':{'department':'C'}}}]", "name",
     "{'givenName':'A','familyName':'Lee'}"},
    {"1.6: its extension", "[{'op':'replace','value':{'title':'B','" ENTERPRISE "':{'department':'C'}}}]", ENTERPRISE,
     "{'department':'C'}"},
    {"R75: schemas follow the data", "[{'op':'add','value':{'" ENTERPRISE "':{'department':'C'}}}]", "schemas",
     "['" CORE "','" ENTERPRISE "']"},
    {"1.8: a password is taken and dropped", "[{'op':'replace','value':{'password':'x'}}]", "password", NULL},
    {"1.8: a password by path is taken and dropped", "[{'op':'replace','path':'password','value':'x'}]", "password",
     NULL},
    {"E7: id, meta and groups in a value are ignored",
     "[{'op':'replace','value':{'id':'other','meta':{},'groups':[],'title':'N'}}]", "id", "'u1'"},
    {"E7: groups stay", "[{'op':'replace','value':{'groups':[]}}]", "groups", "[{'value':'g1'}]"},
    {"unknown names in a value are ignored", "[{'op':'replace','value':{'shoe':1,'urn:x:y:z':2,'title':'N'}}]", "title",
     "'N'"},
    {"schemas in a value are ignored", "[{'op':'add','value':{'schemas':['urn:x'],'title':'N'}}]", "schemas",
     "['" CORE "']"},
    {"C9337: null, \"\" and [] unassign", "[{'op':'replace','value':{'title':'','emails':[]}}]", "title", NULL},
    {"C9337: the list too", "[{'op':'replace','value':{'title':null,'emails':[]}}]", "emails", NULL},
};

static void okta_forms_do_what_okta_means(void **state)
{
    (void)state;
    assert_changes("User", USER, OKTA, COUNT(OKTA));
}

static const struct change RFC[] = {
    {"R72: add creates", "[{'op':'add','path':'nickName','value':'N'}]", "nickName", "'N'"},
    {"R72: add replaces a single value", "[{'op':'add','path':'title','value':'N'}]", "title", "'N'"},
    {"R72: add merges a complex one", "[{'op':'add','path':'name','value':{'middleName':'M'}}]", "name",
     "{'givenName':'Ann','familyName':'Lee','middleName':'M'}"},
    {"R72: add appends", "[{'op':'add','path':'emails','value':[{'value':'n@x','type':'other'}]}]", "emails",
     "[{'value':'a@w','type':'work','primary':true},{'value':'a@h','type':'home'},{'value':'n@x','type':'other'}]"},
    {"R72: what is there is not added again", "[{'op':'add','path':'emails','value':[{'value':'A@H','type':'home'}]}]",
     "emails", "[{'value':'a@w','type':'work','primary':true},{'value':'a@h','type':'home'}]"},
    {"R75: a new primary takes the mark",
     "[{'op':'add','path':'emails','value':[{'value':'n@x','type':'other','primary':true}]}]", "emails",
     "[{'value':'a@w','type':'work','primary':false},{'value':'a@h','type':'home'},"
     "{'value':'n@x','type':'other','primary':true}]"},
    {"R75: by filter as well", "[{'op':'replace','path':'emails[type eq \\u0022home\\u0022].primary','value':true}]",
     "emails", "[{'value':'a@w','type':'work','primary':false},{'value':'a@h','type':'home','primary':true}]"},
    {"add with a sub-attribute", "[{'op':'add','path':'name.middleName','value':'M'}]", "name",
     "{'givenName':'Ann','familyName':'Lee','middleName':'M'}"},
    {"add to an extension",
     "[{'op':'add','path':'" ENTERPRISE ":department','value':'D'},{'op':'add','path':'costCenter','value':'7'}]",
     ENTERPRISE, "{'department':'D','costCenter':'7'}"},
    {"R73: remove", "[{'op':'remove','path':'title'}]", "title", NULL},
    {"R73: remove a sub-attribute", "[{'op':'remove','path':'name.givenName'}]", "name", "{'familyName':'Lee'}"},
    {"R73: nothing left", "[{'op':'remove','path':'name.givenName'},{'op':'remove','path':'name.familyName'}]", "name",
     NULL},
    {"R73: remove by filter", "[{'op':'remove','path':'emails[type eq \\u0022work\\u0022]'}]", "emails",
     "[{'value':'a@h','type':'home'}]"},
    {"R73: remove the last", "[{'op':'remove','path':'emails[value pr]'}]", "emails", NULL},
    {"R73: remove all", "[{'op':'remove','path':'emails'}]", "emails", NULL},
    {"R73: remove what is not there", "[{'op':'remove','path':'nickName'},{'op':'remove','path':'phoneNumbers'}]",
     "nickName", NULL},
    {"remove a sub-attribute by filter", "[{'op':'remove','path':'emails[type eq \\u0022work\\u0022].primary'}]",
     "emails", "[{'value':'a@w','type':'work'},{'value':'a@h','type':'home'}]"},
    {"a value without its value goes", "[{'op':'remove','path':'emails[type eq \\u0022work\\u0022].value'}]", "emails",
     "[{'value':'a@h','type':'home'}]"},
    {"remove a sub-attribute of all", "[{'op':'remove','path':'emails.type'}]", "emails",
     "[{'value':'a@w','primary':true},{'value':'a@h'}]"},
    {"R74: replace a list", "[{'op':'replace','path':'emails','value':[{'value':'n@x'}]}]", "emails",
     "[{'value':'n@x'}]"},
    {"R74: replace a complex one merges", "[{'op':'replace','path':'name','value':{'givenName':'B'}}]", "name",
     "{'givenName':'B','familyName':'Lee'}"},
    {"null in a complex one unassigns", "[{'op':'replace','path':'name','value':{'givenName':null}}]", "name",
     "{'familyName':'Lee'}"},
    {"an empty object changes nothing", "[{'op':'replace','path':'name','value':{}}]", "name",
     "{'givenName':'Ann','familyName':'Lee'}"},
    {"R74: replace by filter",
     "[{'op':'replace','path':'emails[type eq \\u0022work\\u0022]','value':{'value':'n@x','display':'d'}}]", "emails",
     "[{'value':'n@x','type':'work','display':'d'},{'value':'a@h','type':'home'}]"},
    {"add by filter merges", "[{'op':'add','path':'emails[type eq \\u0022work\\u0022]','value':{'display':'d'}}]",
     "emails", "[{'value':'a@w','type':'work','primary':true,'display':'d'},{'value':'a@h','type':'home'}]"},
    {"R74: replace a sub-attribute by filter",
     "[{'op':'replace','path':'emails[type eq \\u0022home\\u0022].value','value':'n@x'}]", "emails",
     "[{'value':'a@w','type':'work','primary':true},{'value':'n@x','type':'home'}]"},
    {"R74: of every match", "[{'op':'replace','path':'emails[value pr].display','value':'d'}]", "emails",
     "[{'value':'a@w','type':'work','primary':true,'display':'d'},{'value':'a@h','type':'home','display':'d'}]"},
    {"R74: replace what is missing adds", "[{'op':'replace','path':'nickName','value':'N'}]", "nickName", "'N'"},
    {"R75: in order",
     "[{'op':'add','path':'title','value':'1'},{'op':'remove','path':'title'},"
     "{'op':'add','path':'title','value':'2'}]",
     "title", "'2'"},
    {"a whole extension is removed",
     "[{'op':'add','path':'" ENTERPRISE "','value':{'department':'D'}},{'op':'remove','path':'" ENTERPRISE "'}]",
     "schemas", "['" CORE "']"},
    {"a sub-attribute of what is missing",
     "[{'op':'remove','path':'name'},{'op':'replace','path':'name.middleName','value':'M'}]", "name",
     "{'middleName':'M'}"},
    {"nothing for a sub-attribute of what is missing",
     "[{'op':'replace','path':'manager.value','value':''},{'op':'remove','path':'manager.value'}]", ENTERPRISE, NULL},
    {"a sub-attribute of all values", "[{'op':'replace','path':'emails.display','value':'d'}]", "emails",
     "[{'value':'a@w','type':'work','primary':true,'display':'d'},{'value':'a@h','type':'home','display':'d'}]"},
    {"addresses are the same when all of them is",
     "[{'op':'add','path':'addresses','value':[{'locality':'V','type':'work'}]},"
     "{'op':'add','path':'addresses','value':[{'locality':'V','type':'work'},{'locality':'W','type':'work'}]}]",
     "addresses", "[{'locality':'V','type':'work'},{'locality':'W','type':'work'}]"},
    {"externalId can be set", "[{'op':'add','path':'externalId','value':'e'}]", "externalId", "'e'"},
    {"roles are revoked by an empty list",
     "[{'op':'add','path':'roles','value':[{'value':'r'}]},{'op':'replace','path':'roles','value':[]}]", "roles", NULL},
};

static void rfc_forms_do_what_the_rfc_says(void **state)
{
    (void)state;
    assert_changes("User", USER, RFC, COUNT(RFC));
}

/* scim-clients.md 6.1 and 9 */
#define PACKED                                                                                                         \
    "'{\\u0022id\\u0022:\\u00221\\u0022,\\u0022value\\u0022:\\u0022r\\u0022,\\u0022displayName\\u0022:"                \
    "\\u0022R\\u0022}'"
static const struct change ENTRA[] = {
    {"op in any case", "[{'op':'Replace','path':'title','value':'N'}]", "title", "'N'"},
    {"active as \"False\"", "[{'op':'Replace','path':'active','value':'False'}]", "active", "false"},
    {"active as \"True\"", "[{'op':'Add','path':'active','value':'True'}]", "active", "true"},
    {"active as a list of one", "[{'op':'Replace','path':'active','value':[false]}]", "active", "false"},
    {"dotted keys without path", "[{'op':'replace','value':{'name.givenName':'B'}}]", "name",
     "{'givenName':'B','familyName':'Lee'}"},
    {"URN keys without path", "[{'op':'replace','value':{'" ENTERPRISE ":employeeNumber':'7'}}]", ENTERPRISE,
     "{'employeeNumber':'7'}"},
    {"filter keys without path", "[{'op':'replace','value':{'emails[type eq \\u0022work\\u0022].value':'n@x'}}]",
     "emails", "[{'value':'n@x','type':'work','primary':true},{'value':'a@h','type':'home'}]"},
    {"create on absent, capital sub-attribute",
     "[{'op':'Add','path':'addresses[type eq \\u0022other\\u0022].Formatted','value':'x'}]", "addresses",
     "[{'type':'other','formatted':'x'}]"},
    {"create on absent with replace",
     "[{'op':'Replace','path':'phoneNumbers[type eq \\u0022mobile\\u0022].value','value':'1'}]", "phoneNumbers",
     "[{'type':'mobile','value':'1'}]"},
    {"create on absent of a whole value",
     "[{'op':'Add','path':'emails[type eq \\u0022other\\u0022]','value':{'value':'o@x'}}]", "emails",
     "[{'value':'a@w','type':'work','primary':true},{'value':'a@h','type':'home'},{'value':'o@x','type':'other'}]"},
    {"create on absent for primary", "[{'op':'Add','path':'roles[primary eq \\u0022True\\u0022].value','value':'r'}]",
     "roles", "[{'primary':true,'value':'r'}]"},
    {"strings in roles", "[{'op':'Add','path':'roles','value':[{'primary':'True','value':'r'}]}]", "roles",
     "[{'primary':true,'value':'r'}]"},
    {"a role as JSON text", "[{'op':'Add','path':'roles','value':[{'value':" PACKED "},{'value':'s'}]}]", "roles",
     "[{'value':'r'},{'value':'s'}]"},
    {"a role as JSON text, alone", "[{'op':'Add','path':'roles','value':" PACKED "}]", "roles", "[{'value':'r'}]"},
    {"a role as JSON text by a filter",
     "[{'op':'Add','path':'roles[primary eq \\u0022True\\u0022].value','value':" PACKED "}]", "roles",
     "[{'primary':true,'value':'r'}]"},
    {"a role as JSON text is taken away",
     "[{'op':'Add','path':'roles','value':[{'value':'r'}]},{'op':'Remove','path':'roles','value':[{'value':" PACKED
     "}]}]",
     "roles", NULL},
    {"JSON text that names no role", "[{'op':'Add','path':'roles','value':['{}','{','{\\u0022value\\u0022:1}']}]",
     "roles", "[{'value':'{}'},{'value':'{'},{'value':'{\\u0022value\\u0022:1}'}]"},
    {"JSON text elsewhere is a text", "[{'op':'Replace','path':'title','value':" PACKED "}]", "title", PACKED},
    {"manager as an id", "[{'op':'Add','path':'manager','value':'m1'}]", ENTERPRISE, "{'manager':{'value':'m1'}}"},
    {"manager as a list", "[{'op':'Add','path':'" ENTERPRISE ":manager','value':[{'$ref':null,'value':'m1'}]}]",
     ENTERPRISE, "{'manager':{'value':'m1'}}"},
    {"manager as an object", "[{'op':'Replace','path':'manager','value':{'value':'m1'}}]", ENTERPRISE,
     "{'manager':{'value':'m1'}}"},
    {"a new manager takes nothing from the old one",
     "[{'op':'Add','path':'manager','value':{'value':'m1','$ref':'../m1'}},"
     "{'op':'Replace','path':'manager','value':'m2'}]",
     ENTERPRISE, "{'manager':{'value':'m2'}}"},
    {"manager removed", "[{'op':'Add','path':'manager','value':'m1'},{'op':'Remove','path':'manager'}]", ENTERPRISE,
     NULL},
    {"manager removed by \"\"",
     "[{'op':'Add','path':'manager','value':'m1'},{'op':'Replace','path':'manager','value':''}]", ENTERPRISE, NULL},
    {"manager removed by null",
     "[{'op':'Add','path':'manager','value':'m1'},{'op':'Replace','path':'manager','value':null}]", ENTERPRISE, NULL},
    {"manager removed by an empty value",
     "[{'op':'Add','path':'manager','value':'m1'},{'op':'Replace','path':'manager','value':{'value':''}}]", ENTERPRISE,
     NULL},
    {"one object where a list belongs", "[{'op':'Add','path':'emails','value':{'value':'n@x','type':'other'}}]",
     "emails",
     "[{'value':'a@w','type':'work','primary':true},{'value':'a@h','type':'home'},{'value':'n@x','type':'other'}]"},
    {"an empty value for a type that is not there",
     "[{'op':'Replace','path':'phoneNumbers[type eq \\u0022fax\\u0022].value','value':''}]", "phoneNumbers", NULL},
    {"remove listed values", "[{'op':'Remove','path':'emails','value':[{'value':'A@W'}]}]", "emails",
     "[{'value':'a@h','type':'home'}]"},
};

static void entra_forms_do_what_entra_means(void **state)
{
    (void)state;
    assert_changes("User", USER, ENTRA, COUNT(ENTRA));
}

static const struct change GROUPS[] = {
    {"0.18: rename with id in the value", "[{'op':'replace','value':{'id':'g1','displayName':'N'}}]", "displayName",
     "'N'"},
    {"0.19: remove and add in one PATCH",
     "[{'op':'remove','path':'members[value eq \\u0022u1\\u0022]'},"
     "{'op':'add','path':'members','value':[{'value':'u3','display':'x'}]}]",
     "members", "[{'value':'u2','display':'U 2'},{'value':'u3'}]"},
    {"0.20, T8: replace with an empty list", "[{'op':'replace','path':'members','value':[]}]", "members", NULL},
    {"0.21: adding a member again", "[{'op':'add','path':'members','value':[{'value':'u2'}]}]", "members",
     "[{'value':'u1','display':'U 1'},{'value':'u2','display':'U 2'}]"},
    {"0.21: removing one that is not there", "[{'op':'remove','path':'members[value eq \\u0022u9\\u0022]'}]", "members",
     "[{'value':'u1','display':'U 1'},{'value':'u2','display':'U 2'}]"},
    {"#4: members without path", "[{'op':'replace','value':{'members':[{'value':'u5'}]}}]", "members",
     "[{'value':'u5'}]"},
    {"#27: only what is named", "[{'op':'replace','value':{'displayName':'N'}}]", "members",
     "[{'value':'u1','display':'U 1'},{'value':'u2','display':'U 2'}]"},
    {"#39: bare remove empties", "[{'op':'remove','path':'members'}]", "members", NULL},
    {"6.1: remove with a list removes these", "[{'op':'Remove','path':'members','value':[{'$ref':null,'value':'u1'}]}]",
     "members", "[{'value':'u2','display':'U 2'}]"},
    {"remove with an empty list removes none", "[{'op':'Remove','path':'members','value':[]}]", "members",
     "[{'value':'u1','display':'U 1'},{'value':'u2','display':'U 2'}]"},
    {"6.1: add with a null $ref", "[{'op':'Add','path':'members','value':[{'$ref':null,'value':'u3'}]}]", "members",
     "[{'value':'u1','display':'U 1'},{'value':'u2','display':'U 2'},{'value':'u3'}]"},
    {"many added at once",
     "[{'op':'add','path':'members','value':[{'value':'a'},{'value':'b'},{'value':'c'},{'value':'d'},{'value':'e'},"
     "{'value':'f'},{'value':'g'},{'value':'h'},{'value':'i'},{'value':'u1'},{'value':'a'}]}]",
     "members",
     "[{'value':'u1','display':'U 1'},{'value':'u2','display':'U 2'},{'value':'a'},{'value':'b'},{'value':'c'},"
     "{'value':'d'},{'value':'e'},{'value':'f'},{'value':'g'},{'value':'h'},{'value':'i'}]"},
};

static void group_forms_change_members(void **state)
{
    (void)state;
    assert_changes("Group", GROUP, GROUPS, COUNT(GROUPS));
}

/* Rules R70, R71, R73, R77; security.md E9, E10, E19 */
static const struct {
    const char *operations;
    enum gw_code code;
} REFUSALS[] = {
    {"[]", GW_E_INVALID_SYNTAX},
    {"{}", GW_E_INVALID_SYNTAX},
    {"null", GW_E_INVALID_SYNTAX},
    {"['x']", GW_E_INVALID_SYNTAX},
    {"[{}]", GW_E_INVALID_SYNTAX},
    {"[{'op':'move','path':'title'}]", GW_E_INVALID_SYNTAX},
    {"[{'op':5,'path':'title'}]", GW_E_INVALID_SYNTAX},
    {"[{'op':'replace','path':5,'value':'x'}]", GW_E_INVALID_PATH},
    {"[{'op':'replace','path':'','value':'x'}]", GW_E_INVALID_PATH},
    {"[{'op':'replace','path':'nosuch','value':'x'}]", GW_E_INVALID_PATH},
    {"[{'op':'replace','path':'name.nosuch','value':'x'}]", GW_E_INVALID_PATH},
    {"[{'op':'replace','path':'emails[type eq \\u0022work\\u0022','value':'x'}]", GW_E_INVALID_PATH},
    {"[{'op':'replace','path':'members','value':[]}]", GW_E_INVALID_PATH},
    {"[{'op':'remove'}]", GW_E_NO_TARGET},
    {"[{'op':'remove','value':{'title':'x'}}]", GW_E_NO_TARGET},
    {"[{'op':'replace'}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','value':'x'}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','value':null}]", GW_E_INVALID_VALUE},
    {"[{'op':'add','path':'title'}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','path':'id','value':'u1'}]", GW_E_MUTABILITY},
    {"[{'op':'remove','path':'id'}]", GW_E_MUTABILITY},
    {"[{'op':'replace','path':'meta.version','value':'x'}]", GW_E_MUTABILITY},
    {"[{'op':'remove','path':'meta'}]", GW_E_MUTABILITY},
    {"[{'op':'add','path':'groups','value':[{'value':'g'}]}]", GW_E_MUTABILITY},
    {"[{'op':'remove','path':'groups[value eq \\u0022g1\\u0022]'}]", GW_E_MUTABILITY},
    {"[{'op':'remove','path':'userName'}]", GW_E_MUTABILITY},
    {"[{'op':'remove','path':'schemas'}]", GW_E_MUTABILITY},
    {"[{'op':'replace','path':'userName','value':''}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','path':'userName','value':null}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','value':{'userName':' x'}}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','value':{'userName':7}}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','value':{'active':'no'}}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','value':{'active':'1'}}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','value':{'active':1}}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','value':{'active':{}}}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','value':{'active':[true,false]}}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','path':'name','value':'x'}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','path':'title','value':{'a':1}}]", GW_E_INVALID_VALUE},
    {"[{'op':'replace','path':'" ENTERPRISE "','value':'x'}]", GW_E_INVALID_VALUE},
    {"[{'op':'add','path':'emails','value':[{'value':'x','primary':true},{'value':'y','primary':true}]}]",
     GW_E_INVALID_VALUE},
    {"[{'op':'replace','path':'emails[value pr].primary','value':true}]", GW_E_INVALID_VALUE},
    {"[{'op':'remove','path':'emails[type eq \\u0022other\\u0022]'}]", GW_E_NO_TARGET},
    {"[{'op':'replace','path':'emails[value eq \\u0022nobody\\u0022].type','value':'work'}]", GW_E_NO_TARGET},
    {"[{'op':'replace','path':'emails[value eq \\u0022nobody\\u0022]','value':{'type':'x'}}]", GW_E_NO_TARGET},
    {"[{'op':'add','path':'emails[type ne \\u0022work\\u0022 and type ne \\u0022home\\u0022].value','value':'x'}]",
     GW_E_NO_TARGET},
    {"[{'op':'replace','path':'title','value':'changed'},{'op':'replace','path':'id','value':'x'}]", GW_E_MUTABILITY},
    {"[{'op':'replace','path':'title','value':'changed'},{'op':'replace','path':'active','value':'x'}]",
     GW_E_INVALID_VALUE},
};

static void wrong_operations_are_refused_and_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(REFUSALS); i++) {
        GW_ARENA_SCOPED(arena);
        struct json_value *resource = NULL;
        struct gw_error err;
        bool changed;
        const struct json_value *original = json_of(&arena, USER);
        enum gw_code code = patch(&arena, "User", original, REFUSALS[i].operations, &resource, &changed, &err);
        if (code != REFUSALS[i].code)
            fail_msg("%s: %s %s", REFUSALS[i].operations, gw_code_name(code), err.text);
        assert_null(resource);
        assert_true(err.text[0] != '\0');
        assert_json(&arena, original, USER);
    }
}

/* Rule R13 */
static void a_member_cannot_become_another_one(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct json_value *resource;
    struct gw_error err;
    bool changed;
    (void)state;
    const struct json_value *group = json_of(&arena, GROUP);
    assert_int_equal(patch(&arena, "Group", group,
                           "[{'op':'replace','path':'members[value eq \\u0022u1\\u0022].value','value':'u9'}]",
                           &resource, &changed, &err),
                     GW_E_MUTABILITY);
    assert_int_equal(patch(&arena, "Group", group,
                           "[{'op':'replace','path':'members[value eq \\u0022u1\\u0022].display','value':'x'}]",
                           &resource, &changed, &err),
                     GW_E_MUTABILITY);
    assert_int_equal(patch(&arena, "Group", group, "[{'op':'remove','path':'displayName'}]", &resource, &changed, &err),
                     GW_E_MUTABILITY);
    assert_int_equal(patch(&arena, "Group", group, "[{'op':'add','path':'members','value':[{'display':'x'}]}]",
                           &resource, &changed, &err),
                     GW_E_INVALID_VALUE);
}

/* Rule R72: no change keeps lastModified */
static void a_patch_without_effect_says_so(void **state)
{
    static const char *const OPERATIONS[] = {
        "[{'op':'replace','value':{'active':true}}]",
        "[{'op':'add','path':'emails','value':[{'value':'a@w','type':'work','primary':true}]}]",
        "[{'op':'replace','path':'emails','value':[{'value':'a@w','type':'work','primary':true},"
        "{'value':'a@h','type':'home'}]}]",
        "[{'op':'replace','value':{'password':'secret','shoe':1}}]",
        "[{'op':'remove','path':'nickName'}]",
        "[{'op':'replace','path':'title','value':'x'},{'op':'replace','path':'title','value':'T'}]",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(OPERATIONS); i++) {
        GW_ARENA_SCOPED(arena);
        struct json_value *resource;
        struct gw_error err;
        bool changed = true;
        assert_int_equal(patch(&arena, "User", json_of(&arena, USER), OPERATIONS[i], &resource, &changed, &err), GW_OK);
        if (changed)
            fail_msg("%s", OPERATIONS[i]);
    }
}

static enum gw_code parse_message(struct gw_arena *arena, const char *text)
{
    struct scim_schema_set set;
    struct scim_patch parsed;
    return scim_patch_parse(arena, type_with(&set, false, "User"), json_of(arena, text), &parsed, NULL, NULL);
}

/* Rule R70 */
static void the_message_must_be_a_patch(void **state)
{
    GW_ARENA_SCOPED(arena);
    (void)state;
    assert_int_equal(parse_message(&arena, "{'Operations':[{'op':'remove','path':'title'}]}"), GW_E_INVALID_SYNTAX);
    assert_int_equal(parse_message(&arena, "{'schemas':['" CORE "'],'Operations':[{'op':'remove','path':'title'}]}"),
                     GW_E_INVALID_SYNTAX);
    assert_int_equal(parse_message(&arena, "[]"), GW_E_INVALID_SYNTAX);
    assert_int_equal(parse_message(&arena, "{'schemas':['urn:ietf:params:scim:api:messages:2.0:PatchOp'],"
                                           "'operations':[{'OP':'REMOVE','Path':'title'}]}"),
                     GW_OK);
}

/* security.md E10 */
static void operations_are_capped(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct gw_buf buf = GW_BUF_INIT(1 << 20);
    struct json_value *resource;
    struct gw_error err;
    bool changed;
    (void)state;
    gw_buf_add_byte(&buf, '[');
    for (int i = 0; i < 5000; i++)
        gw_buf_printf(&buf, "%s{'op':'remove','path':'title'}", i > 0 ? "," : "");
    gw_buf_add_lit(&buf, "]\0");
    enum gw_code code = patch(&arena, "User", json_of(&arena, USER), buf.data, &resource, &changed, &err);
    gw_buf_done(&buf);
    assert_int_equal(code, GW_E_TOO_LARGE);
}

/* security.md E10: operations that are small each, on values that are many */
static void work_is_capped(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct gw_buf buf = GW_BUF_INIT(1 << 20);
    struct json_value *resource;
    struct gw_error err;
    bool changed;
    (void)state;
    struct json_value *user = json_of(&arena, USER);
    struct json_value *phones = json_array_new(&arena);
    for (int i = 0; i < 1000; i++) {
        struct json_value *phone = json_object_new(&arena);
        json_object_append(&arena, phone, GW_STR("value"), json_string_new(&arena, gw_arena_printf(&arena, "%d", i)));
        json_array_append(&arena, phones, phone);
    }
    json_object_set(&arena, user, GW_STR("phoneNumbers"), phones);
    gw_buf_add_byte(&buf, '[');
    for (int i = 0; i < 1000; i++) {
        gw_buf_printf(&buf, "%s{'op':'add','path':'phoneNumbers[value eq \\u0022x\\u0022", i > 0 ? "," : "");
        for (int j = 0; j < 14; j++)
            gw_buf_add_lit(&buf, " or value eq \\u0022x\\u0022");
        gw_buf_add_lit(&buf, " or value pr].display','value':'d'}");
    }
    gw_buf_add_lit(&buf, "]\0");
    enum gw_code code = patch(&arena, "User", user, buf.data, &resource, &changed, &err);
    gw_buf_done(&buf);
    assert_int_equal(code, GW_E_TOO_LARGE);
}

static void names_that_a_patch_ignores_are_collected(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    struct scim_patch parsed;
    struct scim_ignored ignored = {0};
    (void)state;
    const struct json_value *message =
        json_of(&arena, "{'schemas':['urn:ietf:params:scim:api:messages:2.0:PatchOp'],'Operations':[{'op':'replace',"
                        "'value':{'shoe':1,'id':'x','title':'T','" ENTERPRISE "':{'desk':1}}}]}");
    assert_int_equal(scim_patch_parse(&arena, type_with(&set, false, "User"), message, &parsed, &ignored, NULL), GW_OK);
    assert_int_equal(parsed.count, 1);
    assert_int_equal(ignored.total, 2);
    assert_str_equal(ignored.names[0], "shoe");
    assert_str_equal(ignored.names[1], ENTERPRISE ":desk");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(okta_forms_do_what_okta_means),
        cmocka_unit_test(rfc_forms_do_what_the_rfc_says),
        cmocka_unit_test(entra_forms_do_what_entra_means),
        cmocka_unit_test(group_forms_change_members),
        cmocka_unit_test(wrong_operations_are_refused_and_change_nothing),
        cmocka_unit_test(a_member_cannot_become_another_one),
        cmocka_unit_test(a_patch_without_effect_says_so),
        cmocka_unit_test(the_message_must_be_a_patch),
        cmocka_unit_test(operations_are_capped),
        cmocka_unit_test(work_is_capped),
        cmocka_unit_test(names_that_a_patch_ignores_are_collected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
