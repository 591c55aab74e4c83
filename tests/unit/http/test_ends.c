/* How exchanges end: cut from outside, answered late, replaced, drained. */
#include "tests/unit/http/http_lab.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define HOLD "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"

static void cut_held(struct lab *lab)
{
    http_exchange_cut(lab->held);
    http_exchange_answer(lab->held, 200, NULL, 0, GW_STR("too late"));
}

static void answer_held(struct lab *lab)
{
    struct http_field fields[] = {{GW_STR("Content-Type"), GW_STR("text/x")}, {GW_STR("Date"), GW_STR("now")}};
    http_exchange_answer(lab->held, 503, fields, 2, GW_STR("later"));
}

static void forward_held(struct lab *lab)
{
    struct http_exchange *x = lab->held;
    http_exchange_forward(x, lab->upstream, x->request.fields, x->request.field_count);
}

static void fail_held(struct lab *lab)
{
    http_exchange_fail(lab->held, GW_E_BUSY, NULL);
}

static void forward_and_cut_held(struct lab *lab)
{
    forward_held(lab);
    http_exchange_cut(lab->held);
}

static void an_exchange_waits_for_its_face(void **state)
{
    struct lab *lab = *state;
    char head[4096];
    int client = lab_connect(lab);
    lab_send(client, HOLD);
    lab_await(&lab->requests, 1);
    lab_do(lab, answer_held);
    lab_expect(client, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/x\r\nDate: now\r\n"
                       "Content-Length: 5\r\n\r\nlater");
    lab_send(client, HOLD);
    lab_await(&lab->requests, 2);
    lab_do(lab, fail_held);
    lab_read_head(client, head, sizeof head);
    assert_non_null(strstr(head, "HTTP/1.1 429 Too Many Requests\r\n"));
    assert_non_null(strstr(head, "\r\nRetry-After: 5\r\n"));
    close(client);
}

static void a_cut_while_the_face_decides_delivers_nothing(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, HOLD);
    lab_await(&lab->requests, 1);
    lab_do(lab, cut_held);
    lab_expect_gone(client);
    lab_await(&lab->ends, 1);
    assert_int_equal(atomic_load(&lab->last_end), HTTP_END_CUT);
    close(client);
}

static void a_cut_before_the_turn_ends_reaches_no_upstream(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, HOLD);
    lab_await(&lab->requests, 1);
    lab_do(lab, forward_and_cut_held);
    lab_expect_gone(client);
    assert_false(lab_has_connection(lab));
    close(client);
}

static void a_cut_ends_a_tunnel_a_stream_and_an_upload_on_both_sides(void **state)
{
    static const struct {
        const char *request, *upstream, *answer, *seen;
    } cases[] = {
        {"GET /hold HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
         "GET /hold HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
         "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nx",
         "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nx"},
        {HOLD, HOLD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"},
        {"POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
         "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", "", ""},
    };
    struct lab *lab = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int client = lab_connect(lab);
        lab_send(client, cases[i].request);
        lab_await(&lab->requests, (int)i + 1);
        lab_do(lab, forward_held);
        int app = lab_accept(lab);
        lab_expect(app, cases[i].upstream);
        lab_send(app, cases[i].answer);
        lab_expect(client, cases[i].seen);
        lab_do(lab, cut_held);
        lab_expect_gone(client);
        lab_expect_gone(app);
        close(client);
        close(app);
    }
}

static void a_client_that_leaves_while_the_face_decides_is_told_to_the_face(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, HOLD);
    lab_await(&lab->requests, 1);
    close(client);
    lab_await(&lab->ends, 1);
    assert_int_equal(atomic_load(&lab->last_end), HTTP_END_CLIENT_LEFT);
}

/* --- answers looked at by the face ------------------------------------------------------------------------------ */

static void add_a_cookie(struct http_exchange *x, void *data)
{
    (void)data;
    size_t count = x->answer.field_count;
    struct http_field *fields = gw_arena_array(&x->arena, count + 1, sizeof *fields);
    memcpy(fields, x->answer.fields, count * sizeof *fields);
    fields[count] = (struct http_field){GW_STR("X-Added"), GW_STR("1")};
    x->answer.fields = fields;
    x->answer.field_count = count + 1;
    http_exchange_pass(x);
}

static void replace_the_answer(struct http_exchange *x, void *data)
{
    (void)data;
    http_exchange_answer(x, 403, NULL, 0, GW_STR("no"));
}

static void hold_the_answer(struct http_exchange *x, void *data)
{
    struct lab *lab = data;
    lab->held = x;
    atomic_fetch_add(&lab->last_end, 1000);
}

