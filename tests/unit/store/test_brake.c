/* The brake (semantics.md 9): when it engages, what it holds, and how it opens. */
#include "tests/unit/store/fixture.h"

#include "store/inspect.h"

#define USERS 200u
#define MINUTE_MS 60000

static struct store_brake brake(bool is_hold)
{
    return (struct store_brake){.is_on = true,
                                .is_hold = is_hold,
                                .share_percent = 20,
                                .at_least = 25,
                                .within_ms = 60 * MINUTE_MS,
                                .max_hold_ms = 30 * MINUTE_MS};
}

static struct outcome take_out(struct fixture *f, uint64_t seq, bool is_hold)
{
    struct store_user user = fixture_user(f, seq);
    struct store_user_draft draft = {user.user_name,   user.external_id, user.emails,
                                     user.email_count, user.attributes,  false};
    struct store_change *change = fixture_replace_change(f, seq, user.version, draft);
    change->brake = brake(is_hold);
    return fixture_apply(f, change);
}

static struct outcome remove_user(struct fixture *f, uint64_t seq, bool is_hold)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_USER_DELETE, seq);
    change->brake = brake(is_hold);
    return fixture_apply(f, change);
}

static struct store_brake_state state_of(struct fixture *f)
{
    struct store_brake_state state;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_brake_read(f->reader, f->folder, &state, &f->err), &f->err);
    store_reader_end(f->reader);
    return state;
}

static bool is_active(struct fixture *f, uint64_t seq)
{
    return (fixture_user(f, seq).state.flags & STORE_USER_ACTIVE) != 0;
}

/* Users from `first` on, one a second, until the brake holds one; that one's number. */
static uint64_t storm(struct fixture *f, uint64_t first)
{
    uint64_t seq = first;
    f->now_ms += 1000;
    while (seq <= USERS && take_out(f, seq, true).code == GW_OK) {
        seq++;
        f->now_ms += 1000;
    }
    assert_true(seq <= USERS);
    assert_code(f->err.code, GW_E_HELD, &f->err);
    return seq;
}

static uint64_t release(struct fixture *f, bool only_when_over)
{
    uint64_t count = 0;
    bool has_more = true;
    while (has_more) {
        struct store_change *change = fixture_change(f, STORE_CHANGE_BRAKE_RELEASE, 0);
        change->as.release.only_when_over = only_when_over;
        assert_ok(store_writer_apply(f->writer, change, &f->err), &f->err);
        has_more = change->result.has_more;
        count += change->result.count;
        store_change_free(change);
    }
    return count;
}

fixture_test(a_share_of_the_folder_and_never_the_first_25_are_held)
{
    fixture_fill(f, USERS);
    assert_int_equal(storm(f, 1), 41); /* 20 % of 200 */
    assert_true(is_active(f, 41));
    assert_int_equal(state_of(f).held, 1);
}

fixture_test(in_a_small_folder_the_first_25_pass)
{
    fixture_fill(f, 30);
    for (uint64_t seq = 1; seq <= 25; seq++)
        assert_ok(take_out(f, seq, true).code, &f->err);
    assert_int_equal(take_out(f, 26, true).code, GW_E_HELD);
}

fixture_test(a_retry_of_what_is_held_counts_once_and_stays_held)
{
    fixture_fill(f, USERS);
    uint64_t seq = storm(f, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(take_out(f, seq, true).code, GW_E_HELD);
    assert_int_equal(state_of(f).held, 1);
    assert_int_equal(remove_user(f, seq, true).code, GW_E_HELD);
    assert_int_equal(state_of(f).held, 1);
    assert_int_equal(release(f, false), 1);
    assert_true((fixture_user(f, seq).state.flags & STORE_USER_DELETED) != 0);
}

fixture_test(every_way_in_counts_and_a_user_counts_once)
{
    fixture_fill(f, USERS);
    for (uint64_t seq = 1; seq <= 20; seq++) {
        assert_ok(take_out(f, seq, true).code, &f->err);
        assert_ok(remove_user(f, seq, true).code, &f->err);
    }
    for (uint64_t seq = 21; seq <= 40; seq++)
        assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DEACTIVATE, seq)).code, &f->err);
    assert_int_equal(remove_user(f, 41, true).code, GW_E_HELD);
}

