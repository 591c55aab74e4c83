/* digest: hashes, random bytes, text forms of bytes, and comparing secrets. The one door to OpenSSL's digests (TLS has
 * its own in gateway/http/tls). Any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/buf.h"
#include "gateway/base/result.h"
#include "gateway/base/str.h"

#include <stdint.h>

#define GW_SHA256_BYTES 32
#define GW_KEY_BYTES 32

struct gw_sha256 {
    uint8_t bytes[GW_SHA256_BYTES];
};

struct gw_sha256 gw_sha256(struct gw_str data);

/* HMAC-SHA-256 over the parts, each preceded by its length (8 bytes, big endian), so that no two lists of parts give
 * the same input and no length is ever cut. */
struct gw_sha256 gw_hmac_parts(const uint8_t key[GW_KEY_BYTES], const struct gw_str *parts, size_t count);

/* The same for a key that is used often: its two blocks are hashed once. As secret as the key itself. */
struct gw_hmac_state {
    uint32_t words[28];
};
struct gw_hmac_key {
    struct gw_hmac_state inner;
    struct gw_hmac_state outer;
};
void gw_hmac_key_init(struct gw_hmac_key *ret_key, const uint8_t key[GW_KEY_BYTES]);
struct gw_sha256 gw_hmac_keyed(const struct gw_hmac_key *key, const struct gw_str *parts, size_t count);

void gw_random_bytes(void *dst, size_t size); /* never fails: ends the process when the system has no randomness */

/* Takes the same time wherever the first difference stands. */
bool gw_secret_eq(const void *a, const void *b, size_t size);

/* Wipes memory that held a secret. */
void gw_secret_wipe(void *ptr, size_t size);

struct gw_str gw_hex(struct gw_arena *arena, const void *bytes, size_t size);       /* lower case */
bool gw_hex_decode(struct gw_str hex, void *dst, size_t size);                      /* exactly `size` bytes */
struct gw_str gw_base64url(struct gw_arena *arena, const void *bytes, size_t size); /* without padding */

/* Standard alphabet with padding, no blanks, canonical (RFC 4648 section 4, strict). False otherwise. */
bool gw_base64_decode(struct gw_arena *arena, struct gw_str text, struct gw_str *ret_bytes);

/* The URL alphabet without padding, canonical (RFC 7515 section 2). False otherwise. */
bool gw_base64url_decode(struct gw_arena *arena, struct gw_str text, struct gw_str *ret_bytes);

/* The check value that every stored record carries (CRC-32). */
uint32_t gw_crc32(const void *data, size_t size);

/* Identifiers. Outside, a resource's id is its creation sequence encrypted under the store's key with a check value:
 * random to see, never re-used, one lookup (semantics.md 4). */
#define GW_IDENT_TEXT 32

enum gw_ident_kind { GW_IDENT_USER = 1, GW_IDENT_GROUP = 2 };

void gw_ident_format(const uint8_t key[GW_KEY_BYTES], enum gw_ident_kind kind, uint32_t folder, uint64_t seq,
                     char dst[GW_IDENT_TEXT + 1]);
/* False when the text is not an id of that kind and folder. */
bool gw_ident_parse(const uint8_t key[GW_KEY_BYTES], enum gw_ident_kind kind, uint32_t folder, struct gw_str text,
                    uint64_t *ret_seq);
