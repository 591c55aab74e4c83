/* import_read: the rows of a file of accounts, CSV or JSON lines, as bodies of SCIM users. Memory is one row. */
#pragma once

#include "gateway/command/csv.h"
#include "gateway/json/value.h"

#define IMPORT_LINE_BYTES_MAX (512u * 1024u) /* of JSON lines; CSV has CSV_RECORD_BYTES_MAX */

enum import_format { IMPORT_CSV, IMPORT_NDJSON };

/* One row: its body, or NULL and why it cannot be read. Both live during the call. False stops the reading. */
typedef bool (*import_row_fn)(uint64_t line, struct gw_arena *arena, struct json_value *body,
                              const struct gw_error *refusal, void *data);

/* `path` "-" is stdin. `on_progress` (may be NULL) gets bytes read and the size of the file. An error means that the
 * rest of the file cannot be read: it ends in the middle of a quoted field, its first line names an unknown column, the
 * disk fails. */
typedef void (*import_progress_fn)(uint64_t done, uint64_t total, void *data);
GW_MUST_CHECK enum gw_code import_read(const char *path, enum import_format format, import_row_fn on_row,
                                       import_progress_fn on_progress, void *data, struct gw_error *err);

/* "csv" or "ndjson"; where nothing is said (NULL), by the end of the name: .csv, .ndjson or .jsonl. */
GW_MUST_CHECK bool import_format_find(const char *path, const char *format, enum import_format *ret_format);
