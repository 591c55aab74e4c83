#include "gateway/command/csv.h"

#include <inttypes.h>

void csv_init(struct csv *csv)
{
    *csv = (struct csv){.line = 1, .record_line = 1, .text = GW_BUF_INIT(CSV_RECORD_BYTES_MAX)};
}

void csv_done(struct csv *csv)
{
    gw_buf_done(&csv->text);
}

static enum gw_code wrong(const struct csv *csv, const char *reason, struct gw_error *err)
{
    return gw_fail(err, GW_E_INVALID_SYNTAX, "line %" PRIu64 ": %s", csv->line, reason);
}

static enum gw_code end_field(struct csv *csv, struct gw_error *err)
{
    if (csv->count == CSV_FIELDS_MAX)
        return gw_fail(err, GW_E_INVALID_SYNTAX, "line %" PRIu64 ": more than %u fields", csv->line, CSV_FIELDS_MAX);
    csv->ends[csv->count++] = csv->text.len;
    return GW_OK;
}

/* Hands the record out and begins the next. */
static enum gw_code end_record(struct csv *csv, csv_record_fn on_record, void *data, bool *ret_stopped,
                               struct gw_error *err)
{
    struct gw_str fields[CSV_FIELDS_MAX];
    GW_TRY(end_field(csv, err));
    for (size_t i = 0; i < csv->count; i++) {
        size_t begin = i > 0 ? csv->ends[i - 1] : 0;
        fields[i] = gw_str_from_pos(gw_buf_str(&csv->text), begin);
        fields[i].len = csv->ends[i] - begin;
    }
    *ret_stopped = !on_record(fields, csv->count, csv->record_line, data);
    gw_buf_clear(&csv->text);
    csv->count = 0;
    csv->state = CSV_RECORD_BEGINS;
    return GW_OK;
}

/* A comma or a line end, where a field may end. */
static enum gw_code on_end_byte(struct csv *csv, char c, csv_record_fn on_record, void *data, bool *ret_stopped,
                                struct gw_error *err)
{
    if (c == ',') {
        csv->state = CSV_FIELD_BEGINS;
        return end_field(csv, err);
    }
    if (c == '\r') {
        csv->state = CSV_RETURN_SEEN;
        return GW_OK;
    }
    return end_record(csv, on_record, data, ret_stopped, err);
}

static bool is_end_byte(char c)
{
    return c == ',' || c == '\r' || c == '\n';
}

static enum gw_code add(struct csv *csv, char c, struct gw_error *err)
{
    gw_buf_add_byte(&csv->text, c);
    if (!csv->text.overflow)
        return GW_OK;
    return gw_fail(err, GW_E_INVALID_SYNTAX, "line %" PRIu64 ": the record is longer than %u bytes", csv->record_line,
                   CSV_RECORD_BYTES_MAX);
}

static enum gw_code in_quotes(struct csv *csv, char c, struct gw_error *err)
{
    if (c != '"')
        return add(csv, c, err);
    csv->state = CSV_QUOTE_SEEN;
    return GW_OK;
}

static enum gw_code after_quote(struct csv *csv, char c, csv_record_fn on_record, void *data, bool *ret_stopped,
                                struct gw_error *err)
{
    if (is_end_byte(c))
        return on_end_byte(csv, c, on_record, data, ret_stopped, err);
    if (c != '"')
        return wrong(csv, "a quoted field goes on behind its closing quote", err);
    csv->state = CSV_IN_QUOTES;
    return add(csv, c, err);
}

static enum gw_code in_plain(struct csv *csv, char c, csv_record_fn on_record, void *data, bool *ret_stopped,
                             struct gw_error *err)
{
    if (is_end_byte(c))
        return on_end_byte(csv, c, on_record, data, ret_stopped, err);
    if (c == '"')
        return wrong(csv, "a quote inside of a field that does not begin with one", err);
    csv->state = CSV_IN_PLAIN;
    return add(csv, c, err);
}

static enum gw_code field_begins(struct csv *csv, char c, csv_record_fn on_record, void *data, bool *ret_stopped,
                                 struct gw_error *err)
{
    if (csv->state == CSV_RECORD_BEGINS) {
        csv->record_line = csv->line;
        if (c == '\r')
            csv->state = CSV_BLANK_RETURN_SEEN;
        if (c == '\r' || c == '\n')
            return GW_OK;
    }
    if (c != '"')
        return in_plain(csv, c, on_record, data, ret_stopped, err);
    csv->state = CSV_IN_QUOTES;
    return GW_OK;
}

static enum gw_code after_return(struct csv *csv, char c, csv_record_fn on_record, void *data, bool *ret_stopped,
                                 struct gw_error *err)
{
    if (c != '\n')
        return wrong(csv, "a carriage return without a line feed", err);
    if (csv->state == CSV_RETURN_SEEN)
        return end_record(csv, on_record, data, ret_stopped, err);
    csv->state = CSV_RECORD_BEGINS;
    return GW_OK;
}

static enum gw_code step(struct csv *csv, char c, csv_record_fn on_record, void *data, bool *ret_stopped,
                         struct gw_error *err)
{
    if (c == '\0')
        return wrong(csv, "a zero byte", err);
    switch (csv->state) {
    case CSV_RECORD_BEGINS:
    case CSV_FIELD_BEGINS:
        return field_begins(csv, c, on_record, data, ret_stopped, err);
    case CSV_IN_PLAIN:
        return in_plain(csv, c, on_record, data, ret_stopped, err);
    case CSV_IN_QUOTES:
        return in_quotes(csv, c, err);
    case CSV_QUOTE_SEEN:
        return after_quote(csv, c, on_record, data, ret_stopped, err);
    case CSV_RETURN_SEEN:
    case CSV_BLANK_RETURN_SEEN:
        return after_return(csv, c, on_record, data, ret_stopped, err);
    }
    return GW_OK;
}

enum gw_code csv_feed(struct csv *csv, struct gw_str bytes, csv_record_fn on_record, void *data, bool *ret_stopped,
                      struct gw_error *err)
{
    *ret_stopped = false;
    for (size_t i = 0; i < bytes.len && !*ret_stopped; i++) {
        char c = bytes.ptr[i];
        GW_TRY(step(csv, c, on_record, data, ret_stopped, err));
        csv->line += c == '\n';
    }
    return GW_OK;
}

enum gw_code csv_end(struct csv *csv, csv_record_fn on_record, void *data, struct gw_error *err)
{
    bool stopped = false;
    if (csv->state == CSV_IN_QUOTES)
        return gw_fail(err, GW_E_INVALID_SYNTAX, "line %" PRIu64 ": a quoted field does not end", csv->record_line);
    if (csv->state == CSV_RETURN_SEEN || csv->state == CSV_BLANK_RETURN_SEEN)
        return wrong(csv, "a carriage return without a line feed", err);
    if (csv->state == CSV_RECORD_BEGINS)
        return GW_OK;
    return end_record(csv, on_record, data, &stopped, err);
}

void csv_write_field(struct gw_buf *buf, struct gw_str field)
{
    bool is_plain = true;
    for (size_t i = 0; i < field.len; i++)
        is_plain = is_plain && field.ptr[i] != '"' && !is_end_byte(field.ptr[i]);
    if (is_plain) {
        gw_buf_add(buf, field);
        return;
    }
    gw_buf_add_byte(buf, '"');
    for (size_t i = 0; i < field.len; i++) {
        if (field.ptr[i] == '"')
            gw_buf_add_byte(buf, '"');
        gw_buf_add_byte(buf, field.ptr[i]);
    }
    gw_buf_add_byte(buf, '"');
}
