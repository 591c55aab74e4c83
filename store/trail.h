/* trail: which entries of the activity record may be about one user name, of one kind or of one app, so that a question
 * about one of them does not read millions. One small filter for each block of STORE_TRAIL_BLOCK entries, made when the
 * block is full: nothing but the end of a table is ever written. It never leaves out an entry that is asked for; now
 * and then it lets a block be read for nothing. A block without a filter is read. Private to store/. */
#pragma once

#include "store/reader.h"
#include "store/table.h"

#define STORE_TRAIL_BLOCK 256u

/* After the entry of this number was put. */
GW_MUST_CHECK enum gw_code store_trail_add(struct store_view *view, uint64_t seq, struct gw_error *err);
/* After the entry of this number, the oldest one, was deleted. */
GW_MUST_CHECK enum gw_code store_trail_remove(struct store_view *view, uint64_t seq, struct gw_error *err);

/* For the full scan: the filter of the entry's block, if there has to be one, lets it be found. Adds to *filters when
 * the entry ends a block. */
GW_MUST_CHECK enum gw_code store_trail_check(struct store_view *view, const struct store_activity *entry,
                                             uint64_t *filters, struct gw_error *err);
