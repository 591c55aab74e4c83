#include "gateway/sso/next_cookies.h"

#include "tests/support/unit.h"

#include <stdio.h>

#define NOW_MS 1790000000000ll

static void a_browser_comes_back_with_what_it_had_and_what_was_set(void **state)
{
    (void)state;
    static const struct {
        const char *sent[3];
        const char *set[4];
        const char *next;
    } rows[] = {
        {{NULL}, {NULL}, ""},
        {{"sid=1"}, {NULL}, "sid=1"},
        {{"a=1;  sid=1 ;b=2;"}, {NULL}, "a=1; sid=1; b=2"},
        {{"a=1", "b=2"}, {NULL}, "a=1; b=2"},
        {{NULL}, {"sid=2; Path=/; HttpOnly"}, "sid=2"},
        {{"a=1; sid=1; b=x=y"}, {"sid=2; Path=/"}, "a=1; b=x=y; sid=2"},
        {{"a=1; sid=1"}, {"sid=; Max-Age=0"}, "a=1"},
        {{"sid=1"}, {"sid=; Max-Age=0", "sid=3"}, "sid=3"},
        {{"sid=1"}, {"sid=2", "SID=3"}, "sid=2; SID=3"},
        {{"sid=1; sid=2"}, {"sid=3"}, "sid=3"},
        {{"state=x; sid=1"}, {"state=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "sid=2"}, "sid=2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        GW_ARENA_SCOPED(arena);
        struct http_field sent[4], set[4];
        struct http_request request = {.fields = sent};
        struct http_answer answer = {.fields = set};
        for (; request.field_count < 3 && rows[i].sent[request.field_count] != NULL; request.field_count++)
            sent[request.field_count] =
                (struct http_field){GW_STR("cookie"), gw_str_from(rows[i].sent[request.field_count])};
        for (; answer.field_count < 4 && rows[i].set[answer.field_count] != NULL; answer.field_count++)
            set[answer.field_count] =
                (struct http_field){GW_STR("Set-Cookie"), gw_str_from(rows[i].set[answer.field_count])};
        struct gw_str next = sso_next_cookies(&request, &answer, NOW_MS, &arena);
        if (!gw_str_eq(next, gw_str_from(rows[i].next)))
            fail_msg("row %zu: %.*s", i, GW_STR_ARG(next));
    }
}

static void more_than_fits_is_nothing(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    char *long_line = gw_arena_alloc(&arena, SSO_NEXT_COOKIES_BYTES_MAX + 2);
    memset(long_line, 'a', SSO_NEXT_COOKIES_BYTES_MAX + 1);
    struct http_field field = {GW_STR("Cookie"), gw_str_n(long_line, SSO_NEXT_COOKIES_BYTES_MAX + 1)};
    struct http_request request = {.fields = &field, .field_count = 1};
    assert_int_equal(sso_next_cookies(&request, NULL, NOW_MS, &arena).len, 0);
    field.value.len = SSO_NEXT_COOKIES_BYTES_MAX;
    assert_int_equal(sso_next_cookies(&request, NULL, NOW_MS, &arena).len, SSO_NEXT_COOKIES_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_browser_comes_back_with_what_it_had_and_what_was_set),
        cmocka_unit_test(more_than_fits_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
