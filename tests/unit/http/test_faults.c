/* security.md J and C: upstreams and clients that break, stall or cheat. */
#include "tests/unit/http/http_lab.h"

static struct lab *new_lab(void **state)
{
    struct lab *lab = calloc(1, sizeof *lab);
    lab_init(lab);
    *state = lab;
    return lab;
}

static int setup(void **state)
{
    lab_start(new_lab(state));
    return 0;
}

static int setup_impatient(void **state)
{
    struct lab *lab = new_lab(state);
    lab->upstream_settings.head_ms = 400;
    lab->limits.head_ms = 1000;
    lab->limits.idle_ms = 1000;
    lab->limits.min_rate = 4096;
    lab->limits.min_rate_window_ms = 500;
    lab_start(lab);
    return 0;
}

/* The head may take its time, so that a test which is held up is not judged. */
static int setup_impatient_of_bodies(void **state)
{
    struct lab *lab = new_lab(state);
    lab->upstream_settings.idle_ms = 400;
    lab_start(lab);
    return 0;
}

static int setup_without_upstream(void **state)
{
    struct lab *lab = new_lab(state);
    close(lab->upstream_fd);
    lab->upstream_fd = -1;
    lab_start(lab);
    return 0;
}

static int ask(const struct lab *lab, const char *request)
{
    int client = lab_connect(lab);
    lab_send(client, request);
    return client;
}

