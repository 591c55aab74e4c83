#include "gateway/http/tls.h"

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/base/digest.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>

struct tls_server {
    SSL_CTX *ctx;
    int64_t not_after_ms;
    bool offers_http2;
};

struct tls_client {
    SSL_CTX *ctx;
    char *server_name;
};

/* RFC 7301; only what is spoken. */
static const unsigned char alpn_http1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
static const unsigned char alpn_http2[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text != NULL ? text : "unknown reason";
}

static void harden(SSL_CTX *ctx)
{
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    (void)SSL_CTX_set_max_early_data(ctx, 0);
}

/* --- server ---------------------------------------------------------------------------------------------------- */

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                           unsigned int in_len, void *data)
{
    (void)ssl;
    const struct tls_server *tls = data;
    const unsigned char *offered = tls->offers_http2 ? alpn_http2 : alpn_http1;
    unsigned int offered_len = tls->offers_http2 ? sizeof alpn_http2 : sizeof alpn_http1;
    unsigned char *chosen = NULL;
    int rc = SSL_select_next_proto(&chosen, out_len, offered, offered_len, in, in_len);
    *out = chosen;
    return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
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

static enum gw_code load_pair(SSL_CTX *ctx, const char *certificate_file, const char *key_file, struct gw_error *err)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, certificate_file) != 1)
        return gw_fail(err, GW_E_CONFIG, "%s: the certificate cannot be used: %s", certificate_file, reason());
    GW_TRY(check_key_file(key_file, err));
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1)
        return gw_fail(err, GW_E_CONFIG, "%s: the key cannot be used with the certificate: %s", key_file, reason());
    if (SSL_CTX_check_private_key(ctx) != 1)
        return gw_fail(err, GW_E_CONFIG, "%s: the key does not belong to %s", key_file, certificate_file);
    return GW_OK;
}

static enum gw_code read_not_after(SSL_CTX *ctx, const char *certificate_file, int64_t *ret_ms, struct gw_error *err)
{
    const ASN1_TIME *not_after = X509_get0_notAfter(SSL_CTX_get0_certificate(ctx));
    int days = 0, seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int rc = ASN1_TIME_diff(&days, &seconds, epoch, not_after);
    ASN1_TIME_free(epoch);
    if (rc != 1)
        return gw_fail(err, GW_E_CONFIG, "%s: the certificate has no readable end date", certificate_file);
    *ret_ms = ((int64_t)days * 86400 + seconds) * 1000;
    if (*ret_ms <= gw_clock_wall_ms())
        return gw_fail(err, GW_E_CONFIG, "%s: the certificate has expired", certificate_file);
    return GW_OK;
}

/* Sessions are kept by the client alone, in tickets under keys of this context. */
static void separate_sessions(SSL_CTX *ctx, const char *face)
{
    struct gw_sha256 id = gw_sha256(gw_str_from(face));
    (void)SSL_CTX_set_session_id_context(ctx, id.bytes, SSL_MAX_SID_CTX_LENGTH);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(ctx, 1);
}

enum gw_code tls_server_new(const char *face, const char *certificate_file, const char *key_file,
                            struct tls_server **ret_tls, struct gw_error *err)
{
    struct tls_server *tls = gw_alloc(sizeof *tls);
    tls->ctx = SSL_CTX_new(TLS_server_method());
    GW_ASSERT(tls->ctx != NULL);
    harden(tls->ctx);
    separate_sessions(tls->ctx, face);
    SSL_CTX_set_alpn_select_cb(tls->ctx, choose_protocol, tls);
    enum gw_code code = load_pair(tls->ctx, certificate_file, key_file, err);
    if (code == GW_OK)
        code = read_not_after(tls->ctx, certificate_file, &tls->not_after_ms, err);
    if (code != GW_OK) {
        tls_server_free(tls);
        return code;
    }
    *ret_tls = tls;
    return GW_OK;
}

void tls_server_offer_http2(struct tls_server *tls)
{
    tls->offers_http2 = true;
}

void tls_server_free(struct tls_server *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->ctx);
    free(tls);
}

SSL_CTX *tls_server_ctx(struct tls_server *tls)
{
    return tls->ctx;
}

int64_t tls_server_not_after_ms(const struct tls_server *tls)
{
    return tls->not_after_ms;
}

/* --- client ---------------------------------------------------------------------------------------------------- */

/* RFC 6125: the name is checked by the library while it verifies, whatever the version of TLS. */
static bool expect_name(SSL_CTX *ctx, const char *server_name)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
    unsigned char address[16];
    bool is_address = inet_pton(AF_INET, server_name, address) == 1 || inet_pton(AF_INET6, server_name, address) == 1;
    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(param, server_name) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, server_name, 0) == 1;
}

static enum gw_code prepare_client(SSL_CTX *ctx, const char *server_name, const char *ca_file, struct gw_error *err)
{
    ERR_clear_error();
    harden(ctx);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_alpn_protos(ctx, alpn_http1, sizeof alpn_http1);
    int rc =
        ca_file != NULL ? SSL_CTX_load_verify_locations(ctx, ca_file, NULL) : SSL_CTX_set_default_verify_paths(ctx);
    if (rc != 1)
        return gw_fail(err, GW_E_CONFIG, "%s: the CA certificates cannot be used: %s",
                       ca_file != NULL ? ca_file : "the system's store", reason());
    if (server_name == NULL || server_name[0] == '\0' || !expect_name(ctx, server_name))
        return gw_fail(err, GW_E_CONFIG, "the upstream's server name is not a name: %s",
                       server_name != NULL ? server_name : "(none)");
    return GW_OK;
}

enum gw_code tls_client_new(const char *server_name, const char *ca_file, struct tls_client **ret_tls,
                            struct gw_error *err)
{
    struct tls_client *tls = gw_alloc(sizeof *tls);
    tls->ctx = SSL_CTX_new(TLS_client_method());
    GW_ASSERT(tls->ctx != NULL);
    enum gw_code code = prepare_client(tls->ctx, server_name, ca_file, err);
    if (code != GW_OK) {
        tls_client_free(tls);
        return code;
    }
    tls->server_name = gw_strdup(server_name);
    *ret_tls = tls;
    return GW_OK;
}

void tls_client_free(struct tls_client *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->ctx);
    free(tls->server_name);
    free(tls);
}

SSL_CTX *tls_client_ctx(struct tls_client *tls)
{
    return tls->ctx;
}

const char *tls_client_server_name(const struct tls_client *tls)
{
    return tls->server_name;
}
