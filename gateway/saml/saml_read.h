/* saml_read: the conditions of a response whose signatures have been verified, and what it says about the person.
 * Private to the saml files; any thread. */
#pragma once

#include "gateway/saml/saml_settings.h"
#include "gateway/saml/saml_shape.h"

/* Before any signature: what decides whether this is from our provider and for us at all. */
enum saml_condition saml_read_status(const struct saml_tree *tree, struct gw_error *err);
enum saml_condition saml_read_issuers(const struct saml_settings *settings, const struct saml_tree *tree,
                                      struct gw_error *err);

/* The rest; `ret_until_ms` is the last expiry. */
enum saml_condition saml_read_conditions(const struct saml_settings *settings, const struct saml_tree *tree,
                                         int64_t now_ms, int64_t *ret_until_ms, struct gw_error *err);

/* Copies everything into the arena. */
void saml_read_assertion(const struct saml_tree *tree, struct gw_arena *arena, struct saml_assertion *ret_assertion);
