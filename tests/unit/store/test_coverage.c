/* Coverage: counts that survive their file, counts of the records, and what an operator is told. */
#include "tests/unit/store/fixture.h"

#include "store/coverage.h"

#include <stdlib.h>

fixture_test(counts_are_read_as_they_were_written)
{
    static struct store_coverage written, read;
    assert_ok(store_coverage_read(f->path, &f->arena, &read, &f->err), &f->err);
    assert_int_equal(read.written_ms, 0);
    written.written_ms = 1700000000000;
    written.count = 2;
    written.apps[0] = (struct store_app_counts){GW_STR("wiki"), 1, 2, 3, 4, 5, UINT64_MAX};
    written.apps[1] = (struct store_app_counts){.app = GW_STR("forum")};
    assert_ok(store_coverage_write(f->path, &written, &f->err), &f->err);
    assert_ok(store_coverage_read(f->path, &f->arena, &read, &f->err), &f->err);
    assert_int_equal(read.written_ms, 1700000000000);
    assert_int_equal(read.count, 2);
    assert_str_equal(read.apps[0].app, "wiki");
    assert_int_equal(read.apps[0].requests_unbound, 2);
    assert_true(read.apps[0].sign_ons_unbound == UINT64_MAX);
    assert_str_equal(read.apps[1].app, "forum");
}

fixture_test(a_broken_file_is_said)
{
    static const char *const texts[] = {"",
                                        "coverage-2 1\n",
                                        "coverage-1 1\nwiki 1 2 3 4 5\n",
                                        "coverage-1 1\nwiki 1 2 3 4 5 6 7\n",
                                        "coverage-1 1\nwiki 1 2 x 4 5 6\n",
                                        "coverage-1 1\n 1 2 3 4 5 6\n"};
    static struct store_coverage read;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        FILE *file = fopen(gw_arena_printf(&f->arena, "%s/coverage", f->path).ptr, "w");
        assert_non_null(file);
        assert_true(fputs(texts[i], file) >= 0);
        assert_int_equal(fclose(file), 0);
        if (store_coverage_read(f->path, &f->arena, &read, &f->err) != GW_E_STORE_DAMAGED)
            fail_msg("row %zu", i);
    }
}

fixture_test(users_and_sessions_are_counted_as_they_are_now)
{
    struct store_folder_counts counts;
    assert_ok(fixture_create(f, "alice@example.com", "").code, &f->err);
    assert_ok(fixture_sign_on(f, "alice@example.com", "a1").code, &f->err);
    assert_ok(fixture_sign_on(f, "alice@example.com", "a2").code, &f->err);
    assert_ok(fixture_sign_on(f, "bob@example.com", "b1").code, &f->err);
    assert_ok(fixture_create(f, "carol@example.com", "").code, &f->err);
    assert_ok(fixture_sign_on(f, "dave@example.com", "d1").code, &f->err);
    uint64_t seq = fixture_find(f, STORE_INDEX_USER_NAME, "dave@example.com");
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DEACTIVATE, seq)).code, &f->err);
    struct store_change *change = fixture_change(f, STORE_CHANGE_SESSION_MARK, 0);
    change->as.mark.digests[change->as.mark.count++] = fixture_digest(f, "a2");
    assert_ok(fixture_apply(f, change).code, &f->err);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_coverage_count(f->reader, f->folder, &counts, &f->err), &f->err);
    store_reader_end(f->reader);
    assert_int_equal(counts.users, 3);
    assert_int_equal(counts.users_bound, 2);
    assert_int_equal(counts.users_linked, 1);
    assert_int_equal(counts.sessions, 4);
    assert_int_equal(counts.sessions_alive, 3);
    assert_int_equal(counts.sessions_signed_out, 1);
}

fixture_test(the_advice_follows_the_share)
{
    static const struct {
        uint64_t bound, unbound;
        const char *advice;
    } rows[] = {
        {0, 0, "too few requests with a session (0)"},
        {999, 0, "too few"},
        {1000, 0, "unbound: refuse would have stopped nobody"},
        {99901, 99, "99 of 100000 requests with a session were of an unknown one, less than 1 %: unbound: reauth"},
        {9000, 1000, "10.0 % of the requests with a session were of an unknown one: leave unbound: pass"},
        {0, 5000, "100.0 %"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct store_app_counts counts = {.requests_bound = rows[i].bound, .requests_unbound = rows[i].unbound};
        struct gw_str advice = store_coverage_advice(&f->arena, &counts);
        if (strstr(gw_arena_cstr(&f->arena, advice), rows[i].advice) == NULL)
            fail_msg("row %zu: %.*s", i, GW_STR_ARG(advice));
    }
}

fixture_test(many_sign_ins_and_none_linked_is_a_warning)
{
    struct store_app_counts few = {.sign_ons_observed = 19};
    struct store_app_counts many = {.sign_ons_observed = 20};
    struct store_app_counts linked = {.sign_ons_observed = 2000, .sign_ons_linked = 1};
    assert_int_equal(store_coverage_unlinked(&f->arena, &few).len, 0);
    assert_int_equal(store_coverage_unlinked(&f->arena, &linked).len, 0);
    assert_true(gw_str_starts(store_coverage_unlinked(&f->arena, &many), GW_STR("20 sign-ins, none linked")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_read_as_they_were_written),
        cmocka_unit_test(a_broken_file_is_said),
        cmocka_unit_test(users_and_sessions_are_counted_as_they_are_now),
        cmocka_unit_test(the_advice_follows_the_share),
        cmocka_unit_test(many_sign_ins_and_none_linked_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
