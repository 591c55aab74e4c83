#include "gateway/sso/keeper.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/base/steady.h"
#include "gateway/sso/refusal_counts.h"
#include "store/coverage.h"
#include "store/guard_off.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* An entry as it was first seen: the wall clock may be set back, but it does not rest for longer than was asked. */
struct seen {
    int64_t since_ms;
    int64_t until_ms;
    int64_t end_mono_ms;
};

struct sso_keeper {
    struct sso_shared *shared;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex;
    pthread_cond_t stirred;
    bool is_ending;
    struct seen seen[STORE_GUARD_OFF_MAX];
    size_t seen_count;
    int64_t said_ms;                   /* monotonic */
    int64_t until_ms[CONFIG_APPS_MAX]; /* of the entry that lets the app's guard rest */
    bool is_damage_said;
    uint8_t place[STORE_SESSION_PLACE_BYTES]; /* where the next sweep begins */
    int64_t sweep_at_ms;                      /* monotonic */
    bool is_sweep_failing;
    int64_t coverage_at_ms; /* monotonic */
    int64_t warn_at_ms;     /* monotonic */
    bool is_coverage_failing;
    int64_t refusals_at_ms; /* monotonic */
    struct gw_steady steady;
};

/* ---- break-glass ---- */

static int64_t end_mono_of(struct sso_keeper *keeper, const struct store_guard_off *off, int64_t mono_ms,
                           int64_t wall_ms)
{
    for (size_t i = 0; i < keeper->seen_count; i++) {
        if (keeper->seen[i].since_ms == off->since_ms && keeper->seen[i].until_ms == off->until_ms)
            return keeper->seen[i].end_mono_ms;
    }
    int64_t left = off->until_ms - wall_ms;
    if (left > off->until_ms - off->since_ms)
        left = off->until_ms - off->since_ms;
    struct seen seen = {off->since_ms, off->until_ms, mono_ms + left};
    if (keeper->seen_count < STORE_GUARD_OFF_MAX)
        keeper->seen[keeper->seen_count++] = seen;
    return seen.end_mono_ms;
}

/* What is not in the file any more is forgotten; the rest keeps its end. */
static void entries_refresh(struct sso_keeper *keeper, struct store_guard_offs *offs, int64_t mono_ms, int64_t wall_ms)
{
    struct seen kept[STORE_GUARD_OFF_MAX] = {0};
    size_t count = 0;
    for (size_t i = 0; i < offs->count; i++) {
        const struct store_guard_off *off = &offs->list[i];
        int64_t end_ms = end_mono_of(keeper, off, mono_ms, wall_ms);
        kept[i] = (struct seen){off->since_ms, off->until_ms, end_ms};
        if (mono_ms < end_ms)
            offs->list[count++] = *off;
    }
    memcpy(keeper->seen, kept, offs->count * sizeof *kept);
    keeper->seen_count = offs->count;
    offs->count = count;
}

static void on_ended_done(struct store_change *change)
{
    store_change_free(change);
}

/* Nobody gave a command: the record says that it ended all the same. */
static void record_end(struct sso_keeper *keeper, const struct sso_app *app, int64_t wall_ms)
{
    struct store_change *change = store_change_new(STORE_CHANGE_ACTIVITY);
    struct gw_error err;
    change->time_ms = wall_ms;
    change->actor = GW_STR("sso");
    change->app = gw_arena_copy(&change->arena, app->name);
    change->folder = app->folder;
    change->as.activity.kind = STORE_ACTIVITY_GUARD_ON;
    change->on_done = on_ended_done;
    if (store_writer_submit(keeper->shared->writer, change, &err) != GW_OK)
        store_change_free(change);
}

