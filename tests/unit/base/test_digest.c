#include "tests/support/unit.h"

#include "gateway/base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

static void sha256_of_the_standards_examples(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct gw_sha256 digest = gw_sha256(GW_STR("abc")); /* FIPS 180-4 */
    assert_str_equal(gw_hex(&arena, digest.bytes, sizeof digest.bytes),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest = gw_sha256(GW_STR_NONE);
    assert_str_equal(gw_hex(&arena, digest.bytes, sizeof digest.bytes),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static bool same(struct gw_sha256 a, struct gw_sha256 b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

static void parts_of_an_hmac_do_not_run_into_each_other(void **state)
{
    (void)state;
    static const uint8_t key[GW_KEY_BYTES] = {1};
    static const uint8_t other_key[GW_KEY_BYTES] = {2};
    static const struct gw_str ab_c[] = {GW_STR_INIT("ab"), GW_STR_INIT("c")};
    static const struct gw_str a_bc[] = {GW_STR_INIT("a"), GW_STR_INIT("bc")};
    static const struct gw_str abc[] = {GW_STR_INIT("abc"), GW_STR_INIT("")};
    assert_true(same(gw_hmac_parts(key, ab_c, 2), gw_hmac_parts(key, ab_c, 2)));
    assert_false(same(gw_hmac_parts(key, ab_c, 2), gw_hmac_parts(key, a_bc, 2)));
    assert_false(same(gw_hmac_parts(key, abc, 1), gw_hmac_parts(key, abc, 2)));
    assert_false(same(gw_hmac_parts(key, ab_c, 2), gw_hmac_parts(other_key, ab_c, 2)));
}

/* RFC 2104 by another hand: OpenSSL's own over the same bytes. */
static void an_hmac_is_the_standards_one_at_every_length(void **state)
{
    (void)state;
    uint8_t key[GW_KEY_BYTES];
    uint8_t input[8 + 200] = {0};
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 7 + 1);
    struct gw_hmac_key states;
    gw_hmac_key_init(&states, key);
    for (size_t len = 0; len <= 200; len++) {
        uint8_t expected[GW_SHA256_BYTES];
        input[7] = (uint8_t)len;
        memset(input + 8, (int)len, len);
        assert_non_null(HMAC(EVP_sha256(), key, sizeof key, input, 8 + len, expected, NULL));
        struct gw_str part = gw_str_n((const char *)input + 8, len);
        struct gw_sha256 once = gw_hmac_parts(key, &part, 1);
        struct gw_sha256 kept = gw_hmac_keyed(&states, &part, 1);
        assert_memory_equal(once.bytes, expected, sizeof expected);
        assert_memory_equal(kept.bytes, expected, sizeof expected);
    }
}

/* The lesson of a cache key that was cut: every byte counts at any length (security.md 1.3). */
static void long_names_that_differ_in_the_last_byte_have_other_digests(void **state)
{
    (void)state;
    static const uint8_t key[GW_KEY_BYTES] = {7};
    static char name[5000];
    static const size_t sizes[] = {51, 52, 72, 73, 254, 300, 1007, 1008, 1009, 1016, 1017, 1024, 4096, 5000};
    memset(name, 'n', sizeof name);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct gw_str part = gw_str_n(name, sizes[i]);
        struct gw_sha256 first = gw_hmac_parts(key, &part, 1);
        name[sizes[i] - 1] = 'm';
        assert_false(same(first, gw_hmac_parts(key, &part, 1)));
        name[sizes[i] - 1] = 'n';
    }
}

/* RFC 4648 section 4, and strict: one text for one value */
static void base64_has_one_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *bytes; /* NULL: refused */
    } rows[] = {{"", ""},
                {"Zg==", "f"},
                {"Zm8=", "fo"},
                {"Zm9v", "foo"},
                {"Zm9vYg==", "foob"},
                {"Zm9vYmE=", "fooba"},
                {"Zm9vYmFy", "foobar"},
                {"+/+/", "\xfb\xff\xbf"},
                {"Zg", NULL},
                {"Zg=", NULL},
                {"Zg===", NULL},
                {"Zh==", NULL},
                {"Zm9=", NULL},
                {"====", NULL},
                {"=Zg=", NULL},
                {"Z===", NULL},
                {"Zm9v\n", NULL},
                {"Zm9v Yg==", NULL},
                {"Zm-_", NULL},
                {"Zg==Zg==", NULL},
                {"Zm9v====", NULL},
                {"Zm\xc3\xa4", NULL}};
    GW_ARENA_SCOPED(arena);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gw_str bytes = GW_STR_NONE;
        bool ok = gw_base64_decode(&arena, gw_str_from(rows[i].text), &bytes);
        if (ok != (rows[i].bytes != NULL))
            fail_msg("%s", rows[i].text);
        if (ok)
            assert_str_equal(bytes, rows[i].bytes);
    }
    struct gw_str bytes;
    assert_false(gw_base64_decode(&arena, GW_STR("Zm\0v"), &bytes));
}

static void base64url_has_no_padding(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    assert_str_equal(gw_base64url(&arena, "\xfb\xff\xbf", 3), "-_-_");
    assert_str_equal(gw_base64url(&arena, "f", 1), "Zg");
    assert_str_equal(gw_base64url(&arena, "fo", 2), "Zm8");
    assert_str_equal(gw_base64url(&arena, "", 0), "");
}

