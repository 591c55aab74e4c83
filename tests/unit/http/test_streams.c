/* Bodies of any size, both ways, with flat memory and back-pressure; early answers. */
#include "tests/unit/http/http_lab.h"

#define BIG_BYTES (64u * 1024u * 1024u)

/* A writer of its own, since sender and receiver must not wait for each other. */
struct writer {
    pthread_t thread;
    int fd;
    uint64_t bytes;
    bool is_chunked;
};

static char pattern_at(uint64_t at)
{
    return (char)('a' + (at * 7 + at / 251) % 26);
}

static void *write_body(void *data)
{
    struct writer *writer = data;
    char *bytes = malloc(65536);
    uint64_t at = 0;
    while (at < writer->bytes) {
        size_t size = (size_t)(1 + (at * 31) % 60000);
        if (size > writer->bytes - at)
            size = (size_t)(writer->bytes - at);
        for (size_t i = 0; i < size; i++)
            bytes[i] = pattern_at(at + i);
        char line[32];
        (void)snprintf(line, sizeof line, "%zX\r\n", size);
        if (writer->is_chunked)
            lab_send(writer->fd, line);
        lab_send_n(writer->fd, bytes, size);
        if (writer->is_chunked)
            lab_send(writer->fd, "\r\n");
        at += size;
    }
    if (writer->is_chunked)
        lab_send(writer->fd, "0\r\n\r\n");
    free(bytes);
    return NULL;
}

static void start_writer(struct writer *writer, int fd, uint64_t bytes, bool is_chunked)
{
    *writer = (struct writer){.fd = fd, .bytes = bytes, .is_chunked = is_chunked};
    assert_int_equal(pthread_create(&writer->thread, NULL, write_body, writer), 0);
}

static void expect_pattern(int fd, uint64_t bytes)
{
    char *buffer = malloc(65536);
    for (uint64_t at = 0; at < bytes;) {
        size_t wanted = bytes - at < 65536 ? (size_t)(bytes - at) : 65536;
        ssize_t size = recv(fd, buffer, wanted, 0);
        assert_true(size > 0);
        for (ssize_t i = 0; i < size; i++) {
            if (buffer[i] != pattern_at(at + (uint64_t)i))
                fail_msg("byte %llu differs", (unsigned long long)(at + (uint64_t)i));
        }
        at += (uint64_t)size;
    }
    free(buffer);
}

struct reader {
    int fd;
    char bytes[65536];
    size_t len, at;
};

static char read_byte(struct reader *reader)
{
    if (reader->at == reader->len) {
        ssize_t size = recv(reader->fd, reader->bytes, sizeof reader->bytes, 0);
        assert_true(size > 0);
        reader->len = (size_t)size;
        reader->at = 0;
    }
    return reader->bytes[reader->at++];
}

static void expect_chunked_pattern(int fd, uint64_t bytes)
{
    struct reader *reader = calloc(1, sizeof *reader);
    reader->fd = fd;
    uint64_t at = 0;
    for (;;) {
        uint64_t size = 0;
        for (char c = read_byte(reader); c != '\r'; c = read_byte(reader))
            size = size * 16 + (uint64_t)gw_hex_digit(c);
        assert_int_equal(read_byte(reader), '\n');
        for (uint64_t i = 0; i < size; i++, at++)
            assert_true(read_byte(reader) == pattern_at(at));
        assert_int_equal(read_byte(reader), '\r');
        assert_int_equal(read_byte(reader), '\n');
        if (size == 0)
            break;
    }
    assert_true(at == bytes);
    free(reader);
}

static long resident_kib(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &total, &resident), 2);
    (void)fclose(file);
    return resident * 4;
}

