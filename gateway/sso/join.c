#include "gateway/sso/join.h"

#include "gateway/base/text.h"
#include "gateway/json/write.h"

static bool is_address_like(struct gw_str text)
{
    return gw_str_find(text, '@') > 0;
}

static bool name_id_names_a_user(const struct saml_assertion *assertion)
{
    if (saml_name_id_is_transient(assertion))
        return false;
    return !saml_name_id_is_persistent(assertion) || is_address_like(assertion->name_id);
}

static struct gw_str attribute_get(const struct saml_assertion *assertion, const char *name, size_t bytes_max)
{
    struct gw_str value;
    if (name == NULL || !saml_attribute_get(assertion, gw_str_from(name), &value) || value.len > bytes_max)
        return GW_STR_NONE;
    return value;
}

static enum store_index index_of(enum config_match match)
{
    switch (match) {
    case CONFIG_MATCH_EXTERNAL_ID:
        return STORE_INDEX_EXTERNAL_ID;
    case CONFIG_MATCH_EMAIL:
        return STORE_INDEX_EMAIL;
    case CONFIG_MATCH_USER_NAME:
        break;
    }
    return STORE_INDEX_USER_NAME;
}

void sso_join_fill(const struct config_saml *saml, uint32_t folder, const struct saml_assertion *assertion,
                   struct store_join *ret_join)
{
    bool transient = saml_name_id_is_transient(assertion);
    struct gw_str name_id = transient ? GW_STR_NONE : assertion->name_id;
    *ret_join = (struct store_join){
        .folder = folder,
        .match = index_of(saml->match),
        .value = saml->user_attribute == NULL ? name_id : GW_STR_NONE,
        .issuer = assertion->issuer,
        .name_id = name_id,
        .name_id_is_opaque = saml_name_id_is_persistent(assertion) && !is_address_like(assertion->name_id),
    };
    if (saml->user_attribute != NULL)
        ret_join->value = attribute_get(assertion, saml->user_attribute, STORE_EMAIL_BYTES_MAX);
}

/* What the assertion gives as a userName, or nothing. */
static struct gw_str user_name_of(const struct config_saml *saml, const struct saml_assertion *assertion,
                                  const struct store_join *join)
{
    struct gw_str name = GW_STR_NONE;
    if (saml->match == CONFIG_MATCH_EXTERNAL_ID) {
        name = attribute_get(assertion, saml->attributes.email, STORE_USER_NAME_BYTES_MAX);
        if (saml->user_attribute != NULL && name_id_names_a_user(assertion))
            name = assertion->name_id;
    } else if (saml->user_attribute != NULL || name_id_names_a_user(assertion)) {
        name = join->value;
    }
    return gw_name_printable(name, STORE_USER_NAME_BYTES_MAX) ? name : GW_STR_NONE;
}

static void text_set(struct gw_arena *arena, struct json_value *object, struct gw_str name, struct gw_str text)
{
    if (text.len > 0)
        json_object_append(arena, object, name, json_string_new(arena, text));
}

static struct json_value *name_json(struct gw_arena *arena, const struct config_saml *saml,
                                    const struct saml_assertion *assertion)
{
    struct json_value *name = json_object_new(arena);
    text_set(arena, name, GW_STR("familyName"),
             attribute_get(assertion, saml->attributes.family_name, SSO_ATTRIBUTE_BYTES_MAX));
    text_set(arena, name, GW_STR("givenName"),
             attribute_get(assertion, saml->attributes.given_name, SSO_ATTRIBUTE_BYTES_MAX));
    return name;
}

static struct json_value *emails_json(struct gw_arena *arena, struct gw_str email)
{
    struct json_value *item = json_object_new(arena);
    text_set(arena, item, GW_STR("value"), email);
    text_set(arena, item, GW_STR("type"), GW_STR("work"));
    json_object_append(arena, item, GW_STR("primary"), json_bool_new(arena, true));
    struct json_value *list = json_array_new(arena);
    json_array_append(arena, list, item);
    return list;
}

void sso_join_draft(const struct config_saml *saml, const struct saml_assertion *assertion,
                    const struct store_join *join, struct gw_arena *arena, struct store_user_draft *ret_draft)
{
    *ret_draft = (struct store_user_draft){.active = true};
    ret_draft->user_name = gw_arena_copy(arena, user_name_of(saml, assertion, join));
    if (saml->match == CONFIG_MATCH_EXTERNAL_ID && join->value.len <= STORE_EXTERNAL_ID_BYTES_MAX)
        ret_draft->external_id = gw_arena_copy(arena, join->value);
    struct json_value *attributes = json_object_new(arena);
    struct json_value *name = name_json(arena, saml, assertion);
    if (json_count(name) > 0)
        json_object_append(arena, attributes, GW_STR("name"), name);
    text_set(arena, attributes, GW_STR("displayName"),
             attribute_get(assertion, saml->attributes.display_name, SSO_ATTRIBUTE_BYTES_MAX));
    struct gw_str email = attribute_get(assertion, saml->attributes.email, STORE_EMAIL_BYTES_MAX);
    if (saml->match == CONFIG_MATCH_EMAIL)
        email = join->value;
    if (gw_name_printable(email, STORE_EMAIL_BYTES_MAX)) {
        json_object_append(arena, attributes, GW_STR("emails"), emails_json(arena, email));
        ret_draft->emails = gw_arena_array(arena, 1, sizeof *ret_draft->emails);
        ret_draft->emails[0] = gw_arena_copy(arena, email);
        ret_draft->email_count = 1;
    }
    ret_draft->attributes = json_text(arena, attributes);
}

void sso_join_copy(const struct store_join *join, struct gw_arena *arena, struct store_join *ret_join)
{
    *ret_join = *join;
    ret_join->value = gw_arena_copy(arena, join->value);
    ret_join->issuer = gw_arena_copy(arena, join->issuer);
    ret_join->name_id = gw_arena_copy(arena, join->name_id);
}
