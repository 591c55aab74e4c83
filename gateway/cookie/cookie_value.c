#include "gateway/cookie/cookie_value.h"

#include "gateway/base/percent.h"
#include "gateway/cookie/cookie.h"

#define UNWRAPPINGS_MAX 16

size_t cookie_quoted_length(struct gw_str s)
{
    if (s.len < 2 || s.ptr[0] != '"')
        return 0;
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == '"')
            return i + 1;
    }
    return 0;
}

static bool is_octal(struct gw_str s)
{
    return s.len >= 3 && s.ptr[0] >= '0' && s.ptr[0] <= '3' && s.ptr[1] >= '0' && s.ptr[1] <= '7' && s.ptr[2] >= '0' &&
           s.ptr[2] <= '7';
}

/* RFC 2109 quoted-string, with the octal escapes of Python's http.cookies. */
struct gw_str cookie_unquote(struct gw_str value, struct gw_arena *arena)
{
    size_t len = cookie_quoted_length(value);
    if (len == 0)
        return value;
    struct gw_str inner = gw_str_n(value.ptr + 1, len - 2);
    if (inner.len == 0 || gw_str_find(inner, '\\') < 0)
        return inner;
    char *plain = gw_arena_alloc(arena, inner.len);
    size_t used = 0;
    for (size_t i = 0; i < inner.len; i++) {
        struct gw_str escape = gw_str_from_pos(inner, i + 1);
        if (inner.ptr[i] != '\\' || escape.len == 0) {
            plain[used++] = inner.ptr[i];
        } else if (is_octal(escape)) {
            plain[used++] = (char)((escape.ptr[0] - '0') * 64 + (escape.ptr[1] - '0') * 8 + (escape.ptr[2] - '0'));
            i += 3;
        } else {
            plain[used++] = escape.ptr[0];
            i++;
        }
    }
    return gw_str_n(plain, used);
}

struct gw_str cookie_percent_decode(struct gw_str value, struct gw_arena *arena)
{
    if (gw_str_find(value, '%') < 0)
        return value;
    char *plain = gw_arena_alloc(arena, value.len);
    return gw_str_n(plain, gw_percent_decode(value, plain));
}

bool cookie_is_canonical(struct gw_str value)
{
    if (value.len == 0)
        return true;
    return value.ptr[0] != '"' && value.ptr[value.len - 1] != '"' && gw_str_find(value, '%') < 0 &&
           gw_str_find(value, ' ') < 0 && gw_str_find(value, '\t') < 0 && gw_str_find(value, '\0') < 0;
}

/* Some parsers drop quotes that have no partner. */
static struct gw_str strip_quotes(struct gw_str value, struct gw_arena *arena)
{
    struct gw_str plain = cookie_unquote(value, arena);
    if (plain.len > 0 && plain.ptr[0] == '"')
        plain = gw_str_from_pos(plain, 1);
    if (plain.len > 0 && plain.ptr[plain.len - 1] == '"')
        plain.len--;
    return plain;
}

/* Percent-decoded until nothing is left to decode, in one pass, and cut at NUL. Encoded bytes never overlap, so the
 * order of decoding does not matter. */
static struct gw_str collapse(struct gw_str value, struct gw_arena *arena)
{
    if (gw_str_find(value, '%') < 0 && gw_str_find(value, '\0') < 0)
        return value;
    char *plain = gw_arena_alloc(arena, value.len);
    size_t used = 0;
    for (size_t i = 0; i < value.len; i++) {
        plain[used++] = value.ptr[i];
        while (used >= 3 && plain[used - 3] == '%' && gw_hex_digit(plain[used - 2]) >= 0 &&
               gw_hex_digit(plain[used - 1]) >= 0) {
            used -= 2;
            plain[used - 1] = (char)(gw_hex_digit(plain[used]) * 16 + gw_hex_digit(plain[used + 1]));
        }
    }
    ptrdiff_t nul = gw_str_find(gw_str_n(plain, used), '\0');
    return gw_str_n(plain, nul >= 0 ? (size_t)nul : used);
}

struct gw_str cookie_canonical(struct gw_str value, struct gw_arena *arena)
{
    if (cookie_is_canonical(value))
        return value;
    struct gw_str plain = value;
    for (int i = 0; i < UNWRAPPINGS_MAX; i++) {
        struct gw_str next = collapse(strip_quotes(plain, arena), arena);
        if (next.len == plain.len)
            break;
        plain = next;
    }
    char *bytes = gw_arena_alloc(arena, plain.len);
    for (size_t i = 0; i < plain.len; i++)
        bytes[i] = plain.ptr[i] == ' ' || plain.ptr[i] == '\t' ? '+' : plain.ptr[i];
    return gw_str_n(bytes, plain.len);
}
