/* patch_values: PATCH steps on multi-valued attributes, with and without a value filter. */
#include "routes/scim/patch_apply.h"

static enum gw_code no_target(struct scim_patcher *patcher, const struct scim_attribute *attribute)
{
    return gw_fail(patcher->err, GW_E_NO_TARGET, "no value of %.*s matches the filter", GW_STR_ARG(attribute->name));
}

/* Many steps on many values multiply; none of them alone is large. */
static enum gw_code spend(struct scim_patcher *patcher, size_t values, size_t each)
{
    patcher->work += values * (each + 1);
    return patcher->work <= SCIM_PATCH_WORK_MAX
               ? GW_OK
               : gw_fail(patcher->err, GW_E_TOO_LARGE, "the PATCH takes too many comparisons: send it in parts");
}

static bool is_primary(const struct json_value *element)
{
    const struct json_value *primary = json_object_get(element, GW_STR("primary"));
    return json_is(primary, JSON_BOOL) && primary->boolean;
}

/* A new primary value takes the mark from the others (rule R75). `spared` NULL: from all. */
static void clear_primaries(struct json_value *array, const bool *spared)
{
    for (size_t i = 0; i < json_count(array); i++) {
        if ((spared == NULL || !spared[i]) && is_primary(array->array.items[i]))
            json_object_get(array->array.items[i], GW_STR("primary"))->boolean = false;
    }
}

static enum gw_code check_count(struct scim_patcher *patcher, const struct scim_attribute *attribute,
                                const struct json_value *array)
{
    size_t count_max = attribute->values_max > 0 ? attribute->values_max : SCIM_VALUES_MAX;
    return json_count(array) <= count_max ? GW_OK
                                          : gw_fail(patcher->err, GW_E_INVALID_VALUE, "%.*s has more than %zu values",
                                                    GW_STR_ARG(attribute->name), count_max);
}

static struct json_value *array_in(struct scim_patcher *patcher, const struct scim_attribute *attribute,
                                   struct json_value *container)
{
    struct json_value *array = json_object_get(container, attribute->name);
    if (array == NULL) {
        array = json_array_new(patcher->arena);
        json_object_append(patcher->arena, container, attribute->name, array);
    }
    return array;
}

/* Elements that say nothing any more go, and so does an attribute without elements. */
static void drop_hollow(const struct scim_attribute *attribute, struct json_value *container)
{
    struct json_value *array = json_object_get(container, attribute->name);
    uint32_t kept = 0;
    for (size_t i = 0; i < json_count(array); i++) {
        struct json_value *element = array->array.items[i];
        bool empty = element->type == JSON_OBJECT && element->object.count == 0;
        if (!empty && !scim_value_is_hollow(attribute, element))
            array->array.items[kept++] = element;
    }
    if (array != NULL)
        array->array.count = kept;
    if (array != NULL && kept == 0)
        (void)json_object_remove(container, attribute->name);
}

/* --- without a filter --- */

static enum gw_code add_all(struct scim_patcher *patcher, const struct scim_attribute *attribute,
                            struct json_value *container, const struct json_value *added)
{
    struct json_value *array = array_in(patcher, attribute, container);
    size_t first_new = array->array.count;
    GW_TRY(spend(patcher, first_new + added->array.count, 1));
    if (scim_values_count_primary(added) > 0)
        clear_primaries(array, NULL);
    for (size_t i = 0; i < added->array.count; i++)
        json_array_append(patcher->arena, array, added->array.items[i]);
    scim_values_dedupe(patcher->arena, attribute, array, first_new);
    return check_count(patcher, attribute, array);
}

static enum gw_code set_all(struct scim_patcher *patcher, const struct scim_patch_step *step,
                            struct json_value *container)
{
    const struct scim_attribute *attribute = step->path.ref.attribute;
    struct json_value *read;
    GW_TRY(scim_value_read(&patcher->reader, attribute, step->value, &read, patcher->err));
    if (step->op == SCIM_PATCH_ADD)
        return read != NULL ? add_all(patcher, attribute, container, read) : GW_OK;
    if (read == NULL && attribute->required)
        return gw_fail(patcher->err, GW_E_INVALID_VALUE, "%.*s is required", GW_STR_ARG(attribute->name));
    if (read != NULL)
        json_object_set(patcher->arena, container, attribute->name, read);
    else
        (void)json_object_remove(container, attribute->name);
    return GW_OK;
}

static bool text_equal(const struct json_value *a, const struct json_value *b, const struct scim_attribute *attribute)
{
    if (json_is(a, JSON_STRING) && json_is(b, JSON_STRING) && !attribute->case_exact)
        return gw_str_eq_nocase(a->text, b->text);
    return json_equal(a, b);
}

