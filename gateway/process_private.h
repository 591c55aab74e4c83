/* process_private: what both children do alike. */
#pragma once

#include "config/config.h"
#include "gateway/base/result.h"
#include "gateway/net/tls.h"
#include "gateway/shared.h"

#include <stdatomic.h>
#include <stdbool.h>

/* The signals that end it are taken by process_wait_for_end alone; before any thread is made. */
void process_block_signals(void);

/* Waits until it is to end; true: it retires. Meanwhile gives back memory that was freed, on the calling thread. */
bool process_wait_for_end(void);
/* Until `running` is 0 (all loops ended) or it is to stop. */
void process_wait_while_retiring(const atomic_uint *running);

/* Bounds what malloc keeps of freed memory; before any thread is made. */
void process_bound_spare_memory(void);
/* Takes all descriptors the system grants (security.md K2). */
void process_raise_descriptors(void);
/* How many connections each of `loop_count` loops may accept, while each keeps descriptors for the `outgoing_max` that
 * it may make, or half of all when that is less. */
size_t process_connections_max(size_t loop_count, size_t outgoing_max);

/* Logs why the process cannot start, and ends it with status 1. */
_Noreturn void process_fail(const char *what, const struct gw_error *err);

/* The TLS context of a listener; NULL for plain text. */
GW_MUST_CHECK enum gw_code process_tls_new(const char *face, size_t index, const struct config_listener *listener,
                                           struct tls_server **ret_tls, struct gw_error *err);

/* Looks after the files of these listeners (NULL: plain text) and, in the sso child, after the certificates of identity
 * providers (tls_watch.h). tls_watch_free before the servers. */
struct tls_watch;
struct tls_watch *process_watch_start(enum child_kind kind, struct tls_server *const *servers, size_t count,
                                      const struct config *config);
