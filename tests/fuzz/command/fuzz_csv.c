/* CSV: however the bytes are cut, the same records come out; and what they hold, written again, reads the same. */
#include "gateway/command/csv.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define RECORDS_BYTES_MAX (8u << 20)

/* Every record as it would be written. */
static bool on_record(const struct gw_str *fields, size_t count, uint64_t line, void *data)
{
    struct gw_buf *text = data;
    GW_ASSERT(count > 0 && count <= CSV_FIELDS_MAX && line > 0);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            gw_buf_add_byte(text, ',');
        csv_write_field(text, fields[i]);
    }
    if (count == 1 && fields[0].len == 0)
        gw_buf_add_lit(text, "\"\""); /* else it would be an empty line */
    gw_buf_add_byte(text, '\n');
    return true;
}

static enum gw_code read_all(struct gw_str bytes, size_t portion, struct gw_buf *text)
{
    struct csv csv;
    struct gw_error err;
    enum gw_code code = GW_OK;
    csv_init(&csv);
    for (size_t at = 0; at < bytes.len && code == GW_OK; at += portion) {
        bool stopped = false;
        size_t len = bytes.len - at < portion ? bytes.len - at : portion;
        code = csv_feed(&csv, gw_str_n(bytes.ptr + at, len), on_record, text, &stopped, &err);
        GW_ASSERT(!stopped);
    }
    if (code == GW_OK)
        code = csv_end(&csv, on_record, text, &err);
    csv_done(&csv);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct gw_str text = gw_str_n((const char *)bytes, size);
    GW_BUF_SCOPED(whole, RECORDS_BYTES_MAX);
    GW_BUF_SCOPED(cut, RECORDS_BYTES_MAX);
    GW_BUF_SCOPED(again, RECORDS_BYTES_MAX);
    enum gw_code code = read_all(text, size > 0 ? size : 1, &whole);
    GW_ASSERT(read_all(text, 1, &cut) == code);
    GW_ASSERT(gw_str_eq(gw_buf_str(&whole), gw_buf_str(&cut)));
    if (code != GW_OK)
        return 0;
    GW_ASSERT(read_all(gw_buf_str(&whole), 7, &again) == GW_OK);
    GW_ASSERT(gw_str_eq(gw_buf_str(&whole), gw_buf_str(&again)));
    return 0;
}
