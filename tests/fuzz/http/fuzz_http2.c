/* Frames from a client, raw, into the whole codec: loop, socket, libnghttp2, flows and an app that answers. The first
 * byte says how they are cut into reads, whether a preface and SETTINGS lead them, and what the app says. Whatever
 * comes, each exchange ends exactly once, nothing is forwarded that has two readings, and the connection can be closed.
 */
#include "gateway/http/http2.h"
#include "gateway/http/upstream.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

#define INPUT_BYTES_MAX (64u * 1024u)
#define TURNS_MAX 64
#define APPS_MAX 256u

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0"; /* the NUL ends SETTINGS */

static const char *const app_answers[] = {
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end",
};

static struct {
    struct net_loop *loop;
    struct http_service server;
    struct http_upstream *upstream;
    struct http_face face;
    int app_listener;
    int apps[APPS_MAX];
    size_t app_count;
    unsigned mode;
    unsigned begun, ended;
    char *large;
} world;

static void check_request(const struct http_request *request)
{
    CHECK(http_is_token(request->method) && http_is_authority(request->authority));
    CHECK(http_is_target(request->target));
    CHECK(request->target.ptr[0] == '/' || gw_str_eq(request->target, GW_STR("*")));
    CHECK(request->field_count >= 1 && request->field_count <= HTTP_FIELDS_MAX + 1);
    for (size_t i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        CHECK(http_is_token(field->name) && http_is_field_value(field->value));
        CHECK(!http_field_mimics_framing(field->name));
        CHECK(!http_field_is_hop(field->name) || gw_str_eq(field->name, GW_STR("te")) ||
              gw_str_eq(field->name, GW_STR("http2-settings")));
    }
    CHECK(http_field_count(request->fields, request->field_count, GW_STR("host")) == 1);
    CHECK(http_field_count(request->fields, request->field_count, GW_STR("cookie")) <= 1);
    CHECK(http_field_count(request->fields, request->field_count, GW_STR("content-length")) <= 1);
}

static void on_body(struct http_exchange *x, enum gw_code code, void *data)
{
    (void)data;
    if (code != GW_OK)
        http_exchange_fail(x, code, NULL);
    else
        http_exchange_answer(x, 200, NULL, 0, x->body);
}

static void on_request(struct http_exchange *x, void *data)
{
    (void)data;
    struct gw_str path = x->request.path;
    char kind = path.len > 1 ? path.ptr[1] : '\0';
    world.begun++;
    check_request(&x->request);
    if (kind == 'c')
        http_exchange_collect(x, 1000, on_body, NULL);
    else if (kind == 'x')
        http_exchange_cut(x);
    else if (kind == 'l')
        http_exchange_answer(x, 200, NULL, 0, gw_str_n(world.large, 100000));
    else if (kind == 'f')
        http_exchange_forward(x, world.upstream, x->request.fields, x->request.field_count);
    else if (kind != 'h') /* 'h': held to the end */
        http_exchange_answer(x, 200, NULL, 0, GW_STR("hello"));
}

static void on_end(struct http_exchange *x, void *data)
{
    (void)x;
    (void)data;
    world.ended++;
}

static void start(void)
{
    char path[108];
    struct gw_error err;
    const char *folder = getenv("TMPDIR");
    (void)snprintf(path, sizeof path, "unix:%s/fuzz_http2.%d", folder != NULL ? folder : "/tmp", (int)getpid());
    CHECK(http_listen(path, 64, &world.app_listener, &err) == GW_OK);
    CHECK(fcntl(world.app_listener, F_SETFL, O_NONBLOCK) == 0);
    world.loop = net_loop_new("fuzz");
    world.large = gw_alloc(100000);
    world.face = (struct http_face){.on_request = on_request, .on_end = on_end};
    struct http_upstream_settings settings = http_upstream_settings_default;
    settings.unix_path = path + 5;
    CHECK(http_upstream_new(world.loop, &settings, &world.upstream, &err) == GW_OK);
    world.server = (struct http_service){.loop = world.loop, .face = &world.face, .limits = http_limits_default};
}

/* The app takes what it can and answers each connection once. */
static void play_app(void)
{
    static char bytes[65536];
    int fd;
    while (world.app_count < APPS_MAX && (fd = accept4(world.app_listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        const char *answer = app_answers[(world.mode >> 4) % 4];
        ssize_t sent = send(fd, answer, strlen(answer), MSG_NOSIGNAL);
        (void)sent;
        if ((world.mode >> 4) % 4 >= 2) /* these two end with the connection */
            (void)shutdown(fd, SHUT_WR);
        world.apps[world.app_count++] = fd;
    }
    for (size_t i = 0; i < world.app_count; i++) {
        while (recv(world.apps[i], bytes, sizeof bytes, 0) > 0)
            continue;
    }
}

static void turn(int client)
{
    static char bytes[65536];
    net_loop_turn(world.loop);
    play_app();
    if ((world.mode & 8u) != 0) /* otherwise the client reads nothing */
        while (recv(client, bytes, sizeof bytes, 0) > 0)
            continue;
}

static void add_frame(struct gw_buf *out, const uint8_t *record, size_t len)
{
    const char head[9] = {0, 0, (char)len, (char)(record[0] % 11), (char)record[1], 0, 0, 0, (char)(record[2] % 32)};
    gw_buf_add(out, gw_str_n(head, sizeof head));
    gw_buf_add(out, gw_str_n((const char *)record + 4, len));
}

static void make_frames(struct gw_buf *out, const uint8_t *data, size_t size)
{
    while (size >= 4) {
        size_t len = data[3] < size - 4 ? data[3] : size - 4;
        add_frame(out, data, len);
        data += 4 + len;
        size -= 4 + len;
    }
}

static void on_early_event(void *owner)
{
    (void)owner;
}

static void feed(int client, const uint8_t *data, size_t size)
{
    size_t piece = (world.mode & 3u) == 0 ? size : (world.mode & 3u) * 13u;
    while (size > 0) {
        size_t len = size < piece ? size : piece;
        if (send(client, data, len, MSG_NOSIGNAL) != (ssize_t)len)
            return; /* it was closed */
        data += len;
        size -= len;
        turn(client);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_BYTES_MAX)
        return 0;
    if (world.loop == NULL)
        start();
    world.mode = data[0];
    world.begun = world.ended = 0;
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    struct net_socket socket;
    struct sockaddr_storage peer = {.ss_family = AF_UNIX};
    net_socket_open(&socket, world.loop, ends[0], on_early_event, NULL);
    http2_adopt(&world.server, &socket, &peer, "unix");
    if ((world.mode & 4u) == 0)
        feed(ends[1], (const uint8_t *)preface, sizeof preface);
    GW_BUF_SCOPED(frames, 4 * INPUT_BYTES_MAX);
    if ((world.mode & 64u) != 0)
        make_frames(&frames, data + 1, size - 1);
    else
        gw_buf_add(&frames, gw_str_n((const char *)data + 1, size - 1));
    feed(ends[1], (const uint8_t *)frames.data, frames.len);
    for (int i = 0; i < 3; i++)
        turn(ends[1]);
    (void)close(ends[1]);
    for (int i = 0; i < TURNS_MAX && net_loop_connection_count(world.loop) > 0; i++)
        net_loop_turn(world.loop);
    CHECK(net_loop_connection_count(world.loop) == 0);
    net_loop_turn(world.loop);
    CHECK(world.begun == world.ended);
    for (size_t i = 0; i < world.app_count; i++)
        (void)close(world.apps[i]);
    world.app_count = 0;
    net_loop_turn(world.loop);
    return 0;
}
