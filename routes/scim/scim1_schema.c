/* scim1_schema: /Schemas of SCIM 1.1, from the same tables (draft-scim-core-schema-01 section 10). */
#include "routes/scim/message.h"
#include "routes/scim/scim1.h"

#include "gateway/json/write.h"

#define LIST_BYTES_MAX (1024u * 1024u)

bool scim1_has_type(const struct scim_resource_type *type)
{
    return gw_str_eq(type->core->urn, GW_STR(SCIM_URN_USER)) || gw_str_eq(type->core->urn, GW_STR(SCIM_URN_GROUP));
}

static struct gw_str schema_id(const struct scim_schema *schema)
{
    if (gw_str_eq(schema->urn, GW_STR(SCIM_URN_USER)))
        return GW_STR(SCIM1_URN_CORE ":User");
    if (gw_str_eq(schema->urn, GW_STR(SCIM_URN_GROUP)))
        return GW_STR(SCIM1_URN_CORE ":Group");
    return gw_str_eq(schema->urn, GW_STR(SCIM_URN_ENTERPRISE)) ? GW_STR(SCIM1_URN_ENTERPRISE) : schema->urn;
}

static struct gw_str attribute_urn(const struct scim_schema *schema)
{
    struct gw_str id = schema_id(schema);
    return gw_str_starts(id, GW_STR(SCIM1_URN_CORE ":")) ? GW_STR(SCIM1_URN_CORE) : id;
}

static void set_text(struct gw_arena *arena, struct json_value *object, struct gw_str name, struct gw_str text)
{
    json_object_append(arena, object, name, json_string_new(arena, text));
}

static void set_bool(struct gw_arena *arena, struct json_value *object, struct gw_str name, bool boolean)
{
    json_object_append(arena, object, name, json_bool_new(arena, boolean));
}

static struct json_value *attributes_json(struct gw_arena *arena, struct gw_str urn, struct gw_str parent,
                                          const struct scim_attribute *attributes, size_t count);

static struct json_value *attribute_json(struct gw_arena *arena, struct gw_str urn, struct gw_str parent,
                                         const struct scim_attribute *attribute)
{
    struct json_value *object = json_object_new(arena);
    bool is_manager = gw_str_eq(parent, GW_STR("manager")) && gw_str_eq(attribute->name, GW_STR("value"));
    bool is_reference = attribute->type == SCIM_REFERENCE; /* 1.1 has no such type */
    set_text(arena, object, GW_STR("name"), is_manager ? GW_STR("managerId") : attribute->name);
    set_text(arena, object, GW_STR("type"), gw_str_from(scim_type_name(is_reference ? SCIM_STRING : attribute->type)));
    set_bool(arena, object, GW_STR("multiValued"), attribute->multi_valued);
    set_text(arena, object, GW_STR("description"), gw_str_from(attribute->description));
    set_text(arena, object, GW_STR("schema"), urn);
    set_bool(arena, object, GW_STR("readOnly"), attribute->mutability == SCIM_READ_ONLY);
    set_bool(arena, object, GW_STR("required"), attribute->required);
    set_bool(arena, object, GW_STR("caseExact"), attribute->case_exact);
    if (attribute->canonical != NULL) {
        struct json_value *values = json_array_new(arena);
        for (const char *const *value = attribute->canonical; *value != NULL; value++)
            json_array_append(arena, values, json_string_new(arena, gw_str_from(*value)));
        json_object_append(arena, object, GW_STR("canonicalValues"), values);
    }
    if (attribute->type == SCIM_COMPLEX)
        json_object_append(arena, object, GW_STR("subAttributes"),
                           attributes_json(arena, urn, attribute->name, attribute->subs, attribute->sub_count));
    return object;
}

static struct json_value *attributes_json(struct gw_arena *arena, struct gw_str urn, struct gw_str parent,
                                          const struct scim_attribute *attributes, size_t count)
{
    struct json_value *array = json_array_new(arena);
    for (size_t i = 0; i < count; i++) {
        if (!attributes[i].discarded && !gw_str_eq(attributes[i].name, GW_STR("$ref")))
            json_array_append(arena, array, attribute_json(arena, urn, parent, &attributes[i]));
    }
    return array;
}

struct json_value *scim1_schema_json(struct gw_arena *arena, const struct scim_resource_type *type,
                                     const struct scim_schema *schema, struct gw_str base_url)
{
    struct json_value *object = json_object_new(arena);
    struct json_value *schemas = json_array_new(arena);
    struct json_value *meta = json_object_new(arena);
    struct gw_str id = schema_id(schema);
    struct gw_str urn = attribute_urn(schema);
    json_array_append(arena, schemas, json_string_new(arena, GW_STR(SCIM1_URN_CORE)));
    json_object_append(arena, object, GW_STR("schemas"), schemas);
    set_text(arena, object, GW_STR("id"), id);
    set_text(arena, object, GW_STR("name"), schema->name);
    set_text(arena, object, GW_STR("description"), gw_str_from(schema->description));
    set_text(arena, object, GW_STR("schema"), urn);
    set_text(arena, object, GW_STR("endpoint"), type->endpoint);
    json_object_append(arena, object, GW_STR("attributes"),
                       attributes_json(arena, urn, GW_STR_NONE, schema->attributes, schema->attribute_count));
    set_text(arena, meta, GW_STR("location"),
             gw_arena_printf(arena, "%.*s/Schemas/%.*s", GW_STR_ARG(base_url), GW_STR_ARG(id)));
    json_object_append(arena, object, GW_STR("meta"), meta);
    return object;
}

static bool is_named(const struct scim_schema *schema, struct gw_str urn)
{
    return gw_str_eq_nocase(schema_id(schema), urn) || scim_schema_has_urn(schema, urn);
}

const struct scim_schema *scim1_schema_find(const struct scim_schema_set *set, struct gw_str urn,
                                            const struct scim_resource_type **ret_type)
{
    for (size_t i = 0; i < set->type_count; i++) {
        const struct scim_resource_type *type = &set->types[i];
        *ret_type = type;
        if (!scim1_has_type(type))
            continue;
        if (is_named(type->core, urn))
            return type->core;
        for (size_t j = 0; j < type->extension_count; j++) {
            if (is_named(type->extensions[j], urn))
                return type->extensions[j];
        }
    }
    return NULL;
}

static void add_schema(struct gw_buf *items, size_t *count, const struct scim_resource_type *type,
                       const struct scim_schema *schema, struct gw_str base_url)
{
    GW_ARENA_SCOPED(arena);
    if ((*count)++ > 0)
        gw_buf_add_byte(items, ',');
    json_write(items, scim1_schema_json(&arena, type, schema, base_url));
}

void scim1_schemas_write(struct gw_buf *buf, const struct scim_schema_set *set, struct gw_str base_url)
{
    GW_BUF_SCOPED(items, LIST_BYTES_MAX);
    size_t count = 0;
    for (size_t i = 0; i < set->type_count; i++) {
        const struct scim_resource_type *type = &set->types[i];
        if (!scim1_has_type(type))
            continue;
        add_schema(&items, &count, type, type->core, base_url);
        for (size_t j = 0; j < type->extension_count; j++)
            add_schema(&items, &count, type, type->extensions[j], base_url);
    }
    GW_ASSERT(!items.overflow);
    scim_list_write(buf, count, 1, count, gw_buf_str(&items));
}
