/* What a start refuses: security.md H9, H15 and rule R7. In every row the store is refused with path and reason, no
 * file changes, and nothing is ever opened as an empty store. A crash of this program is a failure too. */
#include "tests/unit/store/fixture.h"

#include "gateway/base/digest.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>

#define PAGE_BYTES 4096
#define USERS 300
#define CHANGED_BYTES 1500
#define FILE_BYTES_MAX (8u << 20)
#define OTHER_USER 65534

static struct gw_str read_file(struct gw_arena *arena, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0)
        return GW_STR_NONE;
    assert_true(info.st_size <= FILE_BYTES_MAX);
    char *bytes = gw_arena_alloc(arena, (size_t)info.st_size + 1);
    assert_int_equal(read(fd, bytes, (size_t)info.st_size), info.st_size);
    close(fd);
    return gw_str_n(bytes, (size_t)info.st_size);
}

static void write_file(const char *path, struct gw_str bytes)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    close(fd);
}

static const char *file_of(struct fixture *f, const char *name)
{
    return gw_arena_printf(&f->arena, "%s/%s", f->path, name).ptr;
}

/* A store with a bit of everything in it, closed. */
static void setup(struct fixture *f)
{
    fixture_init(f);
    fixture_fill(f, USERS);
    fixture_sign_on(f, "observed@x", "cookie");
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, 7)).code, &f->err);
    struct store_change *change = fixture_change(f, STORE_CHANGE_REPLAY_MARK, 0);
    change->as.replay.forget_after_ms = f->now_ms;
    assert_ok(fixture_apply(f, change).code, &f->err);
    fixture_close(f);
}

static uid_t owner_of(struct fixture *f, const char *name)
{
    struct stat info;
    assert_int_equal(lstat(file_of(f, name), &info), 0);
    return info.st_uid;
}

static void teardown(struct fixture *f)
{
    gw_arena_done(&f->arena);
    unit_folder_remove(f->path);
}

static void assert_refused(struct fixture *f, const char *what)
{
    struct store *store = NULL;
    const char *data = file_of(f, "data.mdb");
    struct gw_str before = read_file(&f->arena, data);
    enum gw_code code = store_open(f->path, f->max_bytes, &store, &f->err);
    if (code == GW_OK || strstr(f->err.text, f->path) == NULL)
        print_error("%s: %s %s\n", what, gw_code_name(code), f->err.text);
    assert_int_not_equal(code, GW_OK);
    assert_non_null(strstr(f->err.text, f->path));
    assert_true(gw_str_eq(before, read_file(&f->arena, data)));
}

enum damage { CUT_TO, ZERO, JUNK };

struct damage_row {
    const char *what;
    enum damage damage;
    long from; /* bytes; negative: from the end */
    size_t size;
};

static struct gw_str damaged(struct fixture *f, struct gw_str whole, const struct damage_row *row)
{
    struct gw_str bytes = gw_arena_copy(&f->arena, whole);
    size_t from = row->from < 0 ? whole.len - (size_t)-row->from : (size_t)row->from;
    if (row->damage == CUT_TO)
        return gw_str_n(bytes.ptr, from);
    char *copy = gw_arena_alloc(&f->arena, bytes.len);
    memcpy(copy, bytes.ptr, bytes.len);
    for (size_t i = from; i < from + row->size && i < bytes.len; i++)
        copy[i] = row->damage == ZERO ? 0 : (char)(i * 131 + 17);
    return gw_str_n(copy, bytes.len);
}

static void h9_a_damaged_file_is_refused_and_left_as_it_is(void **state)
{
    static const struct damage_row rows[] = {
        {"0 bytes", CUT_TO, 0, 0},
        {"100 bytes", CUT_TO, 100, 0},
        {"4 KiB", CUT_TO, PAGE_BYTES, 0},
        {"two meta pages only", CUT_TO, 2 * PAGE_BYTES, 0},
        {"cut by one page", CUT_TO, -PAGE_BYTES, 0},
        {"cut by one byte", CUT_TO, -1, 0},
        {"first meta page zeroed", ZERO, 0, PAGE_BYTES},
        {"second meta page zeroed", ZERO, PAGE_BYTES, PAGE_BYTES},
        {"both meta pages zeroed", ZERO, 0, 2 * PAGE_BYTES},
        {"first meta page junk", JUNK, 0, PAGE_BYTES},
        {"second meta page junk", JUNK, PAGE_BYTES, PAGE_BYTES},
        {"meta without its magic", ZERO, 16, 4},
        {"20 pages of junk in the data", JUNK, 10 * PAGE_BYTES, 20 * PAGE_BYTES},
        {"all data zeroed", ZERO, 2 * PAGE_BYTES, FILE_BYTES_MAX},
        {"all data junk", JUNK, 2 * PAGE_BYTES, FILE_BYTES_MAX},
    };
    struct fixture f;
    (void)state;
    setup(&f);
    const char *data = file_of(&f, "data.mdb");
    struct gw_str whole = read_file(&f.arena, data);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_file(data, damaged(&f, whole, &rows[i]));
        assert_refused(&f, rows[i].what);
    }
    write_file(data, whole);
    fixture_open(&f);
    assert_int_equal(fixture_count(&f), USERS);
    fixture_close(&f);
    teardown(&f);
}

