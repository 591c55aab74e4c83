#include "gateway/json/value.h"

#include "gateway/base/result.h"

#include <inttypes.h>
#include <stdlib.h>

#define CAPACITY_MIN 4u
#define NUMBER_BYTES_MAX 128u

static struct json_value *value_new(struct gw_arena *arena, enum json_type type)
{
    struct json_value *value = gw_arena_alloc(arena, sizeof *value);
    value->type = type;
    return value;
}

struct json_value *json_null_new(struct gw_arena *arena)
{
    return value_new(arena, JSON_NULL);
}

struct json_value *json_bool_new(struct gw_arena *arena, bool boolean)
{
    struct json_value *value = value_new(arena, JSON_BOOL);
    value->boolean = boolean;
    return value;
}

struct json_value *json_string_new(struct gw_arena *arena, struct gw_str text)
{
    struct json_value *value = value_new(arena, JSON_STRING);
    value->text = text;
    return value;
}

struct json_value *json_number_new(struct gw_arena *arena, struct gw_str text)
{
    struct json_value *value = value_new(arena, JSON_NUMBER);
    value->text = text;
    return value;
}

struct json_value *json_integer_new(struct gw_arena *arena, int64_t number)
{
    return json_number_new(arena, gw_arena_printf(arena, "%" PRId64, number));
}

struct json_value *json_array_new(struct gw_arena *arena)
{
    return value_new(arena, JSON_ARRAY);
}

struct json_value *json_object_new(struct gw_arena *arena)
{
    return value_new(arena, JSON_OBJECT);
}

size_t json_count(const struct json_value *value)
{
    if (json_is(value, JSON_ARRAY))
        return value->array.count;
    return json_is(value, JSON_OBJECT) ? value->object.count : 0;
}

static const char *number_cstr(const struct json_value *value, char dst[NUMBER_BYTES_MAX])
{
    GW_ASSERT(json_is(value, JSON_NUMBER) && value->text.len < NUMBER_BYTES_MAX);
    memcpy(dst, value->text.ptr, value->text.len);
    dst[value->text.len] = '\0';
    return dst;
}

