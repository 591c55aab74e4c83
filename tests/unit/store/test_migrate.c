/* Stores of older formats (security.md H15): fixtures/format-1.tar.xz was made by the last program of format 1 and
 * holds ten users, one of them inactive, one deleted, one put out by an operator, one locked; one observed; sessions,
 * links, a group, a replay mark, activity. It was made with fixture.h's key names, at FIXTURE_START_MS and minutes
 * after it. fixtures/format-2.tar.xz is the same store, brought to format 2 by the last program of that, which then
 * made mail@example.com with the e-mails Mail@example.com and other@example.com, and 300 entries of activity.
 * fixtures/format-3.tar.xz is that one, brought to format 3 by the last program of that, which then made the groups
 * Editors and Leavers, deleted Leavers, and gave Wiki Admins one more member. */
#include "tests/unit/store/fixture.h"

#include "store/backup.h"
#include "store/due.h"
#include "store/env.h"
#include "store/inspect.h"
#include "store/migrate.h"
#include "store/sentinel.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define OLD_STORES PROVGATE_BINARY_DIR "/fixtures/format-"
#define FILE_BYTES_MAX (1u << 20)
#define TRANSACTIONS_MAX 100u
#define INACTIVE_SINCE_MS (FIXTURE_START_MS + 11 * 60000)

static const struct old {
    uint32_t format;
    int tables; /* that it has */
    uint64_t users;
    uint64_t entries;   /* of activity */
    uint64_t groups[3]; /* in the order of their last change; then 0 */
} olds[] = {
    {1, STORE_TABLE_MEMBERSHIPS + 1, 10, 26, {1}},
    {2, STORE_TABLE_BLIND + 1, 11, 327, {1}},
    {3, STORE_TABLE_TRAIL + 1, 11, 331, {2, 1}},
};
#define OLDS (sizeof olds / sizeof olds[0])

static void copy_file(const char *from, const char *to)
{
    static char bytes[FILE_BYTES_MAX];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(in >= 0 && out >= 0);
    ssize_t len = read(in, bytes, sizeof bytes);
    assert_true(len > 0 && len < (ssize_t)sizeof bytes);
    assert_int_equal(write(out, bytes, (size_t)len), len);
    close(in);
    close(out);
}

static void setup(struct fixture *f, const struct old *old)
{
    *f = (struct fixture){.path = unit_folder_new(), .max_bytes = FIXTURE_MAX_BYTES, .now_ms = FIXTURE_START_MS};
    copy_file(gw_arena_printf(&f->arena, "%s%u/data.mdb", OLD_STORES, old->format).ptr,
              gw_arena_printf(&f->arena, "%s/data.mdb", f->path).ptr);
    copy_file(gw_arena_printf(&f->arena, "%s%u/store.key", OLD_STORES, old->format).ptr,
              gw_arena_printf(&f->arena, "%s/store.key", f->path).ptr);
}

static void teardown(struct fixture *f)
{
    gw_arena_done(&f->arena);
    unit_folder_remove(f->path);
}

static void migrate(struct fixture *f, uint32_t expected_from)
{
    uint32_t from = 0;
    assert_ok(store_migrate(f->path, f->max_bytes, NULL, NULL, &from, &f->err), &f->err);
    assert_int_equal(from, expected_from);
}

static void assert_due(struct fixture *f)
{
    uint64_t count = 0;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    struct store_view *view = store_reader_view(f->reader);
    /* the deactivated and the deleted one; not those whom only an operator or nobody put out */
    assert_ok(store_due_count(view, f->folder, INACTIVE_SINCE_MS, &count, &f->err), &f->err);
    assert_int_equal(count, 3);
    assert_ok(store_due_count(view, f->folder, INACTIVE_SINCE_MS + 60000, &count, &f->err), &f->err);
    assert_int_equal(count, 2);
    assert_ok(store_due_inactive(view, f->folder, &count, &f->err), &f->err);
    assert_int_equal(count, 3);
    store_reader_end(f->reader);
}

struct seen {
    struct gw_str name;
    enum store_activity_kind kind;
    unsigned count;
};

static bool on_entry(const struct store_activity *entry, void *data)
{
    struct seen *seen = data;
    seen->count += seen->kind != 0 ? entry->kind == seen->kind : gw_str_eq_nocase(entry->user_name, seen->name);
    return true;
}

