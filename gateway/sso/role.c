#include "gateway/sso/role.h"

#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/base/text.h"
#include "gateway/json/parse.h"
#include "gateway/sso/exempt.h"
#include "gateway/sso/path_reading.h"

#define ATTRIBUTE_LIMITS                                                                                               \
    ((struct json_limits){.depth = 24,                                                                                 \
                          .values = 200000,                                                                            \
                          .members = 1000,                                                                             \
                          .string_bytes = STORE_ATTRIBUTES_BYTES_MAX,                                                  \
                          .number_bytes = 64})

/* ---- has the user the role? ---- */

/* One look at one user, within one snapshot. */
struct look {
    const struct sso_request *rq;
    struct gw_arena *arena;
    struct json_value *attributes; /* of the record */
    struct gw_error err;
};

/* [{"value": "admin"}] as SCIM has it, and ["admin"]. */
static bool list_has(const struct json_value *list, struct gw_str role)
{
    for (size_t i = 0; json_is(list, JSON_ARRAY) && i < json_count(list); i++) {
        const struct json_value *item = list->array.items[i];
        if (json_is(item, JSON_OBJECT))
            item = json_object_get_nocase(item, GW_STR("value"));
        if (json_is(item, JSON_STRING) && gw_str_eq(item->text, role))
            return true;
    }
    return false;
}

/* The role as the folder's PROV face defines it, or NULL. */
static const struct config_role *role_find(const struct sso_request *rq, struct gw_str role)
{
    const struct config *config = rq->face->shared->config;
    for (size_t i = 0; i < config->app_count; i++) {
        const struct config_app *app = &config->apps[i];
        if (!app->prov.is_present || strcmp(app->folder, rq->app->config->folder) != 0)
            continue;
        for (size_t k = 0; k < app->prov.role_count; k++) {
            if (gw_str_eq(gw_str_from(app->prov.roles[k].id), role))
                return &app->prov.roles[k];
        }
    }
    return NULL;
}

struct group_search {
    struct gw_arena *arena;
    const struct config_role *role;
    bool found;
};

static bool on_group(const struct store_group *group, void *data)
{
    struct group_search *search = data;
    struct gw_str name, wanted;
    if (!gw_name_fold(search->arena, group->display_name, &name))
        return true;
    for (size_t i = 0; i < search->role->group_count && !search->found; i++)
        search->found =
            gw_name_fold(search->arena, gw_str_from(search->role->groups[i]), &wanted) && gw_str_eq(name, wanted);
    return !search->found;
}

/* The one place that knows where roles come from. */
static enum gw_code role_has(struct look *look, struct gw_str role, bool *ret_has)
{
    const struct sso_request *rq = look->rq;
    *ret_has = list_has(json_object_get_nocase(look->attributes, GW_STR("roles")), role) ||
               list_has(json_object_get_nocase(look->attributes, GW_STR("entitlements")), role);
    struct group_search search = {.arena = look->arena, .role = role_find(rq, role)};
    if (*ret_has || search.role == NULL || search.role->group_count == 0)
        return GW_OK;
    GW_TRY(store_user_groups(rq->face->reader, rq->guard.folder, rq->guard.user_seq, on_group, &search, &look->err));
    *ret_has = search.found;
    return GW_OK;
}

static enum gw_code user_load(struct look *look)
{
    const struct sso_request *rq = look->rq;
    struct store_user user;
    struct json_limits limits = ATTRIBUTE_LIMITS;
    GW_TRY(store_user_get(rq->face->reader, look->arena, rq->guard.folder, rq->guard.user_seq, &user, &look->err));
    if (user.attributes.len == 0 || (user.state.flags & STORE_USER_DELETED) != 0)
        return GW_OK;
    return json_parse(look->arena, user.attributes, &limits, &look->attributes, &look->err);
}

/* Between begin and end of the face's reader. GW_E_NOT_FOUND: the user is gone. */
static enum gw_code user_has_all(const struct sso_request *rq, bool *ret_has)
{
    const struct config_sso_face *config = &rq->app->config->sso;
    GW_ARENA_SCOPED(arena);
    struct look look = {.rq = rq, .arena = &arena};
    *ret_has = true;
    GW_TRY(user_load(&look));
    for (size_t i = 0; i < config->guarded_path_count; i++) {
        const struct config_guarded_path *guarded = &config->guarded_paths[i];
        if (!sso_path_under(rq->x->request.path, gw_str_from(guarded->path), config->paths_case_insensitive))
            continue;
        for (size_t k = 0; *ret_has && k < guarded->require_count; k++)
            GW_TRY(role_has(&look, gw_str_from(guarded->require[k]), ret_has));
    }
    return GW_OK;
}

