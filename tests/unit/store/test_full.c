/* A full store: whoever is in it can still be deactivated, locked and deleted (law 3; semantics.md 1). */
#include "tests/unit/store/fixture.h"

#include "store/inspect.h"
#include "store/room.h"

#define SMALL_MAP_BYTES (8ull << 20)
#define TINY_MAP_BYTES (2ull << 20)
#define ATTRIBUTES_BYTES 900u
#define STRIDE 7919u /* a prime: from user to user in no order, and each once */

static struct gw_str long_text(size_t len)
{
    static char text[40000];
    if (text[0] == '\0') /* once: the writer reads it while more is submitted */
        memset(text, 'x', sizeof text);
    return gw_str_n(text, len);
}

static struct gw_str name_of(struct gw_arena *arena, uint64_t seq)
{
    return gw_arena_printf(arena, "user%llu@example.com", (unsigned long long)seq);
}

/* Many at once, as an identity provider sends them; returns how many were refused. */
struct batch {
    _Atomic unsigned done;
    _Atomic unsigned full;
    _Atomic unsigned other;
};

static void on_done(struct store_change *change)
{
    struct batch *batch = change->owner;
    atomic_fetch_add(change->code == GW_OK             ? &batch->done
                     : change->code == GW_E_STORE_FULL ? &batch->full
                                                       : &batch->other,
                     1);
    store_change_free(change);
}

static void submit(struct fixture *f, struct batch *batch, struct store_change *change)
{
    change->owner = batch;
    change->on_done = on_done;
    change->is_urgent = true;
    assert_ok(store_writer_submit(f->writer, change, &f->err), &f->err);
}

/* Waits for all that was submitted. */
static void drain(struct fixture *f)
{
    (void)fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_END_SESSIONS, UINT32_MAX));
}

static unsigned fill_with_users(struct fixture *f, size_t attributes_bytes)
{
    struct batch batch = {.done = 0};
    uint64_t seq = 0;
    while (atomic_load(&batch.full) == 0) {
        for (int i = 0; i < 64; i++) {
            struct store_change *change = fixture_create_change(f, fixture_draft("", "", true));
            change->as.create.draft.user_name = name_of(&change->arena, ++seq);
            change->as.create.draft.attributes = long_text(attributes_bytes);
            submit(f, &batch, change);
        }
        drain(f);
    }
    assert_int_equal(atomic_load(&batch.other), 0);
    return atomic_load(&batch.done);
}

/* Entries and sign-ons may use the reserve, but not the last room. They are as long as those that come later, or these
 * would find room that the long ones leave. */
static void fill_to_the_brim(struct fixture *f)
{
    struct batch batch = {.done = 0};
    while (atomic_load(&batch.full) == 0) {
        for (int i = 0; i < 64; i++) {
            struct store_change *change = fixture_change(f, STORE_CHANGE_ACTIVITY, 0);
            change->as.activity.kind = STORE_ACTIVITY_REFUSE;
            change->as.activity.user_name = GW_STR("user1@example.com");
            submit(f, &batch, change);
        }
        drain(f);
    }
    assert_int_equal(atomic_load(&batch.other), 0);
}

/* In no order, which leaves the most pages half full. */
static void submit_all(struct fixture *f, struct batch *batch, enum store_change_kind kind, unsigned users)
{
    assert_true(users % STRIDE != 0);
    for (uint64_t i = 0; i < users; i++)
        submit(f, batch, fixture_change(f, kind, 1 + i * STRIDE % users));
    drain(f);
    assert_int_equal(atomic_load(&batch->other), 0);
}

static void expect_all_done(struct fixture *f, enum store_change_kind kind, unsigned users)
{
    struct batch batch = {.done = 0};
    submit_all(f, &batch, kind, users);
    assert_int_equal(atomic_load(&batch.full), 0);
    assert_int_equal(atomic_load(&batch.done), users);
}

