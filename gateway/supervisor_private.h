/* supervisor_private: what the parent's files share. */
#pragma once

#include "gateway/supervisor.h"
#include "gateway/upgrade.h"

struct supervisor {
    struct ground ground;
    struct generation *current;  /* serves; NULL until the first one does */
    struct generation *starting; /* takes over when it is ready; NULL: none */
    struct generation *retiring; /* the newest first */
    unsigned generations;        /* started so far */
    char program[4096];          /* where this program was started from */
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

/* What SIGHUP asks for: reads the configuration and starts a generation with it, which takes over when it is ready. */
void supervisor_reload(struct supervisor *s);
/* What SIGUSR2 asks for, in two steps: the trial, and when it went well the new program. */
void supervisor_try_upgrade(struct supervisor *s);
void supervisor_trial_ended(struct supervisor *s, int wait_status);

/* Starts a generation. False, after a line in the log: what serves goes on. */
bool supervisor_start_generation(struct supervisor *s, struct config *config);

void supervisor_retire(struct supervisor *s, struct generation *generation, bool is_abrupt);
