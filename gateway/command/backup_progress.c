#include "gateway/command/backup_progress.h"

#include "gateway/command/folder.h"
#include "gateway/command/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#define STEP_MS 200

/* LMDB copies in one call: a thread beside it looks at the file as it grows, until the verification begins. */
struct view {
    struct progress progress;
    const char *to;
    uint64_t total_bytes;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t is_done_signal;
    bool is_done;
    bool is_watched;
};

static void *watch(void *data)
{
    struct view *view = data;
    (void)pthread_mutex_lock(&view->lock);
    while (!view->is_done) {
        struct timespec until;
        uint64_t bytes = store_backup_bytes(view->to);
        progress_show(&view->progress, bytes, view->total_bytes, bytes >> 20);
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += STEP_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&view->is_done_signal, &view->lock, &until);
    }
    (void)pthread_mutex_unlock(&view->lock);
    return NULL;
}

static void end_watch(struct view *view)
{
    if (!view->is_watched)
        return;
    (void)pthread_mutex_lock(&view->lock);
    view->is_done = true;
    (void)pthread_cond_signal(&view->is_done_signal);
    (void)pthread_mutex_unlock(&view->lock);
    (void)pthread_join(view->thread, NULL);
    view->is_watched = false;
    progress_clear(&view->progress);
    progress_init(&view->progress, "verifying", "records");
}

static void on_verified(uint64_t done, uint64_t total, void *data)
{
    struct view *view = data;
    end_watch(view);
    progress_show(&view->progress, done, total, done);
}

enum gw_code command_backup_run(struct store *store, const char *to, backup_fn copy, struct store_stats *ret_stats,
                                uint64_t *ret_bytes, struct gw_error *err)
{
    struct view view = {
        .to = to, .lock = PTHREAD_MUTEX_INITIALIZER, .is_done_signal = PTHREAD_COND_INITIALIZER, .is_done = false};
    progress_init(&view.progress, "copying", "MiB");
    GW_TRY(store_stats_read(store, ret_stats, err));
    view.total_bytes = ret_stats->used_bytes;
    view.is_watched = view.progress.on_terminal && pthread_create(&view.thread, NULL, watch, &view) == 0;
    enum gw_code code = copy(store, to, on_verified, &view, err);
    end_watch(&view);
    progress_clear(&view.progress);
    if (code == GW_OK)
        *ret_bytes = store_backup_bytes(to);
    return code;
}

void command_backup_print(const char *to, const struct store_stats *stats, uint64_t bytes, bool as_json)
{
    GW_ARENA_SCOPED(arena);
    if (!as_json) {
        (void)printf("%s: %" PRIu64 " users, %" PRIu64 " sessions, %" PRIu64 " KiB; every record was read again\n", to,
                     stats->users, stats->sessions, bytes >> 10);
        return;
    }
    struct json_value *top = json_object_new(&arena);
    command_text_append(&arena, top, GW_STR("path"), gw_str_from(to));
    json_object_append(&arena, top, GW_STR("bytes"), json_integer_new(&arena, (int64_t)bytes));
    json_object_append(&arena, top, GW_STR("users"), json_integer_new(&arena, (int64_t)stats->users));
    json_object_append(&arena, top, GW_STR("sessions"), json_integer_new(&arena, (int64_t)stats->sessions));
    json_object_append(&arena, top, GW_STR("activity"), json_integer_new(&arena, (int64_t)stats->activity_entries));
    if (!command_print_json(stdout, top))
        return; /* command_output_done says so */
}
