#include "gateway/sso/next_cookies.h"

#include "gateway/base/buf.h"
#include "gateway/cookie/set_cookie.h"

struct set_list {
    struct set_cookie list[SSO_NEXT_COOKIES_SET_MAX];
    size_t count;
};

/* The last line of a name counts. */
static void set_list_fill(struct set_list *set, const struct http_answer *answer, int64_t now_ms)
{
    for (size_t i = 0; answer != NULL && i < answer->field_count; i++) {
        struct set_cookie cookie;
        if (!gw_str_eq_nocase(answer->fields[i].name, GW_STR("Set-Cookie")) ||
            !set_cookie_parse(answer->fields[i].value, now_ms, &cookie))
            continue;
        size_t at = 0;
        while (at < set->count && !gw_str_eq(set->list[at].name, cookie.name))
            at++;
        if (at == SSO_NEXT_COOKIES_SET_MAX)
            continue;
        set->count += at == set->count;
        set->list[at] = cookie;
    }
}

static bool is_set(const struct set_list *set, struct gw_str name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (gw_str_eq(set->list[i].name, name))
            return true;
    }
    return false;
}

static void pair_add(struct gw_buf *buf, struct gw_str pair)
{
    if (buf->len > 0)
        gw_buf_add_lit(buf, "; ");
    gw_buf_add(buf, pair);
}

static struct gw_str trimmed(struct gw_str text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = gw_str_from_pos(text, 1);
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static void line_add(struct gw_buf *buf, const struct set_list *set, struct gw_str line)
{
    while (line.len > 0) {
        struct gw_str pair = trimmed(gw_str_split(&line, ';'));
        struct gw_str rest = pair;
        struct gw_str name = trimmed(gw_str_split(&rest, '='));
        if (pair.len > 0 && !is_set(set, name))
            pair_add(buf, pair);
    }
}

struct gw_str sso_next_cookies(const struct http_request *request, const struct http_answer *answer, int64_t now_ms,
                               struct gw_arena *arena)
{
    struct set_list set = {.count = 0};
    GW_BUF_SCOPED(buf, SSO_NEXT_COOKIES_BYTES_MAX);
    set_list_fill(&set, answer, now_ms);
    for (size_t i = 0; i < request->field_count; i++) {
        if (gw_str_eq_nocase(request->fields[i].name, GW_STR("Cookie")))
            line_add(&buf, &set, request->fields[i].value);
    }
    for (size_t i = 0; i < set.count; i++) {
        const struct set_cookie *cookie = &set.list[i];
        if (!cookie->deletes)
            pair_add(&buf, gw_arena_printf(arena, "%.*s=%.*s", GW_STR_ARG(cookie->name), GW_STR_ARG(cookie->value)));
    }
    return buf.overflow ? GW_STR_NONE : gw_arena_copy(arena, gw_buf_str(&buf));
}
