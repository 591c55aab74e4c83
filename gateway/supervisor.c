#include "gateway/supervisor_private.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/command/privilege.h"
#include "gateway/process.h"
#include "gateway/run.h"
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

#define LOOK_MS 50
#define PROGRAM_GONE " (deleted)" /* what the system appends when the file was replaced */

/* --- generations ------------------------------------------------------------------------------------------------ */

static bool place_is_taken(const struct supervisor *s, uint32_t place)
{
    bool is_taken = s->current != NULL && s->current->config != NULL && s->current->place == place;
    for (const struct generation *old = s->retiring; old != NULL; old = old->next)
        is_taken = is_taken || (old->config != NULL && old->place == place);
    return is_taken;
}

bool supervisor_start_generation(struct supervisor *s, struct config *config)
{
    struct gw_error err;
    uint32_t place = 0;
    while (place < SHARED_PLACES && place_is_taken(s, place))
        place++;
    if (place == SHARED_PLACES) { /* the oldest is being ended */
        s->wants_reload = true;
        s->reload_at_ms = gw_clock_mono_ms() + LOOK_MS;
        return true;
    }
    if (generation_start(&s->ground, config, s->generations + 1, place, &s->starting, &err) != GW_OK) {
        gw_log(GW_LOG_ERROR, "start-failed", "reason=\"%s\"", err.text);
        return false;
    }
    s->generations++;
    return true;
}

static void end_abruptly(struct generation *generation)
{
    generation->kill_at_ms = gw_clock_mono_ms() + SUPERVISOR_STOP_MS;
    generation_signal(generation, SIGTERM);
}

/* No more than so many processes are kept for what is still open in them. */
static void bound_retiring(struct supervisor *s)
{
    size_t count = 0;
    for (struct generation *old = s->retiring; old != NULL; old = old->next) {
        if (old->kill_at_ms == 0 && ++count > SHARED_RETIRING_MAX) {
            gw_log(GW_LOG_WARN, "generation-ended-early", "generation=%u", old->number);
            end_abruptly(old);
        }
    }
}

void supervisor_retire(struct supervisor *s, struct generation *generation, bool is_abrupt)
{
    for (size_t i = 0; i < CHILD_KINDS; i++)
        generation->children[i].restart_at_ms = 0;
    generation->since_ms = gw_clock_mono_ms();
    generation->next = s->retiring;
    s->retiring = generation;
    if (is_abrupt)
        end_abruptly(generation);
    else
        generation_signal(generation, PROCESS_RETIRE_SIGNAL);
    bound_retiring(s);
}

static void take_over(struct supervisor *s)
{
    struct generation *before = s->current;
    s->current = s->starting;
    s->starting = NULL;
    sockets_keep(&s->ground.sockets, s->current->config);
    if (before == NULL)
        return;
    supervisor_retire(s, before, /* is_abrupt */ false);
    gw_metric_add(GW_METRIC_RELOADS, 1);
    gw_log(GW_LOG_INFO, "generation-serves", "generation=%u retires=%u", s->current->number, before->number);
}

static void begin_stop(struct supervisor *s, int status);

static void give_up_starting(struct supervisor *s, const char *reason)
{
    struct generation *failed = s->starting;
    s->starting = NULL;
    supervisor_retire(s, failed, /* is_abrupt */ true);
    if (s->current == NULL) {
        begin_stop(s, 1); /* it never served: what it said on stderr is the reason */
        return;
    }
    gw_log(GW_LOG_ERROR, "reload-failed", "reason=\"%s\" serving=%u", reason, s->current->number);
    gw_metric_add(GW_METRIC_RELOADS_FAILED, 1);
    if (s->current->config != NULL)
        sockets_keep(&s->ground.sockets, s->current->config);
}

static void free_ended(struct supervisor *s)
{
    struct generation **link = &s->retiring;
    while (*link != NULL) {
        struct generation *old = *link;
        if (generation_runs(old)) {
            link = &old->next;
            continue;
        }
        *link = old->next;
        gw_log(GW_LOG_INFO, "generation-ended", "generation=%u", old->number);
        generation_free(&s->ground, old);
    }
}

/* --- stopping --------------------------------------------------------------------------------------------------- */

static void signal_all(const struct supervisor *s, int number)
{
    if (s->current != NULL)
        generation_signal(s->current, number);
    if (s->starting != NULL)
        generation_signal(s->starting, number);
    for (const struct generation *old = s->retiring; old != NULL; old = old->next)
        generation_signal(old, number);
    if (s->trial_pid > 0)
        (void)kill(s->trial_pid, number);
}

static void begin_stop(struct supervisor *s, int status)
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
    bool runs = (s->current != NULL && generation_runs(s->current)) ||
                (s->starting != NULL && generation_runs(s->starting)) || s->trial_pid > 0;
    for (const struct generation *old = s->retiring; old != NULL; old = old->next)
        runs = runs || generation_runs(old);
    return runs;
}

/* --- children that end ------------------------------------------------------------------------------------------ */

static bool is_only_sso(const struct supervisor *s)
{
    const struct generation *lists[] = {s->current, s->starting, s->retiring};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (const struct generation *at = lists[i]; at != NULL; at = at->next) {
            if (at->children[CHILD_SSO].pid > 0)
                return false;
        }
    }
    return true;
}

