/* How long a binding lives: its time to live, the cap of the table, and that neither forgets who is out. */
#include "tests/unit/store/fixture.h"

#include <stdlib.h>

#define DAY_MS 86400000ll
#define TTL_DAYS 30
#define RETAIN_DAYS 90

static uint64_t sessions(struct fixture *f)
{
    struct store_stats stats;
    assert_ok(store_stats_read(f->store, &stats, &f->err), &f->err);
    return stats.sessions;
}

/* As the keeper does it: until nothing is left to look at. */
static uint64_t sweep(struct fixture *f, uint64_t sessions_max)
{
    struct store_session_rule rule = {f->folder, TTL_DAYS * DAY_MS, RETAIN_DAYS * DAY_MS};
    struct store_change *change = fixture_change(f, STORE_CHANGE_SESSION_SWEEP, 0);
    uint64_t forgotten = 0;
    unsigned rounds = 0;
    change->as.sweep.rules = &rule;
    change->as.sweep.rule_count = 1;
    change->sessions_max = sessions_max;
    do {
        assert_ok(store_writer_apply(f->writer, change, &f->err), &f->err);
        forgotten += change->result.forgotten;
        assert_true(++rounds < 1000);
    } while (change->result.has_more);
    store_change_free(change);
    return forgotten;
}

static struct store_session session_of(struct fixture *f, const char *cookie)
{
    struct store_session session;
    struct store_session_digest digest = fixture_digest(f, cookie);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_int_equal(store_session_get(f->reader, &digest, &session), GW_OK);
    store_reader_end(f->reader);
    return session;
}

static void set_active(struct fixture *f, const char *name, bool active)
{
    uint64_t seq = fixture_find(f, STORE_INDEX_USER_NAME, name);
    struct store_user user = fixture_user(f, seq);
    assert_ok(fixture_replace(f, seq, user.version, fixture_draft(name, "", active)).code, &f->err);
}

fixture_test(a_session_that_was_not_seen_for_its_time_is_forgotten)
{
    assert_ok(fixture_sign_on(f, "alice@example.com", "old").code, &f->err);
    f->now_ms += (TTL_DAYS - 1) * DAY_MS;
    assert_ok(fixture_sign_on(f, "alice@example.com", "new").code, &f->err);
    assert_int_equal(sweep(f, 0), 0);
    f->now_ms += 2 * DAY_MS; /* a day more, since that is how often it is written */
    assert_int_equal(sweep(f, 0), 1);
    assert_int_equal(fixture_guard(f, "old"), VERDICT_UNBOUND);
    assert_int_equal(fixture_guard(f, "new"), VERDICT_ALIVE);
}

fixture_test(a_session_that_was_seen_lives_on)
{
    assert_ok(fixture_sign_on(f, "alice@example.com", "a").code, &f->err);
    f->now_ms += (TTL_DAYS - 1) * DAY_MS;
    struct store_change *change = fixture_change(f, STORE_CHANGE_SESSION_SEEN, 0);
    change->as.seen.digest = fixture_digest(f, "a");
    assert_ok(fixture_apply(f, change).code, &f->err);
    f->now_ms += (TTL_DAYS - 1) * DAY_MS;
    assert_int_equal(sweep(f, 0), 0);
    assert_int_equal(fixture_guard(f, "a"), VERDICT_ALIVE);
}

/* Forgotten, the session would be unknown, and `unbound: pass` would let it in. */
fixture_test(a_session_of_a_deactivated_user_stays_until_the_retention_ends)
{
    assert_ok(fixture_create(f, "alice@example.com", "").code, &f->err);
    assert_ok(fixture_sign_on(f, "alice@example.com", "a").code, &f->err);
    f->now_ms += (TTL_DAYS + 10) * DAY_MS;
    set_active(f, "alice@example.com", false);
    assert_int_equal(sweep(f, 0), 0);
    f->now_ms += (RETAIN_DAYS - 1) * DAY_MS;
    assert_int_equal(sweep(f, 0), 0);
    assert_int_equal(fixture_guard(f, "a"), VERDICT_DEAD);
    f->now_ms += 2 * DAY_MS;
    assert_int_equal(sweep(f, 0), 1);
}

fixture_test(a_locked_users_session_stays_however_old_it_is)
{
    assert_ok(fixture_sign_on(f, "alice@example.com", "a").code, &f->err);
    uint64_t seq = fixture_find(f, STORE_INDEX_USER_NAME, "alice@example.com");
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_LOCK, seq)).code, &f->err);
    f->now_ms += 1000 * DAY_MS;
    assert_int_equal(sweep(f, 1), 0);
    assert_int_equal(fixture_guard(f, "a"), VERDICT_DEAD);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_UNLOCK, seq)).code, &f->err);
    assert_int_equal(sweep(f, 0), 1);
}

#define FLOOD_MAP_BYTES (2ull << 30)
#define FLOOD_PART 200u /* sign-ons that may share a commit */

static void flood(struct fixture *f, unsigned count, uint64_t max, char *cookie, size_t size)
{
    struct fixture_fill fill = {.failed = 0};
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(cookie, size, "c%u", i);
        f->now_ms += i % FLOOD_PART == 0 ? DAY_MS / 5 : 0;
        struct store_change *change = fixture_sign_on_change(f, "alice@example.com", cookie);
        change->sessions_max = max;
        if (i % FLOOD_PART == FLOOD_PART - 1 || i + 1 == count) {
            assert_ok(fixture_apply(f, change).code, &f->err);
            assert_true(sessions(f) <= max);
            continue;
        }
        change->owner = &fill;
        change->on_done = fixture_on_done;
        assert_ok(store_writer_submit(f->writer, change, &f->err), &f->err);
    }
    assert_int_equal(atomic_load(&fill.failed), 0);
}

