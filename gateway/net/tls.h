/* tls: the one door to OpenSSL's TLS. Server contexts are separate per listener: own ticket keys and session-id
 * context, so that no session of one face resumes on another (law 5). TLS 1.2 and 1.3, AEAD suites with ECDHE only, no
 * renegotiation, no compression, no 0-RTT. Built at start and on reload; used on loops. */
#pragma once

#include "gateway/base/result.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct tls_server;
struct tls_client;

/* What a listener presents. All texts are copied. */
#define TLS_PAIRS_MAX 64u
struct tls_pair {
    const char *certificate; /* file with the chain, leaf first */
    const char *key;         /* file */
};
struct tls_server_settings {
    const char *face; /* separates session-id contexts ("sso:0", "prov:1") */
    const struct tls_pair *pairs;
    size_t pair_count;     /* 1 to TLS_PAIRS_MAX; the first answers names that no certificate has, and none */
    bool offers_http2;     /* before HTTP/1.1 (RFC 7301); without this, HTTP/1.1 alone */
    const char *client_ca; /* file; NULL: clients are not asked for a certificate */
    bool requires_client_certificate; /* else it is asked for, and none is also good; a bad one never is */
};
GW_MUST_CHECK enum gw_code tls_server_make(const struct tls_server_settings *settings, struct tls_server **ret_tls,
                                           struct gw_error *err);

/* Reads all files again. They take the place of what was there for handshakes from now on, all of them or, on failure,
 * none. Any thread. */
GW_MUST_CHECK enum gw_code tls_server_reload(struct tls_server *tls, struct gw_error *err);

/* One pair. `face` separates session-id contexts ("sso:0", "prov:1"). The certificate file holds the chain, leaf first.
 * Errors name the file: unreadable, key does not match, expired, world-readable key. */
GW_MUST_CHECK enum gw_code tls_server_new(const char *face, const char *certificate_file, const char *key_file,
                                          struct tls_server **ret_tls, struct gw_error *err);
/* Offers HTTP/2 before HTTP/1.1 (RFC 7301); without this, HTTP/1.1 alone. Before connections are made. */
void tls_server_offer_http2(struct tls_server *tls);
/* After the loops: their connections use its ticket keys. */
void tls_server_free(struct tls_server *tls);
/* What handshakes use now; the caller's reference (SSL_CTX_free). Any thread. */
SSL_CTX *tls_server_ctx_take(struct tls_server *tls);

/* Calls `on_file` with each file and, of a certificate, when it ends (else 0). Any thread. */
typedef void (*tls_file_fn)(const char *file, int64_t not_after_ms, void *data);
void tls_server_each_file(struct tls_server *tls, tls_file_fn on_file, void *data);

/* When the first certificate in a PEM file ends. */
GW_MUST_CHECK enum gw_code tls_not_after_read(const char *file, int64_t *ret_ms, struct gw_error *err);

/* The SHA-256 fingerprint of the certificate that the peer proved to have, 64 digits in lower case; "" without. */
#define TLS_FINGERPRINT_TEXT 64
void tls_fingerprint(SSL *ssl, char dst[TLS_FINGERPRINT_TEXT + 1]);

/* For one upstream: verifies chain (against `ca_file`, or the system's roots when NULL) and name (`server_name`, a host
 * or an IP address) by X509_VERIFY_PARAM, in TLS 1.2 and 1.3 alike: libh2o's own check is skipped under 1.3. The last
 * session that the server gave is offered by the next connection of any loop. */
GW_MUST_CHECK enum gw_code tls_client_new(const char *server_name, const char *ca_file, struct tls_client **ret_tls,
                                          struct gw_error *err);
/* The certificate that is shown to a server that asks for one. Before connections are made. */
GW_MUST_CHECK enum gw_code tls_client_present(struct tls_client *tls, const char *certificate_file,
                                              const char *key_file, struct gw_error *err);
/* After the connections that were made with it. */
void tls_client_free(struct tls_client *tls);
SSL_CTX *tls_client_ctx(struct tls_client *tls);
/* What goes into SNI, unless it is an address. */
const char *tls_client_server_name(const struct tls_client *tls);
