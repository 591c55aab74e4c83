/* Two processes on one store, and kill -9: semantics.md 1, laws 2 and 4, security.md H1 and H11. Children are forked
 * before this process opens the store, and open it themselves; they report over a pipe. */
#include "tests/unit/store/fixture.h"

#include "store/courtesy.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#define KILL_ROUNDS 20
#define IN_FLIGHT 16
#define NAME_BYTES 32

struct pipe_ends {
    int read_fd;
    int write_fd;
};

static struct pipe_ends open_pipe(void)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    return (struct pipe_ends){fds[0], fds[1]};
}

/* What a child says: this number was acknowledged with this outcome. */
struct report {
    uint64_t number;
    uint64_t seq;
    uint64_t active;
};

static void child_fail(const char *what, const struct gw_error *err)
{
    (void)dprintf(STDERR_FILENO, "child: %s: %s\n", what, err->text);
    _exit(1);
}

/* In a child nothing of cmocka may run: plain code, plain exits. */
struct child {
    struct store *store;
    struct store_writer *writer;
    struct store_reader *reader;
    uint32_t folder;
    int report_fd;
};

static void child_open(struct child *child, const char *path, enum store_role role)
{
    struct gw_error err;
    struct store_writer_settings settings = {.role = role};
    if (store_open(path, FIXTURE_MAX_BYTES, &child->store, &err) != GW_OK)
        child_fail("open", &err);
    if (store_writer_new(child->store, &settings, &child->writer, &err) != GW_OK)
        child_fail("writer", &err);
    if (store_reader_new(child->store, &child->reader, &err) != GW_OK)
        child_fail("reader", &err);
    if (store_folder_ensure(child->writer, GW_STR("staff"), &child->folder, &err) != GW_OK)
        child_fail("folder", &err);
}

static void on_created(struct store_change *change);

static void submit_create(struct child *child, uint64_t number)
{
    struct gw_error err;
    struct store_change *change = store_change_new(STORE_CHANGE_USER_CREATE);
    change->time_ms = (int64_t)number;
    change->folder = child->folder;
    change->as.create.draft.user_name = gw_arena_printf(&change->arena, "user%llu", (unsigned long long)number);
    change->as.create.draft.attributes = GW_STR("{}");
    change->as.create.draft.active = number % 2 == 0;
    change->owner = child;
    change->on_done = on_created;
    if (store_writer_submit(child->writer, change, &err) != GW_OK)
        child_fail("submit", &err);
}

/* Acknowledged: said aloud only now, and the next one goes on its way. */
static void on_created(struct store_change *change)
{
    struct child *child = change->owner;
    uint64_t number = (uint64_t)change->time_ms;
    struct report report = {number, change->result.user_seq, change->as.create.draft.active};
    if (change->code != GW_OK)
        child_fail("create", &change->error);
    if (write(child->report_fd, &report, sizeof report) != sizeof report)
        _exit(1);
    store_change_free(change);
    submit_create(child, number + IN_FLIGHT);
}

static void storm(const char *path, int report_fd, uint64_t from)
{
    struct child child = {.report_fd = report_fd};
    child_open(&child, path, STORE_ROLE_PROV);
    for (uint64_t i = 0; i < IN_FLIGHT; i++)
        submit_create(&child, from + i);
    for (;;)
        (void)pause();
}

static pid_t start_storm(const char *path, struct pipe_ends ends, uint64_t from)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends.read_fd);
        storm(path, ends.write_fd, from);
        _exit(0);
    }
    (void)close(ends.write_fd);
    return pid;
}

struct oracle {
    struct report *reports;
    size_t count;
    size_t capacity;
};

static void remember(struct oracle *oracle, const struct report *report)
{
    if (oracle->count == oracle->capacity) {
        oracle->capacity = oracle->capacity * 2 + 1024;
        oracle->reports = gw_realloc(oracle->reports, oracle->capacity * sizeof *oracle->reports);
    }
    oracle->reports[oracle->count++] = *report;
}

