/* loop: one event loop and the one thread that runs it. Hides h2o's loop, timers and cross-thread messages.
 *
 * End of turn: everything written during a turn leaves in one flush, and everything that died in it is freed then; that
 * is why nothing else in this module frees inside a callback. Thread: all on the loop's own, except http_loop_post and
 * http_loop_stop. */
#pragma once

#include "gateway/base/result.h"

#include <stdbool.h>
#include <stdint.h>

struct http_loop;

/* Sets SIGPIPE to be ignored, for the whole process. */
struct http_loop *http_loop_new(const char *name);
/* After http_loop_run returned, and after the upstreams on it were freed. Calls no watcher any more; messages that were
 * posted meanwhile still arrive. */
void http_loop_free(struct http_loop *loop);

/* Runs until http_loop_stop; drains first: listeners stop, idle connections close, running exchanges have `drain_ms`.
 */
void http_loop_run(struct http_loop *loop);
/* Any thread, also from a signal-safe context through an eventfd write. May be called again with less time. */
void http_loop_stop(struct http_loop *loop, int64_t drain_ms);
/* The same, for a process whose successor accepts already: nothing is closed that a client may be writing to. A kept
 * connection goes on for one more request, whose answer says that it is the last (RFC 9112 section 9.6), or until it
 * was idle for as long as any may be. http_loop_stop may follow. Any thread. */
void http_loop_retire(struct http_loop *loop, int64_t drain_ms);

/* Calls `message->on_arrival` on the loop's thread, in the order posted. The message belongs to the sender until then
 * and to the callback after. Any thread. Never fails, never waits. */
struct http_loop_message {
    struct http_loop_message *next; /* private */
    void (*on_arrival)(struct http_loop_message *message);
};
void http_loop_post(struct http_loop *loop, struct http_loop_message *message);

/* Calls `on_tick` about every `interval_ms` on CLOCK_MONOTONIC, until the loop is freed. */
typedef void (*http_tick_fn)(void *data);
void http_loop_every(struct http_loop *loop, int64_t interval_ms, http_tick_fn on_tick, void *data);

/* Calls `on_expiry` once after about `delay_ms`. Returns a handle to cancel it with; it is gone after the call. */
struct http_timer;
struct http_timer *http_timer_start(struct http_loop *loop, int64_t delay_ms, http_tick_fn on_expiry, void *data);
void http_timer_cancel(struct http_timer *timer);

/* Calls `on_readable` whenever the eventfd `fd` was written to; the value is read by the loop. */
void http_loop_watch_eventfd(struct http_loop *loop, int fd, http_tick_fn on_readable, void *data);

/* Monotonic milliseconds, read once per turn. */
int64_t http_loop_now_ms(const struct http_loop *loop);

size_t http_loop_connection_count(const struct http_loop *loop);
