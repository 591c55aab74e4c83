/* Gauges with labels in the memory of the metrics. */
#include "tests/support/unit.h"

#include "gateway/base/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int attach(void **state)
{
    *state = calloc(1, sizeof(struct gw_metrics));
    gw_metrics_attach(*state, 0, 1);
    return *state != NULL ? 0 : -1;
}

static int detach(void **state)
{
    free(*state);
    return 0;
}

static void expect(const struct gw_metrics *metrics, const char *line, bool is_there)
{
    GW_BUF_SCOPED(text, 1u << 20);
    gw_metrics_write(metrics, &text);
    gw_buf_add_byte(&text, '\0');
    assert_int_equal(strstr(text.data, line) != NULL, is_there);
}

static void a_row_is_told_with_its_labels_escaped(void **state)
{
    gw_gauge_set(GW_GAUGE_UPSTREAM_UP, "wiki", "unix:/a\"b\\c", 1);
    expect(*state, "\nprovgate_upstream_server_up{app=\"wiki\",server=\"unix:/a\\\"b\\\\c\"} 1\n", true);
    gw_gauge_set(GW_GAUGE_UPSTREAM_UP, "wiki", "unix:/a\"b\\c", 0);
    expect(*state, "\nprovgate_upstream_server_up{app=\"wiki\",server=\"unix:/a\\\"b\\\\c\"} 0\n", true);
    expect(*state, "} 1\n", false);
}

static void a_row_goes_with_its_last_holder(void **state)
{
    gw_gauge_hold(GW_GAUGE_UPSTREAM_UP, "wiki", "http://a");
    gw_gauge_hold(GW_GAUGE_UPSTREAM_UP, "wiki", "http://a");
    gw_gauge_drop(GW_GAUGE_UPSTREAM_UP, "wiki", "http://a");
    expect(*state, "server=\"http://a\"} 0\n", true);
    gw_gauge_drop(GW_GAUGE_UPSTREAM_UP, "wiki", "http://a");
    expect(*state, "server=\"http://a\"", false);
}

static void rows_are_bounded(void **state)
{
    for (unsigned i = 0; i < GW_GAUGES_MAX + 5; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "http://%u/", i);
        gw_gauge_set(GW_GAUGE_UPSTREAM_UP, "wiki", name, 1);
    }
    expect(*state, "server=\"http://511/\"} 1\n", true);
    expect(*state, "server=\"http://512/\"", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_row_is_told_with_its_labels_escaped, attach, detach),
        cmocka_unit_test_setup_teardown(a_row_goes_with_its_last_holder, attach, detach),
        cmocka_unit_test_setup_teardown(rows_are_bounded, attach, detach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
