/* Pages, positions and totals: semantics.md 4. */
#include "tests/unit/store/fixture.h"

#define USERS 2600 /* three blocks */
#define PAGE 100

struct page {
    uint64_t seqs[PAGE];
    size_t count;
};

static bool on_user(const struct store_user *user, void *data)
{
    struct page *page = data;
    page->seqs[page->count++] = user->seq;
    return page->count < PAGE;
}

static struct page read_page(struct fixture *f, uint64_t position, uint64_t count)
{
    struct page page = {.count = 0};
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_users_page(f->reader, f->folder, position, count, on_user, &page, &f->err), &f->err);
    store_reader_end(f->reader);
    return page;
}

static void assert_page(struct fixture *f, uint64_t position, uint64_t count, uint64_t first, uint64_t last)
{
    struct page page = read_page(f, position, count);
    assert_true(page.count > 0);
    assert_int_equal(page.seqs[0], first);
    assert_int_equal(page.seqs[page.count - 1], last);
}

static void delete_range(struct fixture *f, uint64_t from, uint64_t to)
{
    struct fixture_fill fill = {.failed = 0};
    for (uint64_t seq = from; seq < to; seq++) {
        struct store_change *change = fixture_change(f, STORE_CHANGE_USER_DELETE, seq);
        change->owner = &fill;
        change->on_done = fixture_on_done;
        assert_ok(store_writer_submit(f->writer, change, &f->err), &f->err);
    }
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, to)).code, &f->err);
    assert_int_equal(atomic_load(&fill.failed), 0);
}

fixture_test(any_position_is_found_and_only_tombstones_shift_it)
{
    fixture_fill(f, USERS);
    assert_int_equal(fixture_count(f), USERS);
    assert_page(f, 0, PAGE, 1, PAGE);
    assert_page(f, 1000, PAGE, 1001, 1100);
    assert_page(f, 1023, 2, 1024, 1025);
    assert_page(f, USERS - 1, PAGE, USERS, USERS);
    assert_int_equal(read_page(f, USERS, PAGE).count, 0);
    assert_int_equal(read_page(f, UINT64_MAX, PAGE).count, 0);
    assert_int_equal(read_page(f, 0, 0).count, 0);

    struct store_user user = fixture_user(f, 5);
    struct store_user_draft draft = {.user_name = user.user_name, .attributes = user.attributes, .active = false};
    assert_ok(fixture_replace(f, 5, 1, draft).code, &f->err);
    assert_page(f, 1000, 1, 1001, 1001);

    delete_range(f, 3, 3);
    assert_page(f, 0, 3, 1, 4);
    assert_page(f, 1000, 1, 1002, 1002);
    delete_range(f, 1000, 2100); /* a whole block and more */
    assert_int_equal(fixture_count(f), USERS - 1102);
    assert_page(f, 990, PAGE, 992, 2192);
    assert_page(f, 998, 1, 2101, 2101);
    delete_range(f, 2101, USERS);
    assert_page(f, 990, PAGE, 992, 999);
    assert_int_equal(read_page(f, 998, PAGE).count, 0);
    assert_int_equal(fixture_create(f, "last", "").seq, USERS + 1);
    assert_page(f, 998, PAGE, USERS + 1, USERS + 1);
}

fixture_test(a_scan_starts_anywhere_and_leaves_deleted_users_out)
{
    struct page page = {.count = 0};
    fixture_fill(f, 10);
    delete_range(f, 4, 6);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_users_scan(f->reader, f->folder, 3, on_user, &page, &f->err), &f->err);
    store_reader_end(f->reader);
    static const uint64_t expected[] = {3, 7, 8, 9, 10};
    assert_int_equal(page.count, 5);
    assert_memory_equal(page.seqs, expected, sizeof expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_position_is_found_and_only_tombstones_shift_it),
        cmocka_unit_test(a_scan_starts_anywhere_and_leaves_deleted_users_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
