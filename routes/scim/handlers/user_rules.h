/* user_rules: what the prov face asks of a user that is to be, before the store is asked: the same for a request, for
 * `provgate policy test` and for an import. Pure; any thread. */
#pragma once

#include "config/config.h"
#include "routes/scim/user.h"
#include "store/change.h"

/* The name of the service user (user_view.h), where the face has one. */
#define SERVICE_USER_NAME "provgate-service@provgate.invalid" /* RFC 2606: nobody's address */
bool user_rules_is_service(const struct config_prov_face *prov, struct gw_arena *arena, struct gw_str user_name);

/* Too many addresses; the service user's name, which nobody else has; `roles` and `entitlements` that are not
 * configured. Of these, what stands in `before` (NULL: nothing) may stay: a role that left the configuration must not
 * stop a deactivation. */
GW_MUST_CHECK enum gw_code user_rules_check(const struct config_prov_face *prov, struct gw_arena *arena,
                                            const struct json_value *before, const struct scim_user_draft *draft,
                                            struct gw_error *err);

/* The draft as the store takes it, copied into the arena; GW_E_TOO_LARGE. */
GW_MUST_CHECK enum gw_code user_rules_fill(struct gw_arena *arena, const struct scim_user_draft *draft, bool active,
                                           struct store_user_draft *ret_draft, struct gw_error *err);

/* meta.version of a PUT's body; 0: none. For the stale PUT rule. */
uint64_t user_rules_echoed_version(const struct json_value *body);

/* enum store_match of policy.match */
unsigned user_rules_match(const struct config_policy *policy);

/* policy.brake as the store takes it; only changes that may take a user out look at it. */
struct store_brake user_rules_brake(const struct config_policy *policy);

/* The configured role or entitlement with this id, NULL: none. */
const struct config_role *user_rules_role(const struct config_prov_face *prov, struct gw_str id);
