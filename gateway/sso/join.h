/* join: of whom does a verified assertion speak, as the store wants to be asked, and what is known of a person who is
 * seen for the first time (semantics.md 4). Pure; any thread. */
#pragma once

#include "config/config.h"
#include "gateway/saml/saml.h"
#include "store/change.h"

#define SSO_ATTRIBUTE_BYTES_MAX 1024u /* a longer attribute value is left out of an observed user */

/* Borrows from the assertion. A transient name id is nobody's; a persistent one that is no address is opaque. */
void sso_join_fill(const struct config_saml *saml, uint32_t folder, const struct saml_assertion *assertion,
                   struct store_join *ret_join);

/* The user as observed; `user_name` is empty when the assertion has no name for a user (opaque ids need an attribute).
 * Everything is copied into `arena`. */
void sso_join_draft(const struct config_saml *saml, const struct saml_assertion *assertion,
                    const struct store_join *join, struct gw_arena *arena, struct store_user_draft *ret_draft);

void sso_join_copy(const struct store_join *join, struct gw_arena *arena, struct store_join *ret_join);
