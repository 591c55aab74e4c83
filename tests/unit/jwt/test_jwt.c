/* Signed tokens: what passes, and everything that must not (security.md F16). */
#include "tests/support/unit.h"
#include "tests/unit/jwt/forge.h"

#include "gateway/jwt/jwt.h"

#define NOW_MS 1800000000000ll /* seconds below are relative to it */
#define ISSUER "https://acme.okta.com"
#define AUDIENCE "https://prov.example.com/global-token-revocation"

static struct jwt_forge forge;
static struct jwks *keys;
static const char *const types[] = {"global-token-revocation+jwt", NULL};
static const struct jwt_rules rules = {
    .issuer = GW_STR_INIT(ISSUER), .audience = GW_STR_INIT(AUDIENCE), .types = types, .needs_id = true};

static int set_up(void **state)
{
    (void)state;
    struct gw_error err = {.text = ""};
    jwt_forge_init(&forge);
    assert_int_equal(jwks_parse(jwt_forge_jwks(&forge), &keys, &err), GW_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jwks_unref(keys);
    jwt_forge_done(&forge);
    return 0;
}

static struct gw_str lit(const char *text)
{
    return gw_str_from(text);
}

#define GOOD_CLAIMS                                                                                                    \
    "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"iat\":1800000000,\"exp\":1800000300,\"jti\":\"j1\","           \
    "\"sub\":\"app\"}"
#define RS_HEADER "{\"alg\":\"RS256\",\"kid\":\"rsa-1\"}"

static enum jwt_verdict verdict_with(const struct jwt_rules *use, struct gw_str text)
{
    struct jwt_result result;
    struct gw_error err = {.text = ""};
    enum gw_code code = jwt_verify(keys, use, &forge.arena, text, NOW_MS, &result, &err);
    assert_int_equal(code, result.verdict == JWT_VALID ? GW_OK : GW_E_UNAUTHORIZED);
    assert_true(code == GW_OK || err.text[0] != '\0');
    return result.verdict;
}

static enum jwt_verdict verdict(struct gw_str text)
{
    return verdict_with(&rules, text);
}

static enum jwt_verdict verdict_of(const char *header, const char *claims)
{
    return verdict(jwt_forge_sign(&forge, forge.rsa, lit(header), lit(claims)));
}

static void a_token_of_each_algorithm_is_taken_and_says_what_it_says(void **state)
{
    (void)state;
    struct jwt_result result;
    struct gw_error err;
    struct gw_str token = jwt_forge_token(&forge, "global-token-revocation+jwt", lit(GOOD_CLAIMS));
    assert_int_equal(jwt_verify(keys, &rules, &forge.arena, token, NOW_MS, &result, &err), GW_OK);
    assert_str_equal(result.token.issuer, ISSUER);
    assert_str_equal(result.token.subject, "app");
    assert_str_equal(result.token.id, "j1");
    assert_int_equal(result.token.expires_ms, NOW_MS + 300000 + JWT_SKEW_MS);
    for (int i = 0; i < 40; i++) { /* numbers r and s of every length */
        struct gw_str es =
            jwt_forge_sign(&forge, forge.ec, lit("{\"alg\":\"ES256\",\"kid\":\"ec-1\"}"), lit(GOOD_CLAIMS));
        assert_int_equal(verdict(es), JWT_VALID);
    }
}

struct row {
    const char *name;
    const char *text;
    enum jwt_verdict verdict;
};

static void the_header_decides_nothing_but_the_key(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"plain", RS_HEADER, JWT_VALID},
        {"typ JWT", "{\"typ\":\"jwt\",\"alg\":\"RS256\",\"kid\":\"rsa-1\"}", JWT_VALID},
        {"typ with application/",
         "{\"typ\":\"application/global-token-revocation+jwt\",\"alg\":\"RS256\",\"kid\":\"rsa-1\"}", JWT_VALID},
        {"typ of another use", "{\"typ\":\"at+jwt\",\"alg\":\"RS256\",\"kid\":\"rsa-1\"}", JWT_MALFORMED},
        {"F16 unknown kid", "{\"alg\":\"RS256\",\"kid\":\"rsa-2\"}", JWT_UNKNOWN_KEY},
        {"F16 kid ../x", "{\"alg\":\"RS256\",\"kid\":\"../x\"}", JWT_UNKNOWN_KEY},
        {"kid in other case", "{\"alg\":\"RS256\",\"kid\":\"RSA-1\"}", JWT_UNKNOWN_KEY},
        {"no kid", "{\"alg\":\"RS256\"}", JWT_MALFORMED},
        {"empty kid", "{\"alg\":\"RS256\",\"kid\":\"\"}", JWT_MALFORMED},
        {"kid that is no text", "{\"alg\":\"RS256\",\"kid\":1}", JWT_MALFORMED},
        {"F16 alg none", "{\"alg\":\"none\",\"kid\":\"rsa-1\"}", JWT_MALFORMED},
        {"alg None", "{\"alg\":\"None\",\"kid\":\"rsa-1\"}", JWT_MALFORMED},
        {"alg in other case", "{\"alg\":\"rs256\",\"kid\":\"rsa-1\"}", JWT_MALFORMED},
        {"alg RS512", "{\"alg\":\"RS512\",\"kid\":\"rsa-1\"}", JWT_MALFORMED},
        {"alg PS256", "{\"alg\":\"PS256\",\"kid\":\"rsa-1\"}", JWT_MALFORMED},
        {"no alg", "{\"kid\":\"rsa-1\"}", JWT_MALFORMED},
        {"alg twice", "{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"rsa-1\"}", JWT_MALFORMED},
        {"key of another alg", "{\"alg\":\"ES256\",\"kid\":\"rsa-1\"}", JWT_BAD_SIGNATURE},
        {"another's kid", "{\"alg\":\"RS256\",\"kid\":\"ec-1\"}", JWT_BAD_SIGNATURE},
        {"F16 jku", "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"jku\":\"https://evil.test/\"}", JWT_MALFORMED},
        {"x5u", "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"x5u\":\"https://evil.test/\"}", JWT_MALFORMED},
        {"jwk", "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"jwk\":{}}", JWT_MALFORMED},
        {"x5c", "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"x5c\":[]}", JWT_MALFORMED},
        {"crit", "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"crit\":[\"exp\"]}", JWT_MALFORMED},
        {"no object", "[]", JWT_MALFORMED},
        {"no JSON", "alg", JWT_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (verdict_of(rows[i].text, GOOD_CLAIMS) != rows[i].verdict)
            fail_msg("%s: not %s", rows[i].name, jwt_verdict_name(rows[i].verdict));
    }
}

