/* Peers that send what costs them nothing, or move too little: security.md B5 to B10. */
#include "tests/unit/http/http2_lab.h"

#define FLOOD 200000

/* Writes go on until an error: reading is not needed for that, since the gateway closes. */
static void flood(struct h2 *h2, const struct gw_buf *piece, int times)
{
    for (int i = 0; i < times; i++) {
        if (!h2_try_send(h2, piece->data, piece->len))
            break;
    }
}

struct cheap_frame {
    const char *what;
    uint8_t type, flags;
    int32_t id;
    const char *payload;
    size_t len;
};

static const struct cheap_frame cheap_frames[] = {
    {"PING", 6, 0, 0, "12345678", 8},
    {"SETTINGS", 4, 0, 0, "\0\x03\0\0\0\x64", 6},
    {"empty SETTINGS", 4, 0, 0, "", 0},
    {"empty DATA", 0, 0, 1, "", 0},
    {"padded DATA", 0, 8, 1, "\x01\0", 2},
    {"PRIORITY", 2, 0, 3, "\0\0\0\0\x0f", 5},
    {"WINDOW_UPDATE on the connection", 8, 0, 0, "\0\0\0\x01", 4},
    {"WINDOW_UPDATE on a stream", 8, 0, 1, "\0\0\0\x01", 4},
    {"an unknown frame", 0x42, 0, 0, "abc", 3},
    {"an unknown frame on a stream", 0xfe, 0xff, 1, "", 0},
};

static void b6_floods_of_frames_that_carry_no_work_end_the_connection(void **state)
{
    struct h2_world *world = *state;
    enum { ROWS = sizeof cheap_frames / sizeof cheap_frames[0] };
    struct h2 all[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        const struct cheap_frame *row = &cheap_frames[i];
        GW_BUF_SCOPED(piece, 1u << 20);
        h2_open(world, &all[i]);
        h2_headers(&all[i], 0, 1, H2_POST("/hold"));
        for (int n = 0; n < 1000; n++)
            h2_frame_add(&piece, row->type, row->flags, row->id, row->payload, row->len);
        flood(&all[i], &piece, FLOOD / 1000);
    }
    for (size_t i = 0; i < ROWS; i++) {
        uint32_t error = h2_await_end(&all[i]);
        if (error == NGHTTP2_NO_ERROR)
            fail_msg("%s ended with %u", cheap_frames[i].what, error);
        h2_close(&all[i]);
    }
    h2_assert_well(world);
}

static void a_connection_that_works_may_chatter(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    h2_open(world, &h2);
    for (int32_t id = 1; id < 1000; id += 2) {
        struct h2_answer answer;
        h2_answer_init(&answer);
        h2_frame_send(&h2, NGHTTP2_PRIORITY, 0, id, "\0\0\0\0\x0f", 5);
        h2_headers(&h2, H2_END_STREAM, id, H2_GET("/local"));
        h2_await(&h2, id, &answer);
        assert_true(answer.has_ended);
        h2_answer_done(&answer);
    }
    h2_close(&h2);
}

static void b7_continuation_floods_end_the_connection(void **state)
{
    struct h2_world *world = *state;
    static char filler[H2_FRAME_MAX];
    for (int is_full = 0; is_full < 2; is_full++) {
        struct h2 h2;
        GW_BUF_SCOPED(begin, H2_FRAME_MAX);
        GW_BUF_SCOPED(piece, 2 * H2_FRAME_MAX);
        h2_open(world, &h2);
        h2_block_add(&h2, &begin, 0, 1, H2_GET("/local"));
        h2_send(&h2, begin.data, begin.len);
        /* A literal without index: "x: <16,000 bytes>", whole in each frame. */
        memcpy(filler, "\x00\x01x\x7f\x81\x7c", 6);
        h2_frame_add(&piece, NGHTTP2_CONTINUATION, 0, 1, filler, is_full != 0 ? 6 + 16000 : 0);
        flood(&h2, &piece, 10000);
        (void)h2_await_end(&h2);
        h2_close(&h2);
    }
    assert_int_equal(atomic_load(&world->lab.requests), 0);
    h2_assert_well(world);
}

