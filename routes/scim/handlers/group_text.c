#include "routes/scim/handlers/group_text.h"

#include "gateway/json/write.h"
#include "routes/scim/handlers/group_view.h"
#include "routes/scim/handlers/location.h"

#define TOO_LARGE "the answer is too large; ask for excludedAttributes=members"

/* Which parts of a member the projection lets through. */
static void find_parts(struct group_text *part, struct gw_arena *arena, const struct prov_request *r)
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
    part->value = json_object_get(first, names[0]) != NULL;
    part->ref = json_object_get(first, names[1]) != NULL;
    part->type = json_object_get(first, names[2]) != NULL;
    part->display = json_object_get(first, names[3]) != NULL;
}

struct writing {
    struct group_text *part;
    struct gw_buf *text;
    const struct prov_request *r;
    struct turn *turn; /* NULL: at one go */
    bool is_paused;
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
    gw_buf_add(text, writing->part->count++ > 0 ? GW_STR(",{") : GW_STR("{"));
    if (writing->part->value) {
        begin_part(writing, &is_first, GW_STR("\"value\":\""));
        gw_buf_add(text, gw_str_n(id, GW_IDENT_TEXT));
        gw_buf_add_byte(text, '"');
    }
    if (writing->part->ref) {
        begin_part(writing, &is_first, GW_STR("\"$ref\":"));
        GW_ARENA_SCOPED(scratch);
        json_write_string(
            text, resource_location(&scratch, writing->r, writing->r->app->user_type, gw_str_n(id, GW_IDENT_TEXT)));
    }
    if (writing->part->type)
        begin_part(writing, &is_first, GW_STR("\"type\":\"User\""));
    if (writing->part->display) {
        begin_part(writing, &is_first, GW_STR("\"display\":"));
        json_write_string(text, user->user_name);
    }
    gw_buf_add_byte(text, '}');
    writing->part->next_user = user->seq + 1;
    writing->is_paused = writing->turn != NULL && turn_is_spent(writing->turn);
    return !text->overflow && !writing->is_paused;
}

enum gw_code group_text_begin(struct group_text *part, struct gw_buf *text, struct gw_arena *scratch,
                              const struct prov_request *r, const struct store_group *group, bool members,
                              struct gw_error *err)
{
    struct json_value *resource = NULL;
    *part = (struct group_text){.seq = group->seq, .version = group->version, .begun_at = text->len};
    GW_TRY(group_resource(scratch, r, group, NULL, &resource, err));
    json_write(text, scim_project(scratch, &r->projection, resource));
    if (text->overflow)
        return gw_fail(err, GW_E_TOO_MANY, TOO_LARGE);
    if (members && scim_projection_wants(&r->projection, GW_STR("members"))) {
        find_parts(part, scratch, r);
        text->len--; /* the brace: schemas and id are always there before it */
        gw_buf_add_lit(text, ",\"members\":[");
        part->is_open = true;
    }
    return GW_OK;
}

/* The group as it is now, and the text begun again when that is another version. */
static enum gw_code come_back(struct group_text *part, struct gw_buf *text, struct gw_arena *scratch,
                              const struct prov_request *r, struct store_group *ret_group, struct gw_error *err)
{
    enum gw_code code = store_group_get(r->face->reader, scratch, r->app->folder, part->seq, ret_group, err);
    if (code == GW_OK && ret_group->version == part->version)
        return GW_OK;
    if (code == GW_OK || code == GW_E_NOT_FOUND)
        text->len = part->begun_at;
    if (code == GW_E_NOT_FOUND) {
        part->is_gone = true;
        part->is_open = false;
        return GW_OK;
    }
    unsigned again = part->again + 1;
    if (code == GW_OK)
        code = group_text_begin(part, text, scratch, r, ret_group, /* members= */ true, err);
    part->again = again;
    return code;
}

enum gw_code group_text_go_on(struct group_text *part, struct gw_buf *text, const struct prov_request *r,
                              const struct store_group *group, struct turn *turn, struct gw_error *err)
{
    GW_ARENA_SCOPED(scratch);
    struct store_group now = {0};
    if (group == NULL) {
        GW_TRY(come_back(part, text, &scratch, r, &now, err));
        group = &now;
    }
    if (!part->is_open)
        return GW_OK;
    struct writing writing = {part, text, r, part->again < GROUP_TEXT_AGAIN_MAX ? turn : NULL, false};
    GW_TRY(store_group_users(r->face->reader, group, part->next_user, on_written, &writing, err));
    if (!writing.is_paused) {
        gw_buf_add_lit(text, "]}");
        part->is_open = false;
    }
    return text->overflow ? gw_fail(err, GW_E_TOO_MANY, TOO_LARGE) : GW_OK;
}