static void an_upload_with_a_length_arrives_whole(void **state)
{
    struct lab *lab = *state;
    char head[256];
    int client = lab_connect(lab);
    (void)snprintf(head, sizeof head, "PUT /u HTTP/1.1\r\nHost: a\r\nContent-Length: %u\r\n\r\n", BIG_BYTES);
    lab_send(client, head);
    struct writer writer;
    start_writer(&writer, client, BIG_BYTES, false);
    int app = lab_accept(lab);
    lab_expect(app, head);
    expect_pattern(app, BIG_BYTES);
    lab_send(app, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    lab_expect(client, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    pthread_join(writer.thread, NULL);
    close(client);
    close(app);
}

static void a_chunked_upload_and_a_chunked_download_arrive_whole(void **state)
{
    struct lab *lab = *state;
    const char *head = "PUT /u HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const char *answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    int client = lab_connect(lab);
    lab_send(client, head);
    struct writer up, down;
    start_writer(&up, client, BIG_BYTES / 8, true);
    int app = lab_accept(lab);
    lab_expect(app, head);
    lab_send(app, answer); /* the answer begins while the body is still coming */
    start_writer(&down, app, BIG_BYTES / 8, true);
    expect_chunked_pattern(app, BIG_BYTES / 8);
    lab_expect(client, answer);
    expect_chunked_pattern(client, BIG_BYTES / 8);
    pthread_join(up.thread, NULL);
    pthread_join(down.thread, NULL);
    lab_send(client, "GET /local HTTP/1.1\r\nHost: a\r\n\r\n"); /* nothing is out of step */
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n");
    close(client);
    close(app);
}

static void a_download_waits_for_a_client_that_does_not_read(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, "GET /d HTTP/1.1\r\nHost: a\r\n\r\n");
    int app = lab_accept(lab);
    lab_expect(app, "GET /d HTTP/1.1\r\nHost: a\r\n\r\n");
    char head[256];
    (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", BIG_BYTES);
    lab_send(app, head);
    long before = resident_kib();
    /* Sends until nobody takes any more: two kernels' buffers and ours are full. */
    char *bytes = malloc(65536);
    uint64_t sent = 0;
    for (int stuck = 0; stuck < 20;) {
        for (size_t i = 0; i < 65536; i++)
            bytes[i] = pattern_at(sent + i);
        size_t size = BIG_BYTES - sent < 65536 ? (size_t)(BIG_BYTES - sent) : 65536;
        assert_true(size > 0);
        struct pollfd wait = {.fd = app, .events = POLLOUT};
        ssize_t len = poll(&wait, 1, 50) == 1 ? send(app, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) : -1;
        stuck = len > 0 ? 0 : stuck + 1;
        sent += len > 0 ? (uint64_t)len : 0;
    }
    free(bytes);
    assert_true(sent < BIG_BYTES / 2);
    assert_true(resident_kib() - before < 16 * 1024);
    lab_expect(client, head);
    expect_pattern(client, sent);
    close(client);
    close(app);
}

static void an_early_answer_is_delivered_and_the_connection_not_used_again(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin");
    int app = lab_accept(lab);
    lab_expect(app, "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin");
    lab_send(app, "HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nnope");
    lab_expect(client, "HTTP/1.1 403 No\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope");
    lab_expect_gone(app);
    lab_send(client, "GET /local HTTP/1.1\r\nHost: a\r\n\r\n"); /* part of the body, if anything */
    lab_expect_end(client);
    assert_int_equal(atomic_load(&lab->requests), 1);
    close(client);
    close(app);
}

static void after_an_early_answer_the_app_still_gets_the_rest_of_the_body(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    int app = lab_accept(lab);
    lab_expect(app, "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    lab_send(app, "HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nsoon");
    lab_expect(client, "HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nsoon");
    struct writer writer;
    start_writer(&writer, client, 1000000, false);
    expect_pattern(app, 1000000);
    pthread_join(writer.thread, NULL);
    lab_send(client, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"); /* and both connections go on */
    lab_expect(app, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    close(client);
    close(app);
}

static void an_early_answer_of_an_app_that_closes_ends_the_connection(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin");
    int app = lab_accept(lab);
    lab_expect(app, "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin");
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine");
    lab_expect_end(client);
    lab_expect_gone(app);
    close(client);
    close(app);
}

static void an_early_answer_here_reads_off_a_small_body_and_goes_on(void **state)
{
    struct lab *lab = *state;
    char head[4096];
    int client = lab_connect(lab);
    lab_send(client, "POST /local HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    lab_read_head(client, head, sizeof head);
    assert_null(strstr(head, "Connection: close"));
    lab_expect(client, "hello\n");
    lab_send(client, "cdeGET /local HTTP/1.1\r\nHost: a\r\n\r\n");
    lab_read_head(client, head, sizeof head);
    lab_expect(client, "hello\n");
    close(client);
}

static void a12_a_refusal_of_100_continue_ends_the_connection(void **state)
{
    struct lab *lab = *state;
    char head[4096];
    int client = lab_connect(lab);
    lab_send(client, "POST /local HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    lab_read_head(client, head, sizeof head);
    assert_non_null(strstr(head, "Connection: close"));
    lab_expect(client, "hello\n");
    lab_expect_end(client);
    close(client);
}

static void answers_to_pipelined_requests_wait_for_a_client_that_does_not_read(void **state)
{
    enum { COUNT = 20000 };
    struct lab *lab = *state;
    int client = lab_connect(lab);
    struct timeval soon = {.tv_usec = 300000};
    (void)setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
    const char *request = "GET /local HTTP/1.1\r\nHost: a\r\n\r\n";
    int sent = 0;
    while (sent < COUNT * 10 && send(client, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request))
        sent++;
    assert_true(sent > 1000 && sent < COUNT * 10); /* the gateway has stopped reading */
    assert_true(atomic_load(&lab->requests) <= sent);
    for (int i = 0; i < 1000; i++) {
        char head[4096];
        lab_read_head(client, head, sizeof head);
        lab_expect(client, "hello\n");
    }
    close(client);
}

static void events_are_passed_one_by_one(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, "GET /sse HTTP/1.1\r\nHost: a\r\n\r\n");
    int app = lab_accept(lab);
    lab_expect(app, "GET /sse HTTP/1.1\r\nHost: a\r\n\r\n");
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 100; i++) { /* each is seen before the next is sent */
        lab_send(app, "9\r\ndata: 1\n\n\r\n");
        lab_expect(client, "9\r\ndata: 1\n\n\r\n");
    }
    close(client);
    close(app);
}

static void head_and_304_describe_a_body_that_does_not_come(void **state)
{
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"},
        {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n"},
        {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nX: 1\r\n\r\n"},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 99\r\n\r\n"},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n"},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"},
    };
    struct lab *lab = *state;
    int client = lab_connect(lab), app = -1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lab_send(client, cases[i].request);
        if (app < 0)
            app = lab_accept(lab);
        lab_expect(app, cases[i].request);
        lab_send(app, cases[i].answer);
        if (i == 5) /* the blank behind the status is required of us (RFC 9112 section 4) */
            lab_expect(client, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n");
        else
            lab_expect(client, cases[i].answer);
    }
    close(client);
    close(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_upload_with_a_length_arrives_whole, lab_set_up, lab_tear_down),
        cmocka_unit_test_setup_teardown(a_chunked_upload_and_a_chunked_download_arrive_whole, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(a_download_waits_for_a_client_that_does_not_read, lab_set_up, lab_tear_down),
        cmocka_unit_test_setup_teardown(an_early_answer_is_delivered_and_the_connection_not_used_again, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(after_an_early_answer_the_app_still_gets_the_rest_of_the_body, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(an_early_answer_of_an_app_that_closes_ends_the_connection, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(an_early_answer_here_reads_off_a_small_body_and_goes_on, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(a12_a_refusal_of_100_continue_ends_the_connection, lab_set_up, lab_tear_down),
        cmocka_unit_test_setup_teardown(answers_to_pipelined_requests_wait_for_a_client_that_does_not_read, lab_set_up,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(events_are_passed_one_by_one, lab_set_up, lab_tear_down),
        cmocka_unit_test_setup_teardown(head_and_304_describe_a_body_that_does_not_come, lab_set_up, lab_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
