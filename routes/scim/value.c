#include "routes/scim/value.h"

#include "gateway/base/clock.h"
#include "gateway/base/digest.h"
#include "gateway/base/text.h"
#include "gateway/json/parse.h"

void scim_ignored_add(struct gw_arena *arena, struct scim_ignored *ignored, struct gw_str name)
{
    if (ignored == NULL)
        return;
    ignored->total++;
    if (ignored->count == SCIM_IGNORED_MAX)
        return;
    size_t len = name.len < SCIM_IGNORED_BYTES_MAX ? name.len : SCIM_IGNORED_BYTES_MAX;
    ignored->names[ignored->count++] = gw_arena_copy(arena, gw_str_n(name.ptr, len));
}

static enum gw_code refuse(const struct scim_attribute *attribute, const char *why, struct gw_error *err)
{
    return gw_fail(err, GW_E_INVALID_VALUE, "%.*s %s", GW_STR_ARG(attribute->name), why);
}

static size_t bytes_max(const struct scim_attribute *attribute)
{
    if (attribute->bytes_max > 0)
        return attribute->bytes_max;
    return attribute->type == SCIM_BINARY ? SCIM_BINARY_BYTES_MAX : SCIM_STRING_BYTES_MAX;
}

/* No blanks and no control characters: it will stand in links. */
static bool is_reference(struct gw_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= 0x20 || text.ptr[i] == 0x7f)
            return false;
    }
    return true;
}

static bool is_base64(struct gw_str text)
{
    GW_ARENA_SCOPED(scratch);
    struct gw_str bytes;
    return gw_base64_decode(&scratch, text, &bytes);
}

static enum gw_code check_text(const struct scim_attribute *attribute, struct gw_str text, struct gw_error *err)
{
    int64_t time_ms;
    if (text.len > bytes_max(attribute))
        return refuse(attribute, "is too long", err);
    if (attribute->printable && !gw_name_printable(text, bytes_max(attribute)))
        return refuse(attribute, "must be printable, without a blank at either end", err);
    if (attribute->type == SCIM_DATETIME && !gw_time_parse(text, &time_ms))
        return refuse(attribute, "must be a date and time such as 2026-01-31T12:00:00Z", err);
    if (attribute->type == SCIM_BINARY && !is_base64(text))
        return refuse(attribute, "must be base64", err);
    if (attribute->type == SCIM_REFERENCE && !is_reference(text))
        return refuse(attribute, "must be an address without blanks", err);
    return GW_OK;
}

static struct gw_str unpacked(const struct scim_reader *reader, const struct scim_attribute *attribute,
                              struct gw_str text)
{
    static const struct json_limits limits = {
        .depth = 4, .values = 32, .members = 16, .string_bytes = SCIM_STRING_BYTES_MAX, .number_bytes = 32};
    struct json_value *object = NULL;
    struct gw_error err;
    bool may_be = attribute->packed && reader->reading == SCIM_READ_LENIENT && gw_str_starts(text, GW_STR("{"));
    if (!may_be || json_parse(reader->arena, text, &limits, &object, &err) != GW_OK)
        return text;
    const struct json_value *value = json_object_get_nocase(object, GW_STR("value"));
    return json_is(value, JSON_STRING) && value->text.len > 0 ? value->text : text;
}

static enum gw_code read_text(const struct scim_reader *reader, const struct scim_attribute *attribute,
                              const struct json_value *value, struct json_value **ret_value, struct gw_error *err)
{
    /* Clients send numbers for employeeNumber or postalCode (scim-clients.md 2) */
    bool number = value->type == JSON_NUMBER && attribute->type == SCIM_STRING && !attribute->strict;
    if (value->type != JSON_STRING && !number)
        return refuse(attribute, "must be a string", err);
    if (value->text.len == 0)
        return attribute->required ? refuse(attribute, "must not be empty", err) : GW_OK;
    GW_TRY(check_text(attribute, value->text, err));
    *ret_value = json_string_new(reader->arena, unpacked(reader, attribute, value->text));
    return GW_OK;
}