static void b8_more_fields_than_allowed_are_431_and_a_bomb_ends_the_connection(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer answer;
    GW_BUF_SCOPED(lines, 1u << 20);
    gw_buf_add_lit(&lines, H2_GET("/local"));
    for (int i = 0; i < 100; i++)
        gw_buf_add_lit(&lines, "x: y\n");
    gw_buf_add_byte(&lines, '\0');
    h2_open(world, &h2);
    h2_answer_init(&answer);
    h2_headers(&h2, H2_END_STREAM, 1, lines.data); /* as many as are allowed */
    h2_await(&h2, 1, &answer);
    assert_int_equal(strncmp(answer.heads, ":status: 200\n", 13), 0);
    h2_answer_done(&answer);
    lines.len--;
    gw_buf_add_lit(&lines, "x: y\n");
    gw_buf_add_byte(&lines, '\0');
    h2_answer_init(&answer);
    h2_headers(&h2, H2_END_STREAM, 3, lines.data);
    h2_await(&h2, 3, &answer);
    assert_int_equal(strncmp(answer.heads, ":status: 431\n", 13), 0);
    h2_answer_done(&answer);
    /* One value of 4,000 bytes goes into the table, then it is named again and again. */
    static char block[H2_FRAME_MAX];
    memcpy(block, "\x40\x01x\x7f\xa1\x1e", 6);
    memset(block + 6, 'v', 4000);
    memset(block + 4006, '\xbe', 10000);
    h2_frame_send(&h2, NGHTTP2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 5, block, 14006);
    assert_int_equal(h2_await_end(&h2), NGHTTP2_ENHANCE_YOUR_CALM);
    h2_close(&h2);
    assert_int_equal(atomic_load(&world->lab.requests), 1);
    h2_assert_well(world);
}

static void a13_cookies_in_many_crumbs_are_one_field(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    GW_BUF_SCOPED(lines, 1u << 20);
    GW_BUF_SCOPED(expected, 1u << 20);
    gw_buf_add_lit(&lines, H2_GET("/"));
    gw_buf_add_lit(&expected, "GET / HTTP/1.1\r\nhost: a\r\ncookie: ");
    for (int i = 0; i < 300; i++) {
        gw_buf_printf(&lines, "cookie: c%d=%d\n", i, i);
        gw_buf_printf(&expected, "%sc%d=%d", i > 0 ? "; " : "", i, i);
    }
    gw_buf_add_byte(&lines, '\0');
    gw_buf_add_lit(&expected, "\r\n\r\n");
    gw_buf_add_byte(&expected, '\0');
    h2_open(world, &h2);
    h2_headers(&h2, H2_END_STREAM, 1, lines.data);
    int app = lab_accept(&world->lab);
    lab_expect(app, expected.data);
    close(app);
    h2_close(&h2);
}

/* --- B5: aborted streams ---------------------------------------------------------------------------------------- */

static void answer_nothing(struct http_exchange *x, void *data)
{
    struct lab *lab = data;
    (void)x;
    atomic_fetch_add(&lab->requests, 1);
}

static int setup_silent(void **state)
{
    struct h2_world *world = h2_world_new();
    world->lab.face.on_request = answer_nothing;
    lab_start(&world->lab);
    *state = world;
    return 0;
}

enum abort_shape { ABORT_RESET, ABORT_WINDOW, ABORT_LENGTH, ABORT_TRAILERS, ABORT_SHAPES };