#define WHO "\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\""

static void claims_say_who_for_whom_and_when(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"good", GOOD_CLAIMS, JWT_VALID},
        {"aud in a list", "{\"iss\":\"" ISSUER "\",\"aud\":[\"x\",\"" AUDIENCE "\"],\"exp\":1800000300,\"jti\":\"j\"}",
         JWT_VALID},
        {"fraction", "{" WHO ",\"iat\":1799999999.5,\"exp\":1800000300.25,\"jti\":\"j\"}", JWT_VALID},
        {"just expired, within the skew", "{" WHO ",\"exp\":1799999941,\"jti\":\"j\"}", JWT_VALID},
        {"F16 expired", "{" WHO ",\"exp\":1799999940,\"jti\":\"j\"}", JWT_EXPIRED},
        {"not yet valid", "{" WHO ",\"nbf\":1800000061,\"exp\":1800000300,\"jti\":\"j\"}", JWT_EXPIRED},
        {"nbf within the skew", "{" WHO ",\"nbf\":1800000060,\"exp\":1800000300,\"jti\":\"j\"}", JWT_VALID},
        {"issued in the future", "{" WHO ",\"iat\":1800000061,\"exp\":1800000300,\"jti\":\"j\"}", JWT_EXPIRED},
        {"no exp", "{" WHO ",\"jti\":\"j\"}", JWT_WRONG_CLAIM},
        {"exp as text", "{" WHO ",\"exp\":\"1800000300\",\"jti\":\"j\"}", JWT_WRONG_CLAIM},
        {"negative exp", "{" WHO ",\"exp\":-1,\"jti\":\"j\"}", JWT_WRONG_CLAIM},
        {"huge exp", "{" WHO ",\"exp\":1e300,\"jti\":\"j\"}", JWT_WRONG_CLAIM},
        {"lives too long", "{" WHO ",\"iat\":1800000000,\"exp\":1800090000,\"jti\":\"j\"}", JWT_WRONG_CLAIM},
        {"no jti", "{" WHO ",\"exp\":1800000300}", JWT_WRONG_CLAIM},
        {"empty jti", "{" WHO ",\"exp\":1800000300,\"jti\":\"\"}", JWT_WRONG_CLAIM},
        {"jti as number", "{" WHO ",\"exp\":1800000300,\"jti\":1}", JWT_WRONG_CLAIM},
        {"F16 wrong iss", "{\"iss\":\"https://evil.test\",\"aud\":\"" AUDIENCE "\",\"exp\":1800000300,\"jti\":\"j\"}",
         JWT_WRONG_CLAIM},
        {"iss with a slash more", "{\"iss\":\"" ISSUER "/\",\"aud\":\"" AUDIENCE "\",\"exp\":1800000300,\"jti\":\"j\"}",
         JWT_WRONG_CLAIM},
        {"no iss", "{\"aud\":\"" AUDIENCE "\",\"exp\":1800000300,\"jti\":\"j\"}", JWT_WRONG_CLAIM},
        {"F16 wrong aud", "{\"iss\":\"" ISSUER "\",\"aud\":\"https://other\",\"exp\":1800000300,\"jti\":\"j\"}",
         JWT_WRONG_CLAIM},
        {"aud list without us", "{\"iss\":\"" ISSUER "\",\"aud\":[\"a\"],\"exp\":1800000300,\"jti\":\"j\"}",
         JWT_WRONG_CLAIM},
        {"aud list of odd things",
         "{\"iss\":\"" ISSUER "\",\"aud\":[\"" AUDIENCE "\",1],\"exp\":1800000300,\"jti\":\"j\"}", JWT_WRONG_CLAIM},
        {"no aud", "{\"iss\":\"" ISSUER "\",\"exp\":1800000300,\"jti\":\"j\"}", JWT_WRONG_CLAIM},
        {"sub as object", "{" WHO ",\"exp\":1800000300,\"jti\":\"j\",\"sub\":{}}", JWT_WRONG_CLAIM},
        {"claims that are a list", "[]", JWT_MALFORMED},
        {"iss twice", "{" WHO ",\"iss\":\"x\",\"exp\":1800000300,\"jti\":\"j\"}", JWT_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (verdict_of(RS_HEADER, rows[i].text) != rows[i].verdict)
            fail_msg("%s: not %s", rows[i].name, jwt_verdict_name(rows[i].verdict));
    }
}

