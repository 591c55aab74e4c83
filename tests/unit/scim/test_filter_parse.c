#include "tests/unit/scim/scim_test.h"

#include "gateway/base/buf.h"
#include "routes/scim/filter.h"

static enum gw_code parse(struct gw_str text, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    const struct scim_filter *filter;
    *err = (struct gw_error){0};
    return scim_filter_parse(&arena, type_with(&set, true, "User"), text, &filter, err);
}

static void good_filters_are_accepted(void **state)
{
    static const char *const FILTERS[] = {
        "userName eq 'bjensen'",
        "  userName   eq   'bjensen'  ",
        "USERNAME EQ 'bjensen'",
        "name.familyName co 'O\\'Malley'",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName sw 'J'",
        "title pr",
        "title PR",
        "meta.lastModified gt '2011-05-13T04:42:34Z'",
        "meta.lastModified co '2011-05'",
        "title pr and userType eq 'Employee'",
        "title pr or userType eq 'Intern'",
        "schemas eq 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'",
        "userType eq 'Employee' and (emails co 'example.com' or emails.value co 'example.org')",
        "userType ne 'Employee' and not (emails co 'example.com' or emails.value co 'example.org')",
        "not(title pr)",
        "NOT (title pr) AND active eq true OR id eq 'x'",
        "userType eq 'Employee' and (emails.type eq 'work')",
        "userType eq 'Employee' and emails[type eq 'work' and value co '@example.com']",
        "emails[type eq 'work' and value co '@example.com'] or ims[type eq 'xmpp' and value co '@foo.com']",
        "emails[type eq 'work'].value eq 'a@b'",
        "emails[type eq 'work'].value pr",
        "emails[not (type eq 'work')]",
        "emails[(type eq 'work' or type eq 'home') and primary eq true]",
        "active eq true",
        "active ne false",
        "manager eq 'x'",
        "id eq 'x' and manager eq 'y'",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq 'd'",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq 'd'",
        "email eq 'a' or email eq 'b'",
        "title eq null",
        "name ne null",
        "x509Certificates.value eq 'AA=='",
        "roles.value eq 'admin'",
        "userName eq 'a' and(title pr)",
        "(userName eq 'a')and(title pr)",
        "((((userName eq 'a'))))",
        "userName eq '\\u00e4\\\\'",
        "userName gt 'a'",
        "groups.display eq 'x'",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(FILTERS); i++) {
        GW_ARENA_SCOPED(arena);
        struct gw_error err;
        if (parse(quoted(&arena, FILTERS[i]), &err) != GW_OK)
            fail_msg("%s: %s", FILTERS[i], err.text);
    }
}

/* Rule R47, security.md E12, scim-clients.md 3.4 (a value alone). */
static const char *const BAD_FILTERS[] = {
    "",
    "   ",
    "RUNSCOPE@ATKO.COM",
    "userName",
    "userName ",
    "userName eq",
    "userName eq ",
    "userName eq bjensen",
    "userName eq 'bjensen",
    "userName eq 'a\\'",
    "userName eq \\u0022a\\u0022",
    "userName eq '\\u0000'",
    "userName eq '\\ud800'",
    "userName eq '\\x'",
    "userName eq ['a']",
    "userName eq {}",
    "userName eq 5",
    "userName eq true",
    "userName eq TRUE",
    "userName eq 'a' 'b'",
    "userName eq 'a' title pr",
    "userName eq 'a' xor title pr",
    "userName eq 'a' and",
    "userName eq 'a' or or title pr",
    "and title pr",
    "userName regex 'a'",
    "userName = 'a'",
    "userName eq'a'",
    "userName pr 'a'",
    "nosuch eq 'a'",
    "name.nosuch eq 'a'",
    "urn:x:y:userName eq 'a'",
    "password sw 'a'",
    "password pr",
    "not title pr",
    "not",
    "not (title pr",
    "(title pr",
    "title pr)",
    "()",
    "active gt true",
    "active co true",
    "active eq 'true'",
    "active eq 1",
    "x509Certificates.value gt 'AA=='",
    "meta.lastModified gt 'yesterday'",
    "meta.lastModified eq '2011'",
    "meta.lastModified gt 5",
    "title gt null",
    "title co null",
    "name eq 'x'",
    "addresses eq 'x'",
    "meta eq 'x'",
    "emails[type eq 'work'",
    "emails[]",
    "emails[type eq 'work']]",
    "emails[emails[type eq 'work']]",
    "emails[nosuch eq 'work']",
    "emails[userName eq 'x']",
    "emails.type[value eq 'x']",
    "userName[value eq 'x']",
    "emails[type eq 'work'].nosuch eq 'x'",
    "emails[type eq 'work'].value",
    "emails[type eq 'work']value eq 'x'",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User eq 'd'",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr",
    "userName\teq\t'x'",
};

static void bad_filters_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(BAD_FILTERS); i++) {
        GW_ARENA_SCOPED(arena);
        struct gw_error err;
        if (parse(quoted(&arena, BAD_FILTERS[i]), &err) != GW_E_INVALID_FILTER)
            fail_msg("accepted or another error: %s", BAD_FILTERS[i]);
        assert_true(strlen(err.text) > 10);
    }
}

static void a_nul_is_refused(void **state)
{
    struct gw_error err;
    (void)state;
    assert_int_equal(parse(GW_STR("userName eq \"a\0b\""), &err), GW_E_INVALID_FILTER);
    assert_int_equal(parse(GW_STR("title pr\0"), &err), GW_E_INVALID_FILTER);
}

static void assert_bomb(const char *open, size_t count, const char *middle, const char *close, const char *reason)
{
    GW_BUF_SCOPED(buf, 1 << 20);
    struct gw_error err;
    for (size_t i = 0; i < count; i++)
        gw_buf_add(&buf, gw_str_from(open));
    gw_buf_add(&buf, gw_str_from(middle));
    for (size_t i = 0; i < count; i++)
        gw_buf_add(&buf, gw_str_from(close));
    assert_int_equal(parse(gw_buf_str(&buf), &err), GW_E_INVALID_FILTER);
    if (strstr(err.text, reason) == NULL)
        fail_msg("%s", err.text);
}

/* security.md E12 */
static void bombs_are_refused(void **state)
{
    (void)state;
    assert_bomb("(", 20000, "title pr", ")", "too long");
    assert_bomb("(", 1000, "title pr", ")", "too deeply");
    assert_bomb("not (", 1000, "title pr", ")", "too deeply");
    assert_bomb("not(", 5000, "title pr", ")", "too long");
    assert_bomb("title pr or ", 5000, "title pr", "", "too long");
    assert_bomb("title pr or ", 600, "title pr", "", "too many comparisons");
    assert_bomb("title pr and ", 600, "title pr", "", "too many comparisons");
}

/* Rule R46: grouping before not before and before or. */
static void and_binds_closer_than_or(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    const struct scim_filter *filter;
    struct gw_error err;
    (void)state;
    assert_int_equal(scim_filter_parse(&arena, type_with(&set, false, "User"),
                                       GW_STR("title pr or active eq true and not (id pr) or locale pr"), &filter,
                                       &err),
                     GW_OK);
    assert_int_equal(filter->kind, SCIM_FILTER_OR);
    assert_int_equal(filter->child_count, 3);
    assert_int_equal(filter->children[1]->kind, SCIM_FILTER_AND);
    assert_int_equal(filter->children[1]->children[1]->kind, SCIM_FILTER_NOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_filters_are_accepted), cmocka_unit_test(bad_filters_are_refused),
        cmocka_unit_test(a_nul_is_refused),          cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(and_binds_closer_than_or),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