static void add_aborted(struct h2 *h2, struct gw_buf *out, int32_t id, enum abort_shape shape)
{
    switch (shape) {
    case ABORT_RESET:
        h2_block_add(h2, out, H2_END_HEADERS | H2_END_STREAM, id, H2_GET("/"));
        h2_frame_add(out, NGHTTP2_RST_STREAM, 0, id, "\0\0\0\x08", 4);
        break;
    case ABORT_WINDOW:
        h2_block_add(h2, out, H2_END_HEADERS | H2_END_STREAM, id, H2_GET("/"));
        h2_frame_add(out, NGHTTP2_WINDOW_UPDATE, 0, id, "\x7f\xff\xff\xff", 4);
        break;
    case ABORT_LENGTH:
        h2_block_add(h2, out, H2_END_HEADERS, id, H2_POST("/") "content-length: 5\n");
        h2_frame_add(out, NGHTTP2_DATA, H2_END_STREAM, id, "x", 1);
        break;
    case ABORT_TRAILERS:
    case ABORT_SHAPES:
        h2_block_add(h2, out, H2_END_HEADERS, id, H2_POST("/"));
        h2_block_add(h2, out, H2_END_HEADERS | H2_END_STREAM, id, ":path: /\n");
        break;
    }
}

/* Aborts in the same write as the requests, or each in one of its own behind them. */
static void b5_streams_that_are_aborted_again_and_again_end_the_connection(void **state)
{
    struct h2_world *world = *state;
    for (int shape = 0; shape < ABORT_SHAPES; shape++) {
        struct h2 h2;
        h2_open(world, &h2);
        for (int32_t id = 1; id < 40000;) {
            GW_BUF_SCOPED(out, 1u << 20);
            for (int i = 0; i < 20; i++, id += 2)
                add_aborted(&h2, &out, id, (enum abort_shape)shape);
            if (!h2_try_send(&h2, out.data, out.len))
                break;
        }
        uint32_t error = h2_await_end(&h2);
        assert_int_not_equal(error, NGHTTP2_NO_ERROR);
        h2_close(&h2);
    }
    /* None of them was there any more when requests were to begin; a few may be split by a read. */
    assert_true(atomic_load(&world->lab.requests) <= 20);
}

/* A peer that waits for each reset never has too many streams open, and libnghttp2 counts only what it receives. */
static void b5_resets_that_the_gateway_is_made_to_send_have_a_budget(void **state)
{
    struct h2_world *world = *state;
    for (int shape = ABORT_WINDOW; shape < ABORT_SHAPES; shape++) {
        struct h2 h2;
        struct h2_answer last = {0};
        int32_t id = 1;
        h2_open(world, &h2);
        while (!last.is_gone && id < 20000) {
            GW_BUF_SCOPED(out, 1u << 20);
            for (int i = 0; i < 20; i++, id += 2)
                add_aborted(&h2, &out, id, (enum abort_shape)shape);
            h2_answer_init(&last);
            if (!h2_try_send(&h2, out.data, out.len))
                break;
            h2_await(&h2, id - 2, &last);
            h2_answer_done(&last);
        }
        assert_true(last.is_gone);
        assert_int_equal(last.error, NGHTTP2_ENHANCE_YOUR_CALM);
        h2_close(&h2);
    }
    assert_int_equal(atomic_load(&world->lab.requests), 0);
}

static void b5_requests_that_are_taken_back_later_are_bounded_as_well(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    h2_open(world, &h2);
    for (int32_t id = 1; id < 40000; id += 2) {
        GW_BUF_SCOPED(head, 4096);
        h2_block_add(&h2, &head, H2_END_HEADERS | H2_END_STREAM, id, H2_GET("/"));
        if (!h2_try_send(&h2, head.data, head.len))
            break;
        const char reset[13] = {0, 0, 4, 3, 0, 0, 0, (char)(id >> 8), (char)id, 0, 0, 0, 8};
        if (!h2_try_send(&h2, reset, sizeof reset))
            break;
    }
    assert_int_not_equal(h2_await_end(&h2), NGHTTP2_NO_ERROR);
    h2_close(&h2);
    assert_true(atomic_load(&world->lab.requests) <= 2000);
}

/* --- B10: slow peers, with the times of minutes cut down --------------------------------------------------------- */

