/* discovery: /ServiceProviderConfig, /Schemas and /ResourceTypes, from the tables (RFC 7643 sections 5 to 7). */
#include "routes/scim/message.h"

#include "gateway/json/write.h"

#define LIST_BYTES_MAX (1024u * 1024u)

static void set_text(struct gw_arena *arena, struct json_value *object, struct gw_str name, struct gw_str text)
{
    json_object_append(arena, object, name, json_string_new(arena, text));
}

static void set_bool(struct gw_arena *arena, struct json_value *object, struct gw_str name, bool boolean)
{
    json_object_append(arena, object, name, json_bool_new(arena, boolean));
}

static void set_schemas(struct gw_arena *arena, struct json_value *object, struct gw_str urn)
{
    struct json_value *schemas = json_array_new(arena);
    json_array_append(arena, schemas, json_string_new(arena, urn));
    json_object_append(arena, object, GW_STR("schemas"), schemas);
}

static void set_meta(struct gw_arena *arena, struct json_value *object, struct gw_str type, struct gw_str base_url,
                     const char *path, struct gw_str id)
{
    struct json_value *meta = json_object_new(arena);
    set_text(arena, meta, GW_STR("resourceType"), type);
    set_text(arena, meta, GW_STR("location"),
             gw_arena_printf(arena, "%.*s%s%.*s", GW_STR_ARG(base_url), path, GW_STR_ARG(id)));
    json_object_append(arena, object, GW_STR("meta"), meta);
}

/* --- ServiceProviderConfig (rule R100) --- */

static struct json_value *set_feature(struct gw_arena *arena, struct json_value *config, struct gw_str name,
                                      bool supported)
{
    struct json_value *feature = json_object_new(arena);
    set_bool(arena, feature, GW_STR("supported"), supported);
    json_object_append(arena, config, name, feature);
    return feature;
}

static void add_scheme(struct gw_arena *arena, struct json_value *schemes, const char *type, const char *name,
                       const char *description, const char *spec)
{
    struct json_value *scheme = json_object_new(arena);
    set_text(arena, scheme, GW_STR("type"), gw_str_from(type));
    set_text(arena, scheme, GW_STR("name"), gw_str_from(name));
    set_text(arena, scheme, GW_STR("description"), gw_str_from(description));
    set_text(arena, scheme, GW_STR("specUri"), gw_str_from(spec));
    set_bool(arena, scheme, GW_STR("primary"), schemes->array.count == 0);
    json_array_append(arena, schemes, scheme);
}

static void set_schemes(struct gw_arena *arena, struct json_value *config, const struct scim_provider_options *options)
{
    struct json_value *schemes = json_array_new(arena);
    if (options->bearer)
        add_scheme(arena, schemes, "oauthbearertoken", "Bearer token", "A token in the Authorization header",
                   "https://www.rfc-editor.org/info/rfc6750");
    if (options->basic)
        add_scheme(arena, schemes, "httpbasic", "HTTP Basic", "A name and a secret in the Authorization header",
                   "https://www.rfc-editor.org/info/rfc7617");
    json_object_append(arena, config, GW_STR("authenticationSchemes"), schemes);
}

struct json_value *scim_provider_json(struct gw_arena *arena, const struct scim_provider_options *options)
{
    struct json_value *config = json_object_new(arena);
    set_schemas(arena, config, GW_STR(SCIM_URN_PROVIDER));
    if (options->documentation_url.len > 0)
        set_text(arena, config, GW_STR("documentationUri"), options->documentation_url);
    (void)set_feature(arena, config, GW_STR("patch"), true);
    struct json_value *bulk = set_feature(arena, config, GW_STR("bulk"), false);
    json_object_append(arena, bulk, GW_STR("maxOperations"), json_integer_new(arena, 0));
    json_object_append(arena, bulk, GW_STR("maxPayloadSize"), json_integer_new(arena, 0));
    struct json_value *filter = set_feature(arena, config, GW_STR("filter"), true);
    json_object_append(arena, filter, GW_STR("maxResults"), json_integer_new(arena, (int64_t)options->results_max));
    (void)set_feature(arena, config, GW_STR("changePassword"), false);
    (void)set_feature(arena, config, GW_STR("sort"), false);
    (void)set_feature(arena, config, GW_STR("etag"), options->etag);
    set_schemes(arena, config, options);
    set_meta(arena, config, GW_STR("ServiceProviderConfig"), options->base_url, "/ServiceProviderConfig", GW_STR(""));
    return config;
}

/* --- Schemas (rules R101, R102) --- */

static void set_texts(struct gw_arena *arena, struct json_value *object, struct gw_str name, const char *const *texts)
{
    if (texts == NULL)
        return;
    struct json_value *array = json_array_new(arena);
    for (; *texts != NULL; texts++)
        json_array_append(arena, array, json_string_new(arena, gw_str_from(*texts)));
    json_object_append(arena, object, name, array);
}

static struct json_value *attributes_json(struct gw_arena *arena, const struct scim_attribute *attributes,
                                          size_t count);

