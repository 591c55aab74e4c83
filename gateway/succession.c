/* Which crew serves, which is about to, and which retire. */
#include "gateway/supervisor_private.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/process.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static bool place_is_taken(const struct supervisor *s, uint32_t place)
{
    bool is_taken = s->current != NULL && s->current->config != NULL && s->current->place == place;
    for (const struct crew *old = s->retiring; old != NULL; old = old->next)
        is_taken = is_taken || (old->config != NULL && old->place == place);
    return is_taken;
}

bool supervisor_start_crew(struct supervisor *s, struct config *config)
{
    struct gw_error err;
    uint32_t place = 0;
    while (place < SHARED_PLACES && place_is_taken(s, place))
        place++;
    if (place == SHARED_PLACES) { /* the oldest is being ended */
        s->wants_reload = true;
        s->reload_at_ms = gw_clock_mono_ms() + SUPERVISOR_LOOK_MS;
        return true;
    }
    if (crew_start(&s->ground, config, s->crews + 1, place, &s->starting, &err) != GW_OK) {
        gw_log(GW_LOG_ERROR, "start-failed", "reason=\"%s\"", err.text);
        return false;
    }
    s->crews++;
    return true;
}

static void end_abruptly(struct crew *crew)
{
    crew->kill_at_ms = gw_clock_mono_ms() + SUPERVISOR_STOP_MS;
    crew_signal(crew, SIGTERM);
}

/* No more than so many processes are kept for what is still open in them. */
static void bound_retiring(struct supervisor *s)
{
    size_t count = 0;
    for (struct crew *old = s->retiring; old != NULL; old = old->next) {
        if (old->kill_at_ms == 0 && ++count > SHARED_RETIRING_MAX) {
            gw_log(GW_LOG_WARN, "crew-ended-early", "crew=%u", old->number);
            end_abruptly(old);
        }
    }
}

void supervisor_retire(struct supervisor *s, struct crew *crew, bool is_abrupt)
{
    for (size_t i = 0; i < CHILD_KINDS; i++)
        crew->children[i].restart_at_ms = 0;
    crew->since_ms = gw_clock_mono_ms();
    crew->next = s->retiring;
    s->retiring = crew;
    if (is_abrupt)
        end_abruptly(crew);
    else
        crew_signal(crew, PROCESS_RETIRE_SIGNAL);
    bound_retiring(s);
}

static void take_over(struct supervisor *s)
{
    struct crew *before = s->current;
    s->current = s->starting;
    s->starting = NULL;
    sockets_keep(&s->ground.sockets, s->current->config);
    if (before == NULL)
        return;
    supervisor_retire(s, before, /* is_abrupt */ false);
    gw_metric_add(GW_METRIC_RELOADS, 1);
    gw_log(GW_LOG_INFO, "crew-serves", "crew=%u retires=%u", s->current->number, before->number);
}

static void give_up_starting(struct supervisor *s, const char *reason)
{
    struct crew *failed = s->starting;
    s->starting = NULL;
    supervisor_retire(s, failed, /* is_abrupt */ true);
    if (s->current == NULL) {
        supervisor_begin_stop(s, 1); /* it never served: what it said on stderr is the reason */
        return;
    }
    gw_log(GW_LOG_ERROR, "reload-failed", "reason=\"%s\" serving=%u", reason, s->current->number);
    gw_metric_add(GW_METRIC_RELOADS_FAILED, 1);
    if (s->current->config != NULL)
        sockets_keep(&s->ground.sockets, s->current->config);
}

void supervisor_free_ended(struct supervisor *s)
{
    struct crew **link = &s->retiring;
    while (*link != NULL) {
        struct crew *old = *link;
        if (crew_runs(old)) {
            link = &old->next;
            continue;
        }
        *link = old->next;
        gw_log(GW_LOG_INFO, "crew-ended", "crew=%u", old->number);
        crew_free(&s->ground, old);
    }
}

/* --- children that end -------------------------------------------------------------------------------------------- */

static bool is_only_sso(const struct supervisor *s)
{
    const struct crew *lists[] = {s->current, s->starting, s->retiring};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (const struct crew *at = lists[i]; at != NULL; at = at->next) {
            if (at->children[CHILD_SSO].pid > 0)
                return false;
        }
    }
    return true;
}

