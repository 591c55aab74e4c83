#include "routes/auth.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"

#include <netinet/in.h>

#define MINUTE_MS 60000

static void look_at(const struct auth_file *file, struct stat *ret_seen)
{
    memset(ret_seen, 0, sizeof *ret_seen); /* missing looks like no file ever does */
    (void)stat(file->path, ret_seen);
}

enum gw_code auth_file_init(struct auth_file *file, const char *path, struct gw_error *err)
{
    *file = (struct auth_file){.path = path};
    if (path == NULL)
        return GW_OK;
    look_at(file, &file->seen);
    return token_set_load(path, &file->set, err);
}

void auth_file_done(struct auth_file *file)
{
    token_set_free(file->set);
    file->set = NULL;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size && a->st_mode == b->st_mode &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void auth_file_refresh(struct auth_file *file, int64_t now_ms)
{
    if (file->path == NULL || (now_ms != 0 && now_ms - file->checked_ms < AUTH_RELOAD_MS))
        return;
    if (now_ms != 0)
        file->checked_ms = now_ms;
    struct stat seen;
    look_at(file, &seen);
    if (is_same_file(&seen, &file->seen))
        return;
    file->seen = seen;
    struct token_set *set = NULL;
    struct gw_error err = {0};
    if (token_set_load(file->path, &set, &err) != GW_OK) {
        gw_log(GW_LOG_ERROR, "tokens-kept", "the credentials loaded before stay in use: %s", err.text);
        return;
    }
    token_set_free(file->set);
    file->set = set;
    gw_log(GW_LOG_INFO, "tokens-loaded", "file=%s count=%zu", file->path, set->count);
}

const struct token *auth_file_find(struct auth_file *file, struct gw_str authorization)
{
    if (file->set == NULL)
        return NULL;
    return token_set_find(file->set, authorization, gw_clock_wall_ms());
}

const struct token *auth_file_find_certificate(struct auth_file *file, const char *fingerprint)
{
    if (file->set == NULL)
        return NULL;
    return token_set_find_certificate(file->set, fingerprint, gw_clock_wall_ms());
}

void auth_throttle_init(struct auth_throttle *throttle)
{
    memset(throttle, 0, sizeof *throttle);
    gw_random_bytes(throttle->key, sizeof throttle->key);
}

static struct gw_str source_bytes(const struct sockaddr *peer)
{
    if (peer != NULL && peer->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)peer;
        return gw_str_n((const char *)&v4->sin_addr, sizeof v4->sin_addr);
    }
    if (peer != NULL && peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)peer;
        bool is_mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
        return gw_str_n((const char *)&v6->sin6_addr, is_mapped ? 16 : 8);
    }
    return GW_STR("local");
}

uint32_t auth_throttle_fail(struct auth_throttle *throttle, const struct sockaddr *peer, int64_t now_ms)
{
    /* keyed, so that nobody can choose addresses that share a slot with another's */
    struct gw_str part = source_bytes(peer);
    struct gw_sha256 digest = gw_hmac_parts(throttle->key, &part, 1);
    size_t slot = ((size_t)digest.bytes[0] << 8 | digest.bytes[1]) % AUTH_SOURCE_SLOTS;
    int64_t minute = now_ms / MINUTE_MS;
    if (throttle->slots[slot].minute != minute) {
        throttle->slots[slot].minute = minute;
        throttle->slots[slot].failures = 0;
    }
    if (throttle->slots[slot].failures < AUTH_FAILURES_MAX + 2)
        throttle->slots[slot].failures++;
    return throttle->slots[slot].failures;
}
