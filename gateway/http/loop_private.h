/* loop_private: what the files of this folder share of a loop. A turn is: h2o delivers events, which only mark tasks;
 * then the marked tasks run, what died is buried, and the sockets that were written to are flushed. Nothing is freed
 * before that, so no call can pull memory away under another. Thread: the loop's. */
#pragma once

#include "gateway/base/str.h"
#include "gateway/http/link.h"
#include "gateway/http/loop.h"

/* Built with the address sanitizer, which gcc and clang say in two ways? */
#if defined(__SANITIZE_ADDRESS__)
#define HTTP_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HTTP_IS_SANITIZED 1
#endif
#endif
#ifndef HTTP_IS_SANITIZED
#define HTTP_IS_SANITIZED 0
#endif

/* Work to be done in this turn. */
struct http_task {
    struct http_link link;
    void (*on_run)(struct http_task *task);
};
void http_task_stir(struct http_loop *loop, struct http_task *task);
void http_task_still(struct http_task *task);

/* Something that died and is freed at the end of the turn. */
struct http_grave {
    struct http_link link;
    void (*on_bury)(struct http_grave *grave);
};
void http_loop_bury(struct http_loop *loop, struct http_grave *grave);

/* Looked at every HTTP_SWEEP_MS, and stirred when the loop drains. Connections count; pools and listeners do not. */
struct http_sweepable {
    struct http_link link;
    bool is_connection;
    void (*on_sweep)(struct http_sweepable *sweepable, int64_t now_ms);
    void (*on_drain)(struct http_sweepable *sweepable, bool is_over); /* is_over: the time is up, end it now */
    /* Of a connection: closes it if nothing happens on it; said whether it did. */
    bool (*on_evict)(struct http_sweepable *sweepable, int64_t now_ms);
};
#define HTTP_SWEEP_MS 250
#define HTTP_EVICT_IDLE_MS 1000 /* so long without a request: others may need its place more */
void http_loop_enroll(struct http_loop *loop, struct http_sweepable *sweepable);
void http_loop_leave(struct http_loop *loop, struct http_sweepable *sweepable);
/* Closes one connection on which nothing happens, an old one first; its place is free in the next turn. Looks at a
 * bounded number. False: found none. Not while sweeping. */
bool http_loop_evict(struct http_loop *loop);

/* A descriptor whose readability is watched; it is read by the callback. */
struct http_watch;
struct http_watch *http_watch_start(struct http_loop *loop, int fd, http_tick_fn on_readable, void *data);
void http_watch_pause(struct http_watch *watch, bool is_paused);
void http_watch_stop(struct http_watch *watch); /* closes the descriptor */

struct st_h2o_evloop_t *http_loop_h2o(struct http_loop *loop);
/* One round that waits for nothing and runs no timer, on a loop that is not being run: for fuzzing. */
void http_loop_turn(struct http_loop *loop);
bool http_loop_is_draining(const struct http_loop *loop);  /* each answer is the last of its connection */
bool http_loop_closes_idle(const struct http_loop *loop);  /* draining, and nobody is waited for */
struct http_link *http_loop_dirty(struct http_loop *loop); /* sockets to flush at the end of the turn */
void http_loop_wants_turn(struct http_loop *loop);
/* Flows that ended, for the next exchanges (exchange.c keeps them). */
struct http_spares {
    struct http_link list; /* zeroed before the first */
    size_t count;
};
struct http_spares *http_loop_spares(struct http_loop *loop);

/* Called when the loop is freed, after all that happens on it. */
void http_loop_on_free(struct http_loop *loop, http_tick_fn on_free, void *data);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7), of this second. */
struct gw_str http_loop_date(struct http_loop *loop);
