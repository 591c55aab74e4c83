/* journal: the two append-only tables, activity and revocations. Private to store/; the writer's thread only. */
#pragma once

#include "store/apply.h"

/* Older entries of the revocation log go away: whoever is that far behind is told so and looks at every session. */
#define STORE_REVOCATIONS_KEPT 16384u
#define STORE_REVOCATIONS_KEPT_LAST 1024u /* in the last room of a full store */

/* One entry of the change that is being applied; `user` may be NULL. */
GW_MUST_CHECK enum gw_code store_journal_add(struct store_apply *apply, enum store_activity_kind kind,
                                             const struct store_user *user, struct gw_str result, struct gw_error *err);
/* The entry that a change of kind ACTIVITY brings. */
GW_MUST_CHECK enum gw_code store_journal_add_entry(struct store_apply *apply, struct store_activity *entry,
                                                   struct gw_error *err);
/* A change of kind ACTIVITY_TRIM. */
GW_MUST_CHECK enum gw_code store_journal_trim(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_journal_revoke(struct store_apply *apply, const struct store_user *user,
                                                struct gw_error *err);
/* Calls back with every revocation after `seq`; GW_E_STALE when some of them are gone already. */
GW_MUST_CHECK enum gw_code store_journal_revoked(struct store_view *view, uint64_t seq,
                                                 store_revocation_fn on_revocation, void *data);
