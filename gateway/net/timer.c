#include "gateway/net/timer.h"

#include "gateway/base/arena.h"

#include <stdlib.h>

struct net_timer {
    struct net_link link;
    int64_t due_ms;
    int64_t interval_ms;
    net_tick_fn on_expiry;
    void *data;
};

static struct net_timer *timer_of(struct net_link *link)
{
    return NET_CONTAINER(link, struct net_timer, link);
}

void net_timers_init(struct net_timers *timers)
{
    net_link_init(&timers->due);
}

/* From the end, since most timers of a loop have the same length and are due after all others. */
static void insert(struct net_timers *timers, struct net_timer *timer)
{
    struct net_link *before = timers->due.prev;
    while (before != &timers->due && timer_of(before)->due_ms > timer->due_ms)
        before = before->prev;
    net_link_add(before->next, &timer->link);
}

struct net_timer *net_timers_add(struct net_timers *timers, int64_t due_ms, int64_t interval_ms, net_tick_fn on_expiry,
                                 void *data)
{
    struct net_timer *timer = gw_alloc(sizeof *timer);
    *timer = (struct net_timer){.due_ms = due_ms, .interval_ms = interval_ms, .on_expiry = on_expiry, .data = data};
    insert(timers, timer);
    return timer;
}

void net_timer_cancel(struct net_timer *timer)
{
    if (timer == NULL)
        return;
    net_link_remove(&timer->link);
    free(timer);
}

static void run(struct net_timers *timers, struct net_timer *timer, int64_t now_ms)
{
    net_tick_fn on_expiry = timer->on_expiry;
    void *data = timer->data;
    net_link_remove(&timer->link);
    if (timer->interval_ms > 0) {
        timer->due_ms = now_ms + timer->interval_ms; /* a late tick is not made up for */
        insert(timers, timer);
    } else {
        free(timer);
    }
    on_expiry(data);
}

static struct net_timer *first(const struct net_timers *timers)
{
    /* The analyser does not see that a timer leaves the list before it is freed. */
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    return net_link_is_empty(&timers->due) ? NULL : timer_of(timers->due.next);
}

void net_timers_run(struct net_timers *timers, int64_t now_ms)
{
    for (struct net_timer *timer = first(timers); timer != NULL && timer->due_ms <= now_ms; timer = first(timers))
        run(timers, timer, now_ms);
}

int64_t net_timers_wait_ms(const struct net_timers *timers, int64_t now_ms, int64_t max_ms)
{
    const struct net_timer *timer = first(timers);
    if (timer == NULL)
        return max_ms;
    int64_t wait_ms = timer->due_ms - now_ms;
    if (wait_ms < 0)
        return 0;
    return wait_ms < max_ms ? wait_ms : max_ms;
}

void net_timers_done(struct net_timers *timers)
{
    for (struct net_timer *timer = first(timers); timer != NULL; timer = first(timers))
        net_timer_cancel(timer);
}
