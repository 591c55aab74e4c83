/* `provgate backup` and `restore`: the same users, sessions and ids; nothing overwritten; nothing damaged accepted. */
#include "tests/unit/command/ground.h"

#include "store/backup.h"

#define USERS 500u

static void prepare(struct ground *g)
{
    ground_open(g);
    fixture_fill(&g->f, USERS);
    assert_int_equal(fixture_sign_on(&g->f, "user7@example.com", "cookie7").code, GW_OK);
    ground_close(g);
}

static const char *words(struct ground *g, const char *option, const char *name)
{
    return gw_arena_printf(&g->arena, "%s %s", option, ground_path(g, name)).ptr;
}

static mode_t mode_of(struct ground *g, const char *name)
{
    struct stat info;
    assert_int_equal(lstat(ground_path(g, name), &info), 0);
    return info.st_mode & 0777;
}

ground_test(a_restored_backup_has_the_same_users_ids_and_sessions)
{
    prepare(g);
    assert_run(g, &command_user, "list --app wiki --count 0 --json", COMMAND_DONE);
    struct gw_str before = g->out;
    assert_run(g, &command_backup, words(g, "--to", "copy"), COMMAND_DONE);
    assert_has(g->out, "500 users, 1 sessions");
    ground_configure(g, "restored");
    assert_run(g, &command_restore, gw_arena_printf(&g->arena, "--json --from %s", ground_path(g, "copy")).ptr,
               COMMAND_DONE);
    assert_has(g->out, "\"users\":500,\"sessions\":1,");
    struct stat info;
    assert_int_equal(lstat(ground_path(g, "restored/lock.mdb"), &info), -1);
    assert_run(g, &command_user, "list --app wiki --count 0 --json", COMMAND_DONE);
    assert_true(gw_str_eq(before, g->out));
    assert_has(before, "\"userName\":\"user499@example.com\"");
    g->f.path = (char *)(uintptr_t)ground_path(g, "restored");
    ground_open(g);
    assert_int_equal(fixture_guard(&g->f, "cookie7"), VERDICT_ALIVE);
    assert_int_equal(fixture_count(&g->f), USERS);
    ground_close(g);
}

ground_test(ids_that_were_given_out_after_the_backup_are_not_given_again)
{
    prepare(g);
    assert_run(g, &command_backup, words(g, "--to", "copy"), COMMAND_DONE);
    ground_open(g);
    uint64_t lost = fixture_create(&g->f, "later@example.com", "").seq;
    ground_close(g);
    ground_configure(g, "restored");
    assert_run(g, &command_restore, words(g, "--from", "copy"), COMMAND_DONE);
    g->f.path = (char *)(uintptr_t)ground_path(g, "restored");
    ground_open(g);
    assert_int_equal(fixture_create(&g->f, "other@example.com", "").seq, lost + STORE_RESTORE_SKIP);
    assert_int_equal(fixture_find(&g->f, STORE_INDEX_USER_NAME, "user499@example.com"), USERS);
    ground_close(g);
}

ground_test(a_backup_is_private_and_complete)
{
    prepare(g);
    assert_run(g, &command_backup, words(g, "--to", "copy"), COMMAND_DONE);
    assert_int_equal(mode_of(g, "copy"), 0700);
    assert_int_equal(mode_of(g, "copy/data.mdb"), 0600);
    assert_int_equal(mode_of(g, "copy/store.key"), 0600);
    struct stat info;
    assert_int_equal(lstat(ground_path(g, "copy/lock.mdb"), &info), -1);
    assert_int_equal(lstat(ground_path(g, "copy/data.mdb.part"), &info), -1);
    assert_run(g, &command_backup, gw_arena_printf(&g->arena, "--json --to %s", ground_path(g, "second")).ptr,
               COMMAND_DONE);
    assert_has(g->out, "\"users\":500,\"sessions\":1,");
}

ground_test(nothing_is_overwritten)
{
    prepare(g);
    assert_run(g, &command_backup, words(g, "--to", "copy"), COMMAND_DONE);
    assert_run(g, &command_backup, words(g, "--to", "copy"), COMMAND_FAILED);
    assert_has(g->err, "there is a store in");
    assert_run(g, &command_restore, words(g, "--from", "copy"), COMMAND_FAILED);
    assert_has(g->err, "there is a store in");
    assert_int_equal(mkdir(ground_path(g, "full"), 0700), 0);
    ground_write(ground_path(g, "full/file"), GW_STR("x"));
    assert_run(g, &command_backup, words(g, "--to", "full"), COMMAND_FAILED);
    assert_str_equal(ground_read(g, ground_path(g, "full/file")), "x");
}

ground_test(a_backup_is_not_made_in_the_folder_of_the_store)
{
    static const char *const places[] = {"store/copy", "store/.provgate-init", "link/copy"};
    struct stat info;
    prepare(g);
    assert_int_equal(symlink(ground_path(g, "store"), ground_path(g, "link")), 0);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        assert_run(g, &command_backup, words(g, "--to", places[i]), COMMAND_FAILED);
        assert_has(g->err, "is in the store's folder");
        assert_int_equal(lstat(ground_path(g, places[i]), &info), -1);
    }
    assert_run(g, &command_backup, words(g, "--to", "store-copy"), COMMAND_DONE);
}

