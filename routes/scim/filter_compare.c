#include "routes/scim/filter_compare.h"

#include "gateway/base/clock.h"
#include "gateway/base/text.h"

static bool is_order(enum scim_op op)
{
    return op == SCIM_GT || op == SCIM_GE || op == SCIM_LT || op == SCIM_LE;
}

static bool is_text_part(enum scim_op op)
{
    return op == SCIM_CO || op == SCIM_SW || op == SCIM_EW;
}

static enum gw_code refuse_for(struct scim_filter_scanner *scanner, const struct scim_attribute *attribute,
                               const char *why)
{
    return scim_scan_refuse_name(scanner, why, attribute->name);
}

static enum gw_code bind_text(struct scim_filter_scanner *scanner, const struct scim_attribute *attribute,
                              struct scim_filter *filter)
{
    if (filter->literal->type != JSON_STRING)
        return refuse_for(scanner, attribute, "a string in quotes is needed for");
    if (attribute->type == SCIM_BINARY && is_order(filter->op))
        return refuse_for(scanner, attribute, "there is no order of values for");
    if (attribute->type == SCIM_DATETIME && !is_text_part(filter->op) &&
        !gw_time_parse(filter->literal->text, &filter->time_ms))
        return refuse_for(scanner, attribute, "a date and time such as 2026-01-31T12:00:00Z is needed for");
    filter->folded = filter->literal->text;
    if (!attribute->case_exact && !gw_name_fold(scanner->arena, filter->literal->text, &filter->folded))
        return refuse_for(scanner, attribute, "well-formed text is needed for");
    return GW_OK;
}

static enum gw_code bind_boolean(struct scim_filter_scanner *scanner, const struct scim_attribute *attribute,
                                 struct scim_filter *filter)
{
    const struct json_value *literal = filter->literal;
    if (filter->op != SCIM_EQ && filter->op != SCIM_NE)
        return refuse_for(scanner, attribute, "only eq, ne and pr are possible for");
    if (literal->type == JSON_STRING && scanner->boolean_text) {
        bool yes = gw_str_eq_nocase(literal->text, GW_STR("true"));
        if (yes || gw_str_eq_nocase(literal->text, GW_STR("false")))
            filter->literal = json_bool_new(scanner->arena, yes);
    }
    return filter->literal->type == JSON_BOOL ? GW_OK : refuse_for(scanner, attribute, "true or false is needed for");
}

static enum gw_code bind_number(struct scim_filter_scanner *scanner, const struct scim_attribute *attribute,
                                const struct scim_filter *filter)
{
    if (is_text_part(filter->op))
        return refuse_for(scanner, attribute, "co, sw and ew are not possible for");
    return filter->literal->type == JSON_NUMBER ? GW_OK : refuse_for(scanner, attribute, "a number is needed for");
}

/* RFC 7644 compares emails with a text and means emails.value. */
static const struct scim_attribute *target_of(struct scim_filter *filter)
{
    const struct scim_attribute *attribute = filter->ref.sub != NULL ? filter->ref.sub : filter->ref.attribute;
    if (attribute->type == SCIM_COMPLEX && filter->ref.sub == NULL) {
        filter->ref.sub = scim_sub_find(attribute, GW_STR("value"));
        return filter->ref.sub;
    }
    return attribute;
}

enum gw_code scim_filter_bind(struct scim_filter_scanner *scanner, struct scim_filter *filter)
{
    if (filter->literal->type == JSON_NULL)
        return filter->op == SCIM_EQ || filter->op == SCIM_NE
                   ? GW_OK
                   : scim_scan_refuse(scanner, "null can be compared with eq and ne only");
    const struct scim_attribute *attribute = target_of(filter);
    if (attribute == NULL)
        return refuse_for(scanner, filter->ref.attribute, "a sub-attribute is needed to compare");
    switch (attribute->type) {
    case SCIM_BOOLEAN:
        return bind_boolean(scanner, attribute, filter);
    case SCIM_INTEGER:
    case SCIM_DECIMAL:
        return bind_number(scanner, attribute, filter);
    case SCIM_STRING:
    case SCIM_DATETIME:
    case SCIM_BINARY:
    case SCIM_REFERENCE:
        return bind_text(scanner, attribute, filter);
    case SCIM_COMPLEX:
        break;
    }
    return refuse_for(scanner, attribute, "a sub-attribute is needed to compare");
}
