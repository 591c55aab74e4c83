#include "routes/scim/patch_apply.h"

#include "routes/scim/resource.h"

bool scim_patch_has_value(const struct scim_patch_step *step)
{
    return step->value != NULL && step->value->type != JSON_NULL;
}

enum gw_code scim_patch_may_remove(struct scim_patcher *patcher, const struct scim_attribute *attribute)
{
    return attribute->required ? gw_fail(patcher->err, GW_E_MUTABILITY, "%.*s is required and cannot be removed",
                                         GW_STR_ARG(attribute->name))
                               : GW_OK;
}

enum gw_code scim_patch_set_sub(struct scim_patcher *patcher, const struct scim_attribute *sub,
                                struct json_value *object, struct json_value *value)
{
    const struct json_value *before = json_object_get(object, sub->name);
    if (sub->mutability == SCIM_IMMUTABLE && before != NULL && !json_equal(before, value))
        return gw_fail(patcher->err, GW_E_MUTABILITY, "%.*s cannot be changed", GW_STR_ARG(sub->name));
    if (value != NULL) {
        json_object_set(patcher->arena, object, sub->name, value);
        return GW_OK;
    }
    GW_TRY(scim_patch_may_remove(patcher, sub));
    (void)json_object_remove(object, sub->name);
    return GW_OK;
}

static enum gw_code unassign(struct scim_patcher *patcher, const struct scim_attribute *attribute,
                             struct json_value *container)
{
    if (attribute->required)
        return gw_fail(patcher->err, GW_E_INVALID_VALUE, "%.*s is required", GW_STR_ARG(attribute->name));
    (void)json_object_remove(container, attribute->name);
    return GW_OK;
}

/* Only what the client names changes (rule R74); null unassigns a member. */
static enum gw_code merge_object(struct scim_patcher *patcher, const struct scim_attribute *attribute,
                                 const struct json_value *value, struct json_value *object)
{
    for (size_t i = 0; i < attribute->sub_count; i++) {
        const struct scim_attribute *sub = &attribute->subs[i];
        const struct json_value *given = json_object_get_nocase(value, sub->name);
        struct json_value *read;
        if (given == NULL || sub->mutability == SCIM_READ_ONLY || sub->discarded)
            continue;
        GW_TRY(scim_value_read(&patcher->reader, sub, given, &read, patcher->err));
        GW_TRY(scim_patch_set_sub(patcher, sub, object, read));
    }
    return GW_OK;
}

/* Nothing is left, or all but the "value" that the attribute is about. */
static bool says_nothing(const struct scim_attribute *attribute, const struct json_value *object)
{
    return json_count(object) == 0 ||
           (scim_sub_find(attribute, GW_STR("value")) != NULL && json_object_get(object, GW_STR("value")) == NULL);
}

static enum gw_code set_single(struct scim_patcher *patcher, const struct scim_attribute *attribute,
                               const struct json_value *value, struct json_value *container)
{
    struct json_value *before = json_object_get(container, attribute->name);
    struct json_value *read;
    GW_TRY(scim_value_read(&patcher->reader, attribute, value, &read, patcher->err));
    /* A new "value" is another thing altogether (manager): what stood beside the old one does not belong to it */
    bool merge = attribute->type == SCIM_COMPLEX && value->type == JSON_OBJECT && before != NULL &&
                 json_object_get(read, GW_STR("value")) == NULL;
    if (merge) {
        GW_TRY(merge_object(patcher, attribute, value, before));
        if (says_nothing(attribute, before))
            (void)json_object_remove(container, attribute->name);
        return GW_OK;
    }
    if (read == NULL)
        return unassign(patcher, attribute, container);
    json_object_set(patcher->arena, container, attribute->name, read);
    return GW_OK;
}

static enum gw_code apply_sub(struct scim_patcher *patcher, const struct scim_patch_step *step,
                              struct json_value *container)
{
    const struct scim_attribute *attribute = step->path.ref.attribute;
    struct json_value *object = json_object_get(container, attribute->name);
    struct json_value *read = NULL;
    if (step->op != SCIM_PATCH_REMOVE)
        GW_TRY(scim_value_read(&patcher->reader, step->path.ref.sub, step->value, &read, patcher->err));
    if (object == NULL && read == NULL)
        return GW_OK;
    if (object == NULL) {
        object = json_object_new(patcher->arena);
        json_object_append(patcher->arena, container, attribute->name, object);
    }
    GW_TRY(scim_patch_set_sub(patcher, step->path.ref.sub, object, read));
    if (says_nothing(attribute, object))
        (void)json_object_remove(container, attribute->name);
    return GW_OK;
}

static enum gw_code apply_single(struct scim_patcher *patcher, const struct scim_patch_step *step,
                                 struct json_value *container)
{
    const struct scim_attribute *attribute = step->path.ref.attribute;
    if (step->path.ref.sub != NULL)
        return apply_sub(patcher, step, container);
    if (step->op != SCIM_PATCH_REMOVE)
        return set_single(patcher, attribute, step->value, container);
    GW_TRY(scim_patch_may_remove(patcher, attribute));
    (void)json_object_remove(container, attribute->name);
    return GW_OK;
}

/* A whole extension: removed, or replaced by nothing. Objects were spread when the patch was parsed. */
static enum gw_code apply_extension(struct scim_patcher *patcher, const struct scim_patch_step *step)
{
    struct gw_str urn = step->path.ref.extension->urn;
    if (step->op != SCIM_PATCH_REMOVE && scim_patch_has_value(step))
        return gw_fail(patcher->err, GW_E_INVALID_VALUE, "%.*s must be an object", GW_STR_ARG(urn));
    if (step->op != SCIM_PATCH_ADD)
        (void)json_object_remove(patcher->resource, urn);
    return GW_OK;
}

static enum gw_code apply_step(struct scim_patcher *patcher, const struct scim_patch_step *step)
{
    const struct scim_ref *ref = &step->path.ref;
    if (ref->attribute == NULL)
        return apply_extension(patcher, step);
    if (ref->extension == NULL)
        return ref->attribute->multi_valued ? scim_patch_values(patcher, step, patcher->resource)
                                            : apply_single(patcher, step, patcher->resource);
    struct json_value *container = json_object_get(patcher->resource, ref->extension->urn);
    if (container == NULL) {
        container = json_object_new(patcher->arena);
        json_object_append(patcher->arena, patcher->resource, ref->extension->urn, container);
    }
    GW_TRY(ref->attribute->multi_valued ? scim_patch_values(patcher, step, container)
                                        : apply_single(patcher, step, container));
    if (json_count(container) == 0)
        (void)json_object_remove(patcher->resource, ref->extension->urn);
    return GW_OK;
}

enum gw_code scim_patch_apply(struct gw_arena *arena, const struct scim_resource_type *type,
                              const struct json_value *resource, const struct scim_patch *patch,
                              struct json_value **ret_resource, bool *ret_changed, struct gw_error *err)
{
    struct scim_patcher patcher = {
        .arena = arena,
        .type = type,
        .resource = json_copy(arena, resource),
        .reader = {arena, SCIM_READ_LENIENT, NULL},
        .err = err,
    };
    for (size_t i = 0; i < patch->count; i++)
        GW_TRY(apply_step(&patcher, &patch->steps[i]));
    GW_TRY(scim_resource_check(type, patcher.resource, err));
    json_object_set(arena, patcher.resource, GW_STR("schemas"), scim_resource_schemas(arena, type, patcher.resource));
    *ret_changed = !json_equal(resource, patcher.resource);
    *ret_resource = patcher.resource;
    return GW_OK;
}
