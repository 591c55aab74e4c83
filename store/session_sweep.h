/* session_sweep: bindings that go: those not seen for longer than their time to live, and, beyond sessions_max, those
 * of active users that were not seen for the longest. A binding of an inactive or locked user stays at least until the
 * retention of that user has ended: forgotten, the session would be an unknown one and might pass (semantics.md 3).
 * Bounded work for each change. Private to store/; the writer's thread only. */
#pragma once

#include "store/apply.h"

#define STORE_ROOM_LOOKED_MAX 32u /* by one new binding, while the table is full */
#define STORE_ROOM_TAKEN_MAX 4u

/* Before a binding is added: takes away a few of the oldest when there are change->sessions_max. */
GW_MUST_CHECK enum gw_code store_sessions_make_room(struct store_apply *apply, struct gw_error *err);

GW_MUST_CHECK enum gw_code store_apply_session_sweep(struct store_apply *apply, struct gw_error *err);
