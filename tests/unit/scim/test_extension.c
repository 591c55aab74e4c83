/* An extension such as configuration may declare: every type, simple lists, required, never and only on request. */
#include "tests/unit/scim/scim_test.h"

#include "routes/scim/filter.h"
#include "routes/scim/patch.h"
#include "routes/scim/projection.h"
#include "routes/scim/resource.h"

#define CORE "urn:ietf:params:scim:schemas:core:2.0:User"
#define BADGE "urn:example:badge:1.0:User"

static const struct scim_attribute ATTRIBUTES[] = {
    {.name = GW_STR_INIT("number"), .type = SCIM_INTEGER, .required = true},
    {.name = GW_STR_INIT("height"), .type = SCIM_DECIMAL},
    {.name = GW_STR_INIT("issued"), .type = SCIM_DATETIME},
    {.name = GW_STR_INIT("doors"), .multi_valued = true},
    {.name = GW_STR_INIT("codes"), .type = SCIM_INTEGER, .multi_valued = true},
    {.name = GW_STR_INIT("pin"), .returned = SCIM_RETURNED_NEVER},
    {.name = GW_STR_INIT("photo"), .returned = SCIM_RETURNED_REQUEST},
};
static const struct scim_schema SCHEMA = {.urn = GW_STR_INIT(BADGE),
                                          .name = GW_STR_INIT("Badge"),
                                          .description = "Badge",
                                          .attributes = ATTRIBUTES,
                                          .attribute_count = COUNT(ATTRIBUTES)};

static const struct scim_resource_type *extended(struct scim_schema_set *set)
{
    const struct scim_resource_type *type = type_with(set, false, "User");
    assert_true(scim_schema_set_extend(set, GW_STR("User"), &SCHEMA));
    return type;
}

static enum gw_code read_badge(struct gw_arena *arena, const char *badge, struct json_value **ret_badge)
{
    struct scim_schema_set set;
    struct json_value *resource;
    struct gw_error err = {0};
    struct json_value *body = json_of(arena, "{'schemas':['" CORE "'],'userName':'a'}");
    json_object_append(arena, body, GW_STR(BADGE), json_of(arena, badge));
    enum gw_code code = scim_resource_read(arena, extended(&set), body, &resource, NULL, &err);
    *ret_badge = code == GW_OK ? json_object_get(resource, GW_STR(BADGE)) : NULL;
    return code;
}

