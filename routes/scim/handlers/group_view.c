#include "routes/scim/handlers/group_view.h"

#include "routes/reply.h"
#include "routes/scim/group.h"
#include "routes/scim/handlers/condition.h"
#include "routes/scim/handlers/group_text.h"
#include "routes/scim/handlers/location.h"
#include "routes/scim/handlers/user_view.h"

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
                .location = resource_location(arena, r, r->app->group_type, id),
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
    struct gw_str address = resource_location(arena, r, r->app->user_type, id);
    json_object_append(arena, member, GW_STR("value"), json_string_new(arena, id));
    json_object_append(arena, member, GW_STR("$ref"), json_string_new(arena, address));
    json_object_append(arena, member, GW_STR("type"), json_string_new(arena, GW_STR("User")));
    json_object_append(arena, member, GW_STR("display"), json_string_new(arena, gw_arena_copy(arena, user->user_name)));
    return member;
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

/* An answer under way. */
struct group_answer {
    int status;
    uint64_t seq;
    enum group_members_shown shown;
    bool is_begun;
    bool is_fresh; /* the client has it */
    struct group_text part;
    struct gw_buf text;
    struct turn turn;
};

static void answer_done(void *data)
{
    struct group_answer *answer = data;
    gw_buf_done(&answer->text);
}

static enum gw_code begin_answer(struct prov_request *r, struct group_answer *answer, struct gw_error *err)
{
    struct store_group group = {0};
    bool shows = false;
    bool is_read = gw_str_eq(r->x->request.method, GW_STR("GET")) || r->x->request.is_head;
    enum gw_code code = store_group_get(r->face->reader, r->arena, r->app->folder, answer->seq, &group, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? gw_fail(err, code, "there is no group with this id") : code;
    answer->is_begun = true;
    answer->part.version = group.version;
    answer->is_fresh = is_read && condition_is_fresh(&r->x->request, group.version);
    if (answer->is_fresh)
        return GW_OK;
    GW_TRY(shows_members(r, &group, answer->shown, &shows, err));
    GW_TRY(group_text_begin(&answer->part, &answer->text, r->arena, r, &group, shows, err));
    return answer->part.is_open ? group_text_go_on(&answer->part, &answer->text, r, &group, &answer->turn, err) : GW_OK;
}

static void answer_whole(struct prov_request *r, struct group_answer *answer)
{
    struct http_field fields[2];
    size_t count = 0;
    fields[count++] = (struct http_field){GW_STR("ETag"), condition_tag(r->arena, answer->part.version)};
    if (answer->status == 201) { /* RFC 7644 section 3.3 */
        struct gw_str id = group_id_format(r->arena, r, answer->seq);
        fields[count++] =
            (struct http_field){GW_STR("Location"), resource_location(r->arena, r, r->app->group_type, id)};
    }
    reply_text(r, answer->is_fresh ? 304 : answer->status, fields, count,
               answer->is_fresh ? GW_STR_NONE : gw_buf_str(&answer->text));
}

/* One turn's part. */
static void answer_go_on(struct prov_request *r)
{
    struct group_answer *answer = r->state;
    struct gw_error err = {0};
    turn_begin(&answer->turn);
    enum gw_code code = store_reader_begin(r->face->reader, &err);
    if (code == GW_OK) {
        code = answer->is_begun
                   ? group_text_go_on(&answer->part, &answer->text, r, /* group= */ NULL, &answer->turn, &err)
                   : begin_answer(r, answer, &err);
        store_reader_end(r->face->reader);
    }
    if (code == GW_OK && answer->part.is_gone)
        code = gw_fail(&err, GW_E_NOT_FOUND, "there is no group with this id");
    if (code != GW_OK)
        reply_error_from(r, &err);
    else if (answer->part.is_open)
        turn_later(r, answer_go_on);
    else
        answer_whole(r, answer);
}

void group_reply(struct prov_request *r, int status, uint64_t seq, enum group_members_shown shown)
{
    GW_ASSERT(r->on_over == NULL);
    struct group_answer *answer = gw_arena_alloc(r->arena, sizeof *answer);
    *answer = (struct group_answer){.status = status, .seq = seq, .shown = shown, .text = GW_BUF_INIT(REPLY_BYTES_MAX)};
    r->state = answer;
    r->on_over = answer_done;
    answer_go_on(r);
}
