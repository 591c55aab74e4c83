#include "routes/scim/schema.h"

#include "gateway/base/result.h"
#include "routes/scim/schema_tables.h"

static void add_type(struct scim_schema_set *set, struct scim_resource_type type)
{
    GW_ASSERT(set->type_count < SCIM_RESOURCE_TYPES_MAX);
    set->types[set->type_count++] = type;
}

void scim_schema_set_init(struct scim_schema_set *set, const struct scim_schema_options *options)
{
    *set = (struct scim_schema_set){0};
    add_type(set, (struct scim_resource_type){
                      .name = GW_STR("User"),
                      .endpoint = GW_STR("/Users"),
                      .description = "User Account",
                      .core = options->roles ? &SCIM_SCHEMA_USER_WITH_ROLES : &SCIM_SCHEMA_USER,
                      .extensions = {&SCIM_SCHEMA_ENTERPRISE},
                      .extension_count = 1,
                  });
    add_type(set, (struct scim_resource_type){.name = GW_STR("Group"),
                                              .endpoint = GW_STR("/Groups"),
                                              .description = "Group",
                                              .core = &SCIM_SCHEMA_GROUP});
    if (!options->roles)
        return;
    add_type(set, (struct scim_resource_type){.name = GW_STR("Role"),
                                              .endpoint = GW_STR("/Roles"),
                                              .description = "Role",
                                              .core = &SCIM_SCHEMA_ROLE});
    add_type(set, (struct scim_resource_type){.name = GW_STR("Entitlement"),
                                              .endpoint = GW_STR("/Entitlements"),
                                              .description = "Entitlement",
                                              .core = &SCIM_SCHEMA_ENTITLEMENT});
}

bool scim_schema_set_extend(struct scim_schema_set *set, struct gw_str type_name, const struct scim_schema *schema)
{
    if (scim_schema_find(set, schema->urn) != NULL)
        return false;
    for (size_t i = 0; i < set->type_count; i++) {
        struct scim_resource_type *type = &set->types[i];
        if (!gw_str_eq_nocase(type->name, type_name))
            continue;
        if (type->extension_count == SCIM_EXTENSIONS_MAX)
            return false;
        type->extensions[type->extension_count++] = schema;
        return true;
    }
    return false;
}

const struct scim_resource_type *scim_resource_type_find(const struct scim_schema_set *set, struct gw_str name)
{
    for (size_t i = 0; i < set->type_count; i++) {
        const struct scim_resource_type *type = &set->types[i];
        if (gw_str_eq_nocase(type->name, name) || gw_str_eq_nocase(type->endpoint, name))
            return type;
    }
    return NULL;
}

bool scim_schema_has_urn(const struct scim_schema *schema, struct gw_str urn)
{
    if (gw_str_eq_nocase(schema->urn, urn))
        return true;
    for (const char *const *alias = schema->aliases; alias != NULL && *alias != NULL; alias++) {
        if (gw_str_eq_nocase(gw_str_from(*alias), urn))
            return true;
    }
    return false;
}

const struct scim_schema *scim_schema_find(const struct scim_schema_set *set, struct gw_str urn)
{
    for (size_t i = 0; i < set->type_count; i++) {
        const struct scim_resource_type *type = &set->types[i];
        if (scim_schema_has_urn(type->core, urn))
            return type->core;
        for (size_t j = 0; j < type->extension_count; j++) {
            if (scim_schema_has_urn(type->extensions[j], urn))
                return type->extensions[j];
        }
    }
    return NULL;
}

const struct scim_attribute *scim_attribute_find(const struct scim_attribute *attributes, size_t count,
                                                 struct gw_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (gw_str_eq_nocase(attributes[i].name, name))
            return &attributes[i];
    }
    return NULL;
}

const struct scim_attribute *scim_sub_find(const struct scim_attribute *attribute, struct gw_str name)
{
    return scim_attribute_find(attribute->subs, attribute->sub_count, name);
}

const struct scim_attribute *scim_common_attributes(size_t *ret_count)
{
    *ret_count = SCIM_COMMON_ATTRIBUTE_COUNT;
    return SCIM_COMMON_ATTRIBUTES;
}

