#include "gateway/net/loop_private.h"

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/net/socket.h"
#include "gateway/net/timer.h"

#include <h2o.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Built for another event loop, libh2o's headers have other layouts and corrupt memory without a word. */
_Static_assert(H2O_USE_LIBUV == 0, "libh2o must be used with its own event loop");
_Static_assert(sizeof(h2o_context_t) == 864, "these are not the layouts of Debian's libh2o-evloop 2.2.5");

#if NET_IS_SANITIZED
/* libh2o keeps freed memory in lists of the thread, which nobody can free when the thread ends. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:h2o_mem_alloc_recycle\n";
}
#endif

#define WAIT_MS_MAX 1000
#define EVENTFDS_MAX 16u
#define EVICT_LOOKS_MAX 256u
#define LAST_WILLS_MAX 256u /* one per listener */

struct eventfd_watch {
    int fd;
    net_tick_fn on_readable;
    void *data;
    struct net_watch *watch;
};

struct last_will {
    net_tick_fn on_free;
    void *data;
};

enum ending { ENDING_NOT, ENDING_RETIRE, ENDING_STOP };

struct net_loop {
    char name[32];
    h2o_evloop_t *h2o;
    h2o_timeout_t turn_timeout;
    h2o_timeout_entry_t turn_entry;
    struct net_link tasks, graves, dirty, sweepables;
    size_t connection_count;
    struct net_timers timers;
    int64_t now_ms;
    struct eventfd_watch eventfds[EVENTFDS_MAX];
    size_t eventfd_count;
    struct last_will wills[LAST_WILLS_MAX];
    size_t will_count;
    struct net_spares spares;

    int wake_fd;
    pthread_mutex_t lock; /* guards the messages */
    struct net_loop_message *messages;
    struct net_loop_message **messages_end;
    atomic_int asked;    /* enum ending */
    atomic_llong end_ms; /* monotonic: what still runs then is cut */
    enum ending ending;

    time_t date_second;
    char date[32];
};

h2o_evloop_t *net_loop_h2o(struct net_loop *loop)
{
    return loop->h2o;
}

bool net_loop_is_draining(const struct net_loop *loop)
{
    return loop->ending != ENDING_NOT;
}

bool net_loop_closes_idle(const struct net_loop *loop)
{
    return loop->ending == ENDING_STOP;
}

struct net_spares *net_loop_spares(struct net_loop *loop)
{
    return &loop->spares;
}

struct net_link *net_loop_dirty(struct net_loop *loop)
{
    return &loop->dirty;
}

int64_t net_loop_now_ms(const struct net_loop *loop)
{
    return loop->now_ms;
}

size_t net_loop_connection_count(const struct net_loop *loop)
{
    return loop->connection_count;
}

/* --- the turn -------------------------------------------------------------------------------------------------- */

/* The end of the turn is a timer of length zero: h2o completes writes only if they are made inside its own run. Its
 * clock is the wall clock, so the entry is dated back to where no step of it can reach. */
void net_loop_wants_turn(struct net_loop *loop)
{
    if (h2o_timeout_is_linked(&loop->turn_entry))
        return;
    loop->now_ms = gw_clock_mono_ms(); /* the first event after a wait */
    h2o_timeout_link(loop->h2o, &loop->turn_timeout, &loop->turn_entry);
    loop->turn_entry.registered_at = 0;
}

void net_task_stir(struct net_loop *loop, struct net_task *task)
{
    if (net_link_is_linked(&task->link))
        return;
    net_link_add(&loop->tasks, &task->link);
    net_loop_wants_turn(loop);
}

void net_task_still(struct net_task *task)
{
    net_link_remove(&task->link);
}

void net_loop_bury(struct net_loop *loop, struct net_grave *grave)
{
    if (net_link_is_linked(&grave->link))
        return;
    net_link_add(&loop->graves, &grave->link);
    net_loop_wants_turn(loop);
}

static void run_tasks(struct net_loop *loop)
{
    while (!net_link_is_empty(&loop->tasks)) {
        struct net_task *task = NET_CONTAINER(loop->tasks.next, struct net_task, link);
        net_link_remove(&task->link);
        task->on_run(task);
    }
}

static void bury_dead(struct net_loop *loop)
{
    while (!net_link_is_empty(&loop->graves)) {
        struct net_grave *grave = NET_CONTAINER(loop->graves.next, struct net_grave, link);
        net_link_remove(&grave->link);
        grave->on_bury(grave);
    }
}

static void end_turn(h2o_timeout_entry_t *entry)
{
    struct net_loop *loop = NET_CONTAINER(entry, struct net_loop, turn_entry);
    while (!net_link_is_empty(&loop->tasks) || !net_link_is_empty(&loop->graves)) {
        run_tasks(loop);
        bury_dead(loop);
    }
    net_sockets_flush(loop);
}

/* --- sweeping -------------------------------------------------------------------------------------------------- */

