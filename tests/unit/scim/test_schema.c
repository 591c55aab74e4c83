#include "tests/unit/scim/scim_test.h"

/* Rule R49 and R9: the longest known URN first, names in any case. */
static void names_are_resolved(void **state)
{
    static const struct {
        const char *text;
        const char *extension; /* short mark */
        const char *attribute;
        const char *sub;
    } CASES[] = {
        {"userName", NULL, "userName", NULL},
        {"USERNAME", NULL, "userName", NULL},
        {"name.familyname", NULL, "name", "familyName"},
        {"emails.Value", NULL, "emails", "value"},
        {"meta.lastModified", NULL, "meta", "lastModified"},
        {"id", NULL, "id", NULL},
        {"externalid", NULL, "externalId", NULL},
        {"schemas", NULL, "schemas", NULL},
        {SCIM_URN_USER ":userName", NULL, "userName", NULL},
        {SCIM_URN_USER ":name.givenName", NULL, "name", "givenName"},
        {"URN:IETF:params:scim:schemas:core:2.0:user:USERNAME", NULL, "userName", NULL},
        {"urn:scim:schemas:core:2.0:userName", NULL, "userName", NULL},
        {SCIM_URN_ENTERPRISE ":employeeNumber", "e", "employeeNumber", NULL},
        {SCIM_URN_ENTERPRISE ":manager.value", "e", "manager", "value"},
        {SCIM_URN_ENTERPRISE, "e", NULL, NULL},
        {"urn:scim:schemas:extension:enterprise:2.0:department", "e", "department", NULL},
        {"urn:scim:schemas:extension:enterprise:2.0", "e", NULL, NULL},
        {"manager", "e", "manager", NULL},
        {"groups.value", NULL, "groups", "value"},
    };
    struct scim_schema_set set;
    const struct scim_resource_type *type = type_with(&set, false, "User");
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct scim_ref ref;
        if (!scim_ref_find(type, gw_str_from(CASES[i].text), &ref))
            fail_msg("unknown: %s", CASES[i].text);
        assert_int_equal(ref.extension != NULL, CASES[i].extension != NULL);
        assert_int_equal(ref.attribute != NULL, CASES[i].attribute != NULL);
        if (ref.attribute != NULL)
            assert_str_equal(ref.attribute->name, CASES[i].attribute);
        assert_int_equal(ref.sub != NULL, CASES[i].sub != NULL);
        if (ref.sub != NULL)
            assert_str_equal(ref.sub->name, CASES[i].sub);
    }
}

static void unknown_names_are_not_resolved(void **state)
{
    static const char *const TEXTS[] = {"",
                                        ".",
                                        "nosuch",
                                        "userName.x",
                                        "name.",
                                        "name.nosuch",
                                        "name.givenName.x",
                                        ".givenName",
                                        "urn:x:userName",
                                        SCIM_URN_USER,
                                        SCIM_URN_USER ":",
                                        SCIM_URN_USER ":nosuch",
                                        SCIM_URN_ENTERPRISE ":",
                                        SCIM_URN_ENTERPRISE ":userName",
                                        SCIM_URN_ENTERPRISE "x:department",
                                        "roles",
                                        "entitlements.value",
                                        "urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
                                        "members"};
    struct scim_schema_set set;
    const struct scim_resource_type *type = type_with(&set, false, "User");
    (void)state;
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        struct scim_ref ref;
        if (scim_ref_find(type, gw_str_from(TEXTS[i]), &ref))
            fail_msg("resolved: %s", TEXTS[i]);
    }
}

/* semantics.md 5: an app without roles has no roles attribute */
static void roles_exist_only_where_the_app_has_them(void **state)
{
    struct scim_schema_set with;
    struct scim_schema_set without;
    struct scim_ref ref;
    (void)state;
    assert_true(scim_ref_find(type_with(&with, true, "User"), GW_STR("roles.value"), &ref));
    assert_false(scim_ref_find(type_with(&without, false, "User"), GW_STR("roles.value"), &ref));
    assert_non_null(scim_resource_type_find(&with, GW_STR("/Entitlements")));
    assert_non_null(scim_schema_find(&with, GW_STR(SCIM_URN_ROLE)));
    assert_null(scim_resource_type_find(&without, GW_STR("/Roles")));
    assert_null(scim_schema_find(&without, GW_STR(SCIM_URN_ROLE)));
}

static const struct scim_attribute BADGE_ATTRIBUTES[] = {
    {.name = GW_STR_INIT("badge"), .type = SCIM_INTEGER, .description = "The number of the badge."},
    {.name = GW_STR_INIT("doors"), .multi_valued = true, .description = "The doors it opens."},
};
static const struct scim_schema BADGE = {.urn = GW_STR_INIT("urn:example:badge:1.0:User"),
                                         .name = GW_STR_INIT("Badge"),
                                         .description = "Badge",
                                         .attributes = BADGE_ATTRIBUTES,
                                         .attribute_count = COUNT(BADGE_ATTRIBUTES)};

static void a_set_takes_extensions(void **state)
{
    struct scim_schema_set set;
    struct scim_ref ref;
    (void)state;
    const struct scim_resource_type *type = type_with(&set, false, "User");
    assert_true(scim_schema_set_extend(&set, GW_STR("User"), &BADGE));
    assert_false(scim_schema_set_extend(&set, GW_STR("User"), &BADGE));
    assert_false(scim_schema_set_extend(&set, GW_STR("Nothing"), &BADGE));
    assert_true(scim_ref_find(type, GW_STR("urn:example:badge:1.0:User:Badge"), &ref));
    assert_ptr_equal(ref.extension, &BADGE);
    assert_ptr_equal(scim_schema_find(&set, BADGE.urn), &BADGE);
}

/* Rule R6: one level of sub-attributes, none of them complex; and no table names one thing twice. */
static void the_tables_are_sound(void **state)
{
    struct scim_schema_set set;
    (void)state;
    scim_schema_set_init(&set, &(struct scim_schema_options){.roles = true});
    for (size_t t = 0; t < set.type_count; t++) {
        const struct scim_schema *core = set.types[t].core;
        for (size_t i = 0; i < core->attribute_count; i++) {
            const struct scim_attribute *attribute = &core->attributes[i];
            assert_ptr_equal(scim_attribute_find(core->attributes, core->attribute_count, attribute->name), attribute);
            assert_int_equal(attribute->type == SCIM_COMPLEX, attribute->sub_count > 0);
            assert_non_null(attribute->description);
            for (size_t j = 0; j < attribute->sub_count; j++) {
                assert_true(attribute->subs[j].type != SCIM_COMPLEX);
                assert_ptr_equal(scim_sub_find(attribute, attribute->subs[j].name), &attribute->subs[j]);
                assert_non_null(attribute->subs[j].description);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_resolved),
        cmocka_unit_test(unknown_names_are_not_resolved),
        cmocka_unit_test(roles_exist_only_where_the_app_has_them),
        cmocka_unit_test(a_set_takes_extensions),
        cmocka_unit_test(the_tables_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