fixture_test(what_was_long_ago_or_came_back_does_not_count)
{
    fixture_fill(f, USERS);
    for (uint64_t seq = 1; seq <= 40; seq++)
        assert_ok(take_out(f, seq, true).code, &f->err);
    f->now_ms += 62 * MINUTE_MS;
    for (uint64_t seq = 41; seq <= 60; seq++)
        assert_ok(take_out(f, seq, true).code, &f->err);
    for (uint64_t seq = 41; seq <= 60; seq++)
        assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_REACTIVATE, seq)).code, &f->err);
    assert_int_equal(storm(f, 61), 61 + 32); /* 160 are active */
}

fixture_test(an_operator_is_never_held_and_ends_what_is_held)
{
    fixture_fill(f, USERS);
    uint64_t seq = storm(f, 1);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DEACTIVATE, seq)).code, &f->err);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_END_SESSIONS, seq + 1)).code, &f->err);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DEACTIVATE, seq + 2)).code, &f->err);
    assert_false(is_active(f, seq) || is_active(f, seq + 2));
    assert_ok(take_out(f, seq, true).code, &f->err); /* it is done */
}

fixture_test(an_operator_who_reactivates_a_user_takes_the_held_change_back)
{
    fixture_fill(f, USERS);
    uint64_t seq = storm(f, 1);
    assert_int_equal(take_out(f, seq + 1, true).code, GW_E_HELD);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_REACTIVATE, seq)).code, &f->err);
    assert_int_equal(state_of(f).held, 1);
    assert_int_equal(release(f, false), 1);
    assert_true(is_active(f, seq));
    assert_false(is_active(f, seq + 1));
}

fixture_test(a_release_takes_out_all_that_waited_and_lets_the_rest_of_the_run_pass)
{
    fixture_fill(f, USERS);
    fixture_sign_on(f, "user40@example.com", "cookie");
    uint64_t first = storm(f, 1);
    for (uint64_t seq = first + 1; seq <= first + 99; seq++)
        assert_int_equal(take_out(f, seq, true).code, GW_E_HELD);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_ALIVE);
    assert_int_equal(release(f, false), 100);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_DEAD);
    for (uint64_t seq = first; seq <= first + 99; seq++)
        assert_false(is_active(f, seq));
    assert_int_equal(state_of(f).held, 0);
    assert_ok(take_out(f, first + 100, true).code, &f->err);
    assert_ok(take_out(f, first, true).code, &f->err);
    assert_int_equal(release(f, false), 0);
}

fixture_test(it_opens_by_itself_after_max_hold_also_for_those_who_come_again)
{
    fixture_fill(f, USERS);
    uint64_t seq = storm(f, 1);
    f->now_ms += 29 * MINUTE_MS;
    assert_int_equal(take_out(f, seq + 1, true).code, GW_E_HELD);
    assert_int_equal(release(f, true), 0);
    f->now_ms += MINUTE_MS;
    assert_ok(take_out(f, seq + 1, true).code, &f->err);
    assert_ok(take_out(f, seq + 2, true).code, &f->err);
    assert_true(is_active(f, seq));
    assert_int_equal(release(f, true), 1);
    assert_false(is_active(f, seq));
}

fixture_test(l1_a_clock_that_was_ahead_makes_no_hold_and_no_release_longer)
{
    fixture_fill(f, USERS);
    f->now_ms += 24 * 60 * MINUTE_MS;
    uint64_t seq = storm(f, 1);
    f->now_ms -= 24 * 60 * MINUTE_MS; /* it is set right */
    assert_int_equal(release(f, true), 1);
    assert_false(is_active(f, seq));
    /* those whom the clock put into the future count on, and the release lasts as long as any */
    assert_ok(take_out(f, seq + 1, true).code, &f->err);
    f->now_ms -= 24 * 60 * MINUTE_MS;
    assert_int_equal(take_out(f, seq + 2, true).code, GW_E_HELD);
}

