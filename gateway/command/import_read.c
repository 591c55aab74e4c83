#include "gateway/command/import_read.h"

#include "gateway/base/text.h"
#include "gateway/command/columns.h"
#include "gateway/json/parse.h"
#include "routes/scim/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define PORTION_BYTES 65536u

struct import_reader {
    import_row_fn on_row;
    import_progress_fn on_progress;
    void *data;
    struct gw_arena arena; /* of one row */
    struct gw_error error; /* that ends the reading */
    struct csv csv;
    const struct user_column *columns[CSV_FIELDS_MAX];
    size_t column_count; /* 0: the first line was not read yet */
    struct gw_buf line;  /* of JSON lines */
    uint64_t line_number;
};

bool import_format_find(const char *path, const char *format, enum import_format *ret_format)
{
    struct gw_str name = gw_str_from(path);
    if (format != NULL) {
        *ret_format = strcmp(format, "csv") == 0 ? IMPORT_CSV : IMPORT_NDJSON;
        return *ret_format == IMPORT_CSV || strcmp(format, "ndjson") == 0;
    }
    *ret_format = gw_str_ends_nocase(name, GW_STR(".csv")) ? IMPORT_CSV : IMPORT_NDJSON;
    return *ret_format == IMPORT_CSV || gw_str_ends_nocase(name, GW_STR(".ndjson")) ||
           gw_str_ends_nocase(name, GW_STR(".jsonl"));
}

static bool give_refused(struct import_reader *reader, uint64_t line, const struct gw_error *refusal)
{
    return reader->on_row(line, &reader->arena, NULL, refusal, reader->data);
}

static bool give(struct import_reader *reader, uint64_t line, struct json_value *body)
{
    struct json_value *schemas = json_array_new(&reader->arena);
    json_array_append(&reader->arena, schemas, json_string_new(&reader->arena, GW_STR(SCIM_URN_USER)));
    if (json_object_get_nocase(body, GW_STR("schemas")) == NULL)
        json_object_append(&reader->arena, body, GW_STR("schemas"), schemas);
    return reader->on_row(line, &reader->arena, body, NULL, reader->data);
}

/* ---- CSV ---- */

/* Also under another name: which of the two is meant? */
static bool is_given(struct import_reader *reader, size_t count, const struct user_column *column)
{
    for (size_t i = 0; i < count && column->member != NULL; i++) {
        const struct user_column *before = reader->columns[i];
        bool is_same = before->member != NULL && strcmp(before->member, column->member) == 0 &&
                       gw_str_eq(gw_str_from(before->parent), gw_str_from(column->parent));
        if (is_same && before == column)
            (void)gw_fail(&reader->error, GW_E_INVALID_SYNTAX, "the column %s is there twice", column->name);
        else if (is_same)
            (void)gw_fail(&reader->error, GW_E_INVALID_SYNTAX, "the columns %s and %s are the same attribute",
                          before->name, column->name);
        if (is_same)
            return true;
    }
    return false;
}

static void fail_unknown(struct import_reader *reader, struct gw_str name, const char *close)
{
    bool is_other_csv = gw_str_find(name, ';') >= 0 || gw_str_find(name, '\t') >= 0;
    (void)gw_fail(&reader->error, GW_E_INVALID_SYNTAX, "the first line names an unknown column \"%.*s\"%s%s%s",
                  GW_STR_ARG(name),
                  close != NULL  ? "; did you mean "
                  : is_other_csv ? "; columns are separated by commas"
                                 : "",
                  close != NULL ? close : "", close != NULL ? "?" : "");
}

static bool read_columns(struct import_reader *reader, const struct gw_str *fields, size_t count)
{
    bool has_name = false;
    for (size_t i = 0; i < count; i++) {
        const char *close = NULL;
        const struct user_column *column = user_column_find(gw_str_trim(fields[i]), &close);
        if (column != NULL && is_given(reader, i, column))
            return false;
        if (column == NULL) {
            fail_unknown(reader, fields[i], close);
            return false;
        }
        has_name = has_name || strcmp(column->name, "userName") == 0;
        reader->columns[i] = column;
    }
    reader->column_count = count;
    if (!has_name)
        (void)gw_fail(&reader->error, GW_E_INVALID_SYNTAX, "the first line names no column userName");
    return has_name;
}

static bool on_record(const struct gw_str *fields, size_t count, uint64_t line, void *data)
{
    struct import_reader *reader = data;
    struct gw_error refusal;
    if (reader->column_count == 0)
        return read_columns(reader, fields, count);
    gw_arena_reset(&reader->arena);
    if (count != reader->column_count) {
        (void)gw_fail(&refusal, GW_E_INVALID_SYNTAX, "%zu fields instead of %zu", count, reader->column_count);
        return give_refused(reader, line, &refusal);
    }
    struct json_value *body = json_object_new(&reader->arena);
    for (size_t i = 0; i < count; i++) {
        if (!gw_utf8_valid(fields[i])) {
            (void)gw_fail(&refusal, GW_E_INVALID_VALUE, "%s is not well-formed UTF-8", reader->columns[i]->name);
            return give_refused(reader, line, &refusal);
        }
        if (!user_column_set(&reader->arena, body, reader->columns[i], fields[i])) {
            (void)gw_fail(&refusal, GW_E_INVALID_VALUE, "%s is \"%.*s\", not true or false", reader->columns[i]->name,
                          (int)(fields[i].len < 40 ? fields[i].len : 40), fields[i].ptr);
            return give_refused(reader, line, &refusal);
        }
    }
    return give(reader, line, body);
}

