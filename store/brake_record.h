/* brake_record: what the brake remembers: of each user whom it holds, or whose going out an operator rejected, and of
 * each folder. Private to store/. */
#pragma once

#include "store/apply.h"
#include "store/inspect.h"

GW_MUST_CHECK enum gw_code store_held_put(struct store_apply *apply, const struct store_held *held,
                                          struct gw_error *err);
/* GW_E_NOT_FOUND: nothing is held of the user. Texts in the arena. */
GW_MUST_CHECK enum gw_code store_held_get(struct store_view *view, struct gw_arena *arena, uint32_t folder,
                                          uint64_t seq, struct store_held *ret_held, struct gw_error *err);
/* And counts one less in its folder, unless it was rejected. */
GW_MUST_CHECK enum gw_code store_held_drop(struct store_apply *apply, const struct store_held *held,
                                           struct gw_error *err);
/* Also for the full scan. */
GW_MUST_CHECK bool store_held_decode(struct gw_str key, struct gw_str value, struct store_held *ret_held);

/* All zero: the brake never did anything there. */
GW_MUST_CHECK enum gw_code store_brake_state_get(struct store_view *view, uint32_t folder,
                                                 struct store_brake_state *ret_state, struct gw_error *err);
/* Changes that wait, of all folders. */
GW_MUST_CHECK enum gw_code store_brake_total(struct store_view *view, uint64_t *ret_held, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_brake_state_put(struct store_apply *apply, uint32_t folder,
                                                 const struct store_brake_state *state, struct gw_error *err);