static int setup_hasty(void **state)
{
    struct h2_world *world = h2_world_new();
    world->lab.limits.min_rate_window_ms = 300;
    world->lab.limits.head_ms = 600;
    world->lab.limits.idle_ms = 1500;
    lab_start(&world->lab);
    *state = world;
    return 0;
}

static int setup_hasty_for_streams(void **state)
{
    struct h2_world *world = h2_world_new();
    world->lab.limits.min_rate_window_ms = 400;
    lab_start(&world->lab);
    *state = world;
    return 0;
}

static int answer_large(const struct h2_world *world)
{
    static char bytes[100000];
    char head[1024];
    int app = lab_accept(&world->lab);
    lab_read_head(app, head, sizeof head);
    memset(bytes, 'x', sizeof bytes);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n");
    (void)send(app, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    return app;
}

static void b10_windows_that_stay_shut_end_the_connection(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    enum { STREAMS = 10 };
    int apps[STREAMS];
    h2_open_with_window(world, &h2, 0);
    for (int i = 0; i < STREAMS; i++) {
        h2_headers(&h2, H2_END_STREAM, 2 * i + 1, H2_GET("/"));
        apps[i] = answer_large(world);
    }
    (void)h2_await_end(&h2);
    lab_await(&world->lab.ends, STREAMS);
    assert_int_equal(atomic_load(&world->lab.last_end), HTTP_END_SLOW);
    for (int i = 0; i < STREAMS; i++)
        close(apps[i]);
    h2_close(&h2);
}

/* Opens a window by one byte whenever a byte came: it never stands still, and never moves. */
static void b10_a_window_of_one_byte_ends_the_connection(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    static struct h2_frame frame;
    h2_open_with_window(world, &h2, 1);
    h2_headers(&h2, H2_END_STREAM, 1, H2_GET("/"));
    int app = answer_large(world);
    struct timespec pause = {.tv_nsec = 20000000};
    const char update[13] = {0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 0, 1};
    while (h2_read(&h2, &frame)) {
        if (frame.type != NGHTTP2_DATA)
            continue;
        (void)nanosleep(&pause, NULL); /* the drip itself */
        if (!h2_try_send(&h2, update, sizeof update))
            break;
    }
    lab_await(&world->lab.ends, 1);
    assert_int_equal(atomic_load(&world->lab.last_end), HTTP_END_SLOW);
    close(app);
    h2_close(&h2);
}

static void b10_pings_do_not_keep_a_connection(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    static struct h2_frame frame;
    h2_open(world, &h2);
    const char ping[17] = {0, 0, 8, 6};
    struct timespec pause = {.tv_nsec = 50000000};
    while (h2_try_send(&h2, ping, sizeof ping) && h2_read(&h2, &frame) && frame.type != NGHTTP2_GOAWAY)
        (void)nanosleep(&pause, NULL);
    (void)h2_await_end(&h2);
    h2_close(&h2);
    h2_assert_well(world);
}

static void b10_bodies_and_header_blocks_that_do_not_come_end(void **state)
{
    struct h2_world *world = *state;
    for (int i = 0; i < 5; i++) {
        struct h2 h2;
        GW_BUF_SCOPED(out, H2_FRAME_MAX);
        h2_shake(world, &h2);
        if (i > 0) {
            h2_send(&h2, NGHTTP2_CLIENT_MAGIC, i == 1 ? 5 : NGHTTP2_CLIENT_MAGIC_LEN);
        }
        if (i > 1)
            h2_frame_send(&h2, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
        if (i == 2) { /* a body that never comes */
            h2_headers(&h2, 0, 1, H2_POST("/collect"));
        } else if (i == 3) { /* a block that never ends */
            h2_block_add(&h2, &out, 0, 1, H2_GET("/local"));
            h2_send(&h2, out.data, out.len);
        } else if (i == 4) { /* half a frame */
            h2_send(&h2, "\0\0\x08\x06", 4);
        }
        (void)h2_await_end(&h2);
        h2_close(&h2);
    }
    h2_assert_well(world);
}

static int setup_one_connection(void **state)
{
    struct h2_world *world = h2_world_new();
    world->lab.limits.connections_max = 1;
    lab_start(&world->lab);
    *state = world;
    return 0;
}

static void k2_an_idle_connection_makes_room_for_a_new_one(void **state)
{
    struct h2_world *world = *state;
    static struct h2_frame frame;
    struct h2 h2;
    struct h2_answer answer;
    h2_answer_init(&answer);
    h2_open(world, &h2);
    h2_headers(&h2, H2_END_STREAM, 1, H2_GET("/local"));
    h2_await(&h2, 1, &answer);
    assert_true(answer.has_ended);
    h2_answer_done(&answer);
    h2_assert_well(world);
    while (h2_read(&h2, &frame))
        continue;
    h2_close(&h2);
}

/* One stream that stands still cannot hide behind others that run. */
static void b10_a_stream_that_stands_still_ends_alone(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer still;
    static struct h2_frame frame;
    GW_BUF_SCOPED(lines, 4096);
    gw_buf_printf(&lines, H2_GET("/local") "x: %02000d\n", 0);
    gw_buf_add_byte(&lines, '\0');
    h2_answer_init(&still);
    h2_open_with_window(world, &h2, 10); /* enough for the others */
    h2_headers(&h2, H2_END_STREAM, 1, H2_GET("/still"));
    int app = answer_large(world);
    for (int32_t id = 3; !still.was_reset; id += 2) {
        struct h2_answer other;
        h2_answer_init(&other);
        h2_headers(&h2, H2_END_STREAM, id, lines.data);
        while (!other.has_ended && !still.was_reset) {
            assert_true(h2_read(&h2, &frame));
            assert_int_not_equal(frame.type, NGHTTP2_GOAWAY);
            h2_take(&h2, &frame, frame.id == 1 ? &still : frame.id == id ? &other : NULL, /* opens */ false);
        }
        h2_answer_done(&other);
    }
    assert_int_equal(still.error, NGHTTP2_CANCEL);
    lab_expect_gone(app);
    h2_answer_done(&still);
    close(app);
    h2_close(&h2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, h2_setup, h2_teardown)
    const struct CMUnitTest tests[] = {
        TEST(b6_floods_of_frames_that_carry_no_work_end_the_connection),
        TEST(a_connection_that_works_may_chatter),
        TEST(b7_continuation_floods_end_the_connection),
        TEST(b8_more_fields_than_allowed_are_431_and_a_bomb_ends_the_connection),
        TEST(a13_cookies_in_many_crumbs_are_one_field),
        cmocka_unit_test_setup_teardown(b5_streams_that_are_aborted_again_and_again_end_the_connection, setup_silent,
                                        h2_teardown),
        cmocka_unit_test_setup_teardown(b5_resets_that_the_gateway_is_made_to_send_have_a_budget, setup_silent,
                                        h2_teardown),
        cmocka_unit_test_setup_teardown(b5_requests_that_are_taken_back_later_are_bounded_as_well, setup_silent,
                                        h2_teardown),
        cmocka_unit_test_setup_teardown(b10_windows_that_stay_shut_end_the_connection, setup_hasty, h2_teardown),
        cmocka_unit_test_setup_teardown(b10_a_window_of_one_byte_ends_the_connection, setup_hasty, h2_teardown),
        cmocka_unit_test_setup_teardown(b10_pings_do_not_keep_a_connection, setup_hasty, h2_teardown),
        cmocka_unit_test_setup_teardown(b10_bodies_and_header_blocks_that_do_not_come_end, setup_hasty, h2_teardown),
        cmocka_unit_test_setup_teardown(k2_an_idle_connection_makes_room_for_a_new_one, setup_one_connection,
                                        h2_teardown),
        cmocka_unit_test_setup_teardown(b10_a_stream_that_stands_still_ends_alone, setup_hasty_for_streams,
                                        h2_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