static bool on_user(const struct store_user *user, void *data)
{
    uint32_t *sum = data;
    const struct gw_str texts[] = {user->user_name, user->external_id, user->attributes};
    for (size_t i = 0; i < 3; i++)
        *sum = *sum * 31 + gw_crc32(texts[i].ptr, texts[i].len);
    *sum = *sum * 31 + (uint32_t)user->state.flags + (uint32_t)user->version;
    return true;
}

/* Everything that walks and lookups show, as one number. */
static uint32_t sum_users(struct fixture *f, struct store *store)
{
    uint32_t sum = 0;
    struct store_reader *reader = NULL;
    GW_ARENA_SCOPED(arena);
    assert_ok(store_reader_new(store, &reader, &f->err), &f->err);
    assert_ok(store_reader_begin(reader, &f->err), &f->err);
    assert_ok(store_users_scan(reader, f->folder, 0, on_user, &sum, &f->err), &f->err);
    for (int i = 0; i < USERS; i++) {
        char name[32];
        uint64_t seq = 0;
        size_t count = 0;
        int len = snprintf(name, sizeof name, "user%d@example.com", i);
        assert_ok(store_users_find(reader, f->folder, STORE_INDEX_USER_NAME, gw_str_n(name, (size_t)len), &seq, 1,
                                   &count, &f->err),
                  &f->err);
        struct store_user user = {.version = 0};
        enum gw_code code = store_user_get(reader, &arena, f->folder, (uint64_t)i + 1, &user, &f->err);
        sum = sum * 31 + (uint32_t)seq + (uint32_t)user.version + (uint32_t)code;
    }
    store_reader_free(reader);
    return sum;
}

/* Opens a damaged copy: refused, or the damage was where nothing is kept. */
static bool is_refused_or_whole(struct fixture *f, uint32_t expected)
{
    struct store *store = NULL;
    if (store_open(f->path, f->max_bytes, &store, &f->err) != GW_OK)
        return true;
    uint32_t sum = sum_users(f, store);
    store_close(store);
    assert_int_equal(sum, expected);
    return false;
}

static void each_page_of_junk_is_refused_or_was_free(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    fixture_open(&f);
    uint32_t expected = sum_users(&f, f.store);
    fixture_close(&f);
    const char *data = file_of(&f, "data.mdb");
    GW_ARENA_SCOPED(arena);
    struct gw_str whole = read_file(&arena, data);
    size_t refused = 0;
    for (long page = 0; page < (long)(whole.len / PAGE_BYTES); page++) {
        struct damage_row row = {"page", JUNK, page * PAGE_BYTES, PAGE_BYTES};
        write_file(data, damaged(&f, whole, &row));
        refused += is_refused_or_whole(&f, expected);
        gw_arena_reset(&f.arena);
        data = file_of(&f, "data.mdb");
    }
    assert_true(refused > 30);
    teardown(&f);
}

/* The last commit's number is the one thing in the file that nothing checks: lowered, the file shows the commit before.
 */
static bool is_number_of_commit(size_t at)
{
    size_t within = at % PAGE_BYTES;
    return at < 2 * PAGE_BYTES && within >= 144 && within < 152;
}

static void each_changed_byte_is_refused_or_does_not_matter(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    fixture_open(&f);
    uint32_t expected = sum_users(&f, f.store);
    fixture_close(&f);
    const char *data = file_of(&f, "data.mdb");
    struct gw_str whole = read_file(&f.arena, data);
    int fd = open(data, O_RDWR | O_CLOEXEC);
    uint64_t random = 88172645463325252ull;
    size_t refused = 0;
    for (int i = 0; i < CHANGED_BYTES; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        /* every third one in the meta pages' heads */
        size_t at = i % 3 == 0 ? random % 160 + random / 7 % 2 * PAGE_BYTES : random % whole.len;
        char changed = (char)(whole.ptr[at] ^ (char)(1 + random / 11 % 255));
        if (is_number_of_commit(at))
            continue;
        assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
        refused += is_refused_or_whole(&f, expected);
        assert_int_equal(pwrite(fd, &whole.ptr[at], 1, (off_t)at), 1);
    }
    close(fd);
    assert_true(refused > 100);
    assert_false(is_refused_or_whole(&f, expected));
    teardown(&f);
}