static uint64_t reject(struct fixture *f, const char *reason)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_BRAKE_REJECT, 0);
    change->as.reject.reason = gw_str_from(reason);
    assert_ok(store_writer_apply(f->writer, change, &f->err), &f->err);
    uint64_t count = change->result.count;
    store_change_free(change);
    return count;
}

fixture_test(a_rejected_change_is_forbidden_with_the_reason_when_it_comes_again)
{
    fixture_fill(f, USERS);
    uint64_t seq = storm(f, 1);
    assert_int_equal(reject(f, "a wrong group rule"), 1);
    assert_int_equal(state_of(f).held, 0);
    assert_int_equal(take_out(f, seq, true).code, GW_E_FORBIDDEN);
    assert_non_null(strstr(f->err.text, "a wrong group rule"));
    assert_int_equal(take_out(f, seq + 1, true).code, GW_E_HELD);
    assert_int_equal(release(f, false), 1);
    assert_true(is_active(f, seq));
    f->now_ms += 61 * MINUTE_MS;
    assert_ok(take_out(f, seq, true).code, &f->err);
}

fixture_test(a_release_takes_a_rejection_back_and_opens_the_brake_though_nothing_waits)
{
    fixture_fill(f, USERS);
    uint64_t seq = storm(f, 1);
    assert_int_equal(reject(f, "a wrong group rule"), 1);
    assert_int_equal(release(f, true), 0);
    assert_int_equal(take_out(f, seq, true).code, GW_E_FORBIDDEN);
    assert_int_equal(release(f, false), 0);
    assert_true(is_active(f, seq));
    assert_ok(take_out(f, seq, true).code, &f->err);
    assert_ok(take_out(f, seq + 1, true).code, &f->err);
    assert_int_equal(state_of(f).held, 0);
}

/* Asked before each change of a whole run, through all that can become of one. */
fixture_test(what_is_foretold_of_the_brake_is_what_it_does)
{
    static const enum gw_code codes[] = {[STORE_BRAKE_PASSES] = GW_OK,
                                         [STORE_BRAKE_ALERTS] = GW_OK,
                                         [STORE_BRAKE_HOLDS] = GW_E_HELD,
                                         [STORE_BRAKE_REJECTS] = GW_E_FORBIDDEN};
    unsigned seen[4] = {0};
    fixture_fill(f, USERS);
    for (unsigned i = 0; i < 300; i++) {
        uint64_t seq = 1 + i * 7 % USERS; /* some come again */
        bool is_hold = i % 50 != 49;
        struct store_brake_foreseen foreseen;
        struct store_user user = fixture_user(f, seq);
        struct store_brake rule = brake(is_hold);
        if (i == 120)
            assert_true(reject(f, "no") > 0);
        if (i == 250)
            (void)release(f, false);
        f->now_ms += 1000;
        if ((user.state.flags & STORE_USER_DELETED) != 0)
            continue;
        assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
        assert_ok(store_brake_foresee(f->reader, &f->arena, &user, &rule, f->now_ms, &foreseen, &f->err), &f->err);
        store_reader_end(f->reader);
        seen[foreseen.verdict]++;
        assert_int_equal(remove_user(f, seq, is_hold).code, codes[foreseen.verdict]);
    }
    for (size_t i = 0; i < 4; i++)
        assert_true(seen[i] > 0);
}

fixture_test(a_client_that_changes_its_mind_takes_the_held_change_back)
{
    fixture_fill(f, USERS);
    uint64_t seq = storm(f, 1);
    struct store_user user = fixture_user(f, seq);
    struct store_user_draft draft = {user.user_name,   user.external_id, user.emails,
                                     user.email_count, user.attributes,  true};
    assert_ok(fixture_replace(f, seq, user.version, draft).code, &f->err);
    assert_int_equal(state_of(f).held, 0);
    assert_int_equal(release(f, false), 0);
    assert_true(is_active(f, seq));
}