/* By the filters, what a look at every entry finds. */
static void assert_found(struct fixture *f)
{
    static const struct store_activity_query rows[] = {{.user = GW_STR("user1@example.com")},
                                                       {.user = GW_STR("stranger@example.com")},
                                                       {.kind = STORE_ACTIVITY_LOCK},
                                                       {.kind = STORE_ACTIVITY_CREATE}};
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct seen expected = {.name = rows[i].user, .kind = rows[i].kind};
        struct seen actual = expected;
        assert_ok(store_activity_back(f->reader, on_entry, &expected, &f->err), &f->err);
        assert_ok(store_activity_find(f->reader, &rows[i], on_entry, &actual, &f->err), &f->err);
        assert_int_equal(actual.count, expected.count);
    }
    store_reader_end(f->reader);
}

static void assert_groups(struct fixture *f, const struct old *old)
{
    struct store_modified_range range = {.until_ms = INT64_MAX};
    uint64_t groups[3] = {0};
    size_t count = 0;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_groups_modified(f->reader, f->folder, &range, groups, 3, &count, &f->err), &f->err);
    store_reader_end(f->reader);
    assert_memory_equal(groups, old->groups, sizeof groups);
}

/* What the old program wrote is all there. */
static void assert_whole(struct fixture *f, const struct old *old)
{
    assert_int_equal(fixture_count(f), old->users);
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, "user0@example.com"), 1);
    assert_int_equal(fixture_find(f, STORE_INDEX_EXTERNAL_ID, "00u9"), 10);
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, "user2@example.com"), 0);
    assert_int_equal(fixture_find(f, STORE_INDEX_GROUP_NAME, "wiki admins"), 1);
    assert_int_equal(fixture_user(f, 2).state.flags, STORE_USER_PROVISIONED | STORE_USER_OBSERVED);
    assert_int_equal(fixture_user(f, 2).deactivated_ms, INACTIVE_SINCE_MS);
    assert_true((fixture_user(f, 3).state.flags & STORE_USER_DELETED) != 0);
    assert_true((fixture_user(f, 5).state.flags & STORE_USER_LOCKED) != 0);
    assert_str_equal(fixture_user(f, 1).attributes, "{\"title\":\"x\"}");
    assert_int_equal(fixture_guard(f, "c1"), VERDICT_DEAD);
    assert_int_equal(fixture_guard(f, "c2"), VERDICT_DEAD);
    assert_int_equal(strlen(fixture_activity(f, 0)), old->entries);
    assert_int_equal(fixture_revocations(f), 5);
    assert_due(f);
    assert_found(f);
    assert_groups(f, old);
}

static void h15_a_store_of_an_older_format_is_brought_up_to_date_with_all_it_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < OLDS; i++) {
        struct fixture f;
        setup(&f, &olds[i]);
        migrate(&f, olds[i].format);
        fixture_open(&f);
        assert_whole(&f, &olds[i]);
        assert_int_equal(fixture_create(&f, "new@example.com", "new").seq, olds[i].users + 2);
        fixture_done(&f);
    }
}

static struct outcome set_emails(struct fixture *f, uint64_t seq, const char *name, const char *first,
                                 const char *second)
{
    struct gw_str emails[] = {gw_str_from(first), gw_str_from(second)};
    struct store_user_draft draft = fixture_draft(name, "00um", true);
    draft.emails = emails;
    draft.email_count = 2;
    return fixture_replace(f, seq, fixture_user(f, seq).version, draft);
}

static void assert_emails(struct fixture *f, uint64_t mail, uint64_t other, uint64_t third)
{
    assert_int_equal(fixture_find(f, STORE_INDEX_EMAIL, "mail@example.com"), mail);
    assert_int_equal(fixture_find(f, STORE_INDEX_EMAIL, "other@example.com"), other);
    assert_int_equal(fixture_find(f, STORE_INDEX_EMAIL, "third@example.com"), third);
    assert_ok(store_check(f->store, NULL, NULL, &f->err), &f->err);
}

