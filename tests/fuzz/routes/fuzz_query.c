/* Whatever a query string holds: what is read of it stays within the caps, and is text. */
#include "gateway/base/text.h"
#include "routes/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GW_ARENA_SCOPED(arena);
    struct route_query query = {0};
    struct gw_error err = {0};
    struct gw_str text = gw_str_n((const char *)data, size);
    if (route_query_parse(&arena, text, &query, &err) != GW_OK) {
        GW_ASSERT(err.code == GW_E_INVALID_VALUE || err.code == GW_E_INVALID_FILTER);
        GW_ASSERT(err.text[0] != '\0');
        return 0;
    }
    GW_ASSERT(query.start_index >= 1 && query.start_index <= QUERY_START_MAX && query.count <= QUERY_COUNT_MAX);
    const struct gw_str parts[] = {query.filter, query.attributes, query.excluded_attributes};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        GW_ASSERT(parts[i].len <= size);
        GW_ASSERT(parts[i].len == 0 || (gw_utf8_valid(parts[i]) && gw_str_find(parts[i], '\0') < 0));
    }
    return 0;
}
