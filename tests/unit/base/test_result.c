#include "tests/support/unit.h"

#include "gateway/base/result.h"

static void a_failure_carries_its_code_and_sentence(void **state)
{
    (void)state;
    struct gw_error err;
    assert_int_equal(gw_fail(&err, GW_E_NOT_FOUND, "no user %d", 7), GW_E_NOT_FOUND);
    assert_int_equal(err.code, GW_E_NOT_FOUND);
    assert_string_equal(err.text, "no user 7");
    assert_int_equal(gw_fail(NULL, GW_E_BUSY, "nobody listens"), GW_E_BUSY);
}

static void a_prefix_stands_before_the_sentence_and_keeps_the_code(void **state)
{
    (void)state;
    struct gw_error err;
    (void)gw_fail(&err, GW_E_INVALID_VALUE, "is empty");
    assert_int_equal(gw_error_prefix(&err, "userName of %s", "x"), GW_E_INVALID_VALUE);
    assert_string_equal(err.text, "userName of x: is empty");
    assert_int_equal(gw_error_prefix(NULL, "x"), GW_E_INTERNAL);
}

static void long_sentences_are_cut_and_end(void **state)
{
    (void)state;
    static char text[2000];
    memset(text, 'a', sizeof text - 1);
    struct gw_error err;
    (void)gw_fail(&err, GW_E_INTERNAL, "%s", text);
    assert_int_equal(strlen(err.text), GW_ERROR_TEXT_MAX - 1);
    (void)gw_error_prefix(&err, "p");
    assert_int_equal(strlen(err.text), GW_ERROR_TEXT_MAX - 1);
    assert_int_equal(strncmp(err.text, "p: aaa", 6), 0);
    (void)gw_error_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.text), GW_ERROR_TEXT_MAX - 1);
}

static void every_code_has_a_name_a_status_and_a_text(void **state)
{
    (void)state;
    for (int code = 0; code < GW_CODE_COUNT; code++) {
        int status = gw_code_status((enum gw_code)code);
        assert_true(status >= 200 && status < 600);
        assert_true(strlen(gw_code_name((enum gw_code)code)) > 3);
        assert_true(strlen(gw_code_text((enum gw_code)code)) > 3);
    }
}

/* RFC 7644 section 3.12, table 9; and 409 for uniqueness only */
static void a_scim_type_goes_with_its_status(void **state)
{
    (void)state;
    for (int code = 0; code < GW_CODE_COUNT; code++) {
        const char *type = gw_code_scim_type((enum gw_code)code);
        if (type == NULL)
            continue;
        int expected = strcmp(type, "uniqueness") == 0 ? 409 : 400;
        assert_int_equal(gw_code_status((enum gw_code)code), expected);
    }
    assert_string_equal(gw_code_scim_type(GW_E_INVALID_FILTER), "invalidFilter");
    assert_null(gw_code_scim_type(GW_E_NOT_FOUND));
}

/* semantics.md 5: what waiting can cure is 429 */
static void what_waiting_can_cure_is_429(void **state)
{
    (void)state;
    static const enum gw_code codes[] = {GW_E_BUSY, GW_E_STALE, GW_E_STORE_FULL, GW_E_STORE_READ_ONLY, GW_E_STORE_IO};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        assert_int_equal(gw_code_status(codes[i]), 429);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_carries_its_code_and_sentence),
        cmocka_unit_test(a_prefix_stands_before_the_sentence_and_keeps_the_code),
        cmocka_unit_test(long_sentences_are_cut_and_end),
        cmocka_unit_test(every_code_has_a_name_a_status_and_a_text),
        cmocka_unit_test(a_scim_type_goes_with_its_status),
        cmocka_unit_test(what_waiting_can_cure_is_429),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
