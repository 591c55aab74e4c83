#include "routes/query.h"

#include "gateway/base/buf.h"
#include "gateway/base/text.h"
#include "routes/scim/schema.h"

enum parameter { PARAMETER_START, PARAMETER_COUNT, PARAMETER_FILTER, PARAMETER_ATTRIBUTES, PARAMETER_EXCLUDED };

#define PARAMETER_KINDS 5

static const struct gw_str parameter_names[PARAMETER_KINDS] = {
    [PARAMETER_START] = GW_STR_INIT("startIndex"),
    [PARAMETER_COUNT] = GW_STR_INIT("count"),
    [PARAMETER_FILTER] = GW_STR_INIT("filter"),
    [PARAMETER_ATTRIBUTES] = GW_STR_INIT("attributes"),
    [PARAMETER_EXCLUDED] = GW_STR_INIT("excludedAttributes"),
};

static const struct route_query query_default = {.start_index = 1, .count = QUERY_COUNT_DEFAULT};

/* Reads an integer of any length and brings it into [0, max] (rule R43: below is the least, RFC 7644 section 3.4.2.4).
 */
static bool read_clamped(struct gw_str text, uint64_t max, uint64_t *ret_number)
{
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        text = gw_str_from_pos(text, 1);
    if (text.len == 0)
        return false;
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        if (number <= max)
            number = number * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    if (number > max)
        number = max;
    *ret_number = is_negative ? 0 : number;
    return true;
}

static enum gw_code set_start(struct route_query *query, struct gw_str text, struct gw_error *err)
{
    if (!read_clamped(gw_str_trim(text), QUERY_START_MAX, &query->start_index))
        return gw_fail(err, GW_E_INVALID_VALUE, "startIndex: a whole number is needed");
    if (query->start_index < 1)
        query->start_index = 1;
    return GW_OK;
}

static enum gw_code set_count(struct route_query *query, struct gw_str text, struct gw_error *err)
{
    if (!read_clamped(gw_str_trim(text), QUERY_COUNT_MAX, &query->count))
        return gw_fail(err, GW_E_INVALID_VALUE, "count: a whole number is needed");
    return GW_OK;
}

static enum gw_code set_parameter(struct route_query *query, enum parameter parameter, struct gw_str value,
                                  struct gw_error *err)
{
    switch (parameter) {
    case PARAMETER_START:
        return set_start(query, value, err);
    case PARAMETER_COUNT:
        return set_count(query, value, err);
    case PARAMETER_FILTER:
        query->filter = gw_str_trim(value);
        return GW_OK;
    case PARAMETER_ATTRIBUTES:
        query->attributes = value;
        return GW_OK;
    case PARAMETER_EXCLUDED:
        query->excluded_attributes = value;
        return GW_OK;
    }
    return GW_OK;
}

/* The position in the table of names, or -1. */
static int find_parameter(struct gw_str name)
{
    for (int i = 0; i < PARAMETER_KINDS; i++) {
        if (gw_str_eq_nocase(parameter_names[i], name))
            return i;
    }
    return -1;
}

static bool decode(struct gw_arena *arena, struct gw_str raw, struct gw_str *ret_text)
{
    char *text = gw_arena_alloc(arena, raw.len + 1);
    size_t len = 0;
    if (!gw_str_percent_decode(raw, true, text, &len))
        return false;
    *ret_text = gw_str_n(text, len);
    return gw_str_find(*ret_text, '\0') < 0 && gw_utf8_valid(*ret_text);
}

static enum gw_code read_pair(struct gw_arena *arena, struct gw_str pair, unsigned *seen, struct route_query *query,
                              struct gw_error *err)
{
    struct gw_str raw_value = pair;
    struct gw_str raw_name = gw_str_split(&raw_value, '=');
    struct gw_str name;
    struct gw_str value;
    if (!decode(arena, raw_name, &name))
        return GW_OK; /* the name of no parameter of ours */
    int parameter = find_parameter(name);
    if (parameter < 0 || raw_value.len == 0)
        return GW_OK;
    enum gw_code code = parameter == PARAMETER_FILTER ? GW_E_INVALID_FILTER : GW_E_INVALID_VALUE;
    if (!decode(arena, raw_value, &value))
        return gw_fail(err, code, "%s: not percent-encoded UTF-8 text", parameter_names[parameter].ptr);
    if ((*seen & 1u << parameter) != 0)
        return gw_fail(err, code, "%s is given twice", parameter_names[parameter].ptr);
    *seen |= 1u << parameter;
    return set_parameter(query, (enum parameter)parameter, value, err);
}

