/* saml_settings: the pinned keys and expected names of one app, as saml_check uses them. Private to the saml files;
 * immutable after saml_settings_new. */
#pragma once

#include "gateway/saml/saml.h"

#include <openssl/evp.h>

struct saml_key {
    EVP_PKEY *key;
    bool is_ec; /* else RSA */
    int64_t expires_ms;
};

struct saml_settings {
    struct gw_arena arena;
    struct saml_key keys[SAML_CERTIFICATES_MAX];
    size_t key_count;
    struct gw_str idp_entity;
    struct gw_str audience;
    const struct gw_str *acs_urls;
    size_t acs_url_count;
    int64_t skew_ms;
};