static enum gw_code read_boolean(const struct scim_reader *reader, const struct scim_attribute *attribute,
                                 const struct json_value *value, struct json_value **ret_value, struct gw_error *err)
{
    if (value->type == JSON_BOOL) {
        *ret_value = json_bool_new(reader->arena, value->boolean);
        return GW_OK;
    }
    bool text = value->type == JSON_STRING && reader->reading == SCIM_READ_LENIENT;
    if (text && gw_str_eq_nocase(value->text, GW_STR("true")))
        *ret_value = json_bool_new(reader->arena, true);
    else if (text && gw_str_eq_nocase(value->text, GW_STR("false")))
        *ret_value = json_bool_new(reader->arena, false);
    else
        return refuse(attribute, "must be true or false", err);
    return GW_OK;
}

static enum gw_code read_number(const struct scim_reader *reader, const struct scim_attribute *attribute,
                                const struct json_value *value, struct json_value **ret_value, struct gw_error *err)
{
    int64_t integer;
    bool whole = json_number_is_integer(value, &integer);
    if (value->type != JSON_NUMBER)
        return refuse(attribute, "must be a number", err);
    if (attribute->type == SCIM_INTEGER && !whole)
        return refuse(attribute, "must be a whole number", err);
    *ret_value = json_number_new(reader->arena, value->text);
    return GW_OK;
}

static bool is_known_member(const struct scim_attribute *attribute, struct gw_str name)
{
    return scim_sub_find(attribute, name) != NULL;
}

static void collect_unknown(const struct scim_reader *reader, const struct scim_attribute *attribute,
                            const struct json_value *object)
{
    for (size_t i = 0; reader->ignored != NULL && i < object->object.count; i++) {
        struct gw_str name = object->object.members[i].name;
        if (!is_known_member(attribute, name))
            scim_ignored_add(
                reader->arena, reader->ignored,
                gw_arena_printf(reader->arena, "%.*s.%.*s", GW_STR_ARG(attribute->name),
                                (int)(name.len < SCIM_IGNORED_BYTES_MAX ? name.len : SCIM_IGNORED_BYTES_MAX),
                                name.ptr));
    }
}

static enum gw_code read_members(const struct scim_reader *reader, const struct scim_attribute *attribute,
                                 const struct json_value *value, struct json_value *object, struct gw_error *err)
{
    for (size_t i = 0; i < attribute->sub_count; i++) {
        const struct scim_attribute *sub = &attribute->subs[i];
        const struct json_value *member = json_object_get_nocase(value, sub->name);
        struct json_value *read = NULL;
        if (member == NULL || sub->mutability == SCIM_READ_ONLY || sub->discarded)
            continue;
        if (scim_value_read(reader, sub, member, &read, err) != GW_OK)
            return gw_error_prefix(err, "%.*s", GW_STR_ARG(attribute->name));
        if (read != NULL)
            json_object_append(reader->arena, object, sub->name, read);
    }
    return GW_OK;
}

static enum gw_code check_required_subs(const struct scim_attribute *attribute, const struct json_value *object,
                                        struct gw_error *err)
{
    for (size_t i = 0; i < attribute->sub_count; i++) {
        if (attribute->subs[i].required && json_object_get(object, attribute->subs[i].name) == NULL)
            return gw_fail(err, GW_E_INVALID_VALUE, "%.*s.%.*s is missing", GW_STR_ARG(attribute->name),
                           GW_STR_ARG(attribute->subs[i].name));
    }
    return GW_OK;
}

static enum gw_code read_complex(const struct scim_reader *reader, const struct scim_attribute *attribute,
                                 const struct json_value *value, struct json_value **ret_value, struct gw_error *err)
{
    const struct scim_attribute *bare = scim_sub_find(attribute, GW_STR("value"));
    struct json_value *object = json_object_new(reader->arena);
    if (value->type == JSON_STRING && value->text.len == 0)
        return GW_OK;
    if (value->type == JSON_STRING && bare != NULL && reader->reading == SCIM_READ_LENIENT) {
        struct json_value *read = NULL;
        GW_TRY(scim_value_read(reader, bare, value, &read, err));
        if (read != NULL)
            json_object_append(reader->arena, object, bare->name, read);
    } else if (value->type == JSON_OBJECT) {
        GW_TRY(read_members(reader, attribute, value, object, err));
        collect_unknown(reader, attribute, value);
    } else {
        return refuse(attribute, "must be an object", err);
    }
    if (json_count(value) > 0 || object->object.count > 0)
        GW_TRY(check_required_subs(attribute, object, err));
    if (object->object.count > 0)
        *ret_value = object;
    return GW_OK;
}

