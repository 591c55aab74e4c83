#include "routes/values.h"

#include "config/suggest.h"
#include "routes/schemas.h"

#define WORDS_MAX 256u

static enum gw_code add(struct gw_arena *arena, const struct scim_schema_set *set, struct gw_str name,
                        struct prov_values *values, struct gw_error *err)
{
    struct gw_error other;
    struct scim_ref ref = {0};
    const struct scim_resource_type *groups = scim_resource_type_find(set, GW_STR("Group"));
    enum gw_code code =
        scim_recorded_add(arena, scim_resource_type_find(set, GW_STR("User")), name, &values->users, err);
    bool is_of_groups = scim_ref_find(groups, name, &ref) && ref.extension == NULL && ref.attribute != NULL &&
                        gw_str_eq(ref.attribute->name, GW_STR("displayName"));
    if (!is_of_groups || (code != GW_OK && code != GW_E_NOT_FOUND))
        return code;
    enum gw_code of_groups = scim_recorded_add(arena, groups, name, &values->groups, code == GW_OK ? &other : err);
    return code == GW_OK ? GW_OK : of_groups;
}

void prov_values_fill(struct gw_arena *arena, const struct config *config, const struct scim_schema_set *set,
                      struct prov_values *ret_values)
{
    struct gw_error err;
    *ret_values = (struct prov_values){.users = {.count = 0}};
    for (size_t i = 0; i < config->activity_value_count; i++) {
        enum gw_code code = add(arena, set, gw_str_from(config->activity_values[i]), ret_values, &err);
        GW_ASSERT(code == GW_OK || code == GW_E_NOT_FOUND);
    }
}

static size_t collect(const struct scim_schema *schema, const char **words, size_t count)
{
    for (size_t i = 0; i < schema->attribute_count && count < WORDS_MAX; i++) {
        if (schema->attributes[i].returned != SCIM_RETURNED_NEVER)
            words[count++] = schema->attributes[i].name.ptr; /* of a table or the configuration: it ends in a zero */
    }
    return count;
}

static const char *find_close(const struct scim_schema_set *set, struct gw_str name)
{
    const char *words[WORDS_MAX];
    const struct scim_resource_type *type = scim_resource_type_find(set, GW_STR("User"));
    size_t count = collect(type->core, words, 0);
    for (size_t i = 0; i < type->extension_count; i++)
        count = collect(type->extensions[i], words, count);
    return config_suggest(name, words, count);
}

static enum gw_code refuse(const struct config *config, size_t at, const char *reason, const char *close,
                           struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct gw_str key = gw_arena_printf(&arena, "activity.values[%zu]", at);
    return gw_fail(err, GW_E_CONFIG, "%s: %s%s%s%s", config_where(config, &arena, key.ptr).ptr, reason,
                   close != NULL ? "; did you mean " : "", close != NULL ? close : "", close != NULL ? "?" : "");
}

/* Names of one app. Sets found[i] of those that it has. */
static enum gw_code check_app(const struct config *config, const struct config_prov_face *face, bool *found,
                              const char **close, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct scim_schema_set set;
    struct prov_values values = {.users = {.count = 0}};
    struct gw_error reason;
    prov_schemas_init(&arena, face, &set);
    for (size_t i = 0; i < config->activity_value_count; i++) {
        struct gw_str name = gw_str_from(config->activity_values[i]);
        enum gw_code code = add(&arena, &set, name, &values, &reason);
        if (code != GW_OK && code != GW_E_NOT_FOUND)
            return refuse(config, i, reason.text, NULL, err);
        found[i] |= code == GW_OK;
        if (close[i] == NULL && code != GW_OK)
            close[i] = find_close(&set, name);
    }
    return GW_OK;
}

enum gw_code prov_values_check(const struct config *config, struct gw_error *err)
{
    bool found[CONFIG_ACTIVITY_VALUES_MAX] = {false};
    const char *close[CONFIG_ACTIVITY_VALUES_MAX] = {NULL};
    size_t faces = 0;
    if (config->activity_value_count == 0)
        return GW_OK;
    for (size_t i = 0; i < config->app_count; i++) {
        if (!config->apps[i].prov.is_present)
            continue;
        GW_TRY(check_app(config, &config->apps[i].prov, found, close, err));
        faces++;
    }
    if (faces == 0)
        GW_TRY(check_app(config, NULL, found, close, err));
    for (size_t i = 0; i < config->activity_value_count; i++) {
        if (!found[i]) {
            GW_ARENA_SCOPED(arena);
            const char *reason = gw_arena_printf(&arena, "\"%s\" is no attribute", config->activity_values[i]).ptr;
            return refuse(config, i, reason, close[i], err);
        }
    }
    return GW_OK;
}
