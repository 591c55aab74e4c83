#include "gateway/json/parse.h"

#include "gateway/base/text.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

#define FEW_MEMBERS 12u  /* up to here comparing all pairs is quicker than sorting */
#define NAME_TEXT_MAX 64 /* of a name that stands in an error */
#define PART_BYTES_MIN 16u
#define UTF8_TAIL_MAX 3u       /* bytes behind the first of a character */
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
 * the text. A backslash outside a string is an error that yajl reports. Looks at what begins before `end`, and moves
 * *at behind it. */
static const char *find_bad_escape(struct gw_str text, size_t *at, size_t end)
{
    while (*at < end) {
        const char *backslash = memchr(text.ptr + *at, '\\', end - *at);
        if (backslash == NULL) {
            *at = end;
            return NULL;
        }
        size_t i = (size_t)(backslash - text.ptr);
        unsigned unit;
        *at = i + 2;
        if (!read_unit(text, i, &unit))
            continue;
        if (unit == 0)
            return "the character \\u0000 is not allowed";
        if ((unit & SURROGATE_MASK) == SURROGATE_LOW)
            return "an escape is half a surrogate pair";
        *at = i + 6;
        if ((unit & SURROGATE_MASK) != SURROGATE_HIGH)
            continue;
        if (!read_unit(text, i + 6, &unit) || (unit & SURROGATE_MASK) != SURROGATE_LOW)
            return "an escape is half a surrogate pair";
        *at = i + 12;
    }
    return NULL;
}

/* ---- part by part ---- */

struct json_reading {
    struct parser parser;
    struct json_limits limits;
    struct gw_str text;
    yajl_handle handle;
    size_t at;        /* what is before it was read */
    size_t escape_at; /* what is before it was looked at for escapes */
};

static void reading_init(struct json_reading *reading, struct gw_arena *arena, struct gw_str text,
                         const struct json_limits *limits)
{
    GW_ASSERT(limits->depth <= JSON_DEPTH_MAX);
    *reading = (struct json_reading){.parser = {.arena = arena}, .limits = *limits, .text = text};
    reading->parser.limits = &reading->limits;
    reading->handle = yajl_alloc(&CALLBACKS, NULL, &reading->parser);
    GW_ASSERT(reading->handle != NULL);
}

/* Where the next part ends: never within a character. */
static size_t part_end(const struct json_reading *reading, size_t bytes)
{
    if (reading->text.len - reading->at <= bytes)
        return reading->text.len;
    size_t end = reading->at + bytes;
    for (size_t i = 0; i < UTF8_TAIL_MAX && ((unsigned char)reading->text.ptr[end] & 0xc0u) == 0x80u; i++)
        end--;
    return end;
}

static const char *find_bad_text(struct json_reading *reading, size_t end)
{
    struct gw_str part = gw_str_n(reading->text.ptr + reading->at, end - reading->at);
    if (reading->at == 0 && gw_str_starts(part, GW_STR("\xef\xbb\xbf")))
        return "a byte order mark is not allowed";
    if (!gw_utf8_valid(part))
        return "the text is not well-formed UTF-8";
    return find_bad_escape(reading->text, &reading->escape_at, end);
}

static enum gw_code yajl_failure(struct json_reading *reading, struct gw_str part, struct gw_error *err)
{
    if (reading->parser.failed)
        return GW_E_INVALID_SYNTAX;
    size_t at = reading->at + yajl_get_bytes_consumed(reading->handle);
    unsigned char *why = yajl_get_error(reading->handle, /* verbose */ 0, (const unsigned char *)part.ptr, part.len);
    struct gw_str reason = gw_str_trim(gw_str_from((const char *)why));
    while (reason.len > 0 && reason.ptr[reason.len - 1] == '\n')
        reason.len--;
    enum gw_code code = gw_fail(err, GW_E_INVALID_SYNTAX, "JSON: %.*s (near byte %zu)", GW_STR_ARG(reason), at);
    yajl_free_error(reading->handle, why);
    return code;
}

static enum gw_code read_part(struct json_reading *reading, size_t end, struct gw_error *err)
{
    const char *bad = reading->text.len > 0 ? find_bad_text(reading, end) : NULL;
    if (bad != NULL)
        return gw_fail(err, GW_E_INVALID_SYNTAX, "JSON: %s", bad);
    struct gw_str part =
        reading->text.len > 0 ? gw_str_n(reading->text.ptr + reading->at, end - reading->at) : GW_STR("");
    reading->parser.err = err;
    yajl_status status = yajl_parse(reading->handle, (const unsigned char *)part.ptr, part.len);
    if (status == yajl_status_ok && end == reading->text.len)
        status = yajl_complete_parse(reading->handle);
    if (status != yajl_status_ok)
        return yajl_failure(reading, part, err);
    reading->at = end;
    return GW_OK;
}

struct json_reading *json_reading_new(struct gw_arena *arena, struct gw_str text, const struct json_limits *limits)
{
    struct json_reading *reading = gw_alloc(sizeof *reading);
    reading_init(reading, arena, text, limits);
    return reading;
}

enum gw_code json_reading_go_on(struct json_reading *reading, size_t bytes, struct json_value **ret_value,
                                struct gw_error *err)
{
    *ret_value = NULL;
    GW_ASSERT(bytes >= PART_BYTES_MIN);
    GW_TRY(read_part(reading, part_end(reading, bytes), err));
    if (reading->at < reading->text.len)
        return GW_OK;
    if (reading->parser.root == NULL)
        return gw_fail(err, GW_E_INVALID_SYNTAX, "JSON: the text is empty");
    *ret_value = reading->parser.root;
    return GW_OK;
}

void json_reading_free(struct json_reading *reading)
{
    if (reading == NULL)
        return;
    yajl_free(reading->handle);
    free(reading);
}

enum gw_code json_parse(struct gw_arena *arena, struct gw_str text, const struct json_limits *limits,
                        struct json_value **ret_value, struct gw_error *err)
{
    struct json_reading reading;
    struct json_value *value = NULL;
    reading_init(&reading, arena, text, limits);
    enum gw_code code = json_reading_go_on(&reading, SIZE_MAX, &value, err);
    yajl_free(reading.handle);
    if (code == GW_OK)
        *ret_value = value;
    return code;
}
