#include "gateway/http/listener.h"

#include "gateway/base/metrics.h"
#include "gateway/http/http1.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

const struct http_limits http_limits_default = {
    .head_ms = 15000,
    .idle_ms = 45000,
    .stream_idle_ms = 3600000,
    .min_rate = 4096,
    .min_rate_window_ms = 30000,
    .connections_max = 32768, /* 15 KiB each when idle over TLS; the descriptors usually end sooner */
};

#define ACCEPTS_PER_TURN 64
#define ADDRESS_TEXT_MAX 256u

struct http_listener {
    struct http_service server; /* what its connections hold on to */
    struct net_sweepable sweepable;
    struct net_watch *watch;
    int fd;
    bool is_paused;
    bool (*may_tell_peer)(const struct sockaddr *peer, void *peer_data);
};

/* --- opening --------------------------------------------------------------------------------------------------- */

static enum gw_code failed(const char *address, const char *what, struct gw_error *err)
{
    return gw_fail(err, GW_E_CONFIG, "cannot listen on %s: %s: %s", address, what, strerror(errno));
}

static enum gw_code bind_and_listen(int fd, const struct sockaddr *bound, socklen_t len, int backlog,
                                    const char *address, struct gw_error *err)
{
    /* Set before connections are made, so that the window they offer fits (libh2o reads without a limit of its own). */
    int on = 1, receive_bytes = 128 * 1024;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    if (bound->sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, bound, len) != 0)
        return failed(address, "bind", err);
    if (listen(fd, backlog) != 0)
        return failed(address, "listen", err);
    return GW_OK;
}

static enum gw_code open_and_listen(const struct sockaddr *bound, socklen_t len, int backlog, const char *address,
                                    int *ret_fd, struct gw_error *err)
{
    int fd = socket(bound->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return failed(address, "socket", err);
    enum gw_code code = bind_and_listen(fd, bound, len, backlog, address, err);
    if (code != GW_OK)
        (void)close(fd);
    else
        *ret_fd = fd;
    return code;
}

/* A socket file that nobody listens on any more is left behind by a crash; it is removed, a file of another kind is
 * not. */
static enum gw_code listen_unix(const char *address, int backlog, int *ret_fd, struct gw_error *err)
{
    const char *path = address + strlen("unix:");
    struct sockaddr_un bound = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof bound.sun_path)
        return gw_fail(err, GW_E_CONFIG, "cannot listen on %s: the path is empty or too long", address);
    memcpy(bound.sun_path, path, len + 1);
    struct stat file;
    if (lstat(path, &file) == 0 && S_ISSOCK(file.st_mode)) {
        int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_used = probe >= 0 && connect(probe, (const struct sockaddr *)&bound, sizeof bound) == 0;
        if (probe >= 0)
            (void)close(probe);
        if (!is_used)
            (void)unlink(path);
    }
    return open_and_listen((const struct sockaddr *)&bound, sizeof bound, backlog, address, ret_fd, err);
}

/* "ADDRESS:PORT" or "[V6]:PORT" into its halves. */
static bool split_address(const char *address, char host[ADDRESS_TEXT_MAX], const char **ret_port)
{
    const char *colon = strrchr(address, ':');
    uint64_t port = 0;
    if (colon == NULL || colon == address || !gw_str_to_u64(gw_str_from(colon + 1), UINT16_MAX, &port))
        return false; /* getaddrinfo would take 99999 and wrap it */
    const char *from = address, *to = colon;
    if (*from == '[' && to[-1] == ']') {
        from++;
        to--;
    }
    if (to <= from || (size_t)(to - from) >= ADDRESS_TEXT_MAX)
        return false;
    memcpy(host, from, (size_t)(to - from));
    host[to - from] = '\0';
    *ret_port = colon + 1;
    return true;
}

enum gw_code http_listen(const char *address, int backlog, int *ret_fd, struct gw_error *err)
{
    if (strncmp(address, "unix:", 5) == 0)
        return listen_unix(address, backlog, ret_fd, err);
    char host[ADDRESS_TEXT_MAX];
    const char *port = NULL;
    if (!split_address(address, host, &port))
        return gw_fail(err, GW_E_CONFIG, "cannot listen on %s: not ADDRESS:PORT, [V6]:PORT or unix:PATH", address);
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0)
        return gw_fail(err, GW_E_CONFIG, "cannot listen on %s: %s", address, gai_strerror(rc));
    enum gw_code code = open_and_listen(list->ai_addr, list->ai_addrlen, backlog, address, ret_fd, err);
    freeaddrinfo(list);
    return code;
}

