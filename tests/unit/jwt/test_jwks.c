/* Sets of keys: which are used, which are left out, which spoil the set. */
#include "tests/support/unit.h"
#include "tests/unit/jwt/forge.h"

#include "gateway/jwt/jwks.h"

static struct jwt_forge forge;

static int set_up(void **state)
{
    (void)state;
    jwt_forge_init(&forge);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jwt_forge_done(&forge);
    return 0;
}

/* How many keys are used; -1: the set is refused. */
static int count_of(struct gw_str text)
{
    struct jwks *keys = NULL;
    struct gw_error err = {.text = ""};
    if (jwks_parse(text, &keys, &err) != GW_OK) {
        assert_true(err.text[0] != '\0');
        return -1;
    }
    int count = (int)jwks_count(keys);
    jwks_unref(keys);
    return count;
}

static int count_of_list(struct gw_str a, struct gw_str b)
{
    return count_of(
        gw_arena_printf(&forge.arena, "{\"keys\":[%.*s%s%.*s]}", GW_STR_ARG(a), b.len > 0 ? "," : "", GW_STR_ARG(b)));
}

static void keys_for_something_else_are_left_out(void **state)
{
    (void)state;
    struct gw_str ec = jwt_forge_ec_jwk(&forge, forge.ec, "ec", ",\"use\":\"sig\"");
    static const char *const others[] = {",\"use\":\"enc\"", ",\"alg\":\"RS512\"", ",\"alg\":\"RSA-OAEP\"",
                                         ",\"use\":1"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(count_of_list(ec, jwt_forge_rsa_jwk(&forge, forge.rsa, "rsa", others[i])), 1);
    assert_int_equal(count_of_list(ec, GW_STR("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"o\",\"x\":\"AA\"}")), 1);
    assert_int_equal(count_of_list(ec, GW_STR("{\"kty\":\"oct\",\"kid\":\"s\",\"k\":\"AAAA\"}")), 1);
    assert_int_equal(count_of_list(ec, jwt_forge_rsa_jwk(&forge, forge.rsa, "", "")), 1);
    assert_int_equal(count_of_list(ec, jwt_forge_rsa_jwk(&forge, forge.rsa, "rsa", ",\"alg\":\"RS256\"")), 2);
}

static void a_set_with_something_wrong_is_refused_whole(void **state)
{
    (void)state;
    struct gw_str rsa = jwt_forge_rsa_jwk(&forge, forge.rsa, "a", "");
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    assert_int_equal(count_of_list(rsa, jwt_forge_rsa_jwk(&forge, weak, "b", "")), -1);
    EVP_PKEY_free(weak);
    assert_int_equal(count_of_list(rsa, jwt_forge_ec_jwk(&forge, forge.ec, "a", "")), -1); /* one kid twice */
    static const char *const bad[] = {
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
        "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", /* not on the curve */
        "{\"kty\":\"RSA\",\"kid\":\"r\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"kid\":\"r\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"kid\":\"r\",\"n\":\"AQ==\",\"e\":\"AQAB\"}",
        "\"key\"",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(count_of_list(rsa, gw_str_from(bad[i])), -1);
    assert_int_equal(count_of(GW_STR("{\"keys\":[]}")), -1);
    assert_int_equal(count_of(GW_STR("{}")), -1);
    assert_int_equal(count_of(GW_STR("[]")), -1);
    assert_int_equal(count_of(GW_STR("<html>")), -1);
}

static void an_exponent_that_makes_every_signature_right_is_refused(void **state)
{
    (void)state;
    struct gw_str n = jwt_forge_number(&forge, forge.rsa, OSSL_PKEY_PARAM_RSA_N, 0);
    static const char *const exponents[] = {"AQ", "AAE", "Ag", "AAAAAAAAAAAB"};
    for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++)
        assert_int_equal(count_of(gw_arena_printf(&forge.arena,
                                                  "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"n\":\"%.*s\","
                                                  "\"e\":\"%s\"}]}",
                                                  GW_STR_ARG(n), exponents[i])),
                         -1);
}

static void there_is_a_largest_set(void **state)
{
    (void)state;
    struct gw_str list = GW_STR("");
    for (int i = 0; i < (int)JWKS_KEYS_MAX + 1; i++) {
        struct gw_str kid = gw_arena_printf(&forge.arena, "k%d", i);
        struct gw_str key = jwt_forge_ec_jwk(&forge, forge.ec, kid.ptr, "");
        list = gw_arena_printf(&forge.arena, "%.*s%s%.*s", GW_STR_ARG(list), i > 0 ? "," : "", GW_STR_ARG(key));
        if (i + 1 == (int)JWKS_KEYS_MAX)
            assert_int_equal(count_of(gw_arena_printf(&forge.arena, "{\"keys\":[%.*s]}", GW_STR_ARG(list))),
                             JWKS_KEYS_MAX);
    }
    assert_int_equal(count_of(gw_arena_printf(&forge.arena, "{\"keys\":[%.*s]}", GW_STR_ARG(list))), -1);
    char *large = gw_arena_alloc(&forge.arena, JWKS_BYTES_MAX + 1);
    memset(large, ' ', JWKS_BYTES_MAX + 1);
    assert_int_equal(count_of(gw_str_n(large, JWKS_BYTES_MAX + 1)), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_for_something_else_are_left_out),
        cmocka_unit_test(a_set_with_something_wrong_is_refused_whole),
        cmocka_unit_test(an_exponent_that_makes_every_signature_right_is_refused),
        cmocka_unit_test(there_is_a_largest_set),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
