/* What is refused over HTTP/2: security.md B1 to B4. None of it reaches the face, let alone the app. */
#include "tests/unit/http/http2_lab.h"

#define BASE ":method: GET\n:scheme: https\n:path: /x\n:authority: a\n"
#define NO_PATH ":method: GET\n:scheme: https\n:authority: a\n"
#define NO_METHOD ":scheme: https\n:path: /x\n:authority: a\n"
#define NO_AUTHORITY ":method: GET\n:scheme: https\n:path: /x\n"
#define NO_SCHEME ":method: GET\n:path: /x\n:authority: a\n"

struct bad_head {
    const char *lines; /* \v stands for LF, \f for NUL */
    const char *data;  /* sent behind it with END_STREAM; NULL: the head ends the stream */
};

/* B1: names, values, and what belongs to a connection of HTTP/1.1. */
static const struct bad_head bad_fields[] = {
    {BASE "x: a\r\v\n", NULL},
    {BASE "x: a\vb: c\n", NULL},
    {BASE "x: a\rb\n", NULL},
    {BASE "x: a\f\n", NULL},
    {BASE "x: \x01\n", NULL},
    {BASE "x:  a\n", NULL},
    {BASE "x: a \n", NULL},
    {BASE "x: a\t\n", NULL},
    {BASE "X: a\n", NULL},
    {BASE "x-Y: a\n", NULL},
    {BASE "x y: a\n", NULL},
    {BASE "x\vy: a\n", NULL},
    {BASE "x\r: a\n", NULL},
    {BASE "x\f: a\n", NULL},
    {BASE "x:y: a\n", NULL},
    {BASE "x(: a\n", NULL},
    {BASE "x\x80: a\n", NULL},
    {BASE "\"x\": a\n", NULL},
    {BASE "x@: a\n", NULL},
    {BASE "connection: close\n", NULL},
    {BASE "connection: x\n", NULL},
    {BASE "keep-alive: 5\n", NULL},
    {BASE "proxy-connection: close\n", NULL},
    {BASE "transfer-encoding: chunked\n", NULL},
    {BASE "transfer-encoding: chunked\n", "0\r\n\r\n"},
    {BASE "upgrade: websocket\n", NULL},
    {BASE "te: gzip\n", NULL},
    {BASE "te: trailers, gzip\n", NULL},
    {BASE "content_length: 5\n", NULL},
    {BASE "transfer_encoding: chunked\n", NULL},
    {BASE "content.length: 5\n", "hello"},
};

/* B2: a length that is not that of the body. */
static const struct bad_head bad_lengths[] = {
    {H2_POST("/x") "content-length: 0\n", "x"},
    {H2_POST("/x") "content-length: 50\n", "x"},
    {H2_POST("/x") "content-length: 50\n", NULL},
    {H2_POST("/x") "content-length: 1\n", "xy"},
    {H2_POST("/x") "content-length: 1, 1\n", "x"},
    {H2_POST("/x") "content-length: 1\ncontent-length: 1\n", "x"},
    {H2_POST("/x") "content-length: 1\ncontent-length: 2\n", "x"},
    {H2_POST("/x") "content-length: +1\n", "x"},
    {H2_POST("/x") "content-length: -1\n", "x"},
    {H2_POST("/x") "content-length: 01\n", "x"},
    {H2_POST("/x") "content-length: 0x1\n", "x"},
    {H2_POST("/x") "content-length: 1.0\n", "x"},
    {H2_POST("/x") "content-length: \n", "x"},
    {H2_POST("/x") "content-length: 18446744073709551617\n", "x"},
    {H2_POST("/x") "content-length: 9223372036854775808\n", "x"},
    {H2_POST("/x") "content-length: a\n", "x"},
};

