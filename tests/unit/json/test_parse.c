#include "tests/support/unit.h"

#include "gateway/base/buf.h"
#include "gateway/json/parse.h"
#include "gateway/json/write.h"

static enum gw_code parse(struct gw_arena *arena, struct gw_str text, struct json_value **ret_value,
                          struct gw_error *err)
{
    struct json_limits limits = JSON_LIMITS_BODY;
    *err = (struct gw_error){0};
    return json_parse(arena, text, &limits, ret_value, err);
}

static enum gw_code parse_in_parts(struct gw_arena *arena, struct gw_str text, size_t bytes,
                                   struct json_value **ret_value, struct gw_error *err)
{
    struct json_limits limits = JSON_LIMITS_BODY;
    struct json_reading *reading = json_reading_new(arena, text, &limits);
    enum gw_code code = GW_OK;
    *ret_value = NULL;
    while (code == GW_OK && *ret_value == NULL)
        code = json_reading_go_on(reading, bytes, ret_value, err);
    json_reading_free(reading);
    return code;
}

static void assert_refused(const char *what, struct gw_str text, const char *reason)
{
    GW_ARENA_SCOPED(arena);
    struct json_value *value = NULL;
    struct gw_error err;
    if (parse(&arena, text, &value, &err) != GW_E_INVALID_SYNTAX)
        fail_msg("accepted: %s", what);
    assert_null(value);
    if (strstr(err.text, reason) == NULL)
        fail_msg("%s: '%s' does not say '%s'", what, err.text, reason);
    if (parse_in_parts(&arena, text, 16, &value, &err) != GW_E_INVALID_SYNTAX)
        fail_msg("accepted in parts: %s", what);
}

struct bad_text {
    const char *what;
    struct gw_str text;
    const char *reason;
};

/* security.md E2 to E4, E6 */
static const struct bad_text BAD_TEXTS[] = {
    {"nothing", GW_STR_INIT(""), "JSON: "},
    {"blanks only", GW_STR_INIT("  \n "), "JSON: "},
    {"a byte order mark", GW_STR_INIT("\xef\xbb\xbf{}"), "byte order mark"},
    {"UTF-16", GW_STR_INIT("\xff\xfe{\0}\0"), "UTF-8"},
    {"a stray continuation byte", GW_STR_INIT("{\"a\":\"\x80\"}"), "UTF-8"},
    {"an overlong slash", GW_STR_INIT("{\"a\":\"\xc0\xaf\"}"), "UTF-8"},
    {"an overlong NUL", GW_STR_INIT("{\"a\":\"\xc0\x80\"}"), "UTF-8"},
    {"a surrogate in UTF-8", GW_STR_INIT("{\"a\":\"\xed\xa0\x80\"}"), "UTF-8"},
    {"above U+10FFFF", GW_STR_INIT("{\"a\":\"\xf4\x90\x80\x80\"}"), "UTF-8"},
    {"a cut sequence", GW_STR_INIT("{\"a\":\"\xe2\x82\"}"), "UTF-8"},
    {"an escaped NUL", GW_STR_INIT("{\"a\":\"x\\u0000y\"}"), "u0000"},
    {"an escaped NUL in a name", GW_STR_INIT("{\"a\\u0000\":1}"), "u0000"},
    {"a lone high surrogate", GW_STR_INIT("{\"a\":\"\\ud800\"}"), "surrogate"},
    {"a high surrogate and a letter", GW_STR_INIT("{\"a\":\"\\ud800A\"}"), "surrogate"},
    {"a high surrogate and another escape", GW_STR_INIT("{\"a\":\"\\uD800\\u0041\"}"), "surrogate"},
    {"two high surrogates", GW_STR_INIT("{\"a\":\"\\ud800\\ud800\"}"), "surrogate"},
    {"a lone low surrogate", GW_STR_INIT("{\"a\":\"\\udc00\"}"), "surrogate"},
    {"a low surrogate behind an escaped backslash", GW_STR_INIT("[\"\\\\\\udc00\"]"), "surrogate"},
    {"a raw control character", GW_STR_INIT("{\"a\":\"x\ny\"}"), "JSON: "},
    {"a raw NUL", GW_STR_INIT("{\"a\":\"x\0y\"}"), "JSON: "},
    {"a short escape", GW_STR_INIT("[\"\\u12\"]"), "JSON: "},
    {"an unknown escape", GW_STR_INIT("[\"\\x41\"]"), "JSON: "},
    {"a comment", GW_STR_INIT("{/* hi */\"a\":1}"), "JSON: "},
    {"a line comment", GW_STR_INIT("{} // hi"), "JSON: "},
    {"two documents", GW_STR_INIT("{}{}"), "JSON: "},
    {"two documents and a line end", GW_STR_INIT("{}\n{}"), "JSON: "},
    {"something behind the end", GW_STR_INIT("{} x"), "JSON: "},
    {"an unclosed object", GW_STR_INIT("{\"a\":1"), "JSON: "},
    {"an unclosed array", GW_STR_INIT("[1,2"), "JSON: "},
    {"an unclosed string", GW_STR_INIT("\"abc"), "JSON: "},
    {"a comma at the end", GW_STR_INIT("{\"a\":1,}"), "JSON: "},
    {"a name without quotes", GW_STR_INIT("{a:1}"), "JSON: "},
    {"single quotes", GW_STR_INIT("{'a':1}"), "JSON: "},
    {"NaN", GW_STR_INIT("[NaN]"), "JSON: "},
    {"Infinity", GW_STR_INIT("[-Infinity]"), "JSON: "},
    {"a leading zero", GW_STR_INIT("[01]"), "JSON: "},
    {"a leading plus", GW_STR_INIT("[+1]"), "JSON: "},
    {"a number without digits behind the point", GW_STR_INIT("[1.]"), "JSON: "},
    {"hexadecimal", GW_STR_INIT("[0x10]"), "JSON: "},
    {"an exponent out of range", GW_STR_INIT("[1e99999]"), "range"},
    {"a negative number out of range", GW_STR_INIT("[-1e400]"), "range"},
    {"a name twice", GW_STR_INIT("{\"active\":true,\"active\":false}"), "'active' occurs twice"},
    {"a name twice by case", GW_STR_INIT("{\"active\":true,\"Active\":false}"), "'Active' occurs twice"},
    {"a name twice by escape", GW_STR_INIT("{\"active\":true,\"\\u0061ctive\":false}"), "'active' occurs twice"},
    {"a name twice inside", GW_STR_INIT("[{\"a\":{\"b\":1,\"B\":2}}]"), "'B' occurs twice"},
    {"a word", GW_STR_INIT("test"), "JSON: "},
    {"True", GW_STR_INIT("[True]"), "JSON: "},
};

