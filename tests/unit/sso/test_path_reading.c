/* semantics.md 6 and security.md F3, F7: paths that some app reads as the guarded one. */
#include "gateway/base/arena.h"
#include "gateway/sso/path_reading.h"
#include "tests/support/unit.h"

static const struct {
    const char *path;
    bool under; /* "/admin" */
} paths[] = {
    {"/admin", true},
    {"/admin/", true},
    {"/admin/users", true},
    {"/admin.json", true},
    {"/index.php/admin/users", true},
    {"/index.PHP/admin", true},
    {"/x/../app.php//admin", true},
    {"/index%2Ephp/admin", true},
    {"/index.php", false},
    {"/index.php/", false},
    {"/index.php/wiki/admin", false},
    {"/x.php.txt/admin", false},
    {"/wiki/index.php/Main_Page", false},
    {"/admin%2Ejson/", true},
    {"/admin.d/users", false},
    {"/admin;x=y", true},
    {"/admin;x=y/users", true},
    {"//admin", true},
    {"/./admin", true},
    {"/x/../admin", true},
    {"/x/y/../../admin/z", true},
    {"/x/..;/admin", true},
    {"/;/admin", true},
    {"/;a=b/admin", true},
    {"/%61dmin", true},
    {"/%2561dmin", true},
    {"/adm%69n/users", true},
    {"/%2fadmin", true},
    {"/%2Fadmin", true},
    {"/x%2f..%2fadmin", true},
    {"/x/%2e%2e/admin", true},
    {"/x/%252e%252e/admin", true},
    {"/x%2fy/../%61dmin", true},
    {"/x/..%3b/admin", true},
    {"/\\admin", true},
    {"/x\\..\\admin", true},
    {"/x%5c..%5cadmin", true},
    {"/admin%2fusers", true},
    {"/admin%00", true},
    {"/admin%3fx", true},
    {"/admin%23x", true},
    {"/adm;x/in/../../admin", true},
    {"/../admin", true},
    {"/%2e/admin", true},
    {"/a/b/..//../admin", true},
    {"/", false},
    {"", false},
    {"/administrator", false},
    {"/adm", false},
    {"/admi%6", false},
    {"/x/admin", false},
    {"/Admin", false},
    {"/wiki;jsessionid=1234/page", false},
    {"/wiki/a%2Fb", false},
    {"/wiki/100%25", false},
    {"/wiki/..admin", false},
    {"/.well-known/x", false},
    {"/wiki?x=/admin", false},
    {"/wiki//page", false},
    {"/%2561dministrator", false},
    {"/%252561dmin", false},
    {"*", false},
};

static void f3_any_reading_finds_the_guarded_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (sso_path_under(gw_str_from(paths[i].path), GW_STR("/admin"), false) != paths[i].under)
            fail_msg("%s", paths[i].path);
        assert_int_equal(sso_path_under(gw_str_from(paths[i].path), GW_STR("/admin/"), false), paths[i].under);
        assert_true(sso_path_under(gw_str_from(paths[i].path), GW_STR("/"), false));
        assert_true(sso_path_under(gw_str_from(paths[i].path), GW_STR(""), false));
    }
}

static void case_counts_unless_configured_otherwise(void **state)
{
    (void)state;
    assert_false(sso_path_under(GW_STR("/ADMIN/x"), GW_STR("/admin"), false));
    assert_true(sso_path_under(GW_STR("/ADMIN/x"), GW_STR("/admin"), true));
    assert_true(sso_path_under(GW_STR("/%41dmin"), GW_STR("/admin"), true));
    assert_false(sso_path_under(GW_STR("/%41dmin"), GW_STR("/admin"), false));
}

static const struct {
    const char *path;
    bool same; /* "/saml/acs" */
} acs[] = {
    {"/saml/acs", true},      {"/saml/acs/", true},    {"/SAML/ACS", true},        {"/saml//acs", true},
    {"/saml/%61cs", true},    {"/saml/acs;x=y", true}, {"/saml;x/acs", true},      {"/saml/x/../acs", true},
    {"/saml%2facs", true},    {"/saml/acs%3fx", true}, {"/saml/acs%00.png", true}, {"/saml/acs/.", true},
    {"/saml/%2561cs", true},  {"/saml\\acs", true},    {"/saml/acs/x", false},     {"/saml", false},
    {"/saml/acs.json", true}, {"/saml/acs.", true},    {"/saml/acs%2Exml/", true}, {"/saml/acs.d/x", false},
    {"/saml/acs2", false},    {"/other", false},       {"/saml/acs/..", false},    {"/x/saml/acs", false},
};

static void f7_any_reading_finds_the_acs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof acs / sizeof acs[0]; i++) {
        if (sso_path_equals_any_reading(gw_str_from(acs[i].path), GW_STR("/saml/acs")) != acs[i].same)
            fail_msg("%s", acs[i].path);
    }
    assert_true(sso_path_equals_any_reading(GW_STR("/acs.php/x"), GW_STR("/acs.php")));
    assert_true(sso_path_equals_any_reading(GW_STR("/cloud/index.php/saml/acs"), GW_STR("/cloud/saml/acs")));
    assert_true(sso_path_equals_any_reading(GW_STR("/module.php/saml/acs/"), GW_STR("/module.php/saml/acs")));
    assert_false(sso_path_equals_any_reading(GW_STR("/module.php/saml/acs/x"), GW_STR("/module.php/saml/acs")));
    assert_true(sso_path_equals_any_reading(GW_STR("/a/%61cs.php/x/y"), GW_STR("/a/acs.php")));
    assert_true(sso_path_equals_any_reading(GW_STR("/acs.php%2fx"), GW_STR("/acs.php")));
    assert_false(sso_path_equals_any_reading(GW_STR("/acs.phpx"), GW_STR("/acs.php")));
    assert_false(sso_path_equals_any_reading(GW_STR("/v1.2/acs/x"), GW_STR("/v1.2/acs")));
    assert_false(sso_path_equals_any_reading(GW_STR("/.json"), GW_STR("/")));
    assert_true(sso_path_equals_any_reading(GW_STR("/"), GW_STR("/")));
    assert_false(sso_path_equals_any_reading(GW_STR("/x"), GW_STR("/")));
}

static void paths_that_cannot_be_read_safely_count_as_guarded(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    char *path = gw_arena_alloc(&arena, SSO_PATH_BYTES_MAX + 1);
    memset(path, 'a', SSO_PATH_BYTES_MAX + 1);
    path[0] = '/';
    assert_false(sso_path_under(gw_str_n(path, SSO_PATH_BYTES_MAX + 1), GW_STR("/admin"), false));
    path[5] = ';';
    assert_false(sso_path_under(gw_str_n(path, SSO_PATH_BYTES_MAX), GW_STR("/admin"), false));
    assert_true(sso_path_under(gw_str_n(path, SSO_PATH_BYTES_MAX + 1), GW_STR("/admin"), false));
    assert_true(sso_path_under(GW_STR("/a;b\\c//d/./e%253b%255c%252f%252fx/%252e%3b%5c%2f%2fy/%2e/.."),
                               GW_STR("/admin"), false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f3_any_reading_finds_the_guarded_prefix),
        cmocka_unit_test(case_counts_unless_configured_otherwise),
        cmocka_unit_test(f7_any_reading_finds_the_acs),
        cmocka_unit_test(paths_that_cannot_be_read_safely_count_as_guarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
