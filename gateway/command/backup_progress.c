#include "gateway/command/backup_progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS 200
#define LINE_END "\x1b[K" /* clears what a longer line left */

/* LMDB copies in one call: a thread beside it looks at the file as it grows. */
struct progress {
    const char *part;
    uint64_t total;
    pthread_mutex_t lock;
    pthread_cond_t is_done_signal;
    bool is_done;
};

static void print_size(const struct progress *progress)
{
    struct stat info;
    uint64_t size = stat(progress->part, &info) == 0 ? (uint64_t)info.st_size : 0;
    if (size > 0 && progress->total > 0)
        (void)fprintf(stderr, "\rcopying: %" PRIu64 " of at most %" PRIu64 " MiB" LINE_END, size >> 20,
                      progress->total >> 20);
}

static void *watch(void *data)
{
    struct progress *progress = data;
    (void)pthread_mutex_lock(&progress->lock);
    while (!progress->is_done) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += STEP_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&progress->is_done_signal, &progress->lock, &until);
        print_size(progress);
    }
    (void)pthread_mutex_unlock(&progress->lock);
    return NULL;
}

static void end_watch(struct progress *progress, pthread_t thread)
{
    (void)pthread_mutex_lock(&progress->lock);
    progress->is_done = true;
    (void)pthread_cond_signal(&progress->is_done_signal);
    (void)pthread_mutex_unlock(&progress->lock);
    (void)pthread_join(thread, NULL);
    (void)fputs("\r" LINE_END, stderr);
}

static void on_verified(uint64_t done, uint64_t total, void *data)
{
    const bool *on_terminal = data;
    if (*on_terminal && total > 0)
        (void)fprintf(stderr, "\rverifying: %" PRIu64 " %% of %" PRIu64 " records" LINE_END, done * 100 / total, total);
}

enum gw_code command_backup_run(struct store *store, const char *to, struct store_stats *ret_stats, uint64_t *ret_bytes,
                                struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    bool on_terminal = isatty(STDERR_FILENO) == 1;
    struct progress progress = {.lock = PTHREAD_MUTEX_INITIALIZER, .is_done_signal = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    struct stat info;
    GW_TRY(store_stats_read(store, ret_stats, err));
    progress.total = ret_stats->used_bytes;
    progress.part = gw_arena_printf(&arena, "%s/" STORE_BACKUP_PART, to).ptr;
    bool is_watched = on_terminal && pthread_create(&thread, NULL, watch, &progress) == 0;
    enum gw_code code = store_backup(store, to, on_verified, &on_terminal, err);
    if (is_watched)
        end_watch(&progress, thread);
    if (code == GW_OK)
        *ret_bytes = stat(gw_arena_printf(&arena, "%s/data.mdb", to).ptr, &info) == 0 ? (uint64_t)info.st_size : 0;
    return code;
}