/* Changes one byte in every copy of `text`, the ones in free pages too. */
static size_t change_text(struct gw_str bytes, int fd, struct gw_str text)
{
    size_t changed = 0;
    for (size_t at = 2 * PAGE_BYTES; at + text.len <= bytes.len; at++) {
        if (memcmp(bytes.ptr + at, text.ptr, text.len) != 0)
            continue;
        assert_int_equal(pwrite(fd, "~", 1, (off_t)at), 1);
        changed++;
    }
    return changed;
}

static void a_changed_byte_in_any_kind_of_record_breaks_its_seal(void **state)
{
    static const struct gw_str texts[] = {GW_STR_INIT("title"), GW_STR_INIT("token:okta"), GW_STR_INIT("https://idp")};
    struct fixture f;
    (void)state;
    setup(&f);
    const char *data = file_of(&f, "data.mdb");
    struct gw_str whole = read_file(&f.arena, data);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int fd = open(data, O_RDWR | O_CLOEXEC);
        assert_true(change_text(whole, fd, texts[i]) > 0);
        close(fd);
        assert_refused(&f, texts[i].ptr);
        assert_non_null(strstr(f.err.text, "checksum"));
        write_file(data, whole);
    }
    teardown(&f);
}

static void a_record_that_goes_bad_while_the_store_is_open_is_not_read(void **state)
{
    struct fixture f;
    struct store_user user;
    (void)state;
    setup(&f);
    fixture_open(&f);
    const char *data = file_of(&f, "data.mdb");
    struct gw_str whole = read_file(&f.arena, data);
    int fd = open(data, O_RDWR | O_CLOEXEC);
    assert_true(change_text(whole, fd, GW_STR("title")) > 0);
    close(fd);
    assert_ok(store_reader_begin(f.reader, &f.err), &f.err);
    assert_int_equal(store_user_get(f.reader, &f.arena, f.folder, 1, &user, &f.err), GW_E_STORE_DAMAGED);
    store_reader_end(f.reader);
    fixture_close(&f);
    teardown(&f);
}

#define PAGE_IS_BRANCH 1

/* Separators: a walk along the leaves does not see them, a lookup depends on them. */
static void a_changed_byte_in_a_branch_page_is_refused_or_does_not_matter(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    fixture_open(&f);
    uint32_t expected = sum_users(&f, f.store);
    fixture_close(&f);
    const char *data = file_of(&f, "data.mdb");
    struct gw_str whole = read_file(&f.arena, data);
    int fd = open(data, O_RDWR | O_CLOEXEC);
    size_t refused = 0;
    for (size_t page = 2 * PAGE_BYTES; page < whole.len; page += PAGE_BYTES) {
        if (whole.ptr[page + 10] != PAGE_IS_BRANCH)
            continue;
        uint16_t upper;
        memcpy(&upper, whole.ptr + page + 14, sizeof upper);
        for (size_t at = page + upper; at < page + PAGE_BYTES; at += 7) {
            char changed = (char)(whole.ptr[at] ^ 0x15);
            assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
            refused += is_refused_or_whole(&f, expected);
            assert_int_equal(pwrite(fd, &whole.ptr[at], 1, (off_t)at), 1);
        }
    }
    close(fd);
    assert_true(refused > 10);
    teardown(&f);
}

/* Straight to LMDB, as a program that knows nothing of ours. */
static void with_lmdb(struct fixture *f, void (*change)(MDB_txn *txn, MDB_dbi table), const char *table)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 32), 0);
    assert_int_equal(mdb_env_open(env, f->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table, 0, &dbi), 0);
    change(txn, dbi);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void drop_table(MDB_txn *txn, MDB_dbi table)
{
    assert_int_equal(mdb_drop(txn, table, 1), 0);
}

static void empty_table(MDB_txn *txn, MDB_dbi table)
{
    assert_int_equal(mdb_drop(txn, table, 0), 0);
}

