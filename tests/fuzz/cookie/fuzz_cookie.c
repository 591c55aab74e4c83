/* The finder against a slow, plain reading of cookie.h: first byte chooses the pattern, lines are separated by
 * newlines. */
#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/cookie/cookie.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 8
#define BYTES_MAX 1024

static const char *const patterns[] = {"sid", "s_d", "s*", "connect.sid", "a"};

struct model {
    struct gw_arena arena;
    struct gw_str pattern; /* without the star */
    bool star;
    struct gw_str seen[BYTES_MAX * 4]; /* readings of exact occurrences */
    size_t seen_count;
    bool ambiguous;
};

static bool is_separator(char c)
{
    return c == ',' || c == ' ' || c == '\t';
}

static bool exactly(const struct model *model, struct gw_str name)
{
    return model->star ? gw_str_starts(name, model->pattern) : gw_str_eq(name, model->pattern);
}

static char folded(char c)
{
    return c == '.' || c == ' ' || c == '[' || c == '_' ? '_' : gw_lower(c);
}

static bool is_trimmed(char c)
{
    return (unsigned char)c <= 0x20 || (unsigned char)c >= 0x7f;
}

static bool loosely(struct model *model, struct gw_str name)
{
    char *text = gw_arena_alloc(&model->arena, name.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        bool coded = name.ptr[i] == '%' && i + 2 < name.len && gw_hex_digit(name.ptr[i + 1]) >= 0 &&
                     gw_hex_digit(name.ptr[i + 2]) >= 0;
        char plain = name.ptr[i] == '+' ? ' ' : name.ptr[i];
        text[len++] = coded ? (char)(gw_hex_digit(name.ptr[i + 1]) * 16 + gw_hex_digit(name.ptr[i + 2])) : plain;
        i += coded ? 2 : 0;
    }
    while (len > 0 && is_trimmed(text[0])) {
        text++;
        len--;
    }
    len = strnlen(text, len);
    while (!model->star && len > 0 && is_trimmed(text[len - 1]))
        len--;
    if (len < model->pattern.len || (!model->star && len > model->pattern.len))
        return false;
    for (size_t i = 0; i < model->pattern.len; i++) {
        if (folded(text[i]) != folded(model->pattern.ptr[i]))
            return false;
    }
    return true;
}

static bool is_seen(const struct model *model, struct gw_str canonical)
{
    for (size_t i = 0; i < model->seen_count; i++) {
        if (gw_str_eq(model->seen[i], canonical))
            return true;
    }
    return false;
}

static struct gw_str cut(struct gw_str value)
{
    size_t end = 0;
    while (end < value.len && !is_separator(value.ptr[end]))
        end++;
    return gw_str_n(value.ptr, end);
}

static struct gw_str decoded(struct model *model, struct gw_str s)
{
    char *text = gw_arena_alloc(&model->arena, s.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        bool coded =
            s.ptr[i] == '%' && i + 2 < s.len && gw_hex_digit(s.ptr[i + 1]) >= 0 && gw_hex_digit(s.ptr[i + 2]) >= 0;
        text[len++] = coded ? (char)(gw_hex_digit(s.ptr[i + 1]) * 16 + gw_hex_digit(s.ptr[i + 2])) : s.ptr[i];
        i += coded ? 2 : 0;
    }
    return gw_str_n(text, len);
}

static bool is_octal(const char *s, size_t left)
{
    return left >= 3 && s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7';
}

/* What stands between the first quote and its partner; all when there is no such pair. */
static struct gw_str unquoted(struct model *model, struct gw_str s)
{
    char *text = gw_arena_alloc(&model->arena, s.len + 1);
    size_t len = 0;
    if (s.len < 2 || s.ptr[0] != '"')
        return s;
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == '"')
            return gw_str_n(text, len);
        if (s.ptr[i] != '\\') {
            text[len++] = s.ptr[i];
        } else if (is_octal(s.ptr + i + 1, s.len - i - 1)) {
            text[len++] = (char)((s.ptr[i + 1] - '0') * 64 + (s.ptr[i + 2] - '0') * 8 + (s.ptr[i + 3] - '0'));
            i += 3;
        } else if (++i < s.len) {
            text[len++] = s.ptr[i];
        }
    }
    return s;
}

static void see_one(struct model *model, struct gw_str value)
{
    if (value.len > 0 && !is_seen(model, value))
        model->seen[model->seen_count++] = value;
}

static void see(struct model *model, struct gw_str value)
{
    struct gw_str inner = unquoted(model, value);
    struct gw_str readings[] = {value, inner, decoded(model, value), decoded(model, inner)};
    for (size_t i = 0; i < sizeof readings / sizeof readings[0] && value.len > 0; i++) {
        see_one(model, readings[i]);
        see_one(model, cookie_canonical(readings[i], &model->arena));
    }
}

static void alternate(struct model *model, struct gw_str value)
{
    if (value.len > 0 && !is_seen(model, cookie_canonical(value, &model->arena)))
        model->ambiguous = true;
}

