#include "tests/support/unit.h"

#include "gateway/base/arena.h"

#include <stdlib.h>

static void memory_is_zeroed_and_aligned_for_any_type(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *ptr = gw_arena_alloc(&arena, size);
        assert_non_null(ptr);
        assert_int_equal((uintptr_t)ptr % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(ptr[i], 0);
        memset(ptr, 0xff, size);
    }
}

static void what_was_given_out_stays_where_it_is(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct gw_str copies[200];
    for (int i = 0; i < 200; i++)
        copies[i] = gw_arena_printf(&arena, "%d:%0*d", i, i * 10 + 1, i);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(atoi(copies[i].ptr), i);
        assert_int_equal(copies[i].ptr[copies[i].len], 0);
    }
}

static void after_a_reset_memory_is_zero_again(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    gw_arena_reset(&arena); /* of nothing */
    for (int round = 0; round < 3; round++) {
        unsigned char *ptr = gw_arena_alloc(&arena, 9000);
        for (size_t i = 0; i < 9000; i++)
            assert_int_equal(ptr[i], 0);
        memset(ptr, 0xff, 9000);
        gw_arena_reset(&arena);
        assert_int_equal(arena.used_bytes, 0);
    }
}

static void an_arena_can_be_used_after_done(void **state)
{
    (void)state;
    struct gw_arena arena;
    gw_arena_init(&arena);
    (void)gw_arena_alloc(&arena, 100);
    gw_arena_done(&arena);
    assert_null(arena.chunks);
    assert_string_equal(gw_arena_cstr(&arena, GW_STR("again")), "again");
    gw_arena_done(&arena);
    gw_arena_done(&arena);
}

static void copies_end_in_nul_and_borrow_nothing(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    char source[] = "AbC";
    struct gw_str copy = gw_arena_copy(&arena, gw_str_n(source, 2));
    struct gw_str lower = gw_arena_lower(&arena, gw_str_from(source));
    source[0] = source[1] = 'x';
    assert_string_equal(copy.ptr, "Ab");
    assert_str_equal(lower, "abc");
    assert_string_equal(gw_arena_cstr(&arena, GW_STR_NONE), "");
}

static void used_bytes_count_all_allocations(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    for (int i = 0; i < 100; i++)
        (void)gw_arena_array(&arena, 10, 100);
    assert_true(arena.used_bytes >= 100000 && arena.used_bytes < 110000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned_for_any_type),
        cmocka_unit_test(what_was_given_out_stays_where_it_is),
        cmocka_unit_test(after_a_reset_memory_is_zero_again),
        cmocka_unit_test(an_arena_can_be_used_after_done),
        cmocka_unit_test(copies_end_in_nul_and_borrow_nothing),
        cmocka_unit_test(used_bytes_count_all_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
