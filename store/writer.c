#include "store/writer.h"

#include "gateway/base/clock.h"
#include "gateway/base/metrics.h"
#include "store/courtesy.h"
#include "store/env.h"
#include "store/role.h"
#include "store/transaction.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Bounds the time that readers' pages are held and a re-run takes, whatever the clock says. */
#define GROUP_CHANGES_MAX 1024u
/* Of an import that nobody has to wait for: the more users a commit makes, the fewer pages it writes for each. */
#define ALONE_CHANGES_MAX 8192u
#define ALONE_MS 1000
#define DEAD_READERS_MS 10000

static struct store_change *pop_locked(struct store_writer *writer)
{
    struct store_change *change = store_queue_pop(&writer->urgent);
    return change != NULL ? change : store_queue_pop(&writer->normal);
}

static struct store_change *pop(struct store_writer *writer)
{
    (void)pthread_mutex_lock(&writer->lock);
    struct store_change *change = pop_locked(writer);
    (void)pthread_mutex_unlock(&writer->lock);
    return change;
}

/* Waits for work; NULL when the writer is to end and nothing is left. */
static struct store_change *wait_first(struct store_writer *writer)
{
    (void)pthread_mutex_lock(&writer->lock);
    struct store_change *change = pop_locked(writer);
    while (change == NULL && !writer->is_stopping) {
        (void)pthread_cond_wait(&writer->is_needed, &writer->lock);
        change = pop_locked(writer);
    }
    (void)pthread_mutex_unlock(&writer->lock);
    return change;
}

static void check_dead_readers(struct store_writer *writer)
{
    int64_t now = gw_clock_mono_ms();
    if (now - writer->readers_checked_ms < DEAD_READERS_MS)
        return;
    int dead = 0;
    writer->readers_checked_ms = now;
    (void)mdb_reader_check(writer->store->env, &dead);
}

/* The changes that share a commit, in order. */
struct group {
    struct store_queue changes;
    unsigned revocations;
    size_t changes_max;
    int64_t ms_max;
};

static void answer(struct store_writer *writer, struct group *group)
{
    uint64_t count = 0;
    if (group->revocations > 0 && writer->settings.on_revoked != NULL)
        writer->settings.on_revoked(writer->settings.data);
    struct store_change *change = store_queue_pop(&group->changes);
    while (change != NULL) {
        count++;
        change->on_done(change); /* it is the maker's again, and may be gone */
        change = store_queue_pop(&group->changes);
    }
    (void)pthread_mutex_lock(&writer->lock);
    writer->stats.changes += count;
    gw_metric_add(GW_METRIC_STORE_COMMITS, 1);
    gw_metric_add(GW_METRIC_STORE_CHANGES, count);
    writer->stats.groups++;
    (void)pthread_mutex_unlock(&writer->lock);
}

static void fail_all(struct group *group, const struct gw_error *error)
{
    for (struct store_change *change = group->changes.first; change != NULL; change = change->next) {
        change->code = error->code;
        change->error = *error;
    }
}

static void run_one(struct store_writer *writer, struct group *group, struct store_change *change)
{
    struct gw_error error = {.code = GW_OK};
    enum gw_code code = store_transaction_begin(writer, &error);
    bool is_begun = code == GW_OK;
    if (is_begun && store_apply_change(&writer->apply, change)) {
        if (writer->apply.has_writes)
            code = store_transaction_commit(writer, &error);
        else
            store_transaction_give_up(writer);
        group->revocations += code == GW_OK ? writer->apply.revocations : 0;
    } else if (is_begun) {
        store_transaction_give_up(writer);
    }
    if (code != GW_OK) {
        change->code = code;
        change->error = error;
    }
    /* a change whose transaction had to be given up is never answered as done */
    GW_ASSERT(change->code != GW_OK || code == GW_OK);
}

/* Applies each change in a transaction of its own, so that the one that cannot be done fails alone. */
static void run_singly(struct store_writer *writer, struct group *group)
{
    for (struct store_change *change = group->changes.first; change != NULL; change = change->next)
        run_one(writer, group, change);
}

static bool is_group_full(const struct store_writer *writer, const struct group *group, int64_t begun_us)
{
    const struct store_apply *apply = &writer->apply;
    /* What a group may do was decided when it began, so it must not run far into a reserve. What the last commit freed
     * counts as room and cannot be used yet, and inner pages are not counted: hence a small part. */
    return group->changes.count >= group->changes_max || store_courtesy_sso_waits(&writer->settings) ||
           apply->view.put_bytes >= apply->found.spare_bytes / 4 ||
           gw_clock_mono_us() - begun_us >= group->ms_max * 1000;
}

/* Fills the group from the queue while applying. False: the transaction is spoiled. */
static bool apply_group(struct store_writer *writer, struct group *group, struct store_change *first)
{
    int64_t begun_us = gw_clock_mono_us();
    struct store_change *change = first;
    while (change != NULL) {
        store_queue_push(&group->changes, change);
        if (!store_apply_change(&writer->apply, change))
            return false;
        change = is_group_full(writer, group, begun_us) ? NULL : pop(writer);
    }
    return true;
}

