#include "routes/scim/user.h"

#include "gateway/json/write.h"

/* Columns of the store, and what is derived when a user is read. */
static const struct gw_str KEPT_APART[] = {
    GW_STR_INIT("schemas"),    GW_STR_INIT("id"),     GW_STR_INIT("meta"),   GW_STR_INIT("userName"),
    GW_STR_INIT("externalId"), GW_STR_INIT("active"), GW_STR_INIT("groups"),
};
#define KEPT_APART_COUNT (sizeof KEPT_APART / sizeof KEPT_APART[0])

static bool holds(const struct gw_str *texts, size_t count, struct gw_str text)
{
    for (size_t i = 0; i < count; i++) {
        if (gw_str_eq_nocase(texts[i], text))
            return true;
    }
    return false;
}

static void fill_emails(struct gw_arena *arena, const struct json_value *resource, struct scim_user_draft *draft)
{
    const struct json_value *emails = json_object_get(resource, GW_STR("emails"));
    struct gw_str *texts = gw_arena_array(arena, json_count(emails), sizeof *texts);
    for (size_t i = 0; i < json_count(emails); i++) {
        struct gw_str text = scim_text_of(emails->array.items[i], GW_STR("value"));
        if (text.len > 0 && !holds(texts, draft->email_count, text))
            texts[draft->email_count++] = text;
    }
    draft->emails = texts;
}

void scim_user_draft_fill(struct gw_arena *arena, const struct json_value *resource, struct scim_user_draft *ret_draft)
{
    const struct json_value *active = json_object_get(resource, GW_STR("active"));
    *ret_draft = (struct scim_user_draft){
        .user_name = scim_text_of(resource, GW_STR("userName")),
        .external_id = scim_text_of(resource, GW_STR("externalId")),
        .has_active = json_is(active, JSON_BOOL),
        .active = json_is(active, JSON_BOOL) && active->boolean,
        .has_roles = true,
        .has_entitlements = true,
        .attributes = scim_attributes_without(arena, resource, KEPT_APART, KEPT_APART_COUNT),
    };
    fill_emails(arena, resource, ret_draft);
}

enum gw_code scim_user_read(struct gw_arena *arena, const struct scim_resource_type *type,
                            const struct json_value *body, struct scim_user_draft *ret_draft,
                            struct scim_ignored *ignored, struct gw_error *err)
{
    struct json_value *resource;
    GW_TRY(scim_resource_read(arena, type, body, &resource, ignored, err));
    scim_user_draft_fill(arena, resource, ret_draft);
    /* semantics.md 4: only an array says something about them, and only an empty one revokes */
    ret_draft->has_roles = json_is(json_object_get_nocase(body, GW_STR("roles")), JSON_ARRAY);
    ret_draft->has_entitlements = json_is(json_object_get_nocase(body, GW_STR("entitlements")), JSON_ARRAY);
    return GW_OK;
}

static void keep_attribute(struct gw_arena *arena, struct json_value *attributes, const struct json_value *stored,
                           struct gw_str name)
{
    struct json_value *value = json_object_get(stored, name);
    if (value != NULL)
        json_object_set(arena, attributes, name, value);
}

static bool is_hidden(const struct scim_attribute *attribute)
{
    return attribute->returned == SCIM_RETURNED_NEVER || attribute->returned == SCIM_RETURNED_REQUEST;
}

/* What the client never saw of an extension it cannot have left out on purpose (scim-clients.md 1.6); unless it left
 * out all that it did see. */
static void keep_hidden(struct gw_arena *arena, const struct scim_schema *extension, struct json_value *attributes,
                        const struct json_value *stored)
{
    const struct json_value *before = json_object_get(stored, extension->urn);
    const struct json_value *after = json_object_get(attributes, extension->urn);
    struct json_value *kept = after != NULL ? scim_attributes_without(arena, after, NULL, 0) : json_object_new(arena);
    bool was_shown = false;
    for (size_t i = 0; i < json_count(before); i++) {
        const struct json_member *member = &before->object.members[i];
        const struct scim_attribute *attribute =
            scim_attribute_find(extension->attributes, extension->attribute_count, member->name);
        bool hidden = attribute != NULL && is_hidden(attribute);
        was_shown = was_shown || !hidden;
        if (hidden && json_object_get(kept, member->name) == NULL)
            json_object_set(arena, kept, member->name, member->value);
    }
    if (json_count(kept) > 0 && (after != NULL || !was_shown))
        json_object_set(arena, attributes, extension->urn, kept);
}

