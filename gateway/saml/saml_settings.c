#include "gateway/saml/saml_settings.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <time.h>

static bool is_known_curve(EVP_PKEY *key)
{
    static const char *const curves[] = {SN_X9_62_prime256v1, SN_secp384r1, SN_secp521r1};
    char name[64];
    size_t len = 0;
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || EVP_PKEY_get_group_name(key, name, sizeof name, &len) != 1)
        return false;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        if (strcmp(name, curves[i]) == 0)
            return true;
    }
    return false;
}

static enum gw_code add_certificate(struct saml_settings *settings, X509 *certificate, const char *name,
                                    struct gw_error *err)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    bool is_ec = key != NULL && is_known_curve(key);
    if (!is_ec && (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA))
        return gw_fail(err, GW_E_CONFIG, "%s: the certificate must have an RSA key, or one of P-256, P-384 or P-521",
                       name);
    if (!is_ec && EVP_PKEY_get_bits(key) < SAML_KEY_BITS_MIN)
        return gw_fail(err, GW_E_CONFIG, "%s: the RSA key has %d bits, at least %d are needed", name,
                       EVP_PKEY_get_bits(key), SAML_KEY_BITS_MIN);
    if (settings->key_count == SAML_CERTIFICATES_MAX)
        return gw_fail(err, GW_E_CONFIG, "%s: more than %d identity provider certificates", name,
                       SAML_CERTIFICATES_MAX);
    struct tm expires = {0};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &expires) != 1)
        return gw_fail(err, GW_E_CONFIG, "%s: the certificate has no readable expiry", name);
    GW_ASSERT(EVP_PKEY_up_ref(key) == 1);
    settings->keys[settings->key_count++] =
        (struct saml_key){.key = key, .is_ec = is_ec, .expires_ms = (int64_t)timegm(&expires) * 1000};
    return GW_OK;
}

static enum gw_code add_pem(struct saml_settings *settings, const struct saml_pem *pem, struct gw_error *err)
{
    size_t before = settings->key_count;
    enum gw_code code = GW_OK;
    if (pem->text.len == 0 || pem->text.len > INT32_MAX)
        return gw_fail(err, GW_E_CONFIG, "%s: the file is empty or far too large", pem->name);
    BIO *bio = BIO_new_mem_buf(pem->text.ptr, (int)pem->text.len);
    GW_ASSERT(bio != NULL);
    while (code == GW_OK) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (certificate == NULL)
            break;
        code = add_certificate(settings, certificate, pem->name, err);
        X509_free(certificate);
    }
    /* The end of the file is reported as an error of this one kind; any other one is a damaged certificate. */
    unsigned long last = ERR_peek_last_error();
    if (code == GW_OK && ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
        code = gw_fail(err, GW_E_CONFIG, "%s: a certificate in it is damaged", pem->name);
    if (code == GW_OK && settings->key_count == before)
        code = gw_fail(err, GW_E_CONFIG, "%s: there is no PEM certificate in it", pem->name);
    ERR_clear_error();
    BIO_free(bio);
    return code;
}

static enum gw_code check_source(const struct saml_source *source, struct gw_error *err)
{
    if (source->certificate_count == 0)
        return gw_fail(err, GW_E_CONFIG, "idp_certificates: at least one certificate is needed");
    if (source->idp_entity.len == 0)
        return gw_fail(err, GW_E_CONFIG, "idp_entity: the issuer of the identity provider is needed");
    if (source->audience.len == 0)
        return gw_fail(err, GW_E_CONFIG, "audience: the app's own entity id is needed");
    if (source->acs_url_count == 0 || source->acs_url_count > SAML_ACS_URLS_MAX)
        return gw_fail(err, GW_E_CONFIG, "acs: 1 to %d addresses are needed", SAML_ACS_URLS_MAX);
    if (source->skew_ms < 0 || source->skew_ms > SAML_SKEW_MS_MAX)
        return gw_fail(err, GW_E_CONFIG, "skew: 0 to %d seconds are possible", SAML_SKEW_MS_MAX / 1000);
    return GW_OK;
}

static void copy_names(struct saml_settings *settings, const struct saml_source *source)
{
    settings->idp_entity = gw_arena_copy(&settings->arena, source->idp_entity);
    settings->audience = gw_arena_copy(&settings->arena, source->audience);
    settings->skew_ms = source->skew_ms;
    struct gw_str *urls = gw_arena_array(&settings->arena, source->acs_url_count, sizeof *urls);
    for (size_t i = 0; i < source->acs_url_count; i++)
        urls[i] = gw_arena_copy(&settings->arena, source->acs_urls[i]);
    settings->acs_urls = urls;
    settings->acs_url_count = source->acs_url_count;
}

enum gw_code saml_settings_new(const struct saml_source *source, struct saml_settings **ret_settings,
                               struct gw_error *err)
{
    GW_TRY(check_source(source, err));
    struct saml_settings *settings = gw_alloc(sizeof *settings);
    gw_arena_init(&settings->arena);
    copy_names(settings, source);
    ERR_clear_error();
    for (size_t i = 0; i < source->certificate_count; i++) {
        enum gw_code code = add_pem(settings, &source->certificates[i], err);
        if (code != GW_OK) {
            saml_settings_free(settings);
            return code;
        }
    }
    *ret_settings = settings;
    return GW_OK;
}

void saml_settings_free(struct saml_settings *settings)
{
    if (settings == NULL)
        return;
    for (size_t i = 0; i < settings->key_count; i++)
        EVP_PKEY_free(settings->keys[i].key);
    gw_arena_done(&settings->arena);
    free(settings);
}

size_t saml_settings_certificate_count(const struct saml_settings *settings)
{
    return settings->key_count;
}

int64_t saml_settings_certificate_expires_ms(const struct saml_settings *settings, size_t index)
{
    return index < settings->key_count ? settings->keys[index].expires_ms : 0;
}
