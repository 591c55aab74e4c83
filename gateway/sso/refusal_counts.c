#include "gateway/sso/refusal_counts.h"

#include "gateway/base/metrics.h"

void sso_refusal_count(struct sso_request *rq, enum sso_refusal refusal)
{
    if (rq->app == NULL || rq->is_refusal_noted)
        return;
    struct sso_app *app = &rq->face->shared->apps[rq->app->index];
    atomic_fetch_add_explicit(&app->refused[refusal], 1, memory_order_relaxed);
}

bool sso_refusal_is_right(struct store_reader *reader, const struct sso_guard *guard)
{
    struct store_user_state state;
    struct gw_error err;
    if (guard->user_seq == 0 || store_reader_begin(reader, &err) != GW_OK)
        return true;
    enum gw_code code = store_user_state_get(reader, guard->folder, guard->user_seq, &state);
    store_reader_end(reader);
    uint32_t out = STORE_USER_LOCKED | STORE_USER_DELETED;
    if (code != GW_OK || (state.flags & STORE_USER_ACTIVE) == 0 || (state.flags & out) != 0 ||
        state.generation != guard->generation)
        return true;
    gw_metric_add(GW_METRIC_SSO_REFUSED_THOUGH_ACTIVE, 1);
    return false;
}

static void on_written(struct store_change *change)
{
    store_change_free(change);
}

static void count_write(struct sso_shared *shared, const struct sso_app *app, enum sso_refusal refusal, uint32_t count,
                        int64_t wall_ms)
{
    struct store_change *change = store_change_new(STORE_CHANGE_ACTIVITY);
    struct gw_error err;
    change->time_ms = wall_ms;
    change->actor = GW_STR("sso");
    change->app = gw_arena_copy(&change->arena, app->name);
    change->folder = app->folder;
    change->as.activity.kind = STORE_ACTIVITY_REFUSE_MORE;
    change->as.activity.result =
        gw_arena_printf(&change->arena, "%s: %u more within a minute", sso_refusal_name(refusal), count);
    change->on_done = on_written;
    /* a full queue loses it: the metrics count as well */
    if (store_writer_submit(shared->writer, change, &err) != GW_OK)
        store_change_free(change);
}

void sso_refusal_counts_write(struct sso_shared *shared, int64_t wall_ms)
{
    for (size_t i = 0; i < shared->config->app_count; i++) {
        struct sso_app *app = &shared->apps[i];
        if (!app->config->sso.is_present)
            continue;
        for (int refusal = 0; refusal < SSO_REFUSAL_COUNT; refusal++) {
            uint32_t count = atomic_exchange_explicit(&app->refused[refusal], 0, memory_order_relaxed);
            if (count > 0)
                count_write(shared, app, (enum sso_refusal)refusal, count, wall_ms);
        }
    }
}
