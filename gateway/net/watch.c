#include "gateway/net/loop_private.h"

#include "gateway/base/arena.h"

#include <h2o.h>

#include <stdlib.h>

struct net_watch {
    struct net_loop *loop;
    h2o_socket_t *socket;
    net_tick_fn on_readable;
    void *data;
};

static void on_watch_readable(h2o_socket_t *socket, const char *err)
{
    (void)err;
    struct net_watch *watch = socket->data;
    net_loop_wants_turn(watch->loop); /* which reads the clock */
    watch->on_readable(watch->data);
}

struct net_watch *net_watch_start(struct net_loop *loop, int fd, net_tick_fn on_readable, void *data)
{
    struct net_watch *watch = gw_alloc(sizeof *watch);
    *watch = (struct net_watch){.loop = loop, .on_readable = on_readable, .data = data};
    watch->socket = h2o_evloop_socket_create(net_loop_h2o(loop), fd, H2O_SOCKET_FLAG_DONT_READ);
    watch->socket->data = watch;
    h2o_socket_read_start(watch->socket, on_watch_readable);
    return watch;
}

void net_watch_pause(struct net_watch *watch, bool is_paused)
{
    if (is_paused)
        h2o_socket_read_stop(watch->socket);
    else if (!h2o_socket_is_reading(watch->socket))
        h2o_socket_read_start(watch->socket, on_watch_readable);
}

void net_watch_stop(struct net_watch *watch)
{
    h2o_socket_close(watch->socket);
    free(watch);
}
