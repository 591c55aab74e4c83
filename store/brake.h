/* brake: notices when far more users of a folder than usual are deactivated or deleted by provisioning (semantics.md
 * 9). It counts users, not calls, over every way in; raises an alarm; and, where the policy says hold, stores what
 * would take more people out and refuses it (GW_E_HELD), until an operator releases or rejects it, or max_hold is over:
 * then it is applied, for a deactivation that never happens is the worse mistake. What an operator asks for is never
 * held. Private to store/ but for the reading side, which is in inspect.h. */
#pragma once

#include "store/apply.h"
#include "store/inspect.h"

/* How long what was held lets others pass once it is released, where the change does not say. */
#define STORE_BRAKE_RELEASED_MS (60 * 60 * 1000)

/* Before anything is written of a change that would take the user out. GW_OK: go on. GW_E_HELD: it is stored.
 * GW_E_FORBIDDEN: an operator rejected just this. */
GW_MUST_CHECK enum gw_code store_brake_check(struct store_apply *apply, const struct store_user *user,
                                             enum store_held_kind kind, struct gw_error *err);
/* The client changed its mind, or it was done otherwise: nothing is held of the user any more. */
GW_MUST_CHECK enum gw_code store_brake_drop(struct store_apply *apply, uint32_t folder, uint64_t seq,
                                            struct gw_error *err);

GW_MUST_CHECK enum gw_code store_apply_brake_release(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_brake_reject(struct store_apply *apply, struct gw_error *err);
