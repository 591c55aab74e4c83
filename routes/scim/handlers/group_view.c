#include "routes/scim/handlers/group_view.h"

#include "gateway/json/write.h"
#include "routes/reply.h"
#include "routes/scim/group.h"
#include "routes/scim/handlers/condition.h"
#include "routes/scim/handlers/user_view.h"

#define TOO_LARGE "the answer is too large; ask for excludedAttributes=members"

struct gw_str group_id_format(struct gw_arena *arena, const struct prov_request *r, uint64_t seq)
{
    char *id = gw_arena_alloc(arena, GW_IDENT_TEXT + 1);
    gw_ident_format(store_ident_key(r->face->store), GW_IDENT_GROUP, r->app->folder, seq, id);
    return gw_str_n(id, GW_IDENT_TEXT);
}

bool group_id_parse(const struct prov_request *r, struct gw_str id, uint64_t *ret_seq)
{
    return gw_ident_parse(store_ident_key(r->face->store), GW_IDENT_GROUP, r->app->folder, id, ret_seq);
}

enum gw_code group_resource(struct gw_arena *arena, const struct prov_request *r, const struct store_group *group,
                            const struct json_value *members, struct json_value **ret_resource, struct gw_error *err)
{
    struct gw_str id = group_id_format(arena, r, group->seq);
    struct scim_group_columns columns = {
        .meta =
            {
                .id = id,
                .created_ms = group->created_ms,
                .modified_ms = group->modified_ms,
                .location = gw_arena_printf(arena, "%.*s/Groups/%.*s", GW_STR_ARG(r->base_url), GW_STR_ARG(id)),
                .version = condition_tag(arena, group->version),
            },
        .display_name = group->display_name,
        .external_id = group->external_id,
        .attributes = group->attributes,
        .members = members,
    };
    return scim_group_load(arena, r->app->group_type, &columns, ret_resource, err);
}

struct json_value *group_member_json(struct gw_arena *arena, const struct prov_request *r,
                                     const struct store_user *user)
{
    struct json_value *member = json_object_new(arena);
    struct gw_str id = user_id_format(arena, r, user->seq);
    struct gw_str address = gw_arena_printf(arena, "%.*s/Users/%.*s", GW_STR_ARG(r->base_url), GW_STR_ARG(id));
    json_object_append(arena, member, GW_STR("value"), json_string_new(arena, id));
    json_object_append(arena, member, GW_STR("$ref"), json_string_new(arena, address));
    json_object_append(arena, member, GW_STR("type"), json_string_new(arena, GW_STR("User")));
    json_object_append(arena, member, GW_STR("display"), json_string_new(arena, gw_arena_copy(arena, user->user_name)));
    return member;
}

struct loading {
    struct gw_arena *arena;
    const struct prov_request *r;
    struct json_value *members;
    size_t *budget;
    bool is_over;
};

static bool on_loaded(const struct store_user *user, void *data)
{
    struct loading *loading = data;
    loading->is_over = *loading->budget == 0;
    if (loading->is_over)
        return false;
    --*loading->budget;
    json_array_append(loading->arena, loading->members, group_member_json(loading->arena, loading->r, user));
    return true;
}

enum gw_code group_members_load(struct gw_arena *arena, const struct prov_request *r, const struct store_group *group,
                                size_t *budget, struct json_value **ret_members, struct gw_error *err)
{
    struct loading loading = {arena, r, json_array_new(arena), budget, false};
    GW_TRY(store_group_users(r->face->reader, group, on_loaded, &loading, err));
    if (loading.is_over)
        return gw_fail(err, GW_E_TOO_MANY, "more than %u members would have to be looked at", GROUP_TREE_MEMBERS_MAX);
    *ret_members = loading.members;
    return GW_OK;
}

/* Which parts of a member the projection lets through. */
struct member_parts {
    bool value;
    bool ref;
    bool type;
    bool display;
};

static struct member_parts find_parts(struct gw_arena *arena, const struct prov_request *r)
{
    static const struct gw_str names[] = {GW_STR_INIT("value"), GW_STR_INIT("$ref"), GW_STR_INIT("type"),
                                          GW_STR_INIT("display")};
    struct json_value *sample = json_object_new(arena);
    struct json_value *members = json_array_new(arena);
    struct json_value *member = json_object_new(arena);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        json_object_append(arena, member, names[i], json_string_new(arena, names[i]));
    json_array_append(arena, members, member);
    json_object_append(arena, sample, GW_STR("members"), members);
    const struct json_value *kept = json_object_get(scim_project(arena, &r->projection, sample), GW_STR("members"));
    const struct json_value *first = json_count(kept) > 0 ? kept->array.items[0] : NULL;
    return (struct member_parts){
        .value = json_object_get(first, names[0]) != NULL,
        .ref = json_object_get(first, names[1]) != NULL,
        .type = json_object_get(first, names[2]) != NULL,
        .display = json_object_get(first, names[3]) != NULL,
    };
}

struct writing {
    struct gw_buf *text;
    const struct prov_request *r;
    struct member_parts parts;
    size_t count;
};

static void begin_part(struct writing *writing, bool *is_first, struct gw_str name)
{
    if (!*is_first)
        gw_buf_add_byte(writing->text, ',');
    *is_first = false;
    gw_buf_add(writing->text, name);
}

