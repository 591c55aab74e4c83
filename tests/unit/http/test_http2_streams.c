/* Long bodies over HTTP/2: back-pressure both ways, and that no stream holds up another. */
#include "tests/unit/http/http2_lab.h"

#define BYTES (6u * 1024u * 1024u)

static char byte_at(size_t i)
{
    return (char)('a' + i % 23 + (i / 65536) % 3);
}

static char *make_bytes(size_t size)
{
    char *bytes = calloc(1, size + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(i);
    return bytes;
}

struct sender {
    pthread_t thread;
    int fd;
    const char *bytes;
    size_t size;
};

static void *send_all(void *data)
{
    struct sender *sender = data;
    size_t sent = 0;
    ssize_t size = 0;
    while (sent < sender->size &&
           (size = send(sender->fd, sender->bytes + sent, sender->size - sent, MSG_NOSIGNAL)) > 0)
        sent += (size_t)size;
    return NULL;
}

static int answer_with_length(const struct h2_world *world, size_t size)
{
    char head[1024], text[128];
    int app = lab_accept(&world->lab);
    lab_read_head(app, head, sizeof head);
    (void)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
    lab_send(app, text);
    return app;
}

static void two_downloads_interleave_while_a_third_stands_still(void **state)
{
    struct h2_world *world = *state;
    char *bytes = make_bytes(BYTES);
    struct h2 h2;
    struct sender senders[3];
    struct h2_answer answers[3];
    static struct h2_frame frame;
    h2_open(world, &h2);
    h2_window(&h2, 0, 1u << 20);
    for (int i = 0; i < 3; i++) {
        h2_answer_init(&answers[i]);
        h2_headers(&h2, H2_END_STREAM, 2 * i + 1, H2_GET("/"));
        senders[i] = (struct sender){.fd = answer_with_length(world, BYTES), .bytes = bytes, .size = BYTES};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    size_t switches = 0;
    int32_t last = 0;
    while (!answers[0].has_ended || !answers[1].has_ended) {
        assert_true(h2_read(&h2, &frame));
        if (frame.type != NGHTTP2_DATA && frame.type != NGHTTP2_HEADERS)
            continue;
        int i = (frame.id - 1) / 2;
        h2_take(&h2, &frame, &answers[i], /* opens */ i < 2);
        switches += i < 2 && frame.id != last;
        last = i < 2 ? frame.id : last;
    }
    assert_true(switches > 10);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(answers[i].body.len, BYTES);
        assert_memory_equal(answers[i].body.data, bytes, BYTES);
    }
    assert_int_equal(answers[2].body.len, 65535); /* its window */
    h2_close(&h2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(senders[i].thread, NULL), 0); /* the third is told that nobody reads */
        h2_answer_done(&answers[i]);
        close(senders[i].fd);
    }
    free(bytes);
}

/* Uploads `size` bytes within the windows that the gateway opens. */
static void upload(struct h2 *h2, int32_t id, const char *bytes, size_t size)
{
    static struct h2_frame frame;
    int64_t window = 65536;
    for (size_t sent = 0; sent < size;) {
        size_t piece = size - sent < H2_FRAME_MAX ? size - sent : H2_FRAME_MAX;
        while (window < (int64_t)piece) {
            assert_true(h2_read(h2, &frame));
            if (frame.type == NGHTTP2_WINDOW_UPDATE && frame.id == id)
                window += h2_u32(frame.payload);
        }
        h2_frame_send(h2, NGHTTP2_DATA, sent + piece == size ? H2_END_STREAM : 0, id, bytes + sent, piece);
        sent += piece;
        window -= (int64_t)piece;
    }
}

struct receiver {
    pthread_t thread;
    int fd;
    size_t size;
    size_t wrong;
};

static void *receive_all(void *data)
{
    struct receiver *receiver = data;
    static _Thread_local char bytes[65536];
    size_t got = 0;
    ssize_t size = 0;
    while (got < receiver->size && (size = recv(receiver->fd, bytes, sizeof bytes, 0)) > 0) {
        for (ssize_t i = 0; i < size; i++)
            receiver->wrong += bytes[i] != byte_at(got + (size_t)i);
        got += (size_t)size;
    }
    receiver->wrong += receiver->size - got;
    return NULL;
}