void net_loop_enroll(struct net_loop *loop, struct net_sweepable *sweepable)
{
    net_link_add(&loop->sweepables, &sweepable->link);
    if (sweepable->is_connection)
        loop->connection_count++;
}

void net_loop_leave(struct net_loop *loop, struct net_sweepable *sweepable)
{
    if (!net_link_is_linked(&sweepable->link))
        return;
    net_link_remove(&sweepable->link);
    if (sweepable->is_connection)
        loop->connection_count--;
}

/* Who was looked at and is busy goes to the end: the next look begins with others. */
bool net_loop_evict(struct net_loop *loop)
{
    size_t looks = loop->connection_count < EVICT_LOOKS_MAX ? loop->connection_count : EVICT_LOOKS_MAX;
    while (looks > 0) {
        struct net_sweepable *sweepable = NET_CONTAINER(loop->sweepables.next, struct net_sweepable, link);
        net_link_remove(&sweepable->link);
        net_link_add(&loop->sweepables, &sweepable->link);
        if (!sweepable->is_connection)
            continue;
        if (sweepable->on_evict(sweepable, loop->now_ms))
            return true;
        looks--;
    }
    return false;
}

/* Nothing leaves the list inside these calls: members die in graves. */
static void sweep(void *data)
{
    struct net_loop *loop = data;
    for (struct net_link *at = loop->sweepables.next; at != &loop->sweepables; at = at->next) {
        struct net_sweepable *sweepable = NET_CONTAINER(at, struct net_sweepable, link);
        sweepable->on_sweep(sweepable, loop->now_ms);
    }
}

static void drain(struct net_loop *loop, bool is_over)
{
    for (struct net_link *at = loop->sweepables.next; at != &loop->sweepables; at = at->next) {
        struct net_sweepable *sweepable = NET_CONTAINER(at, struct net_sweepable, link);
        sweepable->on_drain(sweepable, is_over);
    }
}

/* --- eventfds -------------------------------------------------------------------------------------------------- */

static void on_eventfd(void *data)
{
    struct eventfd_watch *eventfd = data;
    uint64_t count = 0;
    if (read(eventfd->fd, &count, sizeof count) == (ssize_t)sizeof count)
        eventfd->on_readable(eventfd->data);
}

void net_loop_watch_eventfd(struct net_loop *loop, int fd, net_tick_fn on_readable, void *data)
{
    GW_ASSERT(loop->eventfd_count < EVENTFDS_MAX);
    struct eventfd_watch *eventfd = &loop->eventfds[loop->eventfd_count++];
    int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    GW_ASSERT(own_fd >= 0);
    (void)fcntl(own_fd, F_SETFL, fcntl(own_fd, F_GETFL) | O_NONBLOCK);
    *eventfd = (struct eventfd_watch){.fd = own_fd, .on_readable = on_readable, .data = data};
    eventfd->watch = net_watch_start(loop, own_fd, on_eventfd, eventfd);
}

/* --- messages -------------------------------------------------------------------------------------------------- */

static void wake(struct net_loop *loop)
{
    uint64_t one = 1;
    ssize_t written = write(loop->wake_fd, &one, sizeof one); /* EAGAIN: it is awake already */
    (void)written;
}

void net_loop_post(struct net_loop *loop, struct net_loop_message *message)
{
    message->next = NULL;
    (void)pthread_mutex_lock(&loop->lock);
    bool was_empty = loop->messages == NULL;
    *loop->messages_end = message;
    loop->messages_end = &message->next;
    (void)pthread_mutex_unlock(&loop->lock);
    if (was_empty)
        wake(loop);
}

static void ask(struct net_loop *loop, enum ending ending, int64_t drain_ms)
{
    atomic_store(&loop->end_ms, gw_clock_mono_ms() + drain_ms);
    atomic_store(&loop->asked, (int)ending);
    wake(loop);
}

void net_loop_stop(struct net_loop *loop, int64_t drain_ms)
{
    ask(loop, ENDING_STOP, drain_ms);
}

void net_loop_retire(struct net_loop *loop, int64_t drain_ms)
{
    ask(loop, ENDING_RETIRE, drain_ms);
}

static void deliver_messages(void *data)
{
    struct net_loop *loop = data;
    (void)pthread_mutex_lock(&loop->lock);
    struct net_loop_message *message = loop->messages;
    loop->messages = NULL;
    loop->messages_end = &loop->messages;
    (void)pthread_mutex_unlock(&loop->lock);
    while (message != NULL) {
        struct net_loop_message *next = message->next;
        message->on_arrival(message);
        message = next;
    }
}

/* --- time ------------------------------------------------------------------------------------------------------ */

void net_loop_every(struct net_loop *loop, int64_t interval_ms, net_tick_fn on_tick, void *data)
{
    (void)net_timers_add(&loop->timers, gw_clock_mono_ms() + interval_ms, interval_ms, on_tick, data);
}

struct net_timer *net_timer_start(struct net_loop *loop, int64_t delay_ms, net_tick_fn on_expiry, void *data)
{
    return net_timers_add(&loop->timers, gw_clock_mono_ms() + delay_ms, 0, on_expiry, data);
}

