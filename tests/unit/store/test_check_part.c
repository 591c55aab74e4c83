/* The full scan a part at a time: beside changes, and over damage. */
#include "tests/unit/store/fixture.h"

#include <fcntl.h>

#define USERS 200u
#define PARTS_MAX 10000u
#define MARK "a-text-that-is-nowhere-else"

static enum gw_code scan_all(struct fixture *f, unsigned records, struct store_check_place *ret_place,
                             void (*between)(struct fixture *f, unsigned part))
{
    *ret_place = (struct store_check_place){.table = 0};
    enum gw_code code = GW_OK;
    for (unsigned part = 0; code == GW_OK && !ret_place->is_done; part++) {
        uint64_t before = ret_place->done;
        assert_true(part < PARTS_MAX);
        code = store_check_part(f->store, ret_place, records, &f->err);
        assert_true(ret_place->done - before <= records);
        if (between != NULL)
            between(f, part);
    }
    return code;
}

fixture_test(every_record_is_read_once_whatever_the_size_of_a_part)
{
    static const unsigned sizes[] = {1, 7, 512, 1000000};
    fixture_fill(f, USERS);
    (void)fixture_sign_on(f, "observed@x", "cookie");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct store_check_place place;
        assert_ok(scan_all(f, sizes[i], &place, NULL), &f->err);
        assert_true(place.total > 3 * USERS);
        assert_int_equal(place.done, place.total);
    }
}

static void change_something(struct fixture *f, unsigned part)
{
    char name[32];
    (void)snprintf(name, sizeof name, "late%u@example.com", part);
    if (part % 8 == 0)
        assert_ok(fixture_create(f, name, "").code, &f->err);
    if (part % 8 == 4 && part / 8 < USERS)
        assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, 1 + part / 8)).code, &f->err);
}

fixture_test(changes_between_the_parts_are_no_damage)
{
    struct store_check_place place;
    fixture_fill(f, USERS);
    assert_ok(scan_all(f, 16, &place, change_something), &f->err);
    assert_true(place.done > 3 * USERS);
}

/* In every copy of it. */
static void spoil_mark(const struct fixture *f)
{
    GW_ARENA_SCOPED(arena);
    int fd = open(gw_arena_printf(&arena, "%s/data.mdb", f->path).ptr, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    off_t size = lseek(fd, 0, SEEK_END);
    char *bytes = gw_arena_alloc(&arena, (size_t)size);
    assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
    size_t spoilt = 0;
    for (off_t at = 0; at + (off_t)strlen(MARK) <= size; at++) {
        if (memcmp(bytes + at, MARK, strlen(MARK)) != 0)
            continue;
        assert_int_equal(pwrite(fd, "~", 1, at), 1);
        spoilt++;
    }
    close(fd);
    assert_true(spoilt > 0);
}

static void damage_is_found_and_names_the_table(void **state)
{
    struct fixture f;
    struct store_check_place place;
    (void)state;
    fixture_init(&f);
    fixture_fill(&f, USERS);
    struct store_user_draft draft = fixture_draft("marked@x", "", true);
    draft.attributes = GW_STR("{\"title\":\"" MARK "\"}");
    assert_ok(fixture_apply(&f, fixture_create_change(&f, draft)).code, &f.err);
    assert_ok(scan_all(&f, 16, &place, NULL), &f.err);
    spoil_mark(&f);
    assert_code(scan_all(&f, 16, &place, NULL), GW_E_STORE_DAMAGED, &f.err);
    assert_non_null(strstr(f.err.text, "users"));
    assert_false(place.is_done);
    fixture_close(&f);
    gw_arena_done(&f.arena);
    unit_folder_remove(f.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_is_read_once_whatever_the_size_of_a_part),
        cmocka_unit_test(changes_between_the_parts_are_no_damage),
        cmocka_unit_test(damage_is_found_and_names_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
