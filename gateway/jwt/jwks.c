#include "gateway/base/digest.h"
#include "gateway/json/parse.h"
#include "gateway/jwt/jwks_private.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdatomic.h>
#include <stdlib.h>

#define P256_COORDINATE_BYTES 32u
#define RSA_EXPONENT_BYTES_MAX 8u

struct jwks {
    struct gw_arena arena;
    struct jwk keys[JWKS_KEYS_MAX];
    size_t count;
    _Atomic unsigned references;
};

static struct gw_str text_of(const struct json_value *object, const char *name)
{
    const struct json_value *value = json_object_get(object, gw_str_from(name));
    return json_is(value, JSON_STRING) ? value->text : GW_STR_NONE;
}

static bool number_of(struct gw_arena *arena, const struct json_value *jwk, const char *name, struct gw_str *ret_bytes)
{
    struct gw_str text = text_of(jwk, name);
    return text.len > 0 && gw_base64url_decode(arena, text, ret_bytes);
}

static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    GW_ASSERT(params != NULL && ctx != NULL);
    if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    ERR_clear_error();
    return key;
}

static EVP_PKEY *rsa_from(struct gw_str modulus, struct gw_str exponent)
{
    BIGNUM *n = BN_bin2bn((const unsigned char *)modulus.ptr, (int)modulus.len, NULL);
    BIGNUM *e = BN_bin2bn((const unsigned char *)exponent.ptr, (int)exponent.len, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    GW_ASSERT(n != NULL && e != NULL && build != NULL);
    GW_ASSERT(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1);
    GW_ASSERT(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1);
    EVP_PKEY *key = key_from("RSA", build);
    BN_free(n);
    BN_free(e);
    return key;
}

/* An exponent of 1 would make every signature right, an even one none. */
static bool exponent_is_sound(struct gw_str exponent)
{
    if (exponent.len == 0 || exponent.len > RSA_EXPONENT_BYTES_MAX)
        return false;
    bool is_one = exponent.ptr[exponent.len - 1] == 1;
    for (size_t i = 0; i + 1 < exponent.len; i++)
        is_one = is_one && exponent.ptr[i] == 0;
    return (exponent.ptr[exponent.len - 1] & 1) != 0 && !is_one;
}

static enum gw_code rsa_read(struct gw_arena *arena, const struct json_value *value, struct jwk *jwk,
                             struct gw_error *err)
{
    struct gw_str n, e;
    if (!number_of(arena, value, "n", &n) || !number_of(arena, value, "e", &e) || !exponent_is_sound(e) ||
        n.len > JWKS_RSA_BITS_MAX / 8 + 1)
        return gw_fail(err, GW_E_INVALID_VALUE, "the key %.*s is no RSA key (n, e)", GW_STR_ARG(jwk->kid));
    jwk->algorithm = JWK_RS256;
    jwk->key = rsa_from(n, e);
    int bits = jwk->key != NULL ? EVP_PKEY_get_bits(jwk->key) : 0;
    if (bits >= JWKS_RSA_BITS_MIN && bits <= JWKS_RSA_BITS_MAX)
        return GW_OK;
    return gw_fail(err, GW_E_INVALID_VALUE, "the RSA key %.*s has %d bits; %d to %d are possible", GW_STR_ARG(jwk->kid),
                   bits, JWKS_RSA_BITS_MIN, JWKS_RSA_BITS_MAX);
}

static enum gw_code ec_read(struct gw_arena *arena, const struct json_value *value, struct jwk *jwk,
                            struct gw_error *err)
{
    struct gw_str x, y;
    uint8_t point[1 + 2 * P256_COORDINATE_BYTES] = {0x04};
    jwk->algorithm = JWK_ES256;
    /* RFC 7518 section 6.2.1.2: the full size of a coordinate, leading zeros and all */
    if (number_of(arena, value, "x", &x) && number_of(arena, value, "y", &y) && x.len == P256_COORDINATE_BYTES &&
        y.len == P256_COORDINATE_BYTES) {
        memcpy(point + 1, x.ptr, x.len);
        memcpy(point + 1 + x.len, y.ptr, y.len);
        OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
        GW_ASSERT(build != NULL);
        GW_ASSERT(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1);
        GW_ASSERT(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1);
        jwk->key = key_from("EC", build);
    }
    if (jwk->key == NULL)
        return gw_fail(err, GW_E_INVALID_VALUE, "the key %.*s is no point of P-256 (x, y)", GW_STR_ARG(jwk->kid));
    return GW_OK;
}

/* Keys for something else are published beside the ones that sign. */
static bool is_for_us(const struct json_value *value, bool *ret_is_rsa)
{
    struct gw_str type = text_of(value, "kty");
    struct gw_str use = text_of(value, "use");
    struct gw_str algorithm = text_of(value, "alg");
    *ret_is_rsa = gw_str_eq(type, GW_STR("RSA"));
    bool is_ec = gw_str_eq(type, GW_STR("EC")) && gw_str_eq(text_of(value, "crv"), GW_STR("P-256"));
    if (text_of(value, "kid").len == 0 || (!*ret_is_rsa && !is_ec))
        return false;
    if (json_object_get(value, GW_STR("use")) != NULL && !gw_str_eq(use, GW_STR("sig")))
        return false;
    return json_object_get(value, GW_STR("alg")) == NULL ||
           gw_str_eq(algorithm, *ret_is_rsa ? GW_STR("RS256") : GW_STR("ES256"));
}

const struct jwk *jwks_find(const struct jwks *keys, struct gw_str kid)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (gw_str_eq(keys->keys[i].kid, kid))
            return &keys->keys[i];
    }
    return NULL;
}

