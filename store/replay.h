/* replay: assertions that were used, until they would be too old anyway. Private to store/. */
#pragma once

#include "store/apply.h"

GW_MUST_CHECK enum gw_code store_apply_replay_mark(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_replay_unmark(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_replay_find(struct store_view *view, const struct gw_sha256 *assertion,
                                             bool *ret_marked, struct gw_error *err);
/* For the full scan: the key that this mark has in the table of expiry. */
GW_MUST_CHECK bool store_replay_expiry_key(struct gw_str key, struct gw_str value, struct store_key *ret_key);
