/* timer: what a loop does later, by CLOCK_MONOTONIC. Thread: the loop's. */
#pragma once

#include "gateway/http/link.h"
#include "gateway/http/loop.h"

struct http_timers {
    struct http_link due; /* in the order of their time */
};

void http_timers_init(struct http_timers *timers);
void http_timers_done(struct http_timers *timers);

/* Calls what is due at `now_ms`. */
void http_timers_run(struct http_timers *timers, int64_t now_ms);

/* Milliseconds until the next, at most `max_ms`. */
int64_t http_timers_wait_ms(const struct http_timers *timers, int64_t now_ms, int64_t max_ms);

/* `interval_ms` > 0: again and again. */
struct http_timer *http_timers_add(struct http_timers *timers, int64_t due_ms, int64_t interval_ms,
                                   http_tick_fn on_expiry, void *data);
