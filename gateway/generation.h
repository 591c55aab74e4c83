/* generation: a pair of children, sso and prov, that were started with one configuration by one program. One generation
 * serves; another may be starting, to take over; older ones retire: they accept nothing, finish what is open, and end.
 * A generation that was taken over from the program before an upgrade has no configuration: its children cannot be
 * started again. One thread, the parent's. */
#pragma once

#include "gateway/shared.h"
#include "gateway/sockets.h"

#include <sys/types.h>

struct child {
    enum child_kind kind;
    pid_t pid; /* 0: not running */
    int64_t started_ms;
    int64_t restart_at_ms; /* 0: nothing planned */
    int64_t restart_pause_ms;
    bool was_ready; /* ever */
    bool is_announced;
};

struct generation {
    struct generation *next; /* older */
    struct config *config;   /* NULL: of the program before */
    unsigned number;         /* for people: 1, 2, 3 ... */
    uint32_t place;          /* in struct shared; not of the program before */
    int64_t since_ms;        /* of its start, then of its retirement */
    int64_t kill_at_ms;      /* it was told to stop; 0: it was not */
    struct child children[CHILD_KINDS];
    int config_fd;
    int wake[SHARED_WORKERS_MAX];
    size_t wake_count;
};

/* What all generations share. */
struct ground {
    const char *config_path;
    struct shared *shared;
    struct sso_handover *handover;
    int shared_fd;
    int handover_fd;
    int role_fds[CHILD_KINDS]; /* -1: there is no store yet, as a child will say */
    struct sockets sockets;
};

/* Starts both children with what the sockets of the ground are now. Takes a reference on `config`. */
GW_MUST_CHECK enum gw_code generation_start(struct ground *ground, struct config *config, unsigned number,
                                            uint32_t place, struct generation **ret_generation, struct gw_error *err);
/* When no child runs. */
void generation_free(struct ground *ground, struct generation *generation);

void generation_start_child(const struct ground *ground, struct generation *generation, struct child *child);
/* When it died and had been ready: again, later if it keeps dying young. */
void generation_plan_restart(struct child *child);
/* Starts again what is due. */
void generation_restart_due(const struct ground *ground, struct generation *generation);

void generation_signal(const struct generation *generation, int number);
bool generation_runs(const struct generation *generation);
/* Have both said that they serve? Logs the news. */
bool generation_is_ready(const struct ground *ground, struct generation *generation);
struct child *generation_child(struct generation *generation, pid_t pid); /* NULL: none of it */

#define GENERATION_RESTART_MS_MIN 50 /* pause before starting a child again; doubles while it keeps dying young */
#define GENERATION_RESTART_MS_MAX 5000
#define GENERATION_YOUNG_MS 10000
