/* process: what the two children are. Each opens the store, starts its writer and its loop threads, serves until it is
 * told to end, drains, and ends. Called by main in a process of its own; returns its exit status.
 *
 * SIGTERM stops: running exchanges have PROCESS_DRAIN_MS. PROCESS_RETIRE_SIGNAL retires: a successor accepts already,
 * no connection is closed that somebody may be writing to, and what is open may go on for `drain_timeout`. The numbers
 * are the same in every version: one may take over from another. */
#pragma once

#include "gateway/shared.h"

#include <signal.h>

int sso_process_run(const struct child_start *start);
int prov_process_run(const struct child_start *start);

#define PROCESS_DRAIN_MS 10000
#define PROCESS_RETIRE_SIGNAL SIGUSR1