static void a_token_for_several_parties_names_the_one_it_is_for(void **state)
{
    (void)state;
    struct jwt_rules one = {.issuer = lit(ISSUER), .audience = lit("me"), .is_for_one_party = true};
    struct gw_str mine = lit("{\"iss\":\"" ISSUER "\",\"aud\":[\"me\",\"you\"],\"azp\":\"me\",\"exp\":1800000300}");
    struct gw_str yours = lit("{\"iss\":\"" ISSUER "\",\"aud\":[\"me\",\"you\"],\"azp\":\"you\",\"exp\":1800000300}");
    assert_int_equal(verdict_with(&one, jwt_forge_sign(&forge, forge.rsa, lit(RS_HEADER), mine)), JWT_VALID);
    assert_int_equal(verdict_with(&one, jwt_forge_sign(&forge, forge.rsa, lit(RS_HEADER), yours)), JWT_WRONG_CLAIM);
    one.is_for_one_party = false;
    assert_int_equal(verdict_with(&one, jwt_forge_sign(&forge, forge.rsa, lit(RS_HEADER), yours)), JWT_VALID);
}

/* A clock that is known to be wrong; and where none is said, JWT_SKEW_MS, as in the rows above. */
static void the_skew_is_as_the_rules_say(void **state)
{
    (void)state;
    struct jwt_rules one = {.issuer = lit(ISSUER), .audience = lit(AUDIENCE), .skew_ms = 1000};
    struct gw_str late = jwt_forge_sign(&forge, forge.rsa, lit(RS_HEADER), lit("{" WHO ",\"exp\":1799999995}"));
    struct gw_str later = jwt_forge_sign(&forge, forge.rsa, lit(RS_HEADER), lit("{" WHO ",\"exp\":1799999700}"));
    struct gw_str early =
        jwt_forge_sign(&forge, forge.rsa, lit(RS_HEADER), lit("{" WHO ",\"nbf\":1800000300,\"exp\":1800000900}"));
    assert_int_equal(verdict_with(&one, late), JWT_EXPIRED);
    one.skew_ms = 0;
    assert_int_equal(verdict_with(&one, late), JWT_VALID);
    assert_int_equal(verdict_with(&one, later), JWT_EXPIRED);
    assert_int_equal(verdict_with(&one, early), JWT_EXPIRED);
    one.skew_ms = 301000;
    assert_int_equal(verdict_with(&one, later), JWT_VALID);
    assert_int_equal(verdict_with(&one, early), JWT_VALID);
}

