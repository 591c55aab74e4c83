/* walk_users: users in creation order inside one transaction. Private to store/. Tombstones are left out, and blocks of
 * nothing but tombstones are jumped over. */
#pragma once

#include "store/reader.h"
#include "store/table.h"

GW_MUST_CHECK enum gw_code store_walk_users_from(struct store_view *view, uint32_t folder, uint64_t from_seq,
                                                 uint64_t count, store_user_fn on_user, void *data,
                                                 struct gw_error *err);
/* The sequence of the `position`-th user; GW_E_NOT_FOUND past the end. */
GW_MUST_CHECK enum gw_code store_walk_users_position(struct store_view *view, uint32_t folder, uint64_t position,
                                                     uint64_t *ret_seq, struct gw_error *err);
