/* The file that lets the guard rest: written whole, believed only when it is as it was written. */
#include "tests/support/unit.h"

#include "store/guard_off.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_MS 1700000000000ll
#define HOUR_MS 3600000ll

struct place {
    char *folder;
    char path[1024];
    struct gw_arena arena;
    struct store_guard_offs offs;
};

static int set_up(void **state)
{
    struct place *place = gw_alloc(sizeof *place);
    place->folder = unit_folder_new();
    (void)snprintf(place->path, sizeof place->path, "%s/guard-off", place->folder);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    gw_arena_done(&place->arena);
    unit_folder_remove(place->folder);
    free(place);
    return 0;
}

static struct store_guard_off off_for(const char *app, int64_t since_ms, int64_t until_ms)
{
    return (struct store_guard_off){since_ms, until_ms, gw_str_from(app), GW_STR("operator:root"),
                                    GW_STR("wrong import, ticket 7")};
}

static void write_offs(struct place *place, const struct store_guard_off *list, size_t count)
{
    struct gw_error err;
    place->offs.count = count;
    for (size_t i = 0; i < count; i++)
        place->offs.list[i] = list[i];
    assert_int_equal(store_guard_offs_write(place->folder, &place->offs, &err), GW_OK);
    place->offs.count = 77;
}

static enum gw_code read_offs(struct place *place)
{
    struct gw_error err;
    return store_guard_offs_read(place->folder, &place->arena, &place->offs, &err);
}

static void without_a_file_the_guard_rests_for_nobody(void **state)
{
    struct place *place = *state;
    assert_int_equal(read_offs(place), GW_OK);
    assert_int_equal(place->offs.count, 0);
    assert_null(store_guard_off_find(&place->offs, GW_STR("wiki"), NOW_MS));
}

static void what_was_written_is_read_and_none_takes_the_file_away(void **state)
{
    struct place *place = *state;
    struct store_guard_off list[] = {off_for("wiki", NOW_MS, NOW_MS + HOUR_MS),
                                     off_for("", NOW_MS, NOW_MS + 2 * HOUR_MS)};
    struct stat info;
    write_offs(place, list, 2);
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(read_offs(place), GW_OK);
    assert_int_equal(place->offs.count, 2);
    assert_str_equal(place->offs.list[0].app, "wiki");
    assert_str_equal(place->offs.list[0].actor, "operator:root");
    assert_str_equal(place->offs.list[0].reason, "wrong import, ticket 7");
    assert_int_equal(place->offs.list[1].app.len, 0);
    assert_int_equal(place->offs.list[1].until_ms, NOW_MS + 2 * HOUR_MS);
    write_offs(place, list, 0);
    assert_int_not_equal(stat(place->path, &info), 0);
    assert_int_equal(read_offs(place), GW_OK);
}

static void it_rests_for_the_app_and_the_time_that_were_named(void **state)
{
    struct place *place = *state;
    place->offs.list[0] = off_for("wiki", NOW_MS, NOW_MS + HOUR_MS);
    place->offs.count = 1;
    assert_non_null(store_guard_off_find(&place->offs, GW_STR("wiki"), NOW_MS));
    assert_non_null(store_guard_off_find(&place->offs, GW_STR("wiki"), NOW_MS + HOUR_MS - 1));
    assert_null(store_guard_off_find(&place->offs, GW_STR("wiki"), NOW_MS + HOUR_MS));
    assert_null(store_guard_off_find(&place->offs, GW_STR("wiki"), NOW_MS - HOUR_MS));
    assert_null(store_guard_off_find(&place->offs, GW_STR("forum"), NOW_MS));
    place->offs.list[1] = off_for("", NOW_MS, NOW_MS + 2 * HOUR_MS);
    place->offs.count = 2;
    assert_int_equal(store_guard_off_find(&place->offs, GW_STR("wiki"), NOW_MS)->until_ms, NOW_MS + 2 * HOUR_MS);
    assert_non_null(store_guard_off_find(&place->offs, GW_STR("forum"), NOW_MS));
}

