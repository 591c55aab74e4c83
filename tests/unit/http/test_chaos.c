/* Clients and an upstream that break off, stall and cheat at random, from a fixed seed: whatever they do, each exchange
 * ends once, nothing is leaked or touched after its end (the sanitizers say so), and the gateway works afterwards. */
#include "tests/unit/http/http_lab.h"

#define CLIENTS 6
#define ROUNDS 120 /* per client; CHAOS_ROUNDS in the environment asks for more */

static const char *requests[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /local HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nabcdefghijabcdefghij",
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\nabcdefghijabcdefghij",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n",
    "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST /collect-forward HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly bytes",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /local HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
};

static const char *answers[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nraw",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more than that",
    "HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "nonsense\r\n\r\n",
    "",
};

struct player {
    pthread_t thread;
    struct lab *lab;
    unsigned seed;
    atomic_bool *is_over;
};

static unsigned next(struct player *player, unsigned below)
{
    player->seed = player->seed * 1103515245u + 12345u;
    return (player->seed >> 16) % below;
}

/* Sends all or part of `text` in one or two pieces, now and then with bytes that are not right. */
static void send_some(struct player *player, int fd, const char *text)
{
    char bytes[512];
    size_t len = strlen(text);
    assert_true(len < sizeof bytes);
    memcpy(bytes, text, len + 1);
    if (next(player, 4) == 0)
        len = next(player, (unsigned)len + 1);
    for (unsigned i = next(player, 4) == 0 ? 1 + next(player, 3) : 0; i > 0 && len > 0; i--)
        bytes[next(player, (unsigned)len)] = (char)next(player, 256);
    size_t first = len > 0 ? next(player, (unsigned)len + 1) : 0;
    (void)send(fd, bytes, first, MSG_NOSIGNAL);
    (void)send(fd, bytes + first, len - first, MSG_NOSIGNAL);
}

static void end_somehow(struct player *player, int fd)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    unsigned how = next(player, 3);
    if (how == 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (how == 1)
        (void)shutdown(fd, SHUT_WR);
    (void)close(fd);
}

static int rounds(void)
{
    const char *asked = getenv("CHAOS_ROUNDS");
    return asked != NULL ? atoi(asked) : ROUNDS;
}

static void *play_client(void *data)
{
    struct player *player = data;
    for (int i = 0; i < rounds(); i++) {
        int fd = lab_connect(player->lab);
        char bytes[4096];
        send_some(player, fd, requests[next(player, sizeof requests / sizeof requests[0])]);
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (next(player, 3) > 0 && poll(&wait, 1, 20) == 1)
            (void)recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        end_somehow(player, fd);
    }
    return NULL;
}

static void *play_upstream(void *data)
{
    struct player *player = data;
    struct pollfd wait = {.fd = player->lab->upstream_fd, .events = POLLIN};
    while (!atomic_load(player->is_over)) {
        if (poll(&wait, 1, 20) != 1)
            continue;
        int fd = accept(player->lab->upstream_fd, NULL, NULL);
        if (fd < 0)
            continue;
        for (unsigned i = 0; i <= next(player, 3); i++) {
            char bytes[4096];
            struct pollfd readable = {.fd = fd, .events = POLLIN};
            if (poll(&readable, 1, 20) != 1 || recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) <= 0)
                break;
            send_some(player, fd, answers[next(player, sizeof answers / sizeof answers[0])]);
        }
        end_somehow(player, fd);
    }
    return NULL;
}

static void whatever_happens_each_exchange_ends_once_and_the_gateway_goes_on(void **state)
{
    (void)state;
    struct lab lab;
    struct player clients[CLIENTS], upstreams[2];
    atomic_bool is_over = false;
    lab_init(&lab);
    lab.upstream_settings.head_ms = 300;
    lab.upstream_settings.connections_max = 4;
    lab.upstream_settings.idle_max = 2;
    lab_start(&lab);
    for (unsigned i = 0; i < 2; i++) {
        upstreams[i] = (struct player){.lab = &lab, .seed = 77 + i, .is_over = &is_over};
        assert_int_equal(pthread_create(&upstreams[i].thread, NULL, play_upstream, &upstreams[i]), 0);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct player){.lab = &lab, .seed = 1 + i, .is_over = &is_over};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, play_client, &clients[i]), 0);
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        pthread_join(clients[i].thread, NULL);
    int client = lab_connect(&lab);
    lab_send(client, "GET /local HTTP/1.1\r\nHost: a\r\n\r\n");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n");
    close(client);
    atomic_store(&is_over, true);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(upstreams[i].thread, NULL);
    assert_true(atomic_load(&lab.requests) > ROUNDS);
    lab_stop(&lab); /* which counts the ends */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_each_exchange_ends_once_and_the_gateway_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