fixture_test(an_adoption_takes_the_held_deletion_back)
{
    assert_ok(fixture_sign_on(f, "seen@x", "cookie").code, &f->err);
    fixture_fill(f, USERS);
    (void)storm(f, 2);
    assert_int_equal(remove_user(f, 1, true).code, GW_E_HELD);
    assert_int_equal(state_of(f).held, 2);
    assert_int_equal(fixture_create(f, "seen@x", "00u1").outcome, STORE_OUTCOME_ADOPTED);
    assert_int_equal(state_of(f).held, 1);
    assert_int_equal(release(f, false), 1);
    assert_true(is_active(f, 1));
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_ALIVE);
}

fixture_test(a_change_that_says_nothing_of_active_takes_nothing_back)
{
    fixture_fill(f, USERS);
    uint64_t seq = storm(f, 1);
    struct store_user user = fixture_user(f, seq);
    struct store_user_draft draft = {
        user.user_name, user.external_id, user.emails, user.email_count, GW_STR("{\"title\":\"x\"}"), true};
    struct store_change *change = fixture_replace_change(f, seq, user.version, draft);
    change->as.replace.says_active = false;
    assert_ok(fixture_apply(f, change).code, &f->err);
    assert_int_equal(state_of(f).held, 1);
    assert_int_equal(release(f, false), 1);
    assert_false(is_active(f, seq));
}

struct kinds {
    unsigned counts[64];
};

static bool on_entry(const struct store_activity *entry, void *data)
{
    ((struct kinds *)data)->counts[entry->kind]++;
    return true;
}

fixture_test(an_alert_is_raised_once_in_a_window_and_holds_nobody)
{
    struct kinds kinds = {{0}};
    fixture_fill(f, USERS);
    for (uint64_t seq = 1; seq <= 100; seq++)
        assert_ok(take_out(f, seq, false).code, &f->err);
    f->now_ms += 61 * MINUTE_MS;
    for (uint64_t seq = 101; seq <= 200; seq++)
        assert_ok(take_out(f, seq, false).code, &f->err);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_activity_after(f->reader, 0, on_entry, &kinds, &f->err), &f->err);
    store_reader_end(f->reader);
    assert_int_equal(kinds.counts[STORE_ACTIVITY_BRAKE], 2);
    assert_int_equal(kinds.counts[STORE_ACTIVITY_HOLD], 0);
}

fixture_test(what_is_held_outlives_the_process)
{
    fixture_fill(f, USERS);
    uint64_t seq = storm(f, 1);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(take_out(f, seq, true).code, GW_E_HELD);
    assert_int_equal(take_out(f, seq + 1, true).code, GW_E_HELD);
    assert_int_equal(release(f, false), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_of_the_folder_and_never_the_first_25_are_held),
        cmocka_unit_test(in_a_small_folder_the_first_25_pass),
        cmocka_unit_test(a_retry_of_what_is_held_counts_once_and_stays_held),
        cmocka_unit_test(every_way_in_counts_and_a_user_counts_once),
        cmocka_unit_test(what_was_long_ago_or_came_back_does_not_count),
        cmocka_unit_test(an_operator_is_never_held_and_ends_what_is_held),
        cmocka_unit_test(an_operator_who_reactivates_a_user_takes_the_held_change_back),
        cmocka_unit_test(a_release_takes_out_all_that_waited_and_lets_the_rest_of_the_run_pass),
        cmocka_unit_test(it_opens_by_itself_after_max_hold_also_for_those_who_come_again),
        cmocka_unit_test(l1_a_clock_that_was_ahead_makes_no_hold_and_no_release_longer),
        cmocka_unit_test(a_rejected_change_is_forbidden_with_the_reason_when_it_comes_again),
        cmocka_unit_test(a_release_takes_a_rejection_back_and_opens_the_brake_though_nothing_waits),
        cmocka_unit_test(what_is_foretold_of_the_brake_is_what_it_does),
        cmocka_unit_test(a_client_that_changes_its_mind_takes_the_held_change_back),
        cmocka_unit_test(an_adoption_takes_the_held_deletion_back),
        cmocka_unit_test(a_change_that_says_nothing_of_active_takes_nothing_back),
        cmocka_unit_test(an_alert_is_raised_once_in_a_window_and_holds_nobody),
        cmocka_unit_test(what_is_held_outlives_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
