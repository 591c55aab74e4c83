#include "gateway/json/parse.h"

#include "gateway/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

#define FEW_MEMBERS 12u        /* up to here comparing all pairs is quicker than sorting */
#define NAME_TEXT_MAX 64       /* of a name that stands in an error */
#define SURROGATE_MASK 0xfc00u /* of a UTF-16 unit: which half of a pair it is */
#define SURROGATE_HIGH 0xd800u
#define SURROGATE_LOW 0xdc00u

struct parser {
    struct gw_arena *arena;
    const struct json_limits *limits;
    struct gw_error *err;
    bool failed; /* by us: `err` is filled */
    struct json_value *root;
    struct json_value *open[JSON_DEPTH_MAX];
    struct gw_str names[JSON_DEPTH_MAX]; /* the member of that object whose value comes next */
    size_t depth;
    size_t values;
};

static int refuse(struct parser *parser, const char *why)
{
    parser->failed = true;
    (void)gw_fail(parser->err, GW_E_INVALID_SYNTAX, "JSON: %s", why);
    return 0;
}

static int add_value(struct parser *parser, struct json_value *value)
{
    if (++parser->values > parser->limits->values)
        return refuse(parser, "too many values in one document");
    if (parser->depth == 0) {
        parser->root = value;
        return 1;
    }
    struct json_value *parent = parser->open[parser->depth - 1];
    if (parent->type == JSON_ARRAY) {
        json_array_append(parser->arena, parent, value);
        return 1;
    }
    if (parent->object.count >= parser->limits->members)
        return refuse(parser, "too many members in one object");
    json_object_append(parser->arena, parent, parser->names[parser->depth - 1], value);
    return 1;
}

static int open_value(struct parser *parser, struct json_value *value)
{
    if (!add_value(parser, value))
        return 0;
    if (parser->depth >= parser->limits->depth)
        return refuse(parser, "nested too deeply");
    parser->open[parser->depth++] = value;
    return 1;
}

static int on_null(void *ctx)
{
    struct parser *parser = ctx;
    return add_value(parser, json_null_new(parser->arena));
}

static int on_boolean(void *ctx, int boolean)
{
    struct parser *parser = ctx;
    return add_value(parser, json_bool_new(parser->arena, boolean != 0));
}

static int on_number(void *ctx, const char *text, size_t len)
{
    struct parser *parser = ctx;
    if (len > parser->limits->number_bytes)
        return refuse(parser, "a number has too many digits");
    struct gw_str copy = gw_arena_copy(parser->arena, gw_str_n(text, len));
    if (!isfinite(strtod(copy.ptr, NULL)))
        return refuse(parser, "a number is out of range");
    return add_value(parser, json_number_new(parser->arena, copy));
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
    struct parser *parser = ctx;
    if (len > parser->limits->string_bytes)
        return refuse(parser, "a string is too long");
    struct gw_str copy = gw_arena_copy(parser->arena, gw_str_n((const char *)text, len));
    return add_value(parser, json_string_new(parser->arena, copy));
}

static int on_name(void *ctx, const unsigned char *text, size_t len)
{
    struct parser *parser = ctx;
    if (len > parser->limits->string_bytes)
        return refuse(parser, "a name is too long");
    parser->names[parser->depth - 1] = gw_arena_copy(parser->arena, gw_str_n((const char *)text, len));
    return 1;
}

static int on_object_start(void *ctx)
{
    struct parser *parser = ctx;
    return open_value(parser, json_object_new(parser->arena));
}

static int on_array_start(void *ctx)
{
    struct parser *parser = ctx;
    return open_value(parser, json_array_new(parser->arena));
}

static int on_array_end(void *ctx)
{
    struct parser *parser = ctx;
    parser->depth--;
    return 1;
}

static int refuse_duplicate(struct parser *parser, struct gw_str name)
{
    parser->failed = true;
    size_t len = name.len < NAME_TEXT_MAX ? name.len : NAME_TEXT_MAX;
    (void)gw_fail(parser->err, GW_E_INVALID_SYNTAX, "JSON: the member '%.*s' occurs twice in one object", (int)len,
                  name.ptr);
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct gw_str *x = a;
    const struct gw_str *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    for (size_t i = 0; i < len; i++) {
        int diff = (unsigned char)gw_lower(x->ptr[i]) - (unsigned char)gw_lower(y->ptr[i]);
        if (diff != 0)
            return diff;
    }
    return (x->len > y->len) - (x->len < y->len);
}

static bool find_duplicate_sorted(const struct json_value *object, struct gw_str *ret_name)
{
    GW_ARENA_SCOPED(scratch);
    size_t count = object->object.count;
    struct gw_str *names = gw_arena_array(&scratch, count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = object->object.members[i].name;
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count; i++) {
        if (compare_names(&names[i - 1], &names[i]) == 0) {
            *ret_name = names[i];
            return true;
        }
    }
    return false;
}

