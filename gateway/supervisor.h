/* supervisor: the small parent of `provgate run`. It opens what the children inherit, starts them (this same binary,
 * executed afresh before any LMDB environment is open), starts one again when it dies, lets a new crew of them
 * take over when the configuration or the program changes, and ends them in order. It opens no store, parses no request
 * and reads nothing of an outsider. One thread.
 *
 * SIGTERM, SIGINT: stop; again: at once. SIGHUP: the configuration is read again. SIGUSR2: the program at the path that
 * this one was started from takes over, under the same pid. Whatever fails of these two, what serves goes on. */
#pragma once

#include "config/config.h"
#include "gateway/base/result.h"

/* Runs until it is stopped. Returns the exit status: 0 ended by a signal, 1 could not start, 2 an error of the
 * configuration, said on stderr. */
int supervisor_run(const char *config_path);

#define SUPERVISOR_STOP_MS 15000  /* children that have not ended by then are killed */
#define SUPERVISOR_READY_MS 60000 /* a new crew that does not serve by then is given up */
#define SUPERVISOR_AGAIN_MS 5000  /* pause before the next try to replace a lost child of the program before */
