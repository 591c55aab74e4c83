#include "routes/scim/handlers/group_match.h"

#include "routes/scim/handlers/group_view.h"
#include "routes/scim/handlers/user_view.h"

static bool is_members(const struct scim_ref *ref)
{
    return ref->extension == NULL && ref->attribute != NULL && gw_str_eq(ref->attribute->name, GW_STR("members"));
}

static void need(struct group_match *match, enum members_needed needed)
{
    if (needed > match->needed)
        match->needed = needed;
}

static void name_member(struct group_match *match, const struct scim_filter *filter)
{
    uint64_t seq = 0;
    bool is_id = filter->kind == SCIM_FILTER_COMPARE && filter->op == SCIM_EQ && filter->literal->type == JSON_STRING;
    need(match, is_id ? MEMBERS_NAMED : MEMBERS_ALL);
    if (is_id && user_id_parse(match->r, filter->literal->text, &seq) && match->named_count < SCIM_FILTER_TERMS_MAX)
        match->named[match->named_count++] = seq;
}

static bool is_value(const struct scim_attribute *attribute)
{
    return attribute != NULL && gw_str_eq(attribute->name, GW_STR("value"));
}

static void find_needed(struct group_match *match, const struct scim_filter *filter)
{
    switch (filter->kind) {
    case SCIM_FILTER_COMPARE:
        if (is_members(&filter->ref) && is_value(filter->ref.sub))
            name_member(match, filter);
        else if (is_members(&filter->ref))
            need(match, MEMBERS_ALL);
        return;
    case SCIM_FILTER_VALUE_PATH:
        if (is_members(&filter->ref) && filter->child_count == 1 && is_value(filter->children[0]->ref.attribute))
            name_member(match, filter->children[0]);
        else if (is_members(&filter->ref))
            need(match, MEMBERS_ALL);
        return;
    case SCIM_FILTER_PRESENT:
        if (is_members(&filter->ref))
            need(match, MEMBERS_ALL);
        return;
    case SCIM_FILTER_AND:
    case SCIM_FILTER_OR:
    case SCIM_FILTER_NOT:
        for (size_t i = 0; i < filter->child_count; i++)
            find_needed(match, filter->children[i]);
        return;
    }
}

/* Those of the members that the filter names; a tree of more would not change what it says. */
static enum gw_code load_named(struct group_match *match, struct gw_arena *arena, const struct store_group *group,
                               struct json_value **ret_members, struct gw_error *err)
{
    struct json_value *members = json_array_new(arena);
    for (size_t i = 0; i < match->named_count; i++) {
        bool has = false;
        GW_TRY(store_group_has(match->r->face->reader, group, match->named[i], &has, err));
        if (!has)
            continue;
        struct json_value *member = json_object_new(arena);
        struct gw_str id = user_id_format(arena, match->r, match->named[i]);
        json_object_append(arena, member, GW_STR("value"), json_string_new(arena, id));
        json_array_append(arena, members, member);
    }
    *ret_members = members;
    return GW_OK;
}

void group_match_init(struct group_match *match, const struct prov_request *r, const struct scim_filter *filter)
{
    match->r = r;
    match->filter = filter;
    find_needed(match, filter);
}

void group_match_done(struct group_match *match)
{
    group_tree_done(&match->tree);
}

void group_match_forget(struct group_match *match)
{
    match->tree.is_open = false;
}

bool group_match_is_open(const struct group_match *match)
{
    return match->tree.is_open;
}

enum gw_code group_match_put(struct group_match *match, struct gw_arena *arena, const struct store_group *group,
                             struct turn *turn, bool *ret_matches, struct gw_error *err)
{
    struct json_value *members = NULL;
    struct json_value *resource = NULL;
    if (match->needed == MEMBERS_NAMED)
        GW_TRY(load_named(match, arena, group, &members, err));
    else if (match->needed == MEMBERS_ALL)
        GW_TRY(group_tree_load(&match->tree, match->r, group, turn, err));
    if (match->tree.is_open)
        return GW_OK;
    if (match->needed == MEMBERS_ALL)
        members = match->tree.members;
    GW_TRY(group_resource(arena, match->r, group, /* members= */ NULL, &resource, err));
    if (json_count(members) > 0) /* not copied: there may be very many */
        json_object_append(arena, resource, GW_STR("members"), members);
    *ret_matches = scim_filter_matches(match->filter, resource, arena);
    return GW_OK;
}
