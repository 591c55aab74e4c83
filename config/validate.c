#include "config/validate.h"

#define LISTENERS_OF_ALL_MAX (2 * CONFIG_LISTENERS_MAX + 1)

struct listener_row {
    const struct config_node *node;
    struct config_address address;
    const char *face;
};

struct listener_rows {
    struct listener_row rows[LISTENERS_OF_ALL_MAX];
    size_t count;
};

static bool clash(const struct listener_row *a, const struct listener_row *b)
{
    if (a->address.is_unix || b->address.is_unix)
        return gw_str_eq(a->node->text, b->node->text);
    if (a->address.port != b->address.port)
        return false;
    if (a->address.is_v6 == b->address.is_v6)
        return a->address.is_any || b->address.is_any || memcmp(a->address.address, b->address.address, 16) == 0;
    /* [::] may take IPv4 as well: harmless within a face, but the faces never share a listener (law 5). */
    return strcmp(a->face, b->face) != 0 && (a->address.is_any || b->address.is_any);
}

static enum gw_code add_listener(struct config_reader *reader, struct listener_rows *rows,
                                 const struct config_node *node, const char *face)
{
    struct listener_row *row = &rows->rows[rows->count];
    *row = (struct listener_row){.node = node, .face = face};
    (void)config_address_parse(reader->arena, node->text, &row->address); /* was checked when it was read */
    for (size_t i = 0; i < rows->count; i++) {
        if (!clash(&rows->rows[i], row))
            continue;
        struct gw_str other = config_node_path(reader->arena, rows->rows[i].node);
        bool same_face = strcmp(rows->rows[i].face, face) == 0;
        return config_refuse(reader, node, "\"%.*s\" is taken by %.*s%s", GW_STR_ARG(node->text), GW_STR_ARG(other),
                             same_face ? "" : "; the faces never share a listener");
    }
    rows->count++;
    return GW_OK;
}

static enum gw_code check_listeners(struct config_reader *reader, const struct config_node *root)
{
    static const char *const faces[] = {"sso", "prov"};
    struct listener_rows rows = {.count = 0};
    for (size_t i = 0; i < 2; i++) {
        const struct config_node *list = config_node_get(config_node_get(root, faces[i]), "listen");
        for (const struct config_node *item = list != NULL ? list->first : NULL; item != NULL; item = item->next)
            GW_TRY(add_listener(reader, &rows, config_node_get(item, "address"), faces[i]));
    }
    const struct config_node *admin = config_node_get(config_node_get(root, "admin"), "listen");
    return admin != NULL ? add_listener(reader, &rows, admin, "admin") : GW_OK;
}

/* A host without a port stands for the listener's own port and for none (semantics.md 5). */
static bool hosts_overlap(struct gw_str a, struct gw_str b)
{
    bool a_has_port = !gw_str_ends(a, GW_STR("]")) && gw_str_find(a, ':') >= 0;
    bool b_has_port = !gw_str_ends(b, GW_STR("]")) && gw_str_find(b, ':') >= 0;
    if (a_has_port == b_has_port)
        return gw_str_eq_nocase(a, b);
    struct gw_str longer = a_has_port ? a : b;
    struct gw_str shorter = a_has_port ? b : a;
    return longer.len > shorter.len && gw_str_starts_nocase(longer, shorter) && longer.ptr[shorter.len] == ':';
}

static bool paths_overlap(const char *a, const char *b)
{
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    size_t shared = a_len < b_len ? a_len : b_len;
    if (strncmp(a, b, shared) != 0)
        return false;
    return a_len == b_len || (a_len > b_len ? a[shared] : b[shared]) == '/';
}

static enum gw_code check_hosts_of(struct config_reader *reader, const struct config_node *a,
                                   const struct config_node *b, const char *face)
{
    const struct config_node *hosts = config_node_get(config_node_get(a, face), "hosts");
    const struct config_node *others = config_node_get(config_node_get(b, face), "hosts");
    for (const struct config_node *x = hosts != NULL ? hosts->first : NULL; x != NULL; x = x->next) {
        for (const struct config_node *y = others != NULL ? others->first : NULL; y != NULL; y = y->next) {
            if (hosts_overlap(x->text, y->text))
                return config_refuse(reader, y, "the host %.*s belongs to the app %.*s", GW_STR_ARG(y->text),
                                     GW_STR_ARG(config_node_get(a, "name")->text));
        }
    }
    return GW_OK;
}

static bool scim_paths_overlap(const struct config_prov_face *a, const struct config_prov_face *b)
{
    const char *of_a[] = {a->base_path, a->scim1_base_path};
    const char *of_b[] = {b->base_path, b->scim1_base_path};
    for (size_t i = 0; i < sizeof of_a / sizeof of_a[0]; i++) {
        for (size_t j = 0; j < sizeof of_b / sizeof of_b[0]; j++) {
            if (of_a[i] != NULL && of_b[j] != NULL && paths_overlap(of_a[i], of_b[j]))
                return true;
        }
    }
    return false;
}

