/* Reads that the disk does not answer: what LMDB maps is cut off under it, as a device that fails does (H8). */
#include "tests/unit/store/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define USERS 300u
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h8_a_page_that_cannot_be_read_is_an_error),
        cmocka_unit_test(h8_a_bus_error_from_elsewhere_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
