/* `provgate guard`: break-glass. Needs nothing of the store but its folder, so that it works when the store is full,
 * read-only or damaged; only the activity record is written where that is possible. */
#include "config/value.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/command/folder.h"
#include "gateway/command/options.h"
#include "store/guard_off.h"

#include <getopt.h>
#include <inttypes.h>

#define REST_MIN_MS 1000

struct request {
    const char *config_path;
    const char *app; /* NULL: all */
    const char *duration;
    const char *reason;
    bool as_json;
};

struct ground {
    const struct command *command;
    const struct request *request;
    struct config *config;
    struct gw_arena arena;
    struct store_guard_offs offs;
    int64_t now_ms;
};

static struct gw_str app_of(const struct ground *ground)
{
    return ground->request->app != NULL ? gw_str_from(ground->request->app) : GW_STR("");
}

/* ---- the record ---- */

static enum gw_code record_in(struct store *store, const struct ground *ground, enum store_activity_kind kind,
                              struct gw_str result, struct gw_error *err)
{
    struct store_writer *writer = NULL;
    GW_TRY(command_writer_open(store, STORE_ROLE_TOOL, &writer, err));
    struct store_change *change = store_change_new(STORE_CHANGE_ACTIVITY);
    change->time_ms = ground->now_ms;
    change->actor = command_actor(&change->arena);
    change->app = app_of(ground);
    change->reference = gw_str_from(ground->request->reason);
    change->is_urgent = true;
    change->as.activity.kind = kind;
    change->as.activity.result = result;
    enum gw_code code = store_writer_apply(writer, change, err);
    store_change_free(change);
    store_writer_free(writer);
    return code;
}

/* What was done stands, whatever becomes of the record. */
static void record(const struct ground *ground, enum store_activity_kind kind, struct gw_str result)
{
    struct gw_error err;
    struct store *store = NULL;
    enum gw_code code = store_open(ground->config->store_path, ground->config->store_max_size, &store, &err);
    if (code == GW_OK)
        code = record_in(store, ground, kind, result, &err);
    store_close(store);
    if (code != GW_OK)
        (void)fprintf(stderr, "provgate: done, but not in the activity record: %s\n", err.text);
}

/* ---- the verbs ---- */

/* Entries of this app that are over, or taken back, go. */
static void entries_drop(struct ground *ground, bool only_over)
{
    size_t kept = 0;
    for (size_t i = 0; i < ground->offs.count; i++) {
        const struct store_guard_off *off = &ground->offs.list[i];
        bool is_meant = ground->request->app == NULL || gw_str_eq(off->app, app_of(ground));
        if (off->until_ms > ground->now_ms && (only_over || !is_meant))
            ground->offs.list[kept++] = *off;
    }
    ground->offs.count = kept;
}

static int read_duration(struct ground *ground, int64_t *ret_ms)
{
    const char *text = ground->request->duration;
    if (text == NULL)
        return command_usage_error(ground->command, "off needs --for TIME, such as 30m; at most 24h");
    const char *reason = config_duration_parse(&ground->arena, gw_str_from(text), ret_ms);
    if (reason != NULL)
        return command_usage_error(ground->command, "--for %s: %s", text, reason);
    if (*ret_ms < REST_MIN_MS || *ret_ms > STORE_GUARD_OFF_LONGEST_MS)
        return command_usage_error(ground->command, "--for is from 1s to 24h");
    return COMMAND_DONE;
}

static int guard_off(struct ground *ground)
{
    int64_t duration_ms = 0;
    const char *reason = ground->request->reason;
    if (reason == NULL || !gw_name_printable(gw_str_from(reason), STORE_GUARD_OFF_TEXT_BYTES_MAX))
        return command_usage_error(ground->command, "off needs --reason TEXT of at most %u bytes",
                                   STORE_GUARD_OFF_TEXT_BYTES_MAX);
    int status = read_duration(ground, &duration_ms);
    if (status != COMMAND_DONE)
        return status;
    entries_drop(ground, false);
    if (ground->offs.count == STORE_GUARD_OFF_MAX)
        return command_usage_error(ground->command, "too many entries; see provgate guard status");
    struct store_guard_off off = {.since_ms = ground->now_ms,
                                  .until_ms = ground->now_ms + duration_ms,
                                  .app = app_of(ground),
                                  .actor = command_actor(&ground->arena),
                                  .reason = gw_str_from(reason)};
    ground->offs.list[ground->offs.count++] = off;
    struct gw_error err;
    if (store_guard_offs_write(ground->config->store_path, &ground->offs, &err) != GW_OK)
        return command_failed(&err);
    struct gw_str until = command_time_text(&ground->arena, off.until_ms);
    (void)printf("The guard is off for %s until %.*s: deactivated, locked and signed-out users pass, and they may sign "
                 "in.\nIt comes back by itself; sooner with provgate guard on.\n",
                 ground->request->app != NULL ? ground->request->app : "all apps", GW_STR_ARG(until));
    record(ground, STORE_ACTIVITY_GUARD_OFF, gw_arena_printf(&ground->arena, "until %.*s", GW_STR_ARG(until)));
    return command_output_done(COMMAND_DONE);
}

