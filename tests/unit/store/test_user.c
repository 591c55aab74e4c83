/* PUT, PATCH, DELETE, ended sessions and locks: semantics.md 2 and 4. */
#include "tests/unit/store/fixture.h"

#include "store/table.h"

#define MINUTE_MS 60000

fixture_test(a_replacement_raises_the_version_and_moves_the_index)
{
    fixture_create(f, "alice@x", "00u1");
    f->now_ms += 1000;
    struct outcome out = fixture_replace(f, 1, 1, fixture_draft("alicia@x", "00u2", true));
    assert_ok(out.code, &f->err);
    assert_int_equal(out.outcome, STORE_OUTCOME_UPDATED);
    assert_int_equal(out.version, 2);
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, "alice@x"), 0);
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, "alicia@x"), 1);
    assert_int_equal(fixture_find(f, STORE_INDEX_EXTERNAL_ID, "00u1"), 0);
    assert_int_equal(fixture_find(f, STORE_INDEX_EXTERNAL_ID, "00u2"), 1);
    struct store_user user = fixture_user(f, 1);
    assert_int_equal(user.created_ms, FIXTURE_START_MS);
    assert_int_equal(user.modified_ms, FIXTURE_START_MS + 1000);
    assert_string_equal(fixture_activity(f, 0), "CU");
}

fixture_test(a_replacement_that_changes_nothing_keeps_version_and_time)
{
    fixture_create(f, "alice@x", "00u1");
    f->now_ms += 1000;
    struct outcome out = fixture_replace(f, 1, 1, fixture_draft("alice@x", "00u1", true));
    assert_ok(out.code, &f->err);
    assert_int_equal(out.outcome, STORE_OUTCOME_UNCHANGED);
    assert_int_equal(out.version, 1);
    assert_int_equal(fixture_user(f, 1).modified_ms, FIXTURE_START_MS);
    assert_string_equal(fixture_activity(f, 0), "C");
}

fixture_test(a_replacement_computed_from_another_version_is_stale)
{
    fixture_create(f, "alice@x", "");
    assert_ok(fixture_replace(f, 1, 1, fixture_draft("alice@x", "a", true)).code, &f->err);
    assert_code(fixture_replace(f, 1, 1, fixture_draft("alice@x", "b", true)).code, GW_E_STALE, &f->err);
    assert_str_equal(fixture_user(f, 1).external_id, "a");
}

fixture_test(a_user_name_of_another_user_is_refused)
{
    fixture_create(f, "alice@x", "");
    fixture_create(f, "bob@x", "");
    assert_code(fixture_replace(f, 2, 1, fixture_draft("ALICE@x", "", true)).code, GW_E_UNIQUENESS, &f->err);
    assert_non_null(strstr(f->err.text, "userName"));
    assert_ok(fixture_replace(f, 2, 1, fixture_draft("BOB@x", "", true)).code, &f->err);
}

fixture_test(modified_never_goes_backwards_when_the_clock_does)
{
    fixture_create(f, "alice@x", "");
    f->now_ms -= MINUTE_MS;
    assert_ok(fixture_replace(f, 1, 1, fixture_draft("alice@x", "a", true)).code, &f->err);
    assert_int_equal(fixture_user(f, 1).modified_ms, FIXTURE_START_MS);
}

fixture_test(law_3_a_deactivation_kills_every_session_in_one_write)
{
    fixture_create(f, "alice@x", "");
    fixture_create(f, "bob@x", "");
    fixture_sign_on(f, "alice@x", "one");
    fixture_sign_on(f, "alice@x", "two");
    fixture_sign_on(f, "bob@x", "bob");
    struct outcome out = fixture_replace(f, 1, 1, fixture_draft("alice@x", "", false));
    assert_ok(out.code, &f->err);
    assert_int_equal(out.state.generation, 2);
    assert_int_equal(fixture_guard(f, "one"), VERDICT_DEAD);
    assert_int_equal(fixture_guard(f, "two"), VERDICT_DEAD);
    assert_int_equal(fixture_guard(f, "bob"), VERDICT_ALIVE);
    assert_int_equal(fixture_revocations(f), 1);
    struct store_user user = fixture_user(f, 1);
    assert_int_equal(user.deactivated_ms, FIXTURE_START_MS);
    assert_int_equal(user.deactivated_version, 2);
}

