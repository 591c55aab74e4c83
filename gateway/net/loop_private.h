/* loop_private: what the files of this folder share of a loop. A turn is: h2o delivers events, which only mark tasks;
 * then the marked tasks run, what died is buried, and the sockets that were written to are flushed. Nothing is freed
 * before that, so no call can pull memory away under another. Thread: the loop's. */
#pragma once

#include "gateway/base/str.h"
#include "gateway/net/link.h"
#include "gateway/net/loop.h"

/* Built with the address sanitizer, which gcc and clang say in two ways? */
#if defined(__SANITIZE_ADDRESS__)
#define NET_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NET_IS_SANITIZED 1
#endif
#endif
#ifndef NET_IS_SANITIZED
#define NET_IS_SANITIZED 0
#endif

/* Work to be done in this turn. */
struct net_task {
    struct net_link link;
    void (*on_run)(struct net_task *task);
};
void net_task_stir(struct net_loop *loop, struct net_task *task);
void net_task_still(struct net_task *task);

/* Something that died and is freed at the end of the turn. */
struct net_grave {
    struct net_link link;
    void (*on_bury)(struct net_grave *grave);
};
void net_loop_bury(struct net_loop *loop, struct net_grave *grave);

/* Looked at every NET_SWEEP_MS, and stirred when the loop drains. Connections count; pools and listeners do not. */
struct net_sweepable {
    struct net_link link;
    bool is_connection;
    void (*on_sweep)(struct net_sweepable *sweepable, int64_t now_ms);
    void (*on_drain)(struct net_sweepable *sweepable, bool is_over); /* is_over: the time is up, end it now */
    /* Of a connection: closes it if nothing happens on it; said whether it did. */
    bool (*on_evict)(struct net_sweepable *sweepable, int64_t now_ms);
};
#define NET_SWEEP_MS 250
#define NET_EVICT_IDLE_MS 1000 /* so long without a request: others may need its place more */
void net_loop_enroll(struct net_loop *loop, struct net_sweepable *sweepable);
void net_loop_leave(struct net_loop *loop, struct net_sweepable *sweepable);
/* Closes one connection on which nothing happens, an old one first; its place is free in the next turn. Looks at a
 * bounded number. False: found none. Not while sweeping. */
bool net_loop_evict(struct net_loop *loop);

/* A descriptor whose readability is watched; it is read by the callback. */
struct net_watch;
struct net_watch *net_watch_start(struct net_loop *loop, int fd, net_tick_fn on_readable, void *data);
void net_watch_pause(struct net_watch *watch, bool is_paused);
void net_watch_stop(struct net_watch *watch); /* closes the descriptor */

struct st_h2o_evloop_t *net_loop_h2o(struct net_loop *loop);
/* One round that waits for nothing and runs no timer, on a loop that is not being run: for fuzzing. */
void net_loop_turn(struct net_loop *loop);
bool net_loop_is_draining(const struct net_loop *loop); /* each answer is the last of its connection */
bool net_loop_closes_idle(const struct net_loop *loop); /* draining, and nobody is waited for */
struct net_link *net_loop_dirty(struct net_loop *loop); /* sockets to flush at the end of the turn */
void net_loop_wants_turn(struct net_loop *loop);
/* Flows that ended, for the next exchanges (exchange.c keeps them). */
struct net_spares {
    struct net_link list; /* zeroed before the first */
    size_t count;
};
struct net_spares *net_loop_spares(struct net_loop *loop);

/* Called when the loop is freed, after all that happens on it. */
void net_loop_on_free(struct net_loop *loop, net_tick_fn on_free, void *data);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7), of this second. */
struct gw_str net_loop_date(struct net_loop *loop);