static int guard_on(struct ground *ground)
{
    if (ground->request->duration != NULL)
        return command_usage_error(ground->command, "--for belongs to off");
    bool was_off = store_guard_off_find(&ground->offs, app_of(ground), ground->now_ms) != NULL ||
                   (ground->request->app == NULL && ground->offs.count > 0);
    entries_drop(ground, false);
    struct gw_error err;
    if (store_guard_offs_write(ground->config->store_path, &ground->offs, &err) != GW_OK)
        return command_failed(&err);
    const struct store_guard_off *left = store_guard_off_find(&ground->offs, app_of(ground), ground->now_ms);
    if (left != NULL) {
        (void)fprintf(stderr, "provgate: the guard of all apps is off; provgate guard on without --app ends that\n");
        return COMMAND_FAILED;
    }
    (void)printf(was_off ? "The guard is on again, within two seconds.\n" : "The guard was on.\n");
    if (was_off)
        record(ground, STORE_ACTIVITY_GUARD_ON, GW_STR_NONE);
    return command_output_done(COMMAND_DONE);
}

static bool print_entry(struct ground *ground, const struct store_guard_off *off)
{
    struct gw_arena *arena = &ground->arena;
    struct gw_str until = command_time_text(arena, off->until_ms);
    struct gw_str since = command_time_text(arena, off->since_ms);
    if (!ground->request->as_json) {
        (void)printf("off for %.*s until %.*s, since %.*s, by ",
                     GW_STR_ARG(off->app.len > 0 ? off->app : GW_STR("all apps")), GW_STR_ARG(until),
                     GW_STR_ARG(since));
        command_print_text(stdout, off->actor);
        (void)printf(": ");
        command_print_text(stdout, off->reason);
        (void)putchar('\n');
        return true;
    }
    struct json_value *top = json_object_new(arena);
    json_object_append(arena, top, GW_STR("guard"), json_string_new(arena, GW_STR("off")));
    json_object_append(arena, top, GW_STR("app"),
                       off->app.len > 0 ? json_string_new(arena, off->app) : json_null_new(arena));
    command_text_append(arena, top, GW_STR("since"), since);
    command_text_append(arena, top, GW_STR("until"), until);
    command_text_append(arena, top, GW_STR("actor"), off->actor);
    command_text_append(arena, top, GW_STR("reason"), off->reason);
    return command_print_json(stdout, top);
}

static int guard_status(struct ground *ground)
{
    entries_drop(ground, true);
    bool is_said = false;
    for (size_t i = 0; i < ground->offs.count; i++) {
        const struct store_guard_off *off = &ground->offs.list[i];
        bool is_meant = ground->request->app == NULL || off->app.len == 0 || gw_str_eq(off->app, app_of(ground));
        if (is_meant && !print_entry(ground, off))
            break; /* command_output_done says so */
        is_said = is_said || is_meant;
    }
    if (!is_said)
        (void)printf(ground->request->as_json ? "{\"guard\":\"on\"}\n" : "on\n");
    return command_output_done(COMMAND_DONE);
}

static const struct {
    const char *name;
    int (*run)(struct ground *ground);
} verbs[] = {{"off", guard_off}, {"on", guard_on}, {"status", guard_status}};

static int run_verb(struct ground *ground, int (*verb)(struct ground *ground))
{
    struct gw_error err;
    if (command_config_load(ground->request->config_path, &ground->config) != COMMAND_DONE)
        return COMMAND_WRONG;
    const struct config_app *app =
        ground->request->app != NULL ? command_app_find(ground->config, ground->request->app) : NULL;
    if (ground->request->app != NULL && app == NULL)
        return COMMAND_WRONG;
    if (store_guard_offs_read(ground->config->store_path, &ground->arena, &ground->offs, &err) != GW_OK) {
        ground->offs.count = 0; /* off and on write it anew */
        (void)fprintf(stderr, "provgate: %s\n", err.text);
        if (verb == guard_status)
            return COMMAND_FAILED;
    }
    return verb(ground);
}

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"), COMMAND_TEXT(request, app, "app"),
    COMMAND_TEXT(request, duration, "for"),       COMMAND_TEXT(request, reason, "reason"),
    COMMAND_FLAG(request, as_json, "json"),
};

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT};
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof options[0], &request);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind + 1 != argc)
        return command_usage_error(command, "one of off, on, status is needed");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs && status == COMMAND_GO_ON; i++) {
        if (strcmp(argv[optind], verbs[i].name) != 0)
            continue;
        struct ground ground = {.command = command, .request = &request, .now_ms = gw_clock_wall_ms()};
        status = run_verb(&ground, verbs[i].run);
        config_unref(ground.config);
        gw_arena_done(&ground.arena);
    }
    return status != COMMAND_GO_ON ? status
                                   : command_usage_error(command, "\"%s\" is not one of off, on, status", argv[optind]);
}

const struct command command_guard = {
    .name = "guard",
    .summary = "break-glass: switch the guard off for a while",
    .usage =
        "usage: provgate guard off --for TIME --reason TEXT [--app NAME]\n"
        "       provgate guard on     [--app NAME]\n"
        "       provgate guard status [--app NAME] [--json]\n"
        "For the hour in which the wrong people are locked out. While the guard is off, deactivated, locked and\n"
        "signed-out users pass, roles on paths are not asked for, and such users may sign in; sign-ons are verified "
        "as\n"
        "ever. Nothing in the records changes: when the guard is back, who is deactivated is out again at once, open\n"
        "streams included. Obeyed within two seconds, also by what is started meanwhile; needs no write to the store.\n"
        "It is said in the log every minute, in the activity record, in /healthz and in provgate_guard_off.\n"
        "  --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
        "  --app NAME     of this app only\n"
        "  --for TIME     such as 30m; it ends by itself, after 24h at the latest\n"
        "  --reason TEXT  for the record\n"
        "  --json         one JSON object a line\n",
    .run = run,
};
