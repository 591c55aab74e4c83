#include "gateway/sso/address_session.h"

#include "gateway/base/percent.h"
#include "gateway/cookie/cookie_name.h"

struct finder {
    struct cookie_pattern pattern;
    struct gw_arena *arena;
    struct cookie_values *found;
    bool overflow;
};

static void piece_add(struct finder *finder, struct gw_str piece)
{
    struct gw_str value = piece;
    struct gw_str name = gw_str_split(&value, '=');
    if (value.len == 0 || !cookie_pattern_loosely(&finder->pattern, name))
        return;
    if (finder->found->count == COOKIE_VALUES_MAX) {
        finder->overflow = true;
        return;
    }
    finder->found->list[finder->found->count++] = (struct cookie_value){
        .name = finder->pattern.any_end ? name : finder->pattern.text, .value = cookie_canonical(value, finder->arena)};
}

static void pieces_add(struct finder *finder, struct gw_str text, char separator)
{
    size_t start = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.ptr[i] != ';' && text.ptr[i] != separator)
            continue;
        piece_add(finder, gw_str_n(text.ptr + start, i - start));
        start = i + 1;
    }
}

static void path_add(struct finder *finder, struct gw_str path)
{
    if (gw_str_find(path, ';') >= 0)
        pieces_add(finder, path, '/');
    if (gw_str_find(path, '%') < 0)
        return;
    char *plain = gw_arena_alloc(finder->arena, path.len);
    struct gw_str decoded = gw_str_n(plain, gw_percent_decode(path, plain));
    if (gw_str_find(decoded, ';') >= 0)
        pieces_add(finder, decoded, '/');
}

bool sso_address_sessions_find(const struct http_request *request, struct gw_str pattern, struct gw_arena *arena,
                               struct cookie_values *ret_values)
{
    struct finder finder = {.pattern = cookie_pattern(pattern), .arena = arena, .found = ret_values};
    ret_values->count = 0;
    path_add(&finder, request->path);
    if (gw_str_find(request->query, '=') >= 0)
        pieces_add(&finder, request->query, '&');
    return !finder.overflow;
}
