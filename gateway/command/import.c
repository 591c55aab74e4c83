#include "gateway/base/priority.h"
#include "gateway/base/text.h"
#include "gateway/command/import_batch.h"
#include "gateway/command/import_read.h"
#include "gateway/command/import_seen.h"
#include "gateway/command/options.h"
#include "routes/scim/handlers/user_rules.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>

struct request {
    const char *config_path;
    const char *app;
    const char *folder;
    const char *file;
    const char *format;
    bool is_dry;
    bool as_json;
    bool with_rows;
};

struct import {
    struct command_folder *folder;
    const struct scim_resource_type *type;
    struct import_batch *batch;
    struct import_report report;
    struct import_seen seen;
    struct gw_str reference;
    struct gw_error error; /* of the store; ends the import */
};

static volatile sig_atomic_t is_interrupted;

/* A second one ends the program at once. */
static void on_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

/* A name that stands in two rows is a mistake in the file: which of them is meant? */
static bool is_repeated(struct import *import, struct gw_arena *arena, uint64_t line,
                        const struct scim_user_draft *draft)
{
    struct gw_str folded;
    uint64_t before = 0;
    const char *what = "userName";
    if (gw_name_fold(arena, draft->user_name, &folded))
        before = import_seen_add(&import->seen, 'n', folded, line);
    if (before == 0 && draft->external_id.len > 0) {
        what = "externalId";
        before = import_seen_add(&import->seen, 'x', draft->external_id, line);
    }
    if (before != 0)
        import_report_refusal(&import->report, line,
                              gw_arena_printf(arena, "its %s is that of line %" PRIu64, what, before).ptr);
    return before != 0;
}

static enum gw_code fill_draft(const struct import *import, struct gw_arena *arena, const struct scim_user_draft *draft,
                               struct store_user_draft *ret_draft, struct gw_error *err)
{
    const struct config_app *app = import->folder->prov_app;
    /* a role that has left the configuration comes in as it went out: `before` is what is brought */
    if (app != NULL)
        GW_TRY(user_rules_check(&app->prov, arena, draft->attributes, draft, err));
    return user_rules_fill(arena, draft, draft->has_active ? draft->active : true, ret_draft, err);
}

/* What `export` wrote of an operator's lock. */
static bool read_lock(const struct json_value *body, bool *ret_is_locked)
{
    const struct json_value *locked = json_object_get(json_object_get(body, GW_STR("provgate")), GW_STR("locked"));
    *ret_is_locked = json_is(locked, JSON_BOOL) && locked->boolean;
    return locked == NULL || json_is(locked, JSON_BOOL);
}

static bool add_row(struct import *import, struct gw_arena *arena, uint64_t line, const struct scim_user_draft *draft,
                    bool is_locked)
{
    struct gw_error refusal;
    if (is_repeated(import, arena, line, draft))
        return true;
    struct store_change *change = command_change_new(import->folder, STORE_CHANGE_USER_IMPORT);
    change->as.import.is_locked = is_locked;
    change->reference = gw_arena_copy(&change->arena, import->reference);
    if (fill_draft(import, &change->arena, draft, &change->as.import.draft, &refusal) != GW_OK) {
        store_change_free(change);
        import_report_refusal(&import->report, line, refusal.text);
        return true;
    }
    return import_batch_add(import->batch, change, line, &import->error) == GW_OK && is_interrupted == 0;
}

static bool on_row(uint64_t line, struct gw_arena *arena, struct json_value *body, const struct gw_error *refusal,
                   void *data)
{
    struct import *import = data;
    struct scim_user_draft draft;
    struct gw_error err;
    import->report.rows++;
    if (body == NULL) {
        import_report_refusal(&import->report, line, refusal->text);
        return true;
    }
    if (scim_user_read(arena, import->type, body, &draft, NULL, &err) != GW_OK) {
        import_report_refusal(&import->report, line, err.text);
        return true;
    }
    bool is_locked = false;
    if (!read_lock(body, &is_locked)) {
        import_report_refusal(&import->report, line, "provgate.locked is not true or false");
        return true;
    }
    return add_row(import, arena, line, &draft, is_locked);
}

static void on_progress(uint64_t done, uint64_t total, void *data)
{
    struct import *import = data;
    progress_show(&import->report.progress, done, total, import->report.rows);
}

static int import_rows(struct import *import, const struct request *request, enum import_format format)
{
    struct gw_error err;
    enum gw_code code = import_read(request->file, format, on_row, on_progress, import, &err);
    if (code == GW_OK && import->error.code != GW_OK) {
        code = import->error.code;
        err = import->error;
    }
    /* what was read before an error is as good as without it */
    enum gw_code last = import->error.code == GW_OK ? import_batch_flush(import->batch, &import->error) : GW_OK;
    if (code == GW_OK && last != GW_OK) {
        code = last;
        err = import->error;
    }
    if (is_interrupted != 0 && (code == GW_OK || code == GW_E_INTERNAL)) /* also while it waited for a pipe */
        code = gw_fail(&err, GW_E_INTERNAL, "interrupted; run it again to go on: what is in is known then");
    if (code != GW_E_USAGE)
        import_report_end(&import->report, request->file);
    if (code != GW_OK)
        (void)fprintf(stderr, "provgate: %s\n", err.text);
    return code == GW_OK && import->report.refused == 0 ? command_output_done(COMMAND_DONE)
           : code == GW_E_USAGE                         ? COMMAND_WRONG
                                                        : COMMAND_FAILED;
}

