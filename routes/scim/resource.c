#include "routes/scim/resource.h"

#include "gateway/base/clock.h"
#include "gateway/json/parse.h"

static enum gw_code check_schemas(const struct scim_resource_type *type, const struct json_value *body,
                                  struct gw_error *err)
{
    const struct json_value *schemas = json_object_get_nocase(body, GW_STR("schemas"));
    if (!json_is(schemas, JSON_ARRAY))
        return gw_fail(err, GW_E_INVALID_SYNTAX, "schemas must be an array that holds %.*s",
                       GW_STR_ARG(type->core->urn));
    bool found = false;
    for (size_t i = 0; i < schemas->array.count; i++) {
        if (schemas->array.items[i]->type != JSON_STRING)
            return gw_fail(err, GW_E_INVALID_SYNTAX, "schemas must hold strings only");
        found = found || scim_schema_has_urn(type->core, schemas->array.items[i]->text);
    }
    return found ? GW_OK : gw_fail(err, GW_E_INVALID_SYNTAX, "schemas must hold %.*s", GW_STR_ARG(type->core->urn));
}

static enum gw_code read_attribute(const struct scim_reader *reader, const struct scim_attribute *attribute,
                                   const struct json_value *from, struct json_value *to, struct gw_error *err)
{
    const struct json_value *value = json_object_get_nocase(from, attribute->name);
    struct json_value *read = NULL;
    if (value == NULL || attribute->mutability == SCIM_READ_ONLY || attribute->discarded)
        return GW_OK;
    GW_TRY(scim_value_read(reader, attribute, value, &read, err));
    if (read != NULL)
        json_object_append(reader->arena, to, attribute->name, read);
    return GW_OK;
}

static enum gw_code read_schema(const struct scim_reader *reader, const struct scim_schema *schema,
                                const struct json_value *from, struct json_value *to, struct gw_error *err)
{
    for (size_t i = 0; i < schema->attribute_count; i++)
        GW_TRY(read_attribute(reader, &schema->attributes[i], from, to, err));
    return GW_OK;
}

static void collect_unknown_in(const struct scim_reader *reader, const struct scim_schema *schema,
                               const struct json_value *from)
{
    for (size_t i = 0; i < json_count(from); i++) {
        struct gw_str name = from->object.members[i].name;
        if (scim_attribute_find(schema->attributes, schema->attribute_count, name) == NULL)
            scim_ignored_add(reader->arena, reader->ignored, name);
    }
}

/* The member that holds the extension's data, under its URN or an alias; one of them at most. */
static enum gw_code find_extension(const struct scim_schema *extension, const struct json_value *body,
                                   const struct json_value **ret_value, struct gw_error *err)
{
    *ret_value = NULL;
    for (size_t i = 0; i < body->object.count; i++) {
        const struct json_member *member = &body->object.members[i];
        if (!scim_schema_has_urn(extension, member->name))
            continue;
        if (*ret_value != NULL)
            return gw_fail(err, GW_E_INVALID_SYNTAX, "the extension %.*s occurs twice", GW_STR_ARG(extension->urn));
        *ret_value = member->value;
    }
    return GW_OK;
}

static enum gw_code read_extension(const struct scim_reader *reader, const struct scim_schema *extension,
                                   const struct json_value *body, struct json_value *to, struct gw_error *err)
{
    const struct json_value *value;
    GW_TRY(find_extension(extension, body, &value, err));
    if (value == NULL || value->type == JSON_NULL)
        return GW_OK;
    if (value->type != JSON_OBJECT)
        return gw_fail(err, GW_E_INVALID_VALUE, "%.*s must be an object", GW_STR_ARG(extension->urn));
    struct json_value *object = json_object_new(reader->arena);
    GW_TRY(read_schema(reader, extension, value, object, err));
    collect_unknown_in(reader, extension, value);
    if (object->object.count > 0)
        json_object_append(reader->arena, to, extension->urn, object);
    return GW_OK;
}

static bool is_extension_name(const struct scim_resource_type *type, struct gw_str name)
{
    for (size_t i = 0; i < type->extension_count; i++) {
        if (scim_schema_has_urn(type->extensions[i], name))
            return true;
    }
    return false;
}

static void collect_unknown(const struct scim_reader *reader, const struct scim_resource_type *type,
                            const struct json_value *body)
{
    size_t common_count;
    const struct scim_attribute *common = scim_common_attributes(&common_count);
    for (size_t i = 0; reader->ignored != NULL && i < body->object.count; i++) {
        struct gw_str name = body->object.members[i].name;
        if (scim_attribute_find(common, common_count, name) == NULL &&
            scim_attribute_find(type->core->attributes, type->core->attribute_count, name) == NULL &&
            !is_extension_name(type, name))
            scim_ignored_add(reader->arena, reader->ignored, name);
    }
}