/* Kills the child after `wanted` acknowledgements, then takes what it still had said. */
static void kill_after(pid_t pid, int read_fd, size_t wanted, struct oracle *oracle)
{
    struct report report;
    size_t heard = 0;
    ssize_t got = read(read_fd, &report, sizeof report);
    while (got == sizeof report) {
        remember(oracle, &report);
        if (++heard == wanted)
            assert_int_equal(kill(pid, SIGKILL), 0);
        got = read(read_fd, &report, sizeof report);
    }
    assert_true(heard >= wanted);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static uint64_t highest(const struct oracle *oracle)
{
    uint64_t number = 0;
    for (size_t i = 0; i < oracle->count; i++)
        number = oracle->reports[i].number > number ? oracle->reports[i].number : number;
    return number;
}

/* Every acknowledged user is there as it was acknowledged; the full scan finds nothing half done. */
static void verify(struct fixture *f, const struct oracle *oracle)
{
    fixture_open(f);
    assert_ok(store_check(f->store, NULL, NULL, &f->err), &f->err);
    for (size_t i = 0; i < oracle->count; i++) {
        char name[NAME_BYTES];
        const struct report *report = &oracle->reports[i];
        (void)snprintf(name, sizeof name, "user%llu", (unsigned long long)report->number);
        struct store_user user = fixture_user(f, report->seq);
        assert_str_equal(user.user_name, name);
        assert_int_equal((user.state.flags & STORE_USER_ACTIVE) != 0, report->active);
        assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, name), report->seq);
        gw_arena_reset(&f->arena);
    }
    assert_true(fixture_count(f) >= oracle->count);
    fixture_close(f);
}

static void h1_nothing_acknowledged_is_lost_when_the_writer_is_killed(void **state)
{
    struct fixture f;
    struct oracle oracle = {.count = 0};
    (void)state;
    fixture_init(&f);
    fixture_close(&f);
    for (size_t round = 0; round < KILL_ROUNDS; round++) {
        struct pipe_ends ends = open_pipe();
        /* numbers of a killed round are not used again: some of them may be there without our knowing */
        pid_t pid = start_storm(f.path, ends, highest(&oracle) + 2 * IN_FLIGHT + 1);
        kill_after(pid, ends.read_fd, 1 + round * 7, &oracle);
        (void)close(ends.read_fd);
        verify(&f, &oracle);
    }
    fixture_open(&f);
    free(oracle.reports);
    fixture_done(&f);
}

/* Answers each byte that comes with the number of users it sees; ends with the pipe. */
static void serve_counts(const char *path, int question_fd, int answer_fd)
{
    struct gw_error err;
    struct store *store = NULL;
    struct store_reader *reader = NULL;
    char question;
    if (store_open(path, FIXTURE_MAX_BYTES, &store, &err) != GW_OK || store_reader_new(store, &reader, &err) != GW_OK)
        child_fail("open", &err);
    while (read(question_fd, &question, 1) == 1) {
        uint64_t count = 0;
        if (store_reader_begin(reader, &err) != GW_OK || store_users_count(reader, 1, &count, &err) != GW_OK)
            child_fail("count", &err);
        store_reader_end(reader);
        if (write(answer_fd, &count, sizeof count) != sizeof count)
            _exit(1);
    }
    store_reader_free(reader);
    store_close(store);
    _exit(0);
}

static void another_process_sees_a_change_as_soon_as_it_is_acknowledged(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    fixture_close(&f);
    struct pipe_ends question = open_pipe();
    struct pipe_ends answer = open_pipe();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(question.write_fd);
        serve_counts(f.path, question.read_fd, answer.write_fd);
    }
    fixture_open(&f);
    for (uint64_t i = 1; i <= 20; i++) {
        char name[NAME_BYTES];
        uint64_t count = 0;
        (void)snprintf(name, sizeof name, "user%llu", (unsigned long long)i);
        assert_ok(fixture_create(&f, name, "").code, &f.err);
        assert_int_equal(write(question.write_fd, "?", 1), 1);
        assert_int_equal(read(answer.read_fd, &count, sizeof count), sizeof count);
        assert_int_equal(count, i);
        assert_false(store_courtesy_is_alone(f.store)); /* so that an import keeps nobody waiting */
    }
    int status = 0;
    (void)close(question.write_fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(store_courtesy_is_alone(f.store));
    fixture_done(&f);
}

