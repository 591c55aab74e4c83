/* What parses can be written, and parses to the same tree again. */
#include "gateway/json/parse.h"
#include "gateway/json/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PART_BYTES 16u

/* Part by part comes the same. */
static void read_in_parts(struct gw_arena *arena, struct gw_str text, const struct json_limits *limits,
                          const struct json_value *whole)
{
    struct json_reading *reading = json_reading_new(arena, text, limits);
    struct json_value *value = NULL;
    struct gw_error err;
    enum gw_code code = GW_OK;
    while (code == GW_OK && value == NULL)
        code = json_reading_go_on(reading, PART_BYTES, &value, &err);
    GW_ASSERT((code == GW_OK) == (whole != NULL));
    GW_ASSERT(whole == NULL || json_equal(value, whole));
    json_reading_free(reading);
}

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
        read_in_parts(&arena, gw_str_n((const char *)data, size), &limits, NULL);
        return 0;
    }
    read_in_parts(&arena, gw_str_n((const char *)data, size), &limits, value);
    struct gw_str text = json_text(&arena, value);
    GW_ASSERT(json_parse(&arena, text, &limits, &again, &err) == GW_OK);
    GW_ASSERT(json_equal(value, again));
    GW_ASSERT(json_equal(value, json_copy(&arena, value)));
    GW_ASSERT(gw_str_eq(text, json_text(&arena, again)));
    return 0;
}
