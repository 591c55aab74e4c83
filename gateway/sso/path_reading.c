#include "gateway/sso/path_reading.h"

#include "gateway/base/arena.h"
#include "gateway/base/percent.h"

#include <stdlib.h>

#define DECODINGS_MAX 2

typedef bool (*matches_fn)(struct gw_str reading, struct gw_str wanted, bool fold);

struct reader {
    struct gw_str wanted; /* without a slash at its end */
    bool fold;
    matches_fn matches;
    unsigned readings;
};

static struct gw_str without_end_slash(struct gw_str path)
{
    while (path.len > 0 && path.ptr[path.len - 1] == '/')
        path.len--;
    return path;
}

/* `/index.php/admin` is `/admin` for whatever has a front controller (Laravel, Symfony, Nextcloud). */
static bool ends_in_script(struct gw_str text)
{
    struct gw_str end = GW_STR(".php");
    return text.len > end.len && gw_str_eq_nocase(gw_str_from_pos(text, text.len - end.len), end);
}

static bool is_odd(struct gw_str path)
{
    char before = '\0';
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        if (c == '%' || c == ';' || c == '\\' || (before == '/' && (c == '/' || c == '.')))
            return true;
        if (c == '/' && (before == 'p' || before == 'P') && ends_in_script(gw_str_n(path.ptr, i)))
            return true;
        before = c;
    }
    return false;
}

/* Where a decoded path ends for apps that parse it again, or as a C string. */
static bool is_path_end(char c)
{
    return c == '\0' || c == '?' || c == '#';
}

static struct gw_str until_end(struct gw_str path)
{
    size_t end = 0;
    while (end < path.len && !is_path_end(path.ptr[end]))
        end++;
    return gw_str_n(path.ptr, end);
}

/* Rails, older Spring and content negotiation take `/path.json` for `/path`. */
static bool is_format(struct gw_str rest)
{
    return rest.len > 0 && rest.ptr[0] == '.' && gw_str_find(rest, '/') < 0;
}

/* What stands behind a script is its PATH_INFO (RFC 3875 section 4.1.5): `/acs.php/x` runs acs.php. */
static bool is_script(struct gw_str path)
{
    const char *slash = path.len > 0 ? memrchr(path.ptr, '/', path.len) : NULL;
    struct gw_str last = slash != NULL ? gw_str_from_pos(path, (size_t)(slash - path.ptr)) : path;
    return gw_str_find(last, '.') >= 0;
}

static bool starts_with(struct gw_str reading, struct gw_str wanted, bool fold)
{
    return fold ? gw_str_starts_nocase(reading, wanted) : gw_str_starts(reading, wanted);
}

static bool is_under(struct gw_str reading, struct gw_str wanted, bool fold)
{
    bool starts = starts_with(reading, wanted, fold);
    if (!starts || reading.len == wanted.len)
        return starts;
    char next = reading.ptr[wanted.len];
    return next == '/' || next == ';' || next == '\\' || is_path_end(next) ||
           is_format(without_end_slash(until_end(gw_str_from_pos(reading, wanted.len))));
}

static bool is_same(struct gw_str reading, struct gw_str wanted, bool fold)
{
    reading = without_end_slash(until_end(reading));
    if (!starts_with(reading, wanted, fold))
        return false;
    struct gw_str rest = gw_str_from_pos(reading, wanted.len);
    if (rest.len == 0 || wanted.len == 0)
        return rest.len == 0;
    return is_format(rest) || (rest.ptr[0] == '/' && is_script(wanted));
}

static size_t drop_parameters(struct gw_str path, char *dst)
{
    size_t used = 0;
    bool dropping = false;
    for (size_t i = 0; i < path.len; i++) {
        dropping = path.ptr[i] != '/' && (dropping || path.ptr[i] == ';');
        if (!dropping)
            dst[used++] = path.ptr[i];
    }
    return used;
}

static size_t turn_backslashes(struct gw_str path, char *dst)
{
    for (size_t i = 0; i < path.len; i++)
        dst[i] = path.ptr[i] == '\\' ? '/' : path.ptr[i];
    return path.len;
}