fixture_test(law_6_reactivation_keeps_id_and_attributes_and_old_sessions_stay_dead)
{
    fixture_create(f, "alice@x", "00u1");
    fixture_sign_on(f, "alice@x", "old");
    assert_ok(fixture_replace(f, 1, 1, fixture_draft("alice@x", "00u1", false)).code, &f->err);
    struct outcome out = fixture_replace(f, 1, 2, fixture_draft("alice@x", "00u1", true));
    assert_ok(out.code, &f->err);
    assert_int_equal(out.outcome, STORE_OUTCOME_UPDATED);
    assert_int_equal(fixture_user(f, 1).deactivated_ms, 0);
    assert_int_equal(fixture_guard(f, "old"), VERDICT_DEAD);
    assert_ok(fixture_sign_on(f, "alice@x", "new").code, &f->err);
    assert_int_equal(fixture_guard(f, "new"), VERDICT_ALIVE);
    assert_int_equal(fixture_guard(f, "old"), VERDICT_DEAD);
    assert_int_equal(fixture_count(f), 1);
}

struct stale_row {
    const char *what;
    int64_t after_ms;
    uint64_t echoed;
    enum store_outcome outcome;
};

static void check_stale_row(struct fixture *f, uint64_t seq, const struct stale_row *row)
{
    struct store_user user = fixture_user(f, seq);
    const char *name = gw_arena_cstr(&f->arena, user.user_name);
    struct outcome off = fixture_replace(f, seq, user.version, fixture_draft(name, "", false));
    assert_ok(off.code, &f->err);
    f->now_ms += row->after_ms;
    struct store_change *change = fixture_replace_change(f, seq, off.version, fixture_draft(name, "new", true));
    change->as.replace.echoed_version = row->echoed == 0 ? 0 : off.version - 2 + row->echoed;
    struct outcome out = fixture_apply(f, change);
    assert_ok(out.code, &f->err);
    if (out.outcome != row->outcome)
        print_error("%s\n", row->what);
    assert_int_equal(out.outcome, row->outcome);
    bool is_active = row->outcome != STORE_OUTCOME_STALE_REACTIVATION;
    assert_int_equal((out.state.flags & STORE_USER_ACTIVE) != 0, is_active);
    assert_str_equal(fixture_user(f, seq).external_id, "new");
}

/* echoed: 1 is the version before the deactivation, 2 the one that it made */
fixture_test(a_put_that_echoes_an_older_version_within_a_minute_stays_inactive)
{
    static const struct stale_row rows[] = {
        {"at once, older version", 0, 1, STORE_OUTCOME_STALE_REACTIVATION},
        {"after 59.999 s, older version", MINUTE_MS - 1, 1, STORE_OUTCOME_STALE_REACTIVATION},
        {"after a minute the last arrival wins", MINUTE_MS, 1, STORE_OUTCOME_UPDATED},
        {"the version of the deactivation itself", 0, 2, STORE_OUTCOME_UPDATED},
        {"no version echoed", 0, 0, STORE_OUTCOME_UPDATED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "user%zu@x", i);
        struct outcome out = fixture_create(f, name, "");
        check_stale_row(f, out.seq, &rows[i]);
    }
}

