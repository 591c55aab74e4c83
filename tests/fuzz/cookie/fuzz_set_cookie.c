/* Set-Cookie lines and their dates. */
#include "gateway/base/result.h"
#include "gateway/cookie/set_cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct gw_str part, struct gw_str whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str line = gw_str_n((const char *)data, size);
    struct set_cookie cookie;
    int64_t ms;
    if (set_cookie_parse(line, INT64_C(1795000000000), &cookie)) {
        GW_ASSERT(cookie.name.len > 0 && gw_str_find(cookie.name, '=') < 0 && gw_str_find(cookie.name, ';') < 0);
        GW_ASSERT(gw_str_find(cookie.value, ';') < 0);
        GW_ASSERT(is_inside(cookie.name, line) && is_inside(cookie.value, line));
        GW_ASSERT(is_inside(cookie.path, line) && is_inside(cookie.domain, line));
    }
    if (cookie_date_parse(line, &ms))
        GW_ASSERT(ms > -INT64_C(12000000000000) && ms < INT64_C(253402300800000));
    return 0;
}
