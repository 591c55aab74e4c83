#include "gateway/base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic int64_t frozen_wall_ms;

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t gw_clock_wall_ms(void)
{
    int64_t frozen = atomic_load_explicit(&frozen_wall_ms, memory_order_relaxed);
    return frozen != 0 ? frozen : read_us(CLOCK_REALTIME) / 1000;
}

int64_t gw_clock_mono_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t gw_clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

void gw_clock_freeze_wall(int64_t wall_ms)
{
    atomic_store(&frozen_wall_ms, wall_ms);
}

static void put_digits(char *dst, int value, unsigned digits)
{
    while (digits > 0) {
        dst[--digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

size_t gw_time_format(int64_t wall_ms, char dst[GW_TIME_TEXT_MAX])
{
    int64_t ms = wall_ms % 1000;
    time_t seconds = (time_t)(wall_ms / 1000);
    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL || parts.tm_year + 1900 > 9999 || parts.tm_year + 1900 < 0) {
        dst[0] = '\0';
        return 0;
    }
    /* a page of users has hundreds of times: strftime and printf would be a tenth of it */
    const struct part {
        int value;
        unsigned digits;
        char after;
    } layout[] = {
        {parts.tm_year + 1900, 4, '-'}, {parts.tm_mon + 1, 2, '-'}, {parts.tm_mday, 2, 'T'}, {parts.tm_hour, 2, ':'},
        {parts.tm_min, 2, ':'},         {parts.tm_sec, 2, '.'},     {(int)ms, 3, 'Z'}};
    size_t len = 0;
    for (size_t i = 0; i < sizeof layout / sizeof layout[0]; i++) {
        put_digits(dst + len, layout[i].value, layout[i].digits);
        len += layout[i].digits;
        dst[len++] = layout[i].after;
    }
    dst[len] = '\0';
    return len;
}

/* Reads exactly `digits` digits at the front of `*rest`. */
static bool take_number(struct gw_str *rest, size_t digits, int *ret_value)
{
    uint64_t value;
    if (rest->len < digits || !gw_str_to_u64(gw_str_n(rest->ptr, digits), 9999, &value))
        return false;
    *rest = gw_str_from_pos(*rest, digits);
    *ret_value = (int)value;
    return true;
}

static bool take_char(struct gw_str *rest, char c)
{
    if (rest->len == 0 || rest->ptr[0] != c)
        return false;
    *rest = gw_str_from_pos(*rest, 1);
    return true;
}

static bool take_fraction(struct gw_str *rest, int *ret_ms)
{
    *ret_ms = 0;
    if (!take_char(rest, '.'))
        return true;
    int scale = 100;
    size_t digits = 0;
    while (rest->len > 0 && rest->ptr[0] >= '0' && rest->ptr[0] <= '9') {
        *ret_ms += (rest->ptr[0] - '0') * scale;
        scale /= 10;
        digits++;
        *rest = gw_str_from_pos(*rest, 1);
    }
    return digits > 0 && digits <= 12;
}

static bool take_zone(struct gw_str *rest, int *ret_minutes)
{
    *ret_minutes = 0;
    if (rest->len == 0 || take_char(rest, 'Z'))
        return rest->len == 0;
    int sign = take_char(rest, '+') ? 1 : take_char(rest, '-') ? -1 : 0;
    int hours;
    int minutes;
    if (sign == 0 || !take_number(rest, 2, &hours) || !take_char(rest, ':') || !take_number(rest, 2, &minutes))
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return (hours < 14 || (hours == 14 && minutes == 0)) && minutes < 60 && rest->len == 0;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

/* XML Schema part 2, section 3.2.7: 24:00:00 is the end of a day, and nothing behind it. */
static bool is_possible(const struct tm *parts, int ms)
{
    if (parts->tm_year < 1601 || parts->tm_mon < 1 || parts->tm_mon > 12 || parts->tm_mday < 1 ||
        parts->tm_mday > days_of_month(parts->tm_year, parts->tm_mon))
        return false;
    if (parts->tm_hour == 24)
        return parts->tm_min == 0 && parts->tm_sec == 0 && ms == 0;
    return parts->tm_hour < 24 && parts->tm_min < 60 && parts->tm_sec <= 60;
}

bool gw_time_parse(struct gw_str text, int64_t *ret_wall_ms)
{
    struct tm parts = {0};
    int ms = 0;
    int zone_minutes = 0;
    bool ok = take_number(&text, 4, &parts.tm_year) && take_char(&text, '-') && take_number(&text, 2, &parts.tm_mon) &&
              take_char(&text, '-') && take_number(&text, 2, &parts.tm_mday) && take_char(&text, 'T') &&
              take_number(&text, 2, &parts.tm_hour) && take_char(&text, ':') && take_number(&text, 2, &parts.tm_min) &&
              take_char(&text, ':') && take_number(&text, 2, &parts.tm_sec) && take_fraction(&text, &ms) &&
              take_zone(&text, &zone_minutes);
    if (!ok || !is_possible(&parts, ms))
        return false;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    time_t seconds = timegm(&parts);
    *ret_wall_ms = ((int64_t)seconds - zone_minutes * 60) * 1000 + ms;
    return true;
}
