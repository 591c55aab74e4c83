/* jwks_private: a key as jwt.c uses it. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/jwt/jwks.h"

#include <openssl/evp.h>

enum jwk_algorithm { JWK_RS256, JWK_ES256 };

struct jwk {
    struct gw_str kid;
    enum jwk_algorithm algorithm;
    EVP_PKEY *key;
};

/* By the exact kid; NULL when there is none. */
const struct jwk *jwks_find(const struct jwks *keys, struct gw_str kid);
