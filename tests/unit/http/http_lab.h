/* http_lab: a loop in its own thread with a small face, between raw clients and a raw upstream that the test plays
 * itself, both from the test's thread and with blocking calls: nothing is guessed by time. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/http/exchange.h"
#include "gateway/http/listener.h"
#include "gateway/http/upstream.h"
#include "gateway/net/loop.h"
#include "gateway/net/tls.h"
#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LAB_DEADLINE_MS 60000

struct lab {
    struct net_loop *loop;
    pthread_t thread;
    struct http_upstream *upstream;
    struct http_upstream_settings upstream_settings;
    struct http_limits limits;
    struct tls_server *tls;
    bool (*allow)(const struct sockaddr *peer, void *data);
    bool (*may_tell_peer)(const struct sockaddr *peer, void *data);
    int upstream_fd; /* listening */
    uint16_t upstream_port;
    int gateway_fd;
    uint16_t port;
    atomic_int requests; /* that reached the face */
    atomic_int ends;
    atomic_int last_end;
    atomic_int last_failure;
    char last_detail[256];
    struct http_exchange *held; /* the loop's: of "/hold" */
    struct http_face face;
};

static inline void lab_on_body(struct http_exchange *x, enum gw_code code, void *data)
{
    struct lab *lab = data;
    if (code != GW_OK)
        http_exchange_fail(x, code, NULL);
    else if (gw_str_eq(x->request.path, GW_STR("/collect-forward")))
        http_exchange_forward(x, lab->upstream, x->request.fields, x->request.field_count);
    else
        http_exchange_answer(x, 200, NULL, 0, x->body);
}

static inline void lab_forward_with_own(struct http_exchange *x, struct lab *lab)
{
    size_t count = x->request.field_count;
    struct http_field *fields = gw_arena_array(&x->arena, count + 1, sizeof *fields);
    memcpy(fields, x->request.fields, count * sizeof *fields);
    fields[count] = (struct http_field){GW_STR("X-Forwarded-For"), http_exchange_peer(x)};
    http_exchange_forward(x, lab->upstream, fields, count + 1);
}

static inline void lab_on_request(struct http_exchange *x, void *data)
{
    struct lab *lab = data;
    struct gw_str path = x->request.path;
    atomic_fetch_add(&lab->requests, 1);
    const char *certificate = http_exchange_peer_certificate(x);
    if (gw_str_eq(path, GW_STR("/certificate")))
        http_exchange_answer(x, 200, NULL, 0, certificate != NULL ? gw_str_from(certificate) : GW_STR("none"));
    else if (gw_str_eq(path, GW_STR("/local")))
        http_exchange_answer(x, 200, NULL, 0, GW_STR("hello\n"));
    else if (gw_str_starts(path, GW_STR("/collect")))
        http_exchange_collect(x, 1000, lab_on_body, lab);
    else if (gw_str_eq(path, GW_STR("/hold")))
        lab->held = x;
    else if (gw_str_eq(path, GW_STR("/own")))
        lab_forward_with_own(x, lab);
    else
        http_exchange_forward(x, lab->upstream, x->request.fields, x->request.field_count);
}

static inline void lab_on_end(struct http_exchange *x, void *data)
{
    struct lab *lab = data;
    if (lab->held == x)
        lab->held = NULL;
    /* Known to the last, also when the connection died before (exchange.h); the address sanitizer looks on. */
    GW_ASSERT(http_exchange_peer(x).len > 0 && gw_str_find(http_exchange_peer(x), '\0') < 0);
    GW_ASSERT(http_exchange_peer_address(x)->sa_family != AF_UNSPEC);
    atomic_store(&lab->last_end, (int)x->end);
    if (x->failure != HTTP_FAILURE_NONE)
        (void)snprintf(lab->last_detail, sizeof lab->last_detail, "%.*s", GW_STR_ARG(x->failure_detail));
    atomic_store(&lab->last_failure, (int)x->failure);
    atomic_fetch_add(&lab->ends, 1);
}

/* Runs `fn` on the loop and returns when it has run. */
struct lab_call {
    struct net_loop_message message;
    void (*fn)(struct lab *lab);
    struct lab *lab;
    atomic_bool is_done;
};

static inline void lab_on_call(struct net_loop_message *message)
{
    struct lab_call *call = (struct lab_call *)message;
    call->fn(call->lab);
    atomic_store(&call->is_done, true);
}

static inline void lab_do(struct lab *lab, void (*fn)(struct lab *lab))
{
    struct lab_call call = {.message = {.on_arrival = lab_on_call}, .fn = fn, .lab = lab};
    net_loop_post(lab->loop, &call.message);
    while (!atomic_load(&call.is_done))
        sched_yield();
}

/* Until `counter` has reached `value`. */
static inline void lab_await(const atomic_int *counter, int value)
{
    while (atomic_load(counter) < value)
        sched_yield();
}

static inline void *lab_run(void *data)
{
    struct lab *lab = data;
    net_loop_run(lab->loop);
    return NULL;
}

static inline uint16_t lab_port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

