#include "gateway/base/digest.h"
#include "gateway/json/parse.h"
#include "gateway/jwt/jwks_private.h"
#include "gateway/jwt/jwt_private.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <stdlib.h>

#define ES256_BYTES 64u /* RFC 7518 section 3.4: r and s, 32 bytes each */

struct parts {
    struct gw_str signed_text; /* header, dot, claims: as sent */
    struct gw_str header;      /* decoded, and so on */
    struct gw_str claims;
    struct gw_str signature;
};

struct header {
    enum jwk_algorithm algorithm;
    struct gw_str kid;
};

static enum gw_code refuse(struct jwt_result *result, enum jwt_verdict verdict, struct gw_error *err, const char *text)
{
    result->verdict = verdict;
    return gw_fail(err, GW_E_UNAUTHORIZED, "%s", text);
}

bool jwt_has_form(struct gw_str text)
{
    struct gw_str rest = text;
    struct gw_str header = gw_str_split(&rest, '.');
    struct gw_str claims = gw_str_split(&rest, '.');
    return header.len > 0 && claims.len > 0 && rest.len > 0 && gw_str_find(rest, '.') < 0;
}

static bool parts_split(struct gw_arena *arena, struct gw_str text, struct parts *ret_parts)
{
    if (text.len > JWT_BYTES_MAX || !jwt_has_form(text))
        return false;
    struct gw_str rest = text;
    struct gw_str header = gw_str_split(&rest, '.');
    struct gw_str claims = gw_str_split(&rest, '.');
    ret_parts->signed_text = gw_str_n(text.ptr, header.len + 1 + claims.len);
    return gw_base64url_decode(arena, header, &ret_parts->header) &&
           gw_base64url_decode(arena, claims, &ret_parts->claims) &&
           gw_base64url_decode(arena, rest, &ret_parts->signature);
}

/* RFC 7515 section 4.1.9: "application/" may stand before it, and case does not count. */
static bool type_is_accepted(const struct jwt_rules *rules, const struct json_value *type)
{
    if (type == NULL)
        return true;
    if (!json_is(type, JSON_STRING))
        return false;
    struct gw_str name = type->text;
    if (gw_str_starts_nocase(name, GW_STR("application/")))
        name = gw_str_from_pos(name, sizeof "application/" - 1);
    if (gw_str_eq_nocase(name, GW_STR("JWT")))
        return true;
    for (const char *const *at = rules->types; at != NULL && *at != NULL; at++) {
        if (gw_str_eq_nocase(name, gw_str_from(*at)))
            return true;
    }
    return false;
}

static const char *header_problem(const struct jwt_rules *rules, const struct json_value *header,
                                  struct header *ret_header)
{
    static const char *const refused[] = {"jku", "x5u", "jwk", "x5c", "crit"};
    if (!json_is(header, JSON_OBJECT))
        return "the header is no object";
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (json_object_get_nocase(header, gw_str_from(refused[i])) != NULL)
            return "the header brings a key, an address of one, or `crit`";
    }
    const struct json_value *algorithm = json_object_get(header, GW_STR("alg"));
    const struct json_value *kid = json_object_get(header, GW_STR("kid"));
    bool is_rs = json_is(algorithm, JSON_STRING) && gw_str_eq(algorithm->text, GW_STR("RS256"));
    bool is_es = json_is(algorithm, JSON_STRING) && gw_str_eq(algorithm->text, GW_STR("ES256"));
    if (!is_rs && !is_es)
        return "alg is neither RS256 nor ES256";
    if (!json_is(kid, JSON_STRING) || kid->text.len == 0 || kid->text.len > JWKS_KID_BYTES_MAX)
        return "there is no kid";
    if (!type_is_accepted(rules, json_object_get(header, GW_STR("typ"))))
        return "typ is of another kind of token";
    *ret_header = (struct header){is_rs ? JWK_RS256 : JWK_ES256, kid->text};
    return NULL;
}

