/* A create that ends half-way: a crash in provgate init leaves nothing that stands in the way of the next one. */
#include "tests/unit/store/fixture.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define CUT_STATUS 9
#define POINTS_MAX 100

/* The child ends before its n-th step on the disk; these come before those of the C library. */
static int steps_left = -1;

static void step(void)
{
    if (steps_left >= 0 && steps_left-- == 0)
        _exit(CUT_STATUS);
}

int rename(const char *from, const char *to)
{
    static int (*real)(const char *, const char *);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "rename");
    step();
    return real(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    static int (*real)(const char *, mode_t);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "mkdir");
    step();
    return real(path, mode);
}

int fsync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    step();
    return real(fd);
}

int fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    step();
    return real(fd);
}

int unlink(const char *path)
{
    static int (*real)(const char *);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "unlink");
    step();
    return real(path);
}

static void shell(struct fixture *f, const char *command)
{
    struct gw_str line = gw_arena_printf(&f->arena, "cd %s && %s", f->path, command);
    assert_int_equal(system(gw_arena_cstr(&f->arena, line)), 0);
}

/* What an interrupted create leaves is no store, and the next create makes one. */
static void an_interrupted_create_is_begun_again(void **state)
{
    static const char *const commands[] = {
        "mkdir .provgate-init",
        "mkdir .provgate-init && echo x >.provgate-init/store.key",
        "mkdir .provgate-init && echo x >.provgate-init/store.key && echo y >.provgate-init/data.mdb",
        "mkdir .provgate-init && echo y >.provgate-init/data.mdb && echo z >.provgate-init/lock.mdb && echo x "
        ">store.key",
    };
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct fixture f = {.path = unit_folder_new(), .max_bytes = FIXTURE_MAX_BYTES, .now_ms = FIXTURE_START_MS};
        shell(&f, commands[i]);
        assert_code(store_open(f.path, f.max_bytes, &f.store, &f.err), GW_E_NOT_FOUND, &f.err);
        assert_non_null(strstr(f.err.text, "provgate init"));
        assert_ok(store_create(f.path, f.max_bytes, &f.err), &f.err);
        shell(&f, "test ! -e .provgate-init");
        fixture_open(&f);
        fixture_create(&f, "alice@x", "");
        fixture_done(&f);
    }
}

/* Only the key that an interrupted create made is taken away, and a store in place is never touched. */
static void what_an_interrupted_create_did_not_make_stays(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    fixture_create(&f, "alice@x", "");
    fixture_close(&f);
    shell(&f, "mkdir .provgate-init && echo y >.provgate-init/data.mdb");
    assert_code(store_create(f.path, f.max_bytes, &f.err), GW_E_CONFLICT, &f.err);
    shell(&f, "rm .provgate-init/data.mdb && mv data.mdb data.saved");
    assert_code(store_create(f.path, f.max_bytes, &f.err), GW_E_CONFLICT, &f.err);
    shell(&f, "mv data.saved data.mdb");
    fixture_open(&f);
    assert_int_equal(fixture_count(&f), 1);
    fixture_done(&f);
}

/* Returns whether the create came to its end before the n-th step. */
static bool cut_create(struct fixture *f, int steps)
{
    pid_t child = fork();
    if (child == 0) {
        steps_left = steps;
        _exit(store_create(f->path, f->max_bytes, &f->err) == GW_OK ? 0 : 1);
    }
    int status = 0;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == CUT_STATUS));
    return WEXITSTATUS(status) == 0;
}

/* One that is cut at each step, and another one that is cut while it clears that away. */
static void a_create_that_is_cut_at_any_step_can_be_begun_again(void **state)
{
    bool is_done = false;
    int steps = 0;
    (void)state;
    for (; !is_done; steps++) {
        struct fixture f = {.path = unit_folder_new(), .max_bytes = FIXTURE_MAX_BYTES, .now_ms = FIXTURE_START_MS};
        assert_true(steps < POINTS_MAX);
        is_done = cut_create(&f, steps);
        for (int again = 0; again < 4; again++) {
            if (access(gw_arena_printf(&f.arena, "%s/data.mdb", f.path).ptr, F_OK) != 0)
                (void)cut_create(&f, again);
        }
        enum gw_code code = store_create(f.path, f.max_bytes, &f.err);
        assert_true(code == GW_OK || code == GW_E_CONFLICT);
        fixture_open(&f);
        fixture_create(&f, "alice@x", "");
        fixture_done(&f);
    }
    assert_true(steps > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interrupted_create_is_begun_again),
        cmocka_unit_test(what_an_interrupted_create_did_not_make_stays),
        cmocka_unit_test(a_create_that_is_cut_at_any_step_can_be_begun_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
