#include "gateway/crew.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/priority.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

/* --- what children inherit -------------------------------------------------------------------------------------- */

static enum gw_code make_config_text(struct crew *crew, struct gw_error *err)
{
    struct gw_str text = crew->config->text;
    crew->config_fd = descriptor_memory("provgate-config", 0);
    if (crew->config_fd < 0 || write(crew->config_fd, text.ptr, text.len) != (ssize_t)text.len)
        return gw_fail(err, GW_E_INTERNAL, "cannot hand the configuration to the child processes");
    return GW_OK;
}

static enum gw_code make_wakes(struct crew *crew, struct gw_error *err)
{
    uint32_t count = shared_worker_count(crew->config);
    for (size_t i = 0; i < count; i++) {
        int fd = descriptor_keep_high(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (fd < 0)
            return gw_fail(err, GW_E_INTERNAL, "cannot make a wake-up for a worker: %s", strerror(errno));
        crew->wake[crew->wake_count++] = fd;
    }
    return GW_OK;
}

/* The parent's numbers in the order of child_fds_layout; returns how many. */
static size_t list_inherited(const struct ground *ground, const struct crew *crew, enum child_kind kind,
                             int fds[CHILD_FDS_MAX])
{
    const struct config *config = crew->config;
    bool is_sso = kind == CHILD_SSO;
    const struct config_listener *listeners = is_sso ? config->sso_listeners : config->prov_listeners;
    size_t listener_count = is_sso ? config->sso_listener_count : config->prov_listener_count;
    size_t count = 0;
    fds[count++] = crew->config_fd;
    fds[count++] = ground->shared_fd;
    fds[count++] = ground->handover_fd;
    fds[count++] = ground->role_fds[kind];
    for (size_t i = 0; i < listener_count; i++)
        fds[count++] = sockets_find(&ground->sockets, is_sso ? SOCKET_SSO : SOCKET_PROV, listeners[i].address);
    if (!is_sso && config->admin_listen != NULL)
        fds[count++] = sockets_find(&ground->sockets, SOCKET_ADMIN, config->admin_listen);
    for (size_t i = 0; i < crew->wake_count; i++)
        fds[count++] = crew->wake[i];
    return count;
}

/* --- starting --------------------------------------------------------------------------------------------------- */

/* In the new process, between fork and exec. */
static void become_child(const struct ground *ground, const struct crew *crew, const struct child *child)
{
    int fds[CHILD_FDS_MAX];
    char place[16];
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    /* A child without its parent could not be found or ended by the next start; the store survives a kill (law 4). */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    size_t count = list_inherited(ground, crew, child->kind, fds);
    for (size_t i = 0; i < count; i++) {
        int number = CHILD_FD_FIRST + (int)i;
        if (fds[i] < 0)
            (void)close(number);
        else if (dup2(fds[i], number) < 0)
            _exit(127);
    }
    if (child->kind == CHILD_PROV && !gw_priority_lower(GW_PRIORITY_PROVISIONING))
        _exit(127);
    (void)snprintf(place, sizeof place, "%u", (unsigned)crew->place);
    (void)execl("/proc/self/exe", "provgate", "child", child_name(child->kind), "--config", ground->config_path,
                "--place", place, (char *)NULL);
    _exit(127);
}

void crew_start_child(const struct ground *ground, struct crew *crew, struct child *child)
{
    child->restart_at_ms = 0;
    child->is_announced = false;
    child->started_ms = gw_clock_mono_ms();
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        if (getppid() == parent)
            become_child(ground, crew, child);
        _exit(127);
    }
    if (pid < 0) {
        gw_log(GW_LOG_ERROR, "fork-failed", "child=%s reason=\"%s\"", child_name(child->kind), strerror(errno));
        child->restart_at_ms = gw_clock_mono_ms() + CREW_RESTART_MS_MAX;
        return;
    }
    child->pid = pid;
}

static void clear_place(struct ground *ground, const struct crew *crew)
{
    struct shared_place *place = &ground->shared->places[crew->place];
    for (size_t i = 0; i < CHILD_KINDS; i++)
        atomic_store(&place->is_ready[i], 0);
    atomic_store(&ground->shared->sso_waiting[crew->place], 0);
    place->worker_count = (uint32_t)crew->wake_count;
}

enum gw_code crew_start(struct ground *ground, struct config *config, unsigned number, uint32_t place,
                        struct crew **ret_crew, struct gw_error *err)
{
    struct crew *crew = gw_alloc(sizeof *crew);
    crew->config = config_ref(config);
    crew->number = number;
    crew->place = place;
    crew->since_ms = gw_clock_mono_ms();
    crew->config_fd = -1;
    enum gw_code code = make_config_text(crew, err);
    if (code == GW_OK)
        code = make_wakes(crew, err);
    if (code != GW_OK) {
        crew_free(ground, crew);
        return code;
    }
    clear_place(ground, crew);
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        crew->children[i].kind = (enum child_kind)i;
        crew_start_child(ground, crew, &crew->children[i]);
    }
    *ret_crew = crew;
    return GW_OK;
}

void crew_free(struct ground *ground, struct crew *crew)
{
    for (size_t i = 0; i < crew->wake_count; i++)
        (void)close(crew->wake[i]);
    if (crew->config_fd >= 0)
        (void)close(crew->config_fd);
    if (crew->config != NULL)
        clear_place(ground, crew);
    config_unref(crew->config);
    free(crew);
}

/* --- watching --------------------------------------------------------------------------------------------------- */

void crew_plan_restart(struct child *child)
{
    int64_t now = gw_clock_mono_ms();
    bool is_young = now - child->started_ms < CREW_YOUNG_MS;
    int64_t pause = is_young ? child->restart_pause_ms * 2 : CREW_RESTART_MS_MIN;
    if (pause < CREW_RESTART_MS_MIN)
        pause = CREW_RESTART_MS_MIN;
    if (pause > CREW_RESTART_MS_MAX)
        pause = CREW_RESTART_MS_MAX;
    child->restart_pause_ms = pause;
    child->restart_at_ms = now + pause;
    gw_metric_add(GW_METRIC_CHILD_RESTARTS, 1);
}

void crew_restart_due(const struct ground *ground, struct crew *crew)
{
    int64_t now = gw_clock_mono_ms();
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        struct child *child = &crew->children[i];
        if (child->pid == 0 && child->restart_at_ms != 0 && now >= child->restart_at_ms)
            crew_start_child(ground, crew, child);
    }
}

void crew_signal(const struct crew *crew, int number)
{
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        if (crew->children[i].pid > 0)
            (void)kill(crew->children[i].pid, number);
    }
}

bool crew_runs(const struct crew *crew)
{
    return crew->children[CHILD_SSO].pid > 0 || crew->children[CHILD_PROV].pid > 0;
}

bool crew_is_ready(const struct ground *ground, struct crew *crew)
{
    bool is_ready = true;
    for (size_t i = 0; crew->config != NULL && i < CHILD_KINDS; i++) {
        struct child *child = &crew->children[i];
        bool serves = child->pid > 0 && atomic_load(&ground->shared->places[crew->place].is_ready[i]) != 0;
        is_ready = is_ready && serves;
        if (!serves || child->is_announced)
            continue;
        child->is_announced = true;
        child->was_ready = true;
        gw_log(GW_LOG_INFO, "child-ready", "child=%s pid=%d crew=%u", child_name(child->kind), (int)child->pid,
               crew->number);
    }
    return is_ready;
}

struct child *crew_child(struct crew *crew, pid_t pid)
{
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        if (crew->children[i].pid == pid)
            return &crew->children[i];
    }
    return NULL;
}