/* What it may have left behind when it was killed. */
static void clean_up_after(struct supervisor *s, const struct crew *crew, const struct child *child)
{
    if (crew->config == NULL)
        return;
    atomic_store(&s->ground.shared->places[crew->place].is_ready[child->kind], 0);
    if (child->kind != CHILD_SSO)
        return;
    /* It may have died while it waited for the writer's lock, and the others would make way for ever. */
    atomic_store(&s->ground.shared->sso_waiting[crew->place], 0);
    /* Assertions that it was using and had not recorded may be presented again. */
    if (is_only_sso(s))
        memset(&s->ground.handover->replay, 0, sizeof s->ground.handover->replay);
}

static void on_child_lost(struct supervisor *s, struct crew *crew, struct child *child)
{
    if (crew == s->starting && !child->was_ready) {
        give_up_starting(s, "a child of the new crew ended before it served");
    } else if (crew == s->current && crew->config == NULL) {
        s->wants_reload = true; /* children of the program before cannot be started again */
        s->reload_at_ms = gw_clock_mono_ms() + SUPERVISOR_AGAIN_MS;
    } else if (crew == s->current || crew == s->starting) {
        crew_plan_restart(child);
    }
}

static void on_child_exit(struct supervisor *s, struct crew *crew, struct child *child, int wait_status)
{
    if (crew->config != NULL)
        child->was_ready |= atomic_load(&s->ground.shared->places[crew->place].is_ready[child->kind]) != 0;
    child->pid = 0;
    clean_up_after(s, crew, child);
    bool was_asked = s->is_stopping || (crew != s->current && crew != s->starting);
    if (was_asked && wait_status == 0)
        return;
    gw_log(GW_LOG_ERROR, "child-ended", "child=%s %s=%d crew=%u", child_name(child->kind),
           WIFSIGNALED(wait_status) ? "signal" : "status",
           WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status), crew->number);
    if (!s->is_stopping)
        on_child_lost(s, crew, child);
}

void supervisor_child_ended(struct supervisor *s, pid_t pid, int wait_status)
{
    struct crew *lists[] = {s->current, s->starting, s->retiring};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (struct crew *at = lists[i]; at != NULL; at = at->next) {
            struct child *child = crew_child(at, pid);
            if (child != NULL) {
                on_child_exit(s, at, child, wait_status);
                return;
            }
        }
    }
}

/* --- time --------------------------------------------------------------------------------------------------------- */

static void tend_starting(struct supervisor *s, int64_t now)
{
    if (crew_is_ready(&s->ground, s->starting)) {
        take_over(s);
        return;
    }
    crew_restart_due(&s->ground, s->starting);
    if (s->current != NULL && now - s->starting->since_ms >= SUPERVISOR_READY_MS)
        give_up_starting(s, "the new crew did not serve in time");
}

void supervisor_tend_crews(struct supervisor *s, int64_t now)
{
    for (struct crew *old = s->retiring; old != NULL; old = old->next) {
        if (old->kill_at_ms != 0 && now >= old->kill_at_ms)
            crew_signal(old, SIGKILL);
    }
    if (s->current != NULL && s->current->config != NULL) {
        (void)crew_is_ready(&s->ground, s->current);
        crew_restart_due(&s->ground, s->current);
    }
    if (s->starting != NULL)
        tend_starting(s, now);
}

/* --- after an upgrade --------------------------------------------------------------------------------------------- */

static struct crew *adopted(struct supervisor *s, unsigned number, bool is_serving)
{
    if (s->current != NULL && s->current->number == number)
        return s->current;
    for (struct crew *old = s->retiring; old != NULL; old = old->next) {
        if (old->number == number)
            return old;
    }
    struct crew *crew = gw_alloc(sizeof *crew);
    struct crew **list = is_serving ? &s->current : &s->retiring;
    crew->number = number;
    crew->config_fd = -1;
    crew->next = *list;
    *list = crew;
    return crew;
}

void supervisor_adopt(struct supervisor *s, const struct upgrade_child *children, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct crew *crew = adopted(s, children[i].crew, children[i].is_serving);
        struct child *child = &crew->children[children[i].kind];
        *child = (struct child){.kind = children[i].kind, .pid = children[i].pid, .was_ready = true};
        if (s->crews < crew->number)
            s->crews = crew->number;
    }
}