void scim_user_draft_keep(struct gw_arena *arena, const struct scim_resource_type *type, struct scim_user_draft *draft,
                          const struct json_value *stored)
{
    const struct json_value *active = json_object_get(stored, GW_STR("active"));
    struct json_value *attributes = scim_attributes_without(arena, draft->attributes, NULL, 0);
    if (!draft->has_roles)
        keep_attribute(arena, attributes, stored, GW_STR("roles"));
    if (!draft->has_entitlements)
        keep_attribute(arena, attributes, stored, GW_STR("entitlements"));
    for (size_t i = 0; i < type->extension_count; i++)
        keep_hidden(arena, type->extensions[i], attributes, stored);
    if (!draft->has_active && json_is(active, JSON_BOOL)) {
        draft->has_active = true;
        draft->active = active->boolean;
    }
    draft->attributes = attributes;
}

struct gw_str scim_user_store_text(struct gw_arena *arena, const struct scim_user_draft *draft)
{
    return json_text(arena, draft->attributes);
}

enum gw_code scim_user_load(struct gw_arena *arena, const struct scim_resource_type *type,
                            const struct scim_user_columns *columns, struct json_value **ret_resource,
                            struct gw_error *err)
{
    struct json_value *attributes;
    GW_TRY(scim_attributes_load(arena, columns->attributes, &attributes, err));
    struct json_value *user = json_object_new(arena);
    json_object_append(arena, user, GW_STR("schemas"), scim_resource_schemas(arena, type, attributes));
    json_object_append(arena, user, GW_STR("id"), json_string_new(arena, columns->meta.id));
    if (columns->external_id.len > 0)
        json_object_append(arena, user, GW_STR("externalId"), json_string_new(arena, columns->external_id));
    json_object_append(arena, user, GW_STR("userName"), json_string_new(arena, columns->user_name));
    json_object_append(arena, user, GW_STR("active"), json_bool_new(arena, columns->active));
    scim_members_append(arena, user, attributes);
    if (json_count(columns->groups) > 0)
        json_object_append(arena, user, GW_STR("groups"), json_copy(arena, columns->groups));
    json_object_append(arena, user, GW_STR("meta"), scim_meta_json(arena, type->name, &columns->meta));
    *ret_resource = user;
    return GW_OK;
}

#define CHANGED_NAMES_BYTES_MAX 1024u

static bool is_server_made(struct gw_str name)
{
    return gw_str_eq(name, GW_STR("schemas")) || gw_str_eq(name, GW_STR("id")) || gw_str_eq(name, GW_STR("meta"));
}

static void add_name(struct gw_buf *names, struct gw_str name)
{
    if (names->len > 0)
        gw_buf_add_byte(names, ' ');
    gw_buf_add(names, name);
}

struct gw_str scim_changed_names(struct gw_arena *arena, const struct json_value *before,
                                 const struct json_value *after)
{
    GW_BUF_SCOPED(names, CHANGED_NAMES_BYTES_MAX);
    for (size_t i = 0; i < json_count(after); i++) {
        const struct json_member *member = &after->object.members[i];
        if (!is_server_made(member->name) && !json_equal(member->value, json_object_get(before, member->name)))
            add_name(&names, member->name);
    }
    for (size_t i = 0; i < json_count(before); i++) {
        const struct json_member *member = &before->object.members[i];
        if (!is_server_made(member->name) && json_object_get(after, member->name) == NULL)
            add_name(&names, member->name);
    }
    return gw_arena_copy(arena, gw_buf_str(&names));
}
