/* SCIM 1.1 at the edge: a partial resource becomes a PATCH that the parser takes or refuses with an error, a filter
 * keeps its literals, and what is written over is JSON again and says the same of everything that 1.1 knows. */
#include "gateway/json/parse.h"
#include "gateway/json/write.h"
#include "routes/scim/filter_parse.h"
#include "routes/scim/patch.h"
#include "routes/scim/scim1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_limits LIMITS = {
    .depth = 12, .values = 5000, .members = 100, .string_bytes = 1024, .number_bytes = 64};

static size_t count_quotes(struct gw_str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '"';
    return count;
}

static void check_names(struct gw_str text)
{
    GW_ARENA_SCOPED(arena);
    struct gw_str read = scim1_names_read(&arena, text);
    GW_ASSERT(count_quotes(read) == count_quotes(text));
    GW_ASSERT(gw_str_eq(scim1_names_read(&arena, read), read)); /* what has the names of 2.0 stays */
}

static void check_patch(const struct scim_schema_set *set, struct gw_str text)
{
    GW_ARENA_SCOPED(arena);
    struct json_value *body;
    struct scim_patch patch = {0};
    struct gw_error err = {0};
    if (json_parse(&arena, text, &LIMITS, &body, &err) != GW_OK)
        return;
    struct json_value *message = scim1_patch_read(&arena, set, body);
    for (size_t i = 0; i < 2; i++) {
        if (scim_patch_parse(&arena, &set->types[i], message, &patch, NULL, &err) != GW_OK)
            GW_ASSERT(gw_code_status(err.code) >= 400 && gw_code_status(err.code) < 429 && err.text[0] != '\0');
    }
}

/* Interrupted wherever it can be, the same comes of it. */
static void check_parts(struct gw_str text, struct gw_str whole)
{
    GW_BUF_SCOPED(written, 1024 * 1024);
    struct scim1_writing writing;
    bool is_done = false;
    scim1_writing_init(&writing, text, false);
    while (!is_done)
        GW_ASSERT(scim1_writing_go_on(&writing, &written, 1, &is_done));
    GW_ASSERT(gw_str_eq(gw_buf_str(&written), whole));
}

static void check_text(struct gw_str text)
{
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(written, 1024 * 1024);
    GW_BUF_SCOPED(again, 1024 * 1024);
    struct json_value *value;
    struct gw_error err = {0};
    if (json_parse(&arena, text, &LIMITS, &value, &err) != GW_OK) {
        (void)!scim1_text_write(&written, text, false);
        return;
    }
    GW_ASSERT(scim1_text_write(&written, json_text(&arena, value), false));
    check_parts(json_text(&arena, value), gw_buf_str(&written));
    GW_ASSERT(scim1_text_write(&again, gw_buf_str(&written), false));
    GW_ASSERT(gw_str_eq(gw_buf_str(&again), gw_buf_str(&written))); /* what has the words of 1.1 stays */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scim_schema_set set;
    struct gw_str text = gw_str_n((const char *)data, size);
    scim_schema_set_init(&set, &(struct scim_schema_options){.roles = true});
    check_names(text);
    check_patch(&set, text);
    check_text(text);
    return 0;
}
