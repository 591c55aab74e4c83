#include "gateway/background.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "store/retention.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define REST_MS 10000
#define BREATH_MS 100 /* between two steps when there is more to do */

struct background {
    struct background_settings settings;
    struct store_reader *reader;
    struct store_retention retention;
    struct store_retention_rule rules[CONFIG_APPS_MAX];
    size_t rule_count;
    bool is_stop_told;
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
        if (!app->prov.is_present || policy->after_retention == CONFIG_RETENTION_KEEP)
            continue;
        struct store_retention_rule *rule = &b->rules[b->rule_count];
        code = store_folder_find(b->reader, gw_str_from(app->folder), &rule->folder, err);
        rule->retain_ms = policy->retain_ms;
        rule->anonymise = policy->after_retention == CONFIG_RETENTION_ANONYMISE;
        b->rule_count += code == GW_OK;
        if (code == GW_E_NOT_FOUND)
            code = GW_OK;
    }
    store_reader_end(b->reader);
    return code;
}

static void tell_stop(struct background *b)
{
    if (b->is_stop_told)
        return;
    b->is_stop_told = true;
    gw_metric_add(GW_METRIC_RETENTION_STOPPED, 1);
    gw_log(GW_LOG_ERROR, "clock-jumped",
           "the wall clock jumped: no retention time ends until provgate is started again with the right time");
}

static void tell_failure(struct background *b, const struct gw_error *err)
{
    if (!b->is_failure_told)
        gw_log(GW_LOG_ERROR, "retention-failed", "%s", err->text);
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
    if (b->rule_count == 0)
        return REST_MS;
    if (store_retention_step(&b->retention, b->settings.writer, b->reader, b->rules, b->rule_count, &now, &state, &done,
                             &err) != GW_OK) {
        tell_failure(b, &err);
        return REST_MS;
    }
    b->is_failure_told = false;
    gw_metric_add(GW_METRIC_USERS_PURGED, done);
    if (state == STORE_RETENTION_STOPPED)
        tell_stop(b);
    return state == STORE_RETENTION_WORKING ? BREATH_MS : REST_MS;
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
    while (rest(b, retention(b)))
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