/* ---- requests ---- */

static bool is_guarded(const struct sso_request *rq)
{
    const struct config_sso_face *config = &rq->app->config->sso;
    for (size_t i = 0; i < config->guarded_path_count; i++) {
        if (sso_path_under(rq->x->request.path, gw_str_from(config->guarded_paths[i].path),
                           config->paths_case_insensitive))
            return true;
    }
    return false;
}

static bool refuse(struct sso_request *rq, enum sso_refusal refusal)
{
    if (sso_guard_is_off(rq->app)) {
        gw_metric_add(GW_METRIC_GUARD_OFF_PASSED, 1);
        if (refusal == SSO_REFUSAL_ROLE)
            net_link_add(&rq->face->guarded, &rq->guarded); /* looked at again when the guard is back */
        return true;
    }
    gw_metric_add(GW_METRIC_SSO_ROLE_REFUSED, 1);
    if (refusal == SSO_REFUSAL_ROLE)
        sso_note_refusal(rq, sso_refusal_name(refusal));
    sso_request_refuse(rq, refusal, "a guarded path");
    return false;
}

static bool undecided(struct sso_request *rq)
{
    gw_metric_add(GW_METRIC_SSO_UNDECIDED, 1);
    gw_log(GW_LOG_ERROR, "undecided", "app=%.*s at=role", GW_STR_ARG(rq->app->name));
    if (sso_guard_is_off(rq->app) || rq->app->config->sso.undecided == CONFIG_UNDECIDED_PASS)
        return true;
    sso_request_refuse(rq, SSO_REFUSAL_UNDECIDED, "the roles could not be read");
    return false;
}

static enum gw_code look_up(struct sso_request *rq, bool *ret_has)
{
    struct gw_error err;
    GW_TRY(store_reader_begin(rq->face->reader, &err));
    rq->role_snapshot = store_reader_snapshot(rq->face->reader);
    enum gw_code code = user_has_all(rq, ret_has);
    store_reader_end(rq->face->reader);
    return code;
}

bool sso_role_admit(struct sso_request *rq)
{
    enum sso_guard_verdict verdict = rq->guard.verdict;
    if (rq->app->config->sso.guarded_path_count == 0 || verdict == SSO_GUARD_NO_SESSION || !is_guarded(rq))
        return true;
    if (verdict == SSO_GUARD_UNDECIDED)
        return undecided(rq);
    if (rq->guard.user_seq == 0 || rq->guard.has_unbound_twin)
        return refuse(rq, SSO_REFUSAL_UNBOUND);
    bool has = false;
    enum gw_code code = look_up(rq, &has);
    if (code == GW_E_NOT_FOUND)
        has = false;
    else if (code != GW_OK)
        return undecided(rq);
    if (!has)
        return sso_user_is_exempt(rq, rq->guard.user_seq) || refuse(rq, SSO_REFUSAL_ROLE);
    net_link_add(&rq->face->guarded, &rq->guarded);
    return true;
}

void sso_role_leave(struct sso_request *rq)
{
    net_link_remove(&rq->guarded);
}

/* ---- what is open ---- */

/* The first that was not looked at in this snapshot, as it is after this call. */
static struct sso_request *next_loser(struct sso_face *face, size_t *left)
{
    uint64_t snapshot = store_reader_snapshot(face->reader);
    while (*left > 0 && !net_link_is_empty(&face->guarded)) {
        struct sso_request *rq = NET_CONTAINER(face->guarded.next, struct sso_request, guarded);
        if (rq->role_snapshot == snapshot)
            return NULL;
        bool has = true;
        enum gw_code code = user_has_all(rq, &has);
        rq->role_snapshot = snapshot;
        net_link_remove(&rq->guarded);
        net_link_add(&face->guarded, &rq->guarded);
        (*left)--;
        if (code == GW_E_NOT_FOUND || (code == GW_OK && !has))
            return rq;
    }
    return NULL;
}

void sso_role_tick(struct sso_face *face)
{
    size_t left = SSO_ROLE_CHECKS_PER_TICK;
    struct gw_error err;
    while (left > 0 && !net_link_is_empty(&face->guarded) && store_reader_begin(face->reader, &err) == GW_OK) {
        struct sso_request *rq = next_loser(face, &left);
        store_reader_end(face->reader);
        if (rq == NULL)
            return;
        sso_role_leave(rq);
        if (sso_guard_is_off(rq->app) || sso_user_is_exempt(rq, rq->guard.user_seq))
            continue;
        gw_metric_add(GW_METRIC_SSO_CUT, 1);
        rq->refused_why = sso_refusal_name(SSO_REFUSAL_ROLE);
        http_exchange_cut(rq->x);
    }
}
