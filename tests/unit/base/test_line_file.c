/* The file of lines: what is added arrives in order, also over a rotation; what has no room is counted. */
#include "tests/support/unit.h"

#include "gateway/base/arena.h"
#include "gateway/base/line_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

struct place {
    char *folder;
    char path[512];
    char moved[512];
};

static int set_up(void **state)
{
    struct place *place = gw_alloc(sizeof *place);
    place->folder = unit_folder_new();
    (void)snprintf(place->path, sizeof place->path, "%s/access.log", place->folder);
    (void)snprintf(place->moved, sizeof place->moved, "%s/access.log.1", place->folder);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    unit_folder_remove(place->folder);
    free(place);
    return 0;
}

/* Lines "N\n" of the file, which continue from `next`; the number of the one that would come then. */
static unsigned lines_from(const char *path, unsigned next)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return next;
    unsigned number;
    while (fscanf(file, "%u\n", &number) == 1)
        assert_int_equal(number, next++);
    (void)fclose(file);
    return next;
}

static void add_number(struct gw_line_file *file, unsigned number)
{
    char line[16];
    int len = snprintf(line, sizeof line, "%u\n", number);
    while (!gw_line_file_add(file, gw_str_n(line, (size_t)len)))
        continue;
}

static void lines_arrive_in_order_and_at_the_end_all_are_there(void **state)
{
    struct place *place = *state;
    struct gw_line_file *file = NULL;
    struct gw_error err;
    assert_int_equal(gw_line_file_new(place->path, &file, &err), GW_OK);
    for (unsigned i = 0; i < 400000; i++)
        add_number(file, i);
    gw_line_file_free(file);
    assert_int_equal(lines_from(place->path, 0), 400000);
    struct stat info;
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_mode & 07, 0); /* it holds addresses of people */
}

/* Until the new file is begun, lines still go to the old one: together they are all. */
static void a_renamed_file_is_begun_anew_without_losing_a_line(void **state)
{
    struct place *place = *state;
    struct gw_line_file *file = NULL;
    struct gw_error err;
    struct stat info;
    assert_int_equal(gw_line_file_new(place->path, &file, &err), GW_OK);
    unsigned count = 0;
    while (count < 1000)
        add_number(file, count++);
    assert_int_equal(rename(place->path, place->moved), 0);
    while (stat(place->path, &info) != 0) {
        static const struct timespec pause = {.tv_nsec = 1000000};
        add_number(file, count++);
        (void)nanosleep(&pause, NULL);
    }
    for (unsigned i = 0; i < 1000; i++)
        add_number(file, count++);
    gw_line_file_free(file);
    assert_int_equal(lines_from(place->path, lines_from(place->moved, 0)), count);
}

static void what_has_no_room_is_counted_and_nobody_waits(void **state)
{
    struct place *place = *state;
    struct gw_line_file *file = NULL;
    struct gw_error err;
    assert_int_equal(gw_line_file_new("/dev/full", &file, &err), GW_OK);
    char *line = gw_alloc(GW_LINE_FILE_LINE_BYTES_MAX + 1);
    memset(line, 'a', GW_LINE_FILE_LINE_BYTES_MAX + 1);
    assert_false(gw_line_file_add(file, gw_str_n(line, GW_LINE_FILE_LINE_BYTES_MAX + 1)));
    assert_int_equal(gw_line_file_dropped(file), 1);
    assert_true(gw_line_file_add(file, GW_STR("x\n"))); /* taken, and then the disk is full */
    static const struct timespec pause = {.tv_nsec = 1000000};
    while (gw_line_file_dropped(file) < 2)
        (void)nanosleep(&pause, NULL);
    gw_line_file_free(file);
    free(line);
    (void)place;
}

static void a_file_that_cannot_be_made_is_said(void **state)
{
    (void)state;
    struct gw_line_file *file = NULL;
    struct gw_error err;
    assert_int_equal(gw_line_file_new("/proc/no/such/file", &file, &err), GW_E_CONFIG);
    assert_non_null(strstr(err.text, "/proc/no/such/file cannot be written"));
    assert_null(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_arrive_in_order_and_at_the_end_all_are_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_renamed_file_is_begun_anew_without_losing_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_no_room_is_counted_and_nobody_waits, set_up, tear_down),
        cmocka_unit_test(a_file_that_cannot_be_made_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
