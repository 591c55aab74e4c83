#include "gateway/cookie/cookie.h"

#include "gateway/cookie/cookie_name.h"
#include "gateway/cookie/cookie_value.h"

struct finder {
    struct cookie_pattern pattern;
    struct gw_arena *arena;
    struct cookie_values *found;
    bool overflow;
    bool ambiguous;
};

struct pair {
    struct gw_str name;
    struct gw_str value;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_legacy_separator(char c)
{
    return c == ',' || is_blank(c);
}

static void add_value(struct finder *finder, struct gw_str name, struct gw_str value)
{
    struct cookie_values *found = finder->found;
    if (value.len == 0)
        return;
    for (size_t i = 0; i < found->count; i++) {
        if (gw_str_eq(found->list[i].value, value) && gw_str_eq(found->list[i].name, name))
            return;
    }
    if (found->count == COOKIE_VALUES_MAX) {
        finder->overflow = true;
        return;
    }
    found->list[found->count++] = (struct cookie_value){.name = name, .value = value};
}

static void add_readings(struct finder *finder, struct gw_str name, struct gw_str value)
{
    add_value(finder, name, value);
    if (cookie_is_canonical(value))
        return;
    struct gw_str inner = cookie_unquote(value, finder->arena);
    const struct gw_str readings[] = {inner, cookie_percent_decode(value, finder->arena),
                                      cookie_percent_decode(inner, finder->arena)};
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++)
        add_value(finder, name, readings[i]);
    add_value(finder, name, cookie_canonical(value, finder->arena));
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++)
        add_value(finder, name, cookie_canonical(readings[i], finder->arena));
}

static size_t legacy_end(struct gw_str s)
{
    size_t end = 0;
    while (end < s.len && !is_legacy_separator(s.ptr[end]))
        end++;
    return end;
}

static void on_exact(struct finder *finder, struct pair pair)
{
    if (finder->overflow)
        return;
    add_readings(finder, pair.name, pair.value);
    size_t cut = legacy_end(pair.value);
    if (cut < pair.value.len)
        add_readings(finder, pair.name, gw_str_n(pair.value.ptr, cut));
}

/* Another reading sees the cookie here: harmless only when it says nothing new. */
static void on_alternate(struct finder *finder, struct gw_str value)
{
    if (value.len == 0 || finder->ambiguous)
        return;
    struct gw_str canonical = cookie_canonical(value, finder->arena);
    for (size_t i = 0; i < finder->found->count; i++) {
        if (gw_str_eq(finder->found->list[i].value, canonical))
            return;
    }
    finder->ambiguous = true;
}

static bool split_pair(struct gw_str piece, struct pair *ret_pair)
{
    struct gw_str value = piece;
    ret_pair->name = gw_str_trim(gw_str_split(&value, '='));
    ret_pair->value = gw_str_trim(value);
    return value.ptr != NULL;
}

/* RFC 2109 and 2965 separate by comma; Python's http.cookies by blanks too. Everything behind such a separator may be a
 * cookie of its own. */
static bool legacy_names_cookie(struct finder *finder, struct gw_str piece, bool report)
{
    for (size_t i = legacy_end(piece); i < piece.len && !finder->ambiguous;
         i += 1 + legacy_end(gw_str_from_pos(piece, i + 1))) {
        struct gw_str rest = gw_str_from_pos(piece, i + 1);
        size_t name_len = 0;
        while (name_len < rest.len && rest.ptr[name_len] != '=' && !is_legacy_separator(rest.ptr[name_len]))
            name_len++;
        if (name_len == 0)
            continue;
        struct gw_str name = gw_str_n(rest.ptr, name_len);
        rest = gw_str_trim(gw_str_from_pos(rest, name_len));
        if (rest.len == 0 || rest.ptr[0] != '=' || !cookie_pattern_loosely(&finder->pattern, name))
            continue;
        if (!report)
            return true;
        rest = gw_str_trim(gw_str_from_pos(rest, 1));
        on_alternate(finder, rest);
        on_alternate(finder, gw_str_n(rest.ptr, legacy_end(rest)));
    }
    return false;
}

/* Some parsers drop the `=` of a cookie without a name and read what follows as one (CVE-2023-23934). */
static bool nameless_pair(const struct finder *finder, struct gw_str piece, struct pair *ret_pair)
{
    if (piece.ptr[0] != '=')
        return false;
    while (piece.len > 0 && (piece.ptr[0] == '=' || is_blank(piece.ptr[0])))
        piece = gw_str_from_pos(piece, 1);
    return split_pair(piece, ret_pair) && cookie_pattern_loosely(&finder->pattern, ret_pair->name);
}

