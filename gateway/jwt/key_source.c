#include "gateway/jwt/key_source.h"

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/fetch/download.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STOP_WAIT_S 3 /* a name server that does not answer cannot be interrupted */

struct key_source {
    struct key_pool *pool;
    const char *file;
    const char *url;
    const char *ca;
    struct jwks *keys;       /* under the pool's lock, as all below */
    struct timespec changed; /* of the file that was read last */
    off_t size;
    int64_t next_ms;   /* monotonic: when to look again */
    int64_t wanted_ms; /* when a token last made us ask; 0: never */
    bool is_asking;
};

struct key_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool is_running;
    atomic_bool stop;
    unsigned owners; /* under the lock: who made it, and the thread */
    struct gw_arena arena;
    struct key_source sources[KEY_SOURCES_MAX];
    size_t count;
};

struct key_pool *key_pool_new(void)
{
    struct key_pool *pool = gw_alloc(sizeof *pool);
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    gw_arena_init(&pool->arena);
    pool->owners = 1;
    return pool;
}

static void pool_leave(struct key_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    bool is_last = --pool->owners == 0;
    (void)pthread_mutex_unlock(&pool->lock);
    if (!is_last)
        return;
    for (size_t i = 0; i < pool->count; i++)
        jwks_unref(pool->sources[i].keys);
    (void)pthread_cond_destroy(&pool->wake);
    (void)pthread_mutex_destroy(&pool->lock);
    gw_arena_done(&pool->arena);
    free(pool);
}

/* ---- reading ---- */

static enum gw_code read_file(const char *path, struct gw_buf *body, struct stat *ret_info, struct gw_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe in its place must not hold a start up */
    if (fd < 0)
        return gw_fail(err, GW_E_CONFIG, "%s: cannot be read: %s", path, strerror(errno));
    enum gw_code code = GW_OK;
    if (fstat(fd, ret_info) != 0 || !S_ISREG(ret_info->st_mode) || ret_info->st_size > (off_t)JWKS_BYTES_MAX)
        code = gw_fail(err, GW_E_CONFIG, "%s: is not a file, or larger than %u bytes", path, JWKS_BYTES_MAX);
    for (ssize_t got = 1; code == GW_OK && got != 0;) {
        char *room = gw_buf_reserve(body, 4096);
        got = room != NULL ? read(fd, room, 4096) : -1;
        if (got > 0)
            gw_buf_advance(body, (size_t)got);
        else if (got < 0 && (room == NULL || errno != EINTR))
            code = gw_fail(err, GW_E_CONFIG, "%s: cannot be read", path);
    }
    (void)close(fd);
    return code;
}

static enum gw_code load(const struct key_source *source, struct jwks **ret_keys, struct gw_error *err)
{
    GW_BUF_SCOPED(body, JWKS_BYTES_MAX + 8192);
    struct stat info;
    if (source->file != NULL) {
        GW_TRY(read_file(source->file, &body, &info, err));
    } else {
        struct download download = {.url = source->url,
                                    .ca = source->ca,
                                    .bytes_max = JWKS_BYTES_MAX,
                                    .timeout_ms = KEY_SOURCE_TIMEOUT_MS,
                                    .stop = &source->pool->stop};
        gw_metric_add(GW_METRIC_KEYS_ASKED, 1);
        GW_TRY(download_get(&download, &body, err));
    }
    if (jwks_parse(gw_buf_str(&body), ret_keys, err) != GW_OK) {
        (void)gw_error_prefix(err, "%s", source->file != NULL ? source->file : source->url);
        return GW_E_CONFIG;
    }
    return GW_OK;
}

/* Did the file change since it was looked at last? Remembers how it looks. */
static bool file_changed(struct key_source *source)
{
    struct stat info;
    memset(&info, 0, sizeof info); /* missing looks like no file ever does */
    (void)stat(source->file, &info);
    bool same = info.st_size == source->size && info.st_mtim.tv_sec == source->changed.tv_sec &&
                info.st_mtim.tv_nsec == source->changed.tv_nsec;
    source->size = info.st_size;
    source->changed = info.st_mtim;
    return !same;
}

static void put(struct key_source *source, struct jwks *keys)
{
    jwks_unref(source->keys);
    source->keys = keys;
}

/* Called and left with the lock held; not held while anything is read. */
static void refresh(struct key_source *source)
{
    struct key_pool *pool = source->pool;
    bool is_file = source->file != NULL;
    if (is_file && !file_changed(source)) {
        source->next_ms = gw_clock_mono_ms() + KEY_SOURCE_FILE_MS;
        return;
    }
    struct jwks *keys = NULL;
    struct gw_error err = {.text = ""};
    source->is_asking = true;
    (void)pthread_mutex_unlock(&pool->lock);
    enum gw_code code = load(source, &keys, &err);
    if (code == GW_OK) {
        gw_log(GW_LOG_INFO, "keys-loaded", "from=%s count=%zu", is_file ? source->file : source->url, jwks_count(keys));
    } else if (!atomic_load(&pool->stop)) {
        gw_metric_add(GW_METRIC_KEYS_FAILED, 1);
        gw_log(GW_LOG_ERROR, "keys-kept", "the keys loaded before stay in use: %s", err.text);
    }
    (void)pthread_mutex_lock(&pool->lock);
    source->is_asking = false;
    if (code == GW_OK)
        put(source, keys);
    source->next_ms = gw_clock_mono_ms() + (is_file         ? KEY_SOURCE_FILE_MS
                                            : code == GW_OK ? KEY_SOURCE_REFRESH_MS
                                                            : KEY_SOURCE_AGAIN_MS);
}

