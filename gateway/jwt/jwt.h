/* jwt: is this signed token what its issuer says, for us, and of now? (RFC 7519, RFC 7515 compact form, with the advice
 * of RFC 8725.)
 *
 * Accepts exactly three base64url parts without padding; a header with `alg` RS256 or ES256 and a `kid` that the set of
 * keys holds, for that algorithm. Refuses every header that brings a key or an address of one along (jku, x5u, jwk,
 * x5c), and `crit`. Nothing is fetched here. Claims are looked at after the signature only. Pure; any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/json/value.h"
#include "gateway/jwt/jwks.h"

#define JWT_BYTES_MAX (16u * 1024u)
#define JWT_ID_BYTES_MAX 256u
#define JWT_AUDIENCES_MAX 32u
#define JWT_SKEW_MS 60000
#define JWT_LIFETIME_MAX_MS (24 * 3600 * 1000ll)

/* What one place of use expects. */
struct jwt_rules {
    struct gw_str issuer;     /* iss, byte for byte */
    struct gw_str audience;   /* aud, or one of it */
    const char *const *types; /* accepted `typ` beside none and "JWT"; ends in NULL; NULL: no others */
    bool needs_id;            /* jti must be there */
    int64_t skew_ms;          /* how far the issuer's clock may be from ours; 0: JWT_SKEW_MS */
    bool is_for_one_party;    /* azp, when there is one, is the audience (OpenID Connect Core section 3.1.3.7) */
};

enum jwt_verdict {
    JWT_VALID,
    JWT_MALFORMED,     /* not a token of the accepted form */
    JWT_UNKNOWN_KEY,   /* right form, but signed by a key that is not in the set: forged, or a rollover */
    JWT_BAD_SIGNATURE, /* does not fit the key */
    JWT_EXPIRED,       /* or not valid yet */
    JWT_WRONG_CLAIM,   /* of another issuer, for another audience, ... */
};

struct jwt_token {
    struct gw_str issuer;
    struct gw_str subject; /* ptr NULL: not said */
    struct gw_str id;      /* jti; ptr NULL: not said */
    int64_t expires_ms;    /* until when a replay must be remembered: exp and the skew */
    const struct json_value *claims;
};

struct jwt_result {
    enum jwt_verdict verdict;
    struct jwt_token token; /* filled only when valid; lives in the caller's arena */
};

/* Does it look like a token: three parts with dots between? Says nothing about what is in it. */
bool jwt_has_form(struct gw_str text);

/* `keys` NULL: none are known yet, every key is unknown. `ret_result` is always set; GW_OK means JWT_VALID, every other
 * verdict is GW_E_UNAUTHORIZED with a sentence in `err` that repeats nothing of the token. */
GW_MUST_CHECK enum gw_code jwt_verify(const struct jwks *keys, const struct jwt_rules *rules, struct gw_arena *arena,
                                      struct gw_str text, int64_t now_ms, struct jwt_result *ret_result,
                                      struct gw_error *err);

const char *jwt_verdict_name(enum jwt_verdict verdict); /* "valid", "unknown_key", ... for logs */
