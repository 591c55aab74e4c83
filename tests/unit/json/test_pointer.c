#include "gateway/json/parse.h"
#include "gateway/json/pointer.h"
#include "gateway/json/write.h"
#include "tests/support/unit.h"

/* The document of RFC 6901 section 5, with more nesting. */
static const char document[] = "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"m~n\":8,\" "
                               "\":7,\"user\":{\"emails\":[{\"value\":\"x\"}]}}";

static void each_pointer_finds_its_value(void **state)
{
    (void)state;
    static const struct {
        const char *pointer;
        const char *value; /* NULL: nothing there */
    } rows[] = {
        {"/foo", "[\"bar\",\"baz\"]"},
        {"/foo/0", "\"bar\""},
        {"/foo/1", "\"baz\""},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/m~0n", "8"},
        {"/ ", "7"},
        {"/user/emails/0/value", "\"x\""},
        {"foo", NULL},
        {"/Foo", NULL},
        {"/foo/2", NULL},
        {"/foo/-", NULL},
        {"/foo/00", NULL},
        {"/foo/01", NULL},
        {"/foo/", NULL},
        {"/foo/0/x", NULL},
        {"/foo/99999999999999999999", NULL},
        {"/m~n", NULL},
        {"/m~", NULL},
        {"/m~2n", NULL},
        {"/foo/ 0", NULL},
        {"/user/emails/value", NULL},
    };
    GW_ARENA_SCOPED(arena);
    struct json_limits limits = JSON_LIMITS_BODY;
    struct json_value *root;
    struct gw_error err;
    assert_int_equal(json_parse(&arena, gw_str_from(document), &limits, &root, &err), GW_OK);
    assert_ptr_equal(json_pointer_get(root, GW_STR("")), root);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct json_value *value = json_pointer_get(root, gw_str_from(rows[i].pointer));
        if ((value == NULL) != (rows[i].value == NULL))
            fail_msg("%s", rows[i].pointer);
        if (value != NULL && !gw_str_eq(json_text(&arena, value), gw_str_from(rows[i].value)))
            fail_msg("%s", rows[i].pointer);
    }
}

static void a_reference_token_that_is_too_long_finds_nothing(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    char name[JSON_POINTER_TOKEN_BYTES_MAX + 3] = "/";
    memset(name + 1, 'n', sizeof name - 2);
    name[sizeof name - 1] = '\0';
    struct json_value *root = json_object_new(&arena);
    json_object_append(&arena, root, gw_str_from(name + 1), json_null_new(&arena));
    assert_null(json_pointer_get(root, gw_str_from(name)));
    struct gw_str shorter = gw_str_n(name + 2, JSON_POINTER_TOKEN_BYTES_MAX);
    json_object_append(&arena, root, shorter, json_null_new(&arena));
    assert_non_null(json_pointer_get(root, gw_str_n(name, JSON_POINTER_TOKEN_BYTES_MAX + 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pointer_finds_its_value),
        cmocka_unit_test(a_reference_token_that_is_too_long_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
