/* str: a borrowed run of bytes. Never owns, need not end in NUL, may be empty with ptr NULL. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct gw_str {
    const char *ptr;
    size_t len;
};

#define GW_STR(literal) ((struct gw_str){(literal), sizeof(literal) - 1})
#define GW_STR_INIT(literal)                                                                                           \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    } /* for static tables */
#define GW_STR_NONE ((struct gw_str){NULL, 0})
/* For "%.*s". */
#define GW_STR_ARG(s) (int)(s).len, ((s).ptr != NULL ? (s).ptr : "")

static inline struct gw_str gw_str_n(const char *ptr, size_t len)
{
    return (struct gw_str){ptr, len};
}

static inline struct gw_str gw_str_from(const char *cstr)
{
    return (struct gw_str){cstr, cstr != NULL ? strlen(cstr) : 0};
}

static inline bool gw_str_eq(struct gw_str a, struct gw_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool gw_bytes_eq_nocase(const char *a, const char *b, size_t size); /* ASCII case only */

static inline bool gw_str_eq_nocase(struct gw_str a, struct gw_str b)
{
    return a.len == b.len && gw_bytes_eq_nocase(a.ptr, b.ptr, a.len);
}

bool gw_str_starts(struct gw_str s, struct gw_str prefix);
bool gw_str_starts_nocase(struct gw_str s, struct gw_str prefix);
bool gw_str_ends(struct gw_str s, struct gw_str suffix);
bool gw_str_ends_nocase(struct gw_str s, struct gw_str suffix);
int gw_str_compare(struct gw_str a, struct gw_str b); /* byte order; shorter first */

/* Position of the first byte `c`, or -1. */
ptrdiff_t gw_str_find(struct gw_str s, char c);

/* Bytes from `from` on (`from` past the end gives an empty run). */
struct gw_str gw_str_from_pos(struct gw_str s, size_t from);

/* Without blanks (space, tab) at both ends. */
struct gw_str gw_str_trim(struct gw_str s);

/* Cuts `*rest` at the first `c`: returns what stands before it and moves `*rest` behind it. Without `c`: returns all
 * and leaves `*rest` with ptr NULL. */
struct gw_str gw_str_split(struct gw_str *rest, char c);

/* Decimal digits only, the whole of `s`, at most `max`; false otherwise. */
bool gw_str_to_u64(struct gw_str s, uint64_t max, uint64_t *ret_value);

/* Decodes %XX; with `plus_is_space` also '+'. `dst` holds s.len bytes. False when a % is not followed by two hex
 * digits. Decodes once. */
bool gw_str_percent_decode(struct gw_str s, bool plus_is_space, char *dst, size_t *ret_len);

static inline char gw_lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char)(c + ('a' - 'A')) : c;
}

/* 0 to 15, or -1. */
int gw_hex_digit(char c);
