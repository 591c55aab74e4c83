#include "routes/schemas.h"

#include "gateway/base/log.h"
#include "routes/scim/scim1.h"

static const enum scim_type types[] = {
    [CONFIG_ATTRIBUTE_STRING] = SCIM_STRING,       [CONFIG_ATTRIBUTE_BOOLEAN] = SCIM_BOOLEAN,
    [CONFIG_ATTRIBUTE_DECIMAL] = SCIM_DECIMAL,     [CONFIG_ATTRIBUTE_INTEGER] = SCIM_INTEGER,
    [CONFIG_ATTRIBUTE_DATETIME] = SCIM_DATETIME,   [CONFIG_ATTRIBUTE_BINARY] = SCIM_BINARY,
    [CONFIG_ATTRIBUTE_REFERENCE] = SCIM_REFERENCE, [CONFIG_ATTRIBUTE_COMPLEX] = SCIM_COMPLEX,
};
static const enum scim_mutability mutabilities[] = {
    [CONFIG_ATTRIBUTE_READ_WRITE] = SCIM_READ_WRITE,
    [CONFIG_ATTRIBUTE_WRITE_ONLY] = SCIM_WRITE_ONLY,
};
static const enum scim_returned returns[] = {
    [CONFIG_ATTRIBUTE_DEFAULT] = SCIM_RETURNED_DEFAULT,
    [CONFIG_ATTRIBUTE_ALWAYS] = SCIM_RETURNED_ALWAYS,
    [CONFIG_ATTRIBUTE_NEVER] = SCIM_RETURNED_NEVER,
    [CONFIG_ATTRIBUTE_REQUEST] = SCIM_RETURNED_REQUEST,
};

/* As the tables want them: ended by NULL. */
static const char *const *copy_texts(struct gw_arena *arena, const char **texts, size_t count)
{
    if (count == 0)
        return NULL;
    const char **copy = gw_arena_array(arena, count + 1, sizeof copy[0]);
    for (size_t i = 0; i < count; i++)
        copy[i] = texts[i];
    copy[count] = NULL;
    return copy;
}

static struct scim_attribute attribute_of(struct gw_arena *arena, const struct config_attribute *from)
{
    return (struct scim_attribute){
        .name = gw_str_from(from->name),
        .type = types[from->type],
        .multi_valued = from->multi_valued,
        .required = from->required,
        .case_exact = from->case_exact,
        .mutability = mutabilities[from->mutability],
        .returned = returns[from->returned],
        .uniqueness = SCIM_UNIQUE_NONE,
        .canonical = copy_texts(arena, from->canonical, from->canonical_count),
        .description = from->description != NULL ? from->description : "",
    };
}

static const struct scim_attribute *attributes_of(struct gw_arena *arena, const struct config_attribute *from,
                                                  size_t count)
{
    struct scim_attribute *attributes = gw_arena_array(arena, count, sizeof attributes[0]);
    for (size_t i = 0; i < count; i++) {
        struct scim_attribute *subs = gw_arena_array(arena, from[i].sub_count, sizeof subs[0]);
        for (size_t j = 0; j < from[i].sub_count; j++)
            subs[j] = attribute_of(arena, &from[i].subs[j]);
        attributes[i] = attribute_of(arena, &from[i]);
        attributes[i].subs = from[i].sub_count > 0 ? subs : NULL;
        attributes[i].sub_count = from[i].sub_count;
    }
    return attributes;
}

static void extend(struct gw_arena *arena, const struct config_prov_face *face, struct scim_schema_set *set)
{
    for (size_t i = 0; i < face->schema_count; i++) {
        const struct config_schema *from = &face->schemas[i];
        struct scim_schema *schema = gw_arena_alloc(arena, sizeof *schema);
        *schema = (struct scim_schema){
            .urn = gw_str_from(from->id),
            .name = gw_str_from(from->name),
            .description = from->description != NULL ? from->description : from->name,
            .attributes = attributes_of(arena, from->attributes, from->attribute_count),
            .attribute_count = from->attribute_count,
        };
        bool added = scim_schema_set_extend(set, from->of_group ? GW_STR("Group") : GW_STR("User"), schema);
        GW_ASSERT(added); /* the configuration was checked for URNs and their number */
    }
    /* the agent puts it into every group; an operator may have declared it with more attributes */
    bool has_agent = face->scim1_base_path != NULL && scim_schema_find(set, SCIM1_SCHEMA_AGENT_GROUP.urn) == NULL;
    if (has_agent && !scim_schema_set_extend(set, GW_STR("Group"), &SCIM1_SCHEMA_AGENT_GROUP))
        gw_log(GW_LOG_WARN, "agent-group-left-out", "Group has as many schemas as there may be");
}

void prov_schemas_init(struct gw_arena *arena, const struct config_prov_face *face, struct scim_schema_set *set)
{
    const struct scim_schema_options options = {.roles = face != NULL && face->role_count > 0};
    scim_schema_set_init(set, &options);
    if (face != NULL)
        extend(arena, face, set);
}
