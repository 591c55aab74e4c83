#include "gateway/base/text.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

bool gw_utf8_valid(struct gw_str s)
{
    return s.len == 0 || u8_check((const uint8_t *)s.ptr, s.len) == NULL;
}

static bool is_ascii(struct gw_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] >= 0x80)
            return false;
    }
    return true;
}

bool gw_name_fold(struct gw_arena *arena, struct gw_str s, struct gw_str *ret_folded)
{
    if (is_ascii(s)) {
        *ret_folded = gw_arena_lower(arena, s);
        return true;
    }
    if (!gw_utf8_valid(s))
        return false;
    size_t len = 0;
    uint8_t *normal = u8_normalize(UNINORM_NFKC, (const uint8_t *)s.ptr, s.len, NULL, &len);
    uint8_t *lower = normal != NULL ? u8_tolower(normal, len, NULL, UNINORM_NFKC, NULL, &len) : NULL;
    if (lower != NULL)
        *ret_folded = gw_arena_copy(arena, gw_str_n((const char *)lower, len));
    free(normal);
    free(lower);
    return lower != NULL;
}

/* Looks like a blank, but is a symbol to Unicode. */
#define BRAILLE_BLANK 0x2800

static bool printable(ucs4_t c)
{
    return c != BRAILLE_BLANK &&
           !uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf | UC_CATEGORY_MASK_Cn |
                                                    UC_CATEGORY_MASK_Co | UC_CATEGORY_MASK_Cs | UC_CATEGORY_MASK_Zl |
                                                    UC_CATEGORY_MASK_Zp) &&
           !uc_is_property_default_ignorable_code_point(c);
}

bool gw_name_printable(struct gw_str s, size_t max)
{
    if (s.len == 0 || s.len > max || !gw_utf8_valid(s))
        return false;
    bool blank_before = true; /* the start counts as one, so that a leading blank is refused */
    for (size_t i = 0; i < s.len;) {
        ucs4_t c;
        int used = u8_mbtouc(&c, (const uint8_t *)s.ptr + i, s.len - i);
        bool blank = uc_is_property_white_space(c);
        if (!printable(c) || (blank && i == 0))
            return false;
        blank_before = blank;
        i += (size_t)used;
    }
    return !blank_before;
}
