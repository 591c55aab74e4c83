#include "gateway/sockets.h"

#include "gateway/http/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024

int descriptor_keep_high(int fd)
{
    int high = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTOR_HIGH) : -1;
    int saved = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = saved;
    return high;
}

int descriptor_memory(const char *name, size_t bytes)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, (off_t)bytes) != 0) {
        (void)close(fd);
        return -1;
    }
    return descriptor_keep_high(fd);
}

const char *socket_use_name(enum socket_use use)
{
    static const char *const names[] = {[SOCKET_SSO] = "sso", [SOCKET_PROV] = "prov", [SOCKET_ADMIN] = "admin"};
    return names[use];
}

int sockets_find(const struct sockets *sockets, enum socket_use use, const char *address)
{
    for (size_t i = 0; i < sockets->count; i++) {
        if (sockets->list[i].use == use && strcmp(sockets->list[i].address, address) == 0)
            return sockets->list[i].fd;
    }
    return -1;
}

bool sockets_add(struct sockets *sockets, enum socket_use use, const char *address, int fd)
{
    if (sockets->count == SOCKETS_MAX)
        return false;
    struct socket_entry *entry = &sockets->list[sockets->count++];
    entry->use = use;
    entry->address = gw_strdup(address);
    entry->fd = fd;
    return true;
}

/* `key` is where the address stands in the configuration, for the message. */
static enum gw_code open_one(struct sockets *sockets, const struct config *config, enum socket_use use,
                             const char *address, const char *key, struct gw_error *err)
{
    int fd = -1;
    GW_ARENA_SCOPED(arena);
    if (sockets_find(sockets, use, address) >= 0)
        return GW_OK;
    if (http_listen(address, LISTEN_BACKLOG, &fd, err) != GW_OK) {
        err->code = GW_E_CONFIG;
        return gw_error_prefix(err, "%s", config_where(config, &arena, key).ptr);
    }
    fd = descriptor_keep_high(fd);
    if (fd < 0 || !sockets_add(sockets, use, address, fd))
        return gw_fail(err, GW_E_INTERNAL, "cannot make a descriptor for the child processes: %s", strerror(errno));
    return GW_OK;
}

static enum gw_code open_listeners(struct sockets *sockets, const struct config *config, enum socket_use use,
                                   struct gw_error *err)
{
    bool is_sso = use == SOCKET_SSO;
    const struct config_listener *listeners = is_sso ? config->sso_listeners : config->prov_listeners;
    size_t count = is_sso ? config->sso_listener_count : config->prov_listener_count;
    GW_ARENA_SCOPED(arena);
    for (size_t i = 0; i < count; i++) {
        struct gw_str key = gw_arena_printf(&arena, "%s.listen[%zu].address", socket_use_name(use), i);
        GW_TRY(open_one(sockets, config, use, listeners[i].address, key.ptr, err));
    }
    return GW_OK;
}

enum gw_code sockets_open(struct sockets *sockets, const struct config *config, struct gw_error *err)
{
    GW_TRY(open_listeners(sockets, config, SOCKET_SSO, err));
    GW_TRY(open_listeners(sockets, config, SOCKET_PROV, err));
    if (config->admin_listen != NULL)
        GW_TRY(open_one(sockets, config, SOCKET_ADMIN, config->admin_listen, "admin.listen", err));
    return GW_OK;
}

static bool names(const struct config *config, const struct socket_entry *entry)
{
    if (entry->use == SOCKET_ADMIN)
        return config->admin_listen != NULL && strcmp(config->admin_listen, entry->address) == 0;
    bool is_sso = entry->use == SOCKET_SSO;
    const struct config_listener *listeners = is_sso ? config->sso_listeners : config->prov_listeners;
    size_t count = is_sso ? config->sso_listener_count : config->prov_listener_count;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(listeners[i].address, entry->address) == 0)
            return true;
    }
    return false;
}

void sockets_keep(struct sockets *sockets, const struct config *config)
{
    size_t kept = 0;
    for (size_t i = 0; i < sockets->count; i++) {
        struct socket_entry *entry = &sockets->list[i];
        if (config != NULL && names(config, entry)) {
            sockets->list[kept++] = *entry;
            continue;
        }
        (void)close(entry->fd);
        free(entry->address);
    }
    sockets->count = kept;
}
