/* The shape of any query, filter or body is short, plain text, and no literal is in it. */
#include "gateway/json/parse.h"
#include "routes/trace_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SHAPE_BYTES_MAX (3u * TRACE_PART_BYTES_MAX)

static void check(const struct gw_buf *buf)
{
    GW_ASSERT(!buf->overflow && buf->len <= SHAPE_BYTES_MAX);
    for (size_t i = 0; i < buf->len; i++)
        GW_ASSERT(buf->data[i] >= ' ' && buf->data[i] < 127 && buf->data[i] != '"' && buf->data[i] != '@');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(buf, 2 * SHAPE_BYTES_MAX);
    struct scim_schema_set set;
    struct gw_str text = gw_str_n((const char *)data, size);
    struct json_limits limits = JSON_LIMITS_BODY;
    struct json_value *body = NULL;
    struct gw_error err;
    scim_schema_set_init(&set, &(struct scim_schema_options){.roles = true});
    trace_filter_write(&buf, &set, text);
    check(&buf);
    gw_buf_clear(&buf);
    trace_query_write(&buf, &arena, &set, text);
    check(&buf);
    gw_buf_clear(&buf);
    if (json_parse(&arena, text, &limits, &body, &err) == GW_OK)
        trace_json_write(&buf, &set, body);
    check(&buf);
    return 0;
}
