/* semantics.md 3 and security.md F2, F9, F10, R8: the session cookie in every spelling, and nothing legitimate refused.
 */
#include "gateway/base/buf.h"
#include "gateway/cookie/cookie.h"
#include "tests/support/unit.h"

/* `expect`: values joined by `|` in the order in which they are found, "" for none, "?" for ambiguous. */
struct cookie_case {
    const char *line, *expect;
};

static void assert_found(const char *line, const char *pattern, const char *expect)
{
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(text, 65536);
    struct cookie_values values;
    struct gw_str lines[] = {gw_str_from(line)};
    enum cookie_verdict verdict = cookie_find(lines, 1, gw_str_from(pattern), &arena, &values);
    for (size_t i = 0; i < values.count; i++) {
        if (i > 0)
            gw_buf_add_byte(&text, '|');
        gw_buf_add(&text, values.list[i].value);
    }
    if (verdict == COOKIE_AMBIGUOUS)
        gw_buf_add_byte(&text, '?');
    assert_int_equal(verdict == COOKIE_NONE, expect[0] == '\0');
    if (!gw_str_eq(gw_buf_str(&text), gw_str_from(expect)))
        fail_msg("%s: %.*s instead of %s", line, GW_STR_ARG(gw_buf_str(&text)), expect);
}

static const struct cookie_case plain[] = {
    {"sid=abc", "abc"},
    {"a=b; sid=abc; c=d", "abc"},
    {"a=b;sid=abc;c=d", "abc"},
    {"  sid = abc ; x=y", "abc"},
    {"sid=a=b==", "a=b=="},
    {"sidebar=open; sid=x", "x"},
    {"xsid=1; sid_=2; si=3; sid2=4", ""},
    {"connect.sid=1; sid=x", "x"},
    {"", ""},
    {"sid", ""},
    {"sid=", ""},
    {"sid=;x=y", ""},
    {"; ; sid=x;;", "x"},
    {"=x; sid=x", "x"},
    {"sid=x; sid=x", "x"},
    {"sid=x; sid=y", "x|y"},
    {"other=sid=x", ""},
    {"a=b; ref=https://x/?sid=1; sid=x", "x"},
};

static const struct cookie_case readings[] = {
    {"sid=s%3Aabc.def%2B%2F", "s%3Aabc.def%2B%2F|s:abc.def+/"},
    {"sid=%2561bc", "%2561bc|%61bc|abc"},
    {"sid=\"abc\"", "\"abc\"|abc"},
    {"sid=\"a\\\"bc\"", "\"a\\\"bc\"|a\"bc"},
    {"sid=\"\\141bc\"", "\"\\141bc\"|abc"},
    {"sid=%22abc%22", "%22abc%22|\"abc\"|abc"},
    {"sid=ab,cd", "ab,cd|ab"},
    {"sid=ab cd", "ab cd|ab+cd|ab"},
    {"sid=\"abc", "\"abc|abc"},
    {"sid=abc\"", "abc\"|abc"},
    {"sid=abc%00def", NULL},
    {"sid=100%", "100%"},
};

static const struct cookie_case ambiguous[] = {
    {"a=b,sid=x", "?"},
    {"a=b, sid=x; sid=y", "?"},
    {"a=b, sid=y; sid=y", "y"},
    {"sid=x,sid=y", "?"},
    {"a=b sid=x", "?"},
    {"a=b\tsid=x; sid=y", "?"},
    {"a=b sid = x", "?"},
    {"SID=x", "?"},
    {"Sid=x; sid=y", "?"},
    {"SID=x; sid=x", "x"},
    {"SID=; sid=x", "x"},
    {"s%69d=x", "?"},
    {"%73%69%64=x; sid=y", "?"},
    {"sid%20=x; sid=y", "?"},
    {"%09sid=x", "?"},
    {"\xc2\xa0sid=x; sid=y", "?"},
    {"sid\xe2\x80\x80=x", "?"},
    {"sid%00x=y", "?"},
    {"corp=\"a; sid=x\"", "?"},
    {"corp=\"a; sid=x; b=c\"; sid=y", "?"},
    {"sid=\"a; b\"", "?"},
    {"corp=\"x, sid=y\"", "?"},
    {"+sid=x", "?"}, /* PHP before 7.2.34 */
    {"a=b; ++sid+=x; sid=y", "?"},
    {"+sid=x; sid=x", "x"},
    {"=sid=x", "?"}, /* a cookie without a name, as Werkzeug before 2.2.3 read it */
    {"a=b; = =sid=x", "?"},
    {"sid=x; =sid=x", "x"},
    {"=other=x; ==; =", ""},
    {"sid=x; corp=\"a\\\"; sid=y\"", "?"},
    {"$Version=1, sid=x", "?"},
    {"foo,sid=x", "?"},
};

