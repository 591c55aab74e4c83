#include "gateway/base/priority.h"
#include "gateway/command/columns.h"
#include "gateway/command/csv.h"
#include "gateway/command/options.h"
#include "gateway/command/progress.h"
#include "gateway/command/users.h"
#include "gateway/json/write.h"
#include "routes/scim/user.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define LINE_BYTES_MAX (4u << 20) /* of one user; quotes double what is stored at most */

struct request {
    const char *config_path;
    const char *app;
    const char *folder;
    const char *format;
    const char *output;
};

struct export
{
    struct command_folder *folder;
    const struct scim_resource_type *type;
    bool is_csv;
    FILE *out;
    struct gw_arena arena; /* of one user */
    struct gw_buf line;
    uint64_t count;
    uint64_t total; /* as of the beginning; 0: not shown */
    struct progress progress;
    struct gw_error error;
};

static enum gw_code load(struct export *export, const struct store_user *user, struct json_value **ret_resource)
{
    struct scim_user_columns columns = {
        .meta = {.id = command_id_text(export->folder, &export->arena, user->seq),
                 .created_ms = user->created_ms,
                 .modified_ms = user->modified_ms},
        .user_name = user->user_name,
        .external_id = user->external_id,
        .active = (user->state.flags & STORE_USER_ACTIVE) != 0,
        .attributes = user->attributes,
    };
    GW_TRY(scim_user_load(&export->arena, export->type, &columns, ret_resource, &export->error));
    struct json_value *state = json_object_new(&export->arena);
    command_state_append(&export->arena, state, user);
    json_object_append(&export->arena, *ret_resource, GW_STR("provgate"), state);
    return GW_OK;
}

/* What is not an attribute: flags, and times. */
static struct gw_str state_cell(const struct json_value *resource, const char *name)
{
    struct user_column column = {.name = name, .member = name};
    if (strcmp(name, "id") == 0)
        return user_column_get(resource, &column);
    if (strcmp(name, "created") == 0)
        return user_column_get(json_object_get(resource, GW_STR("meta")), &column);
    if (strcmp(name, "modified") == 0)
        column.member = "lastModified";
    const char *parent = column.member != name ? "meta" : "provgate";
    return user_column_get(json_object_get(resource, gw_str_from(parent)), &column);
}

static void write_csv(struct export *export, const struct json_value *resource)
{
    for (size_t i = 0; i < user_column_count && user_columns[i].is_exported; i++) {
        const struct user_column *column = &user_columns[i];
        if (i > 0)
            gw_buf_add_byte(&export->line, ',');
        csv_write_field(&export->line, column->member != NULL ? user_column_get(resource, column)
                                                              : state_cell(resource, column->name));
    }
    gw_buf_add_lit(&export->line, "\r\n");
}

static bool flush_line(struct export *export)
{
    if (export->line.len == 0)
        return true;
    bool is_written =
        !export->line.overflow && fwrite(export->line.data, 1, export->line.len, export->out) == export->line.len;
    gw_buf_clear(&export->line);
    if (!is_written)
        (void)gw_fail(&export->error, GW_E_INTERNAL, "the output could not be written: %s", strerror(errno));
    return is_written;
}

static bool on_user(const struct store_user *user, void *data)
{
    struct export *export = data;
    struct json_value *resource = NULL;
    gw_arena_reset(&export->arena);
    if (load(export, user, &resource) != GW_OK)
        return false;
    if (export->is_csv) {
        write_csv(export, resource);
    } else {
        json_write(&export->line, resource);
        gw_buf_add_byte(&export->line, '\n');
    }
    export->count++;
    progress_show(&export->progress, export->count, export->total, export->count);
    return flush_line(export);
}

static bool write_title(struct export *export)
{
    for (size_t i = 0; i < user_column_count && user_columns[i].is_exported && export->is_csv; i++) {
        if (i > 0)
            gw_buf_add_byte(&export->line, ',');
        gw_buf_add(&export->line, gw_str_from(user_columns[i].name));
    }
    if (export->is_csv)
        gw_buf_add_lit(&export->line, "\r\n");
    return flush_line(export);
}

static enum gw_code count_users(struct export *export, struct gw_error *err)
{
    struct store_reader *reader = export->folder->reader;
    if (export->folder->number == 0)
        return GW_OK;
    GW_TRY(store_reader_begin(reader, err));
    enum gw_code code = store_users_count(reader, export->folder->number, &export->total, err);
    store_reader_end(reader);
    return code;
}

static enum gw_code write_all(struct export *export, struct gw_error *err)
{
    enum gw_code code = write_title(export) ? command_users_walk(export->folder, 0, on_user, export, err) : GW_OK;
    progress_clear(&export->progress);
    if (code == GW_OK && export->error.code != GW_OK) {
        code = export->error.code;
        *err = export->error;
    }
    if (code == GW_OK && fflush(export->out) != 0)
        code = gw_fail(err, GW_E_INTERNAL, "the output could not be written: %s", strerror(errno));
    return code;
}

