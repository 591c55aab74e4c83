#include "tests/unit/http/http_lab.h"

static void a_request_and_its_answer_pass_byte_for_byte(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client,
             "GET /a%2Fb;x=1/../c?q=%zz HTTP/1.1\r\nhost: app.test\r\nX-B: 2\r\nx-a: 1\r\nX-B: 3\r\nEmpty:\r\n\r\n");
    int app = lab_accept(lab);
    lab_expect(app,
               "GET /a%2Fb;x=1/../c?q=%zz HTTP/1.1\r\nhost: app.test\r\nX-B: 2\r\nx-a: 1\r\nX-B: 3\r\nEmpty: \r\n\r\n");
    const char *answer = "HTTP/1.1 299 Odd But  True\r\nSet-Cookie: b=2\r\nDate: yesterday\r\nset-cookie: a=1\r\n"
                         "Server: x\r\nContent-Length: 5\r\n\r\nhello";
    lab_send(app, answer);
    lab_expect(client, answer);
    lab_send(client, "GET /2 HTTP/1.1\r\nHost: app.test\r\n\r\n"); /* both connections are used again */
    lab_expect(app, "GET /2 HTTP/1.1\r\nHost: app.test\r\n\r\n");
    lab_send(app, "HTTP/1.1 204 No Content\r\n\r\n");
    lab_expect(client, "HTTP/1.1 204 No Content\r\n\r\n");
    close(client);
    close(app);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                     "GET /local HTTP/1.1\r\nHost: a\r\n\r\n");
    int app = lab_accept(lab);
    lab_expect(app, "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    assert_int_equal(atomic_load(&lab->requests), 1);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    lab_expect(app, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2HTTP/1.1 200 OK\r\nContent-Length: 6\r\nDate: ");
    close(client);
    close(app);
}

static void chunked_bodies_and_trailers_pass_both_ways(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                     "5;ext=\"v\"\r\nhello\r\n0\r\nX-Sum: 9\r\n\r\n");
    int app = lab_accept(lab);
    lab_expect(app, "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                    "5\r\nhello\r\n0\r\nX-Sum: 9\r\n\r\n");
    lab_send(app, "HTTP/1.1 404 Nope\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\nX-T: 2\r\n\r\n");
    lab_expect(client,
               "HTTP/1.1 404 Nope\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\nX-T: 2\r\n\r\n");
    close(client);
    close(app);
}

static void an_answer_that_ends_with_the_connection_is_chunked_for_http_11_and_ends_for_http_10(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    int app = lab_accept(lab);
    lab_expect(app, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    lab_send(app, "HTTP/1.0 200 OK\r\nX: 1\r\n\r\nhello");
    close(app);
    lab_expect(client, "HTTP/1.1 200 OK\r\nX: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    close(client);

    client = lab_connect(lab);
    lab_send(client, "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    app = lab_accept(lab);
    lab_expect(app, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    lab_send(app, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    lab_expect(client, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
    lab_expect_end(client);
    close(client);
    close(app);
}

static void interim_answers_pass(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    int app = lab_accept(lab);
    lab_expect(app, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    lab_send(app, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    lab_expect(client, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    lab_send(client, "ab");
    lab_expect(app, "ab");
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    close(client);
    close(app);
}

static void a_collected_body_is_asked_for_and_given_to_the_face(void **state)
{
    struct lab *lab = *state;
    char head[4096];
    int client = lab_connect(lab);
    lab_send(client, "POST /collect HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    lab_expect(client, "HTTP/1.1 100 Continue\r\n\r\n");
    lab_send(client, "abcd");
    lab_read_head(client, head, sizeof head);
    assert_non_null(strstr(head, "Content-Length: 4\r\n"));
    lab_expect(client, "abcd");
    lab_send(client, "POST /collect-forward HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                     "chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\nT: 1\r\n\r\n");
    int app = lab_accept(lab);
    lab_expect(app, "POST /collect-forward HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n4\r\nabcd\r\n0\r\nT: 1\r\n\r\n");
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    lab_send(client, "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");
    lab_read_head(client, head, sizeof head);
    assert_non_null(strstr(head, "HTTP/1.1 413 "));
    close(client);
    close(app);
}

static void a_websocket_is_a_tunnel(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client,
             "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\nearly");
    int app = lab_accept(lab);
    lab_expect(app, "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    lab_send(app, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfirst");
    lab_expect(client, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfirst");
    lab_expect(app, "early");
    lab_send(client, "ping");
    lab_expect(app, "ping");
    lab_send(app, "pong");
    lab_expect(client, "pong");
    lab_send(app, "last words");
    shutdown(app, SHUT_WR);
    lab_expect(client, "last words");
    lab_expect_end(client);
    lab_send(client, "bye");
    shutdown(client, SHUT_WR);
    lab_expect(app, "bye");
    lab_expect_end(app);
    close(client);
    close(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_and_its_answer_pass_byte_for_byte, lab_set_up, lab_tear_down),
        cmocka_unit_test_setup_teardown(pipelined_requests_are_answered_in_order, lab_set_up, lab_tear_down),
        cmocka_unit_test_setup_teardown(chunked_bodies_and_trailers_pass_both_ways, lab_set_up, lab_tear_down),
        cmocka_unit_test_setup_teardown(
            an_answer_that_ends_with_the_connection_is_chunked_for_http_11_and_ends_for_http_10, lab_set_up,
            lab_tear_down),
        cmocka_unit_test_setup_teardown(interim_answers_pass, lab_set_up, lab_tear_down),
        cmocka_unit_test_setup_teardown(a_collected_body_is_asked_for_and_given_to_the_face, lab_set_up, lab_tear_down),
        cmocka_unit_test_setup_teardown(a_websocket_is_a_tunnel, lab_set_up, lab_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
