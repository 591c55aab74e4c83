#include "gateway/base/priority.h"
#include "gateway/command/folder.h"
#include "gateway/command/options.h"
#include "gateway/command/privilege.h"
#include "gateway/command/progress.h"
#include "gateway/json/write.h"
#include "routes/values.h"
#include "store/store.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

struct report {
    struct gw_arena arena;
    struct config *config; /* what the report borrows its texts from */
    bool as_json;
    size_t error_count;
    size_t warning_count;
    struct json_value *errors;
    struct json_value *warnings;
    struct json_value *apps;
    struct json_value *store;
};

static void on_finding(enum config_severity severity, const char *text, void *data)
{
    struct report *report = data;
    bool is_error = severity == CONFIG_ERROR;
    report->error_count += is_error;
    report->warning_count += !is_error;
    struct gw_str copy = gw_arena_copy(&report->arena, gw_str_from(text));
    json_array_append(&report->arena, is_error ? report->errors : report->warnings,
                      json_string_new(&report->arena, copy));
    if (!report->as_json)
        (void)printf("%s%s\n", is_error ? "" : "warning: ", text);
}

static void report_app(struct report *report, const struct config_app *app)
{
    struct gw_arena *arena = &report->arena;
    struct json_value *entry = json_object_new(arena);
    struct json_value *headers = json_array_new(arena);
    json_object_append(arena, entry, GW_STR("name"), json_string_new(arena, gw_str_from(app->name)));
    json_object_append(arena, entry, GW_STR("folder"), json_string_new(arena, gw_str_from(app->folder)));
    json_object_append(arena, entry, GW_STR("strip_request_headers"), headers);
    json_array_append(arena, report->apps, entry);
    const struct config_sso_face *face = &app->sso;
    if (!report->as_json && face->is_present)
        (void)printf("%s: stripped from requests, in every spelling:", app->name);
    for (size_t i = 0; i < face->strip_request_header_count; i++) {
        json_array_append(arena, headers, json_string_new(arena, gw_str_from(face->strip_request_headers[i])));
        if (!report->as_json)
            (void)printf("%s %s", i > 0 ? "," : "", face->strip_request_headers[i]);
    }
    if (!report->as_json && face->is_present)
        (void)printf("%s\n", face->strip_request_header_count == 0 ? " nothing" : "");
}

static void on_progress(uint64_t done, uint64_t total, void *data)
{
    progress_show(data, done, total, done);
}

static int check_store(struct report *report, const struct config *config)
{
    struct gw_error err = {.text = ""};
    struct store *store = NULL;
    struct progress progress;
    (void)gw_priority_lower(GW_PRIORITY_COMMAND);
    progress_init(&progress, "reading", "records");
    enum gw_code code = store_open(config->store_path, config->store_max_size, &store, &err);
    if (code == GW_OK) {
        code = store_check(store, on_progress, &progress, &err);
        store_close(store);
    }
    progress_clear(&progress);
    const char *text = code == GW_OK ? "sound" : err.text;
    report->store = json_string_new(&report->arena, gw_arena_copy(&report->arena, gw_str_from(text)));
    if (!report->as_json)
        (void)printf("store: %s\n", text);
    return code == GW_OK ? COMMAND_DONE : COMMAND_FAILED;
}

static void print_json(struct report *report, bool is_ok)
{
    struct gw_arena *arena = &report->arena;
    struct json_value *top = json_object_new(arena);
    json_object_append(arena, top, GW_STR("ok"), json_bool_new(arena, is_ok));
    json_object_append(arena, top, GW_STR("errors"), report->errors);
    json_object_append(arena, top, GW_STR("warnings"), report->warnings);
    json_object_append(arena, top, GW_STR("apps"), report->apps);
    if (report->store != NULL)
        json_object_append(arena, top, GW_STR("store"), report->store);
    struct gw_str text = json_text(arena, top);
    (void)printf("%.*s\n", GW_STR_ARG(text));
}

static int check_all(struct report *report, const char *path, bool with_store)
{
    struct gw_error err;
    if (config_load(path, GW_STR_NONE, &report->config, &err) != GW_OK) {
        on_finding(CONFIG_ERROR, err.text, report);
        return COMMAND_WRONG;
    }
    const struct config *config = report->config;
    /* As who will serve. */
    if (config->user != NULL && geteuid() == 0 && privilege_drop(config, &err) != GW_OK) {
        on_finding(CONFIG_ERROR, err.text, report);
        return COMMAND_WRONG;
    }
    int status = config_check_files(config, on_finding, report) > 0 ? COMMAND_WRONG : COMMAND_DONE;
    if (prov_values_check(config, &err) != GW_OK) {
        on_finding(CONFIG_ERROR, err.text, report);
        status = COMMAND_WRONG;
    }
    for (size_t i = 0; i < config->app_count; i++)
        report_app(report, &config->apps[i]);
    if (with_store) {
        int store_status = check_store(report, config);
        status = status != COMMAND_DONE ? status : store_status;
    }
    return status;
}

static int check(const char *path, bool as_json, bool with_store)
{
    struct report report = {.as_json = as_json, .arena = GW_ARENA_INIT};
    report.errors = json_array_new(&report.arena);
    report.warnings = json_array_new(&report.arena);
    report.apps = json_array_new(&report.arena);
    int status = check_all(&report, path, with_store);
    if (as_json)
        print_json(&report, status == COMMAND_DONE);
    else
        (void)printf("%s: %zu errors, %zu warnings\n", path, report.error_count, report.warning_count);
    gw_arena_done(&report.arena);
    config_unref(report.config);
    return status == COMMAND_DONE ? command_output_done(status) : status;
}

struct request {
    const char *config_path;
    bool as_json;
    bool with_store;
};

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"),
    COMMAND_FLAG(request, as_json, "json"),
    COMMAND_FLAG(request, with_store, "store"),
};

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT};
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof options[0], &request);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind < argc)
        return command_usage_error(command, "unexpected \"%s\"", argv[optind]);
    return check(request.config_path, request.as_json, request.with_store);
}

const struct command command_check = {
    .name = "check",
    .summary = "say what is wrong with the configuration, the files it names, and the store",
    .usage = "usage: provgate check [--config FILE] [--store] [--json]\n"
             "Reads the configuration and the files it names, and starts nothing. One finding a line:\n"
             "FILE:LINE:COLUMN: KEY: reason. Then, for each app, the request headers that are stripped.\n"
             "  --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
             "  --store        also read the whole store and verify every record\n"
             "  --json         one JSON object instead\n"
             "Exit status: 0 nothing that stops a start, 1 the store is not sound, 2 an error in the configuration.\n",
    .run = run,
};
