#include "routes/scim/projection.h"

static enum gw_code parse_names(struct gw_arena *arena, struct gw_str names, struct scim_projection *projection,
                                struct gw_error *err)
{
    struct scim_ref *refs = gw_arena_array(arena, SCIM_PROJECTION_NAMES_MAX, sizeof *refs);
    size_t seen = 0;
    for (struct gw_str rest = names; rest.ptr != NULL;) {
        struct gw_str name = gw_str_trim(gw_str_split(&rest, ','));
        if (++seen > SCIM_PROJECTION_NAMES_MAX)
            return gw_fail(err, GW_E_INVALID_VALUE, "more than %d attribute names", SCIM_PROJECTION_NAMES_MAX);
        struct scim_ref ref;
        if (name.len > 0 && scim_ref_find(projection->type, name, &ref))
            refs[projection->ref_count++] = ref;
    }
    projection->refs = refs;
    return GW_OK;
}

enum gw_code scim_projection_parse(struct gw_arena *arena, const struct scim_resource_type *type,
                                   struct gw_str attributes, struct gw_str excluded,
                                   struct scim_projection *ret_projection, struct gw_error *err)
{
    struct scim_projection projection = {.type = type, .only = attributes.len > 0};
    if (attributes.len > 0 && excluded.len > 0)
        return gw_fail(err, GW_E_INVALID_VALUE, "attributes and excludedAttributes exclude each other");
    if (attributes.len > SCIM_PROJECTION_BYTES_MAX || excluded.len > SCIM_PROJECTION_BYTES_MAX)
        return gw_fail(err, GW_E_INVALID_VALUE, "the list of attributes is too long");
    GW_TRY(parse_names(arena, attributes.len > 0 ? attributes : excluded, &projection, err));
    *ret_projection = projection;
    return GW_OK;
}

/* How the projection names an attribute. */
struct mention {
    bool whole;
    bool sub;
};

static struct mention find_mention(const struct scim_projection *projection, const struct scim_schema *extension,
                                   const struct scim_attribute *attribute)
{
    struct mention mention = {false, false};
    for (size_t i = 0; i < projection->ref_count; i++) {
        const struct scim_ref *ref = &projection->refs[i];
        bool same = ref->extension == extension && (ref->attribute == NULL || ref->attribute == attribute);
        mention.whole = mention.whole || (same && ref->sub == NULL);
        mention.sub = mention.sub || (same && ref->sub != NULL);
    }
    return mention;
}

static bool names_sub(const struct scim_projection *projection, const struct scim_attribute *attribute,
                      struct gw_str name)
{
    for (size_t i = 0; i < projection->ref_count; i++) {
        const struct scim_ref *ref = &projection->refs[i];
        if (ref->attribute == attribute && ref->sub != NULL && gw_str_eq(ref->sub->name, name))
            return true;
    }
    return false;
}

static struct json_value *project_object(struct gw_arena *arena, const struct scim_projection *projection,
                                         const struct scim_attribute *attribute, struct json_value *value)
{
    if (value->type != JSON_OBJECT)
        return value;
    struct json_value *result = json_object_new(arena);
    for (size_t i = 0; i < value->object.count; i++) {
        const struct json_member *member = &value->object.members[i];
        if (names_sub(projection, attribute, member->name) == projection->only)
            json_object_append(arena, result, member->name, member->value);
    }
    return result->object.count > 0 ? result : NULL;
}

static struct json_value *project_subs(struct gw_arena *arena, const struct scim_projection *projection,
                                       const struct scim_attribute *attribute, struct json_value *value)
{
    if (value->type != JSON_ARRAY)
        return project_object(arena, projection, attribute, value);
    struct json_value *result = json_array_new(arena);
    for (size_t i = 0; i < value->array.count; i++) {
        struct json_value *element = project_object(arena, projection, attribute, value->array.items[i]);
        if (element != NULL)
            json_array_append(arena, result, element);
    }
    return result->array.count > 0 ? result : NULL;
}

/* NULL: not in the answer. */
static struct json_value *project_attribute(struct gw_arena *arena, const struct scim_projection *projection,
                                            const struct scim_schema *extension, const struct scim_attribute *attribute,
                                            struct json_value *value)
{
    struct mention mention = find_mention(projection, extension, attribute);
    if (attribute->returned == SCIM_RETURNED_ALWAYS)
        return value;
    if (attribute->returned == SCIM_RETURNED_NEVER || attribute->discarded)
        return NULL;
    if (attribute->returned == SCIM_RETURNED_REQUEST && !projection->only)
        return NULL;
    if (mention.whole)
        return projection->only ? value : NULL;
    if (mention.sub)
        return project_subs(arena, projection, attribute, value);
    return projection->only ? NULL : value;
}

static struct json_value *project_extension(struct gw_arena *arena, const struct scim_projection *projection,
                                            const struct scim_schema *extension, const struct json_value *data)
{
    struct json_value *result = json_object_new(arena);
    for (size_t i = 0; i < json_count(data); i++) {
        const struct json_member *member = &data->object.members[i];
        const struct scim_attribute *attribute =
            scim_attribute_find(extension->attributes, extension->attribute_count, member->name);
        struct json_value *kept =
            attribute != NULL ? project_attribute(arena, projection, extension, attribute, member->value) : NULL;
        if (kept != NULL)
            json_object_append(arena, result, member->name, kept);
    }
    return result->object.count > 0 ? result : NULL;
}

static const struct scim_attribute *find_core(const struct scim_resource_type *type, struct gw_str name)
{
    size_t common_count;
    const struct scim_attribute *common = scim_common_attributes(&common_count);
    const struct scim_attribute *attribute =
        scim_attribute_find(type->core->attributes, type->core->attribute_count, name);
    return attribute != NULL ? attribute : scim_attribute_find(common, common_count, name);
}

static struct json_value *project_member(struct gw_arena *arena, const struct scim_projection *projection,
                                         const struct json_member *member)
{
    const struct scim_resource_type *type = projection->type;
    const struct scim_attribute *attribute = find_core(type, member->name);
    if (attribute != NULL)
        return project_attribute(arena, projection, NULL, attribute, member->value);
    for (size_t i = 0; i < type->extension_count; i++) {
        if (gw_str_eq(type->extensions[i]->urn, member->name))
            return project_extension(arena, projection, type->extensions[i], member->value);
    }
    return NULL; /* not in the tables of this app (any more) */
}

bool scim_projection_wants(const struct scim_projection *projection, struct gw_str attribute_name)
{
    const struct scim_attribute *attribute = find_core(projection->type, attribute_name);
    if (attribute == NULL)
        return false;
    struct mention mention = find_mention(projection, NULL, attribute);
    if (attribute->returned == SCIM_RETURNED_ALWAYS)
        return true;
    return projection->only ? mention.whole || mention.sub : !mention.whole;
}

struct json_value *scim_project(struct gw_arena *arena, const struct scim_projection *projection,
                                const struct json_value *resource)
{
    struct json_value *result = json_object_new(arena);
    for (size_t i = 0; i < json_count(resource); i++) {
        const struct json_member *member = &resource->object.members[i];
        struct json_value *kept = project_member(arena, projection, member);
        if (kept != NULL)
            json_object_append(arena, result, member->name, kept);
    }
    return result;
}
