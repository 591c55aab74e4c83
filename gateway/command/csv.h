/* csv: records of a CSV file by RFC 4180, read strictly as the bytes come: fields in quotes may hold commas, quotes
 * (doubled) and line ends; a quote anywhere else, or anything behind a closing quote, is an error. A line ends with CR
 * LF or LF; a line without any byte is no record. Memory is one record. */
#pragma once

#include "gateway/base/buf.h"
#include "gateway/base/result.h"

#define CSV_RECORD_BYTES_MAX (512u * 1024u)
#define CSV_FIELDS_MAX 128u

enum csv_state {
    CSV_RECORD_BEGINS,
    CSV_FIELD_BEGINS,
    CSV_IN_PLAIN,
    CSV_IN_QUOTES,
    CSV_QUOTE_SEEN,       /* in a quoted field: its end, or half of a doubled one */
    CSV_RETURN_SEEN,      /* a line feed must follow */
    CSV_BLANK_RETURN_SEEN /* the same, in an empty line */
};

struct csv {
    enum csv_state state;
    uint64_t line;        /* 1-based, where the reader stands */
    uint64_t record_line; /* where the record began */
    struct gw_buf text;   /* of all fields, one behind the other */
    size_t ends[CSV_FIELDS_MAX];
    size_t count;
};

/* Fields live during the call. False stops the reading. */
typedef bool (*csv_record_fn)(const struct gw_str *fields, size_t count, uint64_t line, void *data);

void csv_init(struct csv *csv);
void csv_done(struct csv *csv);

/* Feeds bytes in any portions. GW_E_INVALID_SYNTAX says which line is wrong; *ret_stopped: on_record said so. After
 * either, feed no more. */
GW_MUST_CHECK enum gw_code csv_feed(struct csv *csv, struct gw_str bytes, csv_record_fn on_record, void *data,
                                    bool *ret_stopped, struct gw_error *err);
/* No more bytes: a last record needs no line end. */
GW_MUST_CHECK enum gw_code csv_end(struct csv *csv, csv_record_fn on_record, void *data, struct gw_error *err);

/* One field as it must be written, in quotes where it needs them. */
void csv_write_field(struct gw_buf *buf, struct gw_str field);
