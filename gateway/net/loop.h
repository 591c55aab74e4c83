/* loop: one event loop and the one thread that runs it. Hides h2o's loop, timers and cross-thread messages.
 *
 * End of turn: everything written during a turn leaves in one flush, and everything that died in it is freed then; that
 * is why nothing else in this module frees inside a callback. Thread: all on the loop's own, except net_loop_post and
 * net_loop_stop. */
#pragma once

#include "gateway/base/result.h"

#include <stdbool.h>
#include <stdint.h>

struct net_loop;

/* Sets SIGPIPE to be ignored, for the whole process. */
struct net_loop *net_loop_new(const char *name);
/* After net_loop_run returned, and after the upstreams on it were freed. Calls no watcher any more; messages that were
 * posted meanwhile still arrive. */
void net_loop_free(struct net_loop *loop);

/* Runs until net_loop_stop; drains first: listeners stop, idle connections close, running exchanges have `drain_ms`.
 */
void net_loop_run(struct net_loop *loop);
/* Any thread, also from a signal-safe context through an eventfd write. May be called again with less time. */
void net_loop_stop(struct net_loop *loop, int64_t drain_ms);
/* The same, for a process whose successor accepts already: nothing is closed that a client may be writing to. A kept
 * connection goes on for one more request, whose answer says that it is the last (RFC 9112 section 9.6), or until it
 * was idle for as long as any may be. net_loop_stop may follow. Any thread. */
void net_loop_retire(struct net_loop *loop, int64_t drain_ms);

/* Calls `message->on_arrival` on the loop's thread, in the order posted. The message belongs to the sender until then
 * and to the callback after. Any thread. Never fails, never waits. */
struct net_loop_message {
    struct net_loop_message *next; /* private */
    void (*on_arrival)(struct net_loop_message *message);
};
void net_loop_post(struct net_loop *loop, struct net_loop_message *message);

/* Calls `on_tick` about every `interval_ms` on CLOCK_MONOTONIC, until the loop is freed. */
typedef void (*net_tick_fn)(void *data);
void net_loop_every(struct net_loop *loop, int64_t interval_ms, net_tick_fn on_tick, void *data);

/* Calls `on_expiry` once after about `delay_ms`. Returns a handle to cancel it with; it is gone after the call. */
struct net_timer;
struct net_timer *net_timer_start(struct net_loop *loop, int64_t delay_ms, net_tick_fn on_expiry, void *data);
void net_timer_cancel(struct net_timer *timer);

/* Calls `on_readable` whenever the eventfd `fd` was written to; the value is read by the loop. */
void net_loop_watch_eventfd(struct net_loop *loop, int fd, net_tick_fn on_readable, void *data);

/* Monotonic milliseconds, read once per turn. */
int64_t net_loop_now_ms(const struct net_loop *loop);

size_t net_loop_connection_count(const struct net_loop *loop);
