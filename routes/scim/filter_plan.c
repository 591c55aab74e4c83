#include "routes/scim/filter_plan.h"

struct lookups {
    struct scim_lookup *items;
    size_t count;
    bool modified; /* one of them is a range of times, which may name most of the folder */
};

struct planner {
    struct gw_arena *arena;
    bool group;
};

static bool is_named(const struct scim_attribute *attribute, struct gw_str name)
{
    return attribute != NULL && gw_str_eq(attribute->name, name);
}

/* Which index holds `attribute` (of an element of `outer` when we are in brackets)? */
static bool find_index(const struct planner *planner, const struct scim_filter *filter,
                       const struct scim_attribute *outer, enum scim_lookup_kind *ret_kind)
{
    const struct scim_attribute *attribute = outer != NULL ? outer : filter->ref.attribute;
    const struct scim_attribute *sub = outer != NULL ? filter->ref.attribute : filter->ref.sub;
    if (filter->ref.extension != NULL)
        return false;
    bool value = is_named(sub, GW_STR("value"));
    if (is_named(attribute, GW_STR("id")))
        *ret_kind = SCIM_LOOKUP_ID;
    else if (planner->group && is_named(attribute, GW_STR("displayName")))
        *ret_kind = SCIM_LOOKUP_DISPLAY_NAME;
    else if (planner->group && is_named(attribute, GW_STR("members")) && value)
        *ret_kind = SCIM_LOOKUP_MEMBER;
    else if (!planner->group && is_named(attribute, GW_STR("userName")))
        *ret_kind = SCIM_LOOKUP_USER_NAME;
    else if (is_named(attribute, GW_STR("externalId")))
        *ret_kind = SCIM_LOOKUP_EXTERNAL_ID;
    else if (!planner->group && is_named(attribute, GW_STR("emails")) && value)
        *ret_kind = SCIM_LOOKUP_EMAIL;
    else
        return false;
    return true;
}

/* The times that a comparison of meta.lastModified leaves; whole milliseconds, as they are kept. */
static bool find_times(const struct scim_filter *filter, struct scim_lookup *ret_lookup)
{
    int64_t time_ms = filter->time_ms;
    if (!is_named(filter->ref.attribute, GW_STR("meta")) || !is_named(filter->ref.sub, GW_STR("lastModified")))
        return false;
    *ret_lookup = (struct scim_lookup){.kind = SCIM_LOOKUP_MODIFIED, .since_ms = 0, .until_ms = INT64_MAX};
    switch (filter->op) {
    case SCIM_EQ:
        ret_lookup->since_ms = ret_lookup->until_ms = time_ms;
        break;
    case SCIM_GT:
        ret_lookup->since_ms = time_ms + 1;
        break;
    case SCIM_GE:
        ret_lookup->since_ms = time_ms;
        break;
    case SCIM_LT:
        ret_lookup->until_ms = time_ms - 1;
        break;
    case SCIM_LE:
        ret_lookup->until_ms = time_ms;
        break;
    case SCIM_NE:
    case SCIM_CO:
    case SCIM_SW:
    case SCIM_EW:
        return false;
    }
    if (ret_lookup->since_ms < 0)
        ret_lookup->since_ms = 0;
    return true;
}

static bool plan_compare(const struct planner *planner, const struct scim_filter *filter,
                         const struct scim_attribute *outer, struct lookups *ret_lookups)
{
    struct scim_lookup lookup = {0};
    if (filter->literal->type != JSON_STRING)
        return false;
    if (outer != NULL || !find_times(filter, &lookup)) {
        if (filter->op != SCIM_EQ || !find_index(planner, filter, outer, &lookup.kind))
            return false;
        lookup.value = filter->literal->text;
    }
    ret_lookups->items = gw_arena_array(planner->arena, 1, sizeof lookup);
    ret_lookups->items[0] = lookup;
    ret_lookups->count = 1;
    ret_lookups->modified = lookup.kind == SCIM_LOOKUP_MODIFIED;
    return true;
}

static bool plan(const struct planner *planner, const struct scim_filter *filter, const struct scim_attribute *outer,
                 struct lookups *ret_lookups);

/* Two ranges of times make one. */
static bool intersect(struct lookups *lookups, const struct lookups *other)
{
    if (!lookups->modified || !other->modified || lookups->count != 1 || other->count != 1)
        return false;
    if (other->items->since_ms > lookups->items->since_ms)
        lookups->items->since_ms = other->items->since_ms;
    if (other->items->until_ms < lookups->items->until_ms)
        lookups->items->until_ms = other->items->until_ms;
    return true;
}

/* Any one operand is enough: the one with the fewest lookups, a range of times last. */
static bool plan_and(const struct planner *planner, const struct scim_filter *filter,
                     const struct scim_attribute *outer, struct lookups *ret_lookups)
{
    bool found = false;
    for (size_t i = 0; i < filter->child_count; i++) {
        struct lookups one = {0};
        if (!plan(planner, filter->children[i], outer, &one))
            continue;
        if (found && intersect(ret_lookups, &one))
            continue;
        if (!found || (ret_lookups->modified && !one.modified) ||
            (ret_lookups->modified == one.modified && one.count < ret_lookups->count))
            *ret_lookups = one;
        found = true;
    }
    return found;
}

/* All operands must have an index. */
static bool plan_or(const struct planner *planner, const struct scim_filter *filter, const struct scim_attribute *outer,
                    struct lookups *ret_lookups)
{
    struct lookups all = {.items = gw_arena_array(planner->arena, SCIM_FILTER_TERMS_MAX, sizeof *all.items)};
    for (size_t i = 0; i < filter->child_count; i++) {
        struct lookups one = {0};
        if (!plan(planner, filter->children[i], outer, &one) || all.count + one.count > SCIM_FILTER_TERMS_MAX)
            return false;
        memcpy(all.items + all.count, one.items, one.count * sizeof *one.items);
        all.count += one.count;
        all.modified = all.modified || one.modified;
    }
    *ret_lookups = all;
    return true;
}

static bool plan(const struct planner *planner, const struct scim_filter *filter, const struct scim_attribute *outer,
                 struct lookups *ret_lookups)
{
    switch (filter->kind) {
    case SCIM_FILTER_COMPARE:
        return plan_compare(planner, filter, outer, ret_lookups);
    case SCIM_FILTER_AND:
        return plan_and(planner, filter, outer, ret_lookups);
    case SCIM_FILTER_OR:
        return plan_or(planner, filter, outer, ret_lookups);
    case SCIM_FILTER_VALUE_PATH:
        return filter->ref.extension == NULL && plan(planner, filter->children[0], filter->ref.attribute, ret_lookups);
    case SCIM_FILTER_PRESENT:
    case SCIM_FILTER_NOT:
        break;
    }
    return false;
}

struct scim_plan scim_filter_plan(struct gw_arena *arena, const struct scim_filter *filter,
                                  const struct scim_resource_type *type)
{
    struct planner planner = {arena, gw_str_eq(type->name, GW_STR("Group"))};
    struct lookups lookups = {0};
    bool indexed = planner.group || gw_str_eq(type->name, GW_STR("User"));
    if (!indexed || !plan(&planner, filter, NULL, &lookups))
        return (struct scim_plan){.scan = true};
    bool exact = filter->kind == SCIM_FILTER_COMPARE && lookups.modified;
    return (struct scim_plan){.lookups = lookups.items, .lookup_count = lookups.count, .exact = exact};
}
