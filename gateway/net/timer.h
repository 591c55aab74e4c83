/* timer: what a loop does later, by CLOCK_MONOTONIC. Thread: the loop's. */
#pragma once

#include "gateway/net/link.h"
#include "gateway/net/loop.h"

struct net_timers {
    struct net_link due; /* in the order of their time */
};

void net_timers_init(struct net_timers *timers);
void net_timers_done(struct net_timers *timers);

/* Calls what is due at `now_ms`. */
void net_timers_run(struct net_timers *timers, int64_t now_ms);

/* Milliseconds until the next, at most `max_ms`. */
int64_t net_timers_wait_ms(const struct net_timers *timers, int64_t now_ms, int64_t max_ms);

/* `interval_ms` > 0: again and again. */
struct net_timer *net_timers_add(struct net_timers *timers, int64_t due_ms, int64_t interval_ms, net_tick_fn on_expiry,
                                 void *data);
