#include "gateway/http/fetch.h"

#include "tests/unit/http/http_lab.h"

/* One fetch, started and heard of on the loop's thread, waited for from the test's. */
struct asked {
    struct net_loop_message message; /* first */
    struct lab *lab;
    struct http_fetch *fetch;
    size_t body_bytes_max;
    int64_t time_ms;
    bool cancels;
    enum gw_code code;
    int status;
    char body[256];
    char kind[64];
    atomic_bool is_done;
};

static void on_done(const struct http_fetch_result *result, void *data)
{
    struct asked *asked = data;
    struct gw_str kind = http_field_find(result->fields, result->field_count, GW_STR("content-type"));
    asked->code = result->code;
    asked->status = result->status;
    (void)snprintf(asked->body, sizeof asked->body, "%.*s", GW_STR_ARG(result->body));
    (void)snprintf(asked->kind, sizeof asked->kind, "%.*s", GW_STR_ARG(kind));
    atomic_store(&asked->is_done, true);
}

static void on_start(struct net_loop_message *message)
{
    struct asked *asked = (struct asked *)message;
    const struct http_field fields[] = {{GW_STR("Host"), GW_STR("app")}, {GW_STR("Cookie"), GW_STR("sid=1")}};
    struct http_fetch_order order = {.loop = asked->lab->loop,
                                     .upstream = asked->lab->upstream,
                                     .target = GW_STR("/api/me?x=1"),
                                     .fields = fields,
                                     .field_count = 2,
                                     .body_bytes_max = asked->body_bytes_max,
                                     .time_ms = asked->time_ms,
                                     .on_done = on_done,
                                     .data = asked};
    asked->fetch = http_fetch_start(&order);
}

static void on_cancel(struct net_loop_message *message)
{
    struct asked *asked = (struct asked *)message;
    http_fetch_cancel(asked->fetch);
    atomic_store(&asked->is_done, true);
}

static void ask(struct lab *lab, struct asked *asked)
{
    *asked = (struct asked){.lab = lab, .body_bytes_max = 100, .time_ms = LAB_DEADLINE_MS};
    asked->message.on_arrival = on_start;
    net_loop_post(lab->loop, &asked->message);
}

static void await(struct asked *asked)
{
    while (!atomic_load(&asked->is_done))
        (void)sched_yield();
}

static void an_answer_comes_whole_and_the_connection_is_used_again(void **state)
{
    struct lab *lab = *state;
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{\"a\"}",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n3\r\na\"}\r\n0\r\n\r\n",
    };
    int app = -1;
    for (size_t i = 0; i < 2; i++) {
        struct asked asked;
        char head[4096];
        ask(lab, &asked);
        if (app < 0)
            app = lab_accept(lab);
        lab_read_head(app, head, sizeof head);
        assert_string_equal(head, "GET /api/me?x=1 HTTP/1.1\r\nHost: app\r\nCookie: sid=1\r\n\r\n");
        lab_send(app, answers[i]);
        await(&asked);
        assert_int_equal(asked.code, GW_OK);
        assert_int_equal(asked.status, 200);
        assert_string_equal(asked.kind, "application/json");
        assert_string_equal(asked.body, "{\"a\"}");
    }
    (void)close(app);
}

static void what_is_no_whole_answer_is_a_failure(void **state)
{
    struct lab *lab = *state;
    static const struct {
        const char *answer;
        enum gw_code code;
    } rows[] = {
        {"", GW_E_UPSTREAM},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal", GW_E_UPSTREAM},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf", GW_E_UPSTREAM},
        {"nonsense\r\n\r\n", GW_E_UPSTREAM},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", GW_E_UPSTREAM},
        {"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"
         "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789x",
         GW_E_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct asked asked;
        char head[4096];
        ask(lab, &asked);
        int app = lab_accept(lab);
        lab_read_head(app, head, sizeof head);
        lab_send(app, rows[i].answer);
        if (rows[i].code == GW_E_UPSTREAM)
            (void)shutdown(app, SHUT_WR);
        await(&asked);
        if (asked.code != rows[i].code)
            fail_msg("%s: %s", rows[i].answer, gw_code_name(asked.code));
        assert_string_equal(asked.body, "");
        (void)close(app);
    }
}

static void an_app_that_says_nothing_is_given_its_time_and_no_more(void **state)
{
    struct lab *lab = *state;
    struct asked asked = {.lab = lab, .body_bytes_max = 100, .time_ms = 50, .message.on_arrival = on_start};
    net_loop_post(lab->loop, &asked.message);
    int app = lab_accept(lab);
    await(&asked);
    assert_int_equal(asked.code, GW_E_UPSTREAM_TIMEOUT);
    (void)close(app);
}

static void a_cancelled_fetch_is_heard_of_no_more(void **state)
{
    struct lab *lab = *state;
    struct asked asked;
    char head[4096], byte;
    ask(lab, &asked);
    int app = lab_accept(lab);
    lab_read_head(app, head, sizeof head);
    asked.code = GW_E_BUSY;
    asked.message.on_arrival = on_cancel;
    net_loop_post(lab->loop, &asked.message);
    await(&asked);
    assert_true(recv(app, &byte, 1, 0) <= 0);
    assert_int_equal(asked.code, GW_E_BUSY);
    (void)close(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_comes_whole_and_the_connection_is_used_again, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_whole_answer_is_a_failure, lab_set_up, lab_tear_down),
        cmocka_unit_test_setup_teardown(an_app_that_says_nothing_is_given_its_time_and_no_more, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(a_cancelled_fetch_is_heard_of_no_more, lab_set_up, lab_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
