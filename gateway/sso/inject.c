#include "gateway/sso/inject.h"

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/json/parse.h"

#define ATTRIBUTE_LIMITS                                                                                               \
    ((struct json_limits){.depth = 24,                                                                                 \
                          .values = 200000,                                                                            \
                          .members = 1000,                                                                             \
                          .string_bytes = STORE_ATTRIBUTES_BYTES_MAX,                                                  \
                          .number_bytes = 64})

struct person {
    struct store_user user;
    struct json_value *attributes; /* NULL: none */
};

static enum gw_code person_load(const struct sso_request *rq, struct person *person)
{
    struct gw_error err;
    struct gw_arena *arena = &rq->x->arena;
    struct json_limits limits = ATTRIBUTE_LIMITS;
    GW_TRY(store_reader_begin(rq->face->reader, &err));
    enum gw_code code =
        store_user_get(rq->face->reader, arena, rq->guard.folder, rq->guard.user_seq, &person->user, &err);
    store_reader_end(rq->face->reader);
    if (code != GW_OK || person->user.attributes.len == 0)
        return code;
    return json_parse(arena, person->user.attributes, &limits, &person->attributes, &err);
}

static struct gw_str scalar_text(const struct json_value *value)
{
    if (json_is(value, JSON_STRING) || json_is(value, JSON_NUMBER))
        return value->text;
    if (json_is(value, JSON_BOOL))
        return value->boolean ? GW_STR("true") : GW_STR("false");
    return GW_STR_NONE;
}

static struct gw_str item_text(const struct json_value *item)
{
    return json_is(item, JSON_OBJECT) ? scalar_text(json_object_get_nocase(item, GW_STR("value"))) : scalar_text(item);
}

static bool is_primary(const struct json_value *item)
{
    const struct json_value *primary = json_object_get_nocase(item, GW_STR("primary"));
    return json_is(primary, JSON_BOOL) && primary->boolean;
}

static struct gw_str list_text(const struct json_value *list, struct gw_arena *arena)
{
    GW_BUF_SCOPED(buf, SSO_INJECT_VALUE_BYTES_MAX);
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json_value *item = list->array.items[i];
        struct gw_str text = item_text(item);
        if (is_primary(item))
            return text;
        if (buf.len > 0 && text.len > 0)
            gw_buf_add_byte(&buf, ',');
        gw_buf_add(&buf, text);
    }
    return buf.overflow ? GW_STR_NONE : gw_arena_copy(arena, gw_buf_str(&buf));
}

/* `name` is an attribute, or one and its sub-attribute: "name.givenName". */
static struct gw_str value_of(const struct person *person, struct gw_str name, struct gw_arena *arena)
{
    if (gw_str_eq_nocase(name, GW_STR("userName")))
        return person->user.user_name;
    if (gw_str_eq_nocase(name, GW_STR("externalId")))
        return person->user.external_id;
    const struct json_value *value = person->attributes;
    for (struct gw_str rest = name; rest.len > 0 && value != NULL;)
        value = json_object_get_nocase(value, gw_str_split(&rest, '.'));
    return json_is(value, JSON_ARRAY) ? list_text(value, arena) : scalar_text(value);
}

/* RFC 9110 section 5.5; text beyond ASCII goes as UTF-8. */
static bool is_header_value(struct gw_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return text.len > 0 && text.len <= SSO_INJECT_VALUE_BYTES_MAX && text.ptr[0] != ' ' &&
           text.ptr[text.len - 1] != ' ' && gw_utf8_valid(text);
}

struct http_field *sso_inject_fields(const struct sso_request *rq, struct http_field *fields, size_t *count)
{
    const struct config_sso_face *config = &rq->app->config->sso;
    if (config->inject_count == 0 || rq->guard.verdict != SSO_GUARD_BOUND || rq->guard.user_seq == 0 ||
        rq->guard.has_unbound_twin)
        return fields;
    struct person person = {.attributes = NULL};
    enum gw_code code = person_load(rq, &person);
    if (code != GW_OK) {
        gw_log(GW_LOG_ERROR, "inject", "app=%.*s code=%s", GW_STR_ARG(rq->app->name), gw_code_name(code));
        return fields;
    }
    struct http_field *all = gw_arena_array(&rq->x->arena, *count + config->inject_count, sizeof *all);
    memcpy(all, fields, *count * sizeof *all);
    for (size_t i = 0; i < config->inject_count; i++) {
        struct gw_str value = value_of(&person, gw_str_from(config->inject[i].value), &rq->x->arena);
        if (is_header_value(value))
            all[(*count)++] = (struct http_field){gw_str_from(config->inject[i].name), value};
    }
    return all;
}