static inline void lab_init(struct lab *lab)
{
    *lab = (struct lab){.upstream_settings = http_upstream_settings_default, .limits = http_limits_default};
    lab->face = (struct http_face){.on_request = lab_on_request, .on_end = lab_on_end};
    struct gw_error err;
    assert_int_equal(http_listen("127.0.0.1:0", 64, &lab->upstream_fd, &err), GW_OK);
    assert_int_equal(http_listen("127.0.0.1:0", 64, &lab->gateway_fd, &err), GW_OK);
    lab->upstream_port = lab_port_of(lab->upstream_fd);
    lab->port = lab_port_of(lab->gateway_fd);
    lab->upstream_settings.host = "127.0.0.1";
    lab->upstream_settings.port = lab->upstream_port;
    lab->loop = net_loop_new("lab");
}

static inline void lab_start(struct lab *lab)
{
    struct gw_error err;
    assert_int_equal(http_upstream_new(lab->loop, &lab->upstream_settings, &lab->upstream, &err), GW_OK);
    struct http_listener_settings settings = {.fd = lab->gateway_fd,
                                              .tls = lab->tls,
                                              .face = &lab->face,
                                              .face_data = lab,
                                              .limits = lab->limits,
                                              .allow = lab->allow,
                                              .has_proxy_header = lab->may_tell_peer != NULL,
                                              .may_tell_peer = lab->may_tell_peer};
    assert_int_equal(http_listener_start(lab->loop, &settings, &err), GW_OK);
    assert_int_equal(pthread_create(&lab->thread, NULL, lab_run, lab), 0);
}

static inline void lab_stop(struct lab *lab)
{
    net_loop_stop(lab->loop, 0);
    assert_int_equal(pthread_join(lab->thread, NULL), 0);
    assert_int_equal(atomic_load(&lab->ends), atomic_load(&lab->requests)); /* each exchange ends exactly once */
    http_upstream_free(lab->upstream);
    net_loop_free(lab->loop);
    tls_server_free(lab->tls);
    (void)close(lab->gateway_fd);
    if (lab->upstream_fd >= 0)
        (void)close(lab->upstream_fd);
}

/* For cmocka: a lab with nothing special. */
static inline int lab_set_up(void **state)
{
    struct lab *lab = gw_alloc(sizeof *lab);
    lab_init(lab);
    lab_start(lab);
    *state = lab;
    return 0;
}

static inline int lab_tear_down(void **state)
{
    lab_stop(*state);
    free(*state);
    return 0;
}

static inline void lab_patience(int fd)
{
    struct timeval limit = {.tv_sec = LAB_DEADLINE_MS / 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static inline int lab_connect(const struct lab *lab)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(lab->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    lab_patience(fd);
    return fd;
}

/* The gateway's next connection to the upstream. */
static inline int lab_accept(const struct lab *lab)
{
    struct pollfd wait = {.fd = lab->upstream_fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, LAB_DEADLINE_MS), 1);
    int fd = accept(lab->upstream_fd, NULL, NULL);
    assert_true(fd >= 0);
    lab_patience(fd);
    return fd;
}

/* Has the gateway connected to the upstream again? Only asked when whatever it does has been done. */
static inline bool lab_has_connection(const struct lab *lab)
{
    struct pollfd wait = {.fd = lab->upstream_fd, .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

static inline void lab_send_n(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        assert_true(sent > 0);
        data += sent;
        len -= (size_t)sent;
    }
}

static inline void lab_send(int fd, const char *text)
{
    lab_send_n(fd, text, strlen(text));
}

/* Reads exactly the bytes of `text`. */
static inline void lab_expect(int fd, const char *text)
{
    size_t len = strlen(text), got = 0;
    char *bytes = calloc(1, len + 1);
    assert_non_null(bytes);
    while (got < len) {
        ssize_t size = recv(fd, bytes + got, len - got, 0);
        if (size <= 0)
            break;
        got += (size_t)size;
    }
    assert_string_equal(bytes, text);
    free(bytes);
}

static inline void lab_expect_end(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

/* The end of the connection, by FIN or reset. */
static inline void lab_expect_gone(int fd)
{
    char byte;
    ssize_t size = recv(fd, &byte, 1, 0);
    if (size < 0)
        assert_int_equal(errno, ECONNRESET);
    else
        assert_int_equal(size, 0);
}

/* All until the end; at most `size` - 1 bytes. Returns the length. */
static inline size_t lab_read_all(int fd, char *bytes, size_t size)
{
    size_t got = 0;
    ssize_t len = 0;
    while (got < size - 1 && (len = recv(fd, bytes + got, size - 1 - got, 0)) > 0)
        got += (size_t)len;
    bytes[got] = '\0';
    return got;
}

/* One answer head, up to its empty line. */
static inline void lab_read_head(int fd, char *bytes, size_t size)
{
    size_t got = 0;
    while (got < size - 1 && recv(fd, bytes + got, 1, 0) == 1) {
        got++;
        if (got >= 4 && memcmp(bytes + got - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    bytes[got] = '\0';
}
