#include "routes/scim/filter.h"

#include "gateway/base/clock.h"
#include "gateway/base/text.h"

static const struct scim_attribute *target_of(const struct scim_filter *filter)
{
    return filter->ref.sub != NULL ? filter->ref.sub : filter->ref.attribute;
}

static bool order_holds(enum scim_op op, int order)
{
    switch (op) {
    case SCIM_EQ:
        return order == 0;
    case SCIM_NE:
        return order != 0;
    case SCIM_GT:
        return order > 0;
    case SCIM_GE:
        return order >= 0;
    case SCIM_LT:
        return order < 0;
    case SCIM_LE:
        return order <= 0;
    case SCIM_CO:
    case SCIM_SW:
    case SCIM_EW:
        break;
    }
    return false;
}

static bool contains(struct gw_str text, struct gw_str part)
{
    return part.len == 0 || (text.len >= part.len && memmem(text.ptr, text.len, part.ptr, part.len) != NULL);
}

static bool text_holds(enum scim_op op, struct gw_str text, struct gw_str literal)
{
    switch (op) {
    case SCIM_CO:
        return contains(text, literal);
    case SCIM_SW:
        return gw_str_starts(text, literal);
    case SCIM_EW:
        return gw_str_ends(text, literal);
    case SCIM_EQ:
    case SCIM_NE:
    case SCIM_GT:
    case SCIM_GE:
    case SCIM_LT:
    case SCIM_LE:
        break;
    }
    return order_holds(op, gw_str_compare(text, literal));
}

/* Most values are their own folded form: no copy then. */
static struct gw_str folded(struct gw_arena *scratch, struct gw_str text)
{
    bool plain = true;
    for (size_t i = 0; i < text.len && plain; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        plain = c < 0x80 && !(c >= 'A' && c <= 'Z');
    }
    struct gw_str result = text;
    if (!plain && !gw_name_fold(scratch, text, &result))
        result = text;
    return result;
}

static bool compare_text(const struct scim_filter *filter, struct gw_str text, struct gw_arena *scratch)
{
    const struct scim_attribute *attribute = target_of(filter);
    bool part = filter->op == SCIM_CO || filter->op == SCIM_SW || filter->op == SCIM_EW;
    int64_t time_ms;
    if (attribute->type == SCIM_DATETIME && !part)
        return gw_time_parse(text, &time_ms) &&
               order_holds(filter->op, (time_ms > filter->time_ms) - (time_ms < filter->time_ms));
    return text_holds(filter->op, attribute->case_exact ? text : folded(scratch, text), filter->folded);
}

static bool compare_numbers(const struct scim_filter *filter, const struct json_value *value)
{
    int64_t a;
    int64_t b;
    if (json_number_is_integer(value, &a) && json_number_is_integer(filter->literal, &b))
        return order_holds(filter->op, (a > b) - (a < b));
    double x = json_number_to_double(value);
    double y = json_number_to_double(filter->literal);
    return order_holds(filter->op, (x > y) - (x < y));
}

