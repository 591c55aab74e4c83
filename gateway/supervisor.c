#include "gateway/supervisor.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/http/listener.h"
#include "gateway/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024
#define FD_HIGH 200 /* the parent keeps its own above this, so that laying them out for a child never overwrites one   \
                     */
#define NICE_PROV 5 /* provisioning never disturbs SSO (law 2) */
#define INHERITED_MAX (2u + CONFIG_LISTENERS_MAX + 1u + SHARED_WORKERS_MAX)

struct child {
    enum child_kind kind;
    pid_t pid; /* 0: not running */
    int64_t started_ms;
    int64_t restart_at_ms; /* 0: nothing planned */
    int64_t restart_pause_ms;
    bool was_ready; /* ever */
    bool is_announced;
    int inherited[INHERITED_MAX]; /* the parent's numbers, in the order of child_fds_layout */
    size_t inherited_count;
};

struct supervisor {
    const struct config *config;
    struct shared *shared;
    struct child children[CHILD_KINDS];
    int signal_fd;
    bool is_stopping;
    int64_t kill_at_ms;
    int status;
};

/* Moves a descriptor above FD_HIGH and marks it close-on-exec; the copy that a child gets is not marked. */
static enum gw_code keep_high(int fd, int *ret_fd, struct gw_error *err)
{
    *ret_fd = -1;
    int high = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, FD_HIGH) : -1;
    int saved = errno;
    if (fd >= 0)
        (void)close(fd);
    if (high < 0)
        return gw_fail(err, GW_E_INTERNAL, "cannot make a descriptor for the child processes: %s", strerror(saved));
    *ret_fd = high;
    return GW_OK;
}

static void inherit(struct child *child, int fd)
{
    GW_ASSERT(child->inherited_count < INHERITED_MAX);
    child->inherited[child->inherited_count++] = fd;
}

static enum gw_code make_config_text(struct gw_str text, int *ret_fd, struct gw_error *err)
{
    int fd = memfd_create("provgate-config", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, text.ptr, text.len) != (ssize_t)text.len)
        return gw_fail(err, GW_E_INTERNAL, "cannot hand the configuration to the child processes");
    return keep_high(fd, ret_fd, err);
}

static enum gw_code make_shared(struct supervisor *s, int *ret_fd, struct gw_error *err)
{
    int fd = memfd_create("provgate-shared", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, sizeof *s->shared) != 0)
        return gw_fail(err, GW_E_INTERNAL, "cannot make shared memory: %s", strerror(errno));
    s->shared = mmap(NULL, sizeof *s->shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (s->shared == MAP_FAILED)
        return gw_fail(err, GW_E_INTERNAL, "cannot map shared memory: %s", strerror(errno));
    s->shared->worker_count = shared_worker_count(s->config);
    gw_metrics_attach(&s->shared->metrics, 0, 1);
    return keep_high(fd, ret_fd, err);
}

/* `key` is where the address stands in the configuration, for the message. */
static enum gw_code open_listener(const struct supervisor *s, const char *address, const char *key,
                                  struct child *child, struct gw_error *err)
{
    int fd = -1;
    GW_ARENA_SCOPED(arena);
    if (http_listen(address, LISTEN_BACKLOG, &fd, err) != GW_OK) {
        err->code = GW_E_CONFIG;
        return gw_error_prefix(err, "%s", config_where(s->config, &arena, key).ptr);
    }
    GW_TRY(keep_high(fd, &fd, err));
    inherit(child, fd);
    return GW_OK;
}

static enum gw_code open_listeners(const struct supervisor *s, const struct config_listener *listeners, size_t count,
                                   struct child *child, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    for (size_t i = 0; i < count; i++) {
        struct gw_str key = gw_arena_printf(&arena, "%s.listen[%zu].address", child_name(child->kind), i);
        GW_TRY(open_listener(s, listeners[i].address, key.ptr, child, err));
    }
    return GW_OK;
}

/* In the order of child_fds_layout. */
static enum gw_code open_inherited(struct supervisor *s, struct gw_error *err)
{
    int config_fd = -1;
    int shared_fd = -1;
    struct child *sso = &s->children[CHILD_SSO];
    struct child *prov = &s->children[CHILD_PROV];
    GW_TRY(make_config_text(s->config->text, &config_fd, err));
    GW_TRY(make_shared(s, &shared_fd, err));
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        inherit(&s->children[i], config_fd);
        inherit(&s->children[i], shared_fd);
    }
    GW_TRY(open_listeners(s, s->config->sso_listeners, s->config->sso_listener_count, sso, err));
    GW_TRY(open_listeners(s, s->config->prov_listeners, s->config->prov_listener_count, prov, err));
    if (s->config->admin_listen != NULL)
        GW_TRY(open_listener(s, s->config->admin_listen, "admin.listen", prov, err));
    for (size_t i = 0; i < s->shared->worker_count; i++) {
        int fd = -1;
        GW_TRY(keep_high(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), &fd, err));
        inherit(sso, fd);
        inherit(prov, fd);
    }
    return GW_OK;
}

/* In the new process, between fork and exec. */
static void become_child(const struct supervisor *s, const struct child *child)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    /* A child without its parent could not be found or ended by the next start; the store survives a kill (law 4). */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < child->inherited_count; i++) {
        if (dup2(child->inherited[i], CHILD_FD_FIRST + (int)i) < 0)
            _exit(127);
    }
    if (child->kind == CHILD_PROV) {
        errno = 0;
        if (nice(NICE_PROV) == -1 && errno != 0)
            _exit(127);
    }
    (void)execl("/proc/self/exe", "provgate", "child", child_name(child->kind), "--config", s->config->path,
                (char *)NULL);
    _exit(127);
}

