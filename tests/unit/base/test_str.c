#include "tests/support/unit.h"

static void equality_knows_empty_and_case(void **state)
{
    (void)state;
    assert_true(gw_str_eq(GW_STR_NONE, GW_STR("")));
    assert_true(gw_str_eq(GW_STR("ab"), GW_STR("ab")));
    assert_false(gw_str_eq(GW_STR("ab"), GW_STR("aB")));
    assert_false(gw_str_eq(GW_STR("ab"), GW_STR("abc")));
    assert_true(gw_str_eq_nocase(GW_STR("Host"), GW_STR("hOST")));
    assert_false(gw_str_eq_nocase(GW_STR("Host"), GW_STR("Hos")));
    assert_false(gw_str_eq_nocase(GW_STR("k"), GW_STR("\xe2\x84\xaa"))); /* ASCII only: the Kelvin sign is not k */
    assert_false(gw_str_eq_nocase(GW_STR("["), GW_STR("{")));
}

static void starts_and_ends_take_the_empty_affix(void **state)
{
    (void)state;
    assert_true(gw_str_starts(GW_STR("/scim/v2"), GW_STR("/scim")));
    assert_false(gw_str_starts(GW_STR("/sci"), GW_STR("/scim")));
    assert_true(gw_str_starts(GW_STR_NONE, GW_STR_NONE));
    assert_true(gw_str_ends(GW_STR("a.pem"), GW_STR(".pem")));
    assert_true(gw_str_ends(GW_STR("a"), GW_STR("")));
    assert_false(gw_str_ends(GW_STR("pem"), GW_STR(".pem")));
    assert_true(gw_str_starts_nocase(GW_STR("BEARER x"), GW_STR("bearer ")));
    assert_true(gw_str_ends_nocase(GW_STR("x.PEM"), GW_STR(".pem")));
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void order_is_by_bytes_then_length(void **state)
{
    (void)state;
    static const struct {
        struct gw_str a;
        struct gw_str b;
        int order;
    } rows[] = {{GW_STR_INIT("a"), GW_STR_INIT("b"), -1},       {GW_STR_INIT("b"), GW_STR_INIT("a"), 1},
                {GW_STR_INIT("a"), GW_STR_INIT("aa"), -1},      {GW_STR_INIT("aa"), GW_STR_INIT("a"), 1},
                {GW_STR_INIT(""), GW_STR_INIT(""), 0},          {{NULL, 0}, GW_STR_INIT("a"), -1},
                {GW_STR_INIT("\x7f"), GW_STR_INIT("\x80"), -1}, {GW_STR_INIT("a\0b"), GW_STR_INIT("a\0c"), -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(sign(gw_str_compare(rows[i].a, rows[i].b)), rows[i].order);
}

static void positions_past_the_end_give_an_empty_run(void **state)
{
    (void)state;
    assert_int_equal(gw_str_find(GW_STR("a=b=c"), '='), 1);
    assert_int_equal(gw_str_find(GW_STR("abc"), '='), -1);
    assert_int_equal(gw_str_find(GW_STR_NONE, '='), -1);
    assert_str_equal(gw_str_from_pos(GW_STR("abc"), 1), "bc");
    assert_int_equal(gw_str_from_pos(GW_STR("abc"), 3).len, 0);
    assert_int_equal(gw_str_from_pos(GW_STR("abc"), 99).len, 0);
    assert_int_equal(gw_str_from_pos(GW_STR_NONE, 1).len, 0);
}

static void trim_takes_blanks_and_tabs_only(void **state)
{
    (void)state;
    assert_str_equal(gw_str_trim(GW_STR(" \ta b\t ")), "a b");
    assert_str_equal(gw_str_trim(GW_STR(" \t ")), "");
    assert_str_equal(gw_str_trim(GW_STR("\na\r")), "\na\r");
    assert_str_equal(gw_str_trim(GW_STR_NONE), "");
}

static void split_gives_every_part_also_empty_ones(void **state)
{
    (void)state;
    struct gw_str rest = GW_STR(";a;;b;");
    static const char *const parts[] = {"", "a", "", "b", ""};
    for (size_t i = 0; i < 5; i++) {
        assert_non_null(rest.ptr);
        assert_str_equal(gw_str_split(&rest, ';'), parts[i]);
    }
    assert_null(rest.ptr);
    assert_int_equal(gw_str_split(&rest, ';').len, 0);
}

static void numbers_are_digits_within_a_maximum(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max;
        bool ok;
        uint64_t value;
    } rows[] = {{"0", 0, true, 0},
                {"007", 9, true, 7},
                {"10", 10, true, 10},
                {"11", 10, false, 0},
                {"9", 8, false, 0},
                {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
                {"18446744073709551616", UINT64_MAX, false, 0},
                {"99999999999999999999999", UINT64_MAX, false, 0},
                {"", 9, false, 0},
                {"-1", 9, false, 0},
                {"+1", 9, false, 0},
                {" 1", 9, false, 0},
                {"1 ", 9, false, 0},
                {"0x1", 9, false, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t value = 0;
        assert_int_equal(gw_str_to_u64(gw_str_from(rows[i].text), rows[i].max, &value), rows[i].ok);
        if (rows[i].ok)
            assert_true(value == rows[i].value);
    }
}

static void percent_decoding_happens_once_and_refuses_halves(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool plus;
        const char *decoded; /* NULL: refused */
    } rows[] = {{"a%20b", false, "a b"}, {"a+b", true, "a b"},    {"a+b", false, "a+b"}, {"%252e", false, "%2e"},
                {"%c3%A4", false, "ä"},  {"%", false, NULL},      {"%4", false, NULL},   {"%4g", false, NULL},
                {"%g4", false, NULL},    {"ab%41", false, "abA"}, {"", false, ""},       {"%%41", false, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char dst[32];
        size_t len = 0;
        bool ok = gw_str_percent_decode(gw_str_from(rows[i].text), rows[i].plus, dst, &len);
        assert_int_equal(ok, rows[i].decoded != NULL);
        if (ok)
            assert_str_equal(gw_str_n(dst, len), rows[i].decoded);
    }
    char dst[4];
    size_t len = 0;
    assert_true(gw_str_percent_decode(GW_STR("a%00b"), false, dst, &len));
    assert_int_equal(len, 3);
    assert_memory_equal(dst, "a\0b", 3);
}

static void hex_digits_are_the_sixteen(void **state)
{
    (void)state;
    int count = 0;
    for (int c = -128; c < 128; c++)
        count += gw_hex_digit((char)c) >= 0;
    assert_int_equal(count, 22);
    assert_int_equal(gw_hex_digit('f'), 15);
    assert_int_equal(gw_hex_digit('A'), 10);
    assert_int_equal(gw_hex_digit('g'), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_knows_empty_and_case),
        cmocka_unit_test(starts_and_ends_take_the_empty_affix),
        cmocka_unit_test(order_is_by_bytes_then_length),
        cmocka_unit_test(positions_past_the_end_give_an_empty_run),
        cmocka_unit_test(trim_takes_blanks_and_tabs_only),
        cmocka_unit_test(split_gives_every_part_also_empty_ones),
        cmocka_unit_test(numbers_are_digits_within_a_maximum),
        cmocka_unit_test(percent_decoding_happens_once_and_refuses_halves),
        cmocka_unit_test(hex_digits_are_the_sixteen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