bool json_number_is_integer(const struct json_value *value, int64_t *ret_number)
{
    if (!json_is(value, JSON_NUMBER) || value->text.len >= NUMBER_BYTES_MAX)
        return false;
    struct gw_str digits = value->text;
    bool negative = digits.len > 0 && digits.ptr[0] == '-';
    uint64_t number;
    if (!gw_str_to_u64(gw_str_from_pos(digits, negative ? 1 : 0), INT64_MAX, &number))
        return false;
    *ret_number = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

double json_number_to_double(const struct json_value *value)
{
    char text[NUMBER_BYTES_MAX];
    return strtod(number_cstr(value, text), NULL);
}

static uint32_t grown_capacity(uint32_t capacity)
{
    GW_ASSERT(capacity < UINT32_MAX / 2);
    return capacity > 0 ? capacity * 2 : CAPACITY_MIN;
}

void json_array_append(struct gw_arena *arena, struct json_value *array, struct json_value *item)
{
    GW_ASSERT(json_is(array, JSON_ARRAY) && item != NULL);
    if (array->array.count == array->array.capacity) {
        uint32_t capacity = grown_capacity(array->array.capacity);
        struct json_value **items = gw_arena_array(arena, capacity, sizeof *items);
        if (array->array.count > 0)
            memcpy(items, array->array.items, array->array.count * sizeof *items);
        array->array.items = items;
        array->array.capacity = capacity;
    }
    array->array.items[array->array.count++] = item;
}

void json_array_remove(struct json_value *array, size_t at)
{
    GW_ASSERT(json_is(array, JSON_ARRAY) && at < array->array.count);
    struct json_value **items = array->array.items;
    memmove(items + at, items + at + 1, (array->array.count - at - 1) * sizeof *items);
    array->array.count--;
}

static struct json_member *find_member(const struct json_value *object, struct gw_str name, bool nocase)
{
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    for (size_t i = 0; i < object->object.count; i++) {
        struct json_member *member = &object->object.members[i];
        if (nocase ? gw_str_eq_nocase(member->name, name) : gw_str_eq(member->name, name))
            return member;
    }
    return NULL;
}

struct json_value *json_object_get(const struct json_value *object, struct gw_str name)
{
    struct json_member *member = find_member(object, name, false);
    return member != NULL ? member->value : NULL;
}

struct json_value *json_object_get_nocase(const struct json_value *object, struct gw_str name)
{
    struct json_member *member = find_member(object, name, true);
    return member != NULL ? member->value : NULL;
}

void json_object_append(struct gw_arena *arena, struct json_value *object, struct gw_str name, struct json_value *value)
{
    GW_ASSERT(json_is(object, JSON_OBJECT) && value != NULL);
    if (object->object.count == object->object.capacity) {
        uint32_t capacity = grown_capacity(object->object.capacity);
        struct json_member *members = gw_arena_array(arena, capacity, sizeof *members);
        if (object->object.count > 0)
            memcpy(members, object->object.members, object->object.count * sizeof *members);
        object->object.members = members;
        object->object.capacity = capacity;
    }
    object->object.members[object->object.count++] = (struct json_member){name, value};
}

void json_object_set(struct gw_arena *arena, struct json_value *object, struct gw_str name, struct json_value *value)
{
    struct json_member *member = find_member(object, name, false);
    if (member != NULL)
        member->value = value;
    else
        json_object_append(arena, object, name, value);
}

bool json_object_remove(struct json_value *object, struct gw_str name)
{
    struct json_member *member = find_member(object, name, false);
    if (member == NULL)
        return false;
    size_t at = (size_t)(member - object->object.members);
    memmove(member, member + 1, (object->object.count - at - 1) * sizeof *member);
    object->object.count--;
    return true;
}

struct json_value *json_copy(struct gw_arena *arena, const struct json_value *value)
{
    struct json_value *copy = value_new(arena, value->type);
    switch (value->type) {
    case JSON_NULL:
        break;
    case JSON_BOOL:
        copy->boolean = value->boolean;
        break;
    case JSON_NUMBER:
    case JSON_STRING:
        copy->text = gw_arena_copy(arena, value->text);
        break;
    case JSON_ARRAY:
        for (size_t i = 0; i < value->array.count; i++)
            json_array_append(arena, copy, json_copy(arena, value->array.items[i]));
        break;
    case JSON_OBJECT:
        for (size_t i = 0; i < value->object.count; i++) {
            const struct json_member *member = &value->object.members[i];
            json_object_append(arena, copy, gw_arena_copy(arena, member->name), json_copy(arena, member->value));
        }
        break;
    }
    return copy;
}

static bool arrays_equal(const struct json_value *a, const struct json_value *b)
{
    if (a->array.count != b->array.count)
        return false;
    for (size_t i = 0; i < a->array.count; i++) {
        if (!json_equal(a->array.items[i], b->array.items[i]))
            return false;
    }
    return true;
}

static bool objects_equal(const struct json_value *a, const struct json_value *b)
{
    if (a->object.count != b->object.count)
        return false;
    for (size_t i = 0; i < a->object.count; i++) {
        const struct json_member *member = &a->object.members[i];
        const struct json_member *same_place = &b->object.members[i];
        const struct json_value *other =
            gw_str_eq(member->name, same_place->name) ? same_place->value : json_object_get(b, member->name);
        if (!json_equal(member->value, other))
            return false;
    }
    return true;
}

bool json_equal(const struct json_value *a, const struct json_value *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->type != b->type)
        return false;
    switch (a->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return a->boolean == b->boolean;
    case JSON_NUMBER:
    case JSON_STRING:
        return gw_str_eq(a->text, b->text);
    case JSON_ARRAY:
        return arrays_equal(a, b);
    case JSON_OBJECT:
        return objects_equal(a, b);
    }
    return false;
}
