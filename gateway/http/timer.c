#include "gateway/http/timer.h"

#include "gateway/base/arena.h"

#include <stdlib.h>

struct http_timer {
    struct http_link link;
    int64_t due_ms;
    int64_t interval_ms;
    http_tick_fn on_expiry;
    void *data;
};

static struct http_timer *timer_of(struct http_link *link)
{
    return HTTP_CONTAINER(link, struct http_timer, link);
}

void http_timers_init(struct http_timers *timers)
{
    http_link_init(&timers->due);
}

/* From the end, since most timers of a loop have the same length and are due after all others. */
static void insert(struct http_timers *timers, struct http_timer *timer)
{
    struct http_link *before = timers->due.prev;
    while (before != &timers->due && timer_of(before)->due_ms > timer->due_ms)
        before = before->prev;
    http_link_add(before->next, &timer->link);
}

struct http_timer *http_timers_add(struct http_timers *timers, int64_t due_ms, int64_t interval_ms,
                                   http_tick_fn on_expiry, void *data)
{
    struct http_timer *timer = gw_alloc(sizeof *timer);
    *timer = (struct http_timer){.due_ms = due_ms, .interval_ms = interval_ms, .on_expiry = on_expiry, .data = data};
    insert(timers, timer);
    return timer;
}

void http_timer_cancel(struct http_timer *timer)
{
    if (timer == NULL)
        return;
    http_link_remove(&timer->link);
    free(timer);
}

static void run(struct http_timers *timers, struct http_timer *timer, int64_t now_ms)
{
    http_tick_fn on_expiry = timer->on_expiry;
    void *data = timer->data;
    http_link_remove(&timer->link);
    if (timer->interval_ms > 0) {
        timer->due_ms = now_ms + timer->interval_ms; /* a late tick is not made up for */
        insert(timers, timer);
    } else {
        free(timer);
    }
    on_expiry(data);
}

static struct http_timer *first(const struct http_timers *timers)
{
    /* The analyser does not see that a timer leaves the list before it is freed. */
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    return http_link_is_empty(&timers->due) ? NULL : timer_of(timers->due.next);
}

void http_timers_run(struct http_timers *timers, int64_t now_ms)
{
    for (struct http_timer *timer = first(timers); timer != NULL && timer->due_ms <= now_ms; timer = first(timers))
        run(timers, timer, now_ms);
}

int64_t http_timers_wait_ms(const struct http_timers *timers, int64_t now_ms, int64_t max_ms)
{
    const struct http_timer *timer = first(timers);
    if (timer == NULL)
        return max_ms;
    int64_t wait_ms = timer->due_ms - now_ms;
    if (wait_ms < 0)
        return 0;
    return wait_ms < max_ms ? wait_ms : max_ms;
}

void http_timers_done(struct http_timers *timers)
{
    for (struct http_timer *timer = first(timers); timer != NULL; timer = first(timers))
        http_timer_cancel(timer);
}
