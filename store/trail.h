/* trail: which entries of the activity record are about one user name, of one kind or of one app, so that a question
 * about one of them does not read millions. Derived from the entries and kept in step by the journal. Entries that were
 * made when the store was nearly full have no index; from the first to the last of these every entry is looked at.
 * Private to store/. */
#pragma once

#include "store/reader.h"
#include "store/table.h"

GW_MUST_CHECK enum gw_code store_trail_add(struct store_view *view, const struct store_activity *entry,
                                           struct gw_error *err);
GW_MUST_CHECK enum gw_code store_trail_remove(struct store_view *view, const struct store_activity *entry,
                                              struct gw_error *err);

/* For the full scan: how many keys the entry has; all of them are there. */
GW_MUST_CHECK enum gw_code store_trail_check(struct store_view *view, const struct store_activity *entry,
                                             uint64_t *ret_keys, struct gw_error *err);
/* It names an entry from before the oldest one, which a full store trimmed. */
bool store_trail_is_stale(struct gw_str key, uint64_t oldest_seq);
