#include "gateway/base/str.h"

bool gw_bytes_eq_nocase(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i] && gw_lower(a[i]) != gw_lower(b[i]))
            return false;
    }
    return true;
}

bool gw_str_starts(struct gw_str s, struct gw_str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool gw_str_starts_nocase(struct gw_str s, struct gw_str prefix)
{
    return s.len >= prefix.len && gw_bytes_eq_nocase(s.ptr, prefix.ptr, prefix.len);
}

bool gw_str_ends(struct gw_str s, struct gw_str suffix)
{
    return s.len >= suffix.len && gw_str_eq(gw_str_from_pos(s, s.len - suffix.len), suffix);
}

bool gw_str_ends_nocase(struct gw_str s, struct gw_str suffix)
{
    return s.len >= suffix.len && gw_str_eq_nocase(gw_str_from_pos(s, s.len - suffix.len), suffix);
}

int gw_str_compare(struct gw_str a, struct gw_str b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared > 0 ? memcmp(a.ptr, b.ptr, shared) : 0;
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

ptrdiff_t gw_str_find(struct gw_str s, char c)
{
    const char *hit = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;
    return hit != NULL ? hit - s.ptr : -1;
}

struct gw_str gw_str_from_pos(struct gw_str s, size_t from)
{
    if (from >= s.len)
        return gw_str_n(s.ptr != NULL ? s.ptr + s.len : NULL, 0);
    return gw_str_n(s.ptr + from, s.len - from);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct gw_str gw_str_trim(struct gw_str s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

struct gw_str gw_str_split(struct gw_str *rest, char c)
{
    ptrdiff_t at = gw_str_find(*rest, c);
    struct gw_str part = *rest;
    if (at < 0) {
        *rest = GW_STR_NONE;
        return part;
    }
    part.len = (size_t)at;
    *rest = gw_str_from_pos(*rest, (size_t)at + 1);
    return part;
}

bool gw_str_to_u64(struct gw_str s, uint64_t max, uint64_t *ret_value)
{
    if (s.len == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        if (__builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, digit, &value) || value > max)
            return false;
    }
    *ret_value = value;
    return true;
}

int gw_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = gw_lower(c);
    return (c >= 'a' && c <= 'f') ? c - 'a' + 10 : -1;
}

bool gw_str_percent_decode(struct gw_str s, bool plus_is_space, char *dst, size_t *ret_len)
{
    size_t used = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int high = s.len - i > 2 ? gw_hex_digit(s.ptr[i + 1]) : -1;
            int low = s.len - i > 2 ? gw_hex_digit(s.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        dst[used++] = c;
    }
    *ret_len = used;
    return true;
}
