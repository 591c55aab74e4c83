#include "gateway/command/backup_progress.h"

#include "gateway/command/folder.h"
#include "gateway/command/progress.h"

#include <inttypes.h>

static void show(struct progress *progress, const char *what, const char *unit, uint64_t done, uint64_t total,
                 uint64_t count)
{
    if (progress->what != what) {
        progress_clear(progress);
        progress_init(progress, what, unit);
    }
    progress_show(progress, done, total, count);
}

static void on_copied(uint64_t done, uint64_t total, void *data)
{
    show(data, "copying", "MiB", done, total, done >> 20);
}

static void on_read_back(uint64_t done, uint64_t total, void *data)
{
    show(data, "reading back", "MiB", done, total, done >> 20);
}

static void on_verified(uint64_t done, uint64_t total, void *data)
{
    show(data, "verifying", "records", done, total, done);
}

enum gw_code command_backup_run(struct store *store, const char *to, backup_fn copy, struct store_stats *ret_stats,
                                uint64_t *ret_bytes, struct gw_error *err)
{
    struct progress progress = {.what = NULL};
    GW_TRY(store_stats_read(store, ret_stats, err));
    const struct store_backup_watch watch = {.on_copied = on_copied,
                                             .expected_bytes = ret_stats->used_bytes,
                                             .on_read_back = on_read_back,
                                             .on_verified = on_verified,
                                             .data = &progress};
    enum gw_code code = copy(store, to, &watch, ret_bytes, err);
    progress_clear(&progress);
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
