/* The PROV face behind real connections: a loop in a thread, clients on sockets. */
#include "tests/unit/routes/ground.h"

#include "gateway/base/buf.h"
#include "gateway/http/listener.h"
#include "gateway/json/parse.h"
#include "gateway/net/loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX (8u << 20)
#define WAIT_S 60
#define USER "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"]"

/* libh2o keeps buffers for later use in each thread, and forgets them when the thread ends. */
const char *__lsan_default_suppressions(void);
__attribute__((weak)) const char *__lsan_default_suppressions(void)
{
    return "leak:h2o_mem_alloc_recycle";
}

/* ---- the server ---- */

static struct {
    pthread_t thread;
    struct net_loop *loop;
    struct world *world;
    uint16_t port;
    int ready[2]; /* a byte when it serves */
} server;

static uint16_t port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static void *serve(void *data)
{
    (void)data;
    struct gw_error err = {0};
    int fd = -1;
    server.loop = net_loop_new("test");
    server.world = world_open("", server.loop);
    check_ok(http_listen("127.0.0.1:0", 64, &fd, &err), &err);
    struct http_listener_settings settings = {.fd = fd,
                                              .face = &prov_http_face,
                                              .face_data = &server.world->listener,
                                              .limits = http_limits_default,
                                              .allow = config_listener_allows,
                                              .peer_data = (void *)(uintptr_t)server.world->listener.config};
    check_ok(http_listener_start(server.loop, &settings, &err), &err);
    server.port = port_of(fd);
    assert_int_equal(write(server.ready[1], "x", 1), 1);
    net_loop_run(server.loop);
    (void)close(fd);
    return NULL;
}

