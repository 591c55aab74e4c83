#include "tests/unit/scim/scim_test.h"

#include "gateway/base/buf.h"
#include "routes/scim/path.h"

#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

static const struct {
    const char *text;
    const char *attribute; /* NULL: a whole extension */
    const char *sub;
    bool filter;
    bool extension;
} GOOD[] = {
    {"active", "active", NULL, false, false},
    {"ACTIVE", "active", NULL, false, false},
    {"name.familyName", "name", "familyName", false, false},
    {"members", "members", NULL, false, false},
    {"members[value eq '2819c223-7f76-453a-919d-413861904646']", "members", NULL, true, false},
    {"emails[type eq 'work'].value", "emails", "value", true, false},
    {"emails[type eq 'other'].Value", "emails", "value", true, false},
    {"addresses[type eq 'work']", "addresses", NULL, true, false},
    {"addresses[type eq 'other'].Formatted", "addresses", "formatted", true, false},
    {"emails[type eq 'work' and value ew 'example.com'].display", "emails", "display", true, false},
    {"emails[not (type eq 'work') or primary eq true]", "emails", NULL, true, false},
    {"emails[value eq 'a]b'].type", "emails", "type", true, false},
    {"roles[primary eq 'True'].value", "roles", "value", true, false},
    {ENTERPRISE ":department", "department", NULL, false, true},
    {ENTERPRISE ":manager.value", "manager", "value", false, true},
    {ENTERPRISE, NULL, NULL, false, true},
    {"manager", "manager", NULL, false, true},
    {"urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq 'work'].value", "emails", "value", true, false},
    {"id", "id", NULL, false, false},
    {"password", "password", NULL, false, false},
    {" title ", "title", NULL, false, false},
};

static void paths_are_resolved(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(GOOD); i++) {
        GW_ARENA_SCOPED(arena);
        struct scim_schema_set set;
        struct scim_path path;
        struct gw_error err = {0};
        bool group = strncmp(GOOD[i].text, "members", 7) == 0;
        const struct scim_resource_type *type = type_with(&set, true, group ? "Group" : "User");
        if (scim_path_parse(&arena, type, quoted(&arena, GOOD[i].text), &path, &err) != GW_OK)
            fail_msg("%s: %s", GOOD[i].text, err.text);
        assert_int_equal(path.ref.attribute != NULL, GOOD[i].attribute != NULL);
        if (path.ref.attribute != NULL)
            assert_str_equal(path.ref.attribute->name, GOOD[i].attribute);
        assert_int_equal(path.ref.sub != NULL, GOOD[i].sub != NULL);
        if (path.ref.sub != NULL)
            assert_str_equal(path.ref.sub->name, GOOD[i].sub);
        assert_int_equal(path.filter != NULL, GOOD[i].filter);
        assert_int_equal(path.ref.extension != NULL, GOOD[i].extension);
    }
}

/* Rule R71 */
static void wrong_paths_are_refused(void **state)
{
    static const char *const PATHS[] = {"",
                                        "  ",
                                        "nosuch",
                                        "name.nosuch",
                                        "active.x",
                                        "title x",
                                        "title eq 'x'",
                                        "emails[",
                                        "emails[]",
                                        "emails[type eq 'work'",
                                        "emails[type eq 'work']]",
                                        "emails[type eq 'work']value",
                                        "emails[type eq 'work'].",
                                        "emails[type eq 'work'].nosuch",
                                        "emails[type eq 'work'].value.x",
                                        "emails[type eq 'work'][value eq 'x']",
                                        "emails[nosuch eq 'x']",
                                        "emails[type eq work]",
                                        "emails[type eq 'wo\\u0000rk']",
                                        "emails[primary eq 'perhaps']",
                                        "emails[primary gt true]",
                                        "name[givenName eq 'x']",
                                        "active[value eq true]",
                                        "schemas[value eq 'x']",
                                        "[type eq 'work']",
                                        ".value",
                                        ENTERPRISE "[department eq 'x']",
                                        ENTERPRISE ":nosuch",
                                        ENTERPRISE ":",
                                        "urn:x:y:title",
                                        "members"};
    (void)state;
    for (size_t i = 0; i < COUNT(PATHS); i++) {
        GW_ARENA_SCOPED(arena);
        struct scim_schema_set set;
        struct scim_path path;
        struct gw_error err = {0};
        if (scim_path_parse(&arena, type_with(&set, true, "User"), quoted(&arena, PATHS[i]), &path, &err) !=
            GW_E_INVALID_PATH)
            fail_msg("%s", PATHS[i]);
    }
}

/* security.md E10 */
static void path_bombs_are_refused(void **state)
{
    static const char *const PARTS[] = {"(", "not (", "type pr or ", "type pr and "};
    (void)state;
    for (size_t i = 0; i < COUNT(PARTS); i++) {
        for (size_t count = 30; count <= 30000; count *= 10) {
            GW_ARENA_SCOPED(arena);
            GW_BUF_SCOPED(buf, 1 << 20);
            gw_buf_add_lit(&buf, "emails[");
            for (size_t j = 0; j < count; j++)
                gw_buf_add(&buf, gw_str_from(PARTS[i]));
            gw_buf_add_lit(&buf, "type pr");
            for (size_t j = 0; j < count && i < 2; j++)
                gw_buf_add_byte(&buf, ')');
            gw_buf_add_byte(&buf, ']');
            struct scim_schema_set set;
            struct scim_path path;
            assert_int_equal(scim_path_parse(&arena, type_with(&set, true, "User"), gw_buf_str(&buf), &path, NULL),
                             GW_E_INVALID_PATH);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_resolved),
        cmocka_unit_test(wrong_paths_are_refused),
        cmocka_unit_test(path_bombs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