static void hex_is_read_at_its_exact_length(void **state)
{
    (void)state;
    uint8_t bytes[2] = {0};
    assert_true(gw_hex_decode(GW_STR("0aFf"), bytes, 2));
    assert_int_equal(bytes[0] << 8 | bytes[1], 0x0aff);
    static const char *const bad[] = {"", "0aF", "0aFf0", "0aFg", "0x0a", " 0aF"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(gw_hex_decode(gw_str_from(bad[i]), bytes, 2));
}

static void an_id_is_found_again_by_kind_folder_and_key_only(void **state)
{
    (void)state;
    static const uint8_t key[GW_KEY_BYTES] = {3};
    static const uint8_t other_key[GW_KEY_BYTES] = {4};
    static const uint64_t sequences[] = {0, 1, 2, 1000000007, UINT64_MAX};
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        char id[GW_IDENT_TEXT + 1];
        uint64_t seq = 1;
        gw_ident_format(key, GW_IDENT_USER, 5, sequences[i], id);
        assert_int_equal(strlen(id), GW_IDENT_TEXT);
        assert_true(gw_ident_parse(key, GW_IDENT_USER, 5, gw_str_from(id), &seq));
        assert_true(seq == sequences[i]);
        assert_false(gw_ident_parse(key, GW_IDENT_GROUP, 5, gw_str_from(id), &seq));
        assert_false(gw_ident_parse(key, GW_IDENT_USER, 6, gw_str_from(id), &seq));
        assert_false(gw_ident_parse(other_key, GW_IDENT_USER, 5, gw_str_from(id), &seq));
    }
}

static void *find_ids(void *data)
{
    uint64_t *found = data;
    for (uint64_t seq = 1; seq <= 50; seq++) {
        uint8_t key[GW_KEY_BYTES] = {(uint8_t)(seq % 3)};
        char id[GW_IDENT_TEXT + 1];
        uint64_t back = 0;
        gw_ident_format(key, GW_IDENT_USER, 5, seq, id);
        *found += gw_ident_parse(key, GW_IDENT_USER, 5, gw_str_from(id), &back) && back == seq;
    }
    return NULL;
}

static void ids_of_several_keys_in_turn_are_found_on_every_thread(void **state)
{
    (void)state;
    pthread_t threads[4];
    uint64_t found[4] = {0};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, find_ids, &found[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(found[i], 50);
    }
}

static void an_id_of_a_key_is_the_known_one(void **state)
{
    (void)state;
    /* stores out there give these to Okta: one AES-256 block of sequence, folder and kind */
    uint8_t key[GW_KEY_BYTES];
    char id[GW_IDENT_TEXT + 1];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    gw_ident_format(key, GW_IDENT_GROUP, 7, 42, id);
    assert_string_equal(id, "302978457080c4601006fde0b44a92e8");
}

static void an_id_has_one_spelling_and_no_neighbours(void **state)
{
    (void)state;
    static const uint8_t key[GW_KEY_BYTES] = {3};
    char id[GW_IDENT_TEXT + 1];
    uint64_t seq;
    gw_ident_format(key, GW_IDENT_USER, 1, 9, id);
    size_t letters = 0;
    for (size_t i = 0; i < GW_IDENT_TEXT; i++) {
        char saved = id[i];
        id[i] = saved == '0' ? '1' : '0';
        assert_false(gw_ident_parse(key, GW_IDENT_USER, 1, gw_str_from(id), &seq));
        if (saved >= 'a') {
            id[i] = (char)(saved - 'a' + 'A');
            assert_false(gw_ident_parse(key, GW_IDENT_USER, 1, gw_str_from(id), &seq));
            letters++;
        }
        id[i] = saved;
    }
    assert_true(letters > 0);
    assert_false(gw_ident_parse(key, GW_IDENT_USER, 1, gw_str_n(id, GW_IDENT_TEXT - 1), &seq));
    static const char *const bad[] = {"", "9", "00000000000000000000000000000000", "me"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(gw_ident_parse(key, GW_IDENT_USER, 1, gw_str_from(bad[i]), &seq));
}

static void secrets_are_compared_over_their_whole_length(void **state)
{
    (void)state;
    char a[32];
    char b[32];
    memset(a, 'x', sizeof a);
    for (size_t i = 0; i < sizeof a; i++) {
        memcpy(b, a, sizeof b);
        assert_true(gw_secret_eq(a, b, sizeof a));
        b[i] ^= 1;
        assert_false(gw_secret_eq(a, b, sizeof a));
    }
    gw_secret_wipe(a, sizeof a);
    for (size_t i = 0; i < sizeof a; i++)
        assert_int_equal(a[i], 0);
}

static void random_bytes_do_not_repeat(void **state)
{
    (void)state;
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    gw_random_bytes(a, sizeof a);
    gw_random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void the_check_value_is_the_known_one(void **state)
{
    (void)state;
    assert_int_equal(gw_crc32("123456789", 9), 0xcbf43926);
    assert_int_equal(gw_crc32("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_the_standards_examples),
        cmocka_unit_test(an_hmac_is_the_standards_one_at_every_length),
        cmocka_unit_test(parts_of_an_hmac_do_not_run_into_each_other),
        cmocka_unit_test(long_names_that_differ_in_the_last_byte_have_other_digests),
        cmocka_unit_test(base64_has_one_spelling),
        cmocka_unit_test(base64url_has_no_padding),
        cmocka_unit_test(hex_is_read_at_its_exact_length),
        cmocka_unit_test(an_id_is_found_again_by_kind_folder_and_key_only),
        cmocka_unit_test(ids_of_several_keys_in_turn_are_found_on_every_thread),
        cmocka_unit_test(an_id_of_a_key_is_the_known_one),
        cmocka_unit_test(an_id_has_one_spelling_and_no_neighbours),
        cmocka_unit_test(secrets_are_compared_over_their_whole_length),
        cmocka_unit_test(random_bytes_do_not_repeat),
        cmocka_unit_test(the_check_value_is_the_known_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
