/* shared: the memory that parent and children have in common, and which file descriptor each child inherits as what.
 *
 * The parent makes everything that must outlive a child (listeners, the configuration text, this memory, the wake-up
 * eventfds) and hands it to a child at fixed numbers, in an order that both derive from the same configuration text.
 * So a child that died is started again with the same listeners (no connection is refused meanwhile) and the same
 * snapshot, whatever happened to the file since. Parent: its one thread. Children: atomics, any thread. */
#pragma once

#include "config/config.h"
#include "gateway/base/metrics.h"

#include <stdatomic.h>
#include <stdint.h>

#define SHARED_WORKERS_MAX 64u

struct shared {
    _Atomic uint32_t sso_waiting; /* changes that wait in the sso writer; the prov writer lets them in */
    _Atomic uint32_t is_ready[2]; /* by enum child_kind: it serves; the child sets, the parent clears */
    uint32_t worker_count;        /* sso event loops, each with a wake-up eventfd; set before any child starts */
    struct gw_metrics metrics;
};

enum child_kind { CHILD_SSO, CHILD_PROV };
#define CHILD_KINDS 2u

/* Metric slots: the parent counts in the first, each child in its half of the rest. */
#define SHARED_SLOTS_CHILD (GW_METRIC_SLOTS / 2 - 1)

/* What a child finds at which number. */
struct child_fds {
    int config_text;
    int shared;
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

const char *child_name(enum child_kind kind); /* "sso", "prov" */

/* How many sso workers the configuration means. */
uint32_t shared_worker_count(const struct config *config);

/* In a child: maps the inherited memory and loads the inherited configuration text; ends the process on failure, since
 * then the parent handed over nonsense. Counts metrics into the child's slots from now on. */
struct shared *child_inherit(enum child_kind kind, const char *config_path, struct config **ret_config,
                             struct child_fds *ret_fds);