struct gw_str net_loop_date(struct net_loop *loop)
{
    time_t second = (time_t)(gw_clock_wall_ms() / 1000);
    if (second != loop->date_second || loop->date[0] == '\0') {
        struct tm utc;
        (void)gmtime_r(&second, &utc);
        (void)strftime(loop->date, sizeof loop->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        loop->date_second = second;
    }
    return gw_str_from(loop->date);
}

/* --- life ------------------------------------------------------------------------------------------------------ */

struct net_loop *net_loop_new(const char *name)
{
    struct net_loop *loop = gw_alloc(sizeof *loop);
    (void)signal(SIGPIPE, SIG_IGN); /* libh2o writes to sockets whose peer may have gone */
    (void)snprintf(loop->name, sizeof loop->name, "%s", name);
    loop->h2o = h2o_evloop_create();
    h2o_timeout_init(loop->h2o, &loop->turn_timeout, 0);
    loop->turn_entry.cb = end_turn;
    net_link_init(&loop->tasks);
    net_link_init(&loop->graves);
    net_link_init(&loop->dirty);
    net_link_init(&loop->sweepables);
    net_timers_init(&loop->timers);
    loop->now_ms = gw_clock_mono_ms();
    (void)pthread_mutex_init(&loop->lock, NULL);
    loop->messages_end = &loop->messages;
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    GW_ASSERT(loop->wake_fd >= 0);
    net_loop_watch_eventfd(loop, loop->wake_fd, deliver_messages, loop);
    net_loop_every(loop, NET_SWEEP_MS, sweep, loop);
    return loop;
}

static void run_once(struct net_loop *loop)
{
    int64_t wait_ms = net_timers_wait_ms(&loop->timers, gw_clock_mono_ms(), WAIT_MS_MAX);
    (void)h2o_evloop_run(loop->h2o, (int32_t)wait_ms);
    loop->now_ms = gw_clock_mono_ms();
    net_timers_run(&loop->timers, loop->now_ms);
}

void net_loop_turn(struct net_loop *loop)
{
    (void)h2o_evloop_run(loop->h2o, 0);
    loop->now_ms = gw_clock_mono_ms();
}

/* libh2o keeps freed input buffers per thread and forgets them with it. */
static void free_spare_buffers(void)
{
    h2o_mem_recycle_t *spare = &h2o_socket_buffer_prototype.allocator;
    while (spare->cnt > 0)
        free(h2o_mem_alloc_recycle(spare, 1));
}

static void begin_ending(struct net_loop *loop)
{
    loop->ending = (enum ending)atomic_load(&loop->asked);
    drain(loop, /* is_over */ false);
}

void net_loop_run(struct net_loop *loop)
{
    while (atomic_load(&loop->asked) == ENDING_NOT)
        run_once(loop);
    begin_ending(loop);
    while (loop->connection_count > 0 && loop->now_ms < atomic_load(&loop->end_ms)) {
        run_once(loop);
        if (atomic_load(&loop->asked) != (int)loop->ending)
            begin_ending(loop);
    }
    loop->ending = ENDING_STOP;
    drain(loop, /* is_over */ true);
    deliver_messages(loop);
    /* What was stirred or cut above ends, is told to the faces and is freed in these turns. */
    for (int i = 0; i < 3; i++) {
        (void)h2o_evloop_run(loop->h2o, 0);
        net_loop_wants_turn(loop);
    }
    (void)h2o_evloop_run(loop->h2o, 0);
    free_spare_buffers();
}

void net_loop_on_free(struct net_loop *loop, net_tick_fn on_free, void *data)
{
    GW_ASSERT(loop->will_count < LAST_WILLS_MAX);
    loop->wills[loop->will_count++] = (struct last_will){on_free, data};
}

/* libh2o keeps closed sockets until its next round, and its loop cannot be freed with timeouts linked. */
void net_loop_free(struct net_loop *loop)
{
    if (loop == NULL)
        return;
    for (size_t i = 0; i < loop->eventfd_count; i++)
        net_watch_stop(loop->eventfds[i].watch); /* first: who watched is gone, and wake-ups still come */
    deliver_messages(loop);
    drain(loop, /* is_over */ true);
    net_loop_wants_turn(loop);
    (void)h2o_evloop_run(loop->h2o, 0);
    (void)h2o_evloop_run(loop->h2o, 0);
    net_timers_done(&loop->timers);
    if (h2o_timeout_is_linked(&loop->turn_entry))
        h2o_timeout_unlink(&loop->turn_entry);
    h2o_timeout_dispose(loop->h2o, &loop->turn_timeout);
    h2o_evloop_destroy(loop->h2o);
    for (size_t i = 0; i < loop->will_count; i++)
        loop->wills[i].on_free(loop->wills[i].data);
    (void)close(loop->wake_fd);
    (void)pthread_mutex_destroy(&loop->lock);
    free(loop);
}
