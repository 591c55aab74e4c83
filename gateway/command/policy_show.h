/* policy_show: what policy would do, said without doing it; and the brake, which an operator decides about. */
#pragma once

#include "gateway/command/folder.h"

enum policy_event { POLICY_DEACTIVATE, POLICY_REACTIVATE, POLICY_DELETE };

/* Whom a sign-on and a POST that bring this name (and what else is given; NULL: nothing) would join, and by which
 * rule. */
struct policy_question {
    const char *name;
    const char *external_id;
    const char *email;
};
GW_MUST_CHECK enum gw_code policy_match_show(struct command_folder *folder, const struct config_app *app,
                                             const struct policy_question *question, bool as_json,
                                             struct gw_error *err);

/* What the event would do to the user. */
GW_MUST_CHECK enum gw_code policy_test_show(struct command_folder *folder, const struct store_user *user,
                                            enum policy_event event, bool as_json, struct gw_error *err);
/* What the SCIM body in the file would do: a PatchOp or, with `user`, a PUT to that user; without it a POST. */
#define POLICY_CHANGE_BYTES_MAX (1u << 20)
GW_MUST_CHECK enum gw_code policy_change_show(struct command_folder *folder, const struct store_user *user,
                                              const char *path, bool as_json, struct gw_error *err);

/* Where the brake of the folder stands, and what it holds. */
GW_MUST_CHECK enum gw_code policy_brake_show(struct command_folder *folder, const struct config_brake *brake,
                                             bool as_json, struct gw_error *err);
/* Everything that is held is done (`reason` NULL), or rejected for a reason. */
GW_MUST_CHECK enum gw_code policy_brake_decide(struct command_folder *folder, const struct config_brake *brake,
                                               const char *reason, bool as_json, struct gw_error *err);
