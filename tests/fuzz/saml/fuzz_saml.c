/* The whole SAML check over XML bytes with a fixed key: whatever is vouched for is what that key has signed. */
#include "tests/support/saml_settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Its private key is gone; the seeds were signed with it. */
static const char certificate[] = "-----BEGIN CERTIFICATE-----\n"
                                  "MIICeTCCAWGgAwIBAgIBATANBgkqhkiG9w0BAQsFADAAMB4XDTI2MTEyMTIzMTM1\n"
                                  "NloXDTI2MTEyMjIzMTM1NlowADCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoC\n"
                                  "ggEBAMIfZj5m/Y9qD/7hrZtqMlsOoQxyZKsCpKx6SOVe5HV+c69VnjcmEJzW0Gsk\n"
                                  "K13IXu+ml3NlLix2+iWJEBJu/1YBVUh3yZ0z6g6aJ3TNpICfYetQO1Lm27gC43+x\n"
                                  "rMgS/u71P/bQTqc1FbGf0KsA9ojb+4+h5mdo7bPxc2cOGl13PXY7vq9JjXsKpXCe\n"
                                  "an+oue4Mwic8RBCGr+LuBbkn9ghtcFvRz0w5u4UX91Tuvo3xG+7+ab9rJbcY9HSo\n"
                                  "5FzVXt42skOvAySygRwVpAnZ7rMpxNQkS4Bly7w2Ohda9mb8WPUKpa/M0JTAWitM\n"
                                  "QuGOUM9/RK3yrp1BTvODQq615F8CAwEAATANBgkqhkiG9w0BAQsFAAOCAQEAnepT\n"
                                  "x4zKBiiOJ13ZV/sIFwv9mkazvVB3TMw/fGj5wegcy2TBLNXQg7XygiBFfTi9+Vc1\n"
                                  "xDUid+vg6j5xLAyOxdXjfVMCXIFQWRSnwi3Tf/VDgfNRNECSBPF73trtSXQMI4cA\n"
                                  "99l5HRNoEUbT2NA75OST4MLNA2QZbBSVNKfndY+Myp3UTN4aqlebDEMUN2ZmYYDi\n"
                                  "S8UVvjFMaBcUacNBCbbzlEQDMJBBiro/qiyo+E+YFcgqnY3MaOY5obVId/dIwexG\n"
                                  "ZzbLU+jkhKRGNzI2YEF+KW9WG2gRq783fNCl35HJ2gS916nXoVz5cBR3819iKhDQ\n"
                                  "rwa75dWVSWCVYR5N3A==\n"
                                  "-----END CERTIFICATE-----\n";

static struct saml_settings *settings_make(void)
{
    static const struct saml_pem pem = {"fuzz.pem", GW_STR_INIT(certificate)};
    struct saml_settings *settings = NULL;
    GW_ASSERT(test_saml_settings(&pem, &settings, NULL) == GW_OK);
    return settings;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct saml_settings *settings;
    if (settings == NULL)
        settings = settings_make();
    GW_ARENA_SCOPED(arena);
    struct saml_result result;
    struct gw_error err = {0};
    struct gw_str xml = gw_str_n((const char *)data, size);
    enum gw_code code = saml_check(settings, &arena, xml, INT64_C(1795000000000), &result, &err);
    GW_ASSERT((code == GW_OK) == (result.verdict == SAML_VOUCHED));
    if (code == GW_OK) {
        GW_ASSERT(gw_str_eq(result.assertion.name_id, GW_STR("alice@example.com")));
        GW_ASSERT(gw_str_eq(result.assertion.assertion_id, GW_STR("id2")));
        GW_ASSERT(result.assertion.attribute_count == 2);
    } else {
        GW_ASSERT(result.assertion.name_id.ptr == NULL && err.text[0] != '\0');
    }
    return 0;
}
