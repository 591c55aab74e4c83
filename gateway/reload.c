/* Reload and upgrade: what a running parent does when the configuration or the program changed. */
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/supervisor_private.h"
#include "routes/values.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define TRIAL_MS 60000

static void on_finding(enum config_severity severity, const char *text, void *data)
{
    (void)data;
    gw_log(severity == CONFIG_ERROR ? GW_LOG_ERROR : GW_LOG_WARN, "configuration", "finding=\"%s\"", text);
}

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What a running service cannot change: the old crew would go on with another store than the new one. */
static enum gw_code check_fixed(const struct config *old, const struct config *new, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    const char *key = NULL;
    if (old == NULL)
        return GW_OK;
    if (!is_same_text(old->store_path, new->store_path))
        key = "store.path";
    else if (old->store_max_size != new->store_max_size)
        key = "store.max_size";
    else if (!is_same_text(old->user, new->user))
        key = "user";
    if (key == NULL)
        return GW_OK;
    return gw_fail(err, GW_E_CONFIG, "%s: it changed, which needs a restart", config_where(new, &arena, key).ptr);
}

static enum gw_code begin_reload(struct supervisor *s, struct config *config, struct gw_error *err)
{
    GW_TRY(check_fixed(s->current != NULL ? s->current->config : NULL, config, err));
    if (config_check_files(config, on_finding, NULL) > 0)
        return gw_fail(err, GW_E_CONFIG, "a file that the configuration names cannot be used");
    GW_TRY(prov_values_check(config, err));
    GW_TRY(sockets_open(&s->ground.sockets, config, err));
    return supervisor_start_crew(s, config) ? GW_OK : gw_fail(err, GW_E_INTERNAL, "no child could be started");
}

void supervisor_reload(struct supervisor *s)
{
    struct gw_error err;
    struct config *config = NULL;
    s->wants_reload = false;
    enum gw_code code = config_load(s->ground.config_path, GW_STR_NONE, &config, &err);
    if (code == GW_OK)
        code = begin_reload(s, config, &err);
    config_unref(config);
    if (code == GW_OK)
        return;
    gw_log(GW_LOG_ERROR, "reload-failed", "reason=\"%s\" serving=%u", err.text,
           s->current != NULL ? s->current->number : 0);
    gw_metric_add(GW_METRIC_RELOADS_FAILED, 1);
    if (s->current != NULL && s->current->config != NULL)
        sockets_keep(&s->ground.sockets, s->current->config);
}

/* --- another program -------------------------------------------------------------------------------------------- */

static void upgrade_failed(const char *reason)
{
    gw_log(GW_LOG_ERROR, "upgrade-failed", "reason=\"%s\"", reason);
    gw_metric_add(GW_METRIC_RELOADS_FAILED, 1);
}

/* A program that cannot even read the configuration must not become the parent of all. */
void supervisor_try_upgrade(struct supervisor *s)
{
    s->wants_upgrade = false;
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t none;
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        int nowhere = open("/dev/null", O_WRONLY);
        if (nowhere >= 0)
            (void)dup2(nowhere, STDOUT_FILENO);
        (void)alarm(TRIAL_MS / 1000);
        (void)execl(s->program, "provgate", "check", "--config", s->ground.config_path, (char *)NULL);
        _exit(127);
    }
    if (pid < 0) {
        upgrade_failed(strerror(errno));
        return;
    }
    s->trial_pid = pid;
}

static size_t list_children(const struct supervisor *s, struct upgrade_child *children)
{
    size_t count = 0;
    const struct crew *crew = s->current;
    for (const struct crew *next = s->retiring; crew != NULL; crew = next, next = next != NULL ? next->next : NULL) {
        for (size_t i = 0; i < CHILD_KINDS; i++) {
            const struct child *child = &crew->children[i];
            if (child->pid > 0 && count < UPGRADE_CHILDREN_MAX)
                children[count++] = (struct upgrade_child){
                    .kind = child->kind, .pid = child->pid, .is_serving = crew == s->current, .crew = crew->number};
        }
    }
    return count;
}

void supervisor_trial_ended(struct supervisor *s, int wait_status)
{
    struct upgrade_child children[UPGRADE_CHILDREN_MAX];
    struct gw_error err;
    s->trial_pid = 0;
    if (s->is_stopping)
        return;
    if (s->starting != NULL || s->current == NULL) {
        s->wants_upgrade = true; /* a reload came between */
        return;
    }
    if (wait_status != 0) {
        upgrade_failed("the new program does not take the configuration; see above, or run provgate check");
        return;
    }
    gw_log(GW_LOG_INFO, "upgrading", "program=%s", s->program);
    gw_log_flush();
    upgrade_execute(s->program, &s->ground, children, list_children(s, children), &err);
    upgrade_failed(err.text);
}
