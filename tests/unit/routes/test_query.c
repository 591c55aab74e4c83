#include "tests/support/unit.h"

#include "gateway/base/buf.h"
#include "gateway/json/parse.h"
#include "routes/query.h"

struct query_row {
    const char *query;
    enum gw_code code;
    uint64_t start_index;
    uint64_t count;
    const char *filter;
};

/* Rules 0.8 and R43, security case E14. */
static const struct query_row rows[] = {
    {"", GW_OK, 1, 100, ""},
    {"startIndex=1&count=2", GW_OK, 1, 2, ""},
    {"startIndex=0&count=2", GW_OK, 1, 2, ""},
    {"startIndex=-5&count=-1", GW_OK, 1, 0, ""},
    {"count=0", GW_OK, 1, 0, ""},
    {"count=1000000000", GW_OK, 1, QUERY_COUNT_MAX, ""},
    {"startIndex=9223372036854775808", GW_OK, QUERY_START_MAX, 100, ""},
    {"startIndex=99999999999999999999999999999999", GW_OK, QUERY_START_MAX, 100, ""},
    {"startIndex=-99999999999999999999999999999999", GW_OK, 1, 100, ""},
    {"startIndex=%31%30", GW_OK, 10, 100, ""},
    {"startIndex=+7", GW_OK, 7, 100, ""},
    {"STARTINDEX=3&Count=4", GW_OK, 3, 4, ""},
    {"startIndex=one", GW_E_INVALID_VALUE, 0, 0, NULL},
    {"count=1.5", GW_E_INVALID_VALUE, 0, 0, NULL},
    {"count=1e3", GW_E_INVALID_VALUE, 0, 0, NULL},
    {"count=-", GW_E_INVALID_VALUE, 0, 0, NULL},
    {"count=0x10", GW_E_INVALID_VALUE, 0, 0, NULL},
    {"count=1&count=2", GW_E_INVALID_VALUE, 0, 0, NULL},
    {"startIndex=&count=&filter=", GW_OK, 1, 100, ""},
    {"startIndex&count", GW_OK, 1, 100, ""},
    {"&&aadOptscim062020&connection=abc&", GW_OK, 1, 100, ""},
    {"%zz=1&count=5", GW_OK, 1, 5, ""},
    {"filter=userName%20eq%20%22a%22", GW_OK, 1, 100, "userName eq \"a\""},
    {"filter=userName+eq+%22a%2Bb%40x%22", GW_OK, 1, 100, "userName eq \"a+b@x\""},
    {"filter=userName+eq+%22a%2526b%22", GW_OK, 1, 100, "userName eq \"a%26b\""},
    {"filter=userName+eq+%22a%26b%3D%22&count=5", GW_OK, 1, 5, "userName eq \"a&b=\""},
    {"filter=a%00b", GW_E_INVALID_FILTER, 0, 0, NULL},
    {"filter=%ff", GW_E_INVALID_FILTER, 0, 0, NULL},
    {"filter=%c0%af", GW_E_INVALID_FILTER, 0, 0, NULL},
    {"filter=%2", GW_E_INVALID_FILTER, 0, 0, NULL},
    {"filter=a%20pr&filter=b%20pr", GW_E_INVALID_FILTER, 0, 0, NULL},
    {"attributes=%ff", GW_E_INVALID_VALUE, 0, 0, NULL},
};

static void test_query_is_decoded_once_and_numbers_are_clamped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        GW_ARENA_SCOPED(arena);
        struct route_query query = {0};
        struct gw_error err = {0};
        enum gw_code code = route_query_parse(&arena, gw_str_from(rows[i].query), &query, &err);
        if (code != rows[i].code)
            fail_msg("%s: %s", rows[i].query, gw_code_name(code));
        if (code != GW_OK)
            continue;
        if (query.start_index != rows[i].start_index || query.count != rows[i].count)
            fail_msg("%s: %llu, %llu", rows[i].query, (unsigned long long)query.start_index,
                     (unsigned long long)query.count);
        assert_str_equal(query.filter, rows[i].filter);
    }
}

static void test_too_many_parameters_are_refused(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(text, 4096);
    struct route_query query;
    struct gw_error err;
    for (int i = 0; i < 100; i++)
        gw_buf_add_lit(&text, "x=1&");
    assert_int_equal(route_query_parse(&arena, gw_buf_str(&text), &query, &err), GW_E_INVALID_VALUE);
}

struct search_row {
    const char *body;
    enum gw_code code;
};

#define SEARCH "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:SearchRequest\"]"

static const struct search_row search_rows[] = {
    {SEARCH "}", GW_OK},
    {SEARCH ",\"startIndex\":1,\"count\":10,\"filter\":\"userName pr\",\"attributes\":[\"userName\",\"id\"]}", GW_OK},
    {SEARCH ",\"filter\":null,\"sortBy\":\"userName\",\"unknown\":{}}", GW_OK},
    {SEARCH ",\"startIndex\":\"1\"}", GW_E_INVALID_VALUE},
    {SEARCH ",\"count\":1.5}", GW_E_INVALID_VALUE},
    {SEARCH ",\"filter\":7}", GW_E_INVALID_VALUE},
    {SEARCH ",\"attributes\":\"userName\"}", GW_E_INVALID_VALUE},
    {SEARCH ",\"attributes\":[7]}", GW_E_INVALID_VALUE},
    {"{}", GW_E_INVALID_SYNTAX},
    {"[]", GW_E_INVALID_SYNTAX},
    {"{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"]}", GW_E_INVALID_SYNTAX},
};

/* Rule R52. */
static void test_search_request_is_read_like_a_query(void **state)
{
    (void)state;
    struct json_limits limits = JSON_LIMITS_BODY;
    for (size_t i = 0; i < sizeof search_rows / sizeof search_rows[0]; i++) {
        GW_ARENA_SCOPED(arena);
        struct json_value *body = NULL;
        struct route_query query = {0};
        struct gw_error err = {0};
        assert_int_equal(json_parse(&arena, gw_str_from(search_rows[i].body), &limits, &body, &err), GW_OK);
        enum gw_code code = route_query_read(&arena, body, &query, &err);
        if (code != search_rows[i].code)
            fail_msg("%s: %s", search_rows[i].body, gw_code_name(code));
        if (i == 1) {
            assert_int_equal(query.count, 10);
            assert_str_equal(query.filter, "userName pr");
            assert_str_equal(query.attributes, "userName,id");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query_is_decoded_once_and_numbers_are_clamped),
        cmocka_unit_test(test_too_many_parameters_are_refused),
        cmocka_unit_test(test_search_request_is_read_like_a_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