static void app_update(struct sso_keeper *keeper, struct sso_app *app, const struct store_guard_off *off, bool is_said,
                       int64_t wall_ms)
{
    bool was_off = atomic_load(&app->guard_is_off);
    bool is_off = off != NULL;
    if (is_off)
        keeper->until_ms[app->index] = off->until_ms;
    if (is_off && (is_said || !was_off))
        gw_log(GW_LOG_WARN, "guard-off", "app=%.*s seconds_left=%lld by=\"%.*s\" reason=\"%.*s\"",
               GW_STR_ARG(app->name), (long long)((off->until_ms - wall_ms) / 1000), GW_STR_ARG(off->actor),
               GW_STR_ARG(off->reason));
    if (is_off == was_off)
        return;
    atomic_store(&app->guard_is_off, is_off);
    if (is_off)
        return;
    bool is_by_itself = wall_ms >= keeper->until_ms[app->index];
    gw_log(GW_LOG_WARN, "guard-on", "app=%.*s", GW_STR_ARG(app->name));
    if (is_by_itself)
        record_end(keeper, app, wall_ms);
    atomic_fetch_add(&keeper->shared->guard_returns, 1);
}

static void guard_turn(struct sso_keeper *keeper, int64_t mono_ms, int64_t wall_ms)
{
    struct sso_shared *shared = keeper->shared;
    GW_ARENA_SCOPED(arena);
    struct store_guard_offs *offs = gw_arena_alloc(&arena, sizeof *offs);
    struct gw_error err;
    enum gw_code code = store_guard_offs_read(shared->config->store_path, &arena, offs, &err);
    if (code != GW_OK && !keeper->is_damage_said)
        gw_log(GW_LOG_ERROR, "guard-off-unreadable", "reason=\"%s\"", err.text);
    keeper->is_damage_said = code != GW_OK;
    if (code != GW_OK)
        offs->count = 0;
    entries_refresh(keeper, offs, mono_ms, wall_ms);
    bool is_said = mono_ms - keeper->said_ms >= SSO_KEEPER_SAY_MS;
    if (is_said || offs->count == 0)
        keeper->said_ms = mono_ms;
    for (size_t i = 0; i < shared->config->app_count; i++) {
        struct sso_app *app = &shared->apps[i];
        if (app->config->sso.is_present)
            app_update(keeper, app, store_guard_off_find(offs, app->name, wall_ms), is_said, wall_ms);
    }
}

/* ---- sessions that are due ---- */

static const struct config_app *prov_of(const struct config *config, const char *folder)
{
    for (size_t i = 0; i < config->app_count; i++) {
        if (config->apps[i].prov.is_present && strcmp(config->apps[i].folder, folder) == 0)
            return &config->apps[i];
    }
    return NULL;
}

/* Apps that share a folder share its longest time to live: a binding does not say which app it is of. */
static size_t rules_fill(const struct sso_shared *shared, struct store_session_rule *rules)
{
    size_t count = 0;
    for (size_t i = 0; i < shared->config->app_count; i++) {
        const struct sso_app *app = &shared->apps[i];
        if (!app->config->sso.is_present)
            continue;
        size_t at = 0;
        while (at < count && rules[at].folder != app->folder)
            at++;
        if (at == count) {
            const struct config_app *prov = prov_of(shared->config, app->config->folder);
            int64_t retain_ms = prov != NULL ? prov->prov.policy.retain_ms : SSO_KEEPER_RETAIN_MS;
            rules[count++] = (struct store_session_rule){.folder = app->folder, .retain_ms = retain_ms};
        }
        if (app->config->sso.session_ttl_ms > rules[at].ttl_ms)
            rules[at].ttl_ms = app->config->sso.session_ttl_ms;
    }
    return count;
}