static size_t merge_slashes(struct gw_str path, char *dst)
{
    size_t used = 0;
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] != '/' || used == 0 || dst[used - 1] != '/')
            dst[used++] = path.ptr[i];
    }
    return used;
}

static size_t drop_scripts(struct gw_str path, char *dst)
{
    size_t used = 0;
    for (size_t start = 0, i = 1; i <= path.len; i++) {
        if (i < path.len && path.ptr[i] != '/')
            continue;
        struct gw_str segment = gw_str_n(path.ptr + start, i - start); /* with the slash before it */
        if (i == path.len || !ends_in_script(segment)) {
            memcpy(dst + used, segment.ptr, segment.len);
            used += segment.len;
        }
        start = i;
    }
    return used;
}

/* RFC 3986 section 5.2.4 for paths that start with a slash. */
static size_t resolve_dots(struct gw_str path, char *dst)
{
    size_t used = 0;
    struct gw_str rest = gw_str_from_pos(path, 1);
    while (rest.ptr != NULL) {
        struct gw_str segment = gw_str_split(&rest, '/');
        bool last = rest.ptr == NULL;
        bool up = gw_str_eq(segment, GW_STR(".."));
        if (up) {
            while (used > 0 && dst[--used] != '/')
                ;
        } else if (!gw_str_eq(segment, GW_STR("."))) {
            dst[used++] = '/';
            memcpy(dst + used, segment.ptr, segment.len);
            used += segment.len;
            continue;
        }
        if (last)
            dst[used++] = '/';
    }
    return used;
}

typedef size_t (*transform_fn)(struct gw_str path, char *dst);
/* Parameters end at a slash, and a backslash may be one or not: so they are dropped before and after. */
static const transform_fn transforms[] = {drop_parameters, turn_backslashes, drop_parameters,
                                          merge_slashes,   resolve_dots,     drop_scripts};
#define TRANSFORM_COUNT (sizeof transforms / sizeof transforms[0])

static bool read_any(struct reader *reader, struct gw_str path, unsigned decodings, size_t transform);

static bool read_changed(struct reader *reader, struct gw_str path, transform_fn change, unsigned decodings,
                         size_t transform)
{
    char *dst = gw_alloc(path.len + 1); /* freed at once, so that memory grows with the depth only */
    struct gw_str changed = gw_str_n(dst, change(path, dst));
    bool matched = !gw_str_eq(changed, path) && read_any(reader, changed, decodings, transform);
    free(dst);
    return matched;
}

/* At most three times six transforms and two decodings deep. */
static bool read_any(struct reader *reader, struct gw_str path, unsigned decodings, size_t transform)
{
    if (++reader->readings > SSO_PATH_READINGS_MAX || reader->matches(path, reader->wanted, reader->fold))
        return true;
    for (size_t i = transform; i < TRANSFORM_COUNT; i++) {
        if (read_changed(reader, path, transforms[i], decodings, i + 1))
            return true;
    }
    return decodings < DECODINGS_MAX && read_changed(reader, path, gw_percent_decode, decodings + 1, 0);
}

static bool matches_in_any_reading(struct gw_str path, struct gw_str wanted, bool fold, matches_fn matches)
{
    if (!is_odd(path))
        return matches(path, wanted, fold);
    if (path.len > SSO_PATH_BYTES_MAX)
        return true;
    struct reader reader = {.wanted = wanted, .fold = fold, .matches = matches};
    return read_any(&reader, path, 0, 0);
}

bool sso_path_under(struct gw_str path, struct gw_str prefix, bool case_insensitive)
{
    prefix = without_end_slash(prefix);
    return prefix.len == 0 || matches_in_any_reading(path, prefix, case_insensitive, is_under);
}

bool sso_path_equals_any_reading(struct gw_str path, struct gw_str exact)
{
    return matches_in_any_reading(path, without_end_slash(exact), true, is_same);
}
