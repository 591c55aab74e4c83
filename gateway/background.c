#include "gateway/background.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "store/inspect.h"
#include "store/retention.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define REST_MS 10000
#define TRIM_PARTS 200u /* of one turn */
#define BREATH_MS 100   /* between two steps when there is more to do */

struct background {
    struct background_settings settings;
    struct store_reader *reader;
    struct store_retention retention;
    struct store_retention_rule rules[CONFIG_APPS_MAX];
    size_t rule_count;
    uint32_t folders[CONFIG_APPS_MAX]; /* of prov faces */
    size_t folder_count;
    bool is_stop_told; /* as it was told last */
    bool is_clock_told;
    bool is_failure_told;

    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t is_needed;
    bool is_ending;
};

/* A folder is there once its prov face was started. */
static enum gw_code make_rules(struct background *b, struct gw_error *err)
{
    const struct config *config = b->settings.config;
    enum gw_code code = GW_OK;
    GW_TRY(store_reader_begin(b->reader, err));
    for (size_t i = 0; code == GW_OK && i < config->app_count; i++) {
        const struct config_app *app = &config->apps[i];
        const struct config_policy *policy = &app->prov.policy;
        uint32_t folder = 0;
        if (!app->prov.is_present)
            continue;
        code = store_folder_find(b->reader, gw_str_from(app->folder), &folder, err);
        if (code == GW_OK)
            b->folders[b->folder_count++] = folder;
        if (code == GW_OK && policy->after_retention != CONFIG_RETENTION_KEEP)
            b->rules[b->rule_count++] = (struct store_retention_rule){
                folder, policy->retain_ms, policy->after_retention == CONFIG_RETENTION_ANONYMISE};
        if (code == GW_E_NOT_FOUND)
            code = GW_OK;
    }
    store_reader_end(b->reader);
    return code;
}

static void tell_clock(struct background *b, bool is_stopped)
{
    if (b->is_clock_told && b->is_stop_told == is_stopped)
        return;
    gw_gauge_set(GW_GAUGE_CLOCK_JUMPED, "retention", "prov", is_stopped ? 1 : 0);
    if (is_stopped) {
        gw_metric_add(GW_METRIC_RETENTION_STOPPED, 1);
        gw_log(GW_LOG_ERROR, "clock-jumped",
               "the wall clock jumped: no retention time ends until it is right again, or provgate is reloaded");
    } else if (b->is_clock_told) {
        gw_log(GW_LOG_WARN, "clock-is-right", "retention times end again");
    }
    b->is_clock_told = true;
    b->is_stop_told = is_stopped;
}

static void tell_failure(struct background *b, const struct gw_error *err)
{
    if (!b->is_failure_told)
        gw_log(GW_LOG_ERROR, "background-failed", "%s", err->text);
    b->is_failure_told = true;
}

/* How long to rest afterwards. */
static int64_t retention(struct background *b)
{
    const struct store_retention_now now = {gw_clock_wall_ms(), gw_clock_mono_ms(),
                                            prov_face_walked_ms(b->settings.face)};
    enum store_retention_state state = STORE_RETENTION_RESTING;
    struct gw_error err;
    uint64_t done = 0;
    if (store_retention_step(&b->retention, b->settings.writer, b->reader, b->rules, b->rule_count, &now, &state, &done,
                             &err) != GW_OK) {
        tell_failure(b, &err);
        return REST_MS;
    }
    b->is_failure_told = false;
    gw_metric_add(GW_METRIC_USERS_PURGED, done);
    tell_clock(b, state == STORE_RETENTION_STOPPED);
    return state == STORE_RETENTION_WORKING ? BREATH_MS : REST_MS;
}

static enum gw_code is_over(struct background *b, uint32_t folder, bool *ret_over, struct gw_error *err)
{
    struct store_brake_state state;
    GW_TRY(store_reader_begin(b->reader, err));
    enum gw_code code = store_brake_read(b->reader, folder, &state, err);
    store_reader_end(b->reader);
    *ret_over = code == GW_OK && store_brake_is_over(&state, gw_clock_wall_ms());
    return code;
}

/* What the brake held for max_hold is done (semantics.md 9). */
static enum gw_code open_brake(struct background *b, uint32_t folder, struct gw_error *err)
{
    bool is_due = false;
    GW_TRY(is_over(b, folder, &is_due, err));
    while (is_due) {
        struct store_change *change = store_change_new(STORE_CHANGE_BRAKE_RELEASE);
        change->time_ms = gw_clock_wall_ms();
        change->actor = GW_STR("brake");
        change->folder = folder;
        change->as.release.only_when_over = true;
        enum gw_code code = store_writer_apply(b->settings.writer, change, err);
        is_due = code == GW_OK && change->result.has_more;
        if (code == GW_OK)
            gw_log(GW_LOG_WARN, "brake", "max_hold is over: %llu users were taken out",
                   (unsigned long long)change->result.count);
        store_change_free(change);
        if (code != GW_OK)
            return code;
    }
    return GW_OK;
}