/* --- accepting ------------------------------------------------------------------------------------------------- */

static void pause_accepting(struct http_listener *listener, bool is_paused)
{
    if (listener->is_paused == is_paused || listener->watch == NULL)
        return;
    listener->is_paused = is_paused;
    net_watch_pause(listener->watch, is_paused);
}

static bool is_full(const struct http_listener *listener)
{
    return net_loop_connection_count(listener->server.loop) >= listener->server.limits.connections_max;
}

static bool may_come(const struct http_listener *listener, const struct sockaddr *peer)
{
    const struct http_service *server = &listener->server;
    if (server->has_proxy_header)
        return listener->may_tell_peer(peer, server->peer_data);
    return server->allow == NULL || server->allow(peer, server->peer_data);
}

/* False when there is nobody more to accept now. */
static bool accept_one(struct http_listener *listener)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;
    int fd = accept4(listener->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        int reason = errno;
        /* Out of descriptors or memory, and still readable: it would spin. The sweep tries again. */
        if (reason == EMFILE || reason == ENFILE || reason == ENOBUFS || reason == ENOMEM) {
            pause_accepting(listener, true);
            (void)net_loop_evict(listener->server.loop);
        }
        return reason == ECONNABORTED || reason == EINTR;
    }
    gw_metric_add(GW_METRIC_CONNECTIONS_ACCEPTED, 1);
    if (!may_come(listener, (const struct sockaddr *)&peer))
        (void)close(fd);
    else
        http1_accept(&listener->server, fd, &peer);
    return true;
}

static void on_readable(void *data)
{
    struct http_listener *listener = data;
    if (is_full(listener)) {
        if (!net_loop_evict(listener->server.loop)) /* else the place is free in the next turn, which asks again */
            pause_accepting(listener, true);
        return;
    }
    for (int i = 0; i < ACCEPTS_PER_TURN && !is_full(listener); i++) {
        if (!accept_one(listener))
            return;
    }
}

static void on_sweep(struct net_sweepable *sweepable, int64_t now_ms)
{
    struct http_listener *listener = NET_CONTAINER(sweepable, struct http_listener, sweepable);
    (void)now_ms;
    pause_accepting(listener, false);
}

static void on_drain(struct net_sweepable *sweepable, bool is_over)
{
    struct http_listener *listener = NET_CONTAINER(sweepable, struct http_listener, sweepable);
    (void)is_over;
    if (listener->watch != NULL)
        net_watch_stop(listener->watch);
    listener->watch = NULL;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0)
        return 0;
    if (bound.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&bound)->sin_port);
    return bound.ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)&bound)->sin6_port) : 0;
}

static void on_loop_end(void *data)
{
    free(data);
}

enum gw_code http_listener_start(struct net_loop *loop, const struct http_listener_settings *settings,
                                 struct gw_error *err)
{
    int fd = fcntl(settings->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return gw_fail(err, GW_E_INTERNAL, "cannot duplicate a listening socket: %s", strerror(errno));
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    struct http_listener *listener = gw_alloc(sizeof *listener);
    listener->server = (struct http_service){.loop = loop,
                                             .face = settings->face,
                                             .face_data = settings->face_data,
                                             .limits = settings->limits,
                                             .tls = settings->tls,
                                             .local_port = port_of(fd),
                                             .has_proxy_header = settings->has_proxy_header,
                                             .allow = settings->allow,
                                             .peer_data = settings->peer_data};
    listener->fd = fd;
    listener->may_tell_peer = settings->may_tell_peer;
    listener->sweepable = (struct net_sweepable){.on_sweep = on_sweep, .on_drain = on_drain};
    listener->watch = net_watch_start(loop, fd, on_readable, listener);
    net_loop_enroll(loop, &listener->sweepable);
    net_loop_on_free(loop, on_loop_end, listener);
    return GW_OK;
}
