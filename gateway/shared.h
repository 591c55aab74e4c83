/* shared: the memory that parent and children have in common, and which file descriptor each child inherits as what.
 *
 * The parent makes everything that must outlive a child (listeners, the configuration text, this memory, the wake-up
 * eventfds, the writers' roles) and hands it to a child at fixed numbers, in an order that both derive from the same
 * configuration text. So a child that died is started again with the same listeners (no connection is refused
 * meanwhile) and the same snapshot, whatever happened to the file since. Several crews of children run at once
 * while one takes over from another; each has its place. Parent: its one thread. Children: atomics, any thread. */
#pragma once

#include "config/config.h"
#include "gateway/base/metrics.h"
#include "gateway/sso/handover.h"

#include <stdatomic.h>
#include <stdint.h>

#define SHARED_WORKERS_MAX 64u
#define SHARED_RETIRING_MAX 8u                   /* crews that drain; the oldest is ended for one more */
#define SHARED_PLACES (SHARED_RETIRING_MAX + 3u) /* with the one that serves, the one that starts, one being ended */

/* Of one crew. */
struct shared_place {
    _Atomic uint32_t is_ready[2]; /* by enum child_kind: it serves; the child sets, the parent clears */
    uint32_t worker_count;        /* sso event loops, each with a wake-up eventfd; set before any child starts */
};

struct shared {
    _Atomic uint32_t sso_waiting[SHARED_PLACES]; /* changes that wait in an sso writer; prov writers let them in */
    struct shared_place places[SHARED_PLACES];
    _Atomic uint32_t is_read_only[2]; /* by enum child_kind: its writer's disk failed; until all is started again */
    struct gw_metrics metrics;
};

enum child_kind { CHILD_SSO, CHILD_PROV };
#define CHILD_KINDS 2u

/* Metric slots: the parent counts in the first, each kind of child in its half of the rest. */
#define SHARED_SLOTS_CHILD (GW_METRIC_SLOTS / 2 - 1)

/* What a child finds at which number. */
struct child_fds {
    int config_text;
    int shared;
    int handover;                        /* struct sso_handover */
    int role;                            /* of its writer (store_role_hold); nothing there when there is no store */
    int listeners[CONFIG_LISTENERS_MAX]; /* of its face, in the order of the configuration */
    size_t listener_count;
    int admin;                    /* prov child with an admin listener, else -1 */
    int wake[SHARED_WORKERS_MAX]; /* one eventfd per sso worker: the prov child writes, the worker reads */
    size_t wake_count;
};

/* The numbers for a child of that kind; the same in parent and child. */
void child_fds_layout(enum child_kind kind, const struct config *config, size_t worker_count,
                      struct child_fds *ret_fds);
#define CHILD_FD_FIRST 3
#define CHILD_FDS_MAX (4u + CONFIG_LISTENERS_MAX + 1u + SHARED_WORKERS_MAX)

const char *child_name(enum child_kind kind); /* "sso", "prov" */

/* How many sso workers the configuration means. */
uint32_t shared_worker_count(const struct config *config);

/* What a child is told on its command line. */
struct child_start {
    enum child_kind kind;
    const char *config_path;
    uint32_t place;
};

/* What it finds. */
struct child_ground {
    struct config *config;
    struct shared *shared;
    struct shared_place *place;
    uint32_t place_index;
    struct sso_handover *handover;
    struct child_fds fds;
};

/* In a child: maps the inherited memory and loads the inherited configuration text; ends the process on failure, since
 * then the parent handed over nonsense. Counts metrics into the child's slots from now on. */
void child_inherit(const struct child_start *start, struct child_ground *ret_ground);
/* The inherited role, for struct store_writer_settings; 0 when there is none. */
int child_role_fd(const struct child_ground *ground);
/* When others accept from now on: an address that the new configuration left out is then open nowhere. */
void child_close_listeners(const struct child_ground *ground);
