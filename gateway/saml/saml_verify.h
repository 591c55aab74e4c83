/* saml_verify: XML signatures against pinned keys. Private to the saml files; any thread, a tree of the caller. */
#pragma once

#include "gateway/saml/saml_settings.h"

#include <libxml/tree.h>

/* Registers the libraries: once for the process, before other threads. */
GW_MUST_CHECK enum gw_code saml_verify_init(struct gw_error *err);

/* Does `signature`, a child of `owner`, cover `owner` (by its attribute ID) under one of the keys? The shape of both
 * must have been checked. SAML_VOUCHED, SAML_BAD_SIGNATURE or SAML_UNKNOWN_KEY. */
enum saml_verdict saml_verify_signature(const struct saml_settings *settings, xmlDoc *doc, xmlNode *owner,
                                        xmlNode *signature, struct gw_error *err);
