/* Exchanges over HTTP/2: what the face, the app and the client see of them (RFC 9113). */
#include "tests/unit/http/http2_lab.h"

static void a_request_is_answered_here(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer answer;
    h2_answer_init(&answer);
    h2_open(world, &h2);
    h2_headers(&h2, H2_END_STREAM, 1, H2_GET("/local"));
    h2_await(&h2, 1, &answer);
    assert_true(answer.has_ended);
    assert_non_null(strstr(answer.heads, ":status: 200\ncontent-length: 6\ndate: "));
    assert_str_equal(gw_buf_str(&answer.body), "hello\n");
    h2_answer_done(&answer);
    h2_close(&h2);
}

static void a_request_is_forwarded_with_host_order_and_joined_cookies(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer answer;
    h2_answer_init(&answer);
    h2_open(world, &h2);
    h2_headers(&h2, H2_END_STREAM, 1,
               H2_GET("/a;b=%2F?c") "cookie: a=1\nx-one: 1\ncookie: b=2\nx_two: 2\nte: trailers\ncookie: c=3\nx-one: 3\n");
    int app = lab_accept(&world->lab);
    lab_expect(app, "GET /a;b=%2F?c HTTP/1.1\r\nhost: a\r\ncookie: a=1; b=2; c=3\r\nx-one: 1\r\nx_two: 2\r\n"
                    "te: trailers\r\nx-one: 3\r\nConnection: TE\r\n\r\n");
    lab_send(app, "HTTP/1.1 203 Odd\r\nServer: S\r\nSet-Cookie: a=1\r\nConnection: x-hop\r\nX-Hop: 1\r\n"
                  "Set-Cookie: b=2\r\nKeep-Alive: 5\r\nContent-Length: 2\r\n\r\nok");
    h2_await(&h2, 1, &answer);
    assert_string_equal(answer.heads,
                        ":status: 203\nserver: S\nset-cookie: a=1\nset-cookie: b=2\ncontent-length: 2\n\n");
    assert_str_equal(gw_buf_str(&answer.body), "ok");
    h2_answer_done(&answer);
    h2_close(&h2);
    close(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_is_answered_here, h2_setup, h2_teardown),
        cmocka_unit_test_setup_teardown(a_request_is_forwarded_with_host_order_and_joined_cookies, h2_setup,
                                        h2_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
