#include "config/value.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/command/activity_entry.h"
#include "gateway/command/options.h"
#include "store/inspect.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#define COUNT_DEFAULT 100u
#define COUNT_FOLLOW 10u
#define COUNT_MAX 100000u
#define BATCH_ENTRIES 512u /* looked at in one snapshot */
#define LINES_BYTES_MAX (256u << 20)
#define FOLLOW_STEP_MS 200
/* Entries stand in the order of their commits; clocks step, and entries are not sorted by time. */
#define CLOCK_SLACK_MS (24 * 60 * 60 * 1000ll)

struct request {
    const char *config_path;
    const char *app;
    const char *user;
    const char *kind;
    const char *since;
    const char *count;
    bool follow;
    bool as_json;
};

struct trail {
    struct config *config;
    struct store *store;
    struct store_reader *reader;
    struct activity_filter filter;
    uint64_t count; /* 0: all */
    uint64_t last;  /* the newest entry that was looked at */
    bool as_json;
    dev_t device; /* of the store's file that is read */
    ino_t inode;
    struct gw_arena arena; /* of the filter */
};

static volatile sig_atomic_t is_ended;

static void on_end(int number)
{
    (void)number;
    is_ended = 1;
}

/* The newest entries that are wanted, last one first. */
struct newest {
    struct trail *trail;
    struct gw_arena arena;
    struct gw_str *lines;
    uint64_t count;
};

static bool on_newest(const struct store_activity *entry, void *data)
{
    struct newest *newest = data;
    struct trail *trail = newest->trail;
    if (entry->time_ms < trail->filter.since_ms - CLOCK_SLACK_MS)
        return false;
    if (!activity_is_wanted(&trail->filter, entry))
        return true;
    GW_BUF_SCOPED(line, LINES_BYTES_MAX);
    activity_write(&line, trail->store, trail->reader, entry, trail->as_json);
    newest->lines[newest->count++] = gw_arena_copy(&newest->arena, gw_buf_str(&line));
    return newest->count < trail->count;
}

static enum gw_code print_newest(struct trail *trail, struct gw_error *err)
{
    struct newest newest = {.trail = trail};
    const struct store_activity_query query = {trail->filter.user, trail->filter.kind, gw_str_from(trail->filter.app)};
    newest.lines = gw_arena_array(&newest.arena, trail->count, sizeof *newest.lines);
    enum gw_code code = store_reader_begin(trail->reader, err);
    if (code == GW_OK) {
        code = store_activity_last(trail->reader, &trail->last);
        if (code == GW_OK)
            code = store_activity_find(trail->reader, &query, on_newest, &newest, err);
        else
            (void)gw_fail(err, code, "the activity cannot be read");
        store_reader_end(trail->reader);
    }
    for (uint64_t i = newest.count; i > 0 && code == GW_OK; i--)
        (void)fwrite(newest.lines[i - 1].ptr, 1, newest.lines[i - 1].len, stdout);
    gw_arena_done(&newest.arena);
    return code;
}

/* A part of what came after trail->last. */
struct batch {
    struct trail *trail;
    struct gw_buf lines;
    unsigned seen;
};

static bool on_next(const struct store_activity *entry, void *data)
{
    struct batch *batch = data;
    batch->trail->last = entry->seq;
    batch->seen++;
    if (activity_is_wanted(&batch->trail->filter, entry))
        activity_write(&batch->lines, batch->trail->store, batch->trail->reader, entry, batch->trail->as_json);
    return batch->seen < BATCH_ENTRIES;
}

/* *ret_more: there may be more at once. */
static enum gw_code print_batch(struct trail *trail, bool *ret_more, struct gw_error *err)
{
    struct batch batch = {.trail = trail, .lines = GW_BUF_INIT(LINES_BYTES_MAX)};
    GW_TRY(store_reader_begin(trail->reader, err));
    enum gw_code code = store_activity_after(trail->reader, trail->last, on_next, &batch, err);
    store_reader_end(trail->reader);
    *ret_more = batch.seen == BATCH_ENTRIES;
    if (code == GW_OK && batch.lines.len > 0 &&
        (fwrite(batch.lines.data, 1, batch.lines.len, stdout) != batch.lines.len || fflush(stdout) != 0))
        code = gw_fail(err, GW_E_INTERNAL, "the output could not be written");
    gw_buf_done(&batch.lines);
    return code;
}

