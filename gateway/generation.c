#include "gateway/generation.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NICE_PROV 5 /* provisioning never disturbs SSO (law 2) */

/* --- what children inherit -------------------------------------------------------------------------------------- */

static enum gw_code make_config_text(struct generation *generation, struct gw_error *err)
{
    struct gw_str text = generation->config->text;
    generation->config_fd = descriptor_memory("provgate-config", 0);
    if (generation->config_fd < 0 || write(generation->config_fd, text.ptr, text.len) != (ssize_t)text.len)
        return gw_fail(err, GW_E_INTERNAL, "cannot hand the configuration to the child processes");
    return GW_OK;
}

static enum gw_code make_wakes(struct generation *generation, struct gw_error *err)
{
    uint32_t count = shared_worker_count(generation->config);
    for (size_t i = 0; i < count; i++) {
        int fd = descriptor_keep_high(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (fd < 0)
            return gw_fail(err, GW_E_INTERNAL, "cannot make a wake-up for a worker: %s", strerror(errno));
        generation->wake[generation->wake_count++] = fd;
    }
    return GW_OK;
}

/* The parent's numbers in the order of child_fds_layout; returns how many. */
static size_t list_inherited(const struct ground *ground, const struct generation *generation, enum child_kind kind,
                             int fds[CHILD_FDS_MAX])
{
    const struct config *config = generation->config;
    bool is_sso = kind == CHILD_SSO;
    const struct config_listener *listeners = is_sso ? config->sso_listeners : config->prov_listeners;
    size_t listener_count = is_sso ? config->sso_listener_count : config->prov_listener_count;
    size_t count = 0;
    fds[count++] = generation->config_fd;
    fds[count++] = ground->shared_fd;
    fds[count++] = ground->handover_fd;
    fds[count++] = ground->role_fds[kind];
    for (size_t i = 0; i < listener_count; i++)
        fds[count++] = sockets_find(&ground->sockets, is_sso ? SOCKET_SSO : SOCKET_PROV, listeners[i].address);
    if (!is_sso && config->admin_listen != NULL)
        fds[count++] = sockets_find(&ground->sockets, SOCKET_ADMIN, config->admin_listen);
    for (size_t i = 0; i < generation->wake_count; i++)
        fds[count++] = generation->wake[i];
    return count;
}

/* --- starting --------------------------------------------------------------------------------------------------- */

/* In the new process, between fork and exec. */
static void become_child(const struct ground *ground, const struct generation *generation, const struct child *child)
{
    int fds[CHILD_FDS_MAX];
    char place[16];
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    /* A child without its parent could not be found or ended by the next start; the store survives a kill (law 4). */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    size_t count = list_inherited(ground, generation, child->kind, fds);
    for (size_t i = 0; i < count; i++) {
        int number = CHILD_FD_FIRST + (int)i;
        if (fds[i] < 0)
            (void)close(number);
        else if (dup2(fds[i], number) < 0)
            _exit(127);
    }
    if (child->kind == CHILD_PROV) {
        errno = 0;
        if (nice(NICE_PROV) == -1 && errno != 0)
            _exit(127);
    }
    (void)snprintf(place, sizeof place, "%u", (unsigned)generation->place);
    (void)execl("/proc/self/exe", "provgate", "child", child_name(child->kind), "--config", ground->config_path,
                "--place", place, (char *)NULL);
    _exit(127);
}

void generation_start_child(const struct ground *ground, struct generation *generation, struct child *child)
{
    child->restart_at_ms = 0;
    child->is_announced = false;
    child->started_ms = gw_clock_mono_ms();
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        if (getppid() == parent)
            become_child(ground, generation, child);
        _exit(127);
    }
    if (pid < 0) {
        gw_log(GW_LOG_ERROR, "fork-failed", "child=%s reason=\"%s\"", child_name(child->kind), strerror(errno));
        child->restart_at_ms = gw_clock_mono_ms() + GENERATION_RESTART_MS_MAX;
        return;
    }
    child->pid = pid;
}

