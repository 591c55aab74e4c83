#include "gateway/net/queue.h"
#include "tests/support/unit.h"

static void bytes_leave_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    struct net_queue queue;
    net_queue_init(&queue);
    GW_BUF_SCOPED(seen, 1u << 20);
    GW_BUF_SCOPED(expected, 1u << 20);
    for (int i = 0; i < 1000; i++) {
        gw_buf_printf(&queue.collecting, "<%d>", i * i);
        gw_buf_printf(&expected, "<%d>", i * i);
        if (i % 3 != 0)
            continue;
        struct gw_str piece = net_queue_piece(&queue, 7);
        gw_buf_printf(&queue.collecting, "+"); /* while a piece is on its way */
        gw_buf_printf(&expected, "+");
        gw_buf_add(&seen, piece);
        net_queue_written(&queue);
        assert_int_equal(net_queue_bytes(&queue), expected.len - seen.len);
    }
    while (net_queue_bytes(&queue) > 0) {
        gw_buf_add(&seen, net_queue_piece(&queue, 1000));
        net_queue_written(&queue);
    }
    assert_true(gw_str_eq(gw_buf_str(&seen), gw_buf_str(&expected)));
    assert_int_equal(net_queue_piece(&queue, 10).len, 0);
    net_queue_done(&queue);
}

static void what_is_being_written_does_not_move(void **state)
{
    (void)state;
    struct net_queue queue;
    net_queue_init(&queue);
    gw_buf_add_lit(&queue.collecting, "still");
    struct gw_str piece = net_queue_piece(&queue, 100);
    for (int i = 0; i < 100000; i++)
        gw_buf_add_lit(&queue.collecting, "growing");
    assert_str_equal(piece, "still");
    net_queue_trim(&queue); /* does nothing to what is in use */
    assert_str_equal(piece, "still");
    net_queue_written(&queue);
    net_queue_done(&queue);
}

/* security.md C3: a reader that stands still holds one buffer, not two. */
static void the_buffer_that_waits_empty_is_given_back(void **state)
{
    (void)state;
    struct net_queue queue;
    net_queue_init(&queue);
    for (int i = 0; i < 2; i++) {
        gw_buf_add_lit(&queue.collecting, "first");
        (void)net_queue_piece(&queue, 100);
        net_queue_written(&queue);
    }
    gw_buf_add_lit(&queue.collecting, "still");
    struct gw_str piece = net_queue_piece(&queue, 100);
    assert_true(queue.collecting.capacity > 0);
    net_queue_trim(&queue);
    assert_int_equal(queue.collecting.capacity, 0);
    assert_str_equal(piece, "still");
    net_queue_written(&queue);
    gw_buf_add_lit(&queue.collecting, "next");
    assert_str_equal(net_queue_piece(&queue, 100), "next");
    net_queue_done(&queue);
}

static void passing_the_cap_is_marked(void **state)
{
    (void)state;
    struct net_queue queue;
    net_queue_init(&queue);
    assert_non_null(gw_buf_reserve(&queue.collecting, NET_QUEUE_BYTES_MAX));
    assert_null(gw_buf_reserve(&queue.collecting, NET_QUEUE_BYTES_MAX + 1));
    assert_true(queue.collecting.overflow);
    net_queue_done(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_leave_in_the_order_in_which_they_came),
        cmocka_unit_test(what_is_being_written_does_not_move),
        cmocka_unit_test(the_buffer_that_waits_empty_is_given_back),
        cmocka_unit_test(passing_the_cap_is_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
