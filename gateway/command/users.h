/* users: all users of a folder, page by page: no snapshot of the store is held while a page is used, so that neither a
 * slow terminal nor a pipe keeps old pages of the store alive. */
#pragma once

#include "gateway/command/folder.h"

/* Text of the user lives until the next page. False stops the walk. */
typedef bool (*command_user_fn)(const struct store_user *user, void *data);

/* In creation order from the `position`-th (0-based) on. */
GW_MUST_CHECK enum gw_code command_users_walk(struct command_folder *folder, uint64_t position, command_user_fn on_user,
                                              void *data, struct gw_error *err);