/* Format 2 had an entry for an e-mail that is the userName too: it stays until one of the two changes. */
static void h15_an_old_entry_of_an_email_is_found_and_goes_with_it(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, &olds[1]);
    migrate(&f, 2);
    fixture_open(&f);
    uint64_t seq = fixture_find(&f, STORE_INDEX_USER_NAME, "mail@example.com");
    assert_int_equal(seq, 12);
    assert_emails(&f, seq, seq, 0);
    assert_ok(set_emails(&f, seq, "mail@example.com", "mail@example.com", "third@example.com").code, &f.err);
    assert_emails(&f, seq, 0, seq);
    assert_ok(set_emails(&f, seq, "moved@example.com", "mail@example.com", "third@example.com").code, &f.err);
    assert_emails(&f, seq, 0, seq);
    assert_ok(set_emails(&f, seq, "mail@example.com", "third@example.com", "other@example.com").code, &f.err);
    assert_emails(&f, 0, seq, seq);
    fixture_done(&f);
}

static void h15_an_old_entry_of_an_email_goes_with_the_user_name(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, &olds[1]);
    migrate(&f, 2);
    fixture_open(&f);
    assert_ok(set_emails(&f, 12, "moved@example.com", "third@example.com", "other@example.com").code, &f.err);
    assert_emails(&f, 0, 12, 12);
    assert_ok(fixture_apply(&f, fixture_change(&f, STORE_CHANGE_USER_DELETE, 12)).code, &f.err);
    assert_emails(&f, 0, 0, 0);
    fixture_done(&f);
}

static void h15_a_store_that_is_up_to_date_is_not_written(void **state)
{
    struct fixture f;
    struct stat before;
    struct stat after;
    (void)state;
    setup(&f, &olds[0]);
    migrate(&f, 1);
    const char *data = gw_arena_printf(&f.arena, "%s/data.mdb", f.path).ptr;
    assert_int_equal(stat(data, &before), 0);
    migrate(&f, STORE_FORMAT_VERSION);
    assert_int_equal(stat(data, &after), 0);
    assert_true(before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    teardown(&f);
}

/* The old program's own look at the store. */
static void assert_old_and_whole(struct fixture *f, const struct old *old)
{
    struct store *store = NULL;
    MDB_txn *txn = NULL;
    assert_ok(store_env_new(f->path, f->max_bytes, 0, &store, &f->err), &f->err);
    assert_int_equal(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn), 0);
    struct store_view view = {.store = store, .txn = txn};
    assert_ok(store_sentinel_format(&view, &store->format, &f->err), &f->err);
    assert_int_equal(store->format, old->format);
    for (int table = 0; table < old->tables; table++)
        assert_int_equal(mdb_dbi_open(txn, store_table_name((enum store_table)table), 0, &store->tables[table]), 0);
    assert_ok(store_sentinel_check(&view, &f->err), &f->err);
    mdb_txn_abort(txn);
    store_close(store);
}

static void h15_a_copy_of_an_old_store_is_brought_up_to_date_and_the_old_one_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < OLDS; i++) {
        struct fixture f;
        struct store *old = NULL;
        struct store_stats stats;
        const struct store_backup_watch nobody = {.data = NULL};
        uint64_t bytes = 0;
        setup(&f, &olds[i]);
        char *from = f.path;
        f.path = unit_folder_new();
        assert_ok(store_open_to_copy(from, f.max_bytes, &old, &f.err), &f.err);
        assert_ok(store_stats_read(old, &stats, &f.err), &f.err);
        assert_int_equal(stats.activity_entries, olds[i].entries);
        assert_ok(store_backup(old, f.path, &nobody, &bytes, &f.err), &f.err);
        store_close(old);
        fixture_open(&f);
        assert_whole(&f, &olds[i]);
        fixture_done(&f);
        struct fixture source = {.path = from, .max_bytes = FIXTURE_MAX_BYTES};
        assert_old_and_whole(&source, &olds[i]);
        teardown(&source);
    }
}

static void h15_an_old_store_is_not_opened_by_anything_else(void **state)
{
    struct fixture f;
    struct store *store = NULL;
    (void)state;
    setup(&f, &olds[0]);
    assert_int_equal(store_open(f.path, f.max_bytes, &store, &f.err), GW_E_STORE_DAMAGED);
    assert_non_null(strstr(f.err.text, "provgate run brings it up to date"));
    assert_non_null(strstr(f.err.text, f.path));
    teardown(&f);
}

