/* Failing syncs and full disks: security.md H5 to H7. LMDB calls write and sync through the dynamic linker, so this
 * program's own come first. */
#include "tests/unit/store/fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <lmdb.h>
#include <signal.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define META_PAGES_BYTES 8192
#define USERS 200u
#define USERS_OF_ANOTHER 300u

#define DESCRIPTORS 256

/* What the next calls do; 0: as always. The writer's thread reads them. */
static _Atomic int sync_error; /* told once to each descriptor, as the kernel does */
static _Atomic bool is_told[DESCRIPTORS];
static _Atomic bool is_full_at_sync;
static _Atomic int write_error;
static _Atomic int writes_before_error;
static _Atomic bool is_meta_failing;
static _Atomic bool is_disk_full;

int fdatasync(int fd);
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t writev(int fd, const struct iovec *parts, int count);

int fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    int error = atomic_load(&sync_error);
    if (error == 0 || fd >= DESCRIPTORS || atomic_exchange(&is_told[fd], true))
        return real(fd);
    if (atomic_load(&is_full_at_sync))
        atomic_store(&is_disk_full, true);
    errno = error;
    return -1;
}

int statvfs(const char *path, struct statvfs *info)
{
    static int (*real)(const char *, struct statvfs *);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "statvfs");
    int rc = real(path, info);
    if (atomic_load(&is_disk_full))
        info->f_bavail = 0;
    return rc;
}

/* The call of LMDB that meets a page which the disk does not give. */
enum torn_call { TORN_NONE, TORN_PUT, TORN_COMMIT };
static _Atomic int torn_call;

int mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags)
{
    static int (*real)(MDB_txn *, MDB_dbi, MDB_val *, MDB_val *, unsigned);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "mdb_put");
    if (atomic_load(&torn_call) == TORN_PUT)
        (void)raise(SIGBUS);
    return real(txn, dbi, key, data, flags);
}

int mdb_txn_commit(MDB_txn *txn)
{
    static int (*real)(MDB_txn *);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "mdb_txn_commit");
    if (atomic_load(&torn_call) == TORN_COMMIT)
        (void)raise(SIGBUS);
    return real(txn);
}

static bool is_failing(void)
{
    int error = atomic_load(&write_error);
    if (error == 0 || atomic_fetch_sub(&writes_before_error, 1) > 0)
        return false;
    atomic_store(&is_disk_full, error == ENOSPC);
    errno = error;
    return true;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite");
    if (offset < META_PAGES_BYTES && atomic_load(&is_meta_failing)) {
        errno = EIO;
        return -1;
    }
    return is_failing() ? -1 : real(fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    static ssize_t (*real)(int, const struct iovec *, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "writev");
    return is_failing() ? -1 : real(fd, parts, count);
}

static void fail_syncs(int error)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        atomic_store(&is_told[fd], false);
    atomic_store(&sync_error, error);
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
    fail_syncs(EIO);
    assert_code(fixture_create(f, "bob@x", "").code, GW_E_STORE_IO, &f->err);
    fail_syncs(0);
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
    atomic_store(&is_disk_full, false);
    assert_ok(fixture_create(f, "bob@x", "").code, &f->err);
    reopen(f);
    assert_int_equal(fixture_count(f), 2);
}

/* A restore that began before provgate was stopped, or somebody who tidied up: what is acknowledged would be lost. */
static void nothing_is_written_to_files_that_were_moved_away(void **state)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fixture f;
        fixture_init(&f);
        assert_ok(fixture_create(&f, "alice@x", "").code, &f.err);
        const char *place = gw_arena_printf(&f.arena, "%s/%s", f.path, names[i]).ptr;
        const char *other = gw_arena_printf(&f.arena, "%s/other", f.path).ptr;
        assert_int_equal(rename(place, other), 0);
        assert_code(fixture_create(&f, "bob@x", "").code, GW_E_STORE_READ_ONLY, &f.err);
        assert_int_equal(fixture_find(&f, STORE_INDEX_USER_NAME, "alice@x"), 1);
        assert_int_equal(rename(other, place), 0);
        assert_code(fixture_create(&f, "bob@x", "").code, GW_E_STORE_READ_ONLY, &f.err);
        fixture_close(&f);
        fixture_open(&f);
        assert_ok(fixture_create(&f, "bob@x", "").code, &f.err);
        fixture_done(&f);
    }
}

/* Nobody knows what reached the disk, also when the file system is full and that might have been the reason. */
static void check_failing_sync(int error, bool is_full)
{
    struct fixture f;
    fixture_init(&f);
    fixture_create(&f, "alice@x", "");
    atomic_store(&is_full_at_sync, is_full);
    fail_syncs(error);
    assert_code(fixture_create(&f, "bob@x", "").code, GW_E_STORE_IO, &f.err);
    fail_syncs(0);
    atomic_store(&is_full_at_sync, false);
    atomic_store(&is_disk_full, false);
    assert_code(fixture_create(&f, "bob@x", "").code, GW_E_STORE_READ_ONLY, &f.err);
    reopen(&f);
    assert_int_equal(fixture_count(&f), 1);
    fixture_done(&f);
}

