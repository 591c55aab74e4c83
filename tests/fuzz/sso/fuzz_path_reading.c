/* Path readings: what a plain, complete normalisation puts under the prefix must be found, and the two questions must
 * not contradict each other. */
#include "gateway/base/result.h"
#include "gateway/sso/path_reading.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t decode(char *text, size_t len)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        bool coded = text[i] == '%' && i + 2 < len && gw_hex_digit(text[i + 1]) >= 0 && gw_hex_digit(text[i + 2]) >= 0;
        text[used++] = coded ? (char)(gw_hex_digit(text[i + 1]) * 16 + gw_hex_digit(text[i + 2])) : text[i];
        i += coded ? 2 : 0;
    }
    return used;
}

/* The segments of a path without parameters, empty segments and dots, joined again. */
static size_t normalise(const char *text, size_t len, char *dst)
{
    size_t used = 0;
    for (size_t at = 0; at < len;) {
        size_t end = at;
        while (end < len && text[end] != '/' && text[end] != '\\')
            end++;
        size_t stop = at;
        while (stop < end && text[stop] != ';')
            stop++;
        struct gw_str segment = gw_str_n(text + at, stop - at);
        if (gw_str_eq(segment, GW_STR(".."))) {
            while (used > 0 && dst[--used] != '/')
                ;
        } else if (segment.len > 0 && !gw_str_eq(segment, GW_STR("."))) {
            dst[used++] = '/';
            memcpy(dst + used, segment.ptr, segment.len);
            used += segment.len;
        }
        at = end + 1;
    }
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str path = gw_str_n((const char *)data, size);
    struct gw_str prefix = GW_STR("/a/b");
    bool under = sso_path_under(path, prefix, false);
    GW_ASSERT(!under || sso_path_under(path, prefix, true));
    GW_ASSERT(!sso_path_equals_any_reading(path, prefix) || sso_path_under(path, prefix, true));
    GW_ASSERT(sso_path_under(path, GW_STR("/"), false));
    if (size == 0 || data[0] != '/')
        return 0;
    char *text = malloc(size);
    char *plain = malloc(size + 1);
    GW_ASSERT(text != NULL && plain != NULL);
    memcpy(text, data, size);
    size_t len = size;
    for (int level = 0; level < 3; level++) {
        struct gw_str normal = gw_str_n(plain, normalise(text, len, plain));
        bool expected = gw_str_starts(normal, prefix) && (normal.len == prefix.len || normal.ptr[prefix.len] == '/');
        GW_ASSERT(!expected || under);
        len = decode(text, len);
    }
    free(text);
    free(plain);
    return 0;
}