static void check_everyone_can_go(uint64_t max_bytes, size_t attributes_bytes)
{
    struct fixture f;
    fixture_init_sized(&f, max_bytes);
    unsigned users = fill_with_users(&f, attributes_bytes);
    fill_to_the_brim(&f);
    expect_all_done(&f, STORE_CHANGE_USER_DEACTIVATE, users);
    for (int i = 0; i < 2; i++) {
        expect_all_done(&f, STORE_CHANGE_USER_END_SESSIONS, users);
        expect_all_done(&f, i % 2 == 0 ? STORE_CHANGE_USER_LOCK : STORE_CHANGE_USER_UNLOCK, users);
    }
    expect_all_done(&f, STORE_CHANGE_USER_DELETE, users);
    assert_int_equal(fixture_count(&f), 0);
    fixture_done(&f);
}

static void law_3_every_user_of_a_full_store_can_be_deactivated_and_deleted(void **state)
{
    (void)state;
    check_everyone_can_go(SMALL_MAP_BYTES, ATTRIBUTES_BYTES);
    check_everyone_can_go(SMALL_MAP_BYTES / 2, 2);
    check_everyone_can_go(SMALL_MAP_BYTES, 40000);
    check_everyone_can_go(TINY_MAP_BYTES, ATTRIBUTES_BYTES);
}

#define MANY_USERS 6000u
#define MANY_USERS_PART 250u

/* What the journal takes in the last room is what it gives up. */
static void on_table(const char *name, uint64_t entries, uint64_t bytes, void *data)
{
    (void)entries;
    if (strcmp(name, "activity") != 0 && strcmp(name, "trail_blocks") != 0 && strcmp(name, "revocations") != 0)
        *(uint64_t *)data += bytes;
}

static uint64_t records_bytes(struct fixture *f)
{
    uint64_t bytes = 0;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_tables_each(f->reader, on_table, &bytes, &f->err), &f->err);
    store_reader_end(f->reader);
    return bytes;
}

/* Sends the change to everybody; what the records had grown by when they were largest. */
static uint64_t measure_growth(struct fixture *f, enum store_change_kind kind, uint64_t before)
{
    struct batch batch = {.done = 0};
    uint64_t most = before;
    for (uint64_t i = 0; i < MANY_USERS; i++) {
        f->now_ms += 10;
        submit(f, &batch, fixture_change(f, kind, 1 + i * STRIDE % MANY_USERS));
        if (i % MANY_USERS_PART != MANY_USERS_PART - 1)
            continue;
        drain(f);
        uint64_t bytes = records_bytes(f);
        most = bytes > most ? bytes : most;
    }
    assert_int_equal(atomic_load(&batch.done), MANY_USERS);
    return most - before;
}

/* The numbers of store/room.h, for users with two names each. */
static void law_3_the_reserve_is_what_everybodys_going_takes(void **state)
{
    const uint64_t reserve = MANY_USERS * (STORE_RESERVE_USER_BYTES + 2u * STORE_RESERVE_NAME_BYTES);
    (void)state;
    for (int is_deactivated = 0; is_deactivated < 2; is_deactivated++) {
        struct fixture f;
        fixture_init(&f);
        fixture_fill(&f, MANY_USERS);
        uint64_t before = records_bytes(&f);
        uint64_t growth = 0;
        if (is_deactivated != 0) {
            growth = measure_growth(&f, STORE_CHANGE_USER_DEACTIVATE, before);
            assert_in_range(growth, 1, MANY_USERS * STORE_RESERVE_USER_BYTES);
        }
        growth = measure_growth(&f, STORE_CHANGE_USER_DELETE, before);
        /* not far from it either: what is kept free cannot be used */
        assert_in_range(growth, reserve / 4, reserve);
        fixture_done(&f);
    }
}

