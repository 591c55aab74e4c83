/* courtesy: a writer looks at who else works with the store, and makes way. LMDB's lock is not fair: who just let go
 * would take it again before the one who waits is awake. Private to store/; the writer's thread only. */
#pragma once

#include "store/writer.h"

/* A sign-on waits for the lock. */
bool store_courtesy_sso_waits(const struct store_writer_settings *settings);

/* Before a group. An import cannot see who waits, and always has more to do: it lets everybody in after each group. */
void store_courtesy_make_way(const struct store_writer_settings *settings);

/* Nobody else has the store open to read it, as every process that serves has: nobody waits for a long group. */
bool store_courtesy_is_alone(struct store *store);
