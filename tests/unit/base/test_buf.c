#include "tests/support/unit.h"

#include "gateway/base/buf.h"

static void the_cap_is_exact_for_every_way_in(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        GW_BUF_SCOPED(buf, 4);
        for (int i = 0; i < 2; i++) {
            if (way == 0) {
                gw_buf_add_lit(&buf, "12");
            } else if (way == 1) {
                gw_buf_printf(&buf, "%d", 12);
            } else if (way == 2) {
                gw_buf_add_u64(&buf, 12);
            } else {
                char *room = gw_buf_reserve(&buf, 2);
                assert_non_null(room);
                memcpy(room, "12", 2);
                gw_buf_advance(&buf, 2);
            }
        }
        assert_false(buf.overflow);
        assert_str_equal(gw_buf_str(&buf), "1212");
        gw_buf_add_byte(&buf, '3');
        assert_true(buf.overflow);
        assert_str_equal(gw_buf_str(&buf), "1212");
    }
}

static void overflow_stays_until_it_is_cleared(void **state)
{
    (void)state;
    GW_BUF_SCOPED(buf, 8);
    gw_buf_add_lit(&buf, "abc");
    gw_buf_printf(&buf, "%s", "far too long for it");
    assert_true(buf.overflow);
    gw_buf_add_lit(&buf, "d"); /* would fit, but then the middle were missing */
    gw_buf_printf(&buf, "d");
    assert_str_equal(gw_buf_str(&buf), "abc");
    gw_buf_clear(&buf);
    assert_false(buf.overflow);
    gw_buf_add_lit(&buf, "d");
    assert_str_equal(gw_buf_str(&buf), "d");
}

static void nothing_can_be_reserved_and_it_is_no_overflow(void **state)
{
    (void)state;
    GW_BUF_SCOPED(buf, 8);
    assert_non_null(gw_buf_reserve(&buf, 0));
    gw_buf_add(&buf, GW_STR_NONE);
    assert_false(buf.overflow);
    assert_null(gw_buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.overflow);
}

static void bytes_are_consumed_from_the_front(void **state)
{
    (void)state;
    GW_BUF_SCOPED(buf, 100000);
    for (int i = 0; i < 10000; i++)
        gw_buf_add_byte(&buf, (char)('a' + i % 26));
    gw_buf_consume(&buf, 26);
    assert_int_equal(buf.len, 9974);
    assert_int_equal(buf.data[0], 'a');
    gw_buf_consume(&buf, 9973);
    assert_str_equal(gw_buf_str(&buf), "p");
    gw_buf_consume(&buf, 1);
    assert_int_equal(buf.len, 0);
}

static void numbers_are_written_in_full(void **state)
{
    (void)state;
    GW_BUF_SCOPED(buf, 100);
    gw_buf_add_u64(&buf, 0);
    gw_buf_add_byte(&buf, ' ');
    gw_buf_add_u64(&buf, UINT64_MAX);
    assert_str_equal(gw_buf_str(&buf), "0 18446744073709551615");
}

static void a_buffer_can_be_used_after_done(void **state)
{
    (void)state;
    struct gw_buf buf;
    gw_buf_init(&buf, 3);
    gw_buf_add_lit(&buf, "abc");
    gw_buf_done(&buf);
    assert_int_equal(buf.max, 3);
    gw_buf_add_lit(&buf, "def");
    assert_str_equal(gw_buf_str(&buf), "def");
    gw_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cap_is_exact_for_every_way_in),
        cmocka_unit_test(overflow_stays_until_it_is_cleared),
        cmocka_unit_test(nothing_can_be_reserved_and_it_is_no_overflow),
        cmocka_unit_test(bytes_are_consumed_from_the_front),
        cmocka_unit_test(numbers_are_written_in_full),
        cmocka_unit_test(a_buffer_can_be_used_after_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
