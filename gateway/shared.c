#include "gateway/shared.h"

#include "gateway/base/log.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

const char *child_name(enum child_kind kind)
{
    return kind == CHILD_SSO ? "sso" : "prov";
}

uint32_t shared_worker_count(const struct config *config)
{
    long wanted = config->sso_workers;
    if (wanted == 0)
        wanted = sysconf(_SC_NPROCESSORS_ONLN);
    if (wanted < 1)
        wanted = 1;
    return wanted > (long)SHARED_WORKERS_MAX ? SHARED_WORKERS_MAX : (uint32_t)wanted;
}

void child_fds_layout(enum child_kind kind, const struct config *config, size_t worker_count, struct child_fds *ret_fds)
{
    int next = CHILD_FD_FIRST;
    *ret_fds = (struct child_fds){.admin = -1};
    ret_fds->config_text = next++;
    ret_fds->shared = next++;
    ret_fds->listener_count = kind == CHILD_SSO ? config->sso_listener_count : config->prov_listener_count;
    for (size_t i = 0; i < ret_fds->listener_count; i++)
        ret_fds->listeners[i] = next++;
    if (kind == CHILD_PROV && config->admin_listen != NULL)
        ret_fds->admin = next++;
    ret_fds->wake_count = worker_count;
    for (size_t i = 0; i < worker_count; i++)
        ret_fds->wake[i] = next++;
}

static void die(const char *what)
{
    gw_log(GW_LOG_ERROR, "inherit-failed", "what=%s", what);
    exit(1);
}

static struct gw_str map_text(int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || info.st_size <= 0)
        die("configuration text");
    void *text = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (text == MAP_FAILED)
        die("configuration text");
    return gw_str_n(text, (size_t)info.st_size);
}

struct shared *child_inherit(enum child_kind kind, const char *config_path, struct config **ret_config,
                             struct child_fds *ret_fds)
{
    (void)prctl(PR_SET_NAME, kind == CHILD_SSO ? "provgate-sso" : "provgate-prov"); /* what ps and top show */
    struct child_fds first;
    child_fds_layout(kind, &(struct config){0}, 0, &first); /* the first two numbers do not depend on anything */
    struct gw_error err;
    struct gw_str text = map_text(first.config_text);
    if (config_load(config_path, text, ret_config, &err) != GW_OK)
        die(err.text);
    (void)munmap((void *)(uintptr_t)text.ptr, text.len);
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, first.shared, 0);
    if (shared == MAP_FAILED)
        die("shared memory");
    child_fds_layout(kind, *ret_config, shared->worker_count, ret_fds);
    gw_metrics_attach(&shared->metrics, 1 + (unsigned)kind * SHARED_SLOTS_CHILD, SHARED_SLOTS_CHILD);
    return shared;
}
