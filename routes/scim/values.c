/* values: duplicates among the values of one attribute. */
#include "routes/scim/value.h"

#include "gateway/json/write.h"

#include <stdlib.h>

#define FEW_NEW 8u /* new elements that are looked up one by one instead of sorting all */

/* What makes two elements the same (rule R7). */
struct identity {
    struct gw_str value;
    struct gw_str type;
    bool case_exact;
    size_t at;
};

static int compare_text(struct gw_str a, struct gw_str b, bool case_exact)
{
    if (case_exact)
        return gw_str_compare(a, b);
    size_t len = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < len; i++) {
        int diff = (unsigned char)gw_lower(a.ptr[i]) - (unsigned char)gw_lower(b.ptr[i]);
        if (diff != 0)
            return diff;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static int compare_identities(const struct identity *a, const struct identity *b)
{
    int diff = compare_text(a->value, b->value, a->case_exact);
    return diff != 0 ? diff : compare_text(a->type, b->type, false);
}

static int compare_for_sort(const void *a, const void *b)
{
    const struct identity *x = a;
    const struct identity *y = b;
    int diff = compare_identities(x, y);
    return diff != 0 ? diff : (x->at > y->at) - (x->at < y->at);
}

static struct gw_str text_of(const struct json_value *value)
{
    return json_is(value, JSON_STRING) ? value->text : GW_STR_NONE;
}

static struct identity identity_of(struct gw_arena *scratch, const struct scim_attribute *attribute,
                                   const struct json_value *element, size_t at)
{
    const struct scim_attribute *sub = scim_sub_find(attribute, GW_STR("value"));
    if (sub == NULL || element->type != JSON_OBJECT)
        return (struct identity){.value = json_text(scratch, element), .case_exact = true, .at = at};
    return (struct identity){
        .value = text_of(json_object_get(element, sub->name)),
        .type = text_of(json_object_get(element, GW_STR("type"))),
        .case_exact = sub->case_exact,
        .at = at,
    };
}

/* What the newer one says beyond value and type counts. */
static void merge(struct gw_arena *arena, struct json_value *into, const struct json_value *from)
{
    for (size_t i = 0; i < json_count(from) && from->type == JSON_OBJECT; i++) {
        const struct json_member *member = &from->object.members[i];
        if (!gw_str_eq(member->name, GW_STR("value")) && !gw_str_eq(member->name, GW_STR("type")))
            json_object_set(arena, into, member->name, member->value);
    }
}

static void drop_marked(struct json_value *array, const bool *dropped)
{
    uint32_t kept = 0;
    for (size_t i = 0; i < array->array.count; i++) {
        if (!dropped[i])
            array->array.items[kept++] = array->array.items[i];
    }
    array->array.count = kept;
}

static void mark_sorted(struct gw_arena *arena, struct json_value *array, struct identity *identities, size_t first_new,
                        bool *dropped)
{
    size_t count = array->array.count;
    qsort(identities, count, sizeof *identities, compare_for_sort);
    size_t first = 0;
    for (size_t i = 1; i < count; i++) {
        if (compare_identities(&identities[first], &identities[i]) != 0 || identities[i].at < first_new) {
            first = i;
            continue;
        }
        merge(arena, array->array.items[identities[first].at], array->array.items[identities[i].at]);
        dropped[identities[i].at] = true;
    }
}

static void mark_one_by_one(struct gw_arena *arena, struct json_value *array, const struct identity *identities,
                            size_t first_new, bool *dropped)
{
    for (size_t i = first_new; i < array->array.count; i++) {
        for (size_t j = 0; j < i && !dropped[i]; j++) {
            if (dropped[j] || compare_identities(&identities[i], &identities[j]) != 0)
                continue;
            merge(arena, array->array.items[j], array->array.items[i]);
            dropped[i] = true;
        }
    }
}

void scim_values_dedupe(struct gw_arena *arena, const struct scim_attribute *attribute, struct json_value *array,
                        size_t first_new)
{
    size_t count = json_count(array);
    if (count < 2 || first_new >= count)
        return;
    GW_ARENA_SCOPED(scratch);
    struct identity *identities = gw_arena_array(&scratch, count, sizeof *identities);
    bool *dropped = gw_arena_array(&scratch, count, sizeof *dropped);
    for (size_t i = 0; i < count; i++)
        identities[i] = identity_of(&scratch, attribute, array->array.items[i], i);
    if (count - first_new <= FEW_NEW)
        mark_one_by_one(arena, array, identities, first_new, dropped);
    else
        mark_sorted(arena, array, identities, first_new, dropped);
    drop_marked(array, dropped);
}
