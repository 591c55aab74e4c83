/* Failing syncs and full disks: security.md H5 to H7. LMDB calls write and sync through the dynamic linker, so this
 * program's own come first. */
#include "tests/unit/store/fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/uio.h>

/* What the next calls do; 0: as always. The writer's thread reads them. */
static _Atomic int sync_error;
static _Atomic int write_error;
static _Atomic int writes_before_error;

int fdatasync(int fd);
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t writev(int fd, const struct iovec *parts, int count);

int fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    int error = atomic_load(&sync_error);
    if (error == 0)
        return real(fd);
    errno = error;
    return -1;
}

static bool is_failing(void)
{
    int error = atomic_load(&write_error);
    if (error == 0 || atomic_fetch_sub(&writes_before_error, 1) > 0)
        return false;
    errno = error;
    return true;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite");
    return is_failing() ? -1 : real(fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    static ssize_t (*real)(int, const struct iovec *, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "writev");
    return is_failing() ? -1 : real(fd, parts, count);
}

static void reopen(struct fixture *f)
{
    fixture_close(f);
    fixture_open(f);
}

fixture_test(h6_after_a_failed_sync_the_store_is_read_only_until_restart)
{
    struct store_writer_stats stats;
    fixture_create(f, "alice@x", "");
    atomic_store(&sync_error, EIO);
    assert_code(fixture_create(f, "bob@x", "").code, GW_E_STORE_IO, &f->err);
    atomic_store(&sync_error, 0);
    assert_code(fixture_create(f, "carol@x", "").code, GW_E_STORE_READ_ONLY, &f->err);
    store_writer_stats_read(f->writer, &stats);
    assert_true(stats.is_read_only);
    assert_int_equal(fixture_count(f), 1);
    reopen(f);
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, "bob@x"), 0);
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, "alice@x"), 1);
    assert_ok(fixture_create(f, "carol@x", "").code, &f->err);
}

fixture_test(h5_a_full_disk_refuses_and_heals_without_restart)
{
    fixture_create(f, "alice@x", "");
    atomic_store(&writes_before_error, 0);
    atomic_store(&write_error, ENOSPC);
    for (int i = 0; i < 3; i++) {
        assert_code(fixture_create(f, "bob@x", "").code, GW_E_STORE_FULL, &f->err);
        assert_int_equal(gw_code_status(f->err.code), 429);
    }
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, "alice@x"), 1);
    atomic_store(&write_error, 0);
    assert_ok(fixture_create(f, "bob@x", "").code, &f->err);
    reopen(f);
    assert_int_equal(fixture_count(f), 2);
}

/* Each write of a commit fails once: what was refused is not there, also not after a restart. */
static void check_failing_write(int nth, int error)
{
    struct fixture f;
    fixture_init(&f);
    fixture_create(&f, "alice@x", "");
    atomic_store(&writes_before_error, nth);
    atomic_store(&write_error, error);
    enum gw_code code = fixture_create(&f, "bob@x", "").code;
    atomic_store(&write_error, 0);
    reopen(&f);
    assert_int_equal(fixture_find(&f, STORE_INDEX_USER_NAME, "bob@x") != 0, code == GW_OK);
    assert_int_equal(fixture_find(&f, STORE_INDEX_USER_NAME, "alice@x"), 1);
    assert_ok(fixture_create(&f, "carol@x", "").code, &f.err);
    fixture_done(&f);
}

static void h6_a_write_that_fails_is_not_half_there(void **state)
{
    (void)state;
    for (int nth = 0; nth < 20; nth++) {
        check_failing_write(nth, EIO);
        check_failing_write(nth, ENOSPC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h6_after_a_failed_sync_the_store_is_read_only_until_restart),
        cmocka_unit_test(h5_a_full_disk_refuses_and_heals_without_restart),
        cmocka_unit_test(h6_a_write_that_fails_is_not_half_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