static void expect_status(int client, const char *status)
{
    char head[8192];
    lab_read_head(client, head, sizeof head);
    head[12] = '\0';
    assert_string_equal(head + 9, status);
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static void j1_a_refused_port_is_502_and_the_connection_goes_on(void **state)
{
    char rest[4096];
    int client = ask(*state, GET "GET /local HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect_status(client, "502");
    lab_read_all(client, rest, sizeof rest);
    assert_non_null(strstr(rest, "the app did not answer properly\nHTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(rest, "\r\n\r\nhello\n"));
    close(client);
}

static void j2_an_upstream_that_never_answers_is_504(void **state)
{
    int client = ask(*state, GET);
    int app = lab_accept(*state);
    lab_expect(app, GET);
    expect_status(client, "504");
    lab_expect_gone(app);
    close(client);
    close(app);
}

static void j3_a_close_before_the_head_is_502_on_a_fresh_connection(void **state)
{
    int client = ask(*state, GET);
    int app = lab_accept(*state);
    lab_expect(app, GET);
    close(app);
    expect_status(client, "502");
    close(client);
}

static int answer_once(struct lab *lab, int client)
{
    int app = lab_accept(lab);
    lab_expect(app, GET);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    return app;
}

static void j3_a_get_on_a_reused_connection_is_retried_once(void **state)
{
    struct lab *lab = *state;
    int client = ask(lab, GET);
    int app = answer_once(lab, client);
    lab_send(client, GET);
    lab_expect(app, GET); /* it arrived, and then the app hangs up without a word */
    close(app);
    int second = lab_accept(lab);
    lab_expect(second, GET);
    close(second);
    expect_status(client, "502"); /* and not a third time */
    assert_false(lab_has_connection(lab));
    close(client);
}

static void j3_a_post_is_never_retried(void **state)
{
    struct lab *lab = *state;
    int client = ask(lab, GET);
    int app = answer_once(lab, client);
    lab_send(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    lab_expect(app, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    close(app);
    expect_status(client, "502");
    assert_false(lab_has_connection(lab));
    close(client);
}

/* Holds the loop, in a turn in which what the test has sent before was read, until it is let go. */
struct pause {
    struct net_loop_message message; /* first */
    atomic_bool has_begun;
    atomic_bool may_end;
};

static void on_pause(struct net_loop_message *message)
{
    struct pause *pause = (struct pause *)message;
    atomic_store(&pause->has_begun, true);
    while (!atomic_load(&pause->may_end))
        sched_yield();
}

static void await_pause(struct lab *lab, struct pause *pause)
{
    net_loop_post(lab->loop, &pause->message);
    while (!atomic_load(&pause->has_begun))
        sched_yield();
}

/* The app's end has come, the loop was not told yet: what could not be retried must not be given to that connection. */
static void j3_a_connection_that_just_died_gets_no_body_and_no_post(void **state)
{
    static const char *requests[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    };
    struct lab *lab = *state;
    int client = ask(lab, GET);
    int app = answer_once(lab, client);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct pause before = {.message.on_arrival = on_pause}, during = {.message.on_arrival = on_pause};
        await_pause(lab, &before);
        lab_send(client, requests[i]);
        net_loop_post(lab->loop, &during.message);
        atomic_store(&before.may_end, true);
        while (!atomic_load(&during.has_begun))
            sched_yield();
        close(app);
        atomic_store(&during.may_end, true);
        app = lab_accept(lab);
        lab_expect(app, requests[i]);
        lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    close(client);
    close(app);
}

/* RFC 9110 section 9.2.2: the app took it and hung up, and what was given of it is still there. */
static void j8_put_and_delete_with_a_small_body_are_given_again(void **state)
{
    static const char *requests[] = {
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Last: 1\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "PUT /collect-forward HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    };
    struct lab *lab = *state;
    int client = ask(lab, GET);
    int app = answer_once(lab, client);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        lab_send(client, requests[i]);
        lab_expect(app, requests[i]);
        close(app);
        app = lab_accept(lab);
        lab_expect(app, requests[i]);
        lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    close(client);
    close(app);
}

static void j8_the_rest_of_a_body_follows_what_is_given_again(void **state)
{
    struct lab *lab = *state;
    int client = ask(lab, GET);
    int app = answer_once(lab, client);
    lab_send(client, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    lab_expect(app, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    close(app);
    app = lab_accept(lab);
    lab_expect(app, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    lab_send(client, "def");
    lab_expect(app, "def");
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    close(client);
    close(app);
}

static void j8_a_body_that_is_too_long_to_keep_is_not_given_again(void **state)
{
    struct lab *lab = *state;
    int client = ask(lab, GET);
    int app = answer_once(lab, client);
    static char body[128 * 1024];
    memset(body, 'x', sizeof body - 1);
    lab_send(client, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 131071\r\n\r\n");
    lab_send(client, body);
    lab_expect(app, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 131071\r\n\r\n");
    lab_expect(app, body);
    close(app);
    expect_status(client, "502");
    assert_false(lab_has_connection(lab));
    close(client);
}

static void j3_an_answer_that_has_begun_is_not_retried(void **state)
{
    struct lab *lab = *state;
    int client = ask(lab, GET);
    int app = answer_once(lab, client);
    lab_send(client, GET);
    lab_expect(app, GET);
    lab_send(app, "HTTP/1.1 2");
    close(app);
    expect_status(client, "502");
    assert_false(lab_has_connection(lab));
    close(client);
}

static void j4_a_cut_answer_never_ends_cleanly(void **state)
{
    static const struct {
        const char *request, *sent, *seen;
    } cases[] = {
        {GET, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"},
        {GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"},
        {GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"},
        {GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"},
        {GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nX: \x01\r\n\r\n",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int client = ask(*state, cases[i].request);
        int app = lab_accept(*state);
        lab_expect(app, cases[i].request);
        lab_send(app, cases[i].sent);
        close(app);
        lab_expect(client, cases[i].seen);
        lab_expect_end(client);
        close(client);
    }
}

static void j4_to_an_http_10_client_a_cut_answer_ends_in_a_reset(void **state)
{
    int client = ask(*state, "GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    int app = lab_accept(*state);
    lab_expect(app, GET);
    lab_send(app, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    lab_expect(client, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf");
    close(app);
    char byte;
    assert_int_equal(recv(client, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(client);
}

static void j5_answers_that_cannot_be_believed_are_502(void **state)
{
    static const char *answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: a\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 -10 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "hello world this is not HTTP\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        int client = ask(*state, GET);
        int app = lab_accept(*state);
        lab_expect(app, GET);
        lab_send(app, answers[i]);
        expect_status(client, "502");
        lab_expect_gone(app);
        close(client);
        close(app);
    }
}

static void j5_too_many_fields_bytes_or_interim_answers_are_502(void **state)
{
    for (int kind = 0; kind < 3; kind++) {
        GW_BUF_SCOPED(answer, 1u << 20);
        for (int i = 0; i < 100 && kind == 2; i++)
            gw_buf_add_lit(&answer, "HTTP/1.1 102 Processing\r\n\r\n");
        gw_buf_add_lit(&answer, "HTTP/1.1 200 OK\r\n");
        for (int i = 0; i < 500 && kind == 0; i++)
            gw_buf_printf(&answer, "X-%d: %d\r\n", i, i);
        gw_buf_add_lit(&answer, "X: ");
        for (int i = 0; i < 70000 && kind == 1; i++)
            gw_buf_add_byte(&answer, 'a');
        gw_buf_add_lit(&answer, "\r\nContent-Length: 0\r\n\r\n");
        int client = ask(*state, "GET / HTTP/1.0\r\nHost: a\r\n\r\n");
        int app = lab_accept(*state);
        lab_expect(app, GET);
        (void)send(app, answer.data, answer.len, MSG_NOSIGNAL);
        expect_status(client, "502");
        lab_expect_gone(app);
        close(client);
        close(app);
    }
}

static void j5_what_follows_an_answer_never_reaches_the_next_client(void **state)
{
    struct lab *lab = *state;
    int client = ask(lab, GET);
    int app = lab_accept(lab);
    lab_expect(app, GET);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
    lab_expect_gone(app);
    lab_send(client, GET);
    int second = lab_accept(lab);
    lab_expect(second, GET);
    lab_send(second, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
    close(client);
    close(app);
    close(second);
}

static void j5_what_an_idle_connection_says_closes_it(void **state)
{
    struct lab *lab = *state;
    int client = ask(lab, GET);
    int app = answer_once(lab, client);
    lab_send(app, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    lab_expect_gone(app);
    close(app);
    lab_send(client, GET);
    close(answer_once(lab, client));
    close(client);
}

static void j6_an_answer_that_stops_is_ended_at_the_limit(void **state)
{
    int client = ask(*state, GET);
    int app = lab_accept(*state);
    lab_expect(app, GET);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    lab_expect_end(client);
    lab_expect_gone(app);
    close(client);
    close(app);
}

static void j9_a_client_that_leaves_takes_its_upstream_request_with_it(void **state)
{
    struct lab *lab = *state;
    for (int i = 0; i < 2; i++) {
        int client = ask(lab, i == 0 ? GET : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
        int app = lab_accept(lab);
        lab_expect(app, i == 0 ? GET : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
        close(client);
        lab_expect_gone(app);
        lab_await(&lab->ends, i + 1);
        assert_int_equal(atomic_load(&lab->last_end), HTTP_END_CLIENT_LEFT);
        close(app);
    }
}

static void a_client_that_only_ends_its_side_still_gets_its_answer(void **state)
{
    struct lab *lab = *state;
    int client = ask(lab, GET);
    shutdown(client, SHUT_WR);
    int app = answer_once(lab, client);
    lab_expect_end(client);
    close(client);
    close(app);
}

static void c1_slow_heads_bodies_and_idle_connections_are_ended(void **state)
{
    struct lab *lab = *state;
    int silent = lab_connect(lab);
    lab_expect_gone(silent);
    int drip = ask(lab, "GET / HT");
    expect_status(drip, "408");
    int half = ask(lab, "GET / HTTP/1.1\r\nHost:");
    expect_status(half, "408");
    int idle = ask(lab, "GET /local HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_status(idle, "200");
    lab_expect(idle, "hello\n");
    lab_expect_gone(idle);
    int body = ask(lab, "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nh");
    lab_expect_gone(body);
    lab_await(&lab->ends, 2);
    assert_int_equal(atomic_load(&lab->last_end), HTTP_END_SLOW);
    close(silent);
    close(drip);
    close(half);
    close(idle);
    close(body);
}

static void c1_a_body_that_nobody_wants_and_that_stalls_ends_the_connection_without_another_answer(void **state)
{
    char rest[4096];
    int client = ask(*state, "POST /local HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    expect_status(client, "200");
    lab_expect(client, "hello\n");
    assert_int_equal(lab_read_all(client, rest, sizeof rest), 0);
    close(client);
}

static void c3_a_client_that_does_not_read_is_ended_and_its_upstream_let_go(void **state)
{
    struct lab *lab = *state;
    int client = ask(lab, GET);
    int app = lab_accept(lab);
    lab_expect(app, GET);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    char junk[65536] = {0};
    while (send(app, junk, sizeof junk, MSG_NOSIGNAL) > 0)
        ;
    assert_true(errno == EPIPE || errno == ECONNRESET);
    lab_await(&lab->ends, 1);
    assert_int_equal(atomic_load(&lab->last_end), HTTP_END_SLOW);
    close(client);
    close(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(j1_a_refused_port_is_502_and_the_connection_goes_on, setup_without_upstream,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(j2_an_upstream_that_never_answers_is_504, setup_impatient, lab_tear_down),
        cmocka_unit_test_setup_teardown(j3_a_close_before_the_head_is_502_on_a_fresh_connection, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j3_a_get_on_a_reused_connection_is_retried_once, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j3_a_post_is_never_retried, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j3_a_connection_that_just_died_gets_no_body_and_no_post, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j8_put_and_delete_with_a_small_body_are_given_again, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j8_the_rest_of_a_body_follows_what_is_given_again, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j8_a_body_that_is_too_long_to_keep_is_not_given_again, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j3_an_answer_that_has_begun_is_not_retried, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j4_a_cut_answer_never_ends_cleanly, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j4_to_an_http_10_client_a_cut_answer_ends_in_a_reset, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j5_answers_that_cannot_be_believed_are_502, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j5_too_many_fields_bytes_or_interim_answers_are_502, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j5_what_follows_an_answer_never_reaches_the_next_client, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j5_what_an_idle_connection_says_closes_it, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(j6_an_answer_that_stops_is_ended_at_the_limit, setup_impatient_of_bodies,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(j9_a_client_that_leaves_takes_its_upstream_request_with_it, setup,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_only_ends_its_side_still_gets_its_answer, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(c1_slow_heads_bodies_and_idle_connections_are_ended, setup_impatient,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(
            c1_a_body_that_nobody_wants_and_that_stalls_ends_the_connection_without_another_answer, setup_impatient,
            lab_tear_down),
        cmocka_unit_test_setup_teardown(c3_a_client_that_does_not_read_is_ended_and_its_upstream_let_go,
                                        setup_impatient, lab_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
