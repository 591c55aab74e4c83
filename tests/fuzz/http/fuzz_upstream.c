/* Bytes from an app, raw, as the answer to a request that the first byte picks: interim answers, heads, bodies of every
 * framing, trailers, tunnels, early answers, through the whole client codec to a client. Whatever comes, what the
 * client gets is one well-framed answer, or one that visibly broke off; the exchange ends once. */
#include "tests/fuzz/http/fuzz_world.h"

#include "gateway/http/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOST "Host: a.example\r\n"

static const char *const requests[] = {
    "GET /f HTTP/1.1\r\n" HOST "\r\n",
    "HEAD /f HTTP/1.1\r\n" HOST "\r\n",
    "POST /f HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
    "POST /f HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTE: trailers\r\nConnection: TE\r\n\r\n3\r\nabc\r\n",
    "GET /f HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly",
    "POST /f HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n",
    "GET /f HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n",
    "GET /f HTTP/1.1\r\n" HOST "\r\nGET /f HTTP/1.1\r\n" HOST "\r\n",
};

static struct fuzz_world world;
static char got[512 * 1024];
static size_t got_bytes;

static void turn(int client)
{
    static char bytes[65536];
    ssize_t size;
    net_loop_turn(world.loop);
    while (got_bytes < sizeof got && (size = recv(client, got + got_bytes, sizeof got - got_bytes, 0)) > 0)
        got_bytes += (size_t)size;
    for (size_t i = 0; i < world.app_count; i++) {
        while (recv(world.apps[i], bytes, sizeof bytes, 0) > 0)
            continue;
    }
}

/* The first head that the client got is one that this program would believe as well. */
static void check_answer(bool is_head)
{
    struct http_head_scan scan = {0};
    size_t head_bytes = 0;
    if (got_bytes == 0)
        return;
    CHECK(http_head_scan(&scan, gw_str_n(got, got_bytes), &head_bytes, NULL) == GW_OK);
    if (head_bytes == 0)
        return;
    GW_ARENA_SCOPED(arena);
    struct http_answer answer;
    struct http_answer_facts facts;
    CHECK(scan.blank == 0);
    CHECK(http_answer_head_parse(gw_str_n(got, head_bytes), &arena, is_head, &answer, &facts, NULL) == GW_OK);
    /* And without having to mend it. */
    struct http_field *fields = NULL;
    size_t count = 0;
    struct gw_str rest = gw_str_n(got, head_bytes);
    (void)gw_str_split(&rest, '\n');
    CHECK(http_fields_parse(rest, &arena, &fields, &count, NULL) == GW_OK);
}

/* The app's bytes, in pieces; then its end, orderly or not at all. */
static void play_app(int client, unsigned mode, const uint8_t *data, size_t size)
{
    int app = -1;
    for (int i = 0; i < 4 && app < 0; i++) {
        turn(client);
        app = fuzz_app_accept(&world);
    }
    size_t piece = (mode & 8u) == 0 ? size : 1 + (mode >> 5) * 7u;
    for (size_t at = 0; app >= 0 && at < size;) {
        size_t len = size - at < piece ? size - at : piece;
        fuzz_send(app, data + at, len);
        at += len;
        turn(client);
    }
    if (app >= 0 && (mode & 16u) != 0)
        (void)shutdown(app, SHUT_WR);
    for (int i = 0; i < 4; i++)
        turn(client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > FUZZ_INPUT_BYTES_MAX)
        return 0;
    if (world.loop == NULL)
        fuzz_world_start(&world, "fuzz_upstream");
    unsigned mode = data[0];
    const char *request = requests[mode & 7u];
    got_bytes = 0;
    int client = fuzz_client_open(&world);
    fuzz_send(client, request, strlen(request));
    play_app(client, mode, data + 1, size - 1);
    check_answer((mode & 7u) == 1);
    fuzz_world_settle(&world, client);
    return 0;
}