static void bad_texts_are_refused_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof BAD_TEXTS / sizeof BAD_TEXTS[0]; i++)
        assert_refused(BAD_TEXTS[i].what, BAD_TEXTS[i].text, BAD_TEXTS[i].reason);
}

static void good_texts_come_back_as_they_were(void **state)
{
    static const char *const TEXTS[] = {"null",
                                        "true",
                                        "false",
                                        "0",
                                        "-0",
                                        "1.5e10",
                                        "-12.25E-3",
                                        "\"\"",
                                        "[]",
                                        "{}",
                                        "[[],{}]",
                                        "{\"a\":{\"b\":[1,\"x\",null]},\"c\":false}",
                                        "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
                                        "\"a\\\"b\\\\c\\nd\\te\\u0001\"",
                                        "{\"\":1}",
                                        "{\"\xc3\xa4\":1,\"\xc3\x84\":2}",
                                        "\"\\u007f\""};
    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        GW_ARENA_SCOPED(arena);
        struct json_value *value = NULL;
        struct gw_error err;
        assert_int_equal(parse(&arena, gw_str_from(TEXTS[i]), &value, &err), GW_OK);
        assert_str_equal(json_text(&arena, value), TEXTS[i]);
    }
}

static void escapes_are_decoded(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct json_value *value = NULL;
    struct gw_error err;
    (void)state;
    assert_int_equal(parse(&arena, GW_STR("\"\\u0041\\ud83d\\ude00\\/\\b\\f\\r\\\\u0000\""), &value, &err), GW_OK);
    assert_str_equal(value->text, "A\xf0\x9f\x98\x80/\b\f\r\\u0000");
}

/* `count` times `open`, then `middle`, then `count` times `close` */
static struct gw_str nested(struct gw_buf *buf, size_t count, const char *open, const char *middle, const char *close)
{
    for (size_t i = 0; i < count; i++)
        gw_buf_add(buf, gw_str_from(open));
    gw_buf_add(buf, gw_str_from(middle));
    for (size_t i = 0; i < count; i++)
        gw_buf_add(buf, gw_str_from(close));
    return gw_buf_str(buf);
}

/* security.md E1 */
static void deep_nesting_is_refused(void **state)
{
    (void)state;
    GW_BUF_SCOPED(arrays, 1 << 20);
    GW_BUF_SCOPED(objects, 1 << 20);
    GW_BUF_SCOPED(open, 1 << 20);
    GW_BUF_SCOPED(allowed, 1 << 20);
    assert_refused("100,000 arrays", nested(&arrays, 100000, "[", "", "]"), "nested too deeply");
    assert_refused("20,000 objects", nested(&objects, 20000, "{\"a\":", "1", "}"), "nested too deeply");
    assert_refused("arrays that are never closed", nested(&open, 100000, "[", "", ""), "nested too deeply");
    GW_ARENA_SCOPED(arena);
    struct json_value *value;
    struct gw_error err;
    assert_int_equal(parse(&arena, nested(&allowed, 24, "[", "", "]"), &value, &err), GW_OK);
}

