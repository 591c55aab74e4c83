/* tls_alert: what a client is told when its handshake fails. libh2o sends what OpenSSL wrote in a step of the handshake
 * when that step went well, and drops it otherwise: the client would see a connection that ends, and no reason.
 * Thread: the one that shakes hands; nothing is shared. */
#pragma once

#include "gateway/base/str.h"

#include <openssl/ssl.h>

#define TLS_ALERT_BYTES_MAX 64u /* a record with an alert, encrypted or not */

/* For a server's context, before the first handshake. */
void tls_alert_watch(SSL_CTX *ctx);

/* The record with the alert of the step that has just failed on this thread, to be sent as it is; empty: there is none.
 * Borrowed until the next step of any handshake on this thread; told once. */
struct gw_str tls_alert_take(void);