static void uploads_pass_while_others_stand_still(void **state)
{
    struct h2_world *world = *state;
    char *bytes = make_bytes(BYTES);
    char head[1024], lines[256];
    struct h2 h2;
    h2_open(world, &h2);
    /* These fill their windows and nobody reads them: more than a megabyte in all. */
    enum { STALLED = 20 };
    int stalled[STALLED];
    for (int i = 0; i < STALLED; i++) {
        h2_headers(&h2, 0, 2 * i + 1, H2_POST("/hold-forward"));
        stalled[i] = lab_accept(&world->lab);
        h2_data(&h2, 0, 2 * i + 1, bytes, 65536);
    }
    (void)snprintf(lines, sizeof lines, H2_POST("/") "content-length: %u\n", BYTES);
    h2_headers(&h2, 0, 2 * STALLED + 1, lines);
    struct receiver receiver = {.fd = lab_accept(&world->lab), .size = BYTES};
    lab_read_head(receiver.fd, head, sizeof head);
    assert_int_equal(pthread_create(&receiver.thread, NULL, receive_all, &receiver), 0);
    upload(&h2, 2 * STALLED + 1, bytes, BYTES);
    assert_int_equal(pthread_join(receiver.thread, NULL), 0);
    assert_int_equal(receiver.wrong, 0);
    struct h2_answer answer;
    h2_answer_init(&answer);
    lab_send(receiver.fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    h2_await(&h2, 2 * STALLED + 1, &answer);
    assert_true(answer.has_ended);
    h2_answer_done(&answer);
    for (int i = 0; i < STALLED; i++)
        close(stalled[i]);
    close(receiver.fd);
    h2_close(&h2);
    free(bytes);
}

static void many_refused_uploads_leave_the_connection_window_open(void **state)
{
    struct h2_world *world = *state;
    char *bytes = make_bytes(65536);
    struct h2 h2;
    h2_open(world, &h2);
    for (int32_t id = 1; id < 400; id += 2) { /* 13 MB in all, twice the window of the connection */
        struct h2_answer answer;
        h2_answer_init(&answer);
        h2_headers(&h2, 0, id, H2_POST("/local"));
        h2_data(&h2, 0, id, bytes, 65536);
        h2_await(&h2, id, &answer);
        assert_false(answer.is_gone);
        h2_answer_done(&answer);
    }
    h2_close(&h2);
    free(bytes);
}

static void an_upload_within_its_window_is_read_off_after_an_early_answer(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer answer;
    h2_answer_init(&answer);
    h2_open(world, &h2);
    h2_headers(&h2, 0, 1, H2_POST("/local") "content-length: 10\n");
    h2_await(&h2, 1, &answer);
    assert_true(answer.has_ended);
    h2_data(&h2, H2_END_STREAM, 1, "0123456789", 10);
    h2_headers(&h2, H2_END_STREAM, 3, H2_GET("/local"));
    h2_answer_done(&answer);
    h2_answer_init(&answer);
    h2_await(&h2, 3, &answer);
    assert_true(answer.has_ended);
    h2_answer_done(&answer);
    h2_close(&h2);
}

/* The app reads on after its answer: the last DATA closes the stream while the app has not got it yet. */
static void an_upload_goes_on_to_an_app_that_has_answered(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    struct h2_answer answer;
    char head[1024];
    h2_answer_init(&answer);
    h2_open(world, &h2);
    h2_headers(&h2, 0, 1, H2_POST("/"));
    h2_data(&h2, 0, 1, "begun", 5);
    int app = lab_accept(&world->lab);
    lab_read_head(app, head, sizeof head);
    lab_expect(app, "5\r\nbegun\r\n");
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    h2_await(&h2, 1, &answer);
    assert_true(answer.has_ended);
    h2_data(&h2, 0, 1, "more", 4);
    lab_expect(app, "4\r\nmore\r\n");
    h2_data(&h2, H2_END_STREAM, 1, "end", 3);
    lab_expect(app, "3\r\nend\r\n0\r\n\r\n");
    h2_assert_well(world);
    h2_answer_done(&answer);
    close(app);
    h2_close(&h2);
}

/* A unix socket to the app: what it takes of a body that nobody reads is little, and does not grow. */
static int setup_hasty_with_unix_app(void **state)
{
    struct h2_world *world = h2_world_new();
    struct lab *lab = &world->lab;
    static char address[4096];
    struct gw_error err;
    (void)snprintf(address, sizeof address, "unix:%s/app", world->folder);
    close(lab->upstream_fd);
    assert_int_equal(http_listen(address, 8, &lab->upstream_fd, &err), GW_OK);
    lab->upstream_settings.host = NULL;
    lab->upstream_settings.unix_path = address + strlen("unix:");
    lab->limits.min_rate_window_ms = 300;
    lab_start(lab);
    *state = world;
    return 0;
}

/* What stream 1 may send by now: all that was asked of the gateway before has been done when it answers the PING. */
static int64_t granted(struct h2 *h2)
{
    static struct h2_frame frame;
    int64_t bytes = 0;
    h2_frame_send(h2, NGHTTP2_PING, 0, 0, "12345678", 8);
    do {
        assert_true(h2_read(h2, &frame));
        if (frame.type == NGHTTP2_WINDOW_UPDATE && frame.id == 1)
            bytes += h2_u32(frame.payload);
    } while (frame.type != NGHTTP2_PING);
    return bytes;
}

/* Until the gateway has all that it takes for an app that does not read. */
static void send_all_that_is_taken(struct h2 *h2, const char *bytes)
{
    int64_t window = 65536;
    for (int in_vain = 0; in_vain<20; in_vain = window> 0 ? 0 : in_vain + 1) {
        if (window > 0)
            h2_data(h2, 0, 1, bytes, (size_t)window);
        window = granted(h2);
    }
}

static void b10_an_app_that_takes_no_more_after_its_answer_does_not_hold_the_stream(void **state)
{
    struct h2_world *world = *state;
    char *bytes = make_bytes(BYTES);
    struct h2 h2;
    struct h2_answer answer;
    char head[1024];
    h2_answer_init(&answer);
    h2_open(world, &h2);
    h2_headers(&h2, 0, 1, H2_POST("/"));
    int app = lab_accept(&world->lab);
    lab_read_head(app, head, sizeof head);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    h2_await(&h2, 1, &answer);
    assert_true(answer.has_ended);
    send_all_that_is_taken(&h2, bytes);
    h2_data(&h2, H2_END_STREAM, 1, "", 0);
    lab_await(&world->lab.ends, 1);
    assert_int_equal(atomic_load(&world->lab.last_end), HTTP_END_SLOW);
    h2_assert_well(world);
    h2_answer_done(&answer);
    close(app);
    h2_close(&h2);
    free(bytes);
}

static void a_hundred_streams_run_at_once_and_more_are_refused(void **state)
{
    struct h2_world *world = *state;
    struct h2 h2;
    static struct h2_frame frame;
    GW_BUF_SCOPED(out, 1u << 20);
    h2_shake(world, &h2); /* without the ACK of our SETTINGS: until then more is no breach (security.md B9) */
    h2_send(&h2, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    h2_frame_send(&h2, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
    for (int32_t id = 1; id < 800; id += 2)
        h2_block_add(&h2, &out, H2_END_HEADERS | H2_END_STREAM, id, H2_GET("/local"));
    h2_send(&h2, out.data, out.len);
    int refused = 0, ended = 0;
    while (refused + ended < 400) {
        assert_true(h2_read(&h2, &frame));
        assert_int_not_equal(frame.type, NGHTTP2_GOAWAY);
        refused += frame.type == NGHTTP2_RST_STREAM && h2_u32(frame.payload) == NGHTTP2_REFUSED_STREAM;
        ended += frame.type == NGHTTP2_DATA && (frame.flags & H2_END_STREAM) != 0;
    }
    assert_int_equal(atomic_load(&world->lab.requests), ended);
    assert_true(ended >= 100);
    h2_close(&h2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, h2_setup, h2_teardown)
    const struct CMUnitTest tests[] = {
        TEST(two_downloads_interleave_while_a_third_stands_still),
        TEST(uploads_pass_while_others_stand_still),
        TEST(many_refused_uploads_leave_the_connection_window_open),
        TEST(an_upload_within_its_window_is_read_off_after_an_early_answer),
        TEST(an_upload_goes_on_to_an_app_that_has_answered),
        cmocka_unit_test_setup_teardown(b10_an_app_that_takes_no_more_after_its_answer_does_not_hold_the_stream,
                                        setup_hasty_with_unix_app, h2_teardown),
        TEST(a_hundred_streams_run_at_once_and_more_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