static enum gw_code feed_csv(struct import_reader *reader, struct gw_str bytes, bool *ret_stopped, struct gw_error *err)
{
    return csv_feed(&reader->csv, bytes, on_record, reader, ret_stopped, err);
}

/* ---- JSON lines ---- */

static bool end_line(struct import_reader *reader)
{
    uint64_t number = ++reader->line_number;
    struct gw_error refusal;
    struct json_value *body = NULL;
    bool goes_on = true;
    gw_arena_reset(&reader->arena);
    struct gw_str line = gw_str_trim(gw_buf_str(&reader->line));
    if (gw_str_ends(line, GW_STR("\r")))
        line.len--;
    if (reader->line.overflow) {
        (void)gw_fail(&refusal, GW_E_TOO_LARGE, "the line is longer than %u bytes", IMPORT_LINE_BYTES_MAX);
        goes_on = give_refused(reader, number, &refusal);
    } else if (line.len > 0 && json_parse(&reader->arena, line, &JSON_LIMITS_BODY, &body, &refusal) != GW_OK) {
        goes_on = give_refused(reader, number, &refusal);
    } else if (line.len > 0 && !json_is(body, JSON_OBJECT)) {
        (void)gw_fail(&refusal, GW_E_INVALID_SYNTAX, "not a JSON object");
        goes_on = give_refused(reader, number, &refusal);
    } else if (line.len > 0) {
        goes_on = give(reader, number, body);
    }
    gw_buf_clear(&reader->line);
    return goes_on;
}

static enum gw_code feed_lines(struct import_reader *reader, struct gw_str bytes, bool *ret_stopped,
                               struct gw_error *err)
{
    (void)err;
    while (bytes.len > 0 && !*ret_stopped) {
        ptrdiff_t end = gw_str_find(bytes, '\n');
        gw_buf_add(&reader->line, gw_str_n(bytes.ptr, end >= 0 ? (size_t)end : bytes.len));
        bytes = gw_str_from_pos(bytes, end >= 0 ? (size_t)end + 1 : bytes.len);
        if (end >= 0)
            *ret_stopped = !end_line(reader);
    }
    return GW_OK;
}

/* ---- the file ---- */

static enum gw_code end_file(struct import_reader *reader, enum import_format format, struct gw_error *err)
{
    if (format == IMPORT_CSV) {
        GW_TRY(csv_end(&reader->csv, on_record, reader, err));
        bool is_empty = reader->column_count == 0 && reader->error.code == GW_OK;
        return is_empty ? gw_fail(err, GW_E_INVALID_SYNTAX, "it is empty; its first line must name the columns")
                        : GW_OK;
    }
    if ((reader->line.len > 0 || reader->line.overflow) && !end_line(reader))
        return GW_OK;
    return GW_OK;
}

static struct gw_str without_mark(struct gw_str bytes)
{
    return gw_str_starts(bytes, GW_STR("\xEF\xBB\xBF")) ? gw_str_from_pos(bytes, 3) : bytes;
}

static enum gw_code read_file(struct import_reader *reader, FILE *file, uint64_t size, enum import_format format,
                              struct gw_error *err)
{
    static char bytes[PORTION_BYTES]; /* main thread only */
    bool stopped = false;
    uint64_t done = 0;
    for (size_t len = fread(bytes, 1, sizeof bytes, file); len > 0 && !stopped;
         len = stopped ? 0 : fread(bytes, 1, sizeof bytes, file)) {
        struct gw_str text = gw_str_n(bytes, len);
        if (done == 0 && (gw_str_starts(text, GW_STR("\xFF\xFE")) || gw_str_starts(text, GW_STR("\xFE\xFF"))))
            return gw_fail(err, GW_E_INVALID_SYNTAX, "it is UTF-16; save it as UTF-8");
        if (done == 0)
            text = without_mark(text);
        done += len;
        GW_TRY(format == IMPORT_CSV ? feed_csv(reader, text, &stopped, err) : feed_lines(reader, text, &stopped, err));
        if (reader->on_progress != NULL)
            reader->on_progress(done, size, reader->data);
    }
    if (ferror(file) != 0)
        return gw_fail(err, GW_E_INTERNAL, "it cannot be read: %s", strerror(errno));
    return stopped ? GW_OK : end_file(reader, format, err);
}

enum gw_code import_read(const char *path, enum import_format format, import_row_fn on_row,
                         import_progress_fn on_progress, void *data, struct gw_error *err)
{
    struct import_reader reader = {
        .on_row = on_row, .on_progress = on_progress, .data = data, .line = GW_BUF_INIT(IMPORT_LINE_BYTES_MAX)};
    struct stat info;
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL)
        return gw_fail(err, GW_E_USAGE, "%s: %s", path, strerror(errno));
    csv_init(&reader.csv);
    uint64_t size = fstat(fileno(file), &info) == 0 ? (uint64_t)info.st_size : 0;
    enum gw_code code = read_file(&reader, file, size, format, err);
    if (code == GW_OK && reader.error.code != GW_OK) {
        code = reader.error.code;
        *err = reader.error;
    }
    if (file != stdin)
        (void)fclose(file);
    csv_done(&reader.csv);
    gw_buf_done(&reader.line);
    gw_arena_done(&reader.arena);
    return code == GW_OK ? GW_OK : gw_error_prefix(err, "%s", path);
}
