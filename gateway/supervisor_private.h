/* supervisor_private: what the parent's files share. */
#pragma once

#include "gateway/supervisor.h"
#include "gateway/upgrade.h"

#define SUPERVISOR_LOOK_MS 50

struct supervisor {
    struct ground ground;
    struct crew *current;  /* serves; NULL until the first one does */
    struct crew *starting; /* takes over when it is ready; NULL: none */
    struct crew *retiring; /* the newest first */
    unsigned crews;        /* started so far */
    char program[4096];    /* where this program was started from */
    int signal_fd;
    bool wants_reload;
    int64_t reload_at_ms; /* not before */
    bool wants_upgrade;
    pid_t trial_pid; /* the new program reads the configuration before it takes over; 0: none */
    int64_t trial_since_ms;
    bool is_stopping;
    int64_t kill_at_ms;
    int status;
};

/* What SIGHUP asks for: reads the configuration and starts a crew with it, which takes over when it is ready. */
void supervisor_reload(struct supervisor *s);
/* What SIGUSR2 asks for, in two steps: the trial, and when it went well the new program. */
void supervisor_try_upgrade(struct supervisor *s);
void supervisor_trial_ended(struct supervisor *s, int wait_status);

/* Starts a crew. False, after a line in the log: what serves goes on. */
bool supervisor_start_crew(struct supervisor *s, struct config *config);

void supervisor_retire(struct supervisor *s, struct crew *crew, bool is_abrupt);
void supervisor_begin_stop(struct supervisor *s, int status); /* of all crews; again: nothing */

/* succession.c: what becomes of the crews. */
void supervisor_child_ended(struct supervisor *s, pid_t pid, int wait_status);
void supervisor_tend_crews(struct supervisor *s, int64_t now);
void supervisor_free_ended(struct supervisor *s);
/* The children of the program before an upgrade. */
void supervisor_adopt(struct supervisor *s, const struct upgrade_child *children, size_t count);