/* True: it was not stopped any more. */
static bool stop_after(unsigned steps, const struct old *old)
{
    struct fixture f;
    uint32_t from = 0;
    setup(&f, old);
    store_migrate_stop_after(steps);
    bool is_done = store_migrate(f.path, f.max_bytes, NULL, NULL, &from, &f.err) == GW_OK;
    if (!is_done)
        assert_old_and_whole(&f, old);
    store_migrate_stop_after(0);
    if (!is_done)
        migrate(&f, old->format);
    fixture_open(&f);
    assert_whole(&f, old);
    fixture_done(&f);
    return is_done;
}

static void h15_a_migration_that_ends_anywhere_leaves_an_old_store_and_goes_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < OLDS; i++) {
        unsigned steps = 1;
        while (!stop_after(steps, &olds[i]))
            assert_true(++steps < TRANSACTIONS_MAX);
    }
}

/* As the old program would: a commit that the migration did not make. */
static void write_as_old(struct fixture *f, const struct old *old)
{
    struct store *store = NULL;
    MDB_txn *txn = NULL;
    struct store_sentinel sentinel;
    assert_ok(store_env_new(f->path, f->max_bytes, 0, &store, &f->err), &f->err);
    assert_int_equal(mdb_txn_begin(store->env, NULL, 0, &txn), 0);
    struct store_view view = {.store = store, .txn = txn};
    assert_ok(store_sentinel_format(&view, &store->format, &f->err), &f->err);
    for (int table = 0; table < old->tables; table++)
        assert_int_equal(mdb_dbi_open(txn, store_table_name((enum store_table)table), 0, &store->tables[table]), 0);
    assert_ok(store_sentinel_read(&view, &sentinel, &f->err), &f->err);
    sentinel.commits++;
    assert_ok(store_sentinel_write(&view, &sentinel, &f->err), &f->err);
    assert_int_equal(mdb_txn_commit(txn), 0);
    store_close(store);
}

static void h15_what_the_old_program_wrote_after_an_interruption_is_not_missed(void **state)
{
    (void)state;
    for (size_t i = 0; i < OLDS; i++) {
        struct fixture f;
        uint32_t from = 0;
        setup(&f, &olds[i]);
        store_migrate_stop_after(1);
        assert_int_equal(store_migrate(f.path, f.max_bytes, NULL, NULL, &from, &f.err), GW_E_INTERNAL);
        store_migrate_stop_after(0);
        write_as_old(&f, &olds[i]);
        migrate(&f, olds[i].format);
        fixture_open(&f);
        assert_whole(&f, &olds[i]);
        fixture_done(&f);
    }
}

static void h15_no_migration_while_another_program_writes(void **state)
{
    static const char *const roles[] = {"sso", "prov", "tool", "import"};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        struct fixture f;
        uint32_t from = 0;
        (void)state;
        setup(&f, &olds[0]);
        const char *lock = gw_arena_printf(&f.arena, "%s/%s.lock", f.path, roles[i]).ptr;
        int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(flock(fd, LOCK_EX), 0);
        assert_int_equal(store_migrate(f.path, f.max_bytes, NULL, NULL, &from, &f.err), GW_E_STORE_LOCKED);
        assert_non_null(strstr(f.err.text, roles[i]));
        close(fd);
        assert_old_and_whole(&f, &olds[0]);
        migrate(&f, 1);
        teardown(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h15_a_store_of_an_older_format_is_brought_up_to_date_with_all_it_holds),
        cmocka_unit_test(h15_an_old_entry_of_an_email_is_found_and_goes_with_it),
        cmocka_unit_test(h15_an_old_entry_of_an_email_goes_with_the_user_name),
        cmocka_unit_test(h15_a_store_that_is_up_to_date_is_not_written),
        cmocka_unit_test(h15_a_copy_of_an_old_store_is_brought_up_to_date_and_the_old_one_stays),
        cmocka_unit_test(h15_an_old_store_is_not_opened_by_anything_else),
        cmocka_unit_test(h15_a_migration_that_ends_anywhere_leaves_an_old_store_and_goes_on),
        cmocka_unit_test(h15_what_the_old_program_wrote_after_an_interruption_is_not_missed),
        cmocka_unit_test(h15_no_migration_while_another_program_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
