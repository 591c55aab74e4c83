/* RFC 6265 sections 5.1.1 and 5.2, and security.md F11. */
#include "gateway/cookie/set_cookie.h"
#include "tests/support/unit.h"

#include <stdlib.h>

#define NOW_MS (INT64_C(1795000000000)) /* 2026-11-18T11:06:40Z */

static const struct {
    const char *line, *name, *value, *path, *domain;
    bool deletes, secure, http_only;
} good[] = {
    {"sid=abc", "sid", "abc", NULL, NULL, false, false, false},
    {"sid=abc; Path=/; Domain=.example.com; Secure; HttpOnly; SameSite=Lax", "sid", "abc", "/", "example.com", false,
     true, true},
    {" sid = a b ;path=/x", "sid", "a b", "/x", NULL, false, false, false},
    {"sid=\"a=b\"", "sid", "\"a=b\"", NULL, NULL, false, false, false},
    {"sid=", "sid", "", NULL, NULL, false, false, false},
    {"sid=; Max-Age=0", "sid", "", NULL, NULL, true, false, false},
    {"sid=x; max-age=-1", "sid", "x", NULL, NULL, true, false, false},
    {"sid=x; Max-Age=000", "sid", "x", NULL, NULL, true, false, false},
    {"sid=x; Max-Age=3600; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "sid", "x", NULL, NULL, false, false, false},
    {"sid=x; Max-Age=0; Expires=Fri, 01 Jan 2100 00:00:00 GMT", "sid", "x", NULL, NULL, true, false, false},
    {"sid=x; Max-Age=1x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "sid", "x", NULL, NULL, true, false, false},
    {"sid=x; Max-Age=99999999999999999999", "sid", "x", NULL, NULL, false, false, false},
    {"sid=x; Expires=Wed, 18-Nov-26 11:06:40 GMT", "sid", "x", NULL, NULL, true, false, false},
    {"sid=x; Expires=Wed, 18 Nov 2026 11:06:41 GMT", "sid", "x", NULL, NULL, false, false, false},
    {"sid=x; Expires=never", "sid", "x", NULL, NULL, false, false, false},
    {"sid=x; Path=x; Path=/a; Path", "sid", "x", NULL, NULL, false, false, false},
    {"sid=x; Path=/a; Path=/b", "sid", "x", "/b", NULL, false, false, false},
    {"sid=x;;;Secure=1;", "sid", "x", NULL, NULL, false, true, false},
};

static void assert_optional(struct gw_str actual, const char *expected)
{
    assert_int_equal(actual.ptr == NULL, expected == NULL);
    assert_true(gw_str_eq(actual, gw_str_from(expected)));
}

static void f11_lines_are_read_as_a_browser_reads_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct set_cookie cookie;
        if (!set_cookie_parse(gw_str_from(good[i].line), NOW_MS, &cookie))
            fail_msg("%s", good[i].line);
        assert_true(gw_str_eq(cookie.name, gw_str_from(good[i].name)));
        assert_true(gw_str_eq(cookie.value, gw_str_from(good[i].value)));
        assert_optional(cookie.path, good[i].path);
        assert_optional(cookie.domain, good[i].domain);
        if (cookie.deletes != good[i].deletes)
            fail_msg("deletes: %s", good[i].line);
        assert_int_equal(cookie.secure, good[i].secure);
        assert_int_equal(cookie.http_only, good[i].http_only);
    }
}

static void lines_that_a_browser_ignores_are_no_cookies(void **state)
{
    (void)state;
    struct set_cookie cookie;
    static const char *const bad[] = {"", "sid", "=x", " =x; Path=/", ";sid=x", "sid; a=b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(set_cookie_parse(gw_str_from(bad[i]), NOW_MS, &cookie));
    char *large = calloc(1, SET_COOKIE_BYTES_MAX + 1);
    assert_non_null(large);
    memset(large, 'x', SET_COOKIE_BYTES_MAX + 1);
    large[3] = '=';
    assert_true(set_cookie_parse(gw_str_n(large, SET_COOKIE_BYTES_MAX), NOW_MS, &cookie));
    assert_false(set_cookie_parse(gw_str_n(large, SET_COOKIE_BYTES_MAX + 1), NOW_MS, &cookie));
    free(large);
}

static const struct {
    const char *text;
    int64_t seconds; /* -1: no date */
} dates[] = {
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Wed, 18 Nov 2026 11:06:40 GMT", 1795000000},
    {"Wednesday, 18-Nov-26 11:06:40 GMT", 1795000000},
    {"Wed Nov 18 11:06:40 2026", 1795000000},
    {"11:06:40 2026 november 18th", 1795000000},
    {"18 Nov 2026 11:6:40", 1795000000},
    {"01 Jan 70 00:00:00", 0},
    {"29 Feb 2024 00:00:00", 1709164800},
    {"29 Feb 2023 00:00:00", -1},
    {"31 Apr 2026 00:00:00", -1},
    {"00 Jan 2026 00:00:00", -1},
    {"18 Nov 2026 24:00:00", -1},
    {"18 Nov 2026 11:60:00", -1},
    {"18 Nov 2026", -1},
    {"18 Nov 1600 11:06:40", -1},
    {"", -1},
    {"never", -1},
};

static void dates_are_read_by_rfc_6265_section_5_1_1(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        int64_t ms = 0;
        bool is_date = cookie_date_parse(gw_str_from(dates[i].text), &ms);
        if (is_date != (dates[i].seconds >= 0) || (is_date && ms != dates[i].seconds * 1000))
            fail_msg("%s: %lld", dates[i].text, (long long)ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f11_lines_are_read_as_a_browser_reads_them),
        cmocka_unit_test(lines_that_a_browser_ignores_are_no_cookies),
        cmocka_unit_test(dates_are_read_by_rfc_6265_section_5_1_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
