#include "gateway/base/arena.h"
#include "gateway/net/tls_private.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>

struct tls_client {
    SSL_CTX *ctx;
    char *server_name;
    bool is_address;
    pthread_mutex_t lock; /* guards the session */
    SSL_SESSION *session; /* the youngest that the server gave */
};

/* RFC 7301; only what is spoken. */
static const unsigned char alpn_http1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

/* RFC 6125: the name is checked by the library while it verifies, whatever the version of TLS. */
static bool expect_name(struct tls_client *tls, const char *server_name)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(tls->ctx);
    unsigned char address[16];
    tls->is_address = inet_pton(AF_INET, server_name, address) == 1 || inet_pton(AF_INET6, server_name, address) == 1;
    if (tls->is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(param, server_name) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, server_name, 0) == 1;
}

/* --- sessions -------------------------------------------------------------------------------------------------- */

static struct tls_client *client_of(SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* With TLS 1.3 it comes after the handshake, and may come again. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_client *tls = client_of(ssl);
    (void)pthread_mutex_lock(&tls->lock);
    SSL_SESSION *old = tls->session;
    tls->session = session; /* the reference is ours now */
    (void)pthread_mutex_unlock(&tls->lock);
    SSL_SESSION_free(old);
    return 1;
}

static void offer_session(struct tls_client *tls, SSL *ssl)
{
    (void)pthread_mutex_lock(&tls->lock);
    if (tls->session != NULL && SSL_SESSION_is_resumable(tls->session) == 1)
        (void)SSL_set_session(ssl, tls->session);
    (void)pthread_mutex_unlock(&tls->lock);
}

/* libh2o makes the SSL and shakes hands in one call, so what it does not do is done when the handshake starts, before
 * the first message is built. RFC 6066 section 3: an address is no name to be asked for. */
static void on_progress(const SSL *ssl, int where, int code)
{
    (void)code;
    SSL *own = (SSL *)(uintptr_t)ssl;
    if ((where & SSL_CB_HANDSHAKE_START) == 0 || SSL_get_state(ssl) != TLS_ST_BEFORE)
        return;
    struct tls_client *tls = client_of(own);
    if (tls->is_address)
        (void)SSL_set_tlsext_host_name(own, NULL);
    offer_session(tls, own);
}

static void keep_sessions(struct tls_client *tls)
{
    (void)pthread_mutex_init(&tls->lock, NULL);
    (void)SSL_CTX_set_app_data(tls->ctx, tls);
    (void)SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(tls->ctx, on_session);
    SSL_CTX_set_info_callback(tls->ctx, on_progress);
}

/* --- life ------------------------------------------------------------------------------------------------------ */

static enum gw_code prepare_client(struct tls_client *tls, const char *server_name, const char *ca_file,
                                   struct gw_error *err)
{
    SSL_CTX *ctx = tls->ctx;
    ERR_clear_error();
    tls_harden(ctx);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_alpn_protos(ctx, alpn_http1, sizeof alpn_http1);
    int rc =
        ca_file != NULL ? SSL_CTX_load_verify_locations(ctx, ca_file, NULL) : SSL_CTX_set_default_verify_paths(ctx);
    if (rc != 1)
        return gw_fail(err, GW_E_CONFIG, "%s: the CA certificates cannot be used: %s",
                       ca_file != NULL ? ca_file : "the system's store", tls_reason());
    if (server_name == NULL || server_name[0] == '\0' || !expect_name(tls, server_name))
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
    keep_sessions(tls);
    enum gw_code code = prepare_client(tls, server_name, ca_file, err);
    if (code != GW_OK) {
        tls_client_free(tls);
        return code;
    }
    tls->server_name = gw_strdup(server_name);
    *ret_tls = tls;
    return GW_OK;
}

enum gw_code tls_client_present(struct tls_client *tls, const char *certificate_file, const char *key_file,
                                struct gw_error *err)
{
    return tls_pair_load(tls->ctx, certificate_file, key_file, err);
}

void tls_client_free(struct tls_client *tls)
{
    if (tls == NULL)
        return;
    SSL_SESSION_free(tls->session);
    SSL_CTX_free(tls->ctx);
    (void)pthread_mutex_destroy(&tls->lock);
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