static int import_with(struct command_folder *folder, struct store_writer *writer, const struct request *request,
                       enum import_format format)
{
    struct import import = {
        .folder = folder,
        .report = {
            .folder = folder, .is_dry = request->is_dry, .as_json = request->as_json, .with_rows = request->with_rows}};
    GW_ARENA_SCOPED(types);
    const char *slash = strrchr(request->file, '/');
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    progress_init(&import.report.progress, request->is_dry ? "reading" : "importing", "rows");
    is_interrupted = 0;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    import.type = command_user_type(folder, &types);
    import.reference = gw_str_from(slash != NULL ? slash + 1 : request->file);
    if (!gw_utf8_valid(import.reference))
        import.reference = GW_STR_NONE;
    import.batch = import_batch_new(folder, writer, &import.report);
    int status = import_rows(&import, request, format);
    import_batch_free(import.batch);
    import_seen_done(&import.seen);
    return status;
}

static int import_for_real(struct command_folder *folder, const struct request *request, enum import_format format)
{
    struct gw_error err;
    struct store_writer *writer = NULL;
    struct store_writer_settings settings = {.role = STORE_ROLE_IMPORT};
    enum gw_code code = store_writer_new(folder->store, &settings, &writer, &err);
    (void)gw_priority_lower(GW_PRIORITY_COMMAND); /* not of the writer: sign-ons wait for its lock */
    if (code == GW_OK && folder->number == 0)
        code = store_folder_ensure(writer, gw_str_from(folder->name), &folder->number, &err);
    int status = code == GW_OK ? import_with(folder, writer, request, format) : command_failed(&err);
    store_writer_free(writer);
    return status;
}

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"), COMMAND_TEXT(request, app, "app"),
    COMMAND_TEXT(request, folder, "folder"),      COMMAND_FLAG(request, is_dry, "dry-run"),
    COMMAND_FLAG(request, as_json, "json"),       COMMAND_FLAG(request, with_rows, "rows"),
    COMMAND_TEXT(request, format, "format"),
};

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT};
    enum import_format format;
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof options[0], &request);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind + 1 != argc)
        return command_usage_error(command, "one FILE is needed");
    request.file = argv[optind];
    bool is_known = import_format_find(request.file, request.format, &format);
    if (!is_known && request.format != NULL)
        return command_usage_error(command, "--format is csv or ndjson");
    if (!is_known)
        return command_usage_error(
            command, "%s: --format is needed where the name does not end in .csv, .ndjson or .jsonl", request.file);
    struct command_folder folder;
    status = command_folder_open(command, request.config_path, request.app, request.folder, &folder);
    if (status != COMMAND_DONE)
        return status;
    status = request.is_dry ? import_with(&folder, NULL, &request, format) : import_for_real(&folder, &request, format);
    command_folder_close(&folder);
    return status;
}

const struct command command_import = {
    .name = "import",
    .summary = "bring in accounts that the app has already",
    .usage =
        "usage: provgate import FILE.csv|FILE.ndjson|- [--format csv|ndjson] [--app NAME|--folder NAME] [--dry-run]\n"
        "                       [--rows] [--json]\n"
        "Makes a user of every row that names nobody yet, by userName and externalId. Rows that name a user of the\n"
        "folder change nothing: an import that was interrupted is run again. When such a person signs in or is\n"
        "provisioned, the record is theirs and keeps its id. Rows that are not right are refused with line and "
        "reason.\n"
        "CSV (RFC 4180): the first line names columns: userName, externalId, active, displayName, givenName,\n"
        "familyName, email, title, userType, preferredLanguage, locale, timezone, employeeNumber, costCenter,\n"
        "organization, division, department, locked. JSON lines: a SCIM user a line. What `provgate export` writes "
        "can\n"
        "be read: attributes, active and locks come back; ids, times, links, sessions and groups do not (for these,\n"
        "`backup`). Other columns of an export are passed over.\n"
        "  --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
        "  --app NAME     into the folder of this app; or\n"
        "  --folder NAME  into this folder; neither is needed when there is one folder only\n"
        "  --format F     csv or ndjson, whatever the name ends in; needed for -, which is stdin\n"
        "  --dry-run      only say what would happen\n"
        "  --rows         say of every row what became of it, or would; some hundred rows late\n"
        "  --json         the counts as one JSON object; with --rows, behind one of each row\n"
        "Exit status: 0 all rows were good, 1 some were refused or the store failed, 2 usage or configuration.\n",
    .run = run,
};