/* Rule R5 */
static void values_of_every_type_are_checked(void **state)
{
    static const struct {
        const char *badge;
        const char *read; /* NULL: refused */
    } CASES[] = {
        {"{'number':7,'height':1.8,'issued':'2026-01-31T12:00:00Z'}",
         "{'number':7,'height':1.8,'issued':'2026-01-31T12:00:00Z'}"},
        {"{'Number':-1,'doors':['a','b','A'],'codes':[1,2,1]}", "{'number':-1,'doors':['a','b','A'],'codes':[1,2]}"},
        {"{'number':1,'doors':[],'codes':null}", "{'number':1}"},
        {"{'number':1.5}", NULL},
        {"{'number':1e2}", NULL},
        {"{'number':'7'}", NULL},
        {"{'number':true}", NULL},
        {"{'number':1,'height':'tall'}", NULL},
        {"{'number':1,'issued':'yesterday'}", NULL},
        {"{'number':1,'issued':'2026-02-30T12:00:00Z'}", NULL},
        {"{'number':1,'issued':5}", NULL},
        {"{'number':1,'doors':'a'}", NULL},
        {"{'number':1,'doors':[{'value':'a'}]}", NULL},
        {"{'number':1,'codes':['1']}", NULL},
        {"{'height':1}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        GW_ARENA_SCOPED(arena);
        struct json_value *badge;
        enum gw_code code = read_badge(&arena, CASES[i].badge, &badge);
        if (code != (CASES[i].read != NULL ? GW_OK : GW_E_INVALID_VALUE))
            fail_msg("%s: %s", CASES[i].badge, gw_code_name(code));
        if (badge != NULL)
            assert_json(&arena, badge, CASES[i].read);
    }
}

static const char USER[] = "{'schemas':['" CORE "','" BADGE "'],'id':'u','userName':'a','" BADGE
                           "':{'number':7,'height':1.8,'doors':['a','b'],'pin':'1','photo':'p'}}";

/* Rule R48: numbers are compared as numbers */
static void numbers_are_filtered(void **state)
{
    static const struct {
        const char *filter;
        int matches; /* -1: refused */
    } CASES[] = {
        {BADGE ":number eq 7", 1},         {BADGE ":number eq 7.0", 1},  {BADGE ":number gt 6", 1},
        {BADGE ":number lt 7", 0},         {BADGE ":number le 7", 1},    {BADGE ":height gt 1.75", 1},
        {BADGE ":height ge 2", 0},         {BADGE ":number ne 10", 1},   {BADGE ":doors eq 'B'", 1},
        {BADGE ":doors eq 'c'", 0},        {"number eq 7", 1},           {BADGE ":codes pr", 0},
        {BADGE ":codes eq 1", 0},          {BADGE ":photo eq 'P'", 1},   {BADGE ":number co 7", -1},
        {BADGE ":number eq '7'", -1},      {BADGE ":pin eq '1'", -1},    {BADGE ":doors[value eq 'a']", -1},
        {BADGE ":doors.value eq 'a'", -1}, {BADGE ":issued gt 'x'", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        GW_ARENA_SCOPED(arena);
        struct scim_schema_set set;
        const struct scim_filter *filter;
        struct gw_error err = {0};
        enum gw_code code = scim_filter_parse(&arena, extended(&set), quoted(&arena, CASES[i].filter), &filter, &err);
        int matches = code == GW_OK ? scim_filter_matches(filter, json_of(&arena, USER), &arena) : -1;
        if (matches != CASES[i].matches)
            fail_msg("%s: %d %s", CASES[i].filter, matches, err.text);
    }
}

static enum gw_code patch_badge(struct gw_arena *arena, const char *operation, struct json_value **ret_badge)
{
    struct scim_schema_set set;
    struct scim_patch patch;
    struct json_value *resource;
    bool changed;
    const struct scim_resource_type *type = extended(&set);
    struct json_value *message = json_of(arena, "{'schemas':['urn:ietf:params:scim:api:messages:2.0:PatchOp']}");
    struct json_value *operations = json_array_new(arena);
    json_array_append(arena, operations, json_of(arena, operation));
    json_object_append(arena, message, GW_STR("Operations"), operations);
    GW_TRY(scim_patch_parse(arena, type, message, &patch, NULL, NULL));
    GW_TRY(scim_patch_apply(arena, type, json_of(arena, USER), &patch, &resource, &changed, NULL));
    *ret_badge = json_object_get(resource, GW_STR(BADGE));
    return GW_OK;
}

static void an_extension_is_patched(void **state)
{
    static const struct {
        const char *operation;
        enum gw_code code;
        const char *doors; /* NULL: none */
    } CASES[] = {
        {"{'op':'add','path':'" BADGE ":doors','value':['c','a']}", GW_OK, "['a','b','c']"},
        {"{'op':'add','path':'" BADGE ":doors','value':'c'}", GW_OK, "['a','b','c']"},
        {"{'op':'remove','path':'" BADGE ":doors','value':['a']}", GW_OK, "['b']"},
        {"{'op':'remove','path':'" BADGE ":doors'}", GW_OK, NULL},
        {"{'op':'replace','value':{'" BADGE "':{'doors':['z'],'number':8}}}", GW_OK, "['z']"},
        {"{'op':'replace','value':{'" BADGE ":doors':[]}}", GW_OK, NULL},
        {"{'op':'remove','path':'" BADGE ":number'}", GW_E_MUTABILITY, NULL},
        {"{'op':'replace','path':'" BADGE ":number','value':null}", GW_E_INVALID_VALUE, NULL},
        {"{'op':'replace','path':'" BADGE ":number','value':'x'}", GW_E_INVALID_VALUE, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        GW_ARENA_SCOPED(arena);
        struct json_value *badge = NULL;
        enum gw_code code = patch_badge(&arena, CASES[i].operation, &badge);
        if (code != CASES[i].code)
            fail_msg("%s: %s", CASES[i].operation, gw_code_name(code));
        const struct json_value *doors = json_object_get(badge, GW_STR("doors"));
        assert_int_equal(doors != NULL, CASES[i].doors != NULL);
        if (doors != NULL)
            assert_json(&arena, doors, CASES[i].doors);
    }
}

/* Rule R17: never, and only when asked for */
static void what_is_hidden_stays_hidden(void **state)
{
    static const struct {
        const char *attributes;
        const char *badge; /* NULL: none */
    } CASES[] = {
        {"", "{'number':7,'height':1.8,'doors':['a','b']}"},
        {BADGE ":photo", "{'photo':'p'}"},
        {BADGE ":pin", NULL},
        {BADGE, "{'number':7,'height':1.8,'doors':['a','b'],'photo':'p'}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        GW_ARENA_SCOPED(arena);
        struct scim_schema_set set;
        struct scim_projection projection;
        struct gw_error err = {0};
        assert_int_equal(scim_projection_parse(&arena, extended(&set), gw_str_from(CASES[i].attributes), GW_STR_NONE,
                                               &projection, &err),
                         GW_OK);
        const struct json_value *user = scim_project(&arena, &projection, json_of(&arena, USER));
        const struct json_value *badge = json_object_get(user, GW_STR(BADGE));
        assert_int_equal(badge != NULL, CASES[i].badge != NULL);
        if (badge != NULL)
            assert_json(&arena, badge, CASES[i].badge);
    }
}

static void a_type_takes_a_number_of_extensions(void **state)
{
    static struct scim_schema more[SCIM_EXTENSIONS_MAX];
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    (void)state;
    (void)type_with(&set, false, "Group");
    for (int i = 0; i < SCIM_EXTENSIONS_MAX; i++) {
        more[i] = SCHEMA;
        more[i].urn = gw_arena_printf(&arena, "urn:example:more%d", i);
        assert_true(scim_schema_set_extend(&set, GW_STR("Group"), &more[i]));
    }
    assert_false(scim_schema_set_extend(&set, GW_STR("Group"), &SCHEMA));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_type_are_checked),
        cmocka_unit_test(numbers_are_filtered),
        cmocka_unit_test(an_extension_is_patched),
        cmocka_unit_test(what_is_hidden_stays_hidden),
        cmocka_unit_test(a_type_takes_a_number_of_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