/* One value that is there. A value of another type than the literal's is not equal and has no order. */
static bool compare_value(const struct scim_filter *filter, const struct json_value *value, struct gw_arena *scratch)
{
    if (value->type != filter->literal->type)
        return filter->op == SCIM_NE;
    switch (value->type) {
    case JSON_STRING:
        return compare_text(filter, value->text, scratch);
    case JSON_NUMBER:
        return compare_numbers(filter, value);
    case JSON_BOOL:
        return order_holds(filter->op, (int)value->boolean - (int)filter->literal->boolean);
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return false;
}

static bool is_present(const struct json_value *value)
{
    if (value == NULL || value->type == JSON_NULL)
        return false;
    if (value->type == JSON_STRING)
        return value->text.len > 0;
    if (value->type != JSON_ARRAY && value->type != JSON_OBJECT)
        return true;
    for (size_t i = 0; i < json_count(value); i++) {
        if (is_present(value->type == JSON_ARRAY ? value->array.items[i] : value->object.members[i].value))
            return true;
    }
    return false;
}

static const struct json_value *attribute_of(const struct scim_filter *filter, const struct json_value *object)
{
    if (filter->ref.extension != NULL)
        object = json_object_get(object, filter->ref.extension->urn);
    return json_object_get(object, filter->ref.attribute->name);
}

static const struct json_value *sub_of(const struct scim_filter *filter, const struct json_value *value)
{
    return filter->ref.sub != NULL ? json_object_get(value, filter->ref.sub->name) : value;
}

static bool is_any_present(const struct scim_filter *filter, const struct json_value *value)
{
    if (!json_is(value, JSON_ARRAY))
        return is_present(sub_of(filter, value));
    for (size_t i = 0; i < value->array.count; i++) {
        if (is_present(sub_of(filter, value->array.items[i])))
            return true;
    }
    return false;
}

static bool compare_any(const struct scim_filter *filter, const struct json_value *value, struct gw_arena *scratch)
{
    bool there = false;
    size_t count = json_is(value, JSON_ARRAY) ? value->array.count : 1;
    for (size_t i = 0; i < count; i++) {
        const struct json_value *one = sub_of(filter, json_is(value, JSON_ARRAY) ? value->array.items[i] : value);
        if (!is_present(one))
            continue;
        there = true;
        if (compare_value(filter, one, scratch))
            return true;
    }
    return !there && filter->op == SCIM_NE; /* what is not there is not equal */
}

static bool compare(const struct scim_filter *filter, const struct json_value *object, struct gw_arena *scratch)
{
    const struct json_value *value = attribute_of(filter, object);
    if (filter->literal->type == JSON_NULL)
        return is_any_present(filter, value) == (filter->op == SCIM_NE);
    return compare_any(filter, value, scratch);
}

static bool matches_all(const struct scim_filter *filter, const struct json_value *object, struct gw_arena *scratch)
{
    for (size_t i = 0; i < filter->child_count; i++) {
        if (!scim_filter_matches(filter->children[i], object, scratch))
            return false;
    }
    return true;
}

static bool matches_one(const struct scim_filter *filter, const struct json_value *object, struct gw_arena *scratch)
{
    for (size_t i = 0; i < filter->child_count; i++) {
        if (scim_filter_matches(filter->children[i], object, scratch))
            return true;
    }
    return false;
}

static bool matches_some_value(const struct scim_filter *filter, const struct json_value *object,
                               struct gw_arena *scratch)
{
    const struct json_value *value = attribute_of(filter, object);
    if (!json_is(value, JSON_ARRAY))
        return json_is(value, JSON_OBJECT) && scim_filter_matches(filter->children[0], value, scratch);
    for (size_t i = 0; i < value->array.count; i++) {
        if (scim_filter_matches(filter->children[0], value->array.items[i], scratch))
            return true;
    }
    return false;
}

bool scim_filter_matches(const struct scim_filter *filter, const struct json_value *resource, struct gw_arena *scratch)
{
    switch (filter->kind) {
    case SCIM_FILTER_COMPARE:
        return compare(filter, resource, scratch);
    case SCIM_FILTER_PRESENT:
        return is_any_present(filter, attribute_of(filter, resource));
    case SCIM_FILTER_AND:
        return matches_all(filter, resource, scratch);
    case SCIM_FILTER_OR:
        return matches_one(filter, resource, scratch);
    case SCIM_FILTER_NOT:
        return !scim_filter_matches(filter->children[0], resource, scratch);
    case SCIM_FILTER_VALUE_PATH:
        return matches_some_value(filter, resource, scratch);
    }
    return false;
}

/* A value is an object, and inside brackets names are names of its members: the same walk. */
bool scim_filter_matches_value(const struct scim_filter *filter, const struct json_value *value,
                               struct gw_arena *scratch)
{
    return scim_filter_matches(filter, value, scratch);
}
