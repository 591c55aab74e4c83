#include "gateway/net/tls_private.h"

#include <openssl/err.h>
#include <sys/stat.h>

const char *tls_reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text != NULL ? text : "unknown reason";
}

void tls_harden(SSL_CTX *ctx)
{
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    (void)SSL_CTX_set_max_early_data(ctx, 0);
}

static enum gw_code check_key_file(const char *key_file, struct gw_error *err)
{
    struct stat file;
    if (stat(key_file, &file) != 0)
        return gw_fail(err, GW_E_CONFIG, "%s: the key file cannot be read", key_file);
    if ((file.st_mode & S_IROTH) != 0)
        return gw_fail(err, GW_E_CONFIG, "%s: the key file can be read by everyone; chmod 600 it", key_file);
    return GW_OK;
}

enum gw_code tls_pair_load(SSL_CTX *ctx, const char *certificate_file, const char *key_file, struct gw_error *err)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, certificate_file) != 1)
        return gw_fail(err, GW_E_CONFIG, "%s: the certificate cannot be used: %s", certificate_file, tls_reason());
    GW_TRY(check_key_file(key_file, err));
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1)
        return gw_fail(err, GW_E_CONFIG, "%s: the key cannot be used with the certificate: %s", key_file, tls_reason());
    if (SSL_CTX_check_private_key(ctx) != 1)
        return gw_fail(err, GW_E_CONFIG, "%s: the key does not belong to %s", key_file, certificate_file);
    return GW_OK;
}
