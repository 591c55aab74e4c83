/* What parses can be written, and parses to the same tree again. */
#include "gateway/json/parse.h"
#include "gateway/json/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GW_ARENA_SCOPED(arena);
    struct json_limits limits = {
        .depth = 16, .values = 20000, .members = 200, .string_bytes = 4096, .number_bytes = 64};
    struct json_value *value;
    struct json_value *again;
    struct gw_error err;
    if (json_parse(&arena, gw_str_n((const char *)data, size), &limits, &value, &err) != GW_OK) {
        GW_ASSERT(err.code == GW_E_INVALID_SYNTAX && err.text[0] != '\0');
        return 0;
    }
    struct gw_str text = json_text(&arena, value);
    GW_ASSERT(json_parse(&arena, text, &limits, &again, &err) == GW_OK);
    GW_ASSERT(json_equal(value, again));
    GW_ASSERT(json_equal(value, json_copy(&arena, value)));
    GW_ASSERT(gw_str_eq(text, json_text(&arena, again)));
    return 0;
}
