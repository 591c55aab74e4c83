#include "gateway/cookie/set_cookie.h"

#include <time.h>

/* RFC 6265 section 5.1.1: a date is whatever tokens of these forms are found, each kind once, in any order. */
struct date_parts {
    int hour, minute, second; /* hour -1: not seen */
    int day, month, year;     /* 0, -1, -1: not seen */
};

static bool is_date_delimiter(char byte)
{
    unsigned char c = (unsigned char)byte;
    return c == 0x09 || (c >= 0x20 && c <= 0x2f) || (c >= 0x3b && c <= 0x40) || (c >= 0x5b && c <= 0x60) ||
           (c >= 0x7b && c <= 0x7e);
}

/* min to max digits at the start of `*s`, not followed by another digit. */
static bool take_digits(struct gw_str *s, size_t min, size_t max, int *ret_value)
{
    size_t len = 0;
    int value = 0;
    while (len < s->len && s->ptr[len] >= '0' && s->ptr[len] <= '9') {
        if (len == max)
            return false;
        value = value * 10 + (s->ptr[len++] - '0');
    }
    if (len < min)
        return false;
    *s = gw_str_from_pos(*s, len);
    *ret_value = value;
    return true;
}

static bool take_colon(struct gw_str *s)
{
    if (s->len == 0 || s->ptr[0] != ':')
        return false;
    *s = gw_str_from_pos(*s, 1);
    return true;
}

static bool read_time(struct gw_str token, struct date_parts *date)
{
    int hour, minute, second;
    if (!take_digits(&token, 1, 2, &hour) || !take_colon(&token) || !take_digits(&token, 1, 2, &minute) ||
        !take_colon(&token) || !take_digits(&token, 1, 2, &second))
        return false;
    date->hour = hour;
    date->minute = minute;
    date->second = second;
    return true;
}

static int month_of(struct gw_str token)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int month = 0; month < 12; month++) {
        if (gw_str_starts_nocase(token, gw_str_n(names + month * 3, 3)))
            return month;
    }
    return -1;
}

static void read_token(struct gw_str token, struct date_parts *date)
{
    int number;
    struct gw_str digits = token;
    if (date->hour < 0 && read_time(token, date))
        return;
    if (date->day == 0 && take_digits(&digits, 1, 2, &number)) {
        date->day = number != 0 ? number : -1;
        return;
    }
    if (date->month < 0 && (number = month_of(token)) >= 0) {
        date->month = number;
        return;
    }
    if (date->year < 0 && take_digits(&token, 2, 4, &number))
        date->year = number;
}

static int full_year(int year)
{
    if (year >= 70 && year <= 99)
        return year + 1900;
    return year >= 0 && year <= 69 ? year + 2000 : year;
}

static bool is_date(const struct date_parts *date)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return date->hour >= 0 && date->hour <= 23 && date->minute <= 59 && date->second <= 59 && date->month >= 0 &&
           date->day >= 1 && date->day <= days[date->month] && date->year >= 1601;
}

bool cookie_date_parse(struct gw_str text, int64_t *ret_wall_ms)
{
    struct date_parts date = {.hour = -1, .month = -1, .year = -1};
    for (size_t i = 0; i < text.len;) {
        size_t start = i;
        while (i < text.len && !is_date_delimiter(text.ptr[i]))
            i++;
        if (i > start)
            read_token(gw_str_n(text.ptr + start, i - start), &date);
        else
            i++;
    }
    date.year = full_year(date.year);
    if (!is_date(&date))
        return false;
    struct tm parts = {.tm_year = date.year - 1900,
                       .tm_mon = date.month,
                       .tm_mday = date.day,
                       .tm_hour = date.hour,
                       .tm_min = date.minute,
                       .tm_sec = date.second};
    time_t seconds = timegm(&parts);
    if (parts.tm_mday != date.day)
        return false; /* 29 February of a common year */
    *ret_wall_ms = (int64_t)seconds * 1000;
    return true;
}

/* RFC 6265 section 5.2.2: a sign or digit, then digits only; everything up to zero expires. */
static bool read_max_age(struct gw_str value, bool *ret_deletes)
{
    bool negative = value.len > 0 && value.ptr[0] == '-';
    struct gw_str digits = gw_str_from_pos(value, negative);
    bool zero = true;
    if (digits.len == 0)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        zero = zero && digits.ptr[i] == '0';
    }
    *ret_deletes = negative || zero;
    return true;
}

struct expiry {
    bool has_max_age;
    bool max_age_deletes;
    bool expires_deletes;
};

static void read_attribute(struct gw_str piece, int64_t now_ms, struct set_cookie *cookie, struct expiry *expiry)
{
    struct gw_str value = piece;
    struct gw_str name = gw_str_trim(gw_str_split(&value, '='));
    value = gw_str_trim(value);
    int64_t expires_ms;
    bool deletes;
    if (gw_str_eq_nocase(name, GW_STR("expires")) && cookie_date_parse(value, &expires_ms)) {
        expiry->expires_deletes = expires_ms <= now_ms;
    } else if (gw_str_eq_nocase(name, GW_STR("max-age")) && read_max_age(value, &deletes)) {
        expiry->has_max_age = true;
        expiry->max_age_deletes = deletes;
    } else if (gw_str_eq_nocase(name, GW_STR("path"))) {
        cookie->path = value.len > 0 && value.ptr[0] == '/' ? value : GW_STR_NONE;
    } else if (gw_str_eq_nocase(name, GW_STR("domain"))) {
        cookie->domain = value.len > 0 && value.ptr[0] == '.' ? gw_str_from_pos(value, 1) : value;
    } else if (gw_str_eq_nocase(name, GW_STR("secure"))) {
        cookie->secure = true;
    } else if (gw_str_eq_nocase(name, GW_STR("httponly"))) {
        cookie->http_only = true;
    }
}

bool set_cookie_parse(struct gw_str line, int64_t now_ms, struct set_cookie *ret_cookie)
{
    if (line.len == 0 || line.len > SET_COOKIE_BYTES_MAX)
        return false;
    struct gw_str rest = line;
    struct gw_str value = gw_str_split(&rest, ';');
    struct gw_str name = gw_str_trim(gw_str_split(&value, '='));
    if (value.ptr == NULL || name.len == 0)
        return false;
    *ret_cookie = (struct set_cookie){.name = name, .value = gw_str_trim(value)};
    struct expiry expiry = {0};
    while (rest.ptr != NULL)
        read_attribute(gw_str_split(&rest, ';'), now_ms, ret_cookie, &expiry);
    ret_cookie->deletes = expiry.has_max_age ? expiry.max_age_deletes : expiry.expires_deletes;
    return true;
}
