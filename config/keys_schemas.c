/* The keys of extension schemas. */
#include "config/keys.h"

#include "gateway/base/text.h"

#define URN_BYTES_MAX 200u
#define NAME_BYTES_MAX 64u
#define REASON(arena, ...) gw_arena_printf((arena), __VA_ARGS__).ptr

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 7643 section 2.1 */
static const char *attribute_name(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    *ret_text = gw_arena_cstr(arena, text);
    bool ok = text.len > 0 && text.len <= NAME_BYTES_MAX && (is_letter(text.ptr[0]) || text.ptr[0] == '$');
    for (size_t i = 1; ok && i < text.len; i++)
        ok = is_letter(text.ptr[i]) || is_digit(text.ptr[i]) || text.ptr[i] == '_' || text.ptr[i] == '-';
    if (!ok)
        return REASON(arena, "\"%.*s\" is not an attribute's name: a letter, then letters, digits, '-' and '_'",
                      GW_STR_ARG(text));
    if (gw_str_eq_nocase(text, GW_STR("groups")) || gw_str_eq_nocase(text, GW_STR("schemas")))
        return REASON(arena, "\"%.*s\" is a name that SCIM or Okta keeps for itself", GW_STR_ARG(text));
    return NULL;
}

/* RFC 7643 section 10.2; what the built-in schemas are called stays theirs. */
static const char *schema_urn(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    *ret_text = gw_arena_cstr(arena, text);
    bool ok = gw_str_starts_nocase(text, GW_STR("urn:")) && text.len > 8 && text.len <= URN_BYTES_MAX &&
              text.ptr[text.len - 1] != ':';
    for (size_t i = 0; ok && i < text.len; i++)
        ok = is_letter(text.ptr[i]) || is_digit(text.ptr[i]) || strchr(":.-_", text.ptr[i]) != NULL;
    if (!ok)
        return REASON(arena, "\"%.*s\" is not a URN such as urn:example:params:scim:schemas:extension:wiki:2.0:User",
                      GW_STR_ARG(text));
    if (gw_str_starts_nocase(text, GW_STR("urn:ietf:params:scim:schemas:core:")) ||
        gw_str_starts_nocase(text, GW_STR("urn:ietf:params:scim:schemas:extension:enterprise:")) ||
        gw_str_starts_nocase(text, GW_STR("urn:ietf:params:scim:api:")) ||
        gw_str_starts_nocase(text, GW_STR("urn:scim:schemas:")) ||
        gw_str_starts_nocase(text, GW_STR("urn:okta:scim:schemas:core:")))
        return REASON(arena, "\"%.*s\" belongs to a built-in schema", GW_STR_ARG(text));
    return NULL;
}

static const struct config_word type_words[] = {{"string", CONFIG_ATTRIBUTE_STRING},
                                                {"boolean", CONFIG_ATTRIBUTE_BOOLEAN},
                                                {"decimal", CONFIG_ATTRIBUTE_DECIMAL},
                                                {"integer", CONFIG_ATTRIBUTE_INTEGER},
                                                {"dateTime", CONFIG_ATTRIBUTE_DATETIME},
                                                {"binary", CONFIG_ATTRIBUTE_BINARY},
                                                {"reference", CONFIG_ATTRIBUTE_REFERENCE},
                                                {"complex", CONFIG_ATTRIBUTE_COMPLEX},
                                                {NULL, 0}};
static const struct config_word mutability_words[] = {
    {"readWrite", CONFIG_ATTRIBUTE_READ_WRITE}, {"writeOnly", CONFIG_ATTRIBUTE_WRITE_ONLY}, {NULL, 0}};
static const struct config_word returned_words[] = {{"default", CONFIG_ATTRIBUTE_DEFAULT},
                                                    {"always", CONFIG_ATTRIBUTE_ALWAYS},
                                                    {"never", CONFIG_ATTRIBUTE_NEVER},
                                                    {"request", CONFIG_ATTRIBUTE_REQUEST},
                                                    {NULL, 0}};
static const struct config_word uniqueness_words[] = {{"none", CONFIG_ATTRIBUTE_NOT_UNIQUE}, {NULL, 0}};
static const struct config_word resource_words[] = {{"User", false}, {"Group", true}, {NULL, 0}};

static enum gw_code refuse_twins(struct config_reader *reader, const struct config_node *list, const char *key)
{
    for (const struct config_node *a = list != NULL ? list->first : NULL; a != NULL; a = a->next) {
        for (const struct config_node *b = a->next; b != NULL; b = b->next) {
            const struct config_node *text = config_node_get(b, key);
            if (gw_str_eq_nocase(config_node_get(a, key)->text, text->text))
                return config_refuse(reader, text, "%.*s is declared twice", GW_STR_ARG(text->text));
        }
    }
    return GW_OK;
}

#define ATTRIBUTE(member) offsetof(struct config_attribute, member)
#define NAME                                                                                                           \
    {                                                                                                                  \
        "name", CONFIG_TEXT, .offset = ATTRIBUTE(name), .text = attribute_name, .required = true                       \
    }
#define DESCRIPTION                                                                                                    \
    {                                                                                                                  \
        "description", CONFIG_TEXT, .offset = ATTRIBUTE(description)                                                   \
    }
