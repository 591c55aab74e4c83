/* Gauges with labels in the memory of the metrics. */
#include "tests/support/unit.h"

#include "gateway/base/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
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

/* Two names share a row in turns: whoever reads meanwhile sees one of them whole, or none. */
static void *take_turns(void *is_over)
{
    static const char *const names[] = {"http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                        "http://bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
    for (unsigned i = 0; !atomic_load((atomic_bool *)is_over); i++) {
        gw_gauge_hold(GW_GAUGE_UPSTREAM_UP, "wiki", names[i % 2]);
        gw_gauge_drop(GW_GAUGE_UPSTREAM_UP, "wiki", names[i % 2]);
    }
    return NULL;
}

static void a_row_that_is_made_anew_is_read_whole_or_not_at_all(void **state)
{
    pthread_t thread;
    atomic_bool is_over = false;
    assert_int_equal(pthread_create(&thread, NULL, take_turns, &is_over), 0);
    for (unsigned i = 0; i < 2000; i++) {
        GW_BUF_SCOPED(text, 1u << 20);
        gw_metrics_write(*state, &text);
        gw_buf_add_byte(&text, '\0');
        const char *label = strstr(text.data, "server=\"");
        if (label == NULL)
            continue;
        label += strlen("server=\"http://");
        assert_int_equal(strspn(label, label[0] == 'a' ? "a" : "b"), 32);
        assert_int_equal(label[32], '"');
        assert_int_equal(gw_gauge_max(GW_GAUGE_UPSTREAM_UP), 0);
    }
    atomic_store(&is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_row_is_told_with_its_labels_escaped, attach, detach),
        cmocka_unit_test_setup_teardown(a_row_goes_with_its_last_holder, attach, detach),
        cmocka_unit_test_setup_teardown(rows_are_bounded, attach, detach),
        cmocka_unit_test_setup_teardown(a_row_that_is_made_anew_is_read_whole_or_not_at_all, attach, detach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
