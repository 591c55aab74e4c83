/* HMAC-SHA-256 (RFC 2104) with the state after each key block kept. The guard does this for every request: OpenSSL's
 * own EVP_MAC costs several times the hash itself, so this stands on the hash functions below it. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "gateway/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#define BLOCK_BYTES 64u

_Static_assert(sizeof(struct gw_hmac_state) == sizeof(SHA256_CTX), "a state holds OpenSSL's");

static void state_keep(struct gw_hmac_state *state, const SHA256_CTX *sha)
{
    memcpy(state, sha, sizeof *sha);
}

static void state_begin(SHA256_CTX *sha, const struct gw_hmac_state *state)
{
    memcpy(sha, state, sizeof *sha);
}

static void pad_absorb(struct gw_hmac_state *ret_state, const uint8_t key[GW_KEY_BYTES], uint8_t pad)
{
    uint8_t block[BLOCK_BYTES];
    SHA256_CTX sha;
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        block[i] = i < GW_KEY_BYTES ? key[i] ^ pad : pad;
    (void)SHA256_Init(&sha);
    (void)SHA256_Update(&sha, block, sizeof block);
    state_keep(ret_state, &sha);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(&sha, sizeof sha);
}

void gw_hmac_key_init(struct gw_hmac_key *ret_key, const uint8_t key[GW_KEY_BYTES])
{
    pad_absorb(&ret_key->inner, key, 0x36);
    pad_absorb(&ret_key->outer, key, 0x5c);
}

static void length_absorb(SHA256_CTX *sha, uint64_t length)
{
    uint8_t bytes[8];
    for (int i = 7; i >= 0; i--) {
        bytes[i] = (uint8_t)length;
        length >>= 8;
    }
    (void)SHA256_Update(sha, bytes, sizeof bytes);
}

struct gw_sha256 gw_hmac_keyed(const struct gw_hmac_key *key, const struct gw_str *parts, size_t count)
{
    struct gw_sha256 digest;
    SHA256_CTX sha;
    state_begin(&sha, &key->inner);
    for (size_t i = 0; i < count; i++) {
        length_absorb(&sha, parts[i].len);
        (void)SHA256_Update(&sha, parts[i].ptr, parts[i].len);
    }
    (void)SHA256_Final(digest.bytes, &sha);
    state_begin(&sha, &key->outer);
    (void)SHA256_Update(&sha, digest.bytes, sizeof digest.bytes);
    (void)SHA256_Final(digest.bytes, &sha);
    return digest;
}

struct gw_sha256 gw_hmac_parts(const uint8_t key[GW_KEY_BYTES], const struct gw_str *parts, size_t count)
{
    struct gw_hmac_key states;
    gw_hmac_key_init(&states, key);
    struct gw_sha256 digest = gw_hmac_keyed(&states, parts, count);
    OPENSSL_cleanse(&states, sizeof states);
    return digest;
}