static void put_text(struct place *place, struct gw_str text, mode_t mode)
{
    (void)unlink(place->path);
    FILE *file = fopen(place->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(place->path, mode), 0);
}

#define HEAD "provgate guard-off 1\n"
#define GOOD "1700000000000\t1700003600000\twiki\toperator:root\ttest\n"

static void what_is_not_as_it_is_written_is_not_believed(void **state)
{
    static const struct {
        const char *text;
        mode_t mode;
        enum gw_code code;
    } rows[] = {
        {HEAD GOOD, 0600, GW_OK},
        {HEAD, 0600, GW_OK},
        {"", 0600, GW_E_STORE_DAMAGED},
        {HEAD GOOD, 0644, GW_E_STORE_DAMAGED},
        {HEAD GOOD, 0620, GW_E_STORE_DAMAGED},
        {"provgate guard-off 2\n" GOOD, 0600, GW_E_STORE_DAMAGED},
        {GOOD, 0600, GW_E_STORE_DAMAGED},
        {HEAD "1700000000000\t1700003600000\twiki\toperator:root\ttest", 0600, GW_E_STORE_DAMAGED}, /* cut off */
        {HEAD "1700000000000\t1700003600000\twiki\toperator:root\n", 0600, GW_E_STORE_DAMAGED},
        {HEAD "1700000000000\t1700003600000\t\toperator:root\ttest\n", 0600, GW_E_STORE_DAMAGED},
        {HEAD "1700000000000\t1700086400001\twiki\toperator:root\ttest\n", 0600, GW_E_STORE_DAMAGED}, /* over 24 h */
        {HEAD "1700003600000\t1700000000000\twiki\toperator:root\ttest\n", 0600, GW_E_STORE_DAMAGED},
        {HEAD "-1\t1700000000000\twiki\toperator:root\ttest\n", 0600, GW_E_STORE_DAMAGED},
        {HEAD GOOD "\n", 0600, GW_E_STORE_DAMAGED},
        {HEAD "1700000000000\t1700003600000\twiki\toperator:root\ta\x1b[2J\n", 0600, GW_E_STORE_DAMAGED},
    };
    struct place *place = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_text(place, gw_str_from(rows[i].text), rows[i].mode);
        if (read_offs(place) != rows[i].code)
            fail_msg("row %zu", i);
        if (rows[i].code != GW_OK)
            assert_int_equal(place->offs.count, 0);
    }
}

static void a_link_a_folder_and_too_much_are_not_believed(void **state)
{
    struct place *place = *state;
    char target[1100];
    (void)snprintf(target, sizeof target, "%s.target", place->path);
    put_text(place, GW_STR(HEAD GOOD), 0600);
    assert_int_equal(rename(place->path, target), 0);
    assert_int_equal(symlink(target, place->path), 0);
    assert_int_equal(read_offs(place), GW_E_STORE_DAMAGED);
    assert_int_equal(unlink(place->path), 0);
    assert_int_equal(mkdir(place->path, 0700), 0);
    assert_int_equal(read_offs(place), GW_E_STORE_DAMAGED);
    assert_int_equal(rmdir(place->path), 0);
    char *large = gw_alloc(STORE_GUARD_OFF_BYTES_MAX);
    memset(large, '\n', STORE_GUARD_OFF_BYTES_MAX);
    put_text(place, gw_str_n(large, STORE_GUARD_OFF_BYTES_MAX), 0600);
    assert_int_equal(read_offs(place), GW_E_STORE_DAMAGED);
    free(large);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(without_a_file_the_guard_rests_for_nobody),
        CASE(what_was_written_is_read_and_none_takes_the_file_away),
        CASE(it_rests_for_the_app_and_the_time_that_were_named),
        CASE(what_is_not_as_it_is_written_is_not_believed),
        CASE(a_link_a_folder_and_too_much_are_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
