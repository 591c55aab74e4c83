/* keeper: what the SSO process does by the clock and off the loops, on a thread of its own: once a second it reads
 * whether the guard rests (store/guard_off.h) and says so loudly; from time to time it has the writer forget sessions
 * that are due (store/session_sweep.h). A worker sees one word that changes (sso_app.guard_is_off). */
#pragma once

#include "gateway/sso/request.h"

#define SSO_KEEPER_TURN_MS 1000
#define SSO_KEEPER_SAY_MS (60 * 1000ll) /* how often a resting guard is said in the log */

#define SSO_KEEPER_SWEEP_MS (60 * 1000ll)          /* between sweeps, when the last one came to the end */
#define SSO_KEEPER_COVERAGE_MS (10 * 1000ll)       /* between two writings of the counts */
#define SSO_KEEPER_WARN_MS (3600 * 1000ll)         /* between two warnings that nobody is linked */
#define SSO_KEEPER_SWEEPS 16u                      /* transactions in one turn */
#define SSO_KEEPER_JUMP_MS (3600 * 1000ll)         /* between two turns */
#define SSO_KEEPER_RETAIN_MS (90ll * 24 * 3600000) /* of a folder that has no prov face */

struct sso_keeper;

/* Starts the thread; its first turn is over when this returns. */
struct sso_keeper *sso_keeper_start(struct sso_shared *shared);
void sso_keeper_stop(struct sso_keeper *keeper); /* before the writer is freed; NULL is harmless */

/* For tests: one without a thread, and one turn of it at these times. */
struct sso_keeper *sso_keeper_new(struct sso_shared *shared);
void sso_keeper_turn(struct sso_keeper *keeper, int64_t mono_ms, int64_t wall_ms);