#define TYPE                                                                                                           \
    {                                                                                                                  \
        "type", CONFIG_CHOICE, .offset = ATTRIBUTE(type), .fallback = "string", .words = type_words                    \
    }
#define SWITCH(key, member)                                                                                            \
    {                                                                                                                  \
        (key), CONFIG_SWITCH, .offset = ATTRIBUTE(member), .fallback = "off"                                           \
    }
#define UNIQUENESS                                                                                                     \
    {                                                                                                                  \
        "uniqueness", CONFIG_CHOICE, .offset = ATTRIBUTE(uniqueness), .fallback = "none", .words = uniqueness_words    \
    }
#define CANONICAL                                                                                                      \
    {                                                                                                                  \
        "canonicalValues", CONFIG_TEXT_LIST, .offset = ATTRIBUTE(canonical),                                           \
                                             .count_offset = ATTRIBUTE(canonical_count), .max = CONFIG_CANONICAL_MAX   \
    }

static enum gw_code finish_sub(struct config_reader *reader, const struct config_node *node, void *target)
{
    const struct config_attribute *attribute = target;
    if (attribute->type == CONFIG_ATTRIBUTE_COMPLEX)
        return config_refuse(reader, config_node_get(node, "type"),
                             "a sub-attribute cannot be complex (RFC 7643 section 2.3.8)");
    return GW_OK;
}

static const struct config_field sub_fields[] = {
    NAME,
    DESCRIPTION,
    TYPE,
    SWITCH("multiValued", multi_valued),
    SWITCH("required", required),
    SWITCH("caseExact", case_exact),
    UNIQUENESS,
    CANONICAL,
};
static const struct config_mapping sub_mapping = {"subAttributes", CONFIG_FIELDS(sub_fields),
                                                  .size = sizeof(struct config_attribute), .finish = finish_sub};

static enum gw_code finish_attribute(struct config_reader *reader, const struct config_node *node, void *target)
{
    const struct config_attribute *attribute = target;
    bool is_complex = attribute->type == CONFIG_ATTRIBUTE_COMPLEX;
    if (is_complex && attribute->sub_count == 0)
        return config_refuse(reader, node, "is complex, but has no subAttributes");
    if (!is_complex && attribute->sub_count > 0)
        return config_refuse(reader, config_node_get(node, "subAttributes"), "only what is complex has subAttributes");
    if (attribute->mutability == CONFIG_ATTRIBUTE_WRITE_ONLY && attribute->returned != CONFIG_ATTRIBUTE_NEVER)
        return config_refuse(reader, config_node_get(node, "mutability"),
                             "what is writeOnly is never returned; write returned: never beside it");
    return refuse_twins(reader, config_node_get(node, "subAttributes"), "name");
}

static const struct config_field attribute_fields[] = {
    NAME,
    DESCRIPTION,
    TYPE,
    SWITCH("multiValued", multi_valued),
    SWITCH("required", required),
    SWITCH("caseExact", case_exact),
    {"mutability", CONFIG_CHOICE, .offset = ATTRIBUTE(mutability), .fallback = "readWrite", .words = mutability_words},
    {"returned", CONFIG_CHOICE, .offset = ATTRIBUTE(returned), .fallback = "default", .words = returned_words},
    UNIQUENESS,
    CANONICAL,
    {"subAttributes", CONFIG_LIST, .offset = ATTRIBUTE(subs), .count_offset = ATTRIBUTE(sub_count),
     .max = CONFIG_ATTRIBUTES_MAX, .mapping = &sub_mapping},
};
static const struct config_mapping attribute_mapping = {"attributes of a schema", CONFIG_FIELDS(attribute_fields),
                                                        .size = sizeof(struct config_attribute),
                                                        .finish = finish_attribute};

static enum gw_code finish_schema(struct config_reader *reader, const struct config_node *node, void *target)
{
    struct config_schema *schema = target;
    if (schema->name == NULL)
        schema->name = schema->id;
    return refuse_twins(reader, config_node_get(node, "attributes"), "name");
}

static const struct config_field schema_fields[] = {
    {"id", CONFIG_TEXT, .offset = offsetof(struct config_schema, id), .text = schema_urn, .required = true},
    {"name", CONFIG_TEXT, .offset = offsetof(struct config_schema, name)},
    {"description", CONFIG_TEXT, .offset = offsetof(struct config_schema, description)},
    {"resource", CONFIG_SWITCH, .offset = offsetof(struct config_schema, of_group), .fallback = "User",
     .words = resource_words},
    {"attributes", CONFIG_LIST, .offset = offsetof(struct config_schema, attributes),
     .count_offset = offsetof(struct config_schema, attribute_count), .mapping = &attribute_mapping, .min = 1,
     .max = CONFIG_ATTRIBUTES_MAX, .required = true},
};
const struct config_mapping config_schema_mapping = {"schemas of the prov face", CONFIG_FIELDS(schema_fields),
                                                     .size = sizeof(struct config_schema), .finish = finish_schema};

enum gw_code config_schemas_check(struct config_reader *reader, const struct config_node *schemas)
{
    return refuse_twins(reader, schemas, "id");
}
