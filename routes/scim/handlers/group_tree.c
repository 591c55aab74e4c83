#include "routes/scim/handlers/group_tree.h"

#include "routes/scim/handlers/group_view.h"

struct loading {
    struct group_tree *tree;
    const struct prov_request *r;
    struct turn *turn;
    bool is_over;
};

static bool on_member(const struct store_user *user, void *data)
{
    struct loading *loading = data;
    struct group_tree *tree = loading->tree;
    loading->is_over = tree->looked_at + json_count(tree->members) >= GROUP_TREE_MEMBERS_MAX;
    if (loading->is_over)
        return false;
    json_array_append(&tree->arena, tree->members, group_member_json(&tree->arena, loading->r, user));
    tree->next_user = user->seq + 1;
    tree->is_open = turn_is_spent(loading->turn);
    return !tree->is_open;
}

static void begin(struct group_tree *tree, const struct store_group *group)
{
    tree->seq = group->seq;
    tree->version = group->version;
    tree->next_user = 0;
    gw_arena_reset(&tree->arena);
    tree->members = json_array_new(&tree->arena);
}

enum gw_code group_tree_load(struct group_tree *tree, const struct prov_request *r, const struct store_group *group,
                             struct turn *turn, struct gw_error *err)
{
    struct loading loading = {tree, r, turn, false};
    if (!tree->is_open || tree->seq != group->seq || tree->version != group->version)
        begin(tree, group);
    tree->is_open = false;
    GW_TRY(store_group_users(r->face->reader, group, tree->next_user, on_member, &loading, err));
    if (loading.is_over)
        return gw_fail(err, GW_E_TOO_MANY, "more than %u members would have to be looked at", GROUP_TREE_MEMBERS_MAX);
    if (!tree->is_open)
        tree->looked_at += json_count(tree->members);
    return GW_OK;
}

void group_tree_done(struct group_tree *tree)
{
    gw_arena_done(&tree->arena);
}