fixture_test(a_stale_reactivation_is_in_the_activity_and_changes_no_version_by_itself)
{
    fixture_create(f, "alice@x", "");
    assert_ok(fixture_replace(f, 1, 1, fixture_draft("alice@x", "", false)).code, &f->err);
    struct store_change *change = fixture_replace_change(f, 1, 2, fixture_draft("alice@x", "", true));
    change->as.replace.echoed_version = 1;
    struct outcome out = fixture_apply(f, change);
    assert_int_equal(out.outcome, STORE_OUTCOME_STALE_REACTIVATION);
    assert_int_equal(out.version, 2);
    assert_string_equal(fixture_activity(f, 0), "CDS");
}

fixture_test(a_put_on_an_observed_user_adopts_it)
{
    fixture_sign_on(f, "alice@x", NULL);
    struct store_change *change = fixture_replace_change(f, 1, 1, fixture_draft("alice@x", "", true));
    change->as.replace.adopt = false;
    assert_code(fixture_apply(f, change).code, GW_E_CONFLICT, &f->err);
    assert_non_null(strstr(f->err.text, "policy.adopt"));
    struct outcome out = fixture_replace(f, 1, 1, fixture_draft("alice@x", "", true));
    assert_int_equal(out.outcome, STORE_OUTCOME_ADOPTED);
    assert_int_equal(out.version, 2);
    assert_string_equal(fixture_activity(f, 0), "OLA");
}

/* Who has the e-mails alice@x, team@x and other@x, and how many entries the index has: a step of a user's life. */
struct email_row {
    const char *name;
    const char *emails[2];
    uint64_t found[3];
    unsigned entries;
};

static uint64_t index_entries(struct fixture *f)
{
    uint64_t entries = 0;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_table_entries(store_reader_view(f->reader), STORE_TABLE_INDEX, &entries, &f->err), &f->err);
    store_reader_end(f->reader);
    return entries;
}

fixture_test(an_email_that_is_the_user_name_too_has_no_entry_of_its_own_and_is_found)
{
    static const char *const asked[] = {"Alice@X", "team@x", "other@x"};
    static const struct email_row rows[] = {
        {"alice@x", {NULL, NULL}, {0, 0, 0}, 1},          {"alice@x", {"ALICE@x", NULL}, {1, 0, 0}, 1},
        {"alice@x", {"alice@x", "team@x"}, {1, 1, 0}, 2}, {"other@x", {"alice@x", "team@x"}, {1, 1, 0}, 3},
        {"team@x", {"alice@x", "team@x"}, {1, 1, 0}, 2},  {"team@x", {"other@x", NULL}, {0, 0, 1}, 2},
        {"TEAM@x", {"other@x", "Team@X"}, {0, 1, 1}, 2},  {"alice@x", {NULL, NULL}, {0, 0, 0}, 1},
    };
    fixture_create(f, "alice@x", "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_str emails[2];
        struct store_user_draft draft = fixture_draft(rows[i].name, "", true);
        draft.emails = emails;
        for (; draft.email_count < 2 && rows[i].emails[draft.email_count] != NULL; draft.email_count++)
            emails[draft.email_count] = gw_str_from(rows[i].emails[draft.email_count]);
        assert_ok(fixture_replace(f, 1, fixture_user(f, 1).version, draft).code, &f->err);
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(fixture_find(f, STORE_INDEX_EMAIL, asked[k]), rows[i].found[k]);
        assert_int_equal(index_entries(f), rows[i].entries);
        assert_ok(store_check(f->store, NULL, NULL, &f->err), &f->err);
    }
}

static struct outcome create_with_email(struct fixture *f, const char *name, const char *email)
{
    struct gw_str emails[] = {gw_str_from(email)};
    struct store_user_draft draft = fixture_draft(name, "", true);
    draft.emails = emails;
    draft.email_count = 1;
    return fixture_apply(f, fixture_create_change(f, draft));
}