/* ---- the thread ---- */

static int64_t soonest(const struct key_pool *pool)
{
    int64_t at_ms = INT64_MAX;
    for (size_t i = 0; i < pool->count; i++) {
        if (pool->sources[i].next_ms < at_ms)
            at_ms = pool->sources[i].next_ms;
    }
    return at_ms;
}

static void wait_until(struct key_pool *pool, int64_t at_ms)
{
    struct timespec until = {.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000};
    (void)pthread_cond_timedwait(&pool->wake, &pool->lock, &until);
}

static void *run(void *data)
{
    struct key_pool *pool = data;
    (void)pthread_mutex_lock(&pool->lock);
    while (!atomic_load(&pool->stop)) {
        for (size_t i = 0; i < pool->count && !atomic_load(&pool->stop); i++) {
            if (pool->sources[i].next_ms <= gw_clock_mono_ms())
                refresh(&pool->sources[i]);
        }
        if (!atomic_load(&pool->stop) && soonest(pool) > gw_clock_mono_ms())
            wait_until(pool, soonest(pool));
    }
    (void)pthread_mutex_unlock(&pool->lock);
    pool_leave(pool);
    return NULL;
}

void key_pool_start(struct key_pool *pool)
{
    if (pool->count == 0 || pool->is_running)
        return;
    pool->owners = 2;
    pool->is_running = true;
    GW_ASSERT(pthread_create(&pool->thread, NULL, run, pool) == 0);
}

void key_pool_free(struct key_pool *pool)
{
    if (pool == NULL)
        return;
    if (pool->is_running) {
        (void)pthread_mutex_lock(&pool->lock);
        atomic_store(&pool->stop, true);
        (void)pthread_cond_signal(&pool->wake);
        (void)pthread_mutex_unlock(&pool->lock);
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += STOP_WAIT_S;
        if (pthread_timedjoin_np(pool->thread, NULL, &until) != 0)
            (void)pthread_detach(pool->thread); /* it frees the pool when it comes back */
    }
    pool_leave(pool);
}

/* ---- sources ---- */

static bool is_same(const char *a, const char *b)
{
    return gw_str_eq(gw_str_from(a), gw_str_from(b));
}

static struct key_source *find(struct key_pool *pool, const struct key_origin *origin)
{
    for (size_t i = 0; i < pool->count; i++) {
        struct key_source *source = &pool->sources[i];
        if (is_same(source->file, origin->file) && is_same(source->url, origin->url) && is_same(source->ca, origin->ca))
            return source;
    }
    return NULL;
}

static const char *copy(struct key_pool *pool, const char *text)
{
    return text != NULL ? gw_arena_cstr(&pool->arena, gw_str_from(text)) : NULL;
}

enum gw_code key_pool_add(struct key_pool *pool, const struct key_origin *origin, struct key_source **ret_source,
                          struct gw_error *err)
{
    GW_ASSERT(!pool->is_running && (origin->file != NULL) != (origin->url != NULL));
    *ret_source = find(pool, origin);
    if (*ret_source != NULL)
        return GW_OK;
    if (pool->count == KEY_SOURCES_MAX)
        return gw_fail(err, GW_E_CONFIG, "more than %u sources of keys", KEY_SOURCES_MAX);
    struct key_source *source = &pool->sources[pool->count];
    *source = (struct key_source){
        .pool = pool, .file = copy(pool, origin->file), .url = copy(pool, origin->url), .ca = copy(pool, origin->ca)};
    if (source->file != NULL) {
        (void)file_changed(source); /* before it is read: a change in between is read again */
        GW_TRY(load(source, &source->keys, err));
    }
    pool->count++;
    *ret_source = source;
    return GW_OK;
}

struct jwks *key_source_get(struct key_source *source)
{
    (void)pthread_mutex_lock(&source->pool->lock);
    struct jwks *keys = source->keys != NULL ? jwks_ref(source->keys) : NULL;
    (void)pthread_mutex_unlock(&source->pool->lock);
    return keys;
}

bool key_source_want(struct key_source *source)
{
    struct key_pool *pool = source->pool;
    int64_t now_ms = gw_clock_mono_ms();
    (void)pthread_mutex_lock(&pool->lock);
    bool may_ask = source->url != NULL && pool->is_running &&
                   (source->wanted_ms == 0 || now_ms - source->wanted_ms >= KEY_SOURCE_WANT_MS);
    if (may_ask) {
        source->wanted_ms = now_ms;
        source->next_ms = now_ms;
        source->is_asking = true;
        (void)pthread_cond_signal(&pool->wake);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return may_ask;
}

bool key_source_is_asking(struct key_source *source)
{
    (void)pthread_mutex_lock(&source->pool->lock);
    bool is_asking = source->is_asking;
    (void)pthread_mutex_unlock(&source->pool->lock);
    return is_asking;
}
