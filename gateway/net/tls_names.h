/* tls_names: which of several certificates has a name (RFC 6125 section 6.4): the subjectAltNames, of which "*" may be
 * the whole first label and stands for exactly one. Immutable once read. Any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/str.h"

#include <openssl/x509.h>
#include <stdbool.h>

#define TLS_NAMES_MAX 1024u /* of one certificate that count */
#define TLS_NAME_BYTES_MAX 253u

struct tls_names {
    struct gw_str *names; /* in lower case; "*.example.com" as ".example.com" */
    size_t count;
};

void tls_names_read(X509 *certificate, struct gw_arena *arena, struct tls_names *ret_names);

enum tls_name_match { TLS_NAME_NONE, TLS_NAME_WILDCARD, TLS_NAME_EXACT };
/* `name` as it was sent, in any case. */
enum tls_name_match tls_names_match(const struct tls_names *names, struct gw_str name);
