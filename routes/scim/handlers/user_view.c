#include "routes/scim/handlers/user_view.h"

#include "gateway/base/text.h"
#include "gateway/json/write.h"
#include "routes/reply.h"
#include "routes/scim/handlers/condition.h"
#include "routes/scim/handlers/group_view.h"
#include "routes/scim/handlers/location.h"
#include "routes/scim/handlers/user_rules.h"
#include "routes/scim/user.h"

#define SERVICE_USER_SINCE_MS 1767225600000 /* 2026-01-01 */

static const char service_user_attributes[] =
    "{\"name\":{\"formatted\":\"Provgate Service\",\"familyName\":\"Service\",\"givenName\":\"Provgate\"},"
    "\"displayName\":\"Provgate Service (not a person)\","
    "\"emails\":[{\"value\":\"" SERVICE_USER_NAME "\",\"type\":\"work\",\"primary\":true}]}";

struct gw_str user_id_format(struct gw_arena *arena, const struct prov_request *r, uint64_t seq)
{
    char *id = gw_arena_alloc(arena, GW_IDENT_TEXT + 1);
    gw_ident_format(store_ident_key(r->face->store), GW_IDENT_USER, r->app->folder, seq, id);
    return gw_str_n(id, GW_IDENT_TEXT);
}

bool user_id_parse(const struct prov_request *r, struct gw_str id, uint64_t *ret_seq)
{
    if (!gw_ident_parse(store_ident_key(r->face->store), GW_IDENT_USER, r->app->folder, id, ret_seq))
        return false;
    return *ret_seq != SERVICE_USER_SEQ || service_user_is_on(r);
}

bool service_user_is_on(const struct prov_request *r)
{
    return r->app->config->prov.service_user;
}

struct store_user service_user(const struct prov_request *r)
{
    return (struct store_user){
        .folder = r->app->folder,
        .seq = SERVICE_USER_SEQ,
        .state = {.flags = STORE_USER_ACTIVE},
        .version = 1,
        .created_ms = SERVICE_USER_SINCE_MS,
        .modified_ms = SERVICE_USER_SINCE_MS,
        .user_name = GW_STR(SERVICE_USER_NAME),
        .attributes = GW_STR(service_user_attributes),
    };
}

enum gw_code user_fetch(struct prov_request *r, uint64_t seq, struct store_user *ret_user, struct gw_error *err)
{
    struct store_reader *reader = r->face->reader;
    GW_TRY(store_reader_begin(reader, err));
    enum gw_code code = store_user_get(reader, r->arena, r->app->folder, seq, ret_user, err);
    store_reader_end(reader);
    if (code == GW_E_NOT_FOUND || (code == GW_OK && (ret_user->state.flags & STORE_USER_DELETED) != 0))
        return gw_fail(err, GW_E_NOT_FOUND, "there is no user with this id");
    return code;
}

struct group_list {
    struct gw_arena *arena;
    const struct prov_request *r;
    struct json_value *groups;
};

static bool on_group(const struct store_group *group, void *data)
{
    struct group_list *list = data;
    struct gw_arena *arena = list->arena;
    struct json_value *entry = json_object_new(arena);
    struct gw_str id = group_id_format(arena, list->r, group->seq);
    struct gw_str address = resource_location(arena, list->r, list->r->app->group_type, id);
    json_object_append(arena, entry, GW_STR("value"), json_string_new(arena, id));
    json_object_append(arena, entry, GW_STR("$ref"), json_string_new(arena, address));
    json_object_append(arena, entry, GW_STR("display"),
                       json_string_new(arena, gw_arena_copy(arena, group->display_name)));
    json_object_append(arena, entry, GW_STR("type"), json_string_new(arena, GW_STR("direct")));
    json_array_append(arena, list->groups, entry);
    return json_count(list->groups) < USER_GROUPS_MAX;
}