/* Is `text` this URN, alone or with ":attribute" behind it? */
static bool starts_with_urn(struct gw_str text, struct gw_str urn)
{
    return gw_str_starts_nocase(text, urn) && (text.len == urn.len || text.ptr[urn.len] == ':');
}

static void match_urn(struct gw_str text, const struct scim_schema *schema, size_t *best_len,
                      const struct scim_schema **best)
{
    if (starts_with_urn(text, schema->urn) && schema->urn.len > *best_len) {
        *best_len = schema->urn.len;
        *best = schema;
    }
    for (const char *const *alias = schema->aliases; alias != NULL && *alias != NULL; alias++) {
        struct gw_str urn = gw_str_from(*alias);
        if (starts_with_urn(text, urn) && urn.len > *best_len) {
            *best_len = urn.len;
            *best = schema;
        }
    }
}

/* The schema with the longest URN that `text` starts with, or NULL; `*ret_urn_len` is the length of that URN. */
static const struct scim_schema *find_urn(const struct scim_resource_type *type, struct gw_str text,
                                          size_t *ret_urn_len)
{
    const struct scim_schema *best = NULL;
    *ret_urn_len = 0;
    match_urn(text, type->core, ret_urn_len, &best);
    for (size_t i = 0; i < type->extension_count; i++)
        match_urn(text, type->extensions[i], ret_urn_len, &best);
    return best;
}

static bool find_in(const struct scim_attribute *attributes, size_t count, struct gw_str text, struct scim_ref *ret_ref)
{
    struct gw_str rest = text;
    struct gw_str name = gw_str_split(&rest, '.');
    const struct scim_attribute *attribute = scim_attribute_find(attributes, count, name);
    if (attribute == NULL)
        return false;
    const struct scim_attribute *sub = rest.ptr != NULL ? scim_sub_find(attribute, rest) : NULL;
    if (rest.ptr != NULL && sub == NULL)
        return false;
    ret_ref->attribute = attribute;
    ret_ref->sub = sub;
    return true;
}

static bool find_in_extension(const struct scim_schema *extension, struct gw_str text, struct scim_ref *ret_ref)
{
    if (!find_in(extension->attributes, extension->attribute_count, text, ret_ref))
        return false;
    ret_ref->extension = extension;
    return true;
}

static bool find_without_urn(const struct scim_resource_type *type, struct gw_str name, struct scim_ref *ret_ref)
{
    return find_in(type->core->attributes, type->core->attribute_count, name, ret_ref) ||
           find_in(SCIM_COMMON_ATTRIBUTES, SCIM_COMMON_ATTRIBUTE_COUNT, name, ret_ref);
}

bool scim_ref_find(const struct scim_resource_type *type, struct gw_str text, struct scim_ref *ret_ref)
{
    *ret_ref = (struct scim_ref){0};
    size_t urn_len;
    const struct scim_schema *schema = find_urn(type, text, &urn_len);
    struct gw_str rest = gw_str_from_pos(text, urn_len < text.len && schema != NULL ? urn_len + 1 : urn_len);
    if (schema == type->core)
        return find_without_urn(type, rest, ret_ref);
    if (schema != NULL) {
        ret_ref->extension = schema;
        return text.len == urn_len || find_in_extension(schema, rest, ret_ref);
    }
    if (find_without_urn(type, text, ret_ref))
        return true;
    for (size_t i = 0; i < type->extension_count; i++) {
        if (find_in_extension(type->extensions[i], text, ret_ref))
            return true;
    }
    return false;
}

const char *scim_type_name(enum scim_type type)
{
    static const char *const NAMES[] = {
        [SCIM_STRING] = "string",       [SCIM_BOOLEAN] = "boolean",   [SCIM_DECIMAL] = "decimal",
        [SCIM_INTEGER] = "integer",     [SCIM_DATETIME] = "dateTime", [SCIM_BINARY] = "binary",
        [SCIM_REFERENCE] = "reference", [SCIM_COMPLEX] = "complex",
    };
    return NAMES[type];
}