static enum gw_code add(struct jwks *keys, struct gw_arena *arena, const struct json_value *value, struct gw_error *err)
{
    bool is_rsa = false;
    if (!json_is(value, JSON_OBJECT))
        return gw_fail(err, GW_E_INVALID_VALUE, "`keys` holds something that is no key");
    if (!is_for_us(value, &is_rsa))
        return GW_OK;
    struct gw_str kid = text_of(value, "kid");
    if (kid.len > JWKS_KID_BYTES_MAX)
        return gw_fail(err, GW_E_INVALID_VALUE, "a kid is longer than %u bytes", JWKS_KID_BYTES_MAX);
    if (jwks_find(keys, kid) != NULL)
        return gw_fail(err, GW_E_INVALID_VALUE, "the kid %.*s is given twice", GW_STR_ARG(kid));
    struct jwk *jwk = &keys->keys[keys->count++];
    jwk->kid = gw_arena_copy(&keys->arena, kid);
    return is_rsa ? rsa_read(arena, value, jwk, err) : ec_read(arena, value, jwk, err);
}

static enum gw_code fill(struct jwks *keys, struct gw_str text, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct json_limits limits = {
        .depth = 6, .values = 4096, .members = 64, .string_bytes = 16 * 1024, .number_bytes = 32};
    struct json_value *root = NULL;
    if (text.len > JWKS_BYTES_MAX)
        return gw_fail(err, GW_E_INVALID_VALUE, "larger than %u bytes", JWKS_BYTES_MAX);
    GW_TRY(json_parse(&arena, text, &limits, &root, err));
    const struct json_value *list = json_object_get(root, GW_STR("keys"));
    if (!json_is(list, JSON_ARRAY))
        return gw_fail(err, GW_E_INVALID_VALUE, "no JSON Web Key Set: `keys` is missing");
    if (json_count(list) > JWKS_KEYS_MAX)
        return gw_fail(err, GW_E_INVALID_VALUE, "more than %u keys", JWKS_KEYS_MAX);
    for (size_t i = 0; i < json_count(list); i++)
        GW_TRY(add(keys, &arena, list->array.items[i], err));
    if (keys->count == 0)
        return gw_fail(err, GW_E_INVALID_VALUE, "holds no RSA or P-256 key with a kid that is for signatures");
    return GW_OK;
}

enum gw_code jwks_parse(struct gw_str text, struct jwks **ret_keys, struct gw_error *err)
{
    struct jwks *keys = gw_alloc(sizeof *keys);
    gw_arena_init(&keys->arena);
    atomic_init(&keys->references, 1);
    if (fill(keys, text, err) != GW_OK) {
        jwks_unref(keys);
        return GW_E_INVALID_VALUE;
    }
    *ret_keys = keys;
    return GW_OK;
}

struct jwks *jwks_ref(struct jwks *keys)
{
    atomic_fetch_add_explicit(&keys->references, 1, memory_order_relaxed);
    return keys;
}

void jwks_unref(struct jwks *keys)
{
    if (keys == NULL || atomic_fetch_sub_explicit(&keys->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < keys->count; i++)
        EVP_PKEY_free(keys->keys[i].key);
    gw_arena_done(&keys->arena);
    free(keys);
}

size_t jwks_count(const struct jwks *keys)
{
    return keys->count;
}