static enum gw_code export_to(struct command_folder *folder, const struct request *request, FILE *out,
                              uint64_t *ret_count, struct gw_error *err)
{
    GW_ARENA_SCOPED(types);
    struct export export = {.folder = folder,
                            .type = command_user_type(folder, &types),
                            .is_csv = strcmp(request->format, "csv") == 0,
                            .out = out,
                            .line = GW_BUF_INIT(LINE_BYTES_MAX)};
    progress_init(&export.progress, "exporting", "users");
    enum gw_code code = request->output != NULL ? count_users(&export, err) : GW_OK;
    if (code == GW_OK)
        code = write_all(&export, err);
    gw_arena_done(&export.arena);
    gw_buf_done(&export.line);
    *ret_count = export.count;
    return code;
}

/* Two exports to one name: the second is refused, or the first would give its name to what the second has so far.
 * What an export left that was interrupted has no lock. People's data: for the owner only. */
static enum gw_code open_part(const char *part, FILE **ret_out, struct gw_error *err)
{
    int old = open(part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool is_busy = old >= 0 && flock(old, LOCK_EX | LOCK_NB) != 0;
    if (old >= 0)
        (void)close(old);
    if (is_busy)
        return gw_fail(err, GW_E_CONFLICT, "%s: another export writes it", part);
    (void)unlink(part);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    *ret_out = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 ? fdopen(fd, "w") : NULL;
    if (*ret_out != NULL)
        return GW_OK;
    (void)gw_fail(err, GW_E_INTERNAL, "%s: %s", part, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return err->code;
}

/* Of the file that is open, whatever has its name now; it takes nobody's place. */
static enum gw_code give_name(int fd, const char *part, const char *name, struct gw_error *err)
{
    char self[sizeof "/proc/self/fd/" + 10];
    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    bool is_named = fsync(fd) == 0 && linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
    if (!is_named && (errno == EPERM || errno == EOPNOTSUPP)) /* file systems of sticks and shares have no links */
        is_named = renameat2(AT_FDCWD, part, AT_FDCWD, name, RENAME_NOREPLACE) == 0;
    return is_named ? GW_OK : gw_fail(err, GW_E_INTERNAL, "%s: %s", name, strerror(errno));
}

static enum gw_code write_file(struct command_folder *folder, const struct request *request, const char *part,
                               uint64_t *ret_count, struct gw_error *err)
{
    FILE *out = NULL;
    GW_TRY(open_part(part, &out, err));
    enum gw_code code = export_to(folder, request, out, ret_count, err);
    if (code == GW_OK)
        code = give_name(fileno(out), part, request->output, err);
    (void)unlink(part);
    if (fclose(out) != 0 && code == GW_OK)
        code = gw_fail(err, GW_E_INTERNAL, "%s: %s", request->output, strerror(errno));
    return code;
}

/* It gets its name when all of it is there. */
static int export_to_file(struct command_folder *folder, const struct request *request)
{
    GW_ARENA_SCOPED(arena);
    struct gw_error err;
    uint64_t count = 0;
    const char *part = gw_arena_printf(&arena, "%s.part", request->output).ptr;
    if (access(request->output, F_OK) == 0) {
        (void)gw_fail(&err, GW_E_CONFLICT, "%s is there already", request->output);
        return command_failed(&err);
    }
    if (write_file(folder, request, part, &count, &err) != GW_OK)
        return command_failed(&err);
    (void)fprintf(stderr, "%s: %" PRIu64 " users\n", request->output, count);
    return COMMAND_DONE;
}

static int export_to_stdout(struct command_folder *folder, const struct request *request)
{
    struct gw_error err;
    uint64_t count = 0;
    return export_to(folder, request, stdout, &count, &err) == GW_OK ? COMMAND_DONE : command_failed(&err);
}

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"), COMMAND_TEXT(request, app, "app"),
    COMMAND_TEXT(request, folder, "folder"),      COMMAND_TEXT(request, format, "format"),
    COMMAND_TEXT(request, output, "output"),
};

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT, .format = "ndjson"};
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof options[0], &request);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind < argc)
        return command_usage_error(command, "unexpected \"%s\"", argv[optind]);
    if (strcmp(request.format, "csv") != 0 && strcmp(request.format, "ndjson") != 0)
        return command_usage_error(command, "--format is csv or ndjson");
    struct command_folder folder;
    status = command_folder_open(command, request.config_path, request.app, request.folder, &folder);
    if (status != COMMAND_DONE)
        return status;
    (void)gw_priority_lower(GW_PRIORITY_COMMAND);
    if (request.output != NULL && strcmp(request.output, "-") == 0)
        request.output = NULL;
    status = request.output != NULL ? export_to_file(&folder, &request) : export_to_stdout(&folder, &request);
    command_folder_close(&folder);
    return status;
}

const struct command command_export = {
    .name = "export",
    .summary = "write all users of a folder as JSON lines or CSV",
    .usage = "usage: provgate export [--app NAME|--folder NAME] [--format ndjson|csv] [--output FILE]\n"
             "Writes every user that is not deleted, in the order of creation: as ndjson the whole SCIM user with id "
             "and meta,\n"
             "and in `provgate` what is not SCIM (locked, observed, provisioned, ...); as csv the columns that import "
             "knows.\n"
             "A running provgate goes on; users that change meanwhile are written as they are when their turn comes.\n"
             "  --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
             "  --app NAME     the folder of this app; or\n"
             "  --folder NAME  this folder; neither is needed when there is one folder only\n"
             "  --format F     ndjson (the default) or csv\n"
             "  --output FILE  to a new file that only its owner may read; else, or with -, to stdout\n",
    .run = run,
};
