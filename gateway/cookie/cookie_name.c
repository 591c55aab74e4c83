#include "gateway/cookie/cookie_name.h"

struct cookie_pattern cookie_pattern(struct gw_str pattern)
{
    bool any_end = pattern.len > 0 && pattern.ptr[pattern.len - 1] == '*';
    return (struct cookie_pattern){.text = gw_str_n(pattern.ptr, pattern.len - any_end), .any_end = any_end};
}

bool cookie_pattern_exactly(const struct cookie_pattern *pattern, struct gw_str name)
{
    return pattern->any_end ? gw_str_starts(name, pattern->text) : gw_str_eq(name, pattern->text);
}

/* The byte at `*at`, decoded (PHP before 7.2.34 read names like form fields: `+` is a blank), and moves behind it; -1
 * at the end. */
static int next_byte(struct gw_str name, size_t *at)
{
    size_t i = *at;
    if (i >= name.len)
        return -1;
    int high = name.ptr[i] == '%' && i + 2 < name.len ? gw_hex_digit(name.ptr[i + 1]) : -1;
    int low = high >= 0 ? gw_hex_digit(name.ptr[i + 2]) : -1;
    *at = low >= 0 ? i + 3 : i + 1;
    if (name.ptr[i] == '+')
        return ' ';
    return low >= 0 ? high * 16 + low : (unsigned char)name.ptr[i];
}

static bool is_trimmed(int c)
{
    return c <= 0x20 || c >= 0x7f;
}

static char fold(char c)
{
    return c == '.' || c == ' ' || c == '[' ? '_' : gw_lower(c);
}

static bool rest_is_trimmed(struct gw_str name, size_t at)
{
    for (int c = next_byte(name, &at); c > 0; c = next_byte(name, &at)) {
        if (!is_trimmed(c))
            return false;
    }
    return true;
}

bool cookie_pattern_loosely(const struct cookie_pattern *pattern, struct gw_str name)
{
    char first = name.len > 0 ? name.ptr[0] : '\0';
    if (pattern->text.len > 0 && first > ' ' && first < 0x7f && first != '%' && first != '+' &&
        fold(first) != fold(pattern->text.ptr[0]))
        return false; /* most names: nothing to trim or decode */
    size_t at = 0;
    size_t behind = 0;
    int c = next_byte(name, &behind);
    while (c >= 0 && is_trimmed(c)) {
        at = behind;
        c = next_byte(name, &behind);
    }
    for (size_t i = 0; i < pattern->text.len; i++) {
        c = next_byte(name, &at);
        if (c < 0 || fold((char)c) != fold(pattern->text.ptr[i]))
            return false;
    }
    return pattern->any_end || rest_is_trimmed(name, at);
}
