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
    h2_headers(
        &h2, H2_END_STREAM, 1,
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

struct row {
    const char *request; /* lines of the head */
    const char *sent;    /* by the app */
    const char *heads;   /* as the client sees them */
    const char *body;
};

static void answers_of_every_framing_arrive_as_they_are(void **state)
{
    struct h2_world *world = *state;
    static const struct row rows[] = {
        {H2_GET("/"), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ":status: 200\ncontent-length: 0\n\n", ""},
        {H2_GET("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", ":status: 200\n\n",
         "abc"},
        {H2_GET("/"),
         "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\na\r\n0\r\n"
         "X-Sum: 7\r\nContent-Length: 3\r\n\r\n",
         ":status: 404\ntrailer: X-Sum\n\nx-sum: 7\n\n", "a"},
        {H2_GET("/"), "HTTP/1.1 204 No Content\r\nETag: \"x\"\r\n\r\n", ":status: 204\netag: \"x\"\n\n", ""},
        {H2_GET("/"), "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", ":status: 204\ncontent-length: 0\n\n",
         ""},
        {H2_GET("/"), "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nX: 1\r\n\r\n", ":status: 204\nx: 1\n\n", ""},
        {H2_GET("/"), "HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n", ":status: 304\ncontent-length: 50\n\n",
         ""},
        {":method: HEAD\n:scheme: https\n:path: /\n:authority: a\n", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
         ":status: 200\ncontent-length: 5000\n\n", ""},
        {H2_GET("/"), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
         ":status: 103\nlink: </a>\n\n:status: 200\ncontent-length: 1\n\n", "x"},
        {H2_GET("/"), "HTTP/1.1 999 Odd\r\nUpgrade: x\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\nx",
         ":status: 999\ncontent-length: 1\n\n", "x"},
    };
    struct h2 h2;
    h2_open(world, &h2);
    int app = -1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct h2_answer answer;
        char head[1024];
        h2_answer_init(&answer);
        h2_headers(&h2, H2_END_STREAM, (int32_t)(2 * i + 1), rows[i].request);
        if (app < 0)
            app = lab_accept(&world->lab);
        lab_read_head(app, head, sizeof head);
        lab_send(app, rows[i].sent);
        h2_await(&h2, (int32_t)(2 * i + 1), &answer);
        assert_true(answer.has_ended);
        assert_string_equal(answer.heads, rows[i].heads);
        assert_str_equal(gw_buf_str(&answer.body), rows[i].body);
        h2_answer_done(&answer);
    }
    close(app);
    h2_close(&h2);
}

static void an_answer_until_close_ends_the_stream(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer answer;
    char head[1024];
    h2_answer_init(&answer);
    h2_open(world, &h2);
    h2_headers(&h2, H2_END_STREAM, 1, H2_GET("/"));
    int app = lab_accept(&world->lab);
    lab_read_head(app, head, sizeof head);
    lab_send(app, "HTTP/1.0 200 OK\r\n\r\nall of it");
    close(app);
    h2_await(&h2, 1, &answer);
    assert_true(answer.has_ended);
    assert_str_equal(gw_buf_str(&answer.body), "all of it");
    h2_answer_done(&answer);
    h2_close(&h2);
}

/* --- requests with bodies -------------------------------------------------------------------------------------- */

static void finish(struct h2 *h2, int app, int32_t id)
{
    struct h2_answer answer;
    h2_answer_init(&answer);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    h2_await(h2, id, &answer);
    assert_true(answer.has_ended);
    h2_answer_done(&answer);
}

static void a_body_with_a_length_keeps_it(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    h2_open(world, &h2);
    h2_headers(&h2, 0, 1, H2_POST("/") "content-length: 5\nx: y\n");
    int app = lab_accept(&world->lab);
    lab_expect(app, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nx: y\r\n\r\n");
    h2_data(&h2, 0, 1, "he", 2);
    lab_expect(app, "he");
    h2_data(&h2, H2_END_STREAM, 1, "llo", 3);
    lab_expect(app, "llo");
    finish(&h2, app, 1);
    /* The connection to the app is kept: nothing of the first body is left in it. */
    h2_headers(&h2, H2_END_STREAM, 3, H2_POST("/2") "content-length: 0\n");
    lab_expect(app, "POST /2 HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
    finish(&h2, app, 3);
    close(app);
    h2_close(&h2);
}

static void a_body_without_a_length_goes_in_chunks_with_its_trailers(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    h2_open(world, &h2);
    h2_headers(&h2, 0, 1, H2_POST("/") "trailer: x-sum\n");
    int app = lab_accept(&world->lab);
    lab_expect(app, "POST / HTTP/1.1\r\nhost: a\r\ntrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n");
    h2_data(&h2, 0, 1, "hello", 5);
    lab_expect(app, "5\r\nhello\r\n");
    h2_headers(&h2, H2_END_STREAM, 1, "x-sum: 1\nx-two: 2\n");
    lab_expect(app, "0\r\nx-sum: 1\r\nx-two: 2\r\n\r\n");
    finish(&h2, app, 1);
    close(app);
    h2_close(&h2);
}

static void a_request_that_says_it_is_empty_waits_for_its_end(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer answer;
    h2_answer_init(&answer);
    h2_open(world, &h2);
    h2_headers(&h2, 0, 1, H2_POST("/") "content-length: 0\n");
    h2_headers(&h2, H2_END_STREAM, 3, H2_GET("/local"));
    h2_await(&h2, 3, &answer);
    assert_int_equal(atomic_load(&world->lab.requests), 1); /* of /local */
    h2_data(&h2, H2_END_STREAM, 1, "", 0);
    int app = lab_accept(&world->lab);
    lab_expect(app, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
    finish(&h2, app, 1);
    h2_answer_done(&answer);
    close(app);
    h2_close(&h2);
}

static void a_body_is_collected_or_too_large(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer whole, large;
    char bytes[2000];
    memset(bytes, 'x', sizeof bytes);
    h2_answer_init(&whole);
    h2_answer_init(&large);
    h2_open(world, &h2);
    h2_headers(&h2, 0, 1, H2_POST("/collect") "expect: 100-continue\n");
    static struct h2_frame frame;
    assert_true(h2_await_frame(&h2, NGHTTP2_HEADERS, 1, &frame));
    h2_take(&h2, &frame, &whole, false);
    assert_string_equal(whole.heads, ":status: 100\n\n");
    h2_data(&h2, 0, 1, bytes, 500);
    h2_data(&h2, H2_END_STREAM, 1, bytes, 500);
    h2_await(&h2, 1, &whole);
    assert_int_equal(whole.body.len, 1000);
    h2_headers(&h2, 0, 3, H2_POST("/collect"));
    h2_data(&h2, H2_END_STREAM, 3, bytes, 1001);
    h2_await(&h2, 3, &large);
    assert_non_null(strstr(large.heads, ":status: 413\n"));
    assert_true(large.has_ended);
    h2_answer_done(&whole);
    h2_answer_done(&large);
    h2_close(&h2);
}

static void an_early_answer_arrives_and_the_client_is_told_to_stop(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer answer;
    static struct h2_frame frame;
    char head[1024];
    h2_answer_init(&answer);
    h2_open(world, &h2);
    h2_headers(&h2, 0, 1, H2_POST("/"));
    h2_data(&h2, 0, 1, "begun", 5);
    int app = lab_accept(&world->lab);
    lab_read_head(app, head, sizeof head);
    lab_expect(app, "5\r\nbegun\r\n");
    lab_send(app, "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno");
    h2_await(&h2, 1, &answer);
    assert_true(answer.has_ended);
    assert_non_null(strstr(answer.heads, ":status: 401\n"));
    assert_str_equal(gw_buf_str(&answer.body), "no");
    assert_true(h2_await_frame(&h2, NGHTTP2_RST_STREAM, 1, &frame));
    assert_int_equal(h2_u32(frame.payload), NGHTTP2_NO_ERROR);
    lab_expect_gone(app); /* which must not take the half request for a whole one */
    h2_data(&h2, 0, 1, "too late", 8);
    h2_assert_well(world);
    h2_answer_done(&answer);
    close(app);
    h2_close(&h2);
}

/* --- ends ------------------------------------------------------------------------------------------------------ */

static void an_answer_that_breaks_off_resets_its_stream_alone(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer broken, whole;
    char head[1024];
    h2_answer_init(&broken);
    h2_answer_init(&whole);
    h2_open(world, &h2);
    h2_headers(&h2, H2_END_STREAM, 1, H2_GET("/"));
    int app = lab_accept(&world->lab);
    lab_read_head(app, head, sizeof head);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    close(app);
    h2_await(&h2, 1, &broken);
    assert_true(broken.was_reset);
    assert_int_equal(broken.error, NGHTTP2_INTERNAL_ERROR);
    h2_headers(&h2, H2_END_STREAM, 3, H2_GET("/local"));
    h2_await(&h2, 3, &whole);
    assert_true(whole.has_ended);
    h2_answer_done(&broken);
    h2_answer_done(&whole);
    h2_close(&h2);
}

static void a_stream_that_the_client_takes_back_ends_its_request(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    char head[1024];
    h2_open(world, &h2);
    h2_headers(&h2, H2_END_STREAM, 1, H2_GET("/"));
    int app = lab_accept(&world->lab);
    lab_read_head(app, head, sizeof head);
    h2_reset(&h2, 1, NGHTTP2_CANCEL);
    lab_expect_gone(app);
    lab_await(&world->lab.ends, 1);
    assert_int_equal(atomic_load(&world->lab.last_end), HTTP_END_CLIENT_LEFT);
    close(app);
    h2_close(&h2);
}

static void a_client_that_leaves_ends_all_its_requests(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    h2_open(world, &h2);
    for (int32_t id = 1; id <= 9; id += 2)
        h2_headers(&h2, H2_END_STREAM, id, H2_GET("/"));
    lab_await(&world->lab.requests, 5);
    h2_close(&h2);
    lab_await(&world->lab.ends, 5);
}

static void cut_held(struct lab *lab)
{
    http_exchange_cut(lab->held);
}

/* Like the lab's own, and remembers what is to be cut. */
static void on_request_kept(struct http_exchange *x, void *data)
{
    struct lab *lab = data;
    if (gw_str_eq(x->request.path, GW_STR("/cut")))
        lab->held = x;
    lab_on_request(x, data);
}

static int setup_kept(void **state)
{
    struct h2_world *world = h2_world_new();
    world->lab.face.on_request = on_request_kept;
    lab_start(&world->lab);
    *state = world;
    return 0;
}

static void a_cut_ends_that_stream_and_its_app_side_alone(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer cut, other;
    static struct h2_frame frame;
    char head[1024];
    h2_answer_init(&cut);
    h2_answer_init(&other);
    h2_open(world, &h2);
    h2_headers(&h2, H2_END_STREAM, 1, H2_GET("/other"));
    int other_app = lab_accept(&world->lab);
    lab_read_head(other_app, head, sizeof head);
    h2_headers(&h2, 0, 3, H2_POST("/cut"));
    int cut_app = lab_accept(&world->lab);
    lab_read_head(cut_app, head, sizeof head);
    lab_send(cut_app, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
    assert_true(h2_await_frame(&h2, NGHTTP2_DATA, 3, &frame));
    lab_do(&world->lab, cut_held);
    h2_await(&h2, 3, &cut);
    assert_true(cut.was_reset);
    assert_int_equal(cut.error, NGHTTP2_CANCEL);
    assert_int_equal(cut.body.len, 0);
    lab_expect_gone(cut_app);
    lab_await(&world->lab.ends, 1);
    assert_int_equal(atomic_load(&world->lab.last_end), HTTP_END_CUT);
    lab_send(other_app, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole");
    h2_await(&h2, 1, &other);
    assert_true(other.has_ended);
    assert_str_equal(gw_buf_str(&other.body), "whole");
    h2_answer_done(&cut);
    h2_answer_done(&other);
    close(cut_app);
    close(other_app);
    h2_close(&h2);
}

static void a_cut_before_any_answer_sends_none(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer cut;
    h2_answer_init(&cut);
    h2_open(world, &h2);
    h2_headers(&h2, H2_END_STREAM, 1, H2_GET("/hold"));
    lab_await(&world->lab.requests, 1);
    lab_do(&world->lab, cut_held);
    h2_await(&h2, 1, &cut);
    assert_true(cut.was_reset);
    assert_string_equal(cut.heads, "");
    h2_answer_done(&cut);
    h2_close(&h2);
}

static void draining_says_goaway_twice_and_finishes_what_runs(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer answer;
    static struct h2_frame frame;
    char head[1024];
    h2_answer_init(&answer);
    h2_open(world, &h2);
    h2_headers(&h2, H2_END_STREAM, 1, H2_GET("/"));
    int app = lab_accept(&world->lab);
    lab_read_head(app, head, sizeof head);
    net_loop_stop(world->lab.loop, LAB_DEADLINE_MS);
    assert_true(h2_await_frame(&h2, NGHTTP2_GOAWAY, 0, &frame));
    assert_int_equal(h2_u32(frame.payload), INT32_MAX);
    assert_true(h2_await_frame(&h2, NGHTTP2_GOAWAY, 0, &frame));
    assert_int_equal(h2_u32(frame.payload), 1);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    h2_await(&h2, 1, &answer);
    assert_true(answer.has_ended);
    assert_false(h2_read(&h2, &frame));
    h2_answer_done(&answer);
    close(app);
    h2_close(&h2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, h2_setup, h2_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_here),
        TEST(a_request_is_forwarded_with_host_order_and_joined_cookies),
        TEST(answers_of_every_framing_arrive_as_they_are),
        TEST(an_answer_until_close_ends_the_stream),
        TEST(a_body_with_a_length_keeps_it),
        TEST(a_body_without_a_length_goes_in_chunks_with_its_trailers),
        TEST(a_request_that_says_it_is_empty_waits_for_its_end),
        TEST(a_body_is_collected_or_too_large),
        TEST(an_early_answer_arrives_and_the_client_is_told_to_stop),
        TEST(an_answer_that_breaks_off_resets_its_stream_alone),
        TEST(a_stream_that_the_client_takes_back_ends_its_request),
        TEST(a_client_that_leaves_ends_all_its_requests),
        cmocka_unit_test_setup_teardown(a_cut_ends_that_stream_and_its_app_side_alone, setup_kept, h2_teardown),
        TEST(a_cut_before_any_answer_sends_none),
        TEST(draining_says_goaway_twice_and_finishes_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
