/* A set of keys, or (behind a byte 't') a token against a fixed set: nothing passes that the key did not sign. */
#include "gateway/jwt/jwt.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define KEY_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"

static void token(struct gw_str text)
{
    GW_ARENA_SCOPED(arena);
    struct jwks *keys = NULL;
    struct gw_error err = {.text = ""};
    const char *set =
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\",\"x\":\"" KEY_X "\",\"y\":\"" KEY_Y "\"}]}";
    GW_ASSERT(jwks_parse(gw_str_from(set), &keys, &err) == GW_OK);
    struct jwt_rules rules = {.issuer = GW_STR("i"), .audience = GW_STR("a")};
    struct jwt_result result;
    enum gw_code code = jwt_verify(keys, &rules, &arena, text, 1800000000000ll, &result, &err);
    GW_ASSERT(code != GW_OK && result.verdict != JWT_VALID); /* nobody here has the private key */
    jwks_unref(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = gw_str_n(size > 0 ? (const char *)data : "", size);
    if (size > 0 && data[0] == 't') {
        token(gw_str_from_pos(text, 1));
        return 0;
    }
    struct jwks *keys = NULL;
    struct gw_error err = {.text = ""};
    if (jwks_parse(text, &keys, &err) == GW_OK) {
        GW_ASSERT(jwks_count(keys) > 0 && jwks_count(keys) <= JWKS_KEYS_MAX);
        jwks_unref(keys);
    }
    return 0;
}