static bool on_first(const struct store_activity *entry, void *data)
{
    *(struct store_activity *)data = *entry; /* its numbers; the texts are not looked at */
    return false;
}

static enum gw_code is_too_much(struct background *b, int64_t before_ms, bool *ret_much, struct gw_error *err)
{
    struct store_activity oldest = {.seq = 0};
    uint64_t last = 0;
    GW_TRY(store_reader_begin(b->reader, err));
    enum gw_code code = store_activity_after(b->reader, 0, on_first, &oldest, err);
    if (code == GW_OK)
        code = store_activity_last(b->reader, &last);
    store_reader_end(b->reader);
    *ret_much = code == GW_OK && oldest.seq != 0 &&
                (oldest.time_ms < before_ms || last - oldest.seq >= b->settings.config->activity_entries_max);
    return code;
}

/* Entries come without a gap, so the first and the last number say how many there are. */
static enum gw_code trim_activity(struct background *b, struct gw_error *err)
{
    bool is_due = false;
    int64_t before_ms = gw_clock_wall_ms() - b->settings.config->activity_retain_ms;
    GW_TRY(is_too_much(b, before_ms, &is_due, err));
    for (unsigned i = 0; i < TRIM_PARTS && is_due; i++) {
        struct store_change *change = store_change_new(STORE_CHANGE_ACTIVITY_TRIM);
        change->time_ms = gw_clock_wall_ms();
        change->as.trim.before_ms = before_ms;
        change->as.trim.entries_max = b->settings.config->activity_entries_max;
        enum gw_code code = store_writer_apply(b->settings.writer, change, err);
        is_due = code == GW_OK && change->result.has_more;
        store_change_free(change);
        if (code != GW_OK)
            return code;
    }
    return GW_OK;
}

static int64_t work(struct background *b)
{
    struct gw_error err;
    int64_t rest_ms = retention(b);
    /* a clock that is wrong ends nothing */
    if (!b->retention.is_stopped && trim_activity(b, &err) != GW_OK)
        tell_failure(b, &err);
    for (size_t i = 0; i < b->folder_count; i++) {
        if (open_brake(b, b->folders[i], &err) != GW_OK)
            tell_failure(b, &err);
    }
    return rest_ms;
}

/* False: it is time to end. */
static bool rest(struct background *b, int64_t rest_ms)
{
    struct timespec until;
    int64_t until_ms = gw_clock_mono_ms() + rest_ms;
    until.tv_sec = (time_t)(until_ms / 1000);
    until.tv_nsec = (long)(until_ms % 1000) * 1000000;
    (void)pthread_mutex_lock(&b->lock);
    int rc = 0;
    while (!b->is_ending && rc == 0)
        rc = pthread_cond_clockwait(&b->is_needed, &b->lock, CLOCK_MONOTONIC, &until);
    bool goes_on = !b->is_ending;
    (void)pthread_mutex_unlock(&b->lock);
    return goes_on;
}

static void *run(void *data)
{
    struct background *b = data;
    while (rest(b, work(b)))
        continue;
    return NULL;
}

enum gw_code background_new(const struct background_settings *settings, struct background **ret_background,
                            struct gw_error *err)
{
    struct background *b = gw_alloc(sizeof *b);
    b->settings = *settings;
    GW_ASSERT(pthread_mutex_init(&b->lock, NULL) == 0 && pthread_cond_init(&b->is_needed, NULL) == 0);
    enum gw_code code = store_reader_new(settings->store, &b->reader, err);
    if (code == GW_OK)
        code = make_rules(b, err);
    if (code == GW_OK && pthread_create(&b->thread, NULL, run, b) != 0)
        code = gw_fail(err, GW_E_INTERNAL, "cannot start the background thread");
    if (code == GW_OK) {
        *ret_background = b;
        return GW_OK;
    }
    store_reader_free(b->reader);
    free(b);
    return code;
}

void background_free(struct background *b)
{
    if (b == NULL)
        return;
    (void)pthread_mutex_lock(&b->lock);
    b->is_ending = true;
    (void)pthread_cond_signal(&b->is_needed);
    (void)pthread_mutex_unlock(&b->lock);
    (void)pthread_join(b->thread, NULL);
    store_reader_free(b->reader);
    (void)pthread_cond_destroy(&b->is_needed);
    (void)pthread_mutex_destroy(&b->lock);
    free(b);
}
