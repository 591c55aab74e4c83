/* sentinel: the one record that says what the store should hold: format, epoch, entries of each table, last sequences.
 * Written in every commit, compared at every start: a table that is missing or empty by damage is seen in O(1)
 * (security.md R7). Private to store/. */
#pragma once

#include "store/env.h"

struct store_sentinel {
    uint64_t commits;
    uint64_t activity_last;
    uint64_t revocation_last;
    uint32_t folder_last;
};

/* The format that a store says it has, 1 to STORE_FORMAT_VERSION; a newer one is refused. Needs only the meta table,
 * and opens it. */
GW_MUST_CHECK enum gw_code store_sentinel_format(struct store_view *view, uint32_t *ret_format, struct gw_error *err);

/* What follows reads and writes the form of view->store->format. */

/* How many tables it has: the first so many. */
int store_sentinel_tables(const struct store_view *view);

/* The first of a new store. */
GW_MUST_CHECK enum gw_code store_sentinel_make(struct store_view *view, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_sentinel_read(struct store_view *view, struct store_sentinel *ret_sentinel,
                                               struct gw_error *err);
/* Takes the entries of each table from the transaction itself. */
GW_MUST_CHECK enum gw_code store_sentinel_write(struct store_view *view, const struct store_sentinel *sentinel,
                                                struct gw_error *err);
/* Format, epoch, keys and entries are what this store should have. */
GW_MUST_CHECK enum gw_code store_sentinel_check(struct store_view *view, struct gw_error *err);