/* user.groups is derived (rule R11), and read only where somebody may see it. */
static enum gw_code load_groups(struct gw_arena *arena, const struct prov_request *r, const struct store_user *user,
                                struct json_value **ret_groups, struct gw_error *err)
{
    struct store_reader *reader = r->face->reader;
    struct group_list list = {arena, r, json_array_new(arena)};
    bool is_wanted = r->query.filter.len > 0 || scim_projection_wants(&r->projection, GW_STR("groups"));
    *ret_groups = list.groups;
    if (user->seq == SERVICE_USER_SEQ || !is_wanted)
        return GW_OK;
    if (store_reader_is_reading(reader))
        return store_user_groups(reader, user->folder, user->seq, on_group, &list, err);
    GW_TRY(store_reader_begin(reader, err));
    enum gw_code code = store_user_groups(reader, user->folder, user->seq, on_group, &list, err);
    store_reader_end(reader);
    return code;
}

/* Everything of the resource but the attributes; may borrow from `user`. */
static enum gw_code user_columns(struct gw_arena *arena, const struct prov_request *r, const struct store_user *user,
                                 struct scim_user_columns *ret_columns, struct gw_error *err)
{
    struct gw_str id = user_id_format(arena, r, user->seq);
    struct json_value *groups = NULL;
    GW_TRY(load_groups(arena, r, user, &groups, err));
    *ret_columns = (struct scim_user_columns){
        .meta =
            {
                .id = id,
                .created_ms = user->created_ms,
                .modified_ms = user->modified_ms,
                .location = resource_location(arena, r, r->app->user_type, id),
                .version = condition_tag(arena, user->version),
            },
        .user_name = user->user_name,
        .external_id = user->external_id,
        .active = (user->state.flags & STORE_USER_ACTIVE) != 0,
        .attributes = user->attributes,
        .groups = groups,
    };
    return GW_OK;
}

enum gw_code user_resource(struct gw_arena *arena, const struct prov_request *r, const struct store_user *user,
                           struct json_value **ret_resource, struct gw_error *err)
{
    struct scim_user_columns columns;
    GW_TRY(user_columns(arena, r, user, &columns, err));
    return scim_user_load(arena, r->app->user_type, &columns, ret_resource, err);
}

enum gw_code user_write(struct gw_buf *buf, struct gw_arena *arena, const struct prov_request *r,
                        const struct store_user *user, struct gw_error *err)
{
    struct scim_user_columns columns;
    struct json_value *resource = NULL;
    bool is_whole = !r->projection.only && r->projection.ref_count == 0;
    GW_TRY(user_columns(arena, r, user, &columns, err));
    if (is_whole && scim_user_write(buf, r->app->user_type, &columns))
        return GW_OK;
    GW_TRY(scim_user_load(arena, r->app->user_type, &columns, &resource, err));
    json_write(buf, scim_project(arena, &r->projection, resource));
    return GW_OK;
}

enum gw_code user_projection_read(struct prov_request *r, struct gw_error *err)
{
    return scim_projection_parse(r->arena, r->app->user_type, r->query.attributes, r->query.excluded_attributes,
                                 &r->projection, err);
}

void user_reply(struct prov_request *r, int status, const struct store_user *user)
{
    struct gw_error err = {0};
    struct http_field fields[2];
    size_t count = 0;
    GW_BUF_SCOPED(body, REPLY_BYTES_MAX);
    if (user_write(&body, r->arena, r, user, &err) != GW_OK) {
        reply_error_from(r, &err);
        return;
    }
    fields[count++] = (struct http_field){GW_STR("ETag"), condition_tag(r->arena, user->version)};
    bool is_read = gw_str_eq(r->x->request.method, GW_STR("GET")) || r->x->request.is_head;
    if (is_read && condition_is_fresh(&r->x->request, user->version)) {
        reply_text(r, 304, fields, count, GW_STR_NONE);
        return;
    }
    if (status == 201) { /* RFC 7644 section 3.3 */
        struct gw_str id = user_id_format(r->arena, r, user->seq);
        fields[count++] =
            (struct http_field){GW_STR("Location"), resource_location(r->arena, r, r->app->user_type, id)};
    }
    reply_text(r, status, fields, count, gw_buf_str(&body));
}