fixture_test(everybody_with_an_email_is_found_in_order_whosever_user_name_it_is)
{
    static const uint64_t expected[] = {1, 2, 3};
    uint64_t seqs[4];
    size_t count = 0;
    create_with_email(f, "one@x", "team@x");
    create_with_email(f, "team@x", "team@x");
    create_with_email(f, "three@x", "team@x");
    for (size_t max = 0; max <= 4; max++) {
        assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
        assert_ok(
            store_users_find(f->reader, f->folder, STORE_INDEX_EMAIL, GW_STR("Team@x"), seqs, max, &count, &f->err),
            &f->err);
        store_reader_end(f->reader);
        assert_int_equal(count, max < 3 ? max : 3);
        assert_memory_equal(seqs, expected, count * sizeof seqs[0]);
    }
}

fixture_test(a_delete_is_a_tombstone_gone_from_lookups_totals_and_links)
{
    struct gw_str emails[] = {GW_STR("alice@mail")};
    struct store_user_draft draft = fixture_draft("alice@x", "00u1", true);
    draft.emails = emails;
    draft.email_count = 1;
    fixture_apply(f, fixture_create_change(f, draft));
    fixture_sign_on(f, "alice@x", "cookie");
    struct outcome out = fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, 1));
    assert_ok(out.code, &f->err);
    assert_int_equal(fixture_count(f), 0);
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, "alice@x"), 0);
    assert_int_equal(fixture_find(f, STORE_INDEX_EXTERNAL_ID, "00u1"), 0);
    assert_int_equal(fixture_find(f, STORE_INDEX_EMAIL, "alice@mail"), 0);
    assert_int_equal(fixture_find(f, STORE_INDEX_SUBJECT, "alice@x"), 0);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_DEAD);
    assert_int_equal(fixture_revocations(f), 1);
    struct store_user user = fixture_user(f, 1);
    assert_true((user.state.flags & STORE_USER_DELETED) != 0);
    assert_str_equal(user.attributes, "{\"title\":\"x\"}");
    assert_code(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, 1)).code, GW_E_NOT_FOUND, &f->err);
    assert_code(fixture_replace(f, 1, 2, fixture_draft("a", "", true)).code, GW_E_NOT_FOUND, &f->err);
}

fixture_test(ended_sessions_are_dead_and_the_user_stays_active)
{
    fixture_create(f, "alice@x", "");
    fixture_sign_on(f, "alice@x", "old");
    struct outcome out = fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_END_SESSIONS, 1));
    assert_ok(out.code, &f->err);
    assert_int_equal(out.version, 1);
    assert_int_equal(fixture_guard(f, "old"), VERDICT_DEAD);
    assert_ok(fixture_sign_on(f, "alice@x", "new").code, &f->err);
    assert_int_equal(fixture_guard(f, "new"), VERDICT_ALIVE);
    assert_int_equal(fixture_revocations(f), 1);
}

fixture_test(an_operator_lock_is_apart_from_active_and_no_put_lifts_it)
{
    fixture_create(f, "alice@x", "");
    fixture_sign_on(f, "alice@x", "old");
    assert_int_equal(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_LOCK, 1)).outcome, STORE_OUTCOME_UPDATED);
    assert_int_equal(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_LOCK, 1)).outcome, STORE_OUTCOME_UNCHANGED);
    assert_ok(fixture_replace(f, 1, 1, fixture_draft("alice@x", "a", true)).code, &f->err);
    assert_int_equal(fixture_guard(f, "old"), VERDICT_DEAD);
    assert_code(fixture_sign_on(f, "alice@x", "new").code, GW_E_FORBIDDEN, &f->err);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_UNLOCK, 1)).code, &f->err);
    assert_int_equal(fixture_guard(f, "old"), VERDICT_DEAD);
    assert_int_equal(fixture_guard(f, "new"), VERDICT_DEAD);
    assert_ok(fixture_sign_on(f, "alice@x", "newer").code, &f->err);
    assert_int_equal(fixture_guard(f, "newer"), VERDICT_ALIVE);
    assert_string_equal(fixture_activity(f, 0), "COLBKUNB");
}