static bool rs256_is_right(EVP_PKEY *key, struct gw_str data, const void *signature, size_t size)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    GW_ASSERT(ctx != NULL);
    bool is_right = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                    EVP_DigestVerify(ctx, signature, size, (const unsigned char *)data.ptr, data.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return is_right;
}

/* OpenSSL wants the two numbers as DER. */
static bool es256_is_right(EVP_PKEY *key, struct gw_str data, struct gw_str signature)
{
    if (signature.len != ES256_BYTES)
        return false;
    const unsigned char *bytes = (const unsigned char *)signature.ptr;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes, ES256_BYTES / 2, NULL);
    BIGNUM *s = BN_bin2bn(bytes + ES256_BYTES / 2, ES256_BYTES / 2, NULL);
    GW_ASSERT(pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1);
    unsigned char *der = NULL;
    int size = i2d_ECDSA_SIG(pair, &der);
    GW_ASSERT(size > 0);
    bool is_right = rs256_is_right(key, data, der, (size_t)size);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    return is_right;
}

static bool signature_is_right(const struct jwk *jwk, const struct parts *parts)
{
    if (jwk->algorithm == JWK_ES256)
        return es256_is_right(jwk->key, parts->signed_text, parts->signature);
    return rs256_is_right(jwk->key, parts->signed_text, parts->signature.ptr, parts->signature.len);
}

static enum gw_code check_signature(const struct jwks *keys, const struct jwt_rules *rules, struct gw_arena *arena,
                                    const struct parts *parts, struct jwt_result *result, struct gw_error *err)
{
    struct json_limits limits = {.depth = 4, .values = 64, .members = 32, .string_bytes = 4096, .number_bytes = 32};
    struct json_value *value = NULL;
    struct header header;
    if (json_parse(arena, parts->header, &limits, &value, NULL) != GW_OK)
        return refuse(result, JWT_MALFORMED, err, "the header is not JSON");
    const char *problem = header_problem(rules, value, &header);
    if (problem != NULL)
        return refuse(result, JWT_MALFORMED, err, problem);
    const struct jwk *jwk = keys != NULL ? jwks_find(keys, header.kid) : NULL;
    if (jwk == NULL)
        return refuse(result, JWT_UNKNOWN_KEY, err, "the kid is not in the issuer's set of keys");
    if (jwk->algorithm != header.algorithm)
        return refuse(result, JWT_BAD_SIGNATURE, err, "the key of that kid is not for this alg");
    if (!signature_is_right(jwk, parts))
        return refuse(result, JWT_BAD_SIGNATURE, err, "the signature does not fit");
    return GW_OK;
}

enum gw_code jwt_verify(const struct jwks *keys, const struct jwt_rules *rules, struct gw_arena *arena,
                        struct gw_str text, int64_t now_ms, struct jwt_result *ret_result, struct gw_error *err)
{
    *ret_result = (struct jwt_result){.verdict = JWT_MALFORMED};
    struct parts parts;
    if (!parts_split(arena, text, &parts))
        return refuse(ret_result, JWT_MALFORMED, err, "not three base64url parts, or too long");
    GW_TRY(check_signature(keys, rules, arena, &parts, ret_result, err));
    struct json_limits limits = {.depth = 8, .values = 2000, .members = 256, .string_bytes = 8192, .number_bytes = 32};
    struct json_value *claims = NULL;
    if (json_parse(arena, parts.claims, &limits, &claims, NULL) != GW_OK || !json_is(claims, JSON_OBJECT))
        return refuse(ret_result, JWT_MALFORMED, err, "the claims are no JSON object");
    return jwt_claims_check(rules, claims, now_ms, ret_result, err);
}

const char *jwt_verdict_name(enum jwt_verdict verdict)
{
    static const char *const names[] = {[JWT_VALID] = "valid",
                                        [JWT_MALFORMED] = "malformed",
                                        [JWT_UNKNOWN_KEY] = "unknown_key",
                                        [JWT_BAD_SIGNATURE] = "bad_signature",
                                        [JWT_EXPIRED] = "expired",
                                        [JWT_WRONG_CLAIM] = "wrong_claim"};
    return names[verdict];
}
