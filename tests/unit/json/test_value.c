#include "tests/support/unit.h"

#include "gateway/json/parse.h"
#include "gateway/json/write.h"

static struct json_value *parse(struct gw_arena *arena, const char *text)
{
    struct json_limits limits = JSON_LIMITS_BODY;
    struct json_value *value = NULL;
    struct gw_error err = {0};
    assert_int_equal(json_parse(arena, gw_str_from(text), &limits, &value, &err), GW_OK);
    return value;
}

static void members_are_set_replaced_and_removed_in_order(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct json_value *object = json_object_new(&arena);
    (void)state;
    for (int i = 0; i < 6; i++)
        json_object_set(&arena, object, gw_arena_printf(&arena, "m%d", i), json_integer_new(&arena, i));
    json_object_set(&arena, object, GW_STR("m2"), json_null_new(&arena));
    assert_true(json_object_remove(object, GW_STR("m4")));
    assert_false(json_object_remove(object, GW_STR("M0")));
    assert_str_equal(json_text(&arena, object), "{\"m0\":0,\"m1\":1,\"m2\":null,\"m3\":3,\"m5\":5}");
    assert_null(json_object_get(object, GW_STR("M0")));
    assert_non_null(json_object_get_nocase(object, GW_STR("M0")));
    assert_null(json_object_get(json_null_new(&arena), GW_STR("x")));
    assert_null(json_object_get(NULL, GW_STR("x")));
}

static void items_are_appended_and_removed(void **state)
{
    GW_ARENA_SCOPED(arena);
    struct json_value *array = json_array_new(&arena);
    (void)state;
    for (int i = 0; i < 9; i++)
        json_array_append(&arena, array, json_integer_new(&arena, i));
    json_array_remove(array, 0);
    json_array_remove(array, 7);
    json_array_remove(array, 3);
    assert_str_equal(json_text(&arena, array), "[1,2,3,5,6,7]");
}

static void a_copy_shares_nothing(void **state)
{
    GW_ARENA_SCOPED(arena);
    GW_ARENA_SCOPED(other);
    struct json_value *value = parse(&arena, "{\"a\":[1,\"x\",{\"b\":true}],\"c\":null}");
    (void)state;
    struct json_value *copy = json_copy(&other, value);
    json_array_remove(json_object_get(value, GW_STR("a")), 0);
    gw_arena_done(&arena);
    assert_str_equal(json_text(&other, copy), "{\"a\":[1,\"x\",{\"b\":true}],\"c\":null}");
}

static void equality_ignores_the_order_of_members_only(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool equal;
    } CASES[] = {
        {"{\"a\":1,\"b\":[true]}", "{\"b\":[true],\"a\":1}", true},
        {"{\"a\":1}", "{\"A\":1}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
        {"{\"a\":1,\"b\":1}", "{\"a\":1,\"c\":1}", false},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,1]", false},
        {"1", "1.0", false},
        {"\"1\"", "1", false},
        {"null", "false", false},
        {"true", "false", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        GW_ARENA_SCOPED(arena);
        assert_int_equal(json_equal(parse(&arena, CASES[i].a), parse(&arena, CASES[i].b)), CASES[i].equal);
        assert_int_equal(json_equal(parse(&arena, CASES[i].b), parse(&arena, CASES[i].a)), CASES[i].equal);
    }
    assert_true(json_equal(NULL, NULL));
    GW_ARENA_SCOPED(arena);
    assert_false(json_equal(NULL, json_null_new(&arena)));
}

/* RFC 7643 section 2.3.4 */
static void integers_have_neither_fraction_nor_exponent(void **state)
{
    static const struct {
        const char *text;
        bool integer;
        int64_t number;
    } CASES[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-15", true, -15},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"1.0", false, 0},
        {"1e2", false, 0},
        {"\"1\"", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        GW_ARENA_SCOPED(arena);
        int64_t number = 0;
        assert_int_equal(json_number_is_integer(parse(&arena, CASES[i].text), &number), CASES[i].integer);
        assert_true(number == CASES[i].number);
    }
    GW_ARENA_SCOPED(arena);
    assert_true(json_number_to_double(parse(&arena, "-2.5e1")) == -25.0);
}

static void a_full_buffer_keeps_its_mark(void **state)
{
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(buf, 8);
    (void)state;
    json_write(&buf, parse(&arena, "[\"0123456789\",1,2]"));
    assert_true(buf.overflow);
}

static bool is_escaped(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\' || c == 0x7f;
}

/* Wherever it stands in words of eight bytes, and whatever stands before and after it. */
static void every_byte_is_escaped_or_not_at_every_place(void **state)
{
    static const char around[] = {'a', ' ', '!', '#', '[', ']', '~', '\xc3', '\xff'};
    (void)state;
    for (unsigned c = 0; c <= 0xff; c++) {
        for (size_t place = 0; place < 20; place++) {
            char text[20];
            GW_BUF_SCOPED(buf, 4096);
            memset(text, around[(c + place) % sizeof around], sizeof text);
            text[place] = (char)c;
            json_write_string(&buf, gw_str_n(text, sizeof text));
            struct gw_str got = gw_buf_str(&buf);
            assert_memory_equal(got.ptr + 1, text, place);
            assert_int_equal(got.ptr[1 + place] == '\\' && got.len > sizeof text + 2, is_escaped((unsigned char)c));
            assert_memory_equal(got.ptr + got.len - 1 - (sizeof text - 1 - place), text + place + 1,
                                sizeof text - 1 - place);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_escaped_or_not_at_every_place),
        cmocka_unit_test(members_are_set_replaced_and_removed_in_order),
        cmocka_unit_test(items_are_appended_and_removed),
        cmocka_unit_test(a_copy_shares_nothing),
        cmocka_unit_test(equality_ignores_the_order_of_members_only),
        cmocka_unit_test(integers_have_neither_fraction_nor_exponent),
        cmocka_unit_test(a_full_buffer_keeps_its_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
