/* Texts with a shape: names, paths, header and cookie names, pointers. */
#include "config/value.h"

#define REASON(arena, ...) (gw_arena_printf((arena), __VA_ARGS__).ptr)

#define NAME_BYTES_MAX 64u
#define PATH_BYTES_MAX 1024u

static bool is_alnum(char c)
{
    c = gw_lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool consists_of(struct gw_str text, const char *extra)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_alnum(text.ptr[i]) && (text.ptr[i] == '\0' || strchr(extra, text.ptr[i]) == NULL))
            return false;
    }
    return text.len > 0;
}

const char *config_text_any(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    *ret_text = gw_arena_cstr(arena, text);
    return text.len == 0 ? "is empty" : NULL;
}

const char *config_text_name(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    *ret_text = gw_arena_cstr(arena, text);
    if (!consists_of(text, "._-") || !is_alnum(text.ptr[0]) || text.len > NAME_BYTES_MAX)
        return REASON(arena, "\"%.*s\" is not a name: letters, digits, '.', '_' and '-', at most %u", GW_STR_ARG(text),
                      NAME_BYTES_MAX);
    return NULL;
}

/* RFC 3986 section 3.3: what a path may hold unencoded. */
static bool is_plain_path(struct gw_str text)
{
    return text.len <= PATH_BYTES_MAX && consists_of(text, "/-._~!$&'()*+,=:@");
}

const char *config_text_path(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    *ret_text = gw_arena_cstr(arena, text);
    if (text.len == 0 || text.ptr[0] != '/') {
        bool fixable = is_plain_path(text) && gw_str_find(text, ':') < 0;
        return fixable
                   ? REASON(arena, "\"%.*s\" is not a path; did you mean /%.*s?", GW_STR_ARG(text), GW_STR_ARG(text))
                   : REASON(arena, "\"%.*s\" is not a path; it starts with '/'", GW_STR_ARG(text));
    }
    if (!is_plain_path(text))
        return REASON(arena, "\"%.*s\" has characters that a plain path does not have (no '%%', ';', '?', '#')",
                      GW_STR_ARG(text));
    for (struct gw_str rest = gw_str_from_pos(text, 1); rest.ptr != NULL;) {
        struct gw_str segment = gw_str_split(&rest, '/');
        bool is_dots = gw_str_eq(segment, GW_STR(".")) || gw_str_eq(segment, GW_STR(".."));
        if (is_dots || (segment.len == 0 && rest.ptr != NULL))
            return REASON(arena, "\"%.*s\" has an empty segment or dots as one", GW_STR_ARG(text));
    }
    return NULL;
}

const char *config_text_base_path(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    const char *reason = config_text_path(arena, text, ret_text);
    if (reason != NULL)
        return reason;
    if (text.len == 1)
        return "the base path needs a name; did you mean /scim/v2?";
    if (text.ptr[text.len - 1] == '/')
        return REASON(arena, "\"%.*s\" ends in '/'; did you mean %.*s?", GW_STR_ARG(text), (int)text.len - 1, text.ptr);
    return NULL;
}

static bool is_token(struct gw_str text)
{
    return text.len <= NAME_BYTES_MAX && consists_of(text, "!#$%&'*+-.^_`|~");
}

/* What frames a message, names its target or carries the session is never stripped or set by configuration. */
static const char *const reserved_headers[] = {
    "host",   "content-length", "transfer-encoding", "connection",       "keep-alive", "te", "trailer", "upgrade",
    "expect", "cookie",         "set-cookie",        "proxy-connection",
};

const char *config_text_header(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    *ret_text = gw_arena_cstr(arena, text);
    if (!is_token(text))
        return REASON(arena, "\"%.*s\" is not a header name", GW_STR_ARG(text));
    for (size_t i = 0; i < sizeof reserved_headers / sizeof *reserved_headers; i++) {
        if (gw_str_eq_nocase(text, gw_str_from(reserved_headers[i])))
            return REASON(arena, "\"%.*s\" belongs to HTTP itself and cannot be used here", GW_STR_ARG(text));
    }
    return NULL;
}

const char *config_text_cookie(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    *ret_text = gw_arena_cstr(arena, text);
    bool is_open = gw_str_ends(text, GW_STR("*"));
    struct gw_str name = gw_str_n(text.ptr, text.len - is_open);
    if (!is_token(name) || gw_str_find(name, '*') >= 0)
        return REASON(arena, "\"%.*s\" is not a cookie name (a '*' may stand at the end)", GW_STR_ARG(text));
    return NULL;
}

const char *config_text_pointer(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    *ret_text = gw_arena_cstr(arena, text);
    if (text.len < 2 || text.ptr[0] != '/')
        return REASON(arena, "\"%.*s\" is not a JSON pointer such as /email", GW_STR_ARG(text));
    for (size_t i = 0; i < text.len; i++) { /* RFC 6901 section 3 */
        if (text.ptr[i] == '~' && (i + 1 == text.len || (text.ptr[i + 1] != '0' && text.ptr[i + 1] != '1')))
            return REASON(arena, "\"%.*s\": '~' is written ~0 in a JSON pointer", GW_STR_ARG(text));
    }
    return NULL;
}

const char *config_text_saml_user(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    static const struct gw_str prefix = GW_STR_INIT("attribute ");
    *ret_text = NULL;
    if (gw_str_eq(text, GW_STR("nameid")))
        return NULL;
    struct gw_str name = gw_str_starts(text, prefix) ? gw_str_trim(gw_str_from_pos(text, prefix.len)) : GW_STR_NONE;
    if (name.len > 0) {
        *ret_text = gw_arena_cstr(arena, name);
        return NULL;
    }
    if (gw_str_eq_nocase(text, GW_STR("nameid")) || gw_str_eq_nocase(text, GW_STR("name_id")))
        return REASON(arena, "\"%.*s\" is not known here; did you mean nameid?", GW_STR_ARG(text));
    return REASON(arena, "\"%.*s\" is not known here; did you mean \"attribute %.*s\"?", GW_STR_ARG(text),
                  GW_STR_ARG(text));
}
