/* user_show: the reading verbs of `provgate user`. */
#pragma once

#include "gateway/command/folder.h"

struct command_list_query {
    const char *state; /* NULL: all; else one of command_list_states */
    uint64_t start;    /* 1-based */
    uint64_t count;    /* 0: all */
    bool as_json;
};

extern const char *const command_list_states[]; /* ends with NULL */

/* Prints what matches; a note on stderr when there is more. */
GW_MUST_CHECK enum gw_code command_users_list(struct command_folder *folder, const struct command_list_query *query,
                                              struct gw_error *err);

/* The same of those who were deleted and can be restored; `state` and `start` do not count. */
GW_MUST_CHECK enum gw_code command_deleted_list(struct command_folder *folder, const struct command_list_query *query,
                                                struct gw_error *err);
/* The one deleted user who had the userName, in any case; GW_E_CONFLICT when there are several. */
GW_MUST_CHECK enum gw_code command_deleted_find(struct command_folder *folder, struct gw_arena *arena, const char *name,
                                                struct store_user *ret_user, struct gw_error *err);

/* All of the record: attributes, subjects that are linked, sessions; `out` is a parameter for the tests. */
GW_MUST_CHECK enum gw_code command_user_show(struct command_folder *folder, const struct store_user *user, bool as_json,
                                             FILE *out, struct gw_error *err);