static bool find_duplicate(const struct json_value *object, struct gw_str *ret_name)
{
    if (object->object.count > FEW_MEMBERS)
        return find_duplicate_sorted(object, ret_name);
    for (size_t i = 1; i < object->object.count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (gw_str_eq_nocase(object->object.members[i].name, object->object.members[j].name)) {
                *ret_name = object->object.members[i].name;
                return true;
            }
        }
    }
    return false;
}

static int on_object_end(void *ctx)
{
    struct parser *parser = ctx;
    const struct json_value *object = parser->open[--parser->depth];
    struct gw_str name;
    return find_duplicate(object, &name) ? refuse_duplicate(parser, name) : 1;
}

static const yajl_callbacks CALLBACKS = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_object_start,
    .yajl_map_key = on_name,
    .yajl_end_map = on_object_end,
    .yajl_start_array = on_array_start,
    .yajl_end_array = on_array_end,
};

/* The UTF-16 unit of the \uXXXX at `at`; false when there is none. */
static bool read_unit(struct gw_str text, size_t at, unsigned *ret_unit)
{
    if (at + 6 > text.len || text.ptr[at] != '\\' || text.ptr[at + 1] != 'u')
        return false;
    unsigned unit = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        int digit = gw_hex_digit(text.ptr[i]);
        if (digit < 0)
            return false;
        unit = unit * 16 + (unsigned)digit;
    }
    *ret_unit = unit;
    return true;
}

/* yajl turns \u0000 into a NUL byte and half a surrogate pair into '?' or ill-formed UTF-8, so these are looked for in
 * the text. A backslash outside a string is an error that yajl reports. */
static const char *find_bad_escape(struct gw_str text)
{
    for (size_t i = 0; i < text.len;) {
        const char *backslash = memchr(text.ptr + i, '\\', text.len - i);
        if (backslash == NULL)
            return NULL;
        i = (size_t)(backslash - text.ptr);
        unsigned unit;
        if (!read_unit(text, i, &unit)) {
            i += 2;
            continue;
        }
        if (unit == 0)
            return "the character \\u0000 is not allowed";
        if ((unit & SURROGATE_MASK) == SURROGATE_LOW)
            return "an escape is half a surrogate pair";
        i += 6;
        if ((unit & SURROGATE_MASK) != SURROGATE_HIGH)
            continue;
        if (!read_unit(text, i, &unit) || (unit & SURROGATE_MASK) != SURROGATE_LOW)
            return "an escape is half a surrogate pair";
        i += 6;
    }
    return NULL;
}

static const char *find_bad_text(struct gw_str text)
{
    if (gw_str_starts(text, GW_STR("\xef\xbb\xbf")))
        return "a byte order mark is not allowed";
    if (!gw_utf8_valid(text))
        return "the text is not well-formed UTF-8";
    return find_bad_escape(text);
}

static void fill_yajl_error(struct parser *parser, yajl_handle handle, struct gw_str text)
{
    size_t at = yajl_get_bytes_consumed(handle);
    unsigned char *why = yajl_get_error(handle, /* verbose */ 0, (const unsigned char *)text.ptr, text.len);
    struct gw_str reason = gw_str_trim(gw_str_from((const char *)why));
    while (reason.len > 0 && reason.ptr[reason.len - 1] == '\n')
        reason.len--;
    (void)gw_fail(parser->err, GW_E_INVALID_SYNTAX, "JSON: %.*s (near byte %zu)", GW_STR_ARG(reason), at);
    yajl_free_error(handle, why);
}

enum gw_code json_parse(struct gw_arena *arena, struct gw_str text, const struct json_limits *limits,
                        struct json_value **ret_value, struct gw_error *err)
{
    GW_ASSERT(limits->depth <= JSON_DEPTH_MAX);
    const char *bad = find_bad_text(text);
    if (bad != NULL)
        return gw_fail(err, GW_E_INVALID_SYNTAX, "JSON: %s", bad);
    struct parser parser = {.arena = arena, .limits = limits, .err = err};
    yajl_handle handle = yajl_alloc(&CALLBACKS, NULL, &parser);
    GW_ASSERT(handle != NULL);
    yajl_status status = yajl_parse(handle, (const unsigned char *)(text.len > 0 ? text.ptr : ""), text.len);
    if (status == yajl_status_ok)
        status = yajl_complete_parse(handle);
    enum gw_code code = status == yajl_status_ok ? GW_OK : GW_E_INVALID_SYNTAX;
    if (code != GW_OK && !parser.failed)
        fill_yajl_error(&parser, handle, text);
    yajl_free(handle);
    if (code == GW_OK && parser.root == NULL)
        code = gw_fail(err, GW_E_INVALID_SYNTAX, "JSON: the text is empty");
    if (code == GW_OK)
        *ret_value = parser.root;
    return code;
}
