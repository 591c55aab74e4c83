/* line_file: a file of lines that grows, for logs that are written at the rate of requests. A line goes into a bounded
 * buffer; a thread of its own writes it at least every LINE_FILE_FLUSH_MS. What finds the buffer full is dropped and
 * counted: whoever adds a line never waits for a disk. The file is opened to append. When its name is taken away
 * (renamed, deleted) a new one is begun within LINE_FILE_LOOK_MS, so rotation needs no signal; copying and cutting it
 * works as well. Any thread may add. */
#pragma once

#include "gateway/base/result.h"
#include "gateway/base/str.h"

#include <stdint.h>

#define GW_LINE_FILE_BUFFER_BYTES (1024u * 1024u)
#define GW_LINE_FILE_LINE_BYTES_MAX (48u * 1024u) /* a request line is at most 32 KiB */
#define GW_LINE_FILE_FLUSH_MS 100
#define GW_LINE_FILE_LOOK_MS 1000

struct gw_line_file;

/* Made with mode 0640 when it is not there. GW_E_CONFIG says why it cannot be written. */
GW_MUST_CHECK enum gw_code gw_line_file_new(const char *path, struct gw_line_file **ret_file, struct gw_error *err);
/* Writes what is buffered. NULL is harmless. */
void gw_line_file_free(struct gw_line_file *file);

/* `line` ends in a line feed. False: there was no room. */
bool gw_line_file_add(struct gw_line_file *file, struct gw_str line);

/* Lines that were dropped or could not be written. */
uint64_t gw_line_file_dropped(struct gw_line_file *file);