/* B3: pseudo fields. */
static const struct bad_head bad_pseudos[] = {
    {NO_PATH, NULL},
    {NO_METHOD, NULL},
    {NO_SCHEME, NULL},
    {NO_AUTHORITY, NULL},
    {BASE ":path: /y\n", NULL},
    {BASE ":method: GET\n", NULL},
    {BASE ":scheme: https\n", NULL},
    {BASE ":authority: a\n", NULL},
    {BASE ":status: 200\n", NULL},
    {BASE ":protocol: websocket\n", NULL},
    {BASE ":other: 1\n", NULL},
    {BASE ":: 1\n", NULL},
    {NO_PATH "x: y\n:path: /x\n", NULL},
    {"x: y\n" BASE, NULL},
    {":Method: GET\n" NO_METHOD, NULL},
    {NO_PATH ":path: \n", NULL},
    {NO_PATH ":path: x\n", NULL},
    {NO_PATH ":path: *\n", NULL},
    {NO_PATH ":path: http://a/x\n", NULL},
    {NO_PATH ":path: /x y\n", NULL},
    {NO_PATH ":path: /x HTTP/1.1\r\vhost: b\n", NULL},
    {NO_PATH ":path: /x\r\n", NULL},
    {NO_PATH ":path: /x#y\n", NULL},
    {NO_PATH ":path: /\f\n", NULL},
    {NO_METHOD ":method: GET /admin HTTP/1.1\n", NULL},
    {NO_METHOD ":method: \n", NULL},
    {NO_METHOD ":method: G\rT\n", NULL},
    {NO_METHOD ":method: G(T\n", NULL},
    {NO_METHOD ":method: CONNECT\n", NULL},
    {":method: CONNECT\n:authority: a:443\n", NULL},
    {":method: CONNECT\n:protocol: websocket\n" NO_METHOD, NULL},
    {NO_SCHEME ":scheme: http\n", NULL},
    {NO_SCHEME ":scheme: \n", NULL},
    {NO_SCHEME ":scheme: ftp\n", NULL},
    {NO_SCHEME ":scheme: https x\n", NULL},
    {BASE "host: b\n", NULL},
    {BASE "host: a\nhost: a\n", NULL},
    {NO_AUTHORITY ":authority: \n", NULL},
    {NO_AUTHORITY ":authority: u@a\n", NULL},
    {NO_AUTHORITY ":authority: a/b\n", NULL},
    {NO_AUTHORITY ":authority: a, b\n", NULL},
    {NO_AUTHORITY ":authority: a b\n", NULL},
    {NO_AUTHORITY ":authority: a:x\n", NULL},
    {NO_AUTHORITY ":authority: a\r\vx: y\n", NULL},
    {NO_AUTHORITY "host: u@a\n", NULL},
};

static void assert_refused(const struct h2_world *world, const struct bad_head *row)
{
    struct h2 h2;
    struct h2_answer answer;
    GW_BUF_SCOPED(out, 4 * H2_FRAME_MAX);
    h2_answer_init(&answer);
    h2_open(world, &h2);
    h2_block_add(&h2, &out, H2_END_HEADERS | (row->data == NULL ? H2_END_STREAM : 0), 1, row->lines);
    if (row->data != NULL)
        h2_frame_add(&out, NGHTTP2_DATA, H2_END_STREAM, 1, row->data, strlen(row->data));
    h2_send(&h2, out.data, out.len);
    h2_await(&h2, 1, &answer);
    bool is_said = answer.was_reset || answer.is_gone || strncmp(answer.heads, ":status: 4", 10) == 0;
    if (!is_said || atomic_load(&world->lab.requests) > 0)
        fail_msg("not refused: %s -> %s", row->lines, answer.heads);
    h2_answer_done(&answer);
    h2_close(&h2);
}

#define ASSERT_ALL_REFUSED(world, rows)                                                                                \
    for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++)                                                      \
    assert_refused((world), &(rows)[i])

static void b1_fields_that_break_the_rules_are_refused(void **state)
{
    ASSERT_ALL_REFUSED(*state, bad_fields);
    h2_assert_well(*state);
}

static void b2_lengths_that_are_not_the_body_are_refused(void **state)
{
    ASSERT_ALL_REFUSED(*state, bad_lengths);
    h2_assert_well(*state);
}

static void b3_pseudo_fields_that_break_the_rules_are_refused(void **state)
{
    ASSERT_ALL_REFUSED(*state, bad_pseudos);
    h2_assert_well(*state);
}

