/* Bytes from a client, raw, into the whole codec of HTTP/1.1: heads, bodies, chunks, trailers, several exchanges, with
 * faces that answer, collect, forward, hold and cut, and an app that answers as the first byte says; it also says how
 * the bytes are cut into reads. Whatever comes: each exchange ends exactly once, what is forwarded has one reading, and
 * the app gets as many heads as there were requests for it. */
#include "tests/fuzz/http/fuzz_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const app_answers[] = {
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Too Much\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end",
    "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nopen",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\nold",
};

static struct fuzz_world world;
static unsigned mode;

static void check_request(const struct http_request *request)
{
    CHECK(http_is_token(request->method) && request->field_count <= HTTP_FIELDS_MAX);
    CHECK(http_is_target(request->target));
    CHECK(request->target.ptr[0] == '/' || gw_str_eq(request->target, GW_STR("*")));
    CHECK(request->version == 10 || http_is_authority(request->authority));
    for (size_t i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        CHECK(http_is_token(field->name) && http_is_field_value(field->value));
        CHECK(!http_field_mimics_framing(field->name));
    }
    size_t lengths = http_field_count(request->fields, request->field_count, GW_STR("content-length"));
    size_t codings = http_field_count(request->fields, request->field_count, GW_STR("transfer-encoding"));
    CHECK(lengths + codings <= 1);
    CHECK((codings == 1) == (request->body_kind == HTTP_BODY_CHUNKED));
    CHECK(http_field_count(request->fields, request->field_count, GW_STR("host")) <= 1);
}

static void play_app(void)
{
    static char bytes[65536];
    int fd;
    while ((fd = fuzz_app_accept(&world)) >= 0) {
        unsigned which = (mode >> 4) % 8;
        fuzz_send(fd, app_answers[which], strlen(app_answers[which]));
        if (which == 3 || which == 4 || which == 7) /* these end with the connection */
            (void)shutdown(fd, SHUT_WR);
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
    if ((mode & 8u) != 0) /* otherwise the client reads nothing */
        while (recv(client, bytes, sizeof bytes, 0) > 0)
            continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > FUZZ_INPUT_BYTES_MAX)
        return 0;
    if (world.loop == NULL) {
        world.check = check_request;
        fuzz_world_start(&world, "fuzz_http1");
    }
    mode = data[0];
    int client = fuzz_client_open(&world);
    size_t piece = (mode & 3u) == 0 ? size : (mode & 3u) * 13u;
    for (size_t at = 1; at < size;) {
        size_t len = size - at < piece ? size - at : piece;
        fuzz_send(client, data + at, len);
        at += len;
        turn(client);
    }
    world.answers_held = (mode & 4u) != 0;
    if (world.answers_held)
        (void)shutdown(client, SHUT_WR);
    for (int i = 0; i < 4; i++)
        turn(client);
    fuzz_world_settle(&world, client);
    return 0;
}
