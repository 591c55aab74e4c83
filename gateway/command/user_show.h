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

/* All of the record: attributes, subjects that are linked, sessions; `out` is a parameter for the tests. */
GW_MUST_CHECK enum gw_code command_user_show(struct command_folder *folder, const struct store_user *user, bool as_json,
                                             FILE *out, struct gw_error *err);