/* Takes the writer's role, says so, and holds it until it is killed. */
static void hold_role(const char *path, int report_fd)
{
    struct child child = {.report_fd = report_fd};
    struct report report = {.number = 1};
    child_open(&child, path, STORE_ROLE_PROV);
    if (store_reader_begin(child.reader, NULL) != GW_OK || write(report_fd, &report, sizeof report) != sizeof report)
        _exit(1);
    for (;;)
        (void)pause();
}

static void h11_a_second_writer_of_a_face_is_refused_and_a_killed_one_leaves_no_trace(void **state)
{
    struct fixture f;
    struct report report;
    struct store *store = NULL;
    struct store_writer *writer = NULL;
    struct store_writer_settings settings = {.role = STORE_ROLE_PROV};
    (void)state;
    fixture_init(&f);
    fixture_close(&f);
    struct pipe_ends ends = open_pipe();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        hold_role(f.path, ends.write_fd);
    assert_int_equal(read(ends.read_fd, &report, sizeof report), sizeof report);
    assert_ok(store_open(f.path, f.max_bytes, &store, &f.err), &f.err);
    assert_int_equal(store_writer_new(store, &settings, &writer, &f.err), GW_E_STORE_LOCKED);
    char holder[NAME_BYTES];
    (void)snprintf(holder, sizeof holder, "process %ld", (long)pid);
    assert_non_null(strstr(f.err.text, holder));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_ok(store_writer_new(store, &settings, &writer, &f.err), &f.err);
    store_writer_free(writer);
    store_close(store);
    fixture_open(&f);
    fixture_done(&f);
}

/* Both faces write at once; the provisioning one makes way. */
static void both_faces_write_at_once_and_nothing_is_lost(void **state)
{
    struct fixture f;
    struct oracle oracle = {.count = 0};
    (void)state;
    fixture_init(&f);
    fixture_close(&f);
    struct pipe_ends ends = open_pipe();
    pid_t pid = start_storm(f.path, ends, 1);
    struct store *store = NULL;
    struct store_writer_settings settings = {.role = STORE_ROLE_SSO};
    assert_ok(store_open(f.path, f.max_bytes, &store, &f.err), &f.err);
    f.store = store;
    assert_ok(store_writer_new(store, &settings, &f.writer, &f.err), &f.err);
    assert_ok(store_reader_new(store, &f.reader, &f.err), &f.err);
    assert_ok(store_folder_ensure(f.writer, GW_STR("staff"), &f.folder, &f.err), &f.err);
    for (int i = 0; i < 50; i++) {
        char name[NAME_BYTES];
        (void)snprintf(name, sizeof name, "person%d", i);
        assert_ok(fixture_sign_on(&f, name, name).code, &f.err);
        assert_int_equal(fixture_guard(&f, name), VERDICT_ALIVE);
    }
    kill_after(pid, ends.read_fd, 100, &oracle);
    (void)close(ends.read_fd);
    fixture_close(&f);
    verify(&f, &oracle);
    fixture_open(&f);
    assert_int_equal(fixture_guard(&f, "person49"), VERDICT_ALIVE);
    free(oracle.reports);
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h1_nothing_acknowledged_is_lost_when_the_writer_is_killed),
        cmocka_unit_test(another_process_sees_a_change_as_soon_as_it_is_acknowledged),
        cmocka_unit_test(h11_a_second_writer_of_a_face_is_refused_and_a_killed_one_leaves_no_trace),
        cmocka_unit_test(both_faces_write_at_once_and_nothing_is_lost),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
