#include "gateway/scan.h"

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/base/priority.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PART_RECORDS 512u /* a few milliseconds */
/* Between two parts, so many times what the last one took: a fifth of one core, whatever the machine is. */
#define BREATHS_A_PART 4
#define BREATH_US_MIN 2000
#define BREATH_US_MAX 100000
#define TELL_PERCENT 10u
/* A page that is damaged can end the process that reads it: then it is not read again and again. */
#define BEGINNINGS_MAX 3u

struct scan {
    struct store *store;
    struct store_check_place place;
    unsigned told_percent;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t is_ended;
    bool is_ending;
};

/* After a part that took so long. False: it is time to end. */
static bool breathe(struct scan *scan, int64_t part_us)
{
    int64_t breath_us = part_us * BREATHS_A_PART;
    if (breath_us < BREATH_US_MIN)
        breath_us = BREATH_US_MIN;
    if (breath_us > BREATH_US_MAX)
        breath_us = BREATH_US_MAX;
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += breath_us * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int rc = 0;
    (void)pthread_mutex_lock(&scan->lock);
    while (!scan->is_ending && rc == 0)
        rc = pthread_cond_clockwait(&scan->is_ended, &scan->lock, CLOCK_MONOTONIC, &until);
    bool goes_on = !scan->is_ending;
    (void)pthread_mutex_unlock(&scan->lock);
    return goes_on;
}

static void tell_progress(struct scan *scan)
{
    const struct store_check_place *place = &scan->place;
    unsigned percent = place->total > 0 ? (unsigned)(place->done * 100 / place->total) : 100;
    if (percent < scan->told_percent + TELL_PERCENT)
        return;
    scan->told_percent = percent / TELL_PERCENT * TELL_PERCENT;
    gw_log(GW_LOG_INFO, "store-scan", "records=%" PRIu64 " total=%" PRIu64, place->done, place->total);
}

static void tell_damage(const struct gw_error *err)
{
    gw_metric_add(GW_METRIC_STORE_DAMAGE, 1);
    gw_log(GW_LOG_ERROR, "store-damaged",
           "reason=\"%s\": stop provgate, run provgate check --store, and restore a backup", err->text);
}

static void *run(void *data)
{
    struct scan *scan = data;
    struct gw_error err;
    enum gw_code code = GW_OK;
    (void)gw_priority_lower(GW_PRIORITY_SCAN);
    int64_t begun_us = 0;
    do {
        uint64_t before = scan->place.done;
        begun_us = gw_clock_mono_us();
        code = store_check_part(scan->store, &scan->place, PART_RECORDS, &err);
        gw_metric_add(GW_METRIC_STORE_SCANNED, scan->place.done - before);
        tell_progress(scan);
    } while (code == GW_OK && !scan->place.is_done && breathe(scan, gw_clock_mono_us() - begun_us));
    if (code == GW_E_STORE_DAMAGED)
        tell_damage(&err);
    else if (code != GW_OK)
        gw_log(GW_LOG_WARN, "store-scan", "what=\"it could not be ended\" reason=\"%s\"", err.text);
    else if (scan->place.is_done)
        gw_log(GW_LOG_INFO, "store-scan", "what=\"every record is sound\" records=%" PRIu64, scan->place.done);
    gw_metric_add(GW_METRIC_STORE_SCANS_DONE, 1);
    return NULL;
}

static bool is_hopeless(void)
{
    const struct gw_metrics *metrics = gw_metrics_attached();
    uint64_t begun = gw_metric_sum(metrics, GW_METRIC_STORE_SCANS);
    return begun - gw_metric_sum(metrics, GW_METRIC_STORE_SCANS_DONE) >= BEGINNINGS_MAX;
}

static enum gw_code start(struct scan *scan, struct gw_error *err)
{
    GW_ASSERT(pthread_mutex_init(&scan->lock, NULL) == 0 && pthread_cond_init(&scan->is_ended, NULL) == 0);
    gw_metric_add(GW_METRIC_STORE_SCANS, 1);
    if (pthread_create(&scan->thread, NULL, run, scan) == 0)
        return GW_OK;
    (void)pthread_cond_destroy(&scan->is_ended);
    (void)pthread_mutex_destroy(&scan->lock);
    return gw_fail(err, GW_E_INTERNAL, "cannot start the thread that scans the store");
}

enum gw_code scan_start(struct store *store, struct scan **ret_scan, struct gw_error *err)
{
    struct store_stats stats;
    *ret_scan = NULL;
    GW_TRY(store_stats_read(store, &stats, err));
    if (!store_is_large(&stats))
        return GW_OK;
    if (is_hopeless()) {
        (void)gw_fail(err, GW_E_STORE_DAMAGED, "%u scans began and never ended", BEGINNINGS_MAX);
        tell_damage(err);
        return GW_OK;
    }
    struct scan *scan = gw_alloc(sizeof *scan);
    scan->store = store;
    enum gw_code code = start(scan, err);
    if (code == GW_OK)
        *ret_scan = scan;
    else
        free(scan);
    return code;
}

void scan_free(struct scan *scan)
{
    if (scan == NULL)
        return;
    (void)pthread_mutex_lock(&scan->lock);
    scan->is_ending = true;
    (void)pthread_cond_signal(&scan->is_ended);
    (void)pthread_mutex_unlock(&scan->lock);
    (void)pthread_join(scan->thread, NULL);
    (void)pthread_cond_destroy(&scan->is_ended);
    (void)pthread_mutex_destroy(&scan->lock);
    free(scan);
}