static struct json_value *attribute_json(struct gw_arena *arena, const struct scim_attribute *attribute)
{
    static const char *const MUTABILITY[] = {[SCIM_READ_WRITE] = "readWrite",
                                             [SCIM_READ_ONLY] = "readOnly",
                                             [SCIM_IMMUTABLE] = "immutable",
                                             [SCIM_WRITE_ONLY] = "writeOnly"};
    static const char *const RETURNED[] = {[SCIM_RETURNED_DEFAULT] = "default",
                                           [SCIM_RETURNED_ALWAYS] = "always",
                                           [SCIM_RETURNED_NEVER] = "never",
                                           [SCIM_RETURNED_REQUEST] = "request"};
    static const char *const UNIQUENESS[] = {
        [SCIM_UNIQUE_NONE] = "none", [SCIM_UNIQUE_SERVER] = "server", [SCIM_UNIQUE_GLOBAL] = "global"};
    struct json_value *object = json_object_new(arena);
    set_text(arena, object, GW_STR("name"), attribute->name);
    set_text(arena, object, GW_STR("type"), gw_str_from(scim_type_name(attribute->type)));
    set_bool(arena, object, GW_STR("multiValued"), attribute->multi_valued);
    set_text(arena, object, GW_STR("description"), gw_str_from(attribute->description));
    set_bool(arena, object, GW_STR("required"), attribute->required);
    set_bool(arena, object, GW_STR("caseExact"), attribute->case_exact);
    set_text(arena, object, GW_STR("mutability"), gw_str_from(MUTABILITY[attribute->mutability]));
    set_text(arena, object, GW_STR("returned"), gw_str_from(RETURNED[attribute->returned]));
    set_text(arena, object, GW_STR("uniqueness"), gw_str_from(UNIQUENESS[attribute->uniqueness]));
    set_texts(arena, object, GW_STR("canonicalValues"), attribute->canonical);
    set_texts(arena, object, GW_STR("referenceTypes"), attribute->references);
    if (attribute->type == SCIM_COMPLEX)
        json_object_append(arena, object, GW_STR("subAttributes"),
                           attributes_json(arena, attribute->subs, attribute->sub_count));
    return object;
}

static struct json_value *attributes_json(struct gw_arena *arena, const struct scim_attribute *attributes, size_t count)
{
    struct json_value *array = json_array_new(arena);
    for (size_t i = 0; i < count; i++) {
        if (!attributes[i].discarded)
            json_array_append(arena, array, attribute_json(arena, &attributes[i]));
    }
    return array;
}

struct json_value *scim_schema_json(struct gw_arena *arena, const struct scim_schema *schema, struct gw_str base_url)
{
    struct json_value *object = json_object_new(arena);
    set_schemas(arena, object, GW_STR(SCIM_URN_SCHEMA));
    set_text(arena, object, GW_STR("id"), schema->urn);
    set_text(arena, object, GW_STR("name"), schema->name);
    set_text(arena, object, GW_STR("description"), gw_str_from(schema->description));
    json_object_append(arena, object, GW_STR("attributes"),
                       attributes_json(arena, schema->attributes, schema->attribute_count));
    set_meta(arena, object, GW_STR("Schema"), base_url, "/Schemas/", schema->urn);
    return object;
}

struct json_value *scim_resource_type_json(struct gw_arena *arena, const struct scim_resource_type *type,
                                           struct gw_str base_url)
{
    struct json_value *object = json_object_new(arena);
    set_schemas(arena, object, GW_STR(SCIM_URN_RESOURCE_TYPE));
    set_text(arena, object, GW_STR("id"), type->name);
    set_text(arena, object, GW_STR("name"), type->name);
    set_text(arena, object, GW_STR("endpoint"), type->endpoint);
    set_text(arena, object, GW_STR("description"), gw_str_from(type->description));
    set_text(arena, object, GW_STR("schema"), type->core->urn);
    struct json_value *extensions = json_array_new(arena);
    for (size_t i = 0; i < type->extension_count; i++) {
        struct json_value *extension = json_object_new(arena);
        set_text(arena, extension, GW_STR("schema"), type->extensions[i]->urn);
        set_bool(arena, extension, GW_STR("required"), false);
        json_array_append(arena, extensions, extension);
    }
    if (extensions->array.count > 0)
        json_object_append(arena, object, GW_STR("schemaExtensions"), extensions);
    set_meta(arena, object, GW_STR("ResourceType"), base_url, "/ResourceTypes/", type->name);
    return object;
}

/* --- lists --- */

static void add_item(struct gw_buf *items, size_t *count, const struct json_value *item)
{
    if ((*count)++ > 0)
        gw_buf_add_byte(items, ',');
    json_write(items, item);
}

void scim_schemas_write(struct gw_buf *buf, const struct scim_schema_set *set, struct gw_str base_url)
{
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(items, LIST_BYTES_MAX);
    size_t count = 0;
    for (size_t i = 0; i < set->type_count; i++) {
        const struct scim_resource_type *type = &set->types[i];
        add_item(&items, &count, scim_schema_json(&arena, type->core, base_url));
        for (size_t j = 0; j < type->extension_count; j++)
            add_item(&items, &count, scim_schema_json(&arena, type->extensions[j], base_url));
    }
    GW_ASSERT(!items.overflow);
    scim_list_write(buf, count, 1, count, gw_buf_str(&items));
}

void scim_resource_types_write(struct gw_buf *buf, const struct scim_schema_set *set, struct gw_str base_url)
{
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(items, LIST_BYTES_MAX);
    size_t count = 0;
    for (size_t i = 0; i < set->type_count; i++)
        add_item(&items, &count, scim_resource_type_json(&arena, &set->types[i], base_url));
    GW_ASSERT(!items.overflow);
    scim_list_write(buf, count, 1, count, gw_buf_str(&items));
}
