/* modified: users and groups by the time of their last change, for imports that ask for what is new. Private to store/;
 * readers go through store_users_modified and store_groups_modified. Tombstones are not in it. */
#pragma once

#include "store/record.h"
#include "store/table.h"

/* The user's key in STORE_TABLE_MODIFIED; false: it has none (deleted). */
bool store_modified_key(const struct store_user *user, struct store_key *ret_key);
/* The group's in STORE_TABLE_GROUPS_MODIFIED. */
struct store_key store_modified_group_key(const struct store_group *group);

/* Keep the tables in step. `before` NULL: a new one; `after` NULL: it goes. */
GW_MUST_CHECK enum gw_code store_modified_move(struct store_view *view, const struct store_user *before,
                                               const struct store_user *after, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_modified_group_move(struct store_view *view, const struct store_group *before,
                                                     const struct store_group *after, struct gw_error *err);
