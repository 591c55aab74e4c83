/* token_line: the lines of a credentials file, for those who read and those who write it. Inside config/ only. */
#pragma once

#include "config/tokens.h"
#include "gateway/base/buf.h"

#include <sys/stat.h>

/* "NAME KIND SHA256-HEX CREATED[ EXPIRES][ scope=SCOPE]", without the line end; the name borrows from `line`. */
bool token_line_parse(struct gw_str line, struct token *ret_token);
struct gw_str token_line_format(struct gw_arena *arena, const struct token *token); /* with the line end */

/* The content, after the checks of type, mode and size. GW_E_NOT_FOUND when there is no file. */
GW_MUST_CHECK enum gw_code token_file_read(const char *path, struct gw_buf *buf, struct stat *ret_info,
                                           struct gw_error *err);