/* Does the element have everything that the client's entry names, apart from what only describes it? */
static bool is_listed(const struct scim_attribute *attribute, const struct json_value *element,
                      const struct json_value *entry)
{
    if (entry->type != JSON_OBJECT)
        return text_equal(element, entry, attribute);
    bool by_value = json_object_get(entry, GW_STR("value")) != NULL;
    for (size_t i = 0; i < entry->object.count; i++) {
        const struct json_member *member = &entry->object.members[i];
        bool counts = !by_value || gw_str_eq(member->name, GW_STR("value")) || gw_str_eq(member->name, GW_STR("type"));
        const struct scim_attribute *sub = scim_sub_find(attribute, member->name);
        if (counts && !text_equal(json_object_get(element, member->name), member->value, sub))
            return false;
    }
    return true;
}

/* Entra removes members by a list of values beside the path (scim-clients.md 9). */
static enum gw_code remove_listed(struct scim_patcher *patcher, const struct scim_patch_step *step,
                                  struct json_value *container)
{
    const struct scim_attribute *attribute = step->path.ref.attribute;
    struct json_value *array = json_object_get(container, attribute->name);
    struct json_value *list;
    GW_TRY(scim_value_read(&patcher->reader, attribute, step->value, &list, patcher->err));
    GW_TRY(spend(patcher, json_count(array), json_count(list)));
    uint32_t kept = 0;
    for (size_t i = 0; i < json_count(array); i++) {
        bool listed = false;
        for (size_t j = 0; j < json_count(list) && !listed; j++)
            listed = is_listed(attribute, array->array.items[i], list->array.items[j]);
        if (!listed)
            array->array.items[kept++] = array->array.items[i];
    }
    if (array != NULL)
        array->array.count = kept;
    drop_hollow(attribute, container);
    return GW_OK;
}

static enum gw_code remove_all(struct scim_patcher *patcher, const struct scim_patch_step *step,
                               struct json_value *container)
{
    if (scim_patch_has_value(step))
        return remove_listed(patcher, step, container);
    GW_TRY(scim_patch_may_remove(patcher, step->path.ref.attribute));
    (void)json_object_remove(container, step->path.ref.attribute->name);
    return GW_OK;
}

/* --- some of the values: those that match the filter, or all of them when only a sub-attribute is named --- */

struct selection {
    bool *chosen;
    size_t count;
};

static struct selection select_values(struct scim_patcher *patcher, const struct scim_path *path,
                                      const struct json_value *array)
{
    GW_ARENA_SCOPED(scratch);
    struct selection selection = {gw_arena_array(patcher->arena, json_count(array), sizeof(bool)), 0};
    for (size_t i = 0; i < json_count(array); i++) {
        selection.chosen[i] =
            path->filter == NULL || scim_filter_matches_value(path->filter, array->array.items[i], &scratch);
        selection.count += selection.chosen[i];
    }
    return selection;
}

/* add makes what is not there (RFC 7644 section 3.5.2.1), so it may also be named by its value. */
static bool is_template_name(enum scim_patch_op op, struct gw_str name)
{
    return gw_str_eq(name, GW_STR("type")) || gw_str_eq(name, GW_STR("primary")) ||
           (op == SCIM_PATCH_ADD && gw_str_eq(name, GW_STR("value")));
}

/* What an element must hold to match: only for filters that are made of equality with such names. */
static bool fill_template(struct scim_patcher *patcher, enum scim_patch_op op, const struct scim_filter *filter,
                          struct json_value *element)
{
    if (filter->kind == SCIM_FILTER_AND) {
        bool ok = true;
        for (size_t i = 0; i < filter->child_count; i++)
            ok = fill_template(patcher, op, filter->children[i], element) && ok;
        return ok;
    }
    const struct scim_attribute *sub = filter->ref.attribute;
    /* An empty text is no value (RFC 7643 section 2.5). */
    bool named = filter->kind == SCIM_FILTER_COMPARE && filter->op == SCIM_EQ && filter->literal->type != JSON_NULL &&
                 !(filter->literal->type == JSON_STRING && filter->literal->text.len == 0) &&
                 sub->mutability != SCIM_READ_ONLY && is_template_name(op, sub->name);
    if (named && json_object_get(element, sub->name) == NULL)
        json_object_append(patcher->arena, element, sub->name, json_copy(patcher->arena, filter->literal));
    return named;
}

/* Entra expects that the element appears when the filter matches nothing (scim-clients.md 9). */
static enum gw_code create_element(struct scim_patcher *patcher, const struct scim_patch_step *step,
                                   struct json_value *container, struct json_value *read)
{
    const struct scim_attribute *attribute = step->path.ref.attribute;
    struct json_value *element = json_object_new(patcher->arena);
    if (step->path.ref.sub != NULL)
        json_object_append(patcher->arena, element, step->path.ref.sub->name, read);
    else
        element = read;
    if (step->path.filter != NULL && !fill_template(patcher, step->op, step->path.filter, element))
        return no_target(patcher, attribute);
    struct json_value *added = json_array_new(patcher->arena);
    json_array_append(patcher->arena, added, element);
    GW_TRY(add_all(patcher, attribute, container, added));
    drop_hollow(attribute, container);
    return GW_OK;
}