static void h8_a_sync_that_finds_no_space_is_a_sync_that_failed(void **state)
{
    (void)state;
    static const int errors[] = {EIO, ENOSPC, EDQUOT};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        check_failing_sync(errors[i], false); /* what is below the file system is full */
        check_failing_sync(errors[i], true);
    }
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
    atomic_store(&is_disk_full, false);
    assert_int_equal(fixture_find(&f, STORE_INDEX_USER_NAME, "alice@x"), 1); /* whichever write it was */
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

/* The other face's process, which goes on writing. */
static pid_t start_another(const char *path, int go_fd)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    char go;
    struct gw_error err;
    struct store *store = NULL;
    struct store_writer *writer = NULL;
    struct store_writer_settings settings = {.role = STORE_ROLE_SSO};
    if (read(go_fd, &go, 1) != 1 || store_open(path, FIXTURE_MAX_BYTES, &store, &err) != GW_OK ||
        store_writer_new(store, &settings, &writer, &err) != GW_OK)
        _exit(1);
    for (unsigned i = 0; i < USERS_OF_ANOTHER; i++) {
        struct store_change *change = store_change_new(STORE_CHANGE_USER_CREATE);
        change->folder = 1;
        change->as.create.draft = fixture_draft("", "", true);
        change->as.create.draft.user_name = gw_arena_printf(&change->arena, "another%u", i);
        if (store_writer_apply(writer, change, &err) != GW_OK)
            _exit(1);
        store_change_free(change);
    }
    store_writer_free(writer);
    store_close(store);
    _exit(0);
}

static bool on_user(const struct store_user *user, void *data)
{
    *(unsigned *)data += user->user_name.len > 0;
    return true;
}

static unsigned count_all(struct fixture *f)
{
    unsigned count = 0;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_users_scan(f->reader, f->folder, 0, on_user, &count, &f->err), &f->err);
    store_reader_end(f->reader);
    return count;
}

static void break_meta_page(void)
{
    atomic_store(&is_meta_failing, true);
}

static void tear_put(void)
{
    atomic_store(&torn_call, TORN_PUT);
}

static void tear_commit(void)
{
    atomic_store(&torn_call, TORN_COMMIT);
}

static void mend(void)
{
    atomic_store(&is_meta_failing, false);
    atomic_store(&torn_call, TORN_NONE);
}

/* Whatever has become of LMDB in this process: it reads on, and another process writes. No page that is read here may
 * be used again by that one, which may not see these reads. */
static void check_reads_go_on(void (*hurt)(void))
{
    struct fixture f;
    struct store_reader *later = NULL;
    int go[2];
    int status = 0;
    fixture_init(&f);
    fixture_close(&f);
    assert_int_equal(pipe(go), 0);
    pid_t pid = start_another(f.path, go[0]);
    fixture_open(&f);
    fixture_fill(&f, USERS);
    hurt();
    assert_code(fixture_create(&f, "bob@x", "").code, hurt == tear_put ? GW_E_STORE_READ_ONLY : GW_E_STORE_IO, &f.err);
    mend();
    assert_code(fixture_create(&f, "carol@x", "").code, GW_E_STORE_READ_ONLY, &f.err);
    assert_int_equal(count_all(&f), USERS);
    assert_ok(store_reader_new(f.store, &later, &f.err), &f.err);
    store_reader_free(later);
    assert_int_equal(write(go[1], "!", 1), 1);
    while (waitpid(pid, &status, WNOHANG) == 0)
        assert_in_range(count_all(&f), USERS, USERS + USERS_OF_ANOTHER);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(count_all(&f), USERS + USERS_OF_ANOTHER);
    (void)close(go[0]);
    (void)close(go[1]);
    fixture_close(&f);
    gw_arena_done(&f.arena);
    unit_folder_remove(f.path);
}

static void h8_after_a_meta_page_that_failed_reads_go_on_beside_other_writers(void **state)
{
    (void)state;
    check_reads_go_on(break_meta_page);
}

static void h8_after_a_write_that_was_torn_reads_go_on_and_others_may_write(void **state)
{
    (void)state;
    check_reads_go_on(tear_put);
    check_reads_go_on(tear_commit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h6_after_a_failed_sync_the_store_is_read_only_until_restart),
        cmocka_unit_test(nothing_is_written_to_files_that_were_moved_away),
        cmocka_unit_test(h5_a_full_disk_refuses_and_heals_without_restart),
        cmocka_unit_test(h8_a_sync_that_finds_no_space_is_a_sync_that_failed),
        cmocka_unit_test(h6_a_write_that_fails_is_not_half_there),
        cmocka_unit_test(h8_after_a_meta_page_that_failed_reads_go_on_beside_other_writers),
        cmocka_unit_test(h8_after_a_write_that_was_torn_reads_go_on_and_others_may_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