/* What frameworks and trackers send: nothing of it may change what is read for `sid`. */
static const char *const neighbours[] = {
    "_ga=GA1.2.1234.5678",
    "prefs={\"theme\":\"dark\",\"tabs\":[1,2]}",
    "prefs=%7B%22theme%22%3A%22dark%22%7D",
    "OptanonConsent=isGABCMPEnabled=false&datestamp=Sat+Nov+21+2026 22:00:00 GMT+0000&version=6.10.0",
    "OptanonAlertBoxClosed=2026-11-21T22:00:00.000Z",
    "connect.sid=s%3Aabc.def",
    "JSESSIONID=0123ABCD.node1",
    "__Host-next-auth.csrf-token=a%7Cb",
    ".AspNetCore.Antiforgery.x=CfDJ8",
    "laravel_session=eyJpdiI6IkE9PSIsInZhbHVlIjoiQiJ9",
    "PHPSESSID=a-b,c",
    "AMCV_1234%40AdobeOrg=-1|MCIDTS|1",
    "path=/a/b?c=d",
    "quoted=\"a b\"",
    "quoted=\"a; b\"",
    "open=\"a",
    "utf=\xc3\xa9t\xc3\xa9",
    "empty=",
    "flag",
    "csv=a,b,c",
    "ids=1 2 3",
    "weird=a=b,c=d e=f",
    "=nameless",
    "sidebar=open",
    "sid.sig=abc",
    "xsid=1",
};

static void plain_lines_give_the_plain_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        assert_found(plain[i].line, "sid", plain[i].expect);
}

static void all_readings_of_one_value_are_given(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        if (readings[i].expect != NULL)
            assert_found(readings[i].line, "sid", readings[i].expect);
    }
    GW_ARENA_SCOPED(arena);
    struct cookie_values values;
    struct gw_str line = GW_STR("sid=abc%00def");
    assert_int_equal(cookie_find(&line, 1, GW_STR("sid"), &arena, &values), COOKIE_FOUND);
    assert_str_equal(values.list[values.count - 1].value, "abc");
}

static void f2_other_occurrences_in_other_readings_are_ambiguous(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ambiguous / sizeof ambiguous[0]; i++)
        assert_found(ambiguous[i].line, "sid", ambiguous[i].expect);
    assert_found("wiki.session=x", "wiki_session", "?");
    assert_found("wiki_session=x; wiki.session=y", "wiki_session", "?");
}

static void no_neighbour_makes_the_cookie_ambiguous(void **state)
{
    (void)state;
    GW_BUF_SCOPED(text, 65536);
    size_t count = sizeof neighbours / sizeof neighbours[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            gw_buf_clear(&text);
            gw_buf_printf(&text, "%s; sid=x-1; %s%c", neighbours[i], neighbours[j], 0);
            assert_found(text.data, "sid", "x-1");
            gw_buf_clear(&text);
            gw_buf_printf(&text, "%s; %s; sid=x-1%c", neighbours[i], neighbours[j], 0);
            assert_found(text.data, "sid", "x-1");
        }
    }
}

