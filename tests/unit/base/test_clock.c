#include "tests/support/unit.h"

#include "gateway/base/clock.h"

/* RFC 7643 section 2.3.5, xsd:dateTime */
static void times_are_read_as_the_standard_says(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-21T22:21:44.123Z", 1795299704123},
        {"2026-11-21T22:21:44", 1795299704000},
        {"2026-11-21T23:21:44+01:00", 1795299704000},
        {"2026-11-21T17:51:44-04:30", 1795299704000},
        {"2026-11-21T22:21:44.1Z", 1795299704100},
        {"2026-11-21T22:21:44.1239999Z", 1795299704123},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2016-12-31T23:59:60Z", 1483228800000}, /* a leap second is the next one */
        {"2026-11-20T24:00:00Z", 1795219200000},
        {"2026-11-20T24:00:01Z", -1},
        {"2026-11-20T24:30:00Z", -1},
        {"2026-02-30T24:00:00Z", -1},
        {"2026-02-29T00:00:00Z", -1},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"1900-02-29T00:00:00Z", -1},
        {"2026-04-31T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-00-01T00:00:00Z", -1},
        {"2026-01-00T00:00:00Z", -1},
        {"2026-01-01T25:00:00Z", -1},
        {"2026-01-01T00:60:00Z", -1},
        {"2026-01-01T00:00:61Z", -1},
        {"2026-01-01T00:00:00+14:00", 1767175200000},
        {"2026-01-01T00:00:00+14:01", -1},
        {"2026-01-01T00:00:00+15:00", -1},
        {"2026-01-01T00:00:00+1:00", -1},
        {"2026-01-01T00:00:00.Z", -1},
        {"2026-01-01T00:00:00.0000000000000Z", -1},
        {"2026-01-01T00:00Z", -1},
        {"2026-01-01", -1},
        {"2026-01-01 00:00:00Z", -1},
        {"2026-01-01T00:00:00z", -1},
        {"2026-01-01T00:00:00Zx", -1},
        {" 2026-01-01T00:00:00Z", -1},
        {"1600-01-01T00:00:00Z", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = -1;
        bool ok = gw_time_parse(gw_str_from(rows[i].text), &ms);
        if (ok != (rows[i].ms >= 0) || ms != rows[i].ms)
            fail_msg("%s: %lld", rows[i].text, (long long)ms);
    }
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    char text[GW_TIME_TEXT_MAX];
    for (int64_t ms = -11000000000000; ms < 253402300799999; ms += 86399999777 * 37) {
        int64_t back = 0;
        size_t len = gw_time_format(ms, text);
        assert_int_equal(len, 24);
        assert_true(gw_time_parse(gw_str_n(text, len), &back));
        assert_true(back == ms);
    }
    assert_int_equal(gw_time_format(-1, text), 24);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    assert_int_equal(gw_time_format(253402300800000, text), 0); /* the year 10000 has no form here */
}

static void a_frozen_wall_clock_stands_and_the_monotonic_one_goes_on(void **state)
{
    (void)state;
    gw_clock_freeze_wall(42);
    assert_int_equal(gw_clock_wall_ms(), 42);
    int64_t before = gw_clock_mono_us();
    while (gw_clock_mono_us() == before)
        continue;
    assert_true(gw_clock_mono_us() > before);
    assert_int_equal(gw_clock_wall_ms(), 42);
    gw_clock_freeze_wall(0);
    assert_true(gw_clock_wall_ms() > 1700000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_as_the_standard_says),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_frozen_wall_clock_stands_and_the_monotonic_one_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