static void run_group(struct store_writer *writer, struct store_change *first)
{
    struct group group = {.changes_max = GROUP_CHANGES_MAX, .ms_max = STORE_GROUP_MS};
    struct gw_error error = {.code = GW_OK};
    store_queue_init(&group.changes);
    store_courtesy_make_way(&writer->settings);
    check_dead_readers(writer);
    if (writer->settings.role == STORE_ROLE_IMPORT && store_courtesy_is_alone(writer->store)) {
        group.changes_max = ALONE_CHANGES_MAX;
        group.ms_max = ALONE_MS;
    }
    enum gw_code code = store_transaction_begin(writer, &error);
    if (code != GW_OK) {
        store_queue_push(&group.changes, first);
        fail_all(&group, &error);
    } else if (!apply_group(writer, &group, first)) {
        store_transaction_give_up(writer);
        run_singly(writer, &group);
    } else if (!writer->apply.has_writes) {
        store_transaction_give_up(writer);
    } else {
        code = store_transaction_commit(writer, &error);
        group.revocations = code == GW_OK ? writer->apply.revocations : 0;
        if (code == GW_E_STORE_FULL)
            run_singly(writer, &group);
        else if (code != GW_OK)
            fail_all(&group, &error);
    }
    answer(writer, &group);
}

static void *run(void *data);

/* Another thread answers what comes. False: this one has to. */
static bool hand_over(struct store_writer *writer)
{
    bool is_done = false;
    (void)pthread_mutex_lock(&writer->lock);
    writer->is_torn = false;
    if (!writer->is_stopping)
        is_done = pthread_create(&writer->thread, NULL, run, writer) == 0;
    if (is_done)
        (void)pthread_detach(pthread_self());
    (void)pthread_mutex_unlock(&writer->lock);
    return is_done;
}

static void *run(void *data)
{
    struct store_writer *writer = data;
    struct store_change *change = wait_first(writer);
    while (change != NULL) {
        run_group(writer, change);
        if (writer->is_torn && hand_over(writer))
            return NULL;
        change = wait_first(writer);
    }
    return NULL;
}

static void free_parts(struct store_writer *writer)
{
    gw_arena_done(&writer->apply.arena);
    store_pin_done(&writer->pin);
    (void)pthread_cond_destroy(&writer->is_needed);
    (void)pthread_mutex_destroy(&writer->lock);
    (void)close(writer->role_fd);
    free(writer);
}

enum gw_code store_writer_new(struct store *store, const struct store_writer_settings *settings,
                              struct store_writer **ret_writer, struct gw_error *err)
{
    GW_ASSERT(store->pid == getpid());
    int role_fd = -1;
    GW_TRY(store_spare_open(store, err));
    if (settings->role_fd <= 0)
        GW_TRY(store_role_take(store->path, settings->role, &role_fd, err));
    else if ((role_fd = fcntl(settings->role_fd, F_DUPFD_CLOEXEC, 0)) < 0)
        return gw_fail(err, GW_E_INTERNAL, "the writer's role was not handed over: %s", strerror(errno));
    struct store_writer *writer = gw_alloc(sizeof *writer);
    writer->store = store;
    writer->settings = *settings;
    writer->role_fd = role_fd;
    gw_arena_init(&writer->apply.arena);
    store_queue_init(&writer->urgent);
    store_queue_init(&writer->normal);
    GW_ASSERT(pthread_mutex_init(&writer->lock, NULL) == 0 && pthread_cond_init(&writer->is_needed, NULL) == 0);
    int rc = pthread_create(&writer->thread, NULL, run, writer);
    if (rc != 0) {
        free_parts(writer);
        return gw_fail(err, GW_E_INTERNAL, "cannot start the writer's thread: %s", strerror(rc));
    }
    *ret_writer = writer;
    return GW_OK;
}

struct store *store_writer_store(const struct store_writer *writer)
{
    return writer->store;
}

void store_writer_free(struct store_writer *writer)
{
    if (writer == NULL)
        return;
    (void)pthread_mutex_lock(&writer->lock);
    writer->is_stopping = true;
    pthread_t thread = writer->thread; /* nobody takes over any more */
    (void)pthread_cond_signal(&writer->is_needed);
    (void)pthread_mutex_unlock(&writer->lock);
    (void)pthread_join(thread, NULL);
    free_parts(writer);
}

enum gw_code store_writer_submit(struct store_writer *writer, struct store_change *change, struct gw_error *err)
{
    GW_ASSERT(change->on_done != NULL);
    (void)pthread_mutex_lock(&writer->lock);
    GW_ASSERT(!writer->is_stopping);
    size_t count_max = writer->settings.role == STORE_ROLE_IMPORT ? STORE_IMPORT_QUEUE_MAX : STORE_QUEUE_MAX;
    bool is_taken = change->is_urgent || writer->normal.count < count_max;
    if (is_taken)
        store_queue_push(change->is_urgent ? &writer->urgent : &writer->normal, change);
    (void)pthread_mutex_unlock(&writer->lock);
    if (is_taken) /* after the unlock, or it would wake only to wait for the lock */
        (void)pthread_cond_signal(&writer->is_needed);
    return is_taken ? GW_OK : gw_fail(err, GW_E_BUSY, "%zu changes are waiting already", count_max);
}

void store_writer_stats_read(struct store_writer *writer, struct store_writer_stats *ret_stats)
{
    (void)pthread_mutex_lock(&writer->lock);
    *ret_stats = writer->stats;
    ret_stats->queued = writer->normal.count + writer->urgent.count;
    (void)pthread_mutex_unlock(&writer->lock);
}
