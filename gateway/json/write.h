/* write: JSON text, compact, appended to a buffer. What is written parses to the same tree. The buffer's overflow mark
 * says whether all of it fitted. One thread at a time per buffer. */
#pragma once

#include "gateway/base/buf.h"
#include "gateway/json/value.h"

void json_write(struct gw_buf *buf, const struct json_value *value);

/* One string in quotes. `text` must be well-formed UTF-8; '<', '>' and '&' are left as they are. */
void json_write_string(struct gw_buf *buf, struct gw_str text);

/* What stands between the quotes, for bytes that need not be UTF-8: those beyond ASCII become the code points of the
 * same number. Ends with "..." once `written_max` bytes or more were written. */
void json_write_bytes(struct gw_buf *buf, struct gw_str bytes, size_t written_max);

/* The text in `arena` instead of in a buffer. */
struct gw_str json_text(struct gw_arena *arena, const struct json_value *value);