/* F13: a flood of sign-ons. PROVGATE_TEST_LONG makes it the million. */
static void f13_a_flood_of_sign_ons_keeps_the_table_under_its_cap(void **state)
{
    struct fixture own;
    struct fixture *f = &own;
    const unsigned max = 500;
    unsigned count = getenv("PROVGATE_TEST_LONG") != NULL ? 1000000 : 5000;
    char cookie[32];
    (void)state;
    fixture_init_sized(f, FLOOD_MAP_BYTES);
    assert_ok(fixture_create(f, "out@example.com", "").code, &f->err);
    assert_ok(fixture_sign_on(f, "out@example.com", "out").code, &f->err);
    set_active(f, "out@example.com", false);
    assert_ok(fixture_sign_on(f, "alice@example.com", "first").code, &f->err);
    f->now_ms += DAY_MS;
    flood(f, count, max, cookie, sizeof cookie);
    assert_int_equal(sessions(f), max);
    assert_int_equal(fixture_guard(f, cookie), VERDICT_ALIVE);
    assert_int_equal(fixture_guard(f, "c0"), VERDICT_UNBOUND);
    assert_int_equal(fixture_guard(f, "out"), VERDICT_DEAD);
    fixture_done(f);
}

/* Old ones of inactive users in front of the table do not keep it above its cap: the sweep goes past them. */
fixture_test(the_cap_holds_also_behind_many_who_are_out)
{
    char name[64];
    for (unsigned i = 0; i < 600; i++) {
        (void)snprintf(name, sizeof name, "u%u@example.com", i);
        assert_ok(fixture_create(f, name, "").code, &f->err);
        assert_ok(fixture_sign_on(f, name, name).code, &f->err);
        if (i < 550)
            set_active(f, name, false);
        f->now_ms += i == 549 ? 2 * DAY_MS : 0;
    }
    assert_int_equal(sessions(f), 600);
    assert_int_equal(sweep(f, 560), 40);
    assert_int_equal(sessions(f), 560);
    assert_int_equal(sweep(f, 500), 10);
    assert_int_equal(sessions(f), 550);
    assert_int_equal(fixture_guard(f, "u0@example.com"), VERDICT_DEAD);
}

fixture_test(a_session_that_signed_out_is_marked_and_still_bound)
{
    assert_ok(fixture_create(f, "alice@example.com", "").code, &f->err);
    assert_ok(fixture_sign_on(f, "alice@example.com", "a").code, &f->err);
    assert_false(session_of(f, "a").is_signed_out);
    struct store_change *change = fixture_change(f, STORE_CHANGE_SESSION_MARK, 0);
    change->as.mark.digests[change->as.mark.count++] = fixture_digest(f, "a");
    change->as.mark.digests[change->as.mark.count++] = fixture_digest(f, "nobody's");
    assert_ok(fixture_apply(f, change).code, &f->err);
    assert_true(session_of(f, "a").is_signed_out);
    assert_int_equal(fixture_guard(f, "a"), VERDICT_ALIVE);
    set_active(f, "alice@example.com", false);
    assert_int_equal(fixture_guard(f, "a"), VERDICT_DEAD);
    set_active(f, "alice@example.com", true);
    assert_ok(fixture_sign_on(f, "alice@example.com", "a").code, &f->err);
    assert_false(session_of(f, "a").is_signed_out);
}

struct rebinds {
    unsigned count;
    uint64_t user_seq;
};

static bool on_entry(const struct store_activity *entry, void *data)
{
    struct rebinds *rebinds = data;
    if (entry->kind != STORE_ACTIVITY_REBIND)
        return true;
    rebinds->count++;
    rebinds->user_seq = entry->user_seq;
    return true;
}

static struct rebinds rebinds_of(struct fixture *f)
{
    struct rebinds rebinds = {0, 0};
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_activity_after(f->reader, 0, on_entry, &rebinds, &f->err), &f->err);
    store_reader_end(f->reader);
    return rebinds;
}

fixture_test(the_last_sign_on_wins_and_the_earlier_stands_in_the_activity)
{
    assert_ok(fixture_sign_on(f, "alice@example.com", "a").code, &f->err);
    assert_ok(fixture_sign_on(f, "alice@example.com", "a").code, &f->err);
    assert_int_equal(rebinds_of(f).count, 0);
    assert_ok(fixture_sign_on(f, "bob@example.com", "a").code, &f->err);
    assert_int_equal(session_of(f, "a").user_seq, fixture_find(f, STORE_INDEX_USER_NAME, "bob@example.com"));
    struct rebinds rebinds = rebinds_of(f);
    assert_int_equal(rebinds.count, 1);
    assert_int_equal(rebinds.user_seq, fixture_find(f, STORE_INDEX_USER_NAME, "alice@example.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_that_was_not_seen_for_its_time_is_forgotten),
        cmocka_unit_test(a_session_that_was_seen_lives_on),
        cmocka_unit_test(a_session_of_a_deactivated_user_stays_until_the_retention_ends),
        cmocka_unit_test(a_locked_users_session_stays_however_old_it_is),
        cmocka_unit_test(f13_a_flood_of_sign_ons_keeps_the_table_under_its_cap),
        cmocka_unit_test(the_cap_holds_also_behind_many_who_are_out),
        cmocka_unit_test(a_session_that_signed_out_is_marked_and_still_bound),
        cmocka_unit_test(the_last_sign_on_wins_and_the_earlier_stands_in_the_activity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