/* What it may have left behind when it was killed. */
static void clean_up_after(struct supervisor *s, const struct generation *generation, const struct child *child)
{
    if (generation->config == NULL)
        return;
    atomic_store(&s->ground.shared->places[generation->place].is_ready[child->kind], 0);
    if (child->kind != CHILD_SSO)
        return;
    /* It may have died while it waited for the writer's lock, and the others would make way for ever. */
    atomic_store(&s->ground.shared->sso_waiting[generation->place], 0);
    /* Assertions that it was using and had not recorded may be presented again. */
    if (is_only_sso(s))
        memset(&s->ground.handover->replay, 0, sizeof s->ground.handover->replay);
}

static void on_child_lost(struct supervisor *s, struct generation *generation, struct child *child)
{
    if (generation == s->starting && !child->was_ready) {
        give_up_starting(s, "a child of the new generation ended before it served");
    } else if (generation == s->current && generation->config == NULL) {
        s->wants_reload = true; /* children of the program before cannot be started again */
        s->reload_at_ms = gw_clock_mono_ms() + SUPERVISOR_AGAIN_MS;
    } else if (generation == s->current || generation == s->starting) {
        generation_plan_restart(child);
    }
}

static void on_child_exit(struct supervisor *s, struct generation *generation, struct child *child, int wait_status)
{
    if (generation->config != NULL)
        child->was_ready |= atomic_load(&s->ground.shared->places[generation->place].is_ready[child->kind]) != 0;
    child->pid = 0;
    clean_up_after(s, generation, child);
    bool was_asked = s->is_stopping || (generation != s->current && generation != s->starting);
    if (was_asked && wait_status == 0)
        return;
    gw_log(GW_LOG_ERROR, "child-ended", "child=%s %s=%d generation=%u", child_name(child->kind),
           WIFSIGNALED(wait_status) ? "signal" : "status",
           WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status), generation->number);
    if (!s->is_stopping)
        on_child_lost(s, generation, child);
}

static void find_child(struct supervisor *s, pid_t pid, int wait_status)
{
    struct generation *lists[] = {s->current, s->starting, s->retiring};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (struct generation *at = lists[i]; at != NULL; at = at->next) {
            struct child *child = generation_child(at, pid);
            if (child != NULL) {
                on_child_exit(s, at, child, wait_status);
                return;
            }
        }
    }
}

static void reap(struct supervisor *s)
{
    int wait_status;
    for (pid_t pid = waitpid(-1, &wait_status, WNOHANG); pid > 0; pid = waitpid(-1, &wait_status, WNOHANG)) {
        if (pid == s->trial_pid)
            supervisor_trial_ended(s, wait_status);
        else
            find_child(s, pid, wait_status);
    }
    free_ended(s);
}

/* --- the loop --------------------------------------------------------------------------------------------------- */

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
            begin_stop(s, 0);
        }
    }
}

static void tend_starting(struct supervisor *s, int64_t now)
{
    if (generation_is_ready(&s->ground, s->starting)) {
        take_over(s);
        return;
    }
    generation_restart_due(&s->ground, s->starting);
    if (s->current != NULL && now - s->starting->since_ms >= SUPERVISOR_READY_MS)
        give_up_starting(s, "the new generation did not serve in time");
}

static void tend(struct supervisor *s)
{
    int64_t now = gw_clock_mono_ms();
    if (s->is_stopping) {
        if (now >= s->kill_at_ms)
            signal_all(s, SIGKILL);
        return;
    }
    for (struct generation *old = s->retiring; old != NULL; old = old->next) {
        if (old->kill_at_ms != 0 && now >= old->kill_at_ms)
            generation_signal(old, SIGKILL);
    }
    if (s->current != NULL && s->current->config != NULL) {
        (void)generation_is_ready(&s->ground, s->current);
        generation_restart_due(&s->ground, s->current);
    }
    if (s->starting != NULL)
        tend_starting(s, now);
    else if (s->wants_reload && now >= s->reload_at_ms)
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
        (void)poll(&wait, 1, LOOK_MS);
        on_signal(s);
        tend(s);
    }
    free_ended(s);
    if (s->current != NULL)
        generation_free(&s->ground, s->current);
    if (s->starting != NULL)
        generation_free(&s->ground, s->starting);
    sockets_keep(&s->ground.sockets, NULL);
    gw_log(GW_LOG_INFO, "stopped", "status=%d", s->status);
    return s->status;
}

/* --- starting --------------------------------------------------------------------------------------------------- */

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

static struct generation *adopted(struct supervisor *s, unsigned number, bool is_serving)
{
    if (s->current != NULL && s->current->number == number)
        return s->current;
    for (struct generation *old = s->retiring; old != NULL; old = old->next) {
        if (old->number == number)
            return old;
    }
    struct generation *generation = gw_alloc(sizeof *generation);
    struct generation **list = is_serving ? &s->current : &s->retiring;
    generation->number = number;
    generation->config_fd = -1;
    generation->next = *list;
    *list = generation;
    return generation;
}

static void adopt(struct supervisor *s, const struct upgrade_child *children, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct generation *generation = adopted(s, children[i].generation, children[i].is_serving);
        struct child *child = &generation->children[children[i].kind];
        *child = (struct child){.kind = children[i].kind, .pid = children[i].pid, .was_ready = true};
        if (s->generations < generation->number)
            s->generations = generation->number;
    }
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
        code = first_start(s, config, &err);
    if (code != GW_OK)
        (void)fprintf(stderr, "%s\n", err.text);
    int status = code == GW_OK ? 0 : code == GW_E_CONFIG ? 2 : 1;
    if (status == 0 && config_check_files(config, print_finding, NULL) > 0)
        status = 2;
    if (status == 0) {
        gw_log_start();
        s->signal_fd = open_signals();
        status = supervisor_start_generation(s, config) ? 0 : 1;
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
    adopt(s, children, count);
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
