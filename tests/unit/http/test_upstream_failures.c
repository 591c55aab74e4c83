/* security.md J: whatever an upstream does wrong has one reason, for operators and not for users; and what we lack
 * ourselves is nobody's fault. */
#include "gateway/http/servers.h"
#include "tests/unit/http/http_lab.h"

#include <sys/resource.h>

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static int setup(void **state)
{
    struct lab *lab = calloc(1, sizeof *lab);
    lab_init(lab);
    *state = lab;
    return 0;
}

static int setup_started(void **state)
{
    (void)setup(state);
    lab_start(*state);
    return 0;
}

/* Asks once, reads to the end of the connection, and gives what came. */
static void ask_for(struct lab *lab, char *answer, size_t size)
{
    int client = lab_connect(lab);
    int ends = atomic_load(&lab->ends);
    lab_send(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    lab_read_all(client, answer, size);
    lab_await(&lab->ends, ends + 1);
    (void)close(client);
}

static void expect_failure(struct lab *lab, const char *word, const char *detail)
{
    enum http_failure failure = (enum http_failure)atomic_load(&lab->last_failure);
    assert_string_equal(http_failure_word(failure), word);
    assert_string_equal(lab->last_detail, detail);
}

static void what_an_app_says_wrong_is_named(void **state)
{
    static const struct {
        const char *answer, *word, *detail;
    } rows[] = {
        {"", "closed", "the connection was closed before the answer"},
        {"HTTP/1.1 20", "closed", "the connection ended inside the answer's head"},
        {"nonsense\r\n\r\n", "malformed", "the status line is malformed"},
        {"HTTP/1.1 200 OK\n\n", "malformed", "a line of the head does not end in CRLF"},
        {"\r\nHTTP/1.1 200 OK\r\n\r\n", "malformed", "an empty line before the status line"},
        {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "malformed", "Content-Length is not a plain number"},
        {"HTTP/1.1 200 OK\r\nX: \x01\r\n\r\n", "malformed", "a field value holds a control byte"},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "malformed",
         "101 without being asked for an upgrade"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "body-closed",
         "the connection was closed inside the answer's body"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "body-malformed",
         "the body is not made of chunks"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: \x01\r\n\r\n", "body-malformed",
         "a field value holds a control byte"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "none", ""},
    };
    struct lab *lab = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int client = lab_connect(lab);
        char answer[4096];
        lab->last_detail[0] = '\0';
        lab_send(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        int app = lab_accept(lab);
        lab_expect(app, GET);
        lab_send(app, rows[i].answer);
        (void)shutdown(app, SHUT_WR);
        lab_read_all(client, answer, sizeof answer);
        lab_await(&lab->ends, (int)i + 1);
        expect_failure(lab, rows[i].word, rows[i].detail);
        /* The user sees the same sentence whatever it was. */
        assert_true(rows[i].detail[0] == '\0' || strstr(answer, rows[i].detail) == NULL);
        (void)close(client);
        (void)close(app);
    }
}

