/* `provgate coverage`: what share of requests, sessions and users the guard can speak about. */
#include "store/coverage.h"
#include "gateway/command/folder.h"
#include "gateway/command/options.h"

#include <getopt.h>
#include <inttypes.h>

struct request {
    const char *config_path;
    const char *app;
    bool as_json;
};

struct report {
    struct config *config;
    struct store *store;
    struct store_reader *reader;
    struct gw_arena arena;
    struct store_coverage *coverage;
    bool as_json;
};

static struct store_app_counts counts_of(const struct report *report, const char *app)
{
    for (size_t i = 0; i < report->coverage->count; i++) {
        if (gw_str_eq(report->coverage->apps[i].app, gw_str_from(app)))
            return report->coverage->apps[i];
    }
    return (struct store_app_counts){.app = gw_str_from(app)};
}

static enum gw_code folder_counts(const struct report *report, const char *folder,
                                  struct store_folder_counts *ret_counts, struct gw_error *err)
{
    uint32_t number = 0;
    *ret_counts = (struct store_folder_counts){.users = 0};
    GW_TRY(store_reader_begin(report->reader, err));
    enum gw_code code = store_folder_find(report->reader, gw_str_from(folder), &number, err);
    if (code == GW_OK)
        code = store_coverage_count(report->reader, number, ret_counts, err);
    store_reader_end(report->reader);
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static void put_count(struct report *report, struct json_value *object, const char *name, uint64_t count)
{
    json_object_append(&report->arena, object, gw_str_from(name), json_integer_new(&report->arena, (int64_t)count));
}

static void put_text(struct report *report, struct json_value *object, const char *name, struct gw_str text)
{
    if (text.len > 0)
        command_text_append(&report->arena, object, gw_str_from(name), text);
}

static bool print_json(struct report *report, const struct config_app *app, const struct store_app_counts *counts,
                       const struct store_folder_counts *folder)
{
    struct json_value *top = json_object_new(&report->arena);
    put_text(report, top, "app", gw_str_from(app->name));
    put_text(report, top, "folder", gw_str_from(app->folder));
    if (report->coverage->written_ms != 0)
        put_text(report, top, "countedUntil", command_time_text(&report->arena, report->coverage->written_ms));
    put_count(report, top, "requestsBound", counts->requests_bound);
    put_count(report, top, "requestsUnbound", counts->requests_unbound);
    put_count(report, top, "requestsWithoutSession", counts->requests_none);
    put_count(report, top, "signOnsProvisioned", counts->sign_ons_linked);
    put_count(report, top, "signOnsObserved", counts->sign_ons_observed);
    put_count(report, top, "signOnsUnbound", counts->sign_ons_unbound);
    put_count(report, top, "users", folder->users);
    put_count(report, top, "usersBound", folder->users_bound);
    put_count(report, top, "usersLinked", folder->users_linked);
    put_count(report, top, "sessions", folder->sessions);
    put_count(report, top, "sessionsAlive", folder->sessions_alive);
    put_count(report, top, "sessionsSignedOut", folder->sessions_signed_out);
    put_text(report, top, "advice", store_coverage_advice(&report->arena, counts));
    put_text(report, top, "warning", store_coverage_unlinked(&report->arena, counts));
    return command_print_json(stdout, top);
}

static const char *share(struct report *report, uint64_t part, uint64_t whole)
{
    if (whole == 0)
        return "-";
    uint64_t permille = part * 1000 / whole;
    return gw_arena_printf(&report->arena, "%" PRIu64 ".%" PRIu64 " %%", permille / 10, permille % 10).ptr;
}

static void print_text(struct report *report, const struct config_app *app, const struct store_app_counts *counts,
                       const struct store_folder_counts *folder)
{
    uint64_t with_session = counts->requests_bound + counts->requests_unbound;
    struct gw_str warning = store_coverage_unlinked(&report->arena, counts);
    (void)printf("%s (folder %s)\n", app->name, app->folder);
    (void)printf("  requests  %s of %" PRIu64 " with a session are of a bound one; %" PRIu64 " had no session\n",
                 share(report, counts->requests_bound, with_session), with_session, counts->requests_none);
    (void)printf("  sign-ins  %" PRIu64 " of provisioned users, %" PRIu64 " of others; %" PRIu64
                 " set no session cookie\n",
                 counts->sign_ons_linked, counts->sign_ons_observed, counts->sign_ons_unbound);
    (void)printf("  sessions  %" PRIu64 " bound in the folder, %" PRIu64 " alive, %" PRIu64 " signed out at the app\n",
                 folder->sessions, folder->sessions_alive, folder->sessions_signed_out);
    (void)printf("  users     %s of %" PRIu64 " active ones have a session, %s are linked\n",
                 share(report, folder->users_bound, folder->users), folder->users,
                 share(report, folder->users_linked, folder->users));
    (void)printf("  advice    %.*s\n", GW_STR_ARG(store_coverage_advice(&report->arena, counts)));
    if (warning.len > 0)
        (void)printf("  warning   %.*s\n", GW_STR_ARG(warning));
}

static enum gw_code report_app(struct report *report, const struct config_app *app, struct gw_error *err)
{
    struct store_folder_counts folder;
    struct store_app_counts counts = counts_of(report, app->name);
    GW_TRY(folder_counts(report, app->folder, &folder, err));
    if (!report->as_json)
        print_text(report, app, &counts, &folder);
    else if (!print_json(report, app, &counts, &folder))
        return gw_fail(err, GW_E_INTERNAL, "the output could not be written");
    return GW_OK;
}

static enum gw_code report_all(struct report *report, const struct config_app *only, struct gw_error *err)
{
    report->coverage = gw_arena_alloc(&report->arena, sizeof *report->coverage);
    GW_TRY(store_open(report->config->store_path, report->config->store_max_size, &report->store, err));
    GW_TRY(store_reader_new(report->store, &report->reader, err));
    GW_TRY(store_coverage_read(report->config->store_path, &report->arena, report->coverage, err));
    if (!report->as_json && report->coverage->written_ms == 0)
        (void)printf("Nothing was counted yet: requests and sign-ins are counted while provgate runs.\n");
    else if (!report->as_json)
        (void)printf("Requests and sign-ins since the start, until %.*s.\n",
                     GW_STR_ARG(command_time_text(&report->arena, report->coverage->written_ms)));
    for (size_t i = 0; i < report->config->app_count; i++) {
        const struct config_app *app = &report->config->apps[i];
        if (app->sso.is_present && (only == NULL || only == app))
            GW_TRY(report_app(report, app, err));
    }
    return GW_OK;
}

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"),
    COMMAND_TEXT(request, app, "app"),
    COMMAND_FLAG(request, as_json, "json"),
};

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT};
    struct report report = {.config = NULL};
    struct gw_error err;
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof *options, &request);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind < argc)
        return command_usage_error(command, "unexpected \"%s\"", argv[optind]);
    if (command_config_load(request.config_path, &report.config) != COMMAND_DONE)
        return COMMAND_WRONG;
    report.as_json = request.as_json;
    const struct config_app *only = request.app != NULL ? command_app_find(report.config, request.app) : NULL;
    status = COMMAND_WRONG;
    if (request.app == NULL || only != NULL)
        status = report_all(&report, only, &err) == GW_OK ? command_output_done(COMMAND_DONE) : command_failed(&err);
    store_reader_free(report.reader);
    store_close(report.store);
    config_unref(report.config);
    gw_arena_done(&report.arena);
    return status;
}

const struct command command_coverage = {
    .name = "coverage",
    .summary = "how much of the traffic the guard can speak about",
    .usage =
        "usage: provgate coverage [--app NAME] [--json]\n"
        "For each app: the share of requests, sessions and users that are bound, and whether it is time to leave\n"
        "unbound: pass. Requests and sign-ins are counted since provgate was started (written every ten seconds);\n"
        "sessions and users are counted now, which reads all of them.\n"
        "  --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
        "  --app NAME     this app only\n"
        "  --json         one JSON object a line\n",
    .run = run,
};