static void a_body_that_is_longer_or_shorter_than_said_aborts_the_request_upstream(void **state)
{
    struct h2_world *world = *state;
    static const char *const bodies[] = {"too long", "no"};
    for (size_t i = 0; i < 2; i++) {
        struct h2 h2;
        struct h2_answer answer;
        h2_answer_init(&answer);
        h2_open(world, &h2);
        h2_headers(&h2, 0, 1, H2_POST("/x") "content-length: 5\n");
        int app = lab_accept(&world->lab);
        lab_expect(app, "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n");
        h2_data(&h2, H2_END_STREAM, 1, bodies[i], strlen(bodies[i]));
        h2_await(&h2, 1, &answer);
        assert_true(answer.was_reset);
        char bytes[64];
        assert_true(lab_read_all(app, bytes, sizeof bytes) < 5);
        h2_answer_done(&answer);
        close(app);
        h2_close(&h2);
    }
}

static void trailers_that_frame_or_route_are_refused(void **state)
{
    struct h2_world *world = *state;
    static const char *const trailers[] = {
        "content-length: 1\n",          "host: b\n",          ":path: /y\n",        "x y: z\n", "x: \v\n",
        "transfer-encoding: chunked\n", "authorization: x\n", "content_length: 1\n"};
    for (size_t i = 0; i < sizeof trailers / sizeof trailers[0]; i++) {
        struct h2 h2;
        struct h2_answer answer;
        h2_answer_init(&answer);
        h2_open(world, &h2);
        h2_headers(&h2, 0, 1, H2_POST("/x"));
        int app = lab_accept(&world->lab);
        lab_expect(app, "POST /x HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        h2_headers(&h2, H2_END_STREAM, 1, trailers[i]);
        h2_await(&h2, 1, &answer);
        assert_true(answer.was_reset);
        char bytes[64];
        assert_int_equal(lab_read_all(app, bytes, sizeof bytes), 0); /* no last chunk */
        h2_answer_done(&answer);
        close(app);
        h2_close(&h2);
    }
}

/* --- B4: frames ------------------------------------------------------------------------------------------------- */

struct bad_frame {
    const char *what;
    uint8_t type, flags;
    int32_t id;
    const char *payload;
    size_t len;
    bool is_after_request; /* stream 1 is open */
};

static const struct bad_frame bad_frames[] = {
    {"DATA on stream 0", 0, 0, 0, "x", 1, false},
    {"DATA on an idle stream", 0, 0, 1, "x", 1, false},
    {"DATA with more padding than payload", 0, 8, 1, "\x05x", 2, true},
    {"HEADERS on stream 0", 1, 5, 0, "\x82", 1, false},
    {"HEADERS on an even stream", 1, 5, 2, "\x82", 1, false},
    {"HEADERS with more padding than payload", 1, 13, 3, "\x09\x82", 2, false},
    {"HEADERS that depend on themselves, broken HPACK", 1, 5, 3, "\xff\xff\xff\xff\xff", 5, false},
    {"HEADERS with index 0", 1, 5, 3, "\x80", 1, false},
    {"PRIORITY on stream 0", 2, 0, 0, "\0\0\0\0\0", 5, false},
    {"PRIORITY of a wrong length", 2, 0, 3, "\0\0\0", 3, false},
    {"RST_STREAM on stream 0", 3, 0, 0, "\0\0\0\x08", 4, false},
    {"RST_STREAM on an idle stream", 3, 0, 5, "\0\0\0\x08", 4, false},
    {"RST_STREAM of a wrong length", 3, 0, 1, "\0\0\0", 3, true},
    {"SETTINGS on a stream", 4, 0, 1, "", 0, true},
    {"SETTINGS of a wrong length", 4, 0, 0, "\0\x03\0", 3, false},
    {"SETTINGS with an ACK and a payload", 4, 1, 0, "\0\x03\0\0\0\0", 6, false},
    {"SETTINGS with a window that is too large", 4, 0, 0, "\0\x04\xff\xff\xff\xff", 6, false},
    {"SETTINGS with a frame size that is too small", 4, 0, 0, "\0\x05\0\0\0\x01", 6, false},
    {"SETTINGS with ENABLE_PUSH 2", 4, 0, 0, "\0\x02\0\0\0\x02", 6, false},
    {"PUSH_PROMISE from a client", 5, 4, 1, "\0\0\0\x02\x82", 5, true},
    {"PING on a stream", 6, 0, 1, "12345678", 8, true},
    {"PING of a wrong length", 6, 0, 0, "123", 3, false},
    {"GOAWAY on a stream", 7, 0, 1, "\0\0\0\0\0\0\0\0", 8, true},
    {"WINDOW_UPDATE of 0 on the connection", 8, 0, 0, "\0\0\0\0", 4, false},
    {"WINDOW_UPDATE of a wrong length", 8, 0, 0, "\0\0\x01", 3, false},
    {"WINDOW_UPDATE that overflows the connection", 8, 0, 0, "\x7f\xff\xff\xff", 4, false},
    {"CONTINUATION without HEADERS", 9, 4, 1, "\x82", 1, true},
    {"CONTINUATION on stream 0", 9, 4, 0, "\x82", 1, false},
};

static void b4_frames_that_break_the_rules_end_the_connection(void **state)
{
    struct h2_world *world = *state;
    enum { ROWS = sizeof bad_frames / sizeof bad_frames[0] };
    struct h2 all[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        const struct bad_frame *row = &bad_frames[i];
        h2_open(world, &all[i]);
        if (row->is_after_request)
            h2_headers(&all[i], 0, 1, H2_POST("/hold"));
        h2_frame_send(&all[i], row->type, row->flags, row->id, row->payload, row->len);
    }
    for (size_t i = 0; i < ROWS; i++) { /* the gateway lingers for each: all at once */
        uint32_t error = h2_await_end(&all[i]);
        if (error == UINT32_MAX || error == NGHTTP2_NO_ERROR)
            fail_msg("not refused: %s (%u)", bad_frames[i].what, error);
        h2_close(&all[i]);
    }
    h2_assert_well(world);
}

static void b4_frames_that_are_too_large_or_interleaved_end_the_connection(void **state)
{
    struct h2_world *world = *state;
    static char large[H2_FRAME_MAX + 1];
    for (int i = 0; i < 5; i++) {
        struct h2 h2;
        GW_BUF_SCOPED(out, 8 * H2_FRAME_MAX);
        h2_open(world, &h2);
        if (i == 0) { /* larger than SETTINGS_MAX_FRAME_SIZE */
            h2_frame_add(&out, NGHTTP2_HEADERS, H2_END_HEADERS, 1, large, sizeof large);
        } else if (i == 1) { /* another frame inside a header block */
            h2_block_add(&h2, &out, 0, 1, H2_GET("/local"));
            h2_frame_add(&out, NGHTTP2_PING, 0, 0, "12345678", 8);
        } else if (i == 2) { /* a block that goes on elsewhere */
            h2_block_add(&h2, &out, 0, 1, H2_GET("/local"));
            h2_frame_add(&out, NGHTTP2_CONTINUATION, H2_END_HEADERS, 3, "", 0);
        } else if (i == 3) { /* DATA behind the end of a request */
            h2_block_add(&h2, &out, H2_END_HEADERS | H2_END_STREAM, 1, H2_GET("/hold"));
            h2_frame_add(&out, NGHTTP2_DATA, 0, 1, "x", 1);
        } else { /* and another head */
            h2_block_add(&h2, &out, H2_END_HEADERS | H2_END_STREAM, 1, H2_GET("/hold"));
            h2_block_add(&h2, &out, H2_END_HEADERS | H2_END_STREAM, 1, H2_GET("/hold"));
        }
        h2_send(&h2, out.data, out.len);
        assert_int_not_equal(h2_await_end(&h2), NGHTTP2_NO_ERROR);
        h2_close(&h2);
    }
    h2_assert_well(world);
}

/* It may be on its way since before the stream was reset, so it is no reason to end the others. */
static void b4_a_request_on_a_stream_below_the_last_is_ignored(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer answer;
    GW_BUF_SCOPED(out, 8 * H2_FRAME_MAX);
    h2_answer_init(&answer);
    h2_open(world, &h2);
    h2_block_add(&h2, &out, H2_END_HEADERS | H2_END_STREAM, 5, H2_GET("/local"));
    h2_block_add(&h2, &out, H2_END_HEADERS | H2_END_STREAM, 3, H2_GET("/local"));
    h2_block_add(&h2, &out, H2_END_HEADERS | H2_END_STREAM, 7, H2_GET("/local"));
    h2_send(&h2, out.data, out.len);
    h2_await(&h2, 7, &answer);
    assert_true(answer.has_ended);
    assert_int_equal(atomic_load(&world->lab.requests), 2);
    h2_answer_done(&answer);
    h2_close(&h2);
}

static void a_connection_that_begins_with_something_else_ends(void **state)
{
    struct h2_world *world = *state;
    static const char *const beginnings[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct h2 h2;
        h2_shake(world, &h2);
        h2_send(&h2, beginnings[i], strlen(beginnings[i]));
        (void)h2_await_end(&h2);
        h2_close(&h2);
    }
    struct h2 h2;
    h2_shake(world, &h2); /* a preface, and then no SETTINGS */
    h2_send(&h2, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    h2_headers(&h2, H2_END_STREAM, 1, H2_GET("/local"));
    (void)h2_await_end(&h2);
    h2_close(&h2);
    assert_int_equal(atomic_load(&world->lab.requests), 0);
    h2_assert_well(world);
}

static void http2_in_clear_text_is_not_spoken(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    char answer[1024];
    lab_send(client, NGHTTP2_CLIENT_MAGIC);
    lab_read_head(client, answer, sizeof answer);
    assert_int_equal(strncmp(answer, "HTTP/1.1 505 ", 13), 0);
    close(client);
    assert_int_equal(atomic_load(&lab->requests), 0);
}

static int setup_clear(void **state)
{
    struct lab *lab = calloc(1, sizeof *lab);
    lab_init(lab);
    lab_start(lab);
    *state = lab;
    return 0;
}

static int teardown_clear(void **state)
{
    lab_stop(*state);
    free(*state);
    return 0;
}

static void legal_oddities_pass(void **state)
{
    struct h2_world *world = *state;
    static const char *const requests[] = {
        H2_GET("/local") "x_y: 1\n",
        H2_GET("/local") "x: \xc3\xa9\n",
        H2_GET("/local") "x: \n",
        H2_GET("/local") "te: trailers\n",
        H2_GET("/local") "host: a\n",
        ":method: GET\n:scheme: https\n:path: /local\nhost: a\n",
        ":method: GET\n:scheme: https\n:path: /local\n:authority: [::1]:8443\n",
        ":method: PROPFIND\n:scheme: https\n:path: /local?a=%2F;\xc3\xa9|\n:authority: a\n",
    };
    struct h2 h2;
    h2_open(world, &h2);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct h2_answer answer;
        h2_answer_init(&answer);
        h2_headers(&h2, H2_END_STREAM, (int32_t)(2 * i + 1), requests[i]);
        h2_await(&h2, (int32_t)(2 * i + 1), &answer);
        if (!answer.has_ended || strncmp(answer.heads, ":status: 200\n", 13) != 0)
            fail_msg("refused: %s", requests[i]);
        h2_answer_done(&answer);
    }
    h2_close(&h2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, h2_setup, h2_teardown)
    const struct CMUnitTest tests[] = {
        TEST(b1_fields_that_break_the_rules_are_refused),
        TEST(b2_lengths_that_are_not_the_body_are_refused),
        TEST(b3_pseudo_fields_that_break_the_rules_are_refused),
        TEST(a_body_that_is_longer_or_shorter_than_said_aborts_the_request_upstream),
        TEST(trailers_that_frame_or_route_are_refused),
        TEST(b4_frames_that_break_the_rules_end_the_connection),
        TEST(b4_frames_that_are_too_large_or_interleaved_end_the_connection),
        TEST(b4_a_request_on_a_stream_below_the_last_is_ignored),
        TEST(a_connection_that_begins_with_something_else_ends),
        cmocka_unit_test_setup_teardown(http2_in_clear_text_is_not_spoken, setup_clear, teardown_clear),
        TEST(legal_oddities_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
