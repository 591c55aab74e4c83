#include "gateway/supervisor_private.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/command/privilege.h"
#include "gateway/process.h"
#include "gateway/run.h"
#include "routes/values.h"
#include "store/writer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM_GONE " (deleted)" /* what the system appends when the file was replaced */

/* --- stopping ----------------------------------------------------------------------------------------------------- */

static void signal_all(const struct supervisor *s, int number)
{
    if (s->current != NULL)
        crew_signal(s->current, number);
    if (s->starting != NULL)
        crew_signal(s->starting, number);
    for (const struct crew *old = s->retiring; old != NULL; old = old->next)
        crew_signal(old, number);
    if (s->trial_pid > 0)
        (void)kill(s->trial_pid, number);
}

void supervisor_begin_stop(struct supervisor *s, int status)
{
    if (s->is_stopping)
        return;
    s->is_stopping = true;
    s->status = status;
    s->kill_at_ms = gw_clock_mono_ms() + SUPERVISOR_STOP_MS;
    signal_all(s, SIGTERM);
}

static bool is_anyone_running(const struct supervisor *s)
{
    bool runs = (s->current != NULL && crew_runs(s->current)) || (s->starting != NULL && crew_runs(s->starting)) ||
                s->trial_pid > 0;
    for (const struct crew *old = s->retiring; old != NULL; old = old->next)
        runs = runs || crew_runs(old);
    return runs;
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static void reap(struct supervisor *s)
{
    int wait_status;
    for (pid_t pid = waitpid(-1, &wait_status, WNOHANG); pid > 0; pid = waitpid(-1, &wait_status, WNOHANG)) {
        if (pid == s->trial_pid)
            supervisor_trial_ended(s, wait_status);
        else
            supervisor_child_ended(s, pid, wait_status);
    }
    supervisor_free_ended(s);
}

static void on_signal(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            reap(s);
        } else if (info.ssi_signo == SIGHUP) {
            s->wants_reload = true;
            s->reload_at_ms = 0;
        } else if (info.ssi_signo == SIGUSR2) {
            s->wants_upgrade = true;
        } else if (s->is_stopping) {
            signal_all(s, SIGKILL);
        } else {
            gw_log(GW_LOG_INFO, "stopping", "signal=%u", info.ssi_signo);
            supervisor_begin_stop(s, 0);
        }
    }
}

static void tend(struct supervisor *s)
{
    int64_t now = gw_clock_mono_ms();
    if (s->is_stopping) {
        if (now >= s->kill_at_ms)
            signal_all(s, SIGKILL);
        return;
    }
    bool was_starting = s->starting != NULL;
    supervisor_tend_crews(s, now);
    if (was_starting)
        return;
    if (s->wants_reload && now >= s->reload_at_ms)
        supervisor_reload(s);
    else if (s->wants_upgrade && s->trial_pid == 0)
        supervisor_try_upgrade(s);
}

