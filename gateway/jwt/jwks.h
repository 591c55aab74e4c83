/* jwks: the public keys of an issuer (RFC 7517), from a file or an address that the configuration names, never from a
 * token.
 *
 * Takes RSA keys of JWKS_RSA_BITS_MIN to JWKS_RSA_BITS_MAX bits and EC keys on P-256, each with a `kid`. Keys that are
 * for something else (use: enc, another algorithm or curve, no kid) are left out. Refuses the whole set when what it
 * would use is malformed or short, when one kid stands twice, and when nothing is left. Immutable and
 * reference-counted: any thread. */
#pragma once

#include "gateway/base/result.h"
#include "gateway/base/str.h"

#define JWKS_BYTES_MAX (256u * 1024u)
#define JWKS_KEYS_MAX 32u
#define JWKS_KID_BYTES_MAX 256u
#define JWKS_RSA_BITS_MIN 2048
#define JWKS_RSA_BITS_MAX 8192 /* longer ones would make each check of a signature slow */

struct jwks;

/* GW_E_INVALID_VALUE with a sentence that quotes nothing but a kid. */
GW_MUST_CHECK enum gw_code jwks_parse(struct gw_str text, struct jwks **ret_keys, struct gw_error *err);
struct jwks *jwks_ref(struct jwks *keys);
void jwks_unref(struct jwks *keys); /* NULL is harmless */

size_t jwks_count(const struct jwks *keys);
