#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/base/digest.h"
#include "gateway/http/tls_private.h"

#include <stdlib.h>

struct tls_server {
    SSL_CTX *ctx;
    int64_t not_after_ms;
    bool offers_http2;
};

/* RFC 7301; only what is spoken. */
static const unsigned char alpn_http1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
static const unsigned char alpn_http2[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

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
    tls_harden(tls->ctx);
    separate_sessions(tls->ctx, face);
    SSL_CTX_set_alpn_select_cb(tls->ctx, choose_protocol, tls);
    enum gw_code code = tls_pair_load(tls->ctx, certificate_file, key_file, err);
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