/* ext4 makes it at the top of each file system. */
ground_test(a_file_system_of_its_own_is_empty_though_it_has_lost_and_found)
{
    struct stat info;
    prepare(g);
    assert_int_equal(mkdir(ground_path(g, "copy"), 0700), 0);
    assert_int_equal(mkdir(ground_path(g, "copy/lost+found"), 0700), 0);
    assert_int_equal(mkdir(ground_path(g, "restored"), 0700), 0);
    assert_int_equal(mkdir(ground_path(g, "restored/lost+found"), 0700), 0);
    assert_run(g, &command_backup, words(g, "--to", "copy"), COMMAND_DONE);
    ground_configure(g, "restored");
    assert_run(g, &command_restore, words(g, "--from", "copy"), COMMAND_DONE);
    assert_run(g, &command_user, "list --app wiki --count 0", COMMAND_DONE);
    assert_has(g->out, "user499@example.com");
    assert_int_equal(lstat(ground_path(g, "restored/lost+found"), &info), 0);
}

/* What a copy leaves that was killed, at whatever step before its files were moved. */
static void leave_a_part(struct ground *g, const char *to)
{
    assert_int_equal(mkdir(ground_path(g, to), 0700), 0);
    const char *workshop = gw_arena_printf(&g->arena, "%s/.provgate-init", to).ptr;
    assert_int_equal(mkdir(ground_path(g, workshop), 0700), 0);
    static const char *const names[] = {"store.key", "data.mdb", "lock.mdb", "prov.lock", "tool.lock"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ground_write(ground_path(g, gw_arena_printf(&g->arena, "%s/%s", workshop, names[i]).ptr), GW_STR("part"));
}

ground_test(a_copy_that_was_interrupted_is_no_store_and_is_begun_again)
{
    struct stat info;
    prepare(g);
    leave_a_part(g, "copy");
    leave_a_part(g, "restored");
    assert_run(g, &command_restore, words(g, "--from", "copy"), COMMAND_FAILED);
    assert_run(g, &command_backup, words(g, "--to", "copy"), COMMAND_DONE);
    assert_int_equal(lstat(ground_path(g, "copy/.provgate-init"), &info), -1);
    ground_configure(g, "restored");
    assert_run(g, &command_user, "list --app wiki", COMMAND_FAILED);
    assert_has(g->err, "there is no store in");
    assert_has(g->err, "was interrupted, run it again");
    assert_run(g, &command_restore, words(g, "--from", "copy"), COMMAND_DONE);
    assert_int_equal(lstat(ground_path(g, "restored/.provgate-init"), &info), -1);
    assert_run(g, &command_user, "list --app wiki --count 0", COMMAND_DONE);
    assert_has(g->out, "user499@example.com");
}

ground_test(a_damaged_backup_is_refused_and_leaves_nothing)
{
    prepare(g);
    assert_run(g, &command_backup, words(g, "--to", "copy"), COMMAND_DONE);
    struct gw_str data = ground_read(g, ground_path(g, "copy/data.mdb"));
    char *bytes = (char *)(uintptr_t)data.ptr;
    char *name = memmem(bytes, data.len, "user250@", 8);
    assert_non_null(name);
    for (; name != NULL; name = memmem(name, data.len - (size_t)(name - bytes), "user250@", 8))
        name[4] = '9';
    ground_write(ground_path(g, "copy/data.mdb"), data);
    ground_configure(g, "restored");
    assert_run(g, &command_restore, words(g, "--from", "copy"), COMMAND_FAILED);
    struct stat info;
    assert_int_equal(lstat(ground_path(g, "restored"), &info), -1);
}

ground_test(a_backup_without_its_key_file_is_refused)
{
    prepare(g);
    assert_run(g, &command_backup, words(g, "--to", "copy"), COMMAND_DONE);
    assert_int_equal(unlink(ground_path(g, "copy/store.key")), 0);
    ground_configure(g, "restored");
    assert_run(g, &command_restore, words(g, "--from", "copy"), COMMAND_FAILED);
    assert_has(g->err, "store.key");
}

ground_test(what_cannot_be_meant_is_a_usage_error)
{
    assert_run(g, &command_backup, "", COMMAND_WRONG);
    assert_run(g, &command_backup, "somewhere", COMMAND_WRONG);
    assert_run(g, &command_restore, "", COMMAND_WRONG);
    assert_run(g, &command_restore, words(g, "--from", "nowhere"), COMMAND_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restored_backup_has_the_same_users_ids_and_sessions),
        cmocka_unit_test(ids_that_were_given_out_after_the_backup_are_not_given_again),
        cmocka_unit_test(a_backup_is_private_and_complete),
        cmocka_unit_test(nothing_is_overwritten),
        cmocka_unit_test(a_backup_is_not_made_in_the_folder_of_the_store),
        cmocka_unit_test(a_file_system_of_its_own_is_empty_though_it_has_lost_and_found),
        cmocka_unit_test(a_copy_that_was_interrupted_is_no_store_and_is_begun_again),
        cmocka_unit_test(a_damaged_backup_is_refused_and_leaves_nothing),
        cmocka_unit_test(a_backup_without_its_key_file_is_refused),
        cmocka_unit_test(what_cannot_be_meant_is_a_usage_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
