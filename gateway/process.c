#include "gateway/process_private.h"

#include "gateway/base/log.h"
#include "gateway/http/listener.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#define DESCRIPTORS_RESERVED 256u /* of a process, for what is not a connection */
#define DESCRIPTORS_MAX (1u << 20)

static size_t descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return DESCRIPTORS_RESERVED;
    return limit.rlim_cur < DESCRIPTORS_MAX ? (size_t)limit.rlim_cur : DESCRIPTORS_MAX;
}

void process_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        gw_log(GW_LOG_WARN, "descriptors-not-raised", "limit=%zu", descriptor_limit());
}

size_t process_connections_max(size_t loop_count)
{
    size_t descriptors = descriptor_limit();
    size_t reserved = descriptors / 4 < DESCRIPTORS_RESERVED ? descriptors / 4 : DESCRIPTORS_RESERVED;
    size_t connections = (descriptors - reserved) / 2 / loop_count;
    size_t cap = http_limits_default.connections_max;
    return connections < 1 ? 1 : connections < cap ? connections : cap;
}

void process_block_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

void process_wait_for_stop(void)
{
    sigset_t set;
    int number = 0;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM); /* an interrupt from the terminal reaches the parent, which then sends this */
    while (sigwait(&set, &number) != 0)
        continue;
}

int process_fail(const char *what, const struct gw_error *err)
{
    gw_log(GW_LOG_ERROR, "start-failed", "what=\"%s\" reason=\"%s\"", what, err->text);
    return 1;
}

enum gw_code process_tls_new(const char *face, size_t index, const struct config_listener *listener,
                             struct tls_server **ret_tls, struct gw_error *err)
{
    *ret_tls = NULL;
    if (listener->tls.certificate == NULL)
        return GW_OK;
    GW_ARENA_SCOPED(arena);
    const char *name = gw_arena_printf(&arena, "%s:%zu", face, index).ptr;
    return tls_server_new(name, listener->tls.certificate, listener->tls.key, ret_tls, err);
}
