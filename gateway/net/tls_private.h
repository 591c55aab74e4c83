/* tls_private: what the server's and the client's half of TLS share. Any thread. */
#pragma once

#include "gateway/net/tls.h"

/* What the library says of its last error. */
const char *tls_reason(void);

/* The rules of tls.h: versions, suites, no renegotiation, no compression, no 0-RTT. */
void tls_harden(SSL_CTX *ctx);

/* A certificate chain and its key, which must match; a key that everyone can read is refused. */
GW_MUST_CHECK enum gw_code tls_pair_load(SSL_CTX *ctx, const char *certificate_file, const char *key_file,
                                         struct gw_error *err);
