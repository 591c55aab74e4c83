#include "gateway/http/field_rules.h"

/* RFC 9110 section 5.6.2: letters, digits and these. */
#define ROW(from, to) [(from)...(to)] = true
static const bool token_bytes[256] = {
    ROW('0', '9'), ROW('A', 'Z'), ROW('a', 'z'), ['!'] = true, ['#'] = true, ['$'] = true,
    ['%'] = true,  ['&'] = true,  ['\''] = true, ['*'] = true, ['+'] = true, ['-'] = true,
    ['.'] = true,  ['^'] = true,  ['_'] = true,  ['`'] = true, ['|'] = true, ['~'] = true,
};
#undef ROW

bool http_is_token_byte(char c)
{
    return token_bytes[(unsigned char)c];
}

size_t http_token_run(struct gw_str s)
{
    size_t at = 0;
    while (at < s.len && token_bytes[(unsigned char)s.ptr[at]])
        at++;
    return at;
}

bool http_is_token(struct gw_str s)
{
    return s.len > 0 && http_token_run(s) == s.len;
}

#define EACH_BYTE(byte) (0x0101010101010101u * (byte))

/* Is one of these eight bytes below 0x20 or 0x7f? A tab says yes as well, and the slow way decides. */
static bool may_hold_control(uint64_t eight)
{
    uint64_t is_low = (eight - EACH_BYTE(0x20u)) & ~eight;
    uint64_t delete = eight ^ EACH_BYTE(0x7fu);
    uint64_t is_delete = (delete - EACH_BYTE(1u)) & ~delete;
    return ((is_low | is_delete) & EACH_BYTE(0x80u)) != 0;
}

static bool is_value_byte(unsigned char c)
{
    return (c >= 0x20 || c == '\t') && c != 0x7f;
}

size_t http_field_value_run(struct gw_str s)
{
    size_t at = 0;
    for (;;) {
        uint64_t eight = 0;
        while (s.len - at >= sizeof eight && !may_hold_control((memcpy(&eight, s.ptr + at, sizeof eight), eight)))
            at += sizeof eight;
        size_t end = s.len - at >= sizeof eight ? at + sizeof eight : s.len;
        while (at < end && is_value_byte((unsigned char)s.ptr[at]))
            at++;
        if (at < end || at == s.len)
            return at;
    }
}

bool http_is_field_value(struct gw_str s)
{
    return http_field_value_run(s) == s.len;
}

bool http_list_has(struct gw_str value, struct gw_str token)
{
    while (value.ptr != NULL) {
        struct gw_str element = gw_str_split(&value, ',');
        if (gw_str_eq_nocase(gw_str_trim(gw_str_split(&element, ';')), token))
            return true;
    }
    return false;
}

bool http_fields_have(const struct http_field *fields, size_t count, struct gw_str name, struct gw_str token)
{
    for (size_t i = 0; i < count; i++) {
        if (gw_str_eq_nocase(fields[i].name, name) && http_list_has(fields[i].value, token))
            return true;
    }
    return false;
}

static bool is_one_of(struct gw_str name, const struct gw_str *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (name.len == names[i].len && gw_str_eq_nocase(name, names[i]))
            return true;
    }
    return false;
}

#define IS_ONE_OF(name, table) is_one_of((name), (table), sizeof(table) / sizeof((table)[0]))

bool http_field_is_hop(struct gw_str name)
{
    static const struct gw_str names[] = {
        GW_STR_INIT("connection"),        GW_STR_INIT("keep-alive"), GW_STR_INIT("proxy-connection"), GW_STR_INIT("te"),
        GW_STR_INIT("transfer-encoding"), GW_STR_INIT("upgrade"),    GW_STR_INIT("http2-settings"),
    };
    return IS_ONE_OF(name, names);
}

bool http_field_is_droppable(struct gw_str name)
{
    static const struct gw_str names[] = {
        GW_STR_INIT("host"),          GW_STR_INIT("content-length"), GW_STR_INIT("content-type"),
        GW_STR_INIT("cookie"),        GW_STR_INIT("authorization"),  GW_STR_INIT("content-encoding"),
        GW_STR_INIT("set-cookie"),    GW_STR_INIT("expect"),         GW_STR_INIT("content-range"),
        GW_STR_INIT("cache-control"), GW_STR_INIT("origin"),         GW_STR_INIT("www-authenticate"),
        GW_STR_INIT("location"),
    };
    return !IS_ONE_OF(name, names);
}

static bool reads_like(struct gw_str name, struct gw_str framing)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = gw_lower(name.ptr[i]);
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if ((is_alnum ? c : '-') != framing.ptr[i])
            return false;
    }
    return !gw_str_eq_nocase(name, framing);
}

bool http_field_mimics_framing(struct gw_str name)
{
    static const struct gw_str length = GW_STR_INIT("content-length"), coding = GW_STR_INIT("transfer-encoding");
    return (name.len == length.len && reads_like(name, length)) || (name.len == coding.len && reads_like(name, coding));
}

bool http_field_may_trail(struct gw_str name)
{
    static const struct gw_str names[] = {
        GW_STR_INIT("content-length"), GW_STR_INIT("host"),          GW_STR_INIT("trailer"),
        GW_STR_INIT("content-type"),   GW_STR_INIT("content-range"), GW_STR_INIT("content-encoding"),
        GW_STR_INIT("cookie"),         GW_STR_INIT("set-cookie"),    GW_STR_INIT("authorization"),
        GW_STR_INIT("expect"),         GW_STR_INIT("cache-control"), GW_STR_INIT("location"),
        GW_STR_INIT("max-forwards"),   GW_STR_INIT("range"),
    };
    return !http_field_is_hop(name) && !http_field_mimics_framing(name) && !IS_ONE_OF(name, names);
}

static void read_option(struct gw_str option, struct http_connection_options *options)
{
    options->count++;
    if (gw_str_eq_nocase(option, GW_STR("close")))
        options->close = true;
    else if (gw_str_eq_nocase(option, GW_STR("keep-alive")))
        options->keep_alive = true;
    else if (gw_str_eq_nocase(option, GW_STR("upgrade")))
        options->upgrade = true;
    else if (gw_str_eq_nocase(option, GW_STR("te")))
        options->te = true;
    else if (option.len > 0)
        options->nominates = true;
}

void http_connection_options_read(const struct http_field *fields, size_t count,
                                  struct http_connection_options *ret_options)
{
    *ret_options = (struct http_connection_options){0};
    for (size_t i = 0; i < count; i++) {
        if (!gw_str_eq_nocase(fields[i].name, GW_STR("connection")))
            continue;
        struct gw_str value = fields[i].value;
        while (value.ptr != NULL)
            read_option(gw_str_trim(gw_str_split(&value, ',')), ret_options);
    }
}