/* security.md E2 */
static void long_numbers_are_refused(void **state)
{
    (void)state;
    GW_BUF_SCOPED(buf, 1 << 20);
    assert_refused("100,000 digits", nested(&buf, 100000, "9", "", ""), "too many digits");
    gw_buf_clear(&buf);
    assert_refused("100,000 digits behind the point", nested(&buf, 100000, "0", "", ""), "JSON: ");
}

static void limits_count_values_members_and_bytes(void **state)
{
    struct json_limits limits = {.depth = 4, .values = 5, .members = 2, .string_bytes = 3, .number_bytes = 2};
    static const struct {
        const char *text;
        enum gw_code code;
    } CASES[] = {
        {"[1,2,3,4]", GW_OK},
        {"[1,2,3,4,5]", GW_E_INVALID_SYNTAX},
        {"{\"a\":1,\"b\":2}", GW_OK},
        {"{\"a\":1,\"b\":2,\"c\":3}", GW_E_INVALID_SYNTAX},
        {"\"abc\"", GW_OK},
        {"\"abcd\"", GW_E_INVALID_SYNTAX},
        {"{\"abcd\":1}", GW_E_INVALID_SYNTAX},
        {"99", GW_OK},
        {"999", GW_E_INVALID_SYNTAX},
        {"[[[[1]]]]", GW_OK},
        {"[[[[[]]]]]", GW_E_INVALID_SYNTAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        GW_ARENA_SCOPED(arena);
        struct json_value *value;
        struct gw_error err;
        if (json_parse(&arena, gw_str_from(CASES[i].text), &limits, &value, &err) != CASES[i].code)
            fail_msg("%s", CASES[i].text);
    }
}

static void a_name_twice_is_found_among_many(void **state)
{
    (void)state;
    GW_BUF_SCOPED(buf, 1 << 20);
    gw_buf_add_byte(&buf, '{');
    for (int i = 0; i < 900; i++)
        gw_buf_printf(&buf, "\"name%d\":%d,", (i * 7919) % 900, i);
    GW_BUF_SCOPED(good, 1 << 20);
    gw_buf_add(&good, gw_buf_str(&buf));
    gw_buf_add_lit(&good, "\"last\":1}");
    gw_buf_add_lit(&buf, "\"NAME17\":1}");
    GW_ARENA_SCOPED(arena);
    struct json_value *value;
    struct gw_error err;
    assert_int_equal(parse(&arena, gw_buf_str(&good), &value, &err), GW_OK);
    assert_int_equal(json_count(value), 901);
    assert_refused("the 18th name again", gw_buf_str(&buf), "occurs twice");
}

/* Wherever a part ends: within a name, a number, a word, a character or an escape. */
static void in_parts_of_any_size_the_same_is_read(void **state)
{
    static const char TEXT[] =
        "{\"n\\u00e4me\":[12345678901234,-1.5e-10,true,false,null,\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"
        "\\ud83d\\ude00\\\\\\u0041\\\\u0000\\\"\"],\"other\":{\"a\":{},\"b\":[[],[]]}}  ";
    GW_ARENA_SCOPED(arena);
    struct json_value *whole = NULL;
    struct gw_error err;
    (void)state;
    assert_int_equal(parse(&arena, gw_str_from(TEXT), &whole, &err), GW_OK);
    for (size_t bytes = 16; bytes <= sizeof TEXT; bytes++) {
        GW_BUF_SCOPED(text, 1 << 12);
        for (size_t before = 0; before < 16; before++) { /* and wherever it begins */
            struct json_value *value = NULL;
            gw_buf_clear(&text);
            for (size_t i = 0; i < before; i++)
                gw_buf_add_byte(&text, ' ');
            gw_buf_add(&text, gw_str_from(TEXT));
            if (parse_in_parts(&arena, gw_buf_str(&text), bytes, &value, &err) != GW_OK || !json_equal(value, whole))
                fail_msg("in parts of %zu bytes behind %zu blanks: %s", bytes, before, err.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_texts_are_refused_with_a_reason),
        cmocka_unit_test(good_texts_come_back_as_they_were),
        cmocka_unit_test(escapes_are_decoded),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(long_numbers_are_refused),
        cmocka_unit_test(limits_count_values_members_and_bytes),
        cmocka_unit_test(a_name_twice_is_found_among_many),
        cmocka_unit_test(in_parts_of_any_size_the_same_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