static bool has_legacy_separator(struct gw_str piece)
{
    return gw_str_find(piece, ',') >= 0 || gw_str_find(piece, ' ') >= 0 || gw_str_find(piece, '\t') >= 0;
}

/* The plain reading of one line. True when another reading may see the cookie elsewhere. */
static bool read_plainly(struct finder *finder, struct gw_str line)
{
    bool alternates = false;
    struct gw_str rest = line;
    while (rest.ptr != NULL) {
        struct gw_str piece = gw_str_trim(gw_str_split(&rest, ';'));
        struct pair pair;
        if (piece.len == 0 || !split_pair(piece, &pair))
            continue;
        if (cookie_pattern_exactly(&finder->pattern, pair.name))
            on_exact(finder, pair);
        else
            alternates |= cookie_pattern_loosely(&finder->pattern, pair.name);
        alternates |= nameless_pair(finder, piece, &pair);
        if (has_legacy_separator(piece))
            alternates |= legacy_names_cookie(finder, piece, false);
    }
    return alternates;
}

static void check_alternates(struct finder *finder, struct gw_str line)
{
    struct gw_str rest = line;
    while (rest.ptr != NULL && !finder->ambiguous) {
        struct gw_str piece = gw_str_trim(gw_str_split(&rest, ';'));
        struct pair pair;
        if (piece.len == 0 || !split_pair(piece, &pair))
            continue;
        if (!cookie_pattern_exactly(&finder->pattern, pair.name) && cookie_pattern_loosely(&finder->pattern, pair.name))
            on_alternate(finder, pair.value);
        if (nameless_pair(finder, piece, &pair))
            on_alternate(finder, pair.value);
        (void)legacy_names_cookie(finder, piece, true);
    }
}

/* Only a string whose closing quote ends the value is one for every parser that knows them; a stray quote somewhere in
 * a neighbour must not make this cookie ambiguous. */
static size_t whole_quoted_length(struct gw_str s)
{
    size_t len = cookie_quoted_length(s);
    bool ends = len == s.len || s.ptr[len] == ';' || is_legacy_separator(s.ptr[len]);
    return ends ? len : 0;
}

/* A quoted string hides the `;` in it from parsers that know quotes: then this cookie must neither span one nor stand
 * inside one. */
static void check_quotes(struct finder *finder, struct gw_str line)
{
    size_t quoted_until = 0;
    struct gw_str rest = line;
    while (rest.ptr != NULL && !finder->ambiguous) {
        size_t start = (size_t)(rest.ptr - line.ptr);
        struct gw_str piece = gw_str_split(&rest, ';');
        struct pair pair;
        if (!split_pair(piece, &pair) || pair.value.len == 0)
            continue;
        bool ours = cookie_pattern_exactly(&finder->pattern, pair.name);
        if (start < quoted_until) {
            finder->ambiguous = ours;
            continue;
        }
        size_t value_at = (size_t)(pair.value.ptr - line.ptr);
        size_t end = value_at + whole_quoted_length(gw_str_from_pos(line, value_at));
        if (end > start + piece.len) {
            quoted_until = end;
            finder->ambiguous = ours;
        }
    }
}

enum cookie_verdict cookie_find(const struct gw_str *lines, size_t line_count, struct gw_str pattern,
                                struct gw_arena *arena, struct cookie_values *ret_values)
{
    ret_values->count = 0;
    struct finder finder = {.pattern = cookie_pattern(pattern), .arena = arena, .found = ret_values};
    bool alternates = false;
    for (size_t i = 0; i < line_count; i++)
        alternates |= lines[i].len > 0 && read_plainly(&finder, lines[i]);
    for (size_t i = 0; i < line_count && !finder.ambiguous; i++) {
        if (alternates && lines[i].len > 0)
            check_alternates(&finder, lines[i]);
        if (ret_values->count > 0 && gw_str_find(lines[i], '"') >= 0)
            check_quotes(&finder, lines[i]);
    }
    if (finder.ambiguous || finder.overflow) {
        ret_values->count = 0;
        return COOKIE_AMBIGUOUS;
    }
    return ret_values->count > 0 ? COOKIE_FOUND : COOKIE_NONE;
}

bool cookie_name_matches(struct gw_str name, struct gw_str pattern)
{
    struct cookie_pattern compiled = cookie_pattern(pattern);
    return cookie_pattern_exactly(&compiled, name);
}