/* Before anything is started, so that no signal is lost. */
static int open_signals(void)
{
    static const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR2, PROCESS_RETIRE_SIGNAL};
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        (void)sigaddset(&set, numbers[i]);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)sigdelset(&set, PROCESS_RETIRE_SIGNAL); /* means nothing to the parent */
    /* A reader of the log that goes away must not end the service. */
    (void)signal(SIGPIPE, SIG_IGN);
    return descriptor_keep_high(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

static int serve(struct supervisor *s)
{
    while (!s->is_stopping || is_anyone_running(s)) {
        struct pollfd wait = {.fd = s->signal_fd, .events = POLLIN};
        (void)poll(&wait, 1, SUPERVISOR_LOOK_MS);
        on_signal(s);
        tend(s);
    }
    supervisor_free_ended(s);
    if (s->current != NULL)
        crew_free(&s->ground, s->current);
    if (s->starting != NULL)
        crew_free(&s->ground, s->starting);
    sockets_keep(&s->ground.sockets, NULL);
    gw_log(GW_LOG_INFO, "stopped", "status=%d", s->status);
    return s->status;
}

/* --- starting ----------------------------------------------------------------------------------------------------- */

static enum gw_code open_memory(struct ground *ground, struct gw_error *err)
{
    ground->shared_fd = descriptor_memory("provgate-shared", sizeof *ground->shared);
    if (ground->handover_fd < 0)
        ground->handover_fd = descriptor_memory("provgate-handover", sizeof *ground->handover);
    if (ground->shared_fd < 0 || ground->handover_fd < 0)
        return gw_fail(err, GW_E_INTERNAL, "cannot make shared memory: %s", strerror(errno));
    ground->shared = mmap(NULL, sizeof *ground->shared, PROT_READ | PROT_WRITE, MAP_SHARED, ground->shared_fd, 0);
    ground->handover = mmap(NULL, sizeof *ground->handover, PROT_READ | PROT_WRITE, MAP_SHARED, ground->handover_fd, 0);
    if (ground->shared == MAP_FAILED || ground->handover == MAP_FAILED)
        return gw_fail(err, GW_E_INTERNAL, "cannot map shared memory: %s", strerror(errno));
    gw_metrics_attach(&ground->shared->metrics, 0, 1);
    return GW_OK;
}

static void find_program(struct supervisor *s)
{
    ssize_t len = readlink("/proc/self/exe", s->program, sizeof s->program - 1);
    s->program[len > 0 ? len : 0] = '\0';
    char *gone = strstr(s->program, PROGRAM_GONE);
    if (gone != NULL && gone[strlen(PROGRAM_GONE)] == '\0')
        *gone = '\0';
}

static enum gw_code first_start(struct supervisor *s, struct config *config, struct gw_error *err)
{
    struct ground *ground = &s->ground;
    GW_TRY(sockets_open(&ground->sockets, config, err));
    GW_TRY(privilege_drop(config, err));
    privilege_hide_memory();
    if (!run_migrate(config))
        return gw_fail(err, GW_E_STORE_IO, "the store in %s was not brought up to date", config->store_path);
    GW_TRY(store_role_hold(config->store_path, STORE_ROLE_SSO, &ground->role_fds[CHILD_SSO], err));
    GW_TRY(store_role_hold(config->store_path, STORE_ROLE_PROV, &ground->role_fds[CHILD_PROV], err));
    for (size_t i = 0; i < CHILD_KINDS; i++)
        ground->role_fds[i] = descriptor_keep_high(ground->role_fds[i]);
    return open_memory(ground, err);
}

static void print_finding(enum config_severity severity, const char *text, void *data)
{
    (void)data;
    (void)fprintf(stderr, "%s%s\n", severity == CONFIG_ERROR ? "" : "warning: ", text);
}

static int start(struct supervisor *s)
{
    struct gw_error err;
    struct config *config = NULL;
    enum gw_code code = config_load(s->ground.config_path, GW_STR_NONE, &config, &err);
    if (code == GW_OK)
        code = prov_values_check(config, &err);
    if (code == GW_OK)
        code = first_start(s, config, &err);
    if (code != GW_OK)
        (void)fprintf(stderr, "%s\n", err.text);
    int status = code == GW_OK ? 0 : code == GW_E_CONFIG ? 2 : 1;
    if (status == 0 && config_check_files(config, print_finding, NULL) > 0)
        status = 2;
    if (status == 0) {
        gw_log_start();
        s->signal_fd = open_signals();
        status = supervisor_start_crew(s, config) ? 0 : 1;
    }
    config_unref(config);
    return status;
}

/* Whatever goes wrong from here on, those who serve are not left. */
static int resume(struct supervisor *s, const struct upgrade_child *children, size_t count)
{
    struct gw_error err;
    gw_log_start();
    s->signal_fd = open_signals();
    supervisor_adopt(s, children, count);
    if (open_memory(&s->ground, &err) != GW_OK) {
        gw_log(GW_LOG_ERROR, "upgrade-failed", "reason=\"%s\"", err.text);
        return 1;
    }
    gw_log(GW_LOG_INFO, "upgraded", "program=%s children=%zu", s->program, count);
    s->wants_reload = true;
    reap(s); /* who ended meanwhile */
    return 0;
}

int supervisor_run(const char *config_path)
{
    static struct supervisor s;
    struct upgrade_child children[UPGRADE_CHILDREN_MAX];
    size_t count = 0;
    s = (struct supervisor){.ground = {.config_path = config_path, .handover_fd = -1, .role_fds = {-1, -1}}};
    find_program(&s);
    privilege_hide_memory();
    gw_log_init("run", GW_LOG_INFO);
    int status = upgrade_take(&s.ground, children, &count) ? resume(&s, children, count) : start(&s);
    return status == 0 ? serve(&s) : status;
}
