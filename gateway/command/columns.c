#include "gateway/command/columns.h"

#include "config/suggest.h"
#include "routes/scim/schema.h"

const struct user_column user_columns[] = {
    {"id", NULL, NULL, true},
    {"userName", NULL, "userName", true},
    {"externalId", NULL, "externalId", true},
    {"active", NULL, "active", true},
    {"locked", "provgate", "locked", true},
    {"observed", NULL, NULL, true},
    {"provisioned", NULL, NULL, true},
    {"imported", NULL, NULL, true},
    {"deactivated", NULL, NULL, true},
    {"created", NULL, NULL, true},
    {"modified", NULL, NULL, true},
    {"displayName", NULL, "displayName", true},
    {"givenName", "name", "givenName", true},
    {"familyName", "name", "familyName", true},
    {"email", NULL, "emails", true},
    {"title", NULL, "title", true},
    {"userType", NULL, "userType", true},
    {"preferredLanguage", NULL, "preferredLanguage", true},
    {"locale", NULL, "locale", true},
    {"timezone", NULL, "timezone", true},
    {"employeeNumber", SCIM_URN_ENTERPRISE, "employeeNumber", true},
    {"costCenter", SCIM_URN_ENTERPRISE, "costCenter", true},
    {"organization", SCIM_URN_ENTERPRISE, "organization", true},
    {"division", SCIM_URN_ENTERPRISE, "division", true},
    {"department", SCIM_URN_ENTERPRISE, "department", true},
    /* as SCIM paths, and as other programs name them */
    {"name.givenName", "name", "givenName", false},
    {"name.familyName", "name", "familyName", false},
    {"firstName", "name", "givenName", false},
    {"lastName", "name", "familyName", false},
    {"emails.value", NULL, "emails", false},
};
const size_t user_column_count = sizeof user_columns / sizeof *user_columns;

const struct user_column *user_column_find(struct gw_str name, const char **ret_close)
{
    const char *names[sizeof user_columns / sizeof *user_columns];
    for (size_t i = 0; i < user_column_count; i++) {
        names[i] = user_columns[i].name;
        if (gw_str_eq_nocase(gw_str_from(names[i]), name))
            return &user_columns[i];
    }
    *ret_close = config_suggest(name, names, user_column_count);
    return NULL;
}

static struct json_value *parent_of(struct gw_arena *arena, struct json_value *body, const char *name)
{
    if (name == NULL)
        return body;
    struct json_value *parent = json_object_get(body, gw_str_from(name));
    if (parent == NULL) {
        parent = json_object_new(arena);
        json_object_append(arena, body, gw_str_from(name), parent);
    }
    return parent;
}

static struct json_value *email_of(struct gw_arena *arena, struct gw_str address)
{
    struct json_value *emails = json_array_new(arena);
    struct json_value *email = json_object_new(arena);
    json_object_append(arena, email, GW_STR("value"), json_string_new(arena, address));
    json_object_append(arena, email, GW_STR("type"), json_string_new(arena, GW_STR("work")));
    json_object_append(arena, email, GW_STR("primary"), json_bool_new(arena, true));
    json_array_append(arena, emails, email);
    return emails;
}

bool user_column_set(struct gw_arena *arena, struct json_value *body, const struct user_column *column,
                     struct gw_str cell)
{
    if (column->member == NULL || cell.len == 0)
        return true;
    struct gw_str member = gw_str_from(column->member);
    struct json_value *value = json_string_new(arena, gw_arena_copy(arena, cell));
    if (gw_str_eq(member, GW_STR("active")) || gw_str_eq(member, GW_STR("locked"))) {
        bool is_true = gw_str_eq_nocase(cell, GW_STR("true"));
        if (!is_true && !gw_str_eq_nocase(cell, GW_STR("false")))
            return false;
        value = json_bool_new(arena, is_true);
    } else if (gw_str_eq(member, GW_STR("emails"))) {
        value = email_of(arena, value->text);
    }
    json_object_set(arena, parent_of(arena, body, column->parent), member, value);
    return true;
}

/* The primary one of several, else the first. */
static const struct json_value *chosen(const struct json_value *list)
{
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json_value *primary = json_object_get(list->array.items[i], GW_STR("primary"));
        if (json_is(primary, JSON_BOOL) && primary->boolean)
            return list->array.items[i];
    }
    return list->array.items[0];
}

struct gw_str user_column_get(const struct json_value *resource, const struct user_column *column)
{
    const struct json_value *parent =
        column->parent != NULL ? json_object_get(resource, gw_str_from(column->parent)) : resource;
    const struct json_value *value = json_object_get(parent, gw_str_from(column->member));
    if (json_is(value, JSON_ARRAY) && json_count(value) > 0)
        value = json_object_get(chosen(value), GW_STR("value"));
    if (json_is(value, JSON_BOOL))
        return value->boolean ? GW_STR("true") : GW_STR("false");
    return json_is(value, JSON_STRING) ? value->text : GW_STR_NONE;
}
