/* forge: keys, sets of keys and signed tokens, as an issuer makes them, and as a forger would. */
#pragma once

#include "gateway/base/digest.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdlib.h>

struct jwt_forge {
    struct gw_arena arena;
    EVP_PKEY *rsa;
    EVP_PKEY *ec;
};

static inline void jwt_forge_init(struct jwt_forge *forge)
{
    gw_arena_init(&forge->arena);
    forge->rsa = EVP_RSA_gen(2048);
    forge->ec = EVP_EC_gen("P-256");
    GW_ASSERT(forge->rsa != NULL && forge->ec != NULL);
}

static inline void jwt_forge_done(struct jwt_forge *forge)
{
    EVP_PKEY_free(forge->rsa);
    EVP_PKEY_free(forge->ec);
    gw_arena_done(&forge->arena);
}

static inline struct gw_str jwt_forge_number(struct jwt_forge *forge, EVP_PKEY *key, const char *name, int size)
{
    BIGNUM *number = NULL;
    unsigned char bytes[1024];
    GW_ASSERT(EVP_PKEY_get_bn_param(key, name, &number) == 1);
    int len = size > 0 ? BN_bn2binpad(number, bytes, size) : BN_bn2bin(number, bytes);
    BN_free(number);
    return gw_base64url(&forge->arena, bytes, (size_t)len);
}

/* One JSON Web Key; `more` stands behind the members that every key has, such as ",\"use\":\"sig\"". */
static inline struct gw_str jwt_forge_rsa_jwk(struct jwt_forge *forge, EVP_PKEY *key, const char *kid, const char *more)
{
    struct gw_str n = jwt_forge_number(forge, key, OSSL_PKEY_PARAM_RSA_N, 0);
    struct gw_str e = jwt_forge_number(forge, key, OSSL_PKEY_PARAM_RSA_E, 0);
    return gw_arena_printf(&forge->arena, "{\"kty\":\"RSA\",\"kid\":\"%s\",\"n\":\"%.*s\",\"e\":\"%.*s\"%s}", kid,
                           GW_STR_ARG(n), GW_STR_ARG(e), more);
}

static inline struct gw_str jwt_forge_ec_jwk(struct jwt_forge *forge, EVP_PKEY *key, const char *kid, const char *more)
{
    struct gw_str x = jwt_forge_number(forge, key, OSSL_PKEY_PARAM_EC_PUB_X, 32);
    struct gw_str y = jwt_forge_number(forge, key, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
    return gw_arena_printf(&forge->arena,
                           "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"%s\",\"x\":\"%.*s\",\"y\":\"%.*s\"%s}", kid,
                           GW_STR_ARG(x), GW_STR_ARG(y), more);
}

/* The set with both keys: "rsa-1" and "ec-1". */
static inline struct gw_str jwt_forge_jwks(struct jwt_forge *forge)
{
    struct gw_str rsa = jwt_forge_rsa_jwk(forge, forge->rsa, "rsa-1", ",\"use\":\"sig\",\"alg\":\"RS256\"");
    struct gw_str ec = jwt_forge_ec_jwk(forge, forge->ec, "ec-1", "");
    return gw_arena_printf(&forge->arena, "{\"keys\":[%.*s,%.*s]}", GW_STR_ARG(rsa), GW_STR_ARG(ec));
}

static inline struct gw_str jwt_forge_join(struct jwt_forge *forge, struct gw_str header, struct gw_str claims)
{
    struct gw_str a = gw_base64url(&forge->arena, header.ptr, header.len);
    struct gw_str b = gw_base64url(&forge->arena, claims.ptr, claims.len);
    return gw_arena_printf(&forge->arena, "%.*s.%.*s", GW_STR_ARG(a), GW_STR_ARG(b));
}

static inline struct gw_str jwt_forge_der_signature(struct jwt_forge *forge, EVP_PKEY *key, struct gw_str text)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char *bytes = gw_arena_alloc(&forge->arena, 1024);
    size_t len = 1024;
    GW_ASSERT(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1);
    GW_ASSERT(EVP_DigestSign(ctx, bytes, &len, (const unsigned char *)text.ptr, text.len) == 1);
    EVP_MD_CTX_free(ctx);
    return gw_str_n((const char *)bytes, len);
}

static inline struct gw_str jwt_forge_signature(struct jwt_forge *forge, EVP_PKEY *key, struct gw_str text)
{
    struct gw_str der = jwt_forge_der_signature(forge, key, text);
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
        return der;
    const unsigned char *at = (const unsigned char *)der.ptr;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
    unsigned char *bytes = gw_arena_alloc(&forge->arena, 64);
    GW_ASSERT(BN_bn2binpad(ECDSA_SIG_get0_r(pair), bytes, 32) == 32);
    GW_ASSERT(BN_bn2binpad(ECDSA_SIG_get0_s(pair), bytes + 32, 32) == 32);
    ECDSA_SIG_free(pair);
    return gw_str_n((const char *)bytes, 64);
}

static inline struct gw_str jwt_forge_sign(struct jwt_forge *forge, EVP_PKEY *key, struct gw_str header,
                                           struct gw_str claims)
{
    struct gw_str text = jwt_forge_join(forge, header, claims);
    struct gw_str signature = jwt_forge_signature(forge, key, text);
    signature = gw_base64url(&forge->arena, signature.ptr, signature.len);
    return gw_arena_printf(&forge->arena, "%.*s.%.*s", GW_STR_ARG(text), GW_STR_ARG(signature));
}

/* RS256 by "rsa-1". */
static inline struct gw_str jwt_forge_token(struct jwt_forge *forge, const char *type, struct gw_str claims)
{
    struct gw_str header = gw_arena_printf(&forge->arena, "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"typ\":\"%s\"}", type);
    return jwt_forge_sign(forge, forge->rsa, header, claims);
}