static void delete_sentinel(MDB_txn *txn, MDB_dbi table)
{
    char name[] = "sentinel";
    MDB_val key = {sizeof name - 1, name};
    assert_int_equal(mdb_del(txn, table, &key, NULL), 0);
}

static void raise_format(MDB_txn *txn, MDB_dbi table)
{
    char name[] = "sentinel";
    MDB_val key = {sizeof name - 1, name};
    MDB_val value;
    assert_int_equal(mdb_get(txn, table, &key, &value), 0);
    uint8_t record[1024];
    memcpy(record, value.mv_data, value.mv_size);
    record[4] = 99;
    uint32_t seal = gw_crc32(record + 4, value.mv_size - 4) ^ gw_crc32(name, sizeof name - 1);
    memcpy(record, &seal, sizeof seal);
    MDB_val changed = {value.mv_size, record};
    assert_int_equal(mdb_put(txn, table, &key, &changed, 0), 0);
}

static void r7_a_table_that_is_missing_or_emptied_is_never_an_empty_store(void **state)
{
    static const struct {
        void (*change)(MDB_txn *txn, MDB_dbi table);
        const char *table;
        const char *reason;
    } rows[] = {
        {drop_table, "users", "users"},        {drop_table, "sessions", "sessions"},
        {drop_table, "meta", "meta"},          {empty_table, "users", "users"},
        {empty_table, "index", "index"},       {empty_table, "states", "states"},
        {empty_table, "sessions", "sessions"}, {delete_sentinel, "meta", "sentinel"},
        {raise_format, "meta", "format 99"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        (void)state;
        setup(&f);
        with_lmdb(&f, rows[i].change, rows[i].table);
        assert_refused(&f, rows[i].table);
        assert_non_null(strstr(f.err.text, rows[i].reason));
        teardown(&f);
    }
}

static void h9_a_key_file_that_is_open_to_others_missing_or_foreign_is_refused(void **state)
{
    struct fixture f;
    struct fixture other;
    (void)state;
    setup(&f);
    setup(&other);
    const char *key = file_of(&f, "store.key");
    struct gw_str own = read_file(&f.arena, key);
    for (mode_t mode = 0601; mode <= 0640; mode += 037) { /* 0601 and 0640 */
        assert_int_equal(chmod(key, mode), 0);
        assert_refused(&f, "mode of the key file");
        assert_non_null(strstr(f.err.text, "chmod 600"));
    }
    assert_int_equal(chmod(key, 0600), 0);
    write_file(key, read_file(&other.arena, file_of(&other, "store.key")));
    assert_refused(&f, "key file of another store");
    write_file(key, gw_str_n(own.ptr, own.len - 2));
    assert_refused(&f, "key file cut short");
    char *swapped = gw_arena_alloc(&f.arena, own.len);
    memcpy(swapped, own.ptr, own.len);
    swapped[own.len - 2] = swapped[own.len - 2] == '0' ? '1' : '0';
    write_file(key, gw_str_n(swapped, own.len));
    assert_refused(&f, "one digit of the session key changed");
    assert_int_equal(unlink(key), 0);
    assert_refused(&f, "no key file");
    teardown(&other);
    teardown(&f);
}

static void h9_links_and_things_that_are_no_directory_are_refused(void **state)
{
    struct fixture f;
    struct store *store = NULL;
    (void)state;
    setup(&f);
    char *link_path = gw_strdup(gw_arena_printf(&f.arena, "%s.link", f.path).ptr);
    assert_int_equal(symlink(f.path, link_path), 0);
    assert_code(store_open(link_path, f.max_bytes, &store, &f.err), GW_E_STORE_DAMAGED, &f.err);
    assert_non_null(strstr(f.err.text, "symbolic link"));
    assert_int_equal(unlink(link_path), 0);
    free(link_path);
    assert_code(store_open(file_of(&f, "store.key"), f.max_bytes, &store, &f.err), GW_E_STORE_DAMAGED, &f.err);
    assert_non_null(strstr(f.err.text, "not a directory"));
    static const char *const names[] = {"data.mdb", "store.key"};
    for (size_t i = 0; i < 2; i++) {
        const char *file = file_of(&f, names[i]);
        const char *moved = file_of(&f, "moved");
        assert_int_equal(rename(file, moved), 0);
        assert_int_equal(symlink(moved, file), 0);
        assert_refused(&f, "symbolic link to a file");
        assert_non_null(strstr(f.err.text, "symbolic link"));
        assert_int_equal(rename(moved, file), 0);
    }
    assert_int_equal(chmod(f.path, 0777), 0);
    assert_refused(&f, "directory that others may write");
    teardown(&f);
}

static void a_missing_store_says_how_to_make_one_and_is_not_made(void **state)
{
    char *path = unit_folder_new();
    struct gw_error err;
    struct store *store = NULL;
    (void)state;
    assert_int_equal(store_open(path, FIXTURE_MAX_BYTES, &store, &err), GW_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "provgate init"));
    assert_non_null(strstr(err.text, path));
    assert_int_equal(rmdir(path), 0); /* still empty */
    assert_int_equal(store_open(path, FIXTURE_MAX_BYTES, &store, &err), GW_E_NOT_FOUND);
    free(path);
}

