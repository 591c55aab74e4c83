/* Peers that cost a server and give it nothing, over TLS, in one thread, so that they take little of the machine.
 *   bench_edge_load PORT HOST read PATH COUNT BYTES_PER_S SECONDS   COUNT readers of PATH, each that slow
 *   bench_edge_load PORT HOST shake RATE SECONDS                    RATE full handshakes a second, RSA signatures only
 * "ready" is printed when every reader has an answer head (when the first handshake is done), at the end one JSON
 * object: opened, ended (before the time was over), bytes. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define READERS_MAX 10000u
#define RECEIVE_BYTES 4096 /* a peer that reads slowly offers no large window */
#define SHAKING_MAX 256u

struct peer {
    int fd;
    SSL *ssl; /* NULL: not there */
};

static struct peer peers[READERS_MAX];
static SSL_CTX *ctx;
static uint16_t port;
static uint64_t opened, ended, bytes;

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void rest(double seconds)
{
    if (seconds > 0)
        (void)poll(NULL, 0, (int)(seconds * 1000) + 1);
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench_edge_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void open_peer(struct peer *peer)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, size = RECEIVE_BYTES;
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer->fd < 0 || setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) != 0 ||
        connect(peer->fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("connect");
    (void)setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)fcntl(peer->fd, F_SETFL, O_NONBLOCK);
    peer->ssl = SSL_new(ctx);
    if (peer->ssl == NULL || SSL_set_fd(peer->ssl, peer->fd) != 1)
        fail("SSL_new");
    SSL_set_connect_state(peer->ssl);
    opened++;
}

static void close_peer(struct peer *peer, bool is_clean)
{
    if (is_clean)
        (void)SSL_shutdown(peer->ssl);
    SSL_free(peer->ssl);
    (void)close(peer->fd);
    peer->ssl = NULL;
}

/* True when `result` of an SSL call only means to wait. */
static bool is_waiting(const struct peer *peer, int result)
{
    int error = SSL_get_error(peer->ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* --- slow readers ---------------------------------------------------------------------------------------------- */

static void begin_reader(struct peer *peer, const char *request)
{
    char first;
    int result;
    struct pollfd wait = {.events = POLLIN};
    open_peer(peer);
    wait.fd = peer->fd;
    while ((result = SSL_connect(peer->ssl)) != 1) {
        if (!is_waiting(peer, result))
            fail("handshake");
        (void)poll(&wait, 1, 1000);
    }
    if (SSL_write(peer->ssl, request, (int)strlen(request)) <= 0)
        fail("request");
    while ((result = SSL_read(peer->ssl, &first, 1)) != 1) {
        if (!is_waiting(peer, result))
            fail("answer");
        (void)poll(&wait, 1, 1000);
    }
}

static void read_some(struct peer *peer, int size)
{
    static char room[1 << 20];
    int got = SSL_read(peer->ssl, room, size);
    if (got > 0) {
        bytes += (uint64_t)got;
    } else if (!is_waiting(peer, got)) {
        ended++;
        close_peer(peer, false);
    }
}

/* Each of them takes its bytes of a second at its own place in that second. */
static void read_slowly(const char *host, const char *path, unsigned count, int per_second, double seconds)
{
    char request[1024];
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host);
    for (unsigned i = 0; i < count; i++)
        begin_reader(&peers[i], request);
    (void)printf("ready\n");
    (void)fflush(stdout);
    double begun = now_s();
    for (uint64_t turn = 0; now_s() - begun < seconds; turn++) {
        rest(begun + (double)turn / count - now_s());
        struct peer *peer = &peers[turn % count];
        if (peer->ssl != NULL)
            read_some(peer, per_second);
    }
}

/* --- handshakes ------------------------------------------------------------------------------------------------ */

static void go_on_shaking(struct peer *peer, bool *said_ready)
{
    int result = SSL_connect(peer->ssl);
    if (result != 1 && is_waiting(peer, result))
        return;
    ended += result != 1;
    close_peer(peer, result == 1);
    if (!*said_ready)
        (void)printf("ready\n");
    (void)fflush(stdout);
    *said_ready = true;
}

static void shake(double rate, double seconds)
{
    struct pollfd polled[SHAKING_MAX];
    struct peer *of[SHAKING_MAX];
    bool said_ready = false;
    double begun = now_s();
    uint64_t turn = 0;
    while (now_s() - begun < seconds) {
        nfds_t count = 0;
        for (unsigned i = 0; i < SHAKING_MAX; i++) {
            if (peers[i].ssl == NULL && now_s() - begun >= (double)turn / rate) {
                open_peer(&peers[i]);
                go_on_shaking(&peers[i], &said_ready);
                turn++;
            }
            if (peers[i].ssl == NULL)
                continue;
            polled[count] = (struct pollfd){.fd = peers[i].fd, .events = POLLIN};
            of[count++] = &peers[i];
        }
        double wait_s = begun + (double)turn / rate - now_s();
        (void)poll(polled, count, wait_s > 0 ? (int)(wait_s * 1000) + 1 : 1);
        for (nfds_t i = 0; i < count; i++) {
            if (polled[i].revents != 0)
                go_on_shaking(of[i], &said_ready);
        }
    }
}

/* A client as it was before ECDSA: every signature costs the server an RSA key operation. */
static void allow_rsa_only(void)
{
    if (SSL_CTX_set1_sigalgs_list(ctx, "RSA-PSS+SHA256:RSA+SHA256") != 1 ||
        SSL_CTX_set_cipher_list(ctx, "ECDHE-RSA-AES128-GCM-SHA256") != 1)
        fail("algorithms");
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
}

int main(int argc, char **argv)
{
    bool reads = argc == 8 && strcmp(argv[3], "read") == 0;
    if (!reads && !(argc == 6 && strcmp(argv[3], "shake") == 0)) {
        (void)fprintf(stderr,
                      "usage: bench_edge_load PORT HOST read PATH COUNT BYTES_PER_S SECONDS | shake RATE SECONDS\n");
        return 2;
    }
    port = (uint16_t)strtoul(argv[1], NULL, 10);
    ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL)
        fail("SSL_CTX_new");
    if (reads) {
        unsigned count = (unsigned)strtoul(argv[5], NULL, 10);
        if (count == 0 || count > READERS_MAX)
            return 2;
        read_slowly(argv[2], argv[4], count, (int)strtoul(argv[6], NULL, 10), strtod(argv[7], NULL));
    } else {
        allow_rsa_only();
        shake(strtod(argv[4], NULL), strtod(argv[5], NULL));
    }
    (void)printf("{\"opened\": %llu, \"ended\": %llu, \"bytes\": %llu}\n", (unsigned long long)opened,
                 (unsigned long long)ended, (unsigned long long)bytes);
    return 0;
}
