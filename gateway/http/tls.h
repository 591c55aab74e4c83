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

/* `face` separates session-id contexts ("sso:0", "prov:1"). The certificate file holds the chain, leaf first. Errors
 * name the file: unreadable, key does not match, expired, world-readable key. */
GW_MUST_CHECK enum gw_code tls_server_new(const char *face, const char *certificate_file, const char *key_file,
                                          struct tls_server **ret_tls, struct gw_error *err);
/* Offers HTTP/2 before HTTP/1.1 (RFC 7301); without this, HTTP/1.1 alone. Before connections are made. */
void tls_server_offer_http2(struct tls_server *tls);
void tls_server_free(struct tls_server *tls);
SSL_CTX *tls_server_ctx(struct tls_server *tls);
int64_t tls_server_not_after_ms(const struct tls_server *tls);

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