static void a_store_is_made_only_where_there_is_nothing(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    struct gw_str before = read_file(&f.arena, file_of(&f, "data.mdb"));
    assert_int_equal(store_create(f.path, f.max_bytes, &f.err), GW_E_CONFLICT);
    assert_true(gw_str_eq(before, read_file(&f.arena, file_of(&f, "data.mdb"))));
    assert_int_equal(unlink(file_of(&f, "data.mdb")), 0);
    assert_int_equal(store_create(f.path, f.max_bytes, &f.err), GW_E_CONFLICT);
    assert_refused(&f, "data.mdb is missing");
    teardown(&f);
}

static void a_store_is_opened_once_in_a_process(void **state)
{
    struct fixture f;
    struct store *store = NULL;
    (void)state;
    fixture_init(&f);
    assert_int_equal(store_open(f.path, f.max_bytes, &store, &f.err), GW_E_STORE_LOCKED);
    fixture_done(&f);
}

static void everything_is_there_after_a_restart(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    fixture_open(&f);
    assert_int_equal(fixture_count(&f), USERS);
    assert_int_equal(fixture_guard(&f, "cookie"), VERDICT_ALIVE);
    assert_int_equal(fixture_find(&f, STORE_INDEX_EXTERNAL_ID, "user299@example.com"), 300);
    assert_int_equal(fixture_create(&f, "next@x", "").seq, USERS + 2);
    fixture_done(&f);
}

static void what_root_makes_in_a_folder_is_its_owners(void **state)
{
    static const char *const names[] = {"data.mdb", "store.key", "lock.mdb"};
    struct fixture f = {.path = unit_folder_new(), .max_bytes = FIXTURE_MAX_BYTES};
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(f.path, OTHER_USER, OTHER_USER), 0);
    assert_ok(store_create(f.path, f.max_bytes, &f.err), &f.err);
    for (int lock_is_roots = 0; lock_is_roots < 2; lock_is_roots++) { /* one that was left is mended */
        assert_ok(store_open(f.path, f.max_bytes, &f.store, &f.err), &f.err);
        store_close(f.store);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            assert_int_equal(owner_of(&f, names[i]), OTHER_USER);
        assert_int_equal(chown(file_of(&f, "lock.mdb"), 0, 0), 0);
    }
    /* but not what has a second name: that may be of somebody else's file */
    assert_int_equal(link(file_of(&f, "lock.mdb"), file_of(&f, "second")), 0);
    assert_ok(store_open(f.path, f.max_bytes, &f.store, &f.err), &f.err);
    store_close(f.store);
    assert_int_equal(owner_of(&f, "lock.mdb"), 0);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h9_a_damaged_file_is_refused_and_left_as_it_is),
        cmocka_unit_test(each_page_of_junk_is_refused_or_was_free),
        cmocka_unit_test(each_changed_byte_is_refused_or_does_not_matter),
        cmocka_unit_test(a_changed_byte_in_any_kind_of_record_breaks_its_seal),
        cmocka_unit_test(a_record_that_goes_bad_while_the_store_is_open_is_not_read),
        cmocka_unit_test(a_changed_byte_in_a_branch_page_is_refused_or_does_not_matter),
        cmocka_unit_test(r7_a_table_that_is_missing_or_emptied_is_never_an_empty_store),
        cmocka_unit_test(h9_a_key_file_that_is_open_to_others_missing_or_foreign_is_refused),
        cmocka_unit_test(h9_links_and_things_that_are_no_directory_are_refused),
        cmocka_unit_test(a_missing_store_says_how_to_make_one_and_is_not_made),
        cmocka_unit_test(a_store_is_made_only_where_there_is_nothing),
        cmocka_unit_test(a_store_is_opened_once_in_a_process),
        cmocka_unit_test(everything_is_there_after_a_restart),
        cmocka_unit_test(what_root_makes_in_a_folder_is_its_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
