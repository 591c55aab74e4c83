/* digits: a number in decimal, for arena.c and buf.c. Any thread. */
#pragma once

#include "gateway/base/str.h"

#define GW_DIGITS_MAX 20 /* of 2^64 - 1 */

/* Written at the end of `room`, of which the result borrows. */
static inline struct gw_str gw_digits(uint64_t value, char room[GW_DIGITS_MAX])
{
    size_t at = GW_DIGITS_MAX;
    do {
        room[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return gw_str_n(room + at, GW_DIGITS_MAX - at);
}