/* One change a commit: each needs new pages before the old ones are free. */
static void law_3_one_by_one_as_well(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init_sized(&f, SMALL_MAP_BYTES);
    unsigned users = fill_with_users(&f, 8 * ATTRIBUTES_BYTES);
    fill_to_the_brim(&f);
    for (uint64_t seq = 1; seq <= users; seq++) {
        assert_ok(fixture_apply(&f, fixture_change(&f, STORE_CHANGE_USER_DEACTIVATE, seq)).code, &f.err);
        assert_code(fixture_create(&f, "one more", "").code, GW_E_STORE_FULL, &f.err);
    }
    for (uint64_t seq = 1; seq <= users; seq++)
        assert_ok(fixture_apply(&f, fixture_change(&f, STORE_CHANGE_USER_DELETE, seq)).code, &f.err);
    assert_int_equal(fixture_revocations(&f), 2 * users);
    fixture_done(&f);
}

/* What the last room takes away is the oldest history, and whoever reads the revocation log notices. */
static void the_newest_history_of_a_full_store_stays(void **state)
{
    struct fixture f;
    struct store_stats before;
    struct store_stats after;
    (void)state;
    fixture_init_sized(&f, SMALL_MAP_BYTES);
    unsigned users = fill_with_users(&f, ATTRIBUTES_BYTES);
    fill_to_the_brim(&f);
    assert_ok(store_stats_read(f.store, &before, &f.err), &f.err);
    expect_all_done(&f, STORE_CHANGE_USER_END_SESSIONS, users);
    assert_ok(store_stats_read(f.store, &after, &f.err), &f.err);
    assert_true(after.activity_entries <= before.activity_entries);
    assert_true(after.used_bytes <= before.used_bytes + (128u << 10));
    const char *letters = fixture_activity(&f, 0);
    assert_int_equal(letters[strlen(letters) - 1], 'E');
    assert_true(strlen(letters) < users + before.activity_entries);
    fixture_done(&f);
}

static bool on_values(const struct store_activity *entry, void *data)
{
    *(size_t *)data = entry->values.len;
    return true;
}

/* Nor does what somebody was before: the values of attributes are no history that must be kept. */
static void values_of_attributes_take_nothing_of_the_last_room(void **state)
{
    struct fixture f;
    struct store_stats before;
    struct store_stats after;
    size_t last_values = 1;
    (void)state;
    fixture_init_sized(&f, SMALL_MAP_BYTES);
    unsigned users = fill_with_users(&f, ATTRIBUTES_BYTES);
    fill_to_the_brim(&f);
    struct gw_str values = gw_arena_printf(&f.arena, "{\"title\":[null,\"%040000d\"]}", 0);
    assert_ok(store_stats_read(f.store, &before, &f.err), &f.err);
    for (unsigned i = 0; i < 200 && i < users; i++) {
        struct store_change *change = fixture_change(&f, STORE_CHANGE_USER_DEACTIVATE, 1 + i);
        change->attribute_values = values;
        assert_ok(fixture_apply(&f, change).code, &f.err);
    }
    assert_ok(store_stats_read(f.store, &after, &f.err), &f.err);
    assert_true(after.used_bytes <= before.used_bytes + (128u << 10));
    assert_ok(store_reader_begin(f.reader, &f.err), &f.err);
    assert_ok(store_activity_after(f.reader, 0, on_values, &last_values, &f.err), &f.err);
    store_reader_end(f.reader);
    assert_int_equal(last_values, 0);
    fixture_done(&f);
}

static void ignore_revocation(const struct store_revocation *revocation, void *data)
{
    (void)revocation;
    (*(unsigned *)data)++;
}