/* A clock that jumped would make everything due at once: then nothing is, until it is put right or the next start. */
static bool is_clock_steady(struct sso_keeper *keeper, int64_t mono_ms, int64_t wall_ms)
{
    bool is_new = !keeper->steady.has_offset;
    bool had_jumped = keeper->steady.has_jumped;
    bool is_steady = gw_steady_look(&keeper->steady, mono_ms, wall_ms, SSO_KEEPER_JUMP_MS);
    if (is_new || had_jumped == is_steady)
        gw_gauge_set(GW_GAUGE_CLOCK_JUMPED, "bindings", "sso", is_steady ? 0 : 1);
    if (!is_steady && !had_jumped)
        gw_log(GW_LOG_ERROR, "clock-jumped", "what=\"no binding is forgotten until the clock is right, or a reload\"");
    if (is_steady && had_jumped)
        gw_log(GW_LOG_WARN, "clock-is-right", "what=\"bindings are forgotten again\"");
    return is_steady;
}

/* True: there is more at once. */
static bool sweep_once(struct sso_keeper *keeper, const struct store_session_rule *rules, size_t count, int64_t wall_ms)
{
    struct store_change *change = store_change_new(STORE_CHANGE_SESSION_SWEEP);
    struct gw_error err;
    change->time_ms = wall_ms;
    change->actor = GW_STR("sso");
    change->sessions_max = keeper->shared->config->sessions_max;
    change->as.sweep.rules = rules;
    change->as.sweep.rule_count = count;
    memcpy(change->as.sweep.place, keeper->place, sizeof keeper->place);
    enum gw_code code = store_writer_apply(keeper->shared->writer, change, &err);
    bool has_more = code == GW_OK && change->result.has_more;
    if (code == GW_OK)
        memcpy(keeper->place, change->as.sweep.place, sizeof keeper->place);
    else if (!keeper->is_sweep_failing)
        gw_log(GW_LOG_ERROR, "session-sweep", "code=%s reason=\"%s\"", gw_code_name(code), err.text);
    keeper->is_sweep_failing = code != GW_OK;
    gw_metric_add(GW_METRIC_SESSIONS_FORGOTTEN, code == GW_OK ? change->result.forgotten : 0);
    store_change_free(change);
    return has_more;
}

static void sweep_turn(struct sso_keeper *keeper, int64_t mono_ms, int64_t wall_ms)
{
    struct store_session_rule rules[CONFIG_APPS_MAX];
    if (!is_clock_steady(keeper, mono_ms, wall_ms) || mono_ms < keeper->sweep_at_ms)
        return;
    size_t count = rules_fill(keeper->shared, rules);
    bool has_more = count > 0;
    for (unsigned i = 0; i < SSO_KEEPER_SWEEPS && has_more; i++)
        has_more = sweep_once(keeper, rules, count, wall_ms);
    keeper->sweep_at_ms = mono_ms + (has_more ? 0 : SSO_KEEPER_SWEEP_MS);
}

/* ---- coverage ---- */

static struct store_app_counts counts_of(const char *app)
{
    const struct gw_metrics *metrics = gw_metrics_attached();
    return (struct store_app_counts){.app = gw_str_from(app),
                                     .requests_bound = gw_app_sum(metrics, app, GW_APP_BOUND),
                                     .requests_unbound = gw_app_sum(metrics, app, GW_APP_UNBOUND),
                                     .requests_none = gw_app_sum(metrics, app, GW_APP_NO_SESSION),
                                     .sign_ons_linked = gw_app_sum(metrics, app, GW_APP_SIGN_ONS_LINKED),
                                     .sign_ons_observed = gw_app_sum(metrics, app, GW_APP_SIGN_ONS_OBSERVED),
                                     .sign_ons_unbound = gw_app_sum(metrics, app, GW_APP_SIGN_ONS_UNBOUND)};
}