static enum gw_code set_element(struct scim_patcher *patcher, const struct scim_patch_step *step,
                                struct json_value *element, const struct json_value *read)
{
    const struct scim_attribute *attribute = step->path.ref.attribute;
    for (size_t i = 0; i < attribute->sub_count; i++) {
        const struct scim_attribute *sub = &attribute->subs[i];
        const struct json_value *given = json_object_get(read, sub->name);
        /* The filter said which type it is; a replacement that does not repeat it means the same one */
        bool stays = given == NULL && (step->op == SCIM_PATCH_ADD || sub->mutability == SCIM_READ_ONLY ||
                                       sub->mutability == SCIM_IMMUTABLE || gw_str_eq(sub->name, GW_STR("type")));
        if (!stays)
            GW_TRY(scim_patch_set_sub(patcher, sub, element, given != NULL ? json_copy(patcher->arena, given) : NULL));
    }
    return GW_OK;
}

static enum gw_code set_chosen(struct scim_patcher *patcher, const struct scim_patch_step *step,
                               struct json_value *array, const struct selection *selection,
                               const struct json_value *read)
{
    const struct scim_attribute *sub = step->path.ref.sub;
    bool primary = sub != NULL ? gw_str_eq(sub->name, GW_STR("primary")) && json_is(read, JSON_BOOL) && read->boolean
                               : is_primary(read);
    if (primary && selection->count > 1)
        return gw_fail(patcher->err, GW_E_INVALID_VALUE, "only one value can be primary");
    if (primary)
        clear_primaries(array, selection->chosen);
    for (size_t i = 0; i < array->array.count; i++) {
        struct json_value *element = array->array.items[i];
        if (!selection->chosen[i])
            continue;
        GW_TRY(sub == NULL
                   ? set_element(patcher, step, element, read)
                   : scim_patch_set_sub(patcher, sub, element, read != NULL ? json_copy(patcher->arena, read) : NULL));
    }
    scim_values_dedupe(patcher->arena, step->path.ref.attribute, array, 0);
    return GW_OK;
}

static enum gw_code remove_chosen(struct scim_patcher *patcher, const struct scim_patch_step *step,
                                  struct json_value *container, const struct selection *selection)
{
    const struct scim_attribute *attribute = step->path.ref.attribute;
    struct json_value *array = json_object_get(container, attribute->name);
    uint32_t kept = 0;
    for (size_t i = 0; i < json_count(array); i++) {
        struct json_value *element = array->array.items[i];
        if (selection->chosen[i] && step->path.ref.sub == NULL)
            continue;
        if (selection->chosen[i])
            GW_TRY(scim_patch_set_sub(patcher, step->path.ref.sub, element, NULL));
        array->array.items[kept++] = element;
    }
    if (array != NULL)
        array->array.count = kept;
    drop_hollow(attribute, container);
    return GW_OK;
}

static enum gw_code apply_to_none(struct scim_patcher *patcher, const struct scim_patch_step *step,
                                  struct json_value *container, struct json_value *read)
{
    const struct scim_attribute *attribute = step->path.ref.attribute;
    if (step->op != SCIM_PATCH_REMOVE)
        return read != NULL ? create_element(patcher, step, container, read) : GW_OK;
    /* A member that is gone already must not fail Okta's task (scim-clients.md 9); a plain path is like absence */
    bool success = step->path.filter == NULL || gw_str_eq(attribute->name, GW_STR("members"));
    return success ? GW_OK : no_target(patcher, attribute);
}

static enum gw_code apply_to_some(struct scim_patcher *patcher, const struct scim_patch_step *step,
                                  struct json_value *container)
{
    const struct scim_attribute *attribute = step->path.ref.attribute;
    const struct scim_attribute *sub = step->path.ref.sub;
    struct json_value *array = json_object_get(container, attribute->name);
    struct json_value *read = NULL;
    if (step->op != SCIM_PATCH_REMOVE)
        GW_TRY(sub != NULL ? scim_value_read(&patcher->reader, sub, step->value, &read, patcher->err)
                           : scim_value_read_element(&patcher->reader, attribute, step->value, &read, patcher->err));
    GW_TRY(spend(patcher, json_count(array), step->path.terms + 1));
    struct selection selection = select_values(patcher, &step->path, array);
    if (selection.count == 0)
        return apply_to_none(patcher, step, container, read);
    if (step->op == SCIM_PATCH_REMOVE || (read == NULL && sub == NULL && step->op == SCIM_PATCH_REPLACE))
        return remove_chosen(patcher, step, container, &selection);
    if (read == NULL && sub == NULL)
        return GW_OK;
    GW_TRY(set_chosen(patcher, step, array, &selection, read));
    drop_hollow(attribute, container);
    return GW_OK;
}

enum gw_code scim_patch_values(struct scim_patcher *patcher, const struct scim_patch_step *step,
                               struct json_value *container)
{
    if (step->path.filter != NULL || step->path.ref.sub != NULL)
        return apply_to_some(patcher, step, container);
    return step->op == SCIM_PATCH_REMOVE ? remove_all(patcher, step, container) : set_all(patcher, step, container);
}