/* F16: the public key is no secret; whoever takes it for one of HMAC lets everybody in. */
static void hmac_with_the_public_key_is_refused(void **state)
{
    (void)state;
    struct gw_str secret = jwt_forge_jwks(&forge);
    struct gw_str text = jwt_forge_join(&forge, lit("{\"alg\":\"HS256\",\"kid\":\"rsa-1\"}"), lit(GOOD_CLAIMS));
    unsigned char mac[32];
    unsigned len = sizeof mac;
    assert_non_null(
        HMAC(EVP_sha256(), secret.ptr, (int)secret.len, (const unsigned char *)text.ptr, text.len, mac, &len));
    struct gw_str signature = gw_base64url(&forge.arena, mac, len);
    struct gw_str token = gw_arena_printf(&forge.arena, "%.*s.%.*s", GW_STR_ARG(text), GW_STR_ARG(signature));
    assert_int_equal(verdict(token), JWT_MALFORMED);
}

static void a_signature_fits_its_text_and_key_only(void **state)
{
    (void)state;
    EVP_PKEY *other = EVP_RSA_gen(2048);
    assert_int_equal(verdict(jwt_forge_sign(&forge, other, lit(RS_HEADER), lit(GOOD_CLAIMS))), JWT_BAD_SIGNATURE);
    EVP_PKEY_free(other);
    EVP_PKEY *other_ec = EVP_EC_gen("P-256");
    const char *es = "{\"alg\":\"ES256\",\"kid\":\"ec-1\"}";
    assert_int_equal(verdict(jwt_forge_sign(&forge, other_ec, lit(es), lit(GOOD_CLAIMS))), JWT_BAD_SIGNATURE);
    EVP_PKEY_free(other_ec);
    struct gw_str good = jwt_forge_sign(&forge, forge.rsa, lit(RS_HEADER), lit(GOOD_CLAIMS));
    for (size_t i = 0; i < good.len; i += 7) {
        char *bytes = gw_arena_alloc(&forge.arena, good.len);
        memcpy(bytes, good.ptr, good.len);
        bytes[i] = bytes[i] == 'A' ? 'B' : 'A';
        assert_int_not_equal(verdict(gw_str_n(bytes, good.len)), JWT_VALID);
    }
    struct gw_str text = jwt_forge_join(&forge, lit(es), lit(GOOD_CLAIMS));
    struct gw_str der = jwt_forge_der_signature(&forge, forge.ec, text);
    der = gw_base64url(&forge.arena, der.ptr, der.len);
    struct gw_str as_der = gw_arena_printf(&forge.arena, "%.*s.%.*s", GW_STR_ARG(text), GW_STR_ARG(der));
    assert_int_equal(verdict(as_der), JWT_BAD_SIGNATURE);
    char zeros[64] = {0};
    struct gw_str nothing = gw_base64url(&forge.arena, zeros, sizeof zeros);
    struct gw_str as_zeros = gw_arena_printf(&forge.arena, "%.*s.%.*s", GW_STR_ARG(text), GW_STR_ARG(nothing));
    assert_int_equal(verdict(as_zeros), JWT_BAD_SIGNATURE); /* CVE-2022-21449 in another place */
}