static void expect_failure_after(struct lab *lab, const char *sent, const char *word, const char *detail)
{
    char answer[4096];
    lab_start(lab);
    int client = lab_connect(lab);
    lab_send(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    int app = lab_accept(lab);
    lab_expect(app, GET);
    lab_send(app, sent);
    lab_read_all(client, answer, sizeof answer);
    lab_await(&lab->ends, 1);
    expect_failure(lab, word, detail);
    (void)close(client);
    (void)close(app);
}

static void an_app_that_is_silent_is_named(void **state)
{
    struct lab *lab = *state;
    lab->upstream_settings.head_ms = 400;
    expect_failure_after(lab, "", "head-timeout", "no answer head within answer_timeout");
}

static void an_app_that_stands_still_is_named(void **state)
{
    struct lab *lab = *state;
    lab->upstream_settings.idle_ms = 400;
    expect_failure_after(lab, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "body-timeout",
                         "nothing moved within idle_timeout");
}

static void nobody_there_is_named(void **state)
{
    struct lab *lab = *state;
    char answer[4096];
    (void)close(lab->upstream_fd);
    lab->upstream_fd = -1;
    lab_start(lab);
    ask_for(lab, answer, sizeof answer);
    assert_non_null(strstr(answer, "HTTP/1.1 502 "));
    expect_failure(lab, "connect-refused", "Connection refused");
}

static void no_socket_file_is_named(void **state)
{
    struct lab *lab = *state;
    char answer[4096];
    lab->upstream_settings.host = NULL;
    lab->upstream_settings.unix_path = "/nowhere/app.sock";
    lab_start(lab);
    ask_for(lab, answer, sizeof answer);
    expect_failure(lab, "connect-failed", "No such file or directory");
    assert_null(strstr(answer, "nowhere"));
}

/* A queue that is full lets no handshake through. */
static void nobody_accepting_is_named(void **state)
{
    struct lab *lab = *state;
    char answer[4096];
    int fill[8];
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(lab->upstream_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    lab->upstream_settings.connect_ms = 400;
    assert_int_equal(listen(lab->upstream_fd, 0), 0);
    for (size_t i = 0; i < 8; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fill[i], (const struct sockaddr *)&address, sizeof address);
    }
    lab_start(lab);
    ask_for(lab, answer, sizeof answer);
    assert_non_null(strstr(answer, "HTTP/1.1 504 "));
    expect_failure(lab, "connect-timeout", "no connection within connect_timeout");
    for (size_t i = 0; i < 8; i++)
        (void)close(fill[i]);
}

static void limit_descriptors(rlim_t count)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = count;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* The only server is asked again at once: nothing was held against it. */
static void our_own_lack_of_descriptors_is_503_and_does_not_blame_the_server(void **state)
{
    struct lab *lab = *state;
    struct http_server_settings one = {.name = "app", .host = "127.0.0.1", .port = lab->upstream_port, .weight = 1};
    struct http_servers *servers = http_servers_new(NULL, &one, 1);
    struct rlimit before;
    char head[4096];
    lab->upstream_settings.servers = servers;
    lab_start(lab);
    int client = lab_connect(lab);
    lab_send(client, "GET /local HTTP/1.1\r\nHost: a\r\n\r\n");
    lab_read_head(client, head, sizeof head);
    lab_expect(client, "hello\n");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit_descriptors(3);
    lab_send(client, GET);
    lab_read_head(client, head, sizeof head);
    limit_descriptors(before.rlim_cur);
    assert_non_null(strstr(head, "HTTP/1.1 503 "));
    assert_non_null(strstr(head, "\r\nRetry-After: "));
    lab_expect(client, "too busy, come back later\n");
    lab_await(&lab->ends, 2);
    expect_failure(lab, "own", "Too many open files");
    assert_true(http_server_is_up(&servers->list[0]));

    lab_send(client, GET);
    int app = lab_accept(lab);
    lab_expect(app, GET);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    (void)close(client);
    (void)close(app);
    lab_stop(lab);
    http_servers_free(servers);
}

static int free_lab(void **state)
{
    free(*state);
    return 0;
}

static void what_errno_says_is_sorted(void **state)
{
    static const struct {
        int error;
        enum http_failure failure;
        int status;
    } rows[] = {{EMFILE, HTTP_FAILURE_OWN, 503},
                {ENFILE, HTTP_FAILURE_OWN, 503},
                {ENOMEM, HTTP_FAILURE_OWN, 503},
                {ENOBUFS, HTTP_FAILURE_OWN, 503},
                {EADDRNOTAVAIL, HTTP_FAILURE_OWN, 503},
                {ECONNREFUSED, HTTP_FAILURE_REFUSED, 502},
                {ETIMEDOUT, HTTP_FAILURE_CONNECT_TIMEOUT, 504},
                {EHOSTUNREACH, HTTP_FAILURE_CONNECT, 502}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum http_failure failure = http_failure_of_errno(rows[i].error);
        assert_int_equal(failure, rows[i].failure);
        assert_int_equal(gw_code_status(http_failure_code(failure)), rows[i].status);
    }
    assert_string_equal(http_failure_errno_text(-1), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_an_app_says_wrong_is_named, setup_started, lab_tear_down),
        cmocka_unit_test_setup_teardown(an_app_that_is_silent_is_named, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(an_app_that_stands_still_is_named, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(nobody_there_is_named, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(no_socket_file_is_named, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(nobody_accepting_is_named, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(our_own_lack_of_descriptors_is_503_and_does_not_blame_the_server, setup,
                                        free_lab),
        cmocka_unit_test(what_errno_says_is_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