static enum gw_code print_rest(struct trail *trail, struct gw_error *err)
{
    bool more = true;
    while (more && is_ended == 0)
        GW_TRY(print_batch(trail, &more, err));
    return GW_OK;
}

static bool stat_data(const struct trail *trail, struct stat *ret_info)
{
    GW_ARENA_SCOPED(arena);
    return stat(gw_arena_printf(&arena, "%s/data.mdb", trail->config->store_path).ptr, ret_info) == 0;
}

static enum gw_code open_store(struct trail *trail, struct gw_error *err)
{
    struct stat info = {.st_ino = 0};
    (void)stat_data(trail, &info); /* what is not there cannot be opened either */
    trail->device = info.st_dev;
    trail->inode = info.st_ino;
    GW_TRY(store_open(trail->config->store_path, trail->config->store_max_size, &trail->store, err));
    return store_reader_new(trail->store, &trail->reader, err);
}

static void close_store(struct trail *trail)
{
    store_reader_free(trail->reader);
    store_close(trail->store);
    trail->reader = NULL;
    trail->store = NULL;
}

/* A restore has put another store in the place of the one that is open: nothing will ever be written to that again. */
static enum gw_code follow_new_store(struct trail *trail, struct gw_error *err)
{
    struct stat info;
    if (!stat_data(trail, &info) || (info.st_dev == trail->device && info.st_ino == trail->inode))
        return GW_OK;
    (void)fputs("provgate: there is another store now; what happens in it follows\n", stderr);
    close_store(trail);
    GW_TRY(open_store(trail, err));
    GW_TRY(store_reader_begin(trail->reader, err));
    enum gw_code code = store_activity_last(trail->reader, &trail->last);
    store_reader_end(trail->reader);
    return code == GW_OK ? GW_OK : gw_fail(err, code, "the activity cannot be read");
}

static enum gw_code follow(struct trail *trail, struct gw_error *err)
{
    static const struct timespec step = {.tv_nsec = FOLLOW_STEP_MS * 1000000};
    if (fflush(stdout) != 0)
        return gw_fail(err, GW_E_INTERNAL, "the output could not be written");
    while (is_ended == 0) {
        GW_TRY(print_rest(trail, err));
        GW_TRY(follow_new_store(trail, err));
        (void)nanosleep(&step, NULL);
    }
    return GW_OK;
}

static enum gw_code print_all(struct trail *trail, bool is_followed, struct gw_error *err)
{
    struct sigaction action = {.sa_handler = on_end};
    is_ended = 0;
    if (is_followed) {
        (void)sigaction(SIGINT, &action, NULL);
        (void)sigaction(SIGTERM, &action, NULL);
    }
    GW_TRY(trail->count > 0 ? print_newest(trail, err) : print_rest(trail, err));
    return is_followed ? follow(trail, err) : GW_OK;
}

static int read_since(const struct command *command, struct trail *trail, const char *text)
{
    int64_t duration_ms = 0;
    if (text == NULL || gw_time_parse(gw_str_from(text), &trail->filter.since_ms))
        return COMMAND_DONE;
    if (config_duration_parse(&trail->arena, gw_str_from(text), &duration_ms) != NULL)
        return command_usage_error(command,
                                   "--since is a time such as 2026-01-31T08:00:00Z, or \"2h\" for two hours ago");
    trail->filter.since_ms = gw_clock_wall_ms() - duration_ms;
    return COMMAND_DONE;
}

static int read_kind(const struct command *command, struct trail *trail, const char *text)
{
    const char *close = NULL;
    if (text == NULL || activity_kind_find(text, &trail->filter.kind, &close))
        return COMMAND_DONE;
    return command_usage_error(command, "there is no --kind %s%s%s%s", text, close != NULL ? "; did you mean " : "",
                               close != NULL ? close : "", close != NULL ? "?" : "");
}

