/* supervisor: the small parent of `provgate run`. It opens what the children inherit, starts them (this same binary,
 * executed afresh before any LMDB environment is open), starts one again when it dies, and ends them in order. It opens
 * no store, parses no request and reads nothing of an outsider. One thread. */
#pragma once

#include "config/config.h"
#include "gateway/base/result.h"

/* Runs until SIGTERM or SIGINT; a second one ends the children at once.
 * Returns the exit status: 0 ended by a signal, 1 could not start, 2 a listener
 * of the configuration could not be opened. */
int supervisor_run(const struct config *config);

#define SUPERVISOR_STOP_MS 15000     /* children that have not ended by then are killed */
#define SUPERVISOR_RESTART_MS_MIN 50 /* pause before starting a child again; doubles while it keeps dying young */
#define SUPERVISOR_RESTART_MS_MAX 5000
#define SUPERVISOR_YOUNG_MS 10000