enum gw_code route_query_parse(struct gw_arena *arena, struct gw_str query, struct route_query *ret_query,
                               struct gw_error *err)
{
    struct route_query result = query_default;
    unsigned seen = 0;
    size_t pairs = 0;
    while (query.ptr != NULL) {
        struct gw_str pair = gw_str_split(&query, '&');
        if (pair.len == 0)
            continue; /* OneLogin ends with '&' */
        if (++pairs > QUERY_PARAMETERS_MAX)
            return gw_fail(err, GW_E_INVALID_VALUE, "more than %u query parameters", QUERY_PARAMETERS_MAX);
        GW_TRY(read_pair(arena, pair, &seen, &result, err));
    }
    *ret_query = result;
    return GW_OK;
}

/* A SearchRequest has lists where the query string has commas. */
static enum gw_code join_names(struct gw_arena *arena, const struct json_value *list, const char *what,
                               struct gw_str *ret_text, struct gw_error *err)
{
    if (list->type != JSON_ARRAY)
        return gw_fail(err, GW_E_INVALID_VALUE, "%s: a list of attribute names is needed", what);
    GW_BUF_SCOPED(joined, 64u * 1024u);
    for (size_t i = 0; i < json_count(list); i++) {
        if (!json_is(list->array.items[i], JSON_STRING))
            return gw_fail(err, GW_E_INVALID_VALUE, "%s: a list of attribute names is needed", what);
        if (i > 0)
            gw_buf_add_byte(&joined, ',');
        gw_buf_add(&joined, list->array.items[i]->text);
    }
    *ret_text = gw_arena_copy(arena, gw_buf_str(&joined));
    return GW_OK;
}

static enum gw_code read_member(struct gw_arena *arena, enum parameter parameter, const struct json_value *value,
                                struct route_query *query, struct gw_error *err)
{
    const char *name = parameter_names[parameter].ptr;
    struct gw_str text = GW_STR_NONE;
    switch (parameter) {
    case PARAMETER_START:
    case PARAMETER_COUNT:
        if (value->type != JSON_NUMBER)
            return gw_fail(err, GW_E_INVALID_VALUE, "%s: a whole number is needed", name);
        text = value->text;
        break;
    case PARAMETER_FILTER:
        if (value->type != JSON_STRING)
            return gw_fail(err, GW_E_INVALID_VALUE, "%s: a string is needed", name);
        text = value->text;
        break;
    case PARAMETER_ATTRIBUTES:
    case PARAMETER_EXCLUDED:
        GW_TRY(join_names(arena, value, name, &text, err));
        break;
    }
    return text.len > 0 ? set_parameter(query, parameter, text, err) : GW_OK;
}

static bool names_search(const struct json_value *schemas)
{
    for (size_t i = 0; json_is(schemas, JSON_ARRAY) && i < json_count(schemas); i++) {
        const struct json_value *urn = schemas->array.items[i];
        if (json_is(urn, JSON_STRING) && gw_str_eq_nocase(urn->text, GW_STR(SCIM_URN_SEARCH)))
            return true;
    }
    return false;
}

enum gw_code route_query_read(struct gw_arena *arena, const struct json_value *body, struct route_query *ret_query,
                              struct gw_error *err)
{
    struct route_query result = query_default;
    if (!json_is(body, JSON_OBJECT))
        return gw_fail(err, GW_E_INVALID_SYNTAX, "a SearchRequest is a JSON object");
    if (!names_search(json_object_get_nocase(body, GW_STR("schemas"))))
        return gw_fail(err, GW_E_INVALID_SYNTAX, "schemas: must hold %s", SCIM_URN_SEARCH);
    for (int i = 0; i < PARAMETER_KINDS; i++) {
        const struct json_value *value = json_object_get_nocase(body, parameter_names[i]);
        if (value == NULL || value->type == JSON_NULL)
            continue;
        GW_TRY(read_member(arena, (enum parameter)i, value, &result, err));
    }
    *ret_query = result;
    return GW_OK;
}