static uint64_t locked_and_deleted(struct fixture *f)
{
    uint64_t seq = fixture_create(f, "alice@x", "00a").seq;
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_LOCK, seq)).code, &f->err);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, seq)).code, &f->err);
    return seq;
}

static void a_lock_is_not_lifted_by_deleting_the_user_and_making_it_anew(void **state)
{
    static const struct {
        const char *user_name;
        const char *external_id;
        unsigned locked;
    } rows[] = {{"ALICE@x", "", STORE_USER_LOCKED}, {"alice.new@x", "00a", STORE_USER_LOCKED}, {"other@x", "00b", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture f;
        fixture_init(&f);
        uint64_t gone = locked_and_deleted(&f);
        uint64_t again = fixture_create(&f, rows[i].user_name, rows[i].external_id).seq;
        assert_int_equal(again, gone + 1);
        assert_int_equal(fixture_user(&f, again).state.flags & STORE_USER_LOCKED, rows[i].locked);
        /* whoever unlocks it has lifted the lock */
        assert_ok(fixture_apply(&f, fixture_change(&f, STORE_CHANGE_USER_UNLOCK, again)).code, &f.err);
        assert_ok(fixture_apply(&f, fixture_change(&f, STORE_CHANGE_USER_DELETE, again)).code, &f.err);
        uint64_t third = fixture_create(&f, rows[i].user_name, rows[i].external_id).seq;
        assert_int_equal(fixture_user(&f, third).state.flags & STORE_USER_LOCKED, 0);
        fixture_done(&f);
    }
}

fixture_test(a_reused_address_never_signs_in_the_person_who_had_it)
{
    fixture_sign_on(f, "alice@x", NULL);
    assert_int_equal(fixture_find(f, STORE_INDEX_SUBJECT, "ALICE@x"), 1);
    assert_ok(fixture_replace(f, 1, 1, fixture_draft("alicia@x", "", true)).code, &f->err);
    assert_int_equal(fixture_find(f, STORE_INDEX_SUBJECT, "alice@x"), 1);
    assert_int_equal(fixture_create(f, "Alice@X", "").seq, 2);
    assert_int_equal(fixture_find(f, STORE_INDEX_SUBJECT, "alice@x"), 0);
    assert_int_equal(fixture_sign_on(f, "alice@x", NULL).seq, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replacement_raises_the_version_and_moves_the_index),
        cmocka_unit_test(a_replacement_that_changes_nothing_keeps_version_and_time),
        cmocka_unit_test(a_replacement_computed_from_another_version_is_stale),
        cmocka_unit_test(a_user_name_of_another_user_is_refused),
        cmocka_unit_test(modified_never_goes_backwards_when_the_clock_does),
        cmocka_unit_test(law_3_a_deactivation_kills_every_session_in_one_write),
        cmocka_unit_test(law_6_reactivation_keeps_id_and_attributes_and_old_sessions_stay_dead),
        cmocka_unit_test(a_put_that_echoes_an_older_version_within_a_minute_stays_inactive),
        cmocka_unit_test(a_stale_reactivation_is_in_the_activity_and_changes_no_version_by_itself),
        cmocka_unit_test(a_put_on_an_observed_user_adopts_it),
        cmocka_unit_test(an_email_that_is_the_user_name_too_has_no_entry_of_its_own_and_is_found),
        cmocka_unit_test(everybody_with_an_email_is_found_in_order_whosever_user_name_it_is),
        cmocka_unit_test(a_delete_is_a_tombstone_gone_from_lookups_totals_and_links),
        cmocka_unit_test(ended_sessions_are_dead_and_the_user_stays_active),
        cmocka_unit_test(an_operator_lock_is_apart_from_active_and_no_put_lifts_it),
        cmocka_unit_test(a_lock_is_not_lifted_by_deleting_the_user_and_making_it_anew),
        cmocka_unit_test(a_reused_address_never_signs_in_the_person_who_had_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