static void pass_held(struct lab *lab)
{
    http_exchange_pass(lab->held);
}

static int setup_with(void **state, void (*on_answer_head)(struct http_exchange *x, void *face))
{
    struct lab *lab = calloc(1, sizeof *lab);
    lab_init(lab);
    lab->face.on_answer_head = on_answer_head;
    lab_start(lab);
    *state = lab;
    return 0;
}

static int setup_adding(void **state)
{
    return setup_with(state, add_a_cookie);
}

static int setup_replacing(void **state)
{
    return setup_with(state, replace_the_answer);
}

static int setup_holding(void **state)
{
    return setup_with(state, hold_the_answer);
}

static int forward_get(struct lab *lab, int *ret_client)
{
    *ret_client = lab_connect(lab);
    lab_send(*ret_client, GET);
    int app = lab_accept(lab);
    lab_expect(app, GET);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    return app;
}

static void the_face_may_edit_an_answer(void **state)
{
    int client, app = forward_get(*state, &client);
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Added: 1\r\n\r\nok");
    close(client);
    close(app);
}

static void the_face_may_replace_an_answer_and_the_upstream_is_let_go(void **state)
{
    int client, app = forward_get(*state, &client);
    lab_expect(client, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nDate: ");
    lab_expect_gone(app);
    close(client);
    close(app);
}

static void the_face_may_replace_a_101_and_no_tunnel_opens(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    int app = lab_accept(lab);
    lab_expect(app, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    lab_send(app, "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nx");
    char head[4096];
    lab_read_head(client, head, sizeof head);
    assert_non_null(strstr(head, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n"));
    lab_expect(client, "no");
    lab_expect_gone(app);
    lab_send(client, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"); /* still HTTP */
    lab_await(&lab->requests, 2);
    close(client);
    close(app);
}

static void an_answer_can_be_held_and_nothing_leaves_before_it_is_passed(void **state)
{
    struct lab *lab = *state;
    int client, app = forward_get(lab, &client);
    lab_await(&lab->last_end, 1000);
    char byte;
    assert_int_equal(recv(client, &byte, 1, MSG_DONTWAIT), -1);
    lab_do(lab, pass_held);
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    close(client);
    close(app);
}

/* --- draining --------------------------------------------------------------------------------------------------- */

static void a_drain_ends_idle_connections_and_lets_running_exchanges_finish(void **state)
{
    struct lab *lab = *state;
    char head[4096];
    int idle = lab_connect(lab);
    lab_send(idle, "GET /local HTTP/1.1\r\nHost: a\r\n\r\n");
    lab_read_head(idle, head, sizeof head);
    lab_expect(idle, "hello\n");
    int busy = lab_connect(lab);
    lab_send(busy, GET);
    int app = lab_accept(lab);
    lab_expect(app, GET);
    net_loop_stop(lab->loop, LAB_DEADLINE_MS);
    lab_expect_gone(idle);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    lab_expect(busy, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    lab_expect_end(busy);
    close(idle);
    close(busy);
    close(app);
}

static void a_drain_that_is_over_cuts_what_is_left(void **state)
{
    struct lab *lab = *state;
    int busy = lab_connect(lab), half = lab_connect(lab);
    lab_send(half, "GET / HT");
    lab_send(busy, GET);
    int app = lab_accept(lab);
    lab_expect(app, GET);
    net_loop_stop(lab->loop, 0);
    lab_expect_gone(busy);
    lab_expect_gone(half);
    lab_expect_gone(app);
    close(busy);
    close(half);
    close(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_exchange_waits_for_its_face, lab_set_up, lab_tear_down),
        cmocka_unit_test_setup_teardown(a_cut_while_the_face_decides_delivers_nothing, lab_set_up, lab_tear_down),
        cmocka_unit_test_setup_teardown(a_cut_before_the_turn_ends_reaches_no_upstream, lab_set_up, lab_tear_down),
        cmocka_unit_test_setup_teardown(a_cut_ends_a_tunnel_a_stream_and_an_upload_on_both_sides, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_while_the_face_decides_is_told_to_the_face, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(the_face_may_edit_an_answer, setup_adding, lab_tear_down),
        cmocka_unit_test_setup_teardown(the_face_may_replace_an_answer_and_the_upstream_is_let_go, setup_replacing,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(the_face_may_replace_a_101_and_no_tunnel_opens, setup_replacing, lab_tear_down),
        cmocka_unit_test_setup_teardown(an_answer_can_be_held_and_nothing_leaves_before_it_is_passed, setup_holding,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(a_drain_ends_idle_connections_and_lets_running_exchanges_finish, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(a_drain_that_is_over_cuts_what_is_left, lab_set_up, lab_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
