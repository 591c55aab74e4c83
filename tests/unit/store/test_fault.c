/* Reads that the disk does not answer: what LMDB maps is cut off under it, as a device that fails does (H8). */
#include "tests/unit/store/fixture.h"

#include "store/backup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define USERS 300u
#define MANY_USERS 15000u /* more than a copy is ahead of what it has written */
#define META_BYTES 8192

static void cut_file(const struct fixture *f)
{
    char file[512];
    (void)snprintf(file, sizeof file, "%s/data.mdb", f->path);
    assert_int_equal(truncate(file, META_BYTES), 0);
}

static void h8_a_page_that_cannot_be_read_is_an_error(void **state)
{
    struct fixture f;
    struct store_user user;
    struct store_session session;
    uint64_t count = 0;
    (void)state;
    fixture_init(&f);
    fixture_fill(&f, USERS);
    fixture_close(&f);
    fixture_open(&f);
    struct store_session_digest digest = fixture_digest(&f, "cookie");
    cut_file(&f);
    for (int i = 0; i < 3; i++) {
        assert_ok(store_reader_begin(f.reader, &f.err), &f.err);
        assert_code(store_user_get(f.reader, &f.arena, f.folder, 7, &user, &f.err), GW_E_STORE_IO, &f.err);
        assert_code(store_users_count(f.reader, f.folder, &count, &f.err), GW_E_STORE_IO, &f.err);
        assert_int_equal(store_session_get(f.reader, &digest, &session), GW_E_STORE_IO);
        store_reader_end(f.reader);
        assert_code(fixture_create(&f, "late@x", "").code, GW_E_STORE_IO, &f.err);
    }
    fixture_close(&f);
    gw_arena_done(&f.arena);
    unit_folder_remove(f.path);
}

static void h8_a_bus_error_from_elsewhere_ends_the_process(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = memfd_create("nothing", MFD_CLOEXEC);
        const volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
        _exit(page[0]);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
    fixture_done(&f);
}

static void on_copied(uint64_t done, uint64_t total, void *data)
{
    (void)done;
    (void)total;
    cut_file(data);
}

static void back_up(struct fixture *f, const char *to)
{
    const struct store_backup_watch watch = {.on_copied = on_copied, .data = f};
    uint64_t bytes = 0;
    if (store_backup(f->store, to, &watch, &bytes, &f->err) != GW_OK)
        _exit(2);
    _exit(0);
}

static void h8_a_backup_ends_with_a_word_about_a_page_that_cannot_be_read(void **state)
{
    struct fixture f;
    char said[256] = "";
    int ends[2];
    int status = 0;
    (void)state;
    fixture_init(&f);
    fixture_fill(&f, MANY_USERS);
    fixture_close(&f);
    char *to = unit_folder_new();
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        fixture_open(&f);
        (void)dup2(ends[1], STDERR_FILENO);
        back_up(&f, to);
    }
    (void)close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_true(read(ends[0], said, sizeof said - 1) > 0);
    assert_non_null(strstr(said, "the disk does not give a page of the store: nothing was copied"));
    (void)close(ends[0]);
    unit_folder_remove(to);
    gw_arena_done(&f.arena);
    unit_folder_remove(f.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h8_a_page_that_cannot_be_read_is_an_error),
        cmocka_unit_test(h8_a_backup_ends_with_a_word_about_a_page_that_cannot_be_read),
        cmocka_unit_test(h8_a_bus_error_from_elsewhere_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