static void the_revocation_log_of_a_full_store_is_cut_and_says_so(void **state)
{
    struct fixture f;
    unsigned count = 0;
    (void)state;
    fixture_init_sized(&f, SMALL_MAP_BYTES);
    unsigned users = fill_with_users(&f, 2);
    fill_to_the_brim(&f);
    assert_true(users > 2048);
    expect_all_done(&f, STORE_CHANGE_USER_END_SESSIONS, users);
    assert_ok(store_reader_begin(f.reader, &f.err), &f.err);
    assert_int_equal(store_revocations_after(f.reader, 0, ignore_revocation, &count), GW_E_STALE);
    assert_true(count > 0 && count <= 1100);
    count = 0;
    assert_int_equal(store_revocations_after(f.reader, users - 10, ignore_revocation, &count), GW_OK);
    assert_int_equal(count, 10);
    store_reader_end(f.reader);
    fixture_done(&f);
}

/* Pages that an open reader sees cannot be used again: they are not room, so creates end while there is a reserve. */
static void an_open_reader_keeps_the_reserve_from_being_used_up(void **state)
{
    struct fixture f;
    struct batch batch = {.done = 0};
    struct store_reader *pinned = NULL;
    (void)state;
    fixture_init_sized(&f, 4 * SMALL_MAP_BYTES);
    fixture_create(&f, "alice@x", "");
    assert_ok(store_reader_new(f.store, &pinned, &f.err), &f.err);
    assert_ok(store_reader_begin(pinned, &f.err), &f.err);
    unsigned users = fill_with_users(&f, ATTRIBUTES_BYTES);
    assert_code(fixture_create(&f, "one more", "").code, GW_E_STORE_FULL, &f.err);
    assert_true(users > 100);
    /* a few at once, as always, go through even so */
    expect_all_done(&f, STORE_CHANGE_USER_DEACTIVATE, 20);
    submit_all(&f, &batch, STORE_CHANGE_USER_DEACTIVATE, users);
    store_reader_end(pinned);
    expect_all_done(&f, STORE_CHANGE_USER_DEACTIVATE, users);
    expect_all_done(&f, STORE_CHANGE_USER_DELETE, users);
    store_reader_free(pinned);
    fixture_done(&f);
}

/* A PUT that deactivates and brings more data than there is room for. */
static void a_deactivation_that_brings_more_data_is_refused_but_takes_access_away(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init_sized(&f, SMALL_MAP_BYTES);
    assert_ok(fixture_sign_on(&f, "alice@x", "c1").code, &f.err);
    (void)fill_with_users(&f, ATTRIBUTES_BYTES);
    fill_to_the_brim(&f);
    assert_int_equal(fixture_guard(&f, "c1"), VERDICT_ALIVE);
    struct store_user_draft draft = fixture_draft("alice@x", "", false);
    draft.attributes = long_text(2000);
    uint64_t revocations = fixture_revocations(&f);
    assert_code(fixture_replace(&f, 1, fixture_user(&f, 1).version, draft).code, GW_E_STORE_FULL, &f.err);
    assert_int_equal(fixture_guard(&f, "c1"), VERDICT_DEAD);
    assert_int_equal(fixture_revocations(&f), revocations + 1);
    assert_int_equal(fixture_user(&f, 1).attributes.len, 0);
    assert_code(fixture_replace(&f, 1, fixture_user(&f, 1).version, draft).code, GW_E_STORE_FULL, &f.err);
    assert_int_equal(fixture_revocations(&f), revocations + 1);
    fixture_done(&f);
}

int main(void)
{
    /* thousands of commits, and none of them is about the disk */
    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law_3_every_user_of_a_full_store_can_be_deactivated_and_deleted),
        cmocka_unit_test(law_3_the_reserve_is_what_everybodys_going_takes),
        cmocka_unit_test(law_3_one_by_one_as_well),
        cmocka_unit_test(the_newest_history_of_a_full_store_stays),
        cmocka_unit_test(values_of_attributes_take_nothing_of_the_last_room),
        cmocka_unit_test(the_revocation_log_of_a_full_store_is_cut_and_says_so),
        cmocka_unit_test(an_open_reader_keeps_the_reserve_from_being_used_up),
        cmocka_unit_test(a_deactivation_that_brings_more_data_is_refused_but_takes_access_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