static void start_child(struct supervisor *s, struct child *child)
{
    child->restart_at_ms = 0;
    child->is_announced = false;
    child->started_ms = gw_clock_mono_ms();
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        if (getppid() == parent)
            become_child(s, child);
        _exit(127);
    }
    if (pid < 0) {
        gw_log(GW_LOG_ERROR, "fork-failed", "child=%s reason=\"%s\"", child_name(child->kind), strerror(errno));
        child->restart_at_ms = gw_clock_mono_ms() + SUPERVISOR_RESTART_MS_MAX;
        return;
    }
    child->pid = pid;
}

static void plan_restart(struct child *child)
{
    int64_t now = gw_clock_mono_ms();
    bool is_young = now - child->started_ms < SUPERVISOR_YOUNG_MS;
    int64_t pause = is_young ? child->restart_pause_ms * 2 : SUPERVISOR_RESTART_MS_MIN;
    if (pause < SUPERVISOR_RESTART_MS_MIN)
        pause = SUPERVISOR_RESTART_MS_MIN;
    if (pause > SUPERVISOR_RESTART_MS_MAX)
        pause = SUPERVISOR_RESTART_MS_MAX;
    child->restart_pause_ms = pause;
    child->restart_at_ms = now + pause;
    gw_metric_add(GW_METRIC_CHILD_RESTARTS, 1);
}

static void stop_children(struct supervisor *s, int signal_number)
{
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        if (s->children[i].pid > 0)
            (void)kill(s->children[i].pid, signal_number);
    }
}

static void begin_stop(struct supervisor *s, int status)
{
    if (s->is_stopping)
        return;
    s->is_stopping = true;
    s->status = status;
    s->kill_at_ms = gw_clock_mono_ms() + SUPERVISOR_STOP_MS;
    stop_children(s, SIGTERM);
}

static void on_child_exit(struct supervisor *s, struct child *child, int wait_status)
{
    child->was_ready |= atomic_load(&s->shared->is_ready[child->kind]) != 0;
    atomic_store(&s->shared->is_ready[child->kind], 0);
    child->pid = 0;
    /* It may have died while it waited for the writer's lock, and the other would make way for ever. */
    if (child->kind == CHILD_SSO)
        atomic_store(&s->shared->sso_waiting, 0);
    if (s->is_stopping)
        return;
    gw_log(GW_LOG_ERROR, "child-ended", "child=%s %s=%d", child_name(child->kind),
           WIFSIGNALED(wait_status) ? "signal" : "status",
           WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
    if (!child->was_ready) {
        begin_stop(s, 1); /* it never served: what it said on stderr is the reason */
        return;
    }
    plan_restart(child);
}

static void reap(struct supervisor *s)
{
    int wait_status;
    for (pid_t pid = waitpid(-1, &wait_status, WNOHANG); pid > 0; pid = waitpid(-1, &wait_status, WNOHANG)) {
        for (size_t i = 0; i < CHILD_KINDS; i++) {
            if (s->children[i].pid == pid)
                on_child_exit(s, &s->children[i], wait_status);
        }
    }
}

static void on_signal(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            reap(s);
        } else if (info.ssi_signo == SIGHUP) {
            gw_log(GW_LOG_WARN, "no-reload", "reason=\"a changed configuration needs a restart\"");
        } else if (s->is_stopping) {
            stop_children(s, SIGKILL);
        } else {
            gw_log(GW_LOG_INFO, "stopping", "signal=%u", info.ssi_signo);
            begin_stop(s, 0);
        }
    }
}

static bool is_anyone_running(const struct supervisor *s)
{
    return s->children[CHILD_SSO].pid > 0 || s->children[CHILD_PROV].pid > 0;
}

static void announce_ready(struct supervisor *s)
{
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        struct child *child = &s->children[i];
        if (child->is_announced || atomic_load(&s->shared->is_ready[child->kind]) == 0)
            continue;
        child->is_announced = true;
        child->was_ready = true;
        gw_log(GW_LOG_INFO, "child-ready", "child=%s pid=%d", child_name(child->kind), (int)child->pid);
    }
}

static void tend(struct supervisor *s)
{
    int64_t now = gw_clock_mono_ms();
    announce_ready(s);
    if (s->is_stopping) {
        if (now >= s->kill_at_ms)
            stop_children(s, SIGKILL);
        return;
    }
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        struct child *child = &s->children[i];
        if (child->pid == 0 && child->restart_at_ms != 0 && now >= child->restart_at_ms)
            start_child(s, child);
    }
}

static int open_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    /* A reader of the log that goes away must not end the service. */
    (void)signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int supervisor_run(const struct config *config)
{
    struct supervisor s = {.config = config};
    struct gw_error err;
    s.children[CHILD_SSO].kind = CHILD_SSO;
    s.children[CHILD_PROV].kind = CHILD_PROV;
    if (open_inherited(&s, &err) != GW_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return err.code == GW_E_CONFIG ? 2 : 1;
    }
    s.signal_fd = open_signals();
    for (size_t i = 0; i < CHILD_KINDS; i++)
        start_child(&s, &s.children[i]);
    while (!s.is_stopping || is_anyone_running(&s)) {
        struct pollfd wait = {.fd = s.signal_fd, .events = POLLIN};
        (void)poll(&wait, 1, 50);
        on_signal(&s);
        tend(&s);
    }
    gw_log(GW_LOG_INFO, "stopped", "status=%d", s.status);
    return s.status;
}