enum gw_code scim_resource_read(struct gw_arena *arena, const struct scim_resource_type *type,
                                const struct json_value *body, struct json_value **ret_resource,
                                struct scim_ignored *ignored, struct gw_error *err)
{
    struct scim_reader reader = {arena, SCIM_READ_STRICT, ignored};
    struct json_value *resource = json_object_new(arena);
    if (!json_is(body, JSON_OBJECT))
        return gw_fail(err, GW_E_INVALID_SYNTAX, "the body must be a JSON object");
    GW_TRY(check_schemas(type, body, err));
    json_object_append(arena, resource, GW_STR("schemas"), json_array_new(arena));
    size_t common_count;
    const struct scim_attribute *common = scim_common_attributes(&common_count);
    const struct scim_attribute *external_id = scim_attribute_find(common, common_count, GW_STR("externalId"));
    GW_TRY(read_attribute(&reader, external_id, body, resource, err));
    GW_TRY(read_schema(&reader, type->core, body, resource, err));
    for (size_t i = 0; i < type->extension_count; i++)
        GW_TRY(read_extension(&reader, type->extensions[i], body, resource, err));
    collect_unknown(&reader, type, body);
    GW_TRY(scim_resource_check(type, resource, err));
    json_object_set(arena, resource, GW_STR("schemas"), scim_resource_schemas(arena, type, resource));
    *ret_resource = resource;
    return GW_OK;
}

struct json_value *scim_resource_schemas(struct gw_arena *arena, const struct scim_resource_type *type,
                                         const struct json_value *resource)
{
    struct json_value *schemas = json_array_new(arena);
    json_array_append(arena, schemas, json_string_new(arena, type->core->urn));
    for (size_t i = 0; i < type->extension_count; i++) {
        if (json_object_get(resource, type->extensions[i]->urn) != NULL)
            json_array_append(arena, schemas, json_string_new(arena, type->extensions[i]->urn));
    }
    return schemas;
}

static enum gw_code check_required(const struct scim_schema *schema, const struct json_value *object,
                                   struct gw_error *err)
{
    for (size_t i = 0; i < schema->attribute_count; i++) {
        const struct scim_attribute *attribute = &schema->attributes[i];
        if (attribute->required && json_object_get(object, attribute->name) == NULL)
            return gw_fail(err, GW_E_INVALID_VALUE, "%.*s is required", GW_STR_ARG(attribute->name));
    }
    return GW_OK;
}

enum gw_code scim_resource_check(const struct scim_resource_type *type, const struct json_value *resource,
                                 struct gw_error *err)
{
    GW_TRY(check_required(type->core, resource, err));
    for (size_t i = 0; i < type->extension_count; i++) {
        const struct json_value *data = json_object_get(resource, type->extensions[i]->urn);
        if (data != NULL)
            GW_TRY(check_required(type->extensions[i], data, err));
    }
    return GW_OK;
}

static struct json_value *time_json(struct gw_arena *arena, int64_t wall_ms)
{
    char text[GW_TIME_TEXT_MAX];
    size_t len = gw_time_format(wall_ms, text);
    return json_string_new(arena, gw_arena_copy(arena, gw_str_n(text, len)));
}

struct json_value *scim_meta_json(struct gw_arena *arena, struct gw_str type_name, const struct scim_meta *meta)
{
    struct json_value *object = json_object_new(arena);
    json_object_append(arena, object, GW_STR("resourceType"), json_string_new(arena, type_name));
    json_object_append(arena, object, GW_STR("created"), time_json(arena, meta->created_ms));
    json_object_append(arena, object, GW_STR("lastModified"), time_json(arena, meta->modified_ms));
    if (meta->location.len > 0)
        json_object_append(arena, object, GW_STR("location"), json_string_new(arena, meta->location));
    if (meta->version.len > 0)
        json_object_append(arena, object, GW_STR("version"), json_string_new(arena, meta->version));
    return object;
}

enum gw_code scim_attributes_load(struct gw_arena *arena, struct gw_str text, struct json_value **ret_object,
                                  struct gw_error *err)
{
    struct json_limits limits = JSON_LIMITS_BODY;
    struct json_value *object = NULL;
    if (text.len == 0) {
        *ret_object = json_object_new(arena);
        return GW_OK;
    }
    if (json_parse(arena, text, &limits, &object, err) != GW_OK || object->type != JSON_OBJECT)
        return gw_fail(err, GW_E_STORE_DAMAGED, "the stored attributes of a record are not a JSON object");
    *ret_object = object;
    return GW_OK;
}

static bool is_kept_apart(struct gw_str name, const struct gw_str *apart, size_t apart_count)
{
    for (size_t i = 0; i < apart_count; i++) {
        if (gw_str_eq(name, apart[i]))
            return true;
    }
    return false;
}

struct json_value *scim_attributes_without(struct gw_arena *arena, const struct json_value *resource,
                                           const struct gw_str *apart, size_t apart_count)
{
    struct json_value *rest = json_object_new(arena);
    for (size_t i = 0; i < json_count(resource); i++) {
        const struct json_member *member = &resource->object.members[i];
        if (!is_kept_apart(member->name, apart, apart_count))
            json_object_append(arena, rest, member->name, member->value);
    }
    return rest;
}

void scim_members_append(struct gw_arena *arena, struct json_value *to, const struct json_value *from)
{
    for (size_t i = 0; i < json_count(from); i++)
        json_object_append(arena, to, from->object.members[i].name, from->object.members[i].value);
}

struct gw_str scim_text_of(const struct json_value *object, struct gw_str name)
{
    const struct json_value *value = json_object_get(object, name);
    return json_is(value, JSON_STRING) ? value->text : GW_STR_NONE;
}
