#include "store/writer.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "store/apply.h"
#include "store/courtesy.h"
#include "store/env.h"
#include "store/fault.h"
#include "store/queue.h"
#include "store/role.h"
#include "store/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* Bounds the time that readers' pages are held and a re-run takes, whatever the clock says. */
#define GROUP_CHANGES_MAX 1024u
/* Of an import that nobody has to wait for: the more users a commit makes, the fewer pages it writes for each. */
#define ALONE_CHANGES_MAX 8192u
#define ALONE_MS 1000
#define DEAD_READERS_MS 10000

struct store_writer {
    struct store *store;
    struct store_writer_settings settings;
    int role_fd;
    pthread_t thread;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t is_needed;
    struct store_queue urgent;
    struct store_queue normal;
    bool is_stopping;
    struct store_writer_stats stats;

    /* the thread's own */
    struct store_apply apply;
    struct store_pin pin;
    bool is_torn;
    int64_t readers_checked_ms;
};

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

static bool is_read_only(struct store_writer *writer)
{
    const _Atomic uint32_t *word = writer->settings.is_read_only;
    if (word != NULL && atomic_load(word) != 0)
        return true;
    (void)pthread_mutex_lock(&writer->lock);
    bool read_only = writer->stats.is_read_only;
    (void)pthread_mutex_unlock(&writer->lock);
    return read_only;
}

static int begin_writing(void *data)
{
    struct store_writer *writer = data;
    return mdb_txn_begin(writer->store->env, NULL, 0, &writer->apply.view.txn);
}

static int begin_waiting(struct store_writer *writer)
{
    _Atomic uint32_t *waiting = writer->settings.role == STORE_ROLE_SSO ? writer->settings.sso_waiting : NULL;
    if (waiting != NULL)
        (void)atomic_fetch_add(waiting, 1);
    int rc = store_fault_run(begin_writing, writer);
    if (waiting != NULL)
        (void)atomic_fetch_sub(waiting, 1);
    return rc;
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

static void set_read_only(struct store_writer *writer, int rc)
{
    (void)pthread_mutex_lock(&writer->lock);
    writer->stats.is_read_only = true;
    (void)pthread_mutex_unlock(&writer->lock);
    if (writer->settings.is_read_only != NULL)
        atomic_store(writer->settings.is_read_only, 1);
    gw_metric_add(GW_METRIC_STORE_WRITES_FAILED, 1);
    gw_log(GW_LOG_ERROR, "store-read-only",
           "path=%s reason=\"%s\": no change is taken until provgate is started again; look at the disk first",
           writer->store->path, rc == STORE_FAULT ? "the disk does not give a page" : mdb_strerror(rc));
}

/* Ends a transaction that is not committed. One that is torn cannot be ended: this thread takes LMDB's lock with it
 * when it ends, and others then clean up as after a process that was killed. */
static void give_up(struct store_writer *writer)
{
    if (!writer->apply.view.torn) {
        mdb_txn_abort(writer->apply.view.txn);
        return;
    }
    writer->is_torn = true;
    writer->store->is_torn = true;
    set_read_only(writer, STORE_FAULT);
}

static enum gw_code begin(struct store_writer *writer, struct gw_error *err)
{
    struct store_apply *apply = &writer->apply;
    if (is_read_only(writer))
        return gw_fail(err, GW_E_STORE_READ_ONLY, "the store takes no writes until provgate is started again");
    apply->view = (struct store_view){.store = writer->store};
    apply->has_writes = false;
    apply->revocations = 0;
    int rc = begin_waiting(writer);
    apply->view.torn = rc == STORE_FAULT;
    if (apply->view.torn)
        give_up(writer);
    if (rc != 0)
        return store_fail_mdb(err, rc, "write the store");
    enum gw_code code = store_sentinel_read(&apply->view, &apply->sentinel, err);
    if (code == GW_OK)
        code = store_room_find(&apply->view, &apply->found, err);
    if (code != GW_OK)
        give_up(writer);
    return code;
}

/* After a failed write of its meta page LMDB does nothing more in this process; reads go to the spare. */
static bool has_given_up(const struct store_writer *writer)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(writer->store->env, NULL, MDB_RDONLY, &txn);
    if (rc == 0)
        mdb_txn_abort(txn);
    return rc == MDB_PANIC;
}

static bool is_full(int rc)
{
    return rc == MDB_MAP_FULL || rc == MDB_TXN_FULL || rc == ENOSPC || rc == EDQUOT;
}

static int end_writing(void *txn)
{
    return mdb_txn_commit(txn);
}

/* A full disk or map heals; after any other failure nobody knows what reached the disk (security.md H6). What this
 * process reads from then on is pinned. */
static enum gw_code commit(struct store_writer *writer, struct gw_error *err)
{
    struct store_apply *apply = &writer->apply;
    apply->sentinel.commits++;
    enum gw_code code = store_sentinel_write(&apply->view, &apply->sentinel, err);
    if (code != GW_OK) {
        give_up(writer);
        return code;
    }
    store_pin_hold(&writer->pin, writer->store->env);
    int rc = store_fault_run(end_writing, apply->view.txn);
    if (rc == 0) {
        store_pin_let_go(&writer->pin);
        return GW_OK;
    }
    /* LMDB calls a short write EIO. Nothing refers to the pages of a commit that failed before its meta page, and after
     * a failed meta page LMDB refuses all writes by itself. */
    if (rc == EIO && store_room_is_disk_full(writer->store))
        rc = ENOSPC;
    else if (rc == ENOSPC && !store_room_is_disk_full(writer->store))
        rc = EIO; /* of a disk below the file system: a sync that failed */
    apply->view.torn = rc == STORE_FAULT;
    if (apply->view.torn)
        give_up(writer);
    else if (is_full(rc) && !has_given_up(writer))
        store_pin_let_go(&writer->pin);
    else
        set_read_only(writer, rc);
    return store_fail_mdb(err, rc, "write the store");
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
    enum gw_code code = begin(writer, &error);
    bool is_begun = code == GW_OK;
    if (is_begun && store_apply_change(&writer->apply, change)) {
        if (writer->apply.has_writes)
            code = commit(writer, &error);
        else
            give_up(writer);
        group->revocations += code == GW_OK ? writer->apply.revocations : 0;
    } else if (is_begun) {
        give_up(writer);
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
    enum gw_code code = begin(writer, &error);
    if (code != GW_OK) {
        store_queue_push(&group.changes, first);
        fail_all(&group, &error);
    } else if (!apply_group(writer, &group, first)) {
        give_up(writer);
        run_singly(writer, &group);
    } else if (!writer->apply.has_writes) {
        give_up(writer);
    } else {
        code = commit(writer, &error);
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
