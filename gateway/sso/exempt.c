#include "gateway/sso/exempt.h"

#include "gateway/base/metrics.h"
#include "gateway/base/text.h"

static bool is_listed(const struct config_sso_face *config, struct gw_str user_name, struct gw_arena *arena)
{
    struct gw_str name, listed;
    bool found = false;
    if (!gw_name_fold(arena, user_name, &name))
        return false;
    for (size_t i = 0; i < config->never_refuse_count && !found; i++)
        found = gw_name_fold(arena, gw_str_from(config->never_refuse[i]), &listed) && gw_str_eq(name, listed);
    return found;
}

bool sso_user_is_exempt(const struct sso_request *rq, uint64_t user_seq)
{
    const struct config_sso_face *config = &rq->app->config->sso;
    struct gw_error err;
    if (config->never_refuse_count == 0 || user_seq == 0 || store_reader_begin(rq->face->reader, &err) != GW_OK)
        return false;
    GW_ARENA_SCOPED(arena);
    struct store_user user;
    enum gw_code code = store_user_get(rq->face->reader, &arena, rq->app->folder, user_seq, &user, &err);
    store_reader_end(rq->face->reader);
    bool is_exempt = code == GW_OK && is_listed(config, user.user_name, &arena);
    gw_metric_add(GW_METRIC_SSO_NEVER_REFUSED, is_exempt);
    return is_exempt;
}