static void clear_place(struct ground *ground, const struct generation *generation)
{
    struct shared_place *place = &ground->shared->places[generation->place];
    for (size_t i = 0; i < CHILD_KINDS; i++)
        atomic_store(&place->is_ready[i], 0);
    atomic_store(&ground->shared->sso_waiting[generation->place], 0);
    place->worker_count = (uint32_t)generation->wake_count;
}

enum gw_code generation_start(struct ground *ground, struct config *config, unsigned number, uint32_t place,
                              struct generation **ret_generation, struct gw_error *err)
{
    struct generation *generation = gw_alloc(sizeof *generation);
    generation->config = config_ref(config);
    generation->number = number;
    generation->place = place;
    generation->since_ms = gw_clock_mono_ms();
    generation->config_fd = -1;
    enum gw_code code = make_config_text(generation, err);
    if (code == GW_OK)
        code = make_wakes(generation, err);
    if (code != GW_OK) {
        generation_free(ground, generation);
        return code;
    }
    clear_place(ground, generation);
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        generation->children[i].kind = (enum child_kind)i;
        generation_start_child(ground, generation, &generation->children[i]);
    }
    *ret_generation = generation;
    return GW_OK;
}

void generation_free(struct ground *ground, struct generation *generation)
{
    for (size_t i = 0; i < generation->wake_count; i++)
        (void)close(generation->wake[i]);
    if (generation->config_fd >= 0)
        (void)close(generation->config_fd);
    if (generation->config != NULL)
        clear_place(ground, generation);
    config_unref(generation->config);
    free(generation);
}

/* --- watching --------------------------------------------------------------------------------------------------- */

void generation_plan_restart(struct child *child)
{
    int64_t now = gw_clock_mono_ms();
    bool is_young = now - child->started_ms < GENERATION_YOUNG_MS;
    int64_t pause = is_young ? child->restart_pause_ms * 2 : GENERATION_RESTART_MS_MIN;
    if (pause < GENERATION_RESTART_MS_MIN)
        pause = GENERATION_RESTART_MS_MIN;
    if (pause > GENERATION_RESTART_MS_MAX)
        pause = GENERATION_RESTART_MS_MAX;
    child->restart_pause_ms = pause;
    child->restart_at_ms = now + pause;
    gw_metric_add(GW_METRIC_CHILD_RESTARTS, 1);
}

void generation_restart_due(const struct ground *ground, struct generation *generation)
{
    int64_t now = gw_clock_mono_ms();
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        struct child *child = &generation->children[i];
        if (child->pid == 0 && child->restart_at_ms != 0 && now >= child->restart_at_ms)
            generation_start_child(ground, generation, child);
    }
}

void generation_signal(const struct generation *generation, int number)
{
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        if (generation->children[i].pid > 0)
            (void)kill(generation->children[i].pid, number);
    }
}

bool generation_runs(const struct generation *generation)
{
    return generation->children[CHILD_SSO].pid > 0 || generation->children[CHILD_PROV].pid > 0;
}

bool generation_is_ready(const struct ground *ground, struct generation *generation)
{
    bool is_ready = true;
    for (size_t i = 0; generation->config != NULL && i < CHILD_KINDS; i++) {
        struct child *child = &generation->children[i];
        bool serves = child->pid > 0 && atomic_load(&ground->shared->places[generation->place].is_ready[i]) != 0;
        is_ready = is_ready && serves;
        if (!serves || child->is_announced)
            continue;
        child->is_announced = true;
        child->was_ready = true;
        gw_log(GW_LOG_INFO, "child-ready", "child=%s pid=%d generation=%u", child_name(child->kind), (int)child->pid,
               generation->number);
    }
    return is_ready;
}

struct child *generation_child(struct generation *generation, pid_t pid)
{
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        if (generation->children[i].pid == pid)
            return &generation->children[i];
    }
    return NULL;
}