static const struct json_value *unwrap(const struct scim_reader *reader, const struct scim_attribute *attribute,
                                       const struct json_value *value)
{
    if (value->type != JSON_ARRAY)
        return value;
    if (value->array.count == 0)
        return attribute->strict ? value : NULL;
    return value->array.count == 1 && reader->reading == SCIM_READ_LENIENT ? value->array.items[0] : value;
}

enum gw_code scim_value_read_element(const struct scim_reader *reader, const struct scim_attribute *attribute,
                                     const struct json_value *value, struct json_value **ret_value,
                                     struct gw_error *err)
{
    *ret_value = NULL;
    value = unwrap(reader, attribute, value);
    if (value == NULL || value->type == JSON_NULL)
        return GW_OK;
    switch (attribute->type) {
    case SCIM_BOOLEAN:
        return read_boolean(reader, attribute, value, ret_value, err);
    case SCIM_INTEGER:
    case SCIM_DECIMAL:
        return read_number(reader, attribute, value, ret_value, err);
    case SCIM_COMPLEX:
        return read_complex(reader, attribute, value, ret_value, err);
    case SCIM_STRING:
    case SCIM_DATETIME:
    case SCIM_BINARY:
    case SCIM_REFERENCE:
        return read_text(reader, attribute, value, ret_value, err);
    }
    return refuse(attribute, "has an unknown type", err);
}

static enum gw_code read_list(const struct scim_reader *reader, const struct scim_attribute *attribute,
                              const struct json_value *list, struct json_value *array, struct gw_error *err)
{
    size_t count_max = attribute->values_max > 0 ? attribute->values_max : SCIM_VALUES_MAX;
    if (json_count(list) > count_max)
        return gw_fail(err, GW_E_INVALID_VALUE, "%.*s has more than %zu values", GW_STR_ARG(attribute->name),
                       count_max);
    for (size_t i = 0; i < list->array.count; i++) {
        struct json_value *element;
        GW_TRY(scim_value_read_element(reader, attribute, list->array.items[i], &element, err));
        if (element != NULL && !scim_value_is_hollow(attribute, element))
            json_array_append(reader->arena, array, element);
    }
    if (scim_values_count_primary(array) > 1)
        return refuse(attribute, "has more than one primary value", err);
    scim_values_dedupe(reader->arena, attribute, array, 0);
    return GW_OK;
}

static enum gw_code read_multi_valued(const struct scim_reader *reader, const struct scim_attribute *attribute,
                                      const struct json_value *value, struct json_value **ret_value,
                                      struct gw_error *err)
{
    struct json_value *one = json_array_new(reader->arena);
    if (value->type == JSON_STRING && value->text.len == 0)
        return GW_OK;
    if (value->type != JSON_ARRAY) {
        if (reader->reading != SCIM_READ_LENIENT)
            return refuse(attribute, "must be an array", err);
        json_array_append(reader->arena, one, json_copy(reader->arena, value));
        value = one;
    }
    struct json_value *array = json_array_new(reader->arena);
    GW_TRY(read_list(reader, attribute, value, array, err));
    if (array->array.count > 0)
        *ret_value = array;
    return GW_OK;
}

enum gw_code scim_value_read(const struct scim_reader *reader, const struct scim_attribute *attribute,
                             const struct json_value *value, struct json_value **ret_value, struct gw_error *err)
{
    *ret_value = NULL;
    if (value->type == JSON_NULL)
        return GW_OK;
    return attribute->multi_valued ? read_multi_valued(reader, attribute, value, ret_value, err)
                                   : scim_value_read_element(reader, attribute, value, ret_value, err);
}

bool scim_value_is_hollow(const struct scim_attribute *attribute, const struct json_value *element)
{
    if (scim_sub_find(attribute, GW_STR("value")) == NULL || element->type != JSON_OBJECT)
        return false;
    for (size_t i = 0; i < element->object.count; i++) {
        struct gw_str name = element->object.members[i].name;
        if (!gw_str_eq(name, GW_STR("type")) && !gw_str_eq(name, GW_STR("primary")))
            return false;
    }
    return true;
}

size_t scim_values_count_primary(const struct json_value *array)
{
    size_t count = 0;
    for (size_t i = 0; i < json_count(array); i++) {
        const struct json_value *primary = json_object_get(array->array.items[i], GW_STR("primary"));
        count += json_is(primary, JSON_BOOL) && primary->boolean;
    }
    return count;
}