static void several_lines_and_stars_are_read(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct cookie_values values;
    struct gw_str lines[] = {GW_STR("a=b"), GW_STR("app.C1=x"), GW_STR_NONE, GW_STR("app.C2=y; app=z; ap=q")};
    assert_int_equal(cookie_find(lines, 4, GW_STR("app*"), &arena, &values), COOKIE_FOUND);
    assert_int_equal(values.count, 3);
    assert_str_equal(values.list[0].name, "app.C1");
    assert_str_equal(values.list[2].value, "z");
    assert_int_equal(cookie_find(lines, 0, GW_STR("app"), &arena, &values), COOKIE_NONE);
    lines[2] = GW_STR("APP.C3=w");
    assert_int_equal(cookie_find(lines, 4, GW_STR("app*"), &arena, &values), COOKIE_AMBIGUOUS);
    assert_true(cookie_name_matches(GW_STR("app.C1"), GW_STR("app*")));
    assert_false(cookie_name_matches(GW_STR("app.C1"), GW_STR("app")));
    assert_false(cookie_name_matches(GW_STR("App"), GW_STR("app")));
}

static void more_values_than_the_cap_are_ambiguous(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(text, 65536);
    struct cookie_values values;
    for (int i = 0; i < COOKIE_VALUES_MAX; i++)
        gw_buf_printf(&text, "sid=%d;", i);
    struct gw_str line = gw_buf_str(&text);
    assert_int_equal(cookie_find(&line, 1, GW_STR("sid"), &arena, &values), COOKIE_FOUND);
    assert_int_equal(values.count, COOKIE_VALUES_MAX);
    gw_buf_add_lit(&text, "sid=more");
    line = gw_buf_str(&text);
    assert_int_equal(cookie_find(&line, 1, GW_STR("sid"), &arena, &values), COOKIE_AMBIGUOUS);
    assert_int_equal(values.count, 0);
}

static void a_plain_request_allocates_nothing(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct cookie_values values;
    struct gw_str line = GW_STR("_ga=GA1.2.3; prefs={\"a\":\"b, c\"}; sid=0123456789abcdef; x=%20");
    assert_int_equal(cookie_find(&line, 1, GW_STR("sid"), &arena, &values), COOKIE_FOUND);
    assert_int_equal(arena.used_bytes, 0);
}

static const struct {
    const char *value, *canonical;
} canonicals[] = {
    {"abc", "abc"},   {"", ""},         {"s%3Aabc", "s:abc"}, {"s:abc", "s:abc"}, {"\"s%3Aabc\"", "s:abc"},
    {"a+b", "a+b"},   {"a%20b", "a+b"}, {"a%2Bb", "a+b"},     {"%2525", "%"},     {"a%00b", "a"},
    {"%22a%22", "a"}, {"a\"b", "a\"b"}, {"\"a", "a"},         {"a\"", "a"},       {"%e9%zz", "\xe9%zz"},
};

static void two_spellings_of_one_session_have_one_canonical_form(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    for (size_t i = 0; i < sizeof canonicals / sizeof canonicals[0]; i++) {
        struct gw_str canonical = cookie_canonical(gw_str_from(canonicals[i].value), &arena);
        if (!gw_str_eq(canonical, gw_str_from(canonicals[i].canonical)))
            fail_msg("%s: %.*s", canonicals[i].value, GW_STR_ARG(canonical));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_lines_give_the_plain_value),
        cmocka_unit_test(all_readings_of_one_value_are_given),
        cmocka_unit_test(f2_other_occurrences_in_other_readings_are_ambiguous),
        cmocka_unit_test(no_neighbour_makes_the_cookie_ambiguous),
        cmocka_unit_test(several_lines_and_stars_are_read),
        cmocka_unit_test(more_values_than_the_cap_are_ambiguous),
        cmocka_unit_test(a_plain_request_allocates_nothing),
        cmocka_unit_test(two_spellings_of_one_session_have_one_canonical_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