static int set_up(void **state)
{
    (void)state;
    char byte;
    assert_int_equal(pipe(server.ready), 0);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
    assert_int_equal(read(server.ready[0], &byte, 1), 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    net_loop_stop(server.loop, 1000);
    assert_int_equal(pthread_join(server.thread, NULL), 0);
    world_close(server.world);
    net_loop_free(server.loop);
    (void)close(server.ready[0]);
    (void)close(server.ready[1]);
    return 0;
}

/* ---- a client ---- */

struct answer {
    int status;
    struct gw_buf bytes; /* as received, head and body */
    struct gw_str body;
    struct gw_arena arena;
    struct json_value *json;
};

static int client_connect(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server.port)};
    struct timeval wait = {.tv_sec = WAIT_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void client_send(int fd, struct gw_str text)
{
    while (text.len > 0) {
        ssize_t sent = send(fd, text.ptr, text.len, MSG_NOSIGNAL);
        assert_true(sent > 0);
        text = gw_str_from_pos(text, (size_t)sent);
    }
}

static bool read_more(int fd, struct gw_buf *bytes)
{
    char *room = gw_buf_reserve(bytes, 16384);
    assert_non_null(room);
    ssize_t got = recv(fd, room, 16384, 0);
    if (got > 0)
        gw_buf_advance(bytes, (size_t)got);
    return got > 0;
}

/* The position behind the first empty line, or 0. */
static size_t head_size(struct gw_str bytes)
{
    const char *end = bytes.len > 0 ? memmem(bytes.ptr, bytes.len, "\r\n\r\n", 4) : NULL;
    return end != NULL ? (size_t)(end - bytes.ptr) + 4 : 0;
}

static uint64_t length_of(struct gw_str head)
{
    uint64_t length = 0;
    while (head.ptr != NULL) {
        struct gw_str value = gw_str_split(&head, '\n');
        struct gw_str name = gw_str_split(&value, ':');
        if (!gw_str_eq_nocase(name, GW_STR("Content-Length")))
            continue;
        value = gw_str_trim(gw_str_split(&value, '\r'));
        assert_true(gw_str_to_u64(value, ANSWER_BYTES_MAX, &length));
    }
    return length;
}

static void answer_init(struct answer *answer)
{
    memset(answer, 0, sizeof *answer);
    gw_buf_init(&answer->bytes, ANSWER_BYTES_MAX);
}

static void answer_done(struct answer *answer)
{
    gw_buf_done(&answer->bytes);
    gw_arena_done(&answer->arena);
}

/* One answer with a length, interim ones left out. Fails the test when the connection ends before. */
static void client_read(int fd, struct answer *answer, bool has_body)
{
    size_t head = 0;
    do {
        gw_buf_consume(&answer->bytes, head);
        while ((head = head_size(gw_buf_str(&answer->bytes))) == 0)
            assert_true(read_more(fd, &answer->bytes));
        assert_true(gw_str_starts(gw_buf_str(&answer->bytes), GW_STR("HTTP/1.1 ")));
        answer->status = atoi(answer->bytes.data + 9);
    } while (answer->status < 200);
    uint64_t length = has_body ? length_of(gw_str_n(answer->bytes.data, head)) : 0;
    while (answer->bytes.len < head + length)
        assert_true(read_more(fd, &answer->bytes));
    struct gw_error err;
    struct json_limits limits = JSON_LIMITS_BODY;
    answer->body = gw_str_n(answer->bytes.data + head, length);
    answer->json = NULL;
    if (length > 0)
        check_ok(json_parse(&answer->arena, answer->body, &limits, &answer->json, &err), &err);
}

static struct gw_str text_at(const struct answer *answer, const char *name)
{
    const struct json_value *value = json_object_get(answer->json, gw_str_from(name));
    return value != NULL ? value->text : GW_STR("");
}

static struct gw_str request_text(struct gw_arena *arena, const char *line, struct gw_str body)
{
    return gw_arena_printf(arena,
                           "%s HTTP/1.1\r\nHost: prov.test:%u\r\nAuthorization: Bearer %.*s\r\nAccept: "
                           "application/scim+json\r\nContent-Type: application/scim+json; charset=utf-8\r\n"
                           "Content-Length: %zu\r\nConnection: Keep-Alive\r\n\r\n%.*s",
                           line, server.port, GW_STR_ARG(server.world->secret), body.len, GW_STR_ARG(body));
}

static void exchange(int fd, const char *line, const char *body, struct answer *answer)
{
    answer_init(answer);
    client_send(fd, request_text(&answer->arena, line, gw_str_from(body)));
    client_read(fd, answer, strncmp(line, "HEAD", 4) != 0);
}

#define assert_answer(answer, expected)                                                                                \
    do {                                                                                                               \
        if ((answer).status != (expected))                                                                             \
            fail_msg("%d instead of %d: %.*s", (answer).status, (expected), GW_STR_ARG((answer).body));                \
    } while (0)

/* ---- tests ---- */

static void test_one_connection_carries_a_life_cycle(void **state)
{
    (void)state;
    struct answer answer;
    char path[128];
    char line[256];
    int fd = client_connect();
    exchange(fd, "POST /scim/v2/Users", USER ",\"userName\":\"wire@okta.local\"}", &answer);
    assert_answer(answer, 201);
    (void)snprintf(path, sizeof path, "/scim/v2/Users/%.*s", GW_STR_ARG(text_at(&answer, "id")));
    (void)snprintf(line, sizeof line, "PATCH %s", path);
    answer_done(&answer);
    exchange(fd, line,
             "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[{\"op\":\"replace\","
             "\"value\":{\"active\":false}}]}",
             &answer);
    assert_answer(answer, 200);
    assert_false(json_object_get(answer.json, GW_STR("active"))->boolean);
    answer_done(&answer);
    exchange(fd, "GET /scim/v2/Users?filter=userName%20eq%20%22wire@okta.local%22&startIndex=1&count=100", NULL,
             &answer);
    assert_answer(answer, 200);
    assert_str_equal(text_at(&answer, "totalResults"), "1");
    answer_done(&answer);
    (void)snprintf(line, sizeof line, "HEAD %s", path);
    exchange(fd, line, NULL, &answer);
    assert_answer(answer, 200);
    answer_done(&answer);
    exchange(fd, "OPTIONS /scim/v2/Users", NULL, &answer);
    assert_answer(answer, 204);
    answer_done(&answer);
    (void)close(fd);
}

/* Rule 0.24: what never reached a handler is SCIM JSON too. */
static void test_rule_0_24_refusals_of_the_codec_are_scim_json(void **state)
{
    (void)state;
    const char *bad[] = {
        "GET /scim/v2/Users HTTP/1.1\r\nHost: prov.test\r\nHost: other\r\n\r\n",
        "GET /scim/v2/Users HTTP/1.1\r\n\r\n",
        "POST /scim/v2/Users HTTP/1.1\r\nHost: prov.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET /scim/v2/Users HTTP/1.1\r\nHost: nobody.test\r\n\r\n",
        "GET /nothing HTTP/1.1\r\nHost: prov.test\r\n\r\n",
        "GET /scim/v2/Users HTTP/1.1\r\nHost: prov.test\r\n\r\n",
    };
    int statuses[] = {400, 400, 400, 421, 404, 401};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct answer answer;
        int fd = client_connect();
        answer_init(&answer);
        client_send(fd, gw_str_from(bad[i]));
        client_read(fd, &answer, true);
        assert_answer(answer, statuses[i]);
        assert_str_equal(text_at(&answer, "status"), gw_arena_printf(&answer.arena, "%d", statuses[i]).ptr);
        answer_done(&answer);
        (void)close(fd);
    }
}

