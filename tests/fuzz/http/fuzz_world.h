/* fuzz_world: the whole codec of HTTP/1.1, both sides, between two descriptors of the target: a loop, a face that does
 * what the path's first letter says, and an app's listener. One thread; the target turns the loop. */
#pragma once

#include "gateway/http/http1.h"
#include "gateway/http/upstream.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

#define FUZZ_INPUT_BYTES_MAX (64u * 1024u)
#define FUZZ_TURNS_MAX 64
#define FUZZ_APPS_MAX 64u
#define FUZZ_COLLECT_BYTES 1000u
#define FUZZ_LARGE_BYTES 100000u

struct fuzz_world {
    struct net_loop *loop;
    struct http_service server;
    struct http_upstream *upstream;
    struct http_face face;
    int app_listener;
    int apps[FUZZ_APPS_MAX];
    size_t app_count;
    unsigned begun, ended;
    char *large;
    void (*check)(const struct http_request *request);
    struct http_exchange *held; /* by the face; one connection has at most one exchange */
    bool answers_held;          /* in the end: after half an end nobody can see that the client is gone altogether */
};

static inline void fuzz_on_body(struct http_exchange *x, enum gw_code code, void *data)
{
    struct fuzz_world *world = data;
    struct gw_str path = x->request.path;
    CHECK(code != GW_OK || x->body.len <= FUZZ_COLLECT_BYTES);
    if (code != GW_OK)
        http_exchange_fail(x, code, NULL);
    else if (path.len > 2 && path.ptr[2] == 'f')
        http_exchange_forward(x, world->upstream, x->request.fields, x->request.field_count);
    else
        http_exchange_answer(x, 200, NULL, 0, x->body);
}

static inline void fuzz_on_request(struct http_exchange *x, void *data)
{
    struct fuzz_world *world = data;
    struct gw_str path = x->request.path;
    char kind = path.len > 1 ? path.ptr[1] : '\0';
    world->begun++;
    if (world->check != NULL)
        world->check(&x->request);
    if (kind == 'c')
        http_exchange_collect(x, FUZZ_COLLECT_BYTES, fuzz_on_body, world);
    else if (kind == 'x')
        http_exchange_cut(x);
    else if (kind == 'l')
        http_exchange_answer(x, 200, NULL, 0, gw_str_n(world->large, FUZZ_LARGE_BYTES));
    else if (kind == 'a')
        http_exchange_answer(x, 200, NULL, 0, GW_STR("hello"));
    else if (kind == 'h')
        world->held = x;
    else
        http_exchange_forward(x, world->upstream, x->request.fields, x->request.field_count);
}

static inline void fuzz_on_end(struct http_exchange *x, void *data)
{
    struct fuzz_world *world = data;
    world->ended++;
    if (world->held == x)
        world->held = NULL;
}

static inline void fuzz_world_start(struct fuzz_world *world, const char *name)
{
    char path[108];
    struct gw_error err;
    const char *folder = getenv("TMPDIR");
    (void)snprintf(path, sizeof path, "unix:%s/%s.%d", folder != NULL ? folder : "/tmp", name, (int)getpid());
    CHECK(http_listen(path, 64, &world->app_listener, &err) == GW_OK);
    CHECK(fcntl(world->app_listener, F_SETFL, O_NONBLOCK) == 0);
    world->loop = net_loop_new("fuzz");
    world->large = gw_alloc(FUZZ_LARGE_BYTES);
    world->face = (struct http_face){.on_request = fuzz_on_request, .on_end = fuzz_on_end};
    struct http_upstream_settings settings = http_upstream_settings_default;
    settings.unix_path = path + 5;
    CHECK(http_upstream_new(world->loop, &settings, &world->upstream, &err) == GW_OK);
    world->server = (struct http_service){
        .loop = world->loop, .face = &world->face, .face_data = world, .limits = http_limits_default};
}

/* A connection of a client's; the target's end of it. */
static inline int fuzz_client_open(struct fuzz_world *world)
{
    int ends[2];
    struct sockaddr_storage peer = {.ss_family = AF_UNIX};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    world->begun = world->ended = 0;
    http1_accept(&world->server, ends[0], &peer);
    return ends[1];
}

/* A new connection at the app, or -1. */
static inline int fuzz_app_accept(struct fuzz_world *world)
{
    int fd = world->app_count < FUZZ_APPS_MAX ? accept4(world->app_listener, NULL, NULL, SOCK_NONBLOCK) : -1;
    if (fd >= 0)
        world->apps[world->app_count++] = fd;
    return fd;
}

static inline void fuzz_send(int fd, const void *bytes, size_t size)
{
    ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL); /* what finds no room is lost, as is what finds no peer */
    (void)sent;
}

/* Closes the client, and checks that all comes to its end. */
static inline void fuzz_world_settle(struct fuzz_world *world, int client)
{
    (void)close(client);
    for (size_t i = 0; i < world->app_count; i++)
        (void)close(world->apps[i]);
    world->app_count = 0;
    for (int i = 0; i < FUZZ_TURNS_MAX && net_loop_connection_count(world->loop) > 0; i++) {
        /* A client that closed may have closed only its half: a face that holds its request answers in the end. */
        struct http_exchange *held = world->answers_held || i >= FUZZ_TURNS_MAX / 2 ? world->held : NULL;
        if (held != NULL) {
            world->held = NULL;
            http_exchange_answer(held, 200, NULL, 0, GW_STR("late"));
        }
        net_loop_turn(world->loop);
        int app = fuzz_app_accept(world);
        if (app >= 0) {
            (void)close(app);
            world->app_count--;
        }
    }
    CHECK(net_loop_connection_count(world->loop) == 0);
    net_loop_turn(world->loop);
    CHECK(world->begun == world->ended);
}
