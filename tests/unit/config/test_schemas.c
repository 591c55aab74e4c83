/* Extension schemas of the PROV face: what is right gives tables, what is wrong says where and why. */
#include "tests/support/unit.h"

#include "config/config.h"

static const char head[] = "store:\n  path: /var/lib/provgate\n"
                           "prov:\n  listen:\n    - address: 127.0.0.1:8443\n"
                           "admin:\n  listen: 127.0.0.1:9901\n  tokens_file: admin-tokens\n"
                           "apps:\n  - name: wiki\n    folder: staff\n    prov:\n"
                           "      hosts: [prov.example.com]\n      tokens_file: wiki-tokens\n";

#define WIKI "urn:example:params:scim:schemas:extension:wiki:2.0:User"
#define ONE(attribute) "      schemas: [{id: \"" WIKI "\", attributes: [" attribute "]}]\n"
#define TWO(a, b)                                                                                                      \
    "      schemas: [{id: \"" a "\", attributes: [{name: x}]}, {id: \"" b "\", attributes: [{name: x}]}]\n"
#define NAMED(id) "      schemas: [{id: \"" id "\", attributes: [{name: x}]}]\n"

static const struct {
    const char *text;
    const char *where; /* the key that is wrong */
    const char *why;
} wrong[] = {
    {NAMED("wiki"), "schemas[0].id", "is not a URN such as"},
    {NAMED("urn:a b:c"), "schemas[0].id", "is not a URN"},
    {NAMED("urn:ietf:params:scim:schemas:core:2.0:User"), "schemas[0].id", "belongs to a built-in schema"},
    {NAMED("URN:scim:schemas:extension:enterprise:1.0"), "schemas[0].id", "belongs to a built-in schema"},
    {TWO(WIKI, "URN:example:params:scim:schemas:extension:WIKI:2.0:User"), "schemas[1].id", "is declared twice"},
    {"      schemas: [{id: \"" WIKI "\", attributes: []}]\n", "schemas[0].attributes", "at least 1"},
    {"      schemas: [{id: \"" WIKI "\"}]\n", "schemas[0]", "attributes"},
    {"      schemas: [{id: \"" WIKI "\", attribute: []}]\n", "schemas[0].attribute", "did you mean attributes?"},
    {ONE("{name: 1x}"), "attributes[0].name", "is not an attribute's name"},
    {ONE("{name: groups}"), "attributes[0].name", "keeps for itself"},
    {ONE("{name: a}, {name: A}"), "attributes[1].name", "is declared twice"},
    {ONE("{name: a, type: text}"), "attributes[0].type", "string"},
    {ONE("{name: a, type: datetime}"), "attributes[0].type", "did you mean dateTime?"},
    {ONE("{name: a, multivalued: on}"), "attributes[0].multivalued", "did you mean multiValued?"},
    {ONE("{name: a, mutability: readOnly}"), "attributes[0].mutability", "readWrite"},
    {ONE("{name: a, mutability: writeOnly}"), "attributes[0].mutability", "returned: never"},
    {ONE("{name: a, returned: often}"), "attributes[0].returned", "default"},
    {ONE("{name: a, uniqueness: server}"), "attributes[0].uniqueness", "none"},
    {ONE("{name: a, type: complex}"), "attributes[0]", "has no subAttributes"},
    {ONE("{name: a, subAttributes: [{name: b}]}"), "attributes[0].subAttributes", "only what is complex"},
    {ONE("{name: a, type: complex, subAttributes: [{name: b, type: complex}]}"), "subAttributes[0].type",
     "cannot be complex"},
    {ONE("{name: a, type: complex, subAttributes: [{name: b}, {name: B}]}"), "subAttributes[1].name",
     "is declared twice"},
    {ONE("{name: a, type: complex, subAttributes: [{name: b, returned: never}]}"), "subAttributes[0].returned", ""},
};

static enum gw_code load(struct gw_arena *arena, const char *text, struct config **ret_config, struct gw_error *err)
{
    return config_load("provgate.yaml", gw_arena_printf(arena, "%s%s", head, text), ret_config, err);
}

static void wrong_schemas_are_refused_with_the_key_and_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        GW_ARENA_SCOPED(arena);
        struct config *config = NULL;
        struct gw_error err = {0};
        if (load(&arena, wrong[i].text, &config, &err) == GW_OK)
            fail_msg("accepted: %s", wrong[i].text);
        if (strstr(err.text, wrong[i].where) == NULL || strstr(err.text, wrong[i].why) == NULL)
            fail_msg("%s: %s", wrong[i].text, err.text);
    }
}

static void a_schema_is_read_with_its_defaults(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct config *config = NULL;
    struct gw_error err = {0};
    assert_int_equal(load(&arena,
                          ONE("{name: a}, {name: b, type: integer, multiValued: on, required: on, caseExact: on, "
                              "mutability: writeOnly, returned: never, canonicalValues: [\"1\", \"2\"]}, "
                              "{name: c, type: complex, subAttributes: [{name: d, type: boolean}]}"),
                          &config, &err),
                     GW_OK);
    assert_int_equal(config->apps[0].prov.schema_count, 1);
    const struct config_schema *schema = &config->apps[0].prov.schemas[0];
    assert_string_equal(schema->id, WIKI);
    assert_string_equal(schema->name, WIKI);
    assert_false(schema->of_group);
    assert_int_equal(schema->attribute_count, 3);
    const struct config_attribute *a = schema->attributes;
    assert_true(a[0].type == CONFIG_ATTRIBUTE_STRING && !a[0].multi_valued && !a[0].required && !a[0].case_exact);
    assert_true(a[1].type == CONFIG_ATTRIBUTE_INTEGER && a[1].multi_valued && a[1].required && a[1].case_exact);
    assert_true(a[1].mutability == CONFIG_ATTRIBUTE_WRITE_ONLY && a[1].returned == CONFIG_ATTRIBUTE_NEVER);
    assert_int_equal(a[1].canonical_count, 2);
    assert_int_equal(a[2].sub_count, 1);
    assert_true(a[2].subs[0].type == CONFIG_ATTRIBUTE_BOOLEAN);
    assert_false(config->apps[0].prov.trace);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_schemas_are_refused_with_the_key_and_the_reason),
        cmocka_unit_test(a_schema_is_read_with_its_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
