/* check_groups: the full scan's look at groups and their members. Private to store/. */
#pragma once

#include "store/groups.h"

/* The group's set is its own. *ret_group borrows from `value`. */
GW_MUST_CHECK enum gw_code store_group_check(struct store_view *view, struct gw_str key, struct gw_str value,
                                             struct store_group *ret_group, struct gw_error *err);
