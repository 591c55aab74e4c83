#include "gateway/base/arena.h"
#include "gateway/http/tls_private.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct tls_client {
    SSL_CTX *ctx;
    char *server_name;
};

/* RFC 7301; only what is spoken. */
static const unsigned char alpn_http1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

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
    tls_harden(ctx);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_alpn_protos(ctx, alpn_http1, sizeof alpn_http1);
    int rc =
        ca_file != NULL ? SSL_CTX_load_verify_locations(ctx, ca_file, NULL) : SSL_CTX_set_default_verify_paths(ctx);
    if (rc != 1)
        return gw_fail(err, GW_E_CONFIG, "%s: the CA certificates cannot be used: %s",
                       ca_file != NULL ? ca_file : "the system's store", tls_reason());
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
