#include "tests/support/unit.h"

#include "gateway/base/text.h"

static void ill_formed_utf8_is_told(void **state)
{
    (void)state;
    static const struct {
        struct gw_str text;
        bool valid;
    } rows[] = {{GW_STR_INIT(""), true},
                {GW_STR_INIT("a\0b"), true},
                {GW_STR_INIT("\xc3\xa4"), true},
                {GW_STR_INIT("\xf4\x8f\xbf\xbf"), true},
                {GW_STR_INIT("\xf4\x90\x80\x80"), false}, /* above U+10FFFF */
                {GW_STR_INIT("\xc0\xaf"), false},         /* overlong */
                {GW_STR_INIT("\xe0\x80\xaf"), false},
                {GW_STR_INIT("\xed\xa0\x80"), false}, /* surrogate */
                {GW_STR_INIT("\xc3"), false},
                {GW_STR_INIT("\x80"), false},
                {GW_STR_INIT("\xff"), false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(gw_utf8_valid(rows[i].text), rows[i].valid);
}

static struct gw_str folded(struct gw_arena *arena, const char *name)
{
    struct gw_str result = GW_STR_NONE;
    assert_true(gw_name_fold(arena, gw_str_from(name), &result));
    return result;
}

static void spellings_of_one_name_fold_to_one(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
    } rows[] = {{"Alice@Example.com", "alice@example.COM"},
                {"\xe2\x84\xaa"
                 "elvin",
                 "kelvin"},                         /* Kelvin sign */
                {"\xef\xbc\xa1\xef\xbd\x82", "ab"}, /* full width */
                {"u\xcc\x88"
                 "ber",
                 "\xc3\xbc"
                 "ber"}, /* NFD and NFC */
                {"\xc3\x84rger", "a\xcc\x88rger"},
                {"\xef\xac\x81x", "fix"},                                                 /* ligature */
                {"\xce\x9f\xce\x94\xce\x9f\xce\xa3", "\xce\xbf\xce\xb4\xce\xbf\xcf\x82"}, /* final sigma */
                {"\xe1\xba\x9e", "\xc3\x9f"}};                                            /* capital sharp s */
    GW_ARENA_SCOPED(arena);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!gw_str_eq(folded(&arena, rows[i].a), folded(&arena, rows[i].b)))
            fail_msg("row %zu", i);
    }
}

/* Two people must never share one name. */
static void names_of_two_people_stay_apart(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
    } rows[] = {{"stra\xc3\x9f"
                 "e",
                 "strasse"},             /* sharp s */
                {"\xc4\xb0pek", "ipek"}, /* dotted capital I */
                {"\xc4\xb1pek", "ipek"}, /* dotless i */
                {"p\xd0\xb0ul", "paul"}, /* Cyrillic a */
                {"\xc3\xa9ric", "eric"},
                {"alice", "alice "},
                {"a.b", "ab"}};
    GW_ARENA_SCOPED(arena);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (gw_str_eq(folded(&arena, rows[i].a), folded(&arena, rows[i].b)))
            fail_msg("row %zu", i);
    }
}

static size_t encode(uint32_t c, char dst[4])
{
    if (c < 0x80) {
        dst[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        dst[0] = (char)(0xc0 | c >> 6);
        dst[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    dst[0] = (char)(0xe0 | c >> 12);
    dst[1] = (char)(0x80 | (c >> 6 & 63));
    dst[2] = (char)(0x80 | (c & 63));
    return 3;
}

static void folding_twice_is_folding_once(void **state)
{
    (void)state;
    struct gw_arena arena = GW_ARENA_INIT;
    size_t wrong = 0;
    for (uint32_t c = 1; c < 0x10000; c++) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        char text[6] = {'x'};
        struct gw_str once;
        struct gw_str twice;
        size_t len = 1 + encode(c, text + 1);
        assert_true(gw_name_fold(&arena, gw_str_n(text, len), &once));
        assert_true(gw_name_fold(&arena, once, &twice));
        if (!gw_str_eq(once, twice)) {
            print_error("U+%04X\n", c);
            wrong++;
        }
        gw_arena_reset(&arena);
    }
    gw_arena_done(&arena);
    assert_int_equal(wrong, 0);
}

static void ill_formed_names_do_not_fold(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct gw_str result;
    assert_false(gw_name_fold(&arena, GW_STR("a\xff"), &result));
    assert_false(gw_name_fold(&arena, GW_STR("\xed\xa0\x80"), &result));
}

static void names_that_cannot_be_seen_or_told_apart_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct gw_str name;
        bool ok;
    } rows[] = {{GW_STR_INIT("alice"), true},
                {GW_STR_INIT("J\xc3\xbcrgen M\xc3\xbcller"), true},
                {GW_STR_INIT("\xe5\xb1\xb1\xe7\x94\xb0"), true},
                {GW_STR_INIT("\xd7\x90\xd7\x91"), true}, /* a Hebrew name is a name */
                {GW_STR_INIT("alice@example.com"), true},
                {GW_STR_INIT(""), false},
                {GW_STR_INIT(" alice"), false},
                {GW_STR_INIT("alice "), false},
                {GW_STR_INIT(" "), false},
                {GW_STR_INIT("\xc2\xa0"
                             "a"),
                 false},                               /* no-break space in front */
                {GW_STR_INIT("a\xe3\x80\x80"), false}, /* ideographic space behind */
                {GW_STR_INIT("a\0b"), false},
                {GW_STR_INIT("a\nb"), false},
                {GW_STR_INIT("a\x7f"), false},
                {GW_STR_INIT("a\xe2\x80\x8b"
                             "b"),
                 false}, /* zero width space */
                {GW_STR_INIT("a\xe2\x80\x8d"
                             "b"),
                 false},                                 /* zero width joiner */
                {GW_STR_INIT("\xe2\x80\xaetxt"), false}, /* right-to-left override */
                {GW_STR_INIT("a\xc2\xad"), false},       /* soft hyphen */
                {GW_STR_INIT("\xe3\x85\xa4"), false},    /* Hangul filler */
                {GW_STR_INIT("a\xef\xb8\x8f"), false},   /* variation selector */
                {GW_STR_INIT("\xe2\xa0\x80"), false},    /* Braille blank */
                {GW_STR_INIT("\xee\x80\x80"), false},    /* private use */
                {GW_STR_INIT("\xef\xbf\xbf"), false},    /* not a character */
                {GW_STR_INIT("\xe2\x80\xa8"), false},    /* line separator */
                {GW_STR_INIT("\xff"), false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (gw_name_printable(rows[i].name, 100) != rows[i].ok)
            fail_msg("row %zu", i);
    }
    assert_true(gw_name_printable(GW_STR("abc"), 3));
    assert_false(gw_name_printable(GW_STR("abcd"), 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ill_formed_utf8_is_told),
        cmocka_unit_test(spellings_of_one_name_fold_to_one),
        cmocka_unit_test(names_of_two_people_stay_apart),
        cmocka_unit_test(folding_twice_is_folding_once),
        cmocka_unit_test(ill_formed_names_do_not_fold),
        cmocka_unit_test(names_that_cannot_be_seen_or_told_apart_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