static bool pair_of(struct gw_str piece, struct gw_str *ret_name, struct gw_str *ret_value)
{
    ptrdiff_t at = gw_str_find(piece, '=');
    if (at < 0)
        return false;
    *ret_name = gw_str_trim(gw_str_n(piece.ptr, (size_t)at));
    *ret_value = gw_str_trim(gw_str_from_pos(piece, (size_t)at + 1));
    return true;
}

static void legacy_alternates(struct model *model, struct gw_str piece)
{
    for (size_t i = 0; i < piece.len; i++) {
        if (!is_separator(piece.ptr[i]))
            continue;
        struct gw_str rest = gw_str_from_pos(piece, i + 1);
        size_t len = 0;
        while (len < rest.len && rest.ptr[len] != '=' && !is_separator(rest.ptr[len]))
            len++;
        struct gw_str name = gw_str_n(rest.ptr, len);
        rest = gw_str_trim(gw_str_from_pos(rest, len));
        if (name.len == 0 || rest.len == 0 || rest.ptr[0] != '=' || !loosely(model, name))
            continue;
        rest = gw_str_trim(gw_str_from_pos(rest, 1));
        alternate(model, rest);
        alternate(model, cut(rest));
    }
}

/* `=sid=x`: a cookie without a name, whose value some read as a cookie. */
static void nameless_alternate(struct model *model, struct gw_str piece)
{
    struct gw_str name, value;
    if (piece.len == 0 || piece.ptr[0] != '=')
        return;
    while (piece.len > 0 && (piece.ptr[0] == '=' || piece.ptr[0] == ' ' || piece.ptr[0] == '\t'))
        piece = gw_str_from_pos(piece, 1);
    if (pair_of(piece, &name, &value) && loosely(model, name))
        alternate(model, value);
}

/* The end of a quoted string that starts at `at`, or `at`. */
static size_t quoted_end(struct gw_str line, size_t at)
{
    if (at >= line.len || line.ptr[at] != '"')
        return at;
    for (size_t i = at + 1; i < line.len; i++) {
        if (line.ptr[i] == '\\')
            i++;
        else if (line.ptr[i] == '"')
            return i + 1 == line.len || line.ptr[i + 1] == ';' || is_separator(line.ptr[i + 1]) ? i + 1 : at;
    }
    return at;
}

static void read_line(struct model *model, struct gw_str line, int pass)
{
    size_t hidden_until = 0;
    struct gw_str rest = line;
    while (rest.ptr != NULL && line.len > 0) {
        struct gw_str whole = gw_str_split(&rest, ';');
        struct gw_str name, value;
        if (!pair_of(gw_str_trim(whole), &name, &value))
            continue;
        bool ours = exactly(model, name);
        if (pass == 0 && ours) {
            see(model, value);
            see(model, cut(value));
        } else if (pass == 1) {
            if (!ours && loosely(model, name))
                alternate(model, value);
            nameless_alternate(model, gw_str_trim(whole));
            legacy_alternates(model, gw_str_trim(whole));
        } else if (pass == 2 && value.len > 0) {
            size_t start = (size_t)(whole.ptr - line.ptr);
            size_t end = quoted_end(line, (size_t)(value.ptr - line.ptr));
            bool hidden = start < hidden_until;
            bool spans = !hidden && end > start + whole.len;
            if (ours && (hidden || spans))
                model->ambiguous = true;
            if (spans)
                hidden_until = end;
        }
    }
}

static bool is_found(const struct cookie_values *found, struct gw_str value)
{
    for (size_t i = 0; i < found->count; i++) {
        if (gw_str_eq(found->list[i].value, value))
            return true;
    }
    return false;
}

static void compare(struct model *model, const struct cookie_values *found, enum cookie_verdict verdict)
{
    if (model->ambiguous) {
        GW_ASSERT(verdict == COOKIE_AMBIGUOUS);
        return;
    }
    if (verdict == COOKIE_AMBIGUOUS) { /* only for more readings than there is room for */
        GW_ASSERT(model->seen_count > COOKIE_VALUES_MAX || model->star);
        return;
    }
    GW_ASSERT((verdict == COOKIE_FOUND) == (model->seen_count > 0));
    for (size_t i = 0; i < found->count; i++)
        GW_ASSERT(is_seen(model, found->list[i].value));
    for (size_t i = 0; i < model->seen_count; i++)
        GW_ASSERT(is_found(found, model->seen[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > BYTES_MAX)
        return 0;
    struct gw_str lines[LINES_MAX];
    size_t line_count = 0;
    struct gw_str rest = gw_str_n((const char *)data + 1, size - 1);
    while (rest.ptr != NULL && line_count < LINES_MAX)
        lines[line_count++] = gw_str_split(&rest, '\n');
    struct gw_str pattern = gw_str_from(patterns[data[0] % (sizeof patterns / sizeof patterns[0])]);
    struct model *model = calloc(1, sizeof *model);
    GW_ASSERT(model != NULL);
    model->star = gw_str_ends(pattern, GW_STR("*"));
    model->pattern = gw_str_n(pattern.ptr, pattern.len - model->star);
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < line_count; i++)
            read_line(model, lines[i], pass);
    }
    struct cookie_values values;
    enum cookie_verdict verdict = cookie_find(lines, line_count, pattern, &model->arena, &values);
    compare(model, &values, verdict);
    gw_arena_done(&model->arena);
    free(model);
    return 0;
}
