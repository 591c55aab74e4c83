/* security.md A: what must not reach the upstream, and what must. */
#include "tests/unit/http/http_lab.h"

struct refusal {
    const char *request;
    const char *status;
};

#define H "Host: a\r\n"

static const struct refusal refusals[] = {
    /* A1 */
    {"POST / HTTP/1.1\r\n" H "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 4, 4\r\n\r\nabcd", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: +4\r\n\r\nabcd", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 4 \r\n\r\nabcd", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", "400"},
    /* A2 */
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    /* A3 */
    {"GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n X: a\r\n" H "\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "X : a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H ": a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "Content_Length: 4\r\n\r\n", "400"},
    {"GET / HTTP/1.1\nHost: a\n\n", "400"},
    /* A5 */
    {"GET / HTTP/1.1\r\nX: a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H H "\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "400"},
    {"GET http://b/ HTTP/1.1\r\n" H "\r\n", "421"},
    {"GET a:80 HTTP/1.1\r\n" H "\r\n", "400"},
    {"CONNECT a:80 HTTP/1.1\r\n" H "\r\n", "400"},
    /* A7 */
    {"G(T / HTTP/1.1\r\n" H "\r\n", "400"},
    {" / HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET /\r\n", "400"},
    {"GET / HTTP/1.2\r\n" H "\r\n", "505"},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
};

static void what_is_ambiguous_is_refused_closed_and_not_forwarded(void **state)
{
    struct lab *lab = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        char answer[8192];
        int client = lab_connect(lab);
        lab_send(client, refusals[i].request);
        lab_send(client, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(lab_read_all(client, answer, sizeof answer) > 12);
        answer[12] = '\0';
        if (strcmp(answer + 9, refusals[i].status) != 0)
            fail_msg("case %zu: %s instead of %s", i, answer + 9, refusals[i].status);
        close(client);
    }
    assert_int_equal(atomic_load(&lab->requests), 0);
    assert_false(lab_has_connection(lab));
}

static void a4_a_bad_chunk_stream_is_refused_and_no_whole_request_goes_on(void **state)
{
    static const char *bodies[] = {
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "3;\r\nabc\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3_\r\nabc\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcX\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "ffffffffffffffff\r\nabc",
        "3;a=\"b\r\nabc\r\n0\r\n\r\n",
        "\r\n3\r\nabc\r\n0\r\n\r\n",
        "0\r\nContent-Length: 4\r\n\r\n",
        "0\r\nHost: b\r\n\r\n",
        "0\r\nX : a\r\n\r\n",
        "0\r\nX: a\n\r\n",
        "0\r\n folded\r\n\r\n",
    };
    struct lab *lab = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char answer[8192], seen[8192];
        int client = lab_connect(lab);
        lab_send(client, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        lab_send(client, bodies[i]);
        int app = lab_accept(lab);
        assert_true(lab_read_all(client, answer, sizeof answer) > 12);
        answer[12] = '\0';
        assert_string_equal(answer + 9, "400");
        lab_read_all(app, seen, sizeof seen);
        assert_null(strstr(seen, "0\r\n"));
        close(client);
        close(app);
    }
}

static void a9_heads_beyond_the_caps_are_refused_before_they_end(void **state)
{
    struct lab *lab = *state;
    for (int kind = 0; kind < 3; kind++) {
        GW_BUF_SCOPED(request, 4u << 20);
        gw_buf_add_lit(&request, "GET /");
        for (int i = 0; i < 1000000 && kind == 0; i++)
            gw_buf_add_byte(&request, 'a');
        gw_buf_add_lit(&request, " HTTP/1.1\r\nHost: a\r\n");
        for (int i = 0; i < 101 && kind == 1; i++)
            gw_buf_printf(&request, "X-%d: 1\r\n", i);
        gw_buf_add_lit(&request, "X: ");
        for (int i = 0; i < 70000 && kind == 2; i++)
            gw_buf_add_byte(&request, 'a');
        int client = lab_connect(lab);
        char answer[8192];
        (void)send(client, request.data, request.len, MSG_NOSIGNAL);
        lab_read_head(client, answer, sizeof answer);
        answer[12] = '\0';
        assert_string_equal(answer + 9, kind == 0 ? "414" : "431");
        close(client);
    }
    assert_int_equal(atomic_load(&lab->requests), 0);
}

static void a8_nobody_can_drop_or_spoof_a_field_through_connection(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client,
             "GET /own HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\nCookie: s=1\r\nX-Mine: 1\r\n"
             "Connection: close, X-Forwarded-For, Cookie, Host, X-Mine\r\nKeep-Alive: 5\r\nTE: trailers, deflate\r\n"
             "Proxy-Connection: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n");
    int app = lab_accept(lab);
    lab_expect(app, "GET /own HTTP/1.1\r\nHost: a\r\nCookie: s=1\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n");
    lab_send(app, "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2\r\n"
                  "Content-Length: 0\r\n\r\n");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    lab_expect_end(client);
    close(client);
    close(app);
}

static void legal_oddities_pass_as_they_are(void **state)
{
    static const char *requests[] = {
        "PROPFIND /;jsessionid=1 HTTP/1.1\r\nHost: a:8443\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "M-SEARCH //x/%2e%2e/%00/\\ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        "GET /\xc3\xa4?a=b?c[]={}|^ HTTP/1.1\r\nHost: a_b.test\r\nX_Y: 1\r\nX.Z: \xc3\xa4\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nCookie: a=\"b; c\"; d=e,f; =g\r\nCookie: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
        "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
        "POST / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 0\r\nX-HTTP-Method-Override: PUT\r\n\r\n",
    };
    struct lab *lab = *state;
    int client = lab_connect(lab), app = -1;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        lab_send(client, requests[i]);
        if (app < 0)
            app = lab_accept(lab);
        lab_expect(app, requests[i]);
        lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    lab_send(client, "\r\nGET http://A/x?y HTTP/1.1\r\nHost: a\r\n\r\n"); /* RFC 9112 sections 2.2 and 3.2.2 */
    lab_expect(app, "GET /x?y HTTP/1.1\r\nHost: a\r\n\r\n");
    close(client);
    close(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_ambiguous_is_refused_closed_and_not_forwarded, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(a4_a_bad_chunk_stream_is_refused_and_no_whole_request_goes_on, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(a9_heads_beyond_the_caps_are_refused_before_they_end, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(a8_nobody_can_drop_or_spoof_a_field_through_connection, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(legal_oddities_pass_as_they_are, lab_set_up, lab_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
