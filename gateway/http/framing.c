#include "gateway/http/framing.h"

#include "gateway/base/result.h"
#include "gateway/http/field_rules.h"

void http_framing_init(struct http_framing *framing, enum http_body_kind kind, uint64_t length)
{
    *framing = (struct http_framing){.kind = kind, .left = kind == HTTP_BODY_LENGTH ? length : 0};
}

static size_t skip_token(struct gw_str s, size_t at)
{
    while (at < s.len && http_is_token_byte(s.ptr[at]))
        at++;
    return at;
}

/* Position behind the closing quote, or 0. */
static size_t skip_quoted(struct gw_str s, size_t at)
{
    for (at++; at < s.len; at++) {
        char c = s.ptr[at];
        if (c == '"')
            return at + 1;
        if (c == '\\' && ++at == s.len)
            return 0;
        if ((unsigned char)s.ptr[at] < 0x20 && s.ptr[at] != '\t')
            return 0;
    }
    return 0;
}

/* *( ";" name [ "=" value ] ) without blanks (RFC 9112 section 7.1.1; the blanks of its BWS are what parsers disagree
 * on). */
static bool extensions_are_good(struct gw_str s, size_t at)
{
    while (at < s.len) {
        if (s.ptr[at] != ';')
            return false;
        size_t name = at + 1;
        at = skip_token(s, name);
        if (at == name)
            return false;
        if (at == s.len || s.ptr[at] != '=')
            continue;
        size_t value = at + 1;
        at = value < s.len && s.ptr[value] == '"' ? skip_quoted(s, value) : skip_token(s, value);
        if (at <= value)
            return false;
    }
    return true;
}

static bool parse_chunk_line(struct gw_str line, uint64_t *ret_size)
{
    uint64_t size = 0;
    size_t at = 0;
    for (; at < line.len && gw_hex_digit(line.ptr[at]) >= 0; at++)
        size = size * 16 + (uint64_t)gw_hex_digit(line.ptr[at]);
    if (at == 0 || at > HTTP_CHUNK_DIGITS_MAX || !extensions_are_good(line, at))
        return false;
    *ret_size = size;
    return true;
}

static void fail(struct http_framing *framing, struct http_framing_step *step)
{
    framing->is_bad = true;
    *step = (struct http_framing_step){.kind = HTTP_STEP_BAD};
}

/* Reads a chunk's first line. False: the step is decided (more input or bad). */
static bool read_size(struct http_framing *framing, struct gw_str rest, struct http_framing_step *step)
{
    size_t looked = rest.len < HTTP_CHUNK_LINE_MAX ? rest.len : HTTP_CHUNK_LINE_MAX;
    ptrdiff_t end = gw_str_find(gw_str_n(rest.ptr, looked), '\n');
    if (end < 0) {
        if (rest.len >= HTTP_CHUNK_LINE_MAX)
            fail(framing, step);
        return false;
    }
    if (end < 1 || rest.ptr[end - 1] != '\r' ||
        !parse_chunk_line(gw_str_n(rest.ptr, (size_t)end - 1), &framing->left)) {
        fail(framing, step);
        return false;
    }
    step->dropped += (size_t)end + 1;
    framing->stage = framing->left > 0 ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILERS;
    return true;
}

static bool read_data_end(struct http_framing *framing, struct gw_str rest, struct http_framing_step *step)
{
    if ((rest.len > 0 && rest.ptr[0] != '\r') || (rest.len > 1 && rest.ptr[1] != '\n')) {
        fail(framing, step);
        return false;
    }
    if (rest.len < 2)
        return false;
    step->dropped += 2;
    framing->stage = HTTP_CHUNK_SIZE;
    return true;
}

/* Goes from line to line until the empty one; each must end in CRLF. */
static void read_trailers(struct http_framing *framing, struct gw_str rest, struct http_framing_step *step)
{
    for (;;) {
        struct gw_str unread = gw_str_from_pos(rest, framing->scanned);
        ptrdiff_t end = gw_str_find(unread, '\n');
        size_t total = framing->scanned + (end < 0 ? unread.len : (size_t)end + 1);
        if (total > HTTP_TRAILER_BYTES_MAX || end == 0 || (end > 0 && unread.ptr[end - 1] != '\r')) {
            fail(framing, step);
            return;
        }
        if (end < 0)
            return;
        framing->scanned = total;
        if (end == 1) {
            framing->ended = true;
            *step = (struct http_framing_step){HTTP_STEP_END, step->dropped + total, gw_str_n(rest.ptr, total)};
            return;
        }
    }
}

static void step_chunked(struct http_framing *framing, struct gw_str input, struct http_framing_step *step)
{
    for (;;) {
        struct gw_str rest = gw_str_from_pos(input, step->dropped);
        switch (framing->stage) {
        case HTTP_CHUNK_SIZE:
            if (!read_size(framing, rest, step))
                return;
            break;
        case HTTP_CHUNK_DATA:
            if (rest.len > 0) {
                step->kind = HTTP_STEP_DATA;
                step->data = gw_str_n(rest.ptr, rest.len < framing->left ? rest.len : (size_t)framing->left);
            }
            return;
        case HTTP_CHUNK_DATA_END:
            if (!read_data_end(framing, rest, step))
                return;
            break;
        case HTTP_CHUNK_TRAILERS:
            read_trailers(framing, rest, step);
            return;
        }
    }
}

void http_framing_step(struct http_framing *framing, struct gw_str input, struct http_framing_step *ret_step)
{
    *ret_step = (struct http_framing_step){.kind = HTTP_STEP_MORE};
    if (framing->is_bad) {
        ret_step->kind = HTTP_STEP_BAD;
    } else if (framing->ended || framing->kind == HTTP_BODY_NONE ||
               (framing->kind == HTTP_BODY_LENGTH && framing->left == 0)) {
        framing->ended = true;
        ret_step->kind = HTTP_STEP_END;
    } else if (framing->kind == HTTP_BODY_CHUNKED) {
        step_chunked(framing, input, ret_step);
    } else if (input.len > 0) {
        bool is_cut = framing->kind == HTTP_BODY_LENGTH && framing->left < input.len;
        ret_step->kind = HTTP_STEP_DATA;
        ret_step->data = gw_str_n(input.ptr, is_cut ? (size_t)framing->left : input.len);
    }
}

void http_framing_take(struct http_framing *framing, size_t size)
{
    if (framing->kind == HTTP_BODY_UNTIL_CLOSE)
        return;
    GW_ASSERT(size <= framing->left);
    framing->left -= size;
    if (framing->kind == HTTP_BODY_CHUNKED && framing->left == 0)
        framing->stage = HTTP_CHUNK_DATA_END;
}
