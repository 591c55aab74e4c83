/* kill -9 while a group changes, by single members and by whole staged sets: laws 4, security.md H1. One change is
 * under way at a time, so the group must be as after the last one that was acknowledged, or the next. */
#include "tests/unit/store/fixture.h"

#include <signal.h>
#include <sys/wait.h>

#define USERS 50u
#define ROUNDS 12
#define GROUP 1u

/* Step `n` as the model sees it. */
static bool is_flip(uint64_t n)
{
    return n % 4 == 3;
}

static uint64_t user_of(uint64_t n)
{
    return 1 + n * 7 % USERS;
}

static void model_step(bool members[USERS + 1], uint64_t n)
{
    if (!is_flip(n)) {
        members[user_of(n)] = n % 2 == 0;
        return;
    }
    for (uint64_t user = 1; user <= USERS; user++)
        members[user] = user <= n % USERS;
}

/* ---- the child: no cmocka here ---- */

struct child {
    struct store *store;
    struct store_writer *writer;
    uint32_t folder;
};

static uint64_t child_apply(struct child *child, struct store_change *change)
{
    struct gw_error err;
    change->folder = child->folder;
    change->time_ms = FIXTURE_START_MS;
    if (store_writer_apply(child->writer, change, &err) != GW_OK) {
        (void)dprintf(STDERR_FILENO, "child: %s\n", err.text);
        _exit(1);
    }
    uint64_t set = change->result.set;
    store_change_free(change);
    return set;
}

static uint64_t child_stage(struct child *child, uint64_t set, uint64_t first, uint64_t last)
{
    uint64_t users[USERS];
    struct store_change *change = store_change_new(STORE_CHANGE_GROUP_STAGE);
    for (uint64_t user = first; user <= last; user++)
        users[change->as.stage.user_count++] = user;
    change->as.stage.set = set;
    change->as.stage.users = users;
    return child_apply(child, change);
}

static void child_step(struct child *child, uint64_t n)
{
    struct store_member_op op = {n % 2 == 0 ? STORE_MEMBER_ADD : STORE_MEMBER_REMOVE, user_of(n)};
    uint64_t count = n % USERS;
    uint64_t set = 0;
    if (is_flip(n)) {
        set = child_stage(child, 0, 1, count / 2);
        set = child_stage(child, set, count / 2 + 1, count);
    }
    struct store_change *change = store_change_new(STORE_CHANGE_GROUP_UPDATE);
    change->group_seq = GROUP;
    change->as.group.set = set;
    change->as.group.ops = &op;
    change->as.group.op_count = set == 0 ? 1 : 0;
    (void)child_apply(child, change);
    if (is_flip(n))
        (void)child_apply(child, store_change_new(STORE_CHANGE_GROUP_SWEEP));
}

static void child_run(const char *path, uint64_t first, int report_fd)
{
    struct child child = {.folder = 0};
    struct gw_error err;
    struct store_writer_settings settings = {.role = STORE_ROLE_PROV};
    if (store_open(path, FIXTURE_MAX_BYTES, &child.store, &err) != GW_OK ||
        store_writer_new(child.store, &settings, &child.writer, &err) != GW_OK ||
        store_folder_ensure(child.writer, GW_STR("staff"), &child.folder, &err) != GW_OK) {
        (void)dprintf(STDERR_FILENO, "child: %s\n", err.text);
        _exit(1);
    }
    for (uint64_t n = first;; n++) {
        child_step(&child, n);
        if (write(report_fd, &n, sizeof n) != sizeof n)
            _exit(0);
    }
}

/* ---- the parent ---- */

static void read_members(struct fixture *f, bool ret_members[USERS + 1])
{
    uint64_t users[USERS + 1];
    size_t count = 0;
    struct store_group group;
    memset(ret_members, 0, (USERS + 1) * sizeof ret_members[0]);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_group_get(f->reader, &f->arena, f->folder, GROUP, &group, &f->err), &f->err);
    assert_ok(store_group_members(f->reader, &group, 0, users, USERS + 1, &count, &f->err), &f->err);
    store_reader_end(f->reader);
    for (size_t i = 0; i < count; i++)
        ret_members[users[i]] = true;
}

/* Runs a child from step `first` and kills it after some steps; the last step it reported. */
static uint64_t run_and_kill(const char *path, uint64_t first, uint64_t steps)
{
    int fds[2];
    uint64_t last = first - 1;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        child_run(path, first, fds[1]);
    }
    close(fds[1]);
    while (last < first + steps)
        assert_int_equal(read(fds[0], &last, sizeof last), sizeof last);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    while (read(fds[0], &last, sizeof last) == (ssize_t)sizeof last)
        ;
    close(fds[0]);
    return last;
}

static void make_store(struct fixture *f)
{
    fixture_fill(f, USERS);
    struct store_change *change = fixture_change(f, STORE_CHANGE_GROUP_CREATE, 0);
    change->as.group.display_name = GW_STR("G");
    assert_ok(store_writer_apply(f->writer, change, &f->err), &f->err);
    assert_int_equal(change->result.group_seq, GROUP);
    store_change_free(change);
}

fixture_test(h1_after_kill_9_a_group_is_as_it_was_acknowledged_or_one_change_further)
{
    bool model[USERS + 1] = {false};
    bool members[USERS + 1];
    uint64_t next = 1;
    make_store(f);
    for (int round = 0; round < ROUNDS; round++) {
        fixture_close(f);
        uint64_t last = run_and_kill(f->path, next, 5 + (uint64_t)round * 3 % 17);
        fixture_open(f);
        for (; next <= last; next++)
            model_step(model, next);
        read_members(f, members);
        if (memcmp(model, members, sizeof model) != 0)
            model_step(model, next++);
        assert_memory_equal(model, members, sizeof model);
        assert_ok(store_check(f->store, NULL, NULL, &f->err), &f->err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h1_after_kill_9_a_group_is_as_it_was_acknowledged_or_one_change_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