static bool on_written(const struct store_user *user, void *data)
{
    struct writing *writing = data;
    struct gw_buf *text = writing->text;
    char id[GW_IDENT_TEXT + 1];
    bool is_first = true;
    gw_ident_format(store_ident_key(writing->r->face->store), GW_IDENT_USER, user->folder, user->seq, id);
    gw_buf_add(text, writing->count++ > 0 ? GW_STR(",{") : GW_STR("{"));
    if (writing->parts.value) {
        begin_part(writing, &is_first, GW_STR("\"value\":\""));
        gw_buf_add(text, gw_str_n(id, GW_IDENT_TEXT));
        gw_buf_add_byte(text, '"');
    }
    if (writing->parts.ref) {
        begin_part(writing, &is_first, GW_STR("\"$ref\":"));
        GW_ARENA_SCOPED(scratch);
        json_write_string(text, gw_arena_printf(&scratch, "%.*s/Users/%s", GW_STR_ARG(writing->r->base_url), id));
    }
    if (writing->parts.type)
        begin_part(writing, &is_first, GW_STR("\"type\":\"User\""));
    if (writing->parts.display) {
        begin_part(writing, &is_first, GW_STR("\"display\":"));
        json_write_string(text, user->user_name);
    }
    gw_buf_add_byte(text, '}');
    return !text->overflow;
}

enum gw_code group_write(struct gw_buf *text, struct gw_arena *scratch, const struct prov_request *r,
                         const struct store_group *group, bool members, struct gw_error *err)
{
    struct json_value *resource = NULL;
    GW_TRY(group_resource(scratch, r, group, NULL, &resource, err));
    json_write(text, scim_project(scratch, &r->projection, resource));
    if (text->overflow)
        return gw_fail(err, GW_E_TOO_MANY, TOO_LARGE);
    struct writing writing = {.text = text, .r = r};
    if (members && scim_projection_wants(&r->projection, GW_STR("members"))) {
        writing.parts = find_parts(scratch, r);
        text->len--; /* the brace: schemas and id are always there before it */
        gw_buf_add_lit(text, ",\"members\":[");
        GW_TRY(store_group_users(r->face->reader, group, on_written, &writing, err));
        gw_buf_add_lit(text, "]}");
    }
    return text->overflow ? gw_fail(err, GW_E_TOO_MANY, TOO_LARGE) : GW_OK;
}

enum gw_code group_fetch(struct prov_request *r, uint64_t seq, struct store_group *ret_group, struct gw_error *err)
{
    GW_TRY(store_reader_begin(r->face->reader, err));
    enum gw_code code = store_group_get(r->face->reader, r->arena, r->app->folder, seq, ret_group, err);
    store_reader_end(r->face->reader);
    return code == GW_E_NOT_FOUND ? gw_fail(err, code, "there is no group with this id") : code;
}

enum gw_code group_projection_read(struct prov_request *r, struct gw_error *err)
{
    return scim_projection_parse(r->arena, r->app->group_type, r->query.attributes, r->query.excluded_attributes,
                                 &r->projection, err);
}

static enum gw_code shows_members(const struct prov_request *r, const struct store_group *group,
                                  enum group_members_shown shown, bool *ret_shows, struct gw_error *err)
{
    uint64_t size = 0;
    *ret_shows = shown == GROUP_MEMBERS_ALL || r->projection.only; /* asked for by name */
    if (*ret_shows || shown == GROUP_MEMBERS_ASKED)
        return GW_OK;
    GW_TRY(store_group_size(r->face->reader, group, &size, err));
    *ret_shows = size <= GROUP_ECHO_MAX;
    return GW_OK;
}

static enum gw_code write_now(struct prov_request *r, uint64_t seq, enum group_members_shown shown,
                              struct store_group *ret_group, struct gw_buf *text, bool *ret_fresh, struct gw_error *err)
{
    bool shows = false;
    bool is_read = gw_str_eq(r->x->request.method, GW_STR("GET")) || r->x->request.is_head;
    enum gw_code code = store_group_get(r->face->reader, r->arena, r->app->folder, seq, ret_group, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? gw_fail(err, code, "there is no group with this id") : code;
    *ret_fresh = is_read && condition_is_fresh(&r->x->request, ret_group->version);
    if (*ret_fresh)
        return GW_OK;
    GW_TRY(shows_members(r, ret_group, shown, &shows, err));
    return group_write(text, r->arena, r, ret_group, shows, err);
}

void group_reply(struct prov_request *r, int status, uint64_t seq, enum group_members_shown shown)
{
    struct gw_error err = {0};
    struct store_group group = {0};
    struct http_field fields[2];
    size_t count = 0;
    bool is_fresh = false;
    GW_BUF_SCOPED(text, REPLY_BYTES_MAX);
    enum gw_code code = store_reader_begin(r->face->reader, &err);
    if (code == GW_OK) {
        code = write_now(r, seq, shown, &group, &text, &is_fresh, &err);
        store_reader_end(r->face->reader);
    }
    if (code != GW_OK) {
        reply_error_from(r, &err);
        return;
    }
    fields[count++] = (struct http_field){GW_STR("ETag"), condition_tag(r->arena, group.version)};
    if (status == 201) { /* RFC 7644 section 3.3 */
        struct gw_str id = group_id_format(r->arena, r, seq);
        fields[count++] = (struct http_field){
            GW_STR("Location"), gw_arena_printf(r->arena, "%.*s/Groups/%.*s", GW_STR_ARG(r->base_url), GW_STR_ARG(id))};
    }
    reply_text(r, is_fresh ? 304 : status, fields, count, is_fresh ? GW_STR_NONE : gw_buf_str(&text));
}