/* A wrong credential is refused while the body is still at the client; a cap is told by its length alone. */
static void test_bodies_are_refused_before_they_are_sent(void **state)
{
    (void)state;
    struct answer answer;
    int fd = client_connect();
    answer_init(&answer);
    client_send(fd, GW_STR("POST /scim/v2/Users HTTP/1.1\r\nHost: prov.test\r\nAuthorization: Bearer "
                           "wrong\r\nContent-Length: 1000000\r\n\r\n"));
    client_read(fd, &answer, true);
    assert_answer(answer, 401);
    answer_done(&answer);
    (void)close(fd);
    fd = client_connect();
    answer_init(&answer);
    client_send(fd, gw_arena_printf(&answer.arena,
                                    "POST /scim/v2/Users HTTP/1.1\r\nHost: prov.test\r\nAuthorization: Bearer "
                                    "%.*s\r\nContent-Length: 8388608\r\n\r\n",
                                    GW_STR_ARG(server.world->secret)));
    client_read(fd, &answer, true);
    assert_answer(answer, 413);
    assert_str_equal(text_at(&answer, "status"), "413");
    answer_done(&answer);
    (void)close(fd);
}

static void test_chunked_bodies_and_expectations_work(void **state)
{
    (void)state;
    struct answer answer;
    const char *body = USER ",\"userName\":\"chunk@okta.local\"}";
    int fd = client_connect();
    answer_init(&answer);
    client_send(fd, gw_arena_printf(&answer.arena,
                                    "POST /scim/v2/Users HTTP/1.1\r\nHost: prov.test\r\nAuthorization: Bearer "
                                    "%.*s\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
                                    GW_STR_ARG(server.world->secret)));
    while (head_size(gw_buf_str(&answer.bytes)) == 0)
        assert_true(read_more(fd, &answer.bytes));
    assert_true(gw_str_starts(gw_buf_str(&answer.bytes), GW_STR("HTTP/1.1 100 ")));
    client_send(
        fd, gw_arena_printf(&answer.arena, "5\r\n%.5s\r\n%zx\r\n%s\r\n0\r\n\r\n", body, strlen(body) - 5, body + 5));
    client_read(fd, &answer, true);
    assert_answer(answer, 201);
    answer_done(&answer);
    (void)close(fd);
}

/* Clients that leave in the middle of a commit leave nothing behind. */
static void test_clients_that_leave_do_no_harm(void **state)
{
    (void)state;
    enum { CLIENTS = 40 };
    for (int i = 0; i < CLIENTS; i++) {
        GW_ARENA_SCOPED(arena);
        struct linger at_once = {.l_onoff = 1};
        int fd = client_connect();
        struct gw_str body = gw_arena_printf(&arena, USER ",\"userName\":\"left%d@okta.local\"}", i);
        client_send(fd, request_text(&arena, "POST /scim/v2/Users", body));
        if (i % 2 == 0)
            (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        (void)close(fd);
    }
    struct answer answer;
    int fd = client_connect();
    exchange(fd, "GET /scim/v2/Users?count=0", NULL, &answer);
    assert_answer(answer, 200);
    answer_done(&answer);
    (void)close(fd);
}

enum { WRITERS = 8, CREATES = 20 };

static void *create_some(void *data)
{
    int writer = *(int *)data;
    char body[256];
    int fd = client_connect();
    for (int i = 0; i < CREATES; i++) {
        struct answer answer;
        (void)snprintf(body, sizeof body, USER ",\"userName\":\"p%d-%d@okta.local\"}", writer, i);
        exchange(fd, "POST /scim/v2/Users", body, &answer);
        assert_answer(answer, 201);
        answer_done(&answer);
    }
    (void)close(fd);
    return NULL;
}

static void test_parallel_clients_are_all_answered_after_their_commits(void **state)
{
    (void)state;
    pthread_t threads[WRITERS];
    int numbers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, create_some, &numbers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    struct answer answer;
    int fd = client_connect();
    exchange(fd, "GET /scim/v2/Users?count=0", NULL, &answer);
    assert_answer(answer, 200);
    assert_str_equal(text_at(&answer, "totalResults"), gw_arena_printf(&answer.arena, "%d", WRITERS * CREATES + 1).ptr);
    answer_done(&answer);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_connection_carries_a_life_cycle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rule_0_24_refusals_of_the_codec_are_scim_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bodies_are_refused_before_they_are_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_chunked_bodies_and_expectations_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clients_that_leave_do_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parallel_clients_are_all_answered_after_their_commits, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