static void coverage_turn(struct sso_keeper *keeper, int64_t mono_ms, int64_t wall_ms)
{
    const struct config *config = keeper->shared->config;
    if (mono_ms < keeper->coverage_at_ms)
        return;
    keeper->coverage_at_ms = mono_ms + SSO_KEEPER_COVERAGE_MS;
    bool is_warned = mono_ms >= keeper->warn_at_ms;
    if (is_warned)
        keeper->warn_at_ms = mono_ms + SSO_KEEPER_WARN_MS;
    GW_ARENA_SCOPED(arena);
    struct store_coverage *coverage = gw_arena_alloc(&arena, sizeof *coverage);
    struct gw_error err = {.code = GW_OK};
    coverage->written_ms = wall_ms;
    for (size_t i = 0; i < config->app_count; i++) {
        if (!config->apps[i].sso.is_present)
            continue;
        struct store_app_counts *counts = &coverage->apps[coverage->count++];
        *counts = counts_of(config->apps[i].name);
        struct gw_str warning = store_coverage_unlinked(&arena, counts);
        if (is_warned && warning.len > 0)
            gw_log(GW_LOG_WARN, "none-linked", "app=%s what=\"%.*s\"", config->apps[i].name, GW_STR_ARG(warning));
    }
    /* A help for people: a full disk is said by those who have to write there. */
    if (store_coverage_write(config->store_path, coverage, &err) != GW_OK && !keeper->is_coverage_failing)
        gw_log(GW_LOG_WARN, "coverage-not-written", "reason=\"%s\"", err.text);
    keeper->is_coverage_failing = err.code != GW_OK;
}

/* ---- refusals ---- */

static void refusals_turn(struct sso_keeper *keeper, int64_t mono_ms, int64_t wall_ms)
{
    if (mono_ms < keeper->refusals_at_ms)
        return;
    keeper->refusals_at_ms = mono_ms + SSO_REFUSAL_COUNTS_MS;
    sso_refusal_counts_write(keeper->shared, wall_ms);
}

/* ---- the thread ---- */

void sso_keeper_turn(struct sso_keeper *keeper, int64_t mono_ms, int64_t wall_ms)
{
    guard_turn(keeper, mono_ms, wall_ms);
    refusals_turn(keeper, mono_ms, wall_ms);
    sweep_turn(keeper, mono_ms, wall_ms);
    coverage_turn(keeper, mono_ms, wall_ms);
}

static bool wait_for_turn(struct sso_keeper *keeper)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += SSO_KEEPER_TURN_MS / 1000;
    int status = 0;
    (void)pthread_mutex_lock(&keeper->mutex);
    while (!keeper->is_ending && status == 0)
        status = pthread_cond_timedwait(&keeper->stirred, &keeper->mutex, &until);
    bool is_ending = keeper->is_ending;
    (void)pthread_mutex_unlock(&keeper->mutex);
    return !is_ending;
}

static void *run(void *data)
{
    struct sso_keeper *keeper = data;
    while (wait_for_turn(keeper))
        sso_keeper_turn(keeper, gw_clock_mono_ms(), gw_clock_wall_ms());
    return NULL;
}

struct sso_keeper *sso_keeper_new(struct sso_shared *shared)
{
    struct sso_keeper *keeper = gw_alloc(sizeof *keeper);
    keeper->shared = shared;
    pthread_condattr_t attributes;
    (void)pthread_mutex_init(&keeper->mutex, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&keeper->stirred, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return keeper;
}

struct sso_keeper *sso_keeper_start(struct sso_shared *shared)
{
    struct sso_keeper *keeper = sso_keeper_new(shared);
    sso_keeper_turn(keeper, gw_clock_mono_ms(), gw_clock_wall_ms());
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&keeper->thread, NULL, run, keeper);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    GW_ASSERT(status == 0);
    keeper->has_thread = true;
    return keeper;
}

void sso_keeper_stop(struct sso_keeper *keeper)
{
    if (keeper == NULL)
        return;
    (void)pthread_mutex_lock(&keeper->mutex);
    keeper->is_ending = true;
    (void)pthread_cond_signal(&keeper->stirred);
    (void)pthread_mutex_unlock(&keeper->mutex);
    if (keeper->has_thread)
        (void)pthread_join(keeper->thread, NULL);
    sso_refusal_counts_write(keeper->shared, gw_clock_wall_ms());
    (void)pthread_cond_destroy(&keeper->stirred);
    (void)pthread_mutex_destroy(&keeper->mutex);
    free(keeper);
}
