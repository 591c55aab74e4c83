/* crew: a pair of children, sso and prov, that were started with one configuration by one program. One crew
 * serves; another may be starting, to take over; older ones retire: they accept nothing, finish what is open, and end.
 * A crew that was taken over from the program before an upgrade has no configuration: its children cannot be
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

struct crew {
    struct crew *next;     /* older */
    struct config *config; /* NULL: of the program before */
    unsigned number;       /* for people: 1, 2, 3 ... */
    uint32_t place;        /* in struct shared; not of the program before */
    int64_t since_ms;      /* of its start, then of its retirement */
    int64_t kill_at_ms;    /* it was told to stop; 0: it was not */
    struct child children[CHILD_KINDS];
    int config_fd;
    int wake[SHARED_WORKERS_MAX];
    size_t wake_count;
};

/* What all crews share. */
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
GW_MUST_CHECK enum gw_code crew_start(struct ground *ground, struct config *config, unsigned number, uint32_t place,
                                      struct crew **ret_crew, struct gw_error *err);
/* When no child runs. */
void crew_free(struct ground *ground, struct crew *crew);

void crew_start_child(const struct ground *ground, struct crew *crew, struct child *child);
/* When it died and had been ready: again, later if it keeps dying young. */
void crew_plan_restart(struct child *child);
/* Starts again what is due. */
void crew_restart_due(const struct ground *ground, struct crew *crew);

void crew_signal(const struct crew *crew, int number);
bool crew_runs(const struct crew *crew);
/* Have both said that they serve? Logs the news. */
bool crew_is_ready(const struct ground *ground, struct crew *crew);
struct child *crew_child(struct crew *crew, pid_t pid); /* NULL: none of it */

#define CREW_RESTART_MS_MIN 50 /* pause before starting a child again; doubles while it keeps dying young */
#define CREW_RESTART_MS_MAX 5000
#define CREW_YOUNG_MS 10000
