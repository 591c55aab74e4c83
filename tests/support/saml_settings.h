/* The settings under which fuzzing, benchmark and comparison ask the SAML gate: one provider, one app. Any thread. */
#pragma once

#include "gateway/saml/saml.h"

/* With the certificate of `pem`. The caller frees *ret_settings. */
GW_MUST_CHECK static inline enum gw_code test_saml_settings(const struct saml_pem *pem,
                                                            struct saml_settings **ret_settings, struct gw_error *err)
{
    struct gw_str url = GW_STR("https://wiki.example.com/saml/acs");
    struct saml_source source = {.certificates = pem,
                                 .certificate_count = 1,
                                 .idp_entity = GW_STR("http://www.okta.com/exk1"),
                                 .audience = GW_STR("https://wiki.example.com"),
                                 .acs_urls = &url,
                                 .acs_url_count = 1,
                                 .skew_ms = SAML_SKEW_MS_DEFAULT};
    GW_TRY(saml_library_init(err));
    return saml_settings_new(&source, ret_settings, err);
}
