#include "gateway/net/timer.h"

#include "gateway/base/clock.h"
#include "tests/unit/http/http_lab.h"

#include <sys/eventfd.h>

static char order[64];
static char text_a[] = "a", text_b[] = "b", text_c[] = "c", text_x[] = "x", text_dot[] = ".";

static void note(void *data)
{
    (void)strncat(order, data, sizeof order - strlen(order) - 1);
}

static void timers_run_in_the_order_of_their_time_and_not_early(void **state)
{
    (void)state;
    struct net_timers timers;
    net_timers_init(&timers);
    order[0] = '\0';
    (void)net_timers_add(&timers, 30, 0, note, text_c);
    (void)net_timers_add(&timers, 10, 0, note, text_a);
    (void)net_timers_add(&timers, 20, 0, note, text_b);
    struct net_timer *cancelled = net_timers_add(&timers, 15, 0, note, text_x);
    (void)net_timers_add(&timers, 5, 10, note, text_dot);
    assert_int_equal(net_timers_wait_ms(&timers, 0, 100), 5);
    net_timer_cancel(cancelled);
    net_timers_run(&timers, 4);
    assert_string_equal(order, "");
    net_timers_run(&timers, 20);
    assert_string_equal(order, ".ab");
    assert_int_equal(net_timers_wait_ms(&timers, 20, 100), 10);
    net_timers_run(&timers, 31);
    assert_string_equal(order, ".abc.");
    assert_int_equal(net_timers_wait_ms(&timers, 100, 50), 0);
    net_timers_done(&timers);
    assert_int_equal(net_timers_wait_ms(&timers, 0, 50), 50);
}

static void on_count(void *data)
{
    atomic_fetch_add((atomic_int *)data, 1);
}

static void ticks_timers_messages_and_eventfds_come_on_a_running_loop(void **state)
{
    (void)state;
    struct lab lab;
    atomic_int ticks = 0, expiries = 0, readables = 0;
    lab_init(&lab);
    int fd = eventfd(0, EFD_CLOEXEC);
    net_loop_every(lab.loop, 5, on_count, &ticks);
    (void)net_timer_start(lab.loop, 5, on_count, &expiries);
    net_timer_cancel(net_timer_start(lab.loop, 1, on_count, &expiries));
    net_loop_watch_eventfd(lab.loop, fd, on_count, &readables);
    lab_start(&lab);
    lab_await(&ticks, 3);
    lab_await(&expiries, 1);
    uint64_t one = 1;
    assert_int_equal(write(fd, &one, sizeof one), sizeof one);
    lab_await(&readables, 1);
    lab_stop(&lab);
    assert_int_equal(atomic_load(&expiries), 1);
    close(fd);
}

#define MESSAGES 1000

struct numbered {
    struct net_loop_message message;
    int number;
};

static atomic_int arrived;

static void on_numbered(struct net_loop_message *message)
{
    struct numbered *numbered = (struct numbered *)message;
    if (numbered->number == atomic_load(&arrived)) /* a message out of order is never counted */
        atomic_fetch_add(&arrived, 1);
}

static void messages_arrive_in_the_order_posted(void **state)
{
    (void)state;
    struct lab lab;
    static struct numbered messages[MESSAGES];
    lab_init(&lab);
    lab_start(&lab);
    for (int i = 0; i < MESSAGES; i++) {
        messages[i] = (struct numbered){.message = {.on_arrival = on_numbered}, .number = i};
        net_loop_post(lab.loop, &messages[i].message);
    }
    lab_await(&arrived, MESSAGES);
    lab_stop(&lab);
}

static int64_t seen_ms;

static void look_at_the_clock(struct lab *lab)
{
    seen_ms = net_loop_now_ms(lab->loop);
}

/* Also the first event after a wait does not see the time at which the wait began. */
static void an_event_sees_a_time_that_is_not_before_it(void **state)
{
    (void)state;
    struct lab lab;
    lab_init(&lab);
    lab_start(&lab);
    for (int i = 0; i < 100; i++) {
        int64_t posted_ms = gw_clock_mono_ms();
        lab_do(&lab, look_at_the_clock);
        assert_true(seen_ms >= posted_ms);
        while (gw_clock_mono_ms() == posted_ms)
            sched_yield();
    }
    lab_stop(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_run_in_the_order_of_their_time_and_not_early),
        cmocka_unit_test(ticks_timers_messages_and_eventfds_come_on_a_running_loop),
        cmocka_unit_test(messages_arrive_in_the_order_posted),
        cmocka_unit_test(an_event_sees_a_time_that_is_not_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