static enum gw_code check_pair(struct config_reader *reader, const struct config_node *a, const struct config_node *b,
                               const struct config_app *app_a, const struct config_app *app_b)
{
    if (gw_str_eq_nocase(gw_str_from(app_a->name), gw_str_from(app_b->name)))
        return config_refuse(reader, config_node_get(b, "name"), "the name %s is given twice", app_b->name);
    GW_TRY(check_hosts_of(reader, a, b, "sso"));
    if (!app_a->prov.is_present || !app_b->prov.is_present)
        return GW_OK;
    if (scim_paths_overlap(&app_a->prov, &app_b->prov))
        GW_TRY(check_hosts_of(reader, a, b, "prov"));
    if (app_a->prov.logout.is_present && app_b->prov.logout.is_present &&
        strcmp(app_a->prov.logout.path, app_b->prov.logout.path) == 0)
        GW_TRY(check_hosts_of(reader, a, b, "prov"));
    const struct config_node *face = config_node_get(b, "prov");
    if (strcmp(app_a->folder, app_b->folder) == 0)
        return config_refuse_key(reader, face, "the folder %s has its prov face in the app %s; a folder has one",
                                 app_b->folder, app_a->name);
    bool shared = app_a->prov.tokens_file != NULL && app_b->prov.tokens_file != NULL &&
                  strcmp(app_a->prov.tokens_file, app_b->prov.tokens_file) == 0;
    if (shared)
        return config_refuse(reader, config_node_get(face, "tokens_file"),
                             "is the tokens file of the app %s; a credential answers for one app", app_a->name);
    return GW_OK;
}

static enum gw_code check_admin_tokens(struct config_reader *reader, const struct config_node *face,
                                       const struct config *config, const struct config_app *app)
{
    if (config->admin_tokens_file == NULL || app->prov.tokens_file == NULL ||
        strcmp(config->admin_tokens_file, app->prov.tokens_file) != 0)
        return GW_OK;
    return config_refuse(reader, config_node_get(face, "tokens_file"),
                         "is the tokens file of the admin face; a credential answers for one face");
}

static const struct config_prov_face *prov_face_of(const struct config *config, const char *folder)
{
    for (size_t i = 0; i < config->app_count; i++) {
        if (config->apps[i].prov.is_present && strcmp(config->apps[i].folder, folder) == 0)
            return &config->apps[i].prov;
    }
    return NULL;
}

static bool has_role(const struct config_prov_face *face, struct gw_str id)
{
    for (size_t i = 0; face != NULL && i < face->role_count; i++) {
        if (gw_str_eq(gw_str_from(face->roles[i].id), id))
            return true;
    }
    return false;
}

static enum gw_code check_guarded_paths(struct config_reader *reader, const struct config_node *app_node,
                                        const struct config *config, const struct config_app *app)
{
    const struct config_prov_face *face = prov_face_of(config, app->folder);
    const struct config_node *roles = config_node_get(config_node_get(app_node, "sso"), "roles");
    for (const struct config_node *path = roles != NULL ? roles->first : NULL; path != NULL; path = path->next) {
        const struct config_node *require = config_node_get(path, "require");
        for (const struct config_node *role = require->first; role != NULL; role = role->next) {
            if (!has_role(face, role->text))
                return config_refuse(reader, role, "the role %.*s is not defined by the prov face of the folder %s",
                                     GW_STR_ARG(role->text), app->folder);
        }
    }
    return GW_OK;
}

static enum gw_code check_app(struct config_reader *reader, const struct config_node *root,
                              const struct config_node *node, const struct config *config)
{
    const struct config_app *app = &config->apps[node->index];
    if (app->sso.is_present && config_node_get(root, "sso") == NULL)
        return config_refuse_key(reader, config_node_get(node, "sso"), "nothing listens for it; add sso: listen:");
    if (app->prov.is_present && config_node_get(root, "prov") == NULL)
        return config_refuse_key(reader, config_node_get(node, "prov"), "nothing listens for it; add prov: listen:");
    GW_TRY(check_admin_tokens(reader, config_node_get(node, "prov"), config, app));
    GW_TRY(check_guarded_paths(reader, node, config, app));
    for (const struct config_node *next = node->next; next != NULL; next = next->next)
        GW_TRY(check_pair(reader, node, next, app, &config->apps[next->index]));
    return GW_OK;
}

enum gw_code config_validate(struct config_reader *reader, const struct config_node *root, const struct config *config)
{
    GW_TRY(check_listeners(reader, root));
    for (const struct config_node *node = config_node_get(root, "apps")->first; node != NULL; node = node->next)
        GW_TRY(check_app(reader, root, node, config));
    return GW_OK;
}
