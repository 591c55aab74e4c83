/* When credentials were used last. */
#include "tests/support/unit.h"

#include "config/token_use.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR(n) ((int64_t)(n)*TOKEN_USE_HOUR_MS)

static void a_use_is_known_to_the_hour_also_after_a_restart(void **state)
{
    (void)state;
    char *folder = unit_folder_new();
    struct token_use *use = token_use_new(folder);
    assert_int_equal(token_use_find(use, GW_STR("wiki"), GW_STR("okta")), 0);
    token_use_note(use, GW_STR("wiki"), GW_STR("okta"), HOUR(500000) + 1234567);
    token_use_note(use, GW_STR("wiki"), GW_STR("old"), HOUR(400000));
    token_use_note(use, GW_STR("shop"), GW_STR("okta"), HOUR(300000));
    token_use_note(use, GW_STR("wiki"), GW_STR("old"), HOUR(400001));
    assert_int_equal(token_use_find(use, GW_STR("wiki"), GW_STR("okta")), HOUR(500000));
    token_use_free(use);
    use = token_use_new(folder);
    assert_int_equal(token_use_find(use, GW_STR("wiki"), GW_STR("okta")), HOUR(500000));
    assert_int_equal(token_use_find(use, GW_STR("wiki"), GW_STR("old")), HOUR(400001));
    assert_int_equal(token_use_find(use, GW_STR("shop"), GW_STR("okta")), HOUR(300000));
    token_use_free(use);
    unit_folder_remove(folder);
}

static int64_t changed(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (int64_t)info.st_ino : 0;
}

static void it_is_written_rarely_and_only_when_something_is_new(void **state)
{
    (void)state;
    char *folder = unit_folder_new();
    char path[1300];
    (void)snprintf(path, sizeof path, "%s/" TOKEN_USE_FILE, folder);
    struct token_use *use = token_use_new(folder);
    token_use_save(use, 1000);
    assert_int_equal(changed(path), 0);
    token_use_note(use, GW_STR("wiki"), GW_STR("okta"), HOUR(1));
    token_use_save(use, 1000);
    assert_int_not_equal(changed(path), 0);
    assert_int_equal(unlink(path), 0);
    token_use_note(use, GW_STR("wiki"), GW_STR("okta"), HOUR(1) + 5000);
    token_use_save(use, 1000 + TOKEN_USE_SAVE_MS);
    assert_int_equal(changed(path), 0); /* the same hour */
    token_use_note(use, GW_STR("wiki"), GW_STR("okta"), HOUR(2));
    token_use_save(use, 1000 + TOKEN_USE_SAVE_MS - 1);
    assert_int_equal(changed(path), 0);
    token_use_save(use, 1000 + TOKEN_USE_SAVE_MS);
    assert_int_not_equal(changed(path), 0);
    token_use_free(use);
    unit_folder_remove(folder);
}

static void what_cannot_be_read_or_written_is_no_error(void **state)
{
    (void)state;
    char *folder = unit_folder_new();
    char path[1300];
    (void)snprintf(path, sizeof path, "%s/" TOKEN_USE_FILE, folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("wiki okta yesterday\n\nwiki\n  \nwiki b/d 2026-11-21T22:00:00.000Z\n"
                      "wiki good 2026-11-21T22:00:00.000Z\n\xff",
                      file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct token_use *use = token_use_new(folder);
    assert_int_equal(token_use_find(use, GW_STR("wiki"), GW_STR("okta")), 0);
    assert_int_not_equal(token_use_find(use, GW_STR("wiki"), GW_STR("good")), 0);
    token_use_free(use);
    use = token_use_new("/nonexistent/folder");
    token_use_note(use, GW_STR("wiki"), GW_STR("okta"), HOUR(1));
    token_use_save(use, 1);
    token_use_free(use);
    unit_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_use_is_known_to_the_hour_also_after_a_restart),
        cmocka_unit_test(it_is_written_rarely_and_only_when_something_is_new),
        cmocka_unit_test(what_cannot_be_read_or_written_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
