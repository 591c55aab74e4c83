#include "gateway/net/tls_watch.h"

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define WARN_EVERY_MS (24ll * 3600 * 1000)
#define DAY_MS (24ll * 3600 * 1000)

/* What is known of all files of a server, so that any change is seen; a digest would need to read the keys. */
struct stamp {
    uint64_t sum;
};

struct watched {
    struct tls_server *tls; /* NULL: only a file */
    const char *use;
    char *file;
    struct stamp used; /* of what was tried last */
    struct stamp seen; /* at the last look */
    int64_t warned_ms;
};

struct tls_watch {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_running;
    bool is_ending;
    struct watched *all;
    size_t count;
};

/* --- files ------------------------------------------------------------------------------------------------------ */

static void mix(uint64_t *sum, uint64_t value)
{
    *sum = (*sum ^ value) * 0x9e3779b97f4a7c15ull;
    *sum ^= *sum >> 29;
}

static void add_stamp(const char *file, int64_t not_after_ms, void *data)
{
    (void)not_after_ms;
    uint64_t *sum = data;
    struct stat info = {0};
    if (stat(file, &info) != 0)
        mix(sum, 1);
    mix(sum, (uint64_t)info.st_mtim.tv_sec);
    mix(sum, (uint64_t)info.st_mtim.tv_nsec);
    mix(sum, (uint64_t)info.st_size);
    mix(sum, info.st_ino);
    mix(sum, info.st_mode); /* a key that was closed to others may now be good */
}

static struct stamp stamp_of(const struct watched *watched)
{
    struct stamp stamp = {0};
    if (watched->tls != NULL)
        tls_server_each_file(watched->tls, add_stamp, &stamp.sum);
    else
        add_stamp(watched->file, 0, &stamp.sum);
    return stamp;
}

/* --- ends of certificates --------------------------------------------------------------------------------------- */

struct telling {
    const char *use;
    bool warns;
    bool has_warned;
};

static void tell(const char *file, int64_t not_after_ms, void *data)
{
    struct telling *telling = data;
    if (not_after_ms <= 0)
        return;
    int64_t left_ms = not_after_ms - gw_clock_wall_ms();
    gw_gauge_set(GW_GAUGE_CERTIFICATE_EXPIRY, telling->use, file, not_after_ms / 1000);
    if (!telling->warns || left_ms > TLS_WATCH_NEAR_MS)
        return;
    telling->has_warned = true;
    if (left_ms <= 0)
        gw_log(GW_LOG_ERROR, "certificate-expired", "use=%s file=\"%s\"", telling->use, file);
    else
        gw_log(GW_LOG_WARN, "certificate-expires", "use=%s file=\"%s\" days=%lld", telling->use, file,
               (long long)(left_ms / DAY_MS));
}

static void tell_ends(struct watched *watched)
{
    int64_t now_ms = gw_clock_mono_ms(), not_after_ms = 0;
    struct gw_error err;
    struct telling telling = {.use = watched->use,
                              .warns = watched->warned_ms == 0 || now_ms - watched->warned_ms >= WARN_EVERY_MS};
    if (watched->tls != NULL)
        tls_server_each_file(watched->tls, tell, &telling);
    else if (tls_not_after_read(watched->file, &not_after_ms, &err) == GW_OK)
        tell(watched->file, not_after_ms, &telling);
    if (telling.has_warned)
        watched->warned_ms = now_ms;
}

/* --- looking ---------------------------------------------------------------------------------------------------- */

static void reload(struct watched *watched)
{
    struct gw_error err;
    if (watched->tls == NULL)
        return;
    if (tls_server_reload(watched->tls, &err) == GW_OK) {
        gw_log(GW_LOG_INFO, "certificates-reloaded", "use=%s", watched->use);
        gw_metric_add(GW_METRIC_CERTIFICATE_RELOADS, 1);
    } else {
        gw_log(GW_LOG_ERROR, "certificates-kept", "use=%s reason=\"%s\" the ones in use stay", watched->use, err.text);
        gw_metric_add(GW_METRIC_CERTIFICATE_RELOADS_FAILED, 1);
    }
}

/* Certificate and key are two files: while they are being replaced they change from look to look. */
static void look(struct watched *watched)
{
    struct stamp now = stamp_of(watched);
    bool is_still = now.sum == watched->seen.sum;
    watched->seen = now;
    if (is_still && now.sum != watched->used.sum) {
        watched->used = now;
        reload(watched);
        watched->warned_ms = 0;
    }
    tell_ends(watched);
}

void tls_watch_look(struct tls_watch *watch)
{
    for (size_t i = 0; i < watch->count; i++)
        look(&watch->all[i]);
}

static bool wait_for_next(struct tls_watch *watch)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += TLS_WATCH_MS / 1000;
    (void)pthread_mutex_lock(&watch->lock);
    while (!watch->is_ending && pthread_cond_timedwait(&watch->wake, &watch->lock, &until) == 0)
        ;
    bool goes_on = !watch->is_ending;
    (void)pthread_mutex_unlock(&watch->lock);
    return goes_on;
}

static void *run(void *data)
{
    struct tls_watch *watch = data;
    do
        tls_watch_look(watch);
    while (wait_for_next(watch));
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------------------------- */

struct tls_watch *tls_watch_new(void)
{
    struct tls_watch *watch = gw_alloc(sizeof *watch);
    pthread_condattr_t attributes;
    GW_ASSERT(pthread_condattr_init(&attributes) == 0);
    GW_ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    GW_ASSERT(pthread_cond_init(&watch->wake, &attributes) == 0);
    GW_ASSERT(pthread_mutex_init(&watch->lock, NULL) == 0);
    (void)pthread_condattr_destroy(&attributes);
    return watch;
}

static void add(struct tls_watch *watch, const struct watched *watched)
{
    watch->all = gw_realloc(watch->all, (watch->count + 1) * sizeof *watch->all);
    watch->all[watch->count] = *watched;
    watch->all[watch->count].used = watch->all[watch->count].seen = stamp_of(watched);
    watch->count++;
}

void tls_watch_server(struct tls_watch *watch, struct tls_server *tls, const char *use)
{
    add(watch, &(struct watched){.tls = tls, .use = use});
}

void tls_watch_certificate(struct tls_watch *watch, const char *file, const char *use)
{
    add(watch, &(struct watched){.file = gw_strdup(file), .use = use});
}

void tls_watch_start(struct tls_watch *watch)
{
    GW_ASSERT(pthread_create(&watch->thread, NULL, run, watch) == 0);
    watch->is_running = true;
}

void tls_watch_free(struct tls_watch *watch)
{
    if (watch == NULL)
        return;
    (void)pthread_mutex_lock(&watch->lock);
    watch->is_ending = true;
    (void)pthread_cond_signal(&watch->wake);
    (void)pthread_mutex_unlock(&watch->lock);
    if (watch->is_running)
        (void)pthread_join(watch->thread, NULL);
    for (size_t i = 0; i < watch->count; i++)
        free(watch->all[i].file);
    free(watch->all);
    (void)pthread_cond_destroy(&watch->wake);
    (void)pthread_mutex_destroy(&watch->lock);
    free(watch);
}