static void only_three_strict_parts_are_a_token(void **state)
{
    (void)state;
    struct gw_str good = jwt_forge_sign(&forge, forge.rsa, lit(RS_HEADER), lit(GOOD_CLAIMS));
    struct gw_str rest = good;
    struct gw_str header = gw_str_split(&rest, '.');
    struct gw_str claims = gw_str_split(&rest, '.');
    const struct gw_str bad[] = {
        gw_arena_printf(&forge.arena, "%.*s.", GW_STR_ARG(good)),
        gw_arena_printf(&forge.arena, "%.*s=", GW_STR_ARG(good)),
        gw_arena_printf(&forge.arena, " %.*s", GW_STR_ARG(good)),
        gw_arena_printf(&forge.arena, "%.*s.a.b", GW_STR_ARG(good)),
        gw_arena_printf(&forge.arena, "%.*s.%.*s", GW_STR_ARG(header), GW_STR_ARG(claims)),
        gw_arena_printf(&forge.arena, "%.*s.%.*s.", GW_STR_ARG(header), GW_STR_ARG(claims)),
        gw_arena_printf(&forge.arena, ".%.*s.%.*s", GW_STR_ARG(claims), GW_STR_ARG(rest)),
        gw_arena_printf(&forge.arena, "%.*s+.%.*s.%.*s", GW_STR_ARG(header), GW_STR_ARG(claims), GW_STR_ARG(rest)),
        GW_STR_NONE,
        GW_STR("."),
        GW_STR(".."),
        GW_STR("a.b.c"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(verdict(bad[i]), JWT_MALFORMED);
    char *large = gw_arena_alloc(&forge.arena, JWT_BYTES_MAX + 1);
    memset(large, 'A', JWT_BYTES_MAX + 1);
    large[10] = large[20] = '.';
    assert_int_equal(verdict(gw_str_n(large, JWT_BYTES_MAX + 1)), JWT_MALFORMED);
}

static void without_keys_every_key_is_unknown(void **state)
{
    (void)state;
    struct jwt_result result;
    struct gw_error err;
    struct gw_str good = jwt_forge_sign(&forge, forge.rsa, lit(RS_HEADER), lit(GOOD_CLAIMS));
    assert_int_equal(jwt_verify(NULL, &rules, &forge.arena, good, NOW_MS, &result, &err), GW_E_UNAUTHORIZED);
    assert_int_equal(result.verdict, JWT_UNKNOWN_KEY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_of_each_algorithm_is_taken_and_says_what_it_says),
        cmocka_unit_test(the_header_decides_nothing_but_the_key),
        cmocka_unit_test(claims_say_who_for_whom_and_when),
        cmocka_unit_test(a_token_for_several_parties_names_the_one_it_is_for),
        cmocka_unit_test(the_skew_is_as_the_rules_say),
        cmocka_unit_test(hmac_with_the_public_key_is_refused),
        cmocka_unit_test(a_signature_fits_its_text_and_key_only),
        cmocka_unit_test(only_three_strict_parts_are_a_token),
        cmocka_unit_test(without_keys_every_key_is_unknown),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