static int read_filter(const struct command *command, struct trail *trail, const struct request *request)
{
    trail->as_json = request->as_json;
    trail->count = request->follow ? COUNT_FOLLOW : COUNT_DEFAULT;
    if (request->count != NULL && !gw_str_to_u64(gw_str_from(request->count), COUNT_MAX, &trail->count))
        return command_usage_error(command, "--count is a number, at most %u; 0 means all", COUNT_MAX);
    if (request->user != NULL && !gw_name_fold(&trail->arena, gw_str_from(request->user), &trail->filter.user))
        return command_usage_error(command, "--user is not well-formed UTF-8");
    int status = read_since(command, trail, request->since);
    return status == COMMAND_DONE ? read_kind(command, trail, request->kind) : status;
}

/* What is asked for by app is also what happened in its folder without one. */
static enum gw_code find_app_folder(struct trail *trail, const char *folder, struct gw_error *err)
{
    GW_TRY(store_reader_begin(trail->reader, err));
    enum gw_code code = store_folder_find(trail->reader, gw_str_from(folder), &trail->filter.app_folder, err);
    store_reader_end(trail->reader);
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static int open_and_print(struct trail *trail, const struct request *request)
{
    struct gw_error err;
    if (command_config_load(request->config_path, &trail->config) != COMMAND_DONE)
        return COMMAND_WRONG;
    const struct config_app *app = request->app != NULL ? command_app_find(trail->config, request->app) : NULL;
    if (request->app != NULL && app == NULL)
        return COMMAND_WRONG;
    trail->filter.app = request->app;
    enum gw_code code = open_store(trail, &err);
    if (code == GW_OK && app != NULL)
        code = find_app_folder(trail, app->folder, &err);
    if (code == GW_OK)
        code = print_all(trail, request->follow, &err);
    return code == GW_OK ? command_output_done(COMMAND_DONE) : command_failed(&err);
}

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"), COMMAND_TEXT(request, app, "app"),
    COMMAND_TEXT(request, user, "user"),          COMMAND_TEXT(request, kind, "kind"),
    COMMAND_TEXT(request, since, "since"),        COMMAND_TEXT(request, count, "count"),
    COMMAND_FLAG(request, follow, "follow"),      COMMAND_FLAG(request, as_json, "json"),
};

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT};
    struct trail trail = {.config = NULL};
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof options[0], &request);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind < argc)
        return command_usage_error(command, "unexpected \"%s\"", argv[optind]);
    status = read_filter(command, &trail, &request);
    if (status == COMMAND_DONE)
        status = open_and_print(&trail, &request);
    close_store(&trail);
    config_unref(trail.config);
    gw_arena_done(&trail.arena);
    return status;
}

const struct command command_activity = {
    .name = "activity",
    .summary = "show what was provisioned, linked, bound and refused",
    .usage =
        "usage: provgate activity [--app NAME] [--user NAME] [--kind KIND] [--since TIME] [--count N] [--follow]\n"
        "                         [--json]\n"
        "Prints the newest entries of the activity record that match, oldest first: time, kind, user, who did it, for\n"
        "which app, names of the attributes that changed, old and new values of those that activity.values names,\n"
        "result (nothing: done) and reference.\n"
        "  --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
        "  --app NAME     of this app, and what operators did in its folder\n"
        "  --user NAME    of the user who had this userName then, in any case\n"
        "  --kind KIND    of users: create, adopt, revive, update, deactivate, reactivate, stale-reactivation,\n"
        "                 delete, restore, import, observe, link, lock, unlock, purge, anonymise; of sessions: bind,\n"
        "                 rebind, refuse, refuse-more, end-sessions; of groups: group-create, group-update,\n"
        "                 group-delete; of policy: brake, hold, brake-release, brake-reject, guard-off, guard-on\n"
        "  --since TIME   not before this time (2026-01-31T08:00:00Z), or so long ago (2h)\n"
        "  --count N      at most so many (100, with --follow 10); 0: all\n"
        "  --follow       go on with what happens, until interrupted\n"
        "  --json         one JSON object a line\n",
    .run = run,
};
