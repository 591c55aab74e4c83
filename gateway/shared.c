#include "gateway/shared.h"

#include "gateway/base/log.h"

#include <fcntl.h>
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
    ret_fds->handover = next++;
    ret_fds->role = next++;
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

static void *map_shared(int fd, size_t bytes)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || info.st_size < (off_t)bytes)
        die("shared memory");
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        die("shared memory");
    return memory;
}

void child_inherit(const struct child_start *start, struct child_ground *ret_ground)
{
    enum child_kind kind = start->kind;
    (void)prctl(PR_SET_NAME, kind == CHILD_SSO ? "provgate-sso" : "provgate-prov"); /* what ps and top show */
    struct child_fds first;
    child_fds_layout(kind, &(struct config){0}, 0, &first); /* the first numbers do not depend on anything */
    struct gw_error err;
    struct gw_str text = map_text(first.config_text);
    if (config_load(start->config_path, text, &ret_ground->config, &err) != GW_OK)
        die(err.text);
    (void)munmap((void *)(uintptr_t)text.ptr, text.len);
    struct shared *shared = map_shared(first.shared, sizeof *shared);
    ret_ground->shared = shared;
    ret_ground->place = &shared->places[start->place];
    ret_ground->place_index = start->place;
    ret_ground->handover = map_shared(first.handover, sizeof *ret_ground->handover);
    child_fds_layout(kind, ret_ground->config, ret_ground->place->worker_count, &ret_ground->fds);
    gw_metrics_attach(&shared->metrics, 1 + (unsigned)kind * SHARED_SLOTS_CHILD, SHARED_SLOTS_CHILD);
}

int child_role_fd(const struct child_ground *ground)
{
    return fcntl(ground->fds.role, F_GETFD) >= 0 ? ground->fds.role : 0;
}

void child_close_listeners(const struct child_ground *ground)
{
    for (size_t i = 0; i < ground->fds.listener_count; i++)
        (void)close(ground->fds.listeners[i]);
    if (ground->fds.admin >= 0)
        (void)close(ground->fds.admin);
}
