/* What becomes of a record after its user was deactivated or deleted (semantics.md 4): the retention time, anonymise
 * and delete, the marks that keep the person out, and the operator's way back. */
#include "tests/unit/store/fixture.h"

#include "store/retention.h"

#define DUE_MAX 16u

static struct outcome purge(struct fixture *f, uint64_t seq, int64_t since_ms, bool anonymise)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_USER_PURGE, seq);
    change->as.purge.since_ms = since_ms;
    change->as.purge.anonymise = anonymise;
    return fixture_apply(f, change);
}

static struct outcome restore(struct fixture *f, uint64_t seq, bool active)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_USER_RESTORE, seq);
    change->as.restore.active = active;
    return fixture_apply(f, change);
}

static void remove_user(struct fixture *f, uint64_t seq)
{
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, seq)).code, &f->err);
}

static void deactivate(struct fixture *f, uint64_t seq)
{
    struct store_user user = fixture_user(f, seq);
    struct store_user_draft draft = {user.user_name,   user.external_id, user.emails,
                                     user.email_count, user.attributes,  false};
    assert_ok(fixture_replace(f, seq, user.version, draft).code, &f->err);
}

static size_t due(struct fixture *f, int64_t until_ms, struct store_due *ret_due)
{
    size_t count = 0;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_due_list(f->reader, f->folder, until_ms, ret_due, DUE_MAX, &count, &f->err), &f->err);
    store_reader_end(f->reader);
    return count;
}

fixture_test(retention_runs_from_the_deactivation_and_from_the_deletion_oldest_first)
{
    struct store_due list[DUE_MAX];
    fixture_fill(f, 4);
    f->now_ms += 1000;
    deactivate(f, 3);
    f->now_ms += 1000;
    remove_user(f, 2);
    f->now_ms += 1000;
    deactivate(f, 1);
    assert_int_equal(due(f, FIXTURE_START_MS, list), 0);
    assert_int_equal(due(f, FIXTURE_START_MS + 2500, list), 2);
    assert_int_equal(list[0].seq, 3);
    assert_int_equal(list[0].since_ms, FIXTURE_START_MS + 1000);
    assert_int_equal(list[1].seq, 2);
    assert_int_equal(due(f, INT64_MAX, list), 3);
}

fixture_test(a_deletion_begins_the_time_anew_and_a_reactivation_ends_it)
{
    struct store_due list[DUE_MAX];
    fixture_fill(f, 2);
    deactivate(f, 1);
    deactivate(f, 2);
    f->now_ms += 5000;
    remove_user(f, 1);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_REACTIVATE, 2)).code, &f->err);
    assert_int_equal(due(f, INT64_MAX, list), 1);
    assert_int_equal(list[0].seq, 1);
    assert_int_equal(list[0].since_ms, FIXTURE_START_MS + 5000);
}

fixture_test(an_observed_account_that_an_operator_put_out_is_kept_for_good)
{
    struct store_due list[DUE_MAX];
    fixture_sign_on(f, "seen@x", "c");
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DEACTIVATE, 1)).code, &f->err);
    assert_int_equal(due(f, INT64_MAX, list), 0);
}

fixture_test(delete_takes_the_whole_record_and_leaves_the_sessions_dead)
{
    fixture_fill(f, 3);
    assert_ok(fixture_sign_on(f, "user1@example.com", "c").code, &f->err);
    deactivate(f, 2);
    uint64_t before = fixture_count(f);
    assert_ok(purge(f, 2, f->now_ms, false).code, &f->err);
    struct store_user user;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_int_equal(store_user_get(f->reader, &f->arena, f->folder, 2, &user, &f->err), GW_E_NOT_FOUND);
    store_reader_end(f->reader);
    assert_int_equal(fixture_count(f), before - 1);
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, "user1@example.com"), 0);
    assert_int_equal(fixture_find(f, STORE_INDEX_SUBJECT, "user1@example.com"), 0);
    assert_int_equal(fixture_create(f, "new@example.com", "n").seq, 4);
}

fixture_test(anonymise_keeps_id_position_and_counts_and_nothing_else)
{
    fixture_fill(f, 3);
    deactivate(f, 2);
    assert_ok(purge(f, 2, f->now_ms, true).code, &f->err);
    struct store_user user = fixture_user(f, 2);
    assert_true(gw_str_starts(user.user_name, GW_STR("anonymised-")));
    assert_int_equal(user.external_id.len + user.email_count, 0);
    assert_str_equal(user.attributes, "{}");
    assert_int_equal(fixture_count(f), 3);
    struct store_due list[DUE_MAX];
    assert_int_equal(due(f, INT64_MAX, list), 0);
}

fixture_test(a_purge_that_comes_after_a_change_of_mind_does_nothing)
{
    fixture_fill(f, 2);
    int64_t since_ms = f->now_ms;
    deactivate(f, 1);
    f->now_ms += 1000;
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_REACTIVATE, 1)).code, &f->err);
    assert_int_equal(purge(f, 1, since_ms, false).outcome, STORE_OUTCOME_UNCHANGED);
    deactivate(f, 1);
    assert_int_equal(purge(f, 1, since_ms, false).outcome, STORE_OUTCOME_UNCHANGED);
    assert_int_equal(fixture_count(f), 2);
}

static enum gw_code join(struct fixture *f, enum store_index match, const char *value, const char *name_id)
{
    struct store_join join = {f->folder, match, gw_str_from(value), GW_STR("https://idp"), gw_str_from(name_id), true};
    uint64_t seq = 0;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    enum gw_code code = store_join_find(f->reader, &join, &seq, &f->err);
    store_reader_end(f->reader);
    return code;
}

enum way_out { DELETED, PURGED, ANONYMISED, DELETED_AND_PURGED };

static void let_go(struct fixture *f, enum way_out way)
{
    if (way == DELETED || way == DELETED_AND_PURGED)
        remove_user(f, 1);
    else
        deactivate(f, 1);
    if (way != DELETED)
        assert_int_equal(purge(f, 1, f->now_ms, way == ANONYMISED).outcome, STORE_OUTCOME_UPDATED);
}

static void nobody_comes_in_under_a_name_that_is_gone_until_provisioned_again(void **state)
{
    for (enum way_out way = DELETED; way <= DELETED_AND_PURGED; way++) {
        struct fixture f;
        (void)state;
        fixture_init(&f);
        struct gw_str email = GW_STR("Alice.Mail@x");
        struct store_user_draft draft = fixture_draft("alice@x", "00u1", true);
        draft.emails = &email;
        draft.email_count = 1;
        assert_ok(fixture_apply(&f, fixture_create_change(&f, draft)).code, &f.err);
        struct store_change *sign_on = fixture_sign_on_change(&f, "alice@x", "c1");
        sign_on->as.sign_on.join.name_id = GW_STR("P-1");
        sign_on->as.sign_on.join.name_id_is_opaque = true;
        assert_ok(fixture_apply(&f, sign_on).code, &f.err);
        let_go(&f, way);
        assert_int_equal(join(&f, STORE_INDEX_USER_NAME, "ALICE@x", ""), GW_E_FORBIDDEN);
        assert_int_equal(join(&f, STORE_INDEX_EXTERNAL_ID, "00u1", ""), GW_E_FORBIDDEN);
        assert_int_equal(join(&f, STORE_INDEX_EMAIL, "alice.mail@X", ""), GW_E_FORBIDDEN);
        assert_int_equal(join(&f, STORE_INDEX_USER_NAME, "other@x", "P-1"), GW_E_FORBIDDEN);
        assert_int_equal(join(&f, STORE_INDEX_USER_NAME, "other@x", "P-2"), GW_OK);
        assert_int_equal(fixture_guard(&f, "c1"), VERDICT_DEAD);
        /* the same person under another name, known by the externalId: all marks go */
        uint64_t users = fixture_count(&f);
        assert_ok(fixture_create(&f, "alice.new@x", "00u1").code, &f.err);
        assert_int_equal(fixture_count(&f), users + 1);
        assert_int_equal(join(&f, STORE_INDEX_USER_NAME, "alice@x", "P-1"), GW_OK);
        assert_int_equal(join(&f, STORE_INDEX_EMAIL, "alice.mail@x", ""), GW_OK);
        fixture_done(&f);
    }
}

fixture_test(a_put_that_gives_an_anonymised_record_its_data_again_takes_its_marks_away)
{
    assert_ok(fixture_create(f, "alice@x", "00u1").code, &f->err);
    deactivate(f, 1);
    assert_ok(purge(f, 1, f->now_ms, true).code, &f->err);
    assert_int_equal(join(f, STORE_INDEX_USER_NAME, "alice@x", ""), GW_E_FORBIDDEN);
    struct store_user user = fixture_user(f, 1);
    struct store_user_draft draft = {user.user_name, user.external_id, NULL, 0, user.attributes, true};
    assert_ok(fixture_replace(f, 1, user.version, draft).code, &f->err);
    assert_int_equal(join(f, STORE_INDEX_USER_NAME, "alice@x", ""), GW_E_FORBIDDEN);
    assert_ok(fixture_replace(f, 1, fixture_user(f, 1).version, fixture_draft("alice@x", "00u1", true)).code, &f->err);
    assert_int_equal(join(f, STORE_INDEX_USER_NAME, "alice@x", ""), GW_OK);
    /* her next name leaves the old one to whoever has it next */
    assert_ok(fixture_replace(f, 1, fixture_user(f, 1).version, fixture_draft("alicia@x", "00u1", true)).code, &f->err);
    assert_int_equal(join(f, STORE_INDEX_USER_NAME, "alice@x", ""), GW_OK);
}

fixture_test(a_sign_on_does_not_observe_a_person_whose_record_is_gone)
{
    fixture_fill(f, 1);
    struct store_change *change = fixture_sign_on_change(f, "user0@example.com", "c");
    change->as.sign_on.expected_user_seq = 0;
    remove_user(f, 1);
    assert_int_equal(fixture_apply(f, change).code, GW_E_FORBIDDEN);
    /* nor by another attribute than the one that joins */
    change = fixture_sign_on_change(f, "other@x", "c");
    change->as.sign_on.draft.user_name = GW_STR("USER0@example.com");
    assert_int_equal(fixture_apply(f, change).code, GW_E_FORBIDDEN);
    assert_int_equal(fixture_count(f), 0);
}

/* A user with the address that all of the team have. */
static void create_in_team(struct fixture *f, const char *user_name, const char *external_id)
{
    struct gw_str email = GW_STR("team@x");
    struct store_user_draft draft = fixture_draft(user_name, external_id, true);
    draft.emails = &email;
    draft.email_count = 1;
    assert_ok(fixture_apply(f, fixture_create_change(f, draft)).code, &f->err);
}

fixture_test(two_people_who_had_one_address_are_marked_once)
{
    create_in_team(f, "a@x", "a");
    create_in_team(f, "b@x", "b");
    remove_user(f, 1);
    remove_user(f, 2);
    assert_ok(fixture_create(f, "a@x", "a").code, &f->err);
    assert_int_equal(join(f, STORE_INDEX_EMAIL, "team@x", ""), GW_E_FORBIDDEN);
    assert_ok(fixture_create(f, "b@x", "b").code, &f->err);
    assert_int_equal(join(f, STORE_INDEX_EMAIL, "team@x", ""), GW_OK);
}

fixture_test(an_address_that_others_have_as_well_brings_nobody_back)
{
    create_in_team(f, "a@x", "a");
    remove_user(f, 1);
    create_in_team(f, "b@x", "b");
    assert_int_equal(join(f, STORE_INDEX_USER_NAME, "a@x", ""), GW_E_FORBIDDEN);
    assert_int_equal(join(f, STORE_INDEX_EXTERNAL_ID, "a", ""), GW_E_FORBIDDEN);
    assert_int_equal(join(f, STORE_INDEX_EMAIL, "team@x", ""), GW_OK);
}

fixture_test(a_restored_user_has_id_and_attributes_and_is_inactive_unless_asked)
{
    fixture_fill(f, 2);
    remove_user(f, 1);
    remove_user(f, 2);
    f->now_ms += 1000;
    assert_ok(restore(f, 1, false).code, &f->err);
    assert_ok(restore(f, 2, true).code, &f->err);
    struct store_user user = fixture_user(f, 1);
    assert_str_equal(user.user_name, "user0@example.com");
    assert_str_equal(user.attributes, "{\"title\":\"x\"}");
    assert_int_equal(user.state.flags, STORE_USER_PROVISIONED);
    assert_int_equal(fixture_user(f, 2).state.flags, STORE_USER_PROVISIONED | STORE_USER_ACTIVE);
    assert_int_equal(fixture_count(f), 2);
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, "user1@example.com"), 2);
    assert_int_equal(join(f, STORE_INDEX_USER_NAME, "user1@example.com", ""), GW_OK);
    struct store_due list[DUE_MAX];
    assert_int_equal(due(f, INT64_MAX, list), 1);
    assert_int_equal(list[0].since_ms, f->now_ms);
}

fixture_test(what_cannot_be_restored_says_why)
{
    fixture_fill(f, 3);
    assert_int_equal(restore(f, 1, false).code, GW_E_CONFLICT);
    remove_user(f, 1);
    remove_user(f, 2);
    remove_user(f, 3);
    assert_ok(fixture_create(f, "USER0@example.com", "").code, &f->err);
    assert_int_equal(restore(f, 1, false).code, GW_E_UNIQUENESS);
    assert_ok(fixture_create(f, "other@x", "user1@example.com").code, &f->err);
    assert_int_equal(restore(f, 2, false).code, GW_E_UNIQUENESS);
    assert_ok(purge(f, 3, f->now_ms, true).code, &f->err);
    assert_int_equal(restore(f, 3, false).code, GW_E_CONFLICT);
    assert_int_equal(restore(f, 99, false).code, GW_E_NOT_FOUND);
}

fixture_test(an_anonymised_user_who_is_provisioned_again_has_a_retention_time_again)
{
    struct store_due list[DUE_MAX];
    fixture_fill(f, 1);
    deactivate(f, 1);
    assert_ok(purge(f, 1, f->now_ms, true).code, &f->err);
    assert_ok(fixture_replace(f, 1, fixture_user(f, 1).version, fixture_draft("back@x", "b", true)).code, &f->err);
    deactivate(f, 1);
    assert_int_equal(due(f, INT64_MAX, list), 1);
}

#define DAY_MS (24 * 3600 * 1000ll)
#define WALL_MS (FIXTURE_START_MS + 100 * DAY_MS)

struct pass {
    struct store_retention retention;
    struct store_retention_now now;
    enum store_retention_state state;
    uint64_t done;
};

static struct pass pass_new(void)
{
    return (struct pass){.now = {.wall_ms = WALL_MS, .mono_ms = 1000000}};
}

static void step(struct fixture *f, struct pass *pass, bool anonymise)
{
    struct store_retention_rule rule = {f->folder, 90 * DAY_MS, anonymise};
    assert_ok(store_retention_step(&pass->retention, f->writer, f->reader, &rule, 1, &pass->now, &pass->state,
                                   &pass->done, &f->err),
              &f->err);
}

static void tick(struct pass *pass, int64_t wall_ms, int64_t mono_ms)
{
    pass->now.wall_ms += wall_ms;
    pass->now.mono_ms += mono_ms;
}

fixture_test(the_pass_purges_those_who_are_due_part_by_part_and_nobody_else)
{
    struct pass pass = pass_new();
    fixture_fill(f, 50);
    for (uint64_t seq = 1; seq <= 40; seq++)
        deactivate(f, seq);
    f->now_ms = WALL_MS - 89 * DAY_MS;
    deactivate(f, 41);
    step(f, &pass, false);
    assert_int_equal(pass.done, STORE_RETENTION_BATCH);
    assert_int_equal(pass.state, STORE_RETENTION_WORKING);
    step(f, &pass, false);
    assert_int_equal(pass.done, 40 - STORE_RETENTION_BATCH);
    assert_int_equal(pass.state, STORE_RETENTION_RESTING);
    step(f, &pass, false);
    assert_int_equal(pass.done, 0);
    assert_int_equal(fixture_count(f), 10);
    for (int day = 0; day < 2; day++) {
        tick(&pass, DAY_MS, DAY_MS);
        step(f, &pass, true);
    }
    assert_int_equal(pass.done, 0);
    assert_true((fixture_user(f, 41).state.flags & STORE_USER_ANONYMISED) != 0);
    assert_int_equal(fixture_count(f), 10);
}

fixture_test(the_pass_waits_while_a_client_walks_through_the_list)
{
    struct pass pass = pass_new();
    fixture_fill(f, 2);
    deactivate(f, 1);
    pass.now.walked_ms = pass.now.mono_ms;
    step(f, &pass, false);
    assert_int_equal(pass.state, STORE_RETENTION_PAUSED);
    tick(&pass, STORE_RETENTION_WALK_MS, STORE_RETENTION_WALK_MS);
    step(f, &pass, false);
    assert_int_equal(pass.done, 1);
}

static void l1_a_wall_clock_that_jumps_stops_the_pass(void **state)
{
    static const int64_t jumps_ms[] = {365 * DAY_MS, -365 * DAY_MS, 6 * 60000, -6 * 60000};
    for (size_t i = 0; i < sizeof jumps_ms / sizeof jumps_ms[0]; i++) {
        struct fixture f;
        struct pass pass = pass_new();
        (void)state;
        fixture_init(&f);
        fixture_fill(&f, 2);
        pass.now.wall_ms = FIXTURE_START_MS + 89 * DAY_MS;
        step(&f, &pass, false);
        deactivate(&f, 1);
        tick(&pass, jumps_ms[i] + 1000, 1000);
        step(&f, &pass, false);
        assert_int_equal(pass.state, STORE_RETENTION_STOPPED);
        tick(&pass, 1000, 1000);
        step(&f, &pass, false);
        assert_int_equal(pass.state, STORE_RETENTION_STOPPED);
        assert_int_equal(fixture_count(&f), 2);
        tick(&pass, 1000 - jumps_ms[i], 1000); /* put right */
        step(&f, &pass, false);
        assert_int_equal(pass.state, STORE_RETENTION_RESTING);
        fixture_done(&f);
    }
}

fixture_test(l1_a_clock_that_goes_slowly_wrong_is_no_jump)
{
    struct pass pass = pass_new();
    fixture_fill(f, 1);
    for (int i = 0; i < 10; i++) {
        tick(&pass, 61000, 60000);
        step(f, &pass, false);
        assert_int_equal(pass.state, STORE_RETENTION_RESTING);
    }
}

fixture_test(l1_a_start_before_what_was_written_last_stops_the_pass)
{
    struct pass pass = pass_new();
    fixture_fill(f, 1);
    pass.now.wall_ms = FIXTURE_START_MS - DAY_MS;
    step(f, &pass, false);
    assert_int_equal(pass.state, STORE_RETENTION_STOPPED);
    tick(&pass, 1000, 1000);
    step(f, &pass, false);
    assert_int_equal(pass.state, STORE_RETENTION_STOPPED);
    tick(&pass, DAY_MS, 1000);
    step(f, &pass, false);
    assert_int_equal(pass.state, STORE_RETENTION_RESTING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retention_runs_from_the_deactivation_and_from_the_deletion_oldest_first),
        cmocka_unit_test(a_deletion_begins_the_time_anew_and_a_reactivation_ends_it),
        cmocka_unit_test(an_observed_account_that_an_operator_put_out_is_kept_for_good),
        cmocka_unit_test(delete_takes_the_whole_record_and_leaves_the_sessions_dead),
        cmocka_unit_test(anonymise_keeps_id_position_and_counts_and_nothing_else),
        cmocka_unit_test(a_purge_that_comes_after_a_change_of_mind_does_nothing),
        cmocka_unit_test(nobody_comes_in_under_a_name_that_is_gone_until_provisioned_again),
        cmocka_unit_test(a_put_that_gives_an_anonymised_record_its_data_again_takes_its_marks_away),
        cmocka_unit_test(a_sign_on_does_not_observe_a_person_whose_record_is_gone),
        cmocka_unit_test(two_people_who_had_one_address_are_marked_once),
        cmocka_unit_test(an_address_that_others_have_as_well_brings_nobody_back),
        cmocka_unit_test(a_restored_user_has_id_and_attributes_and_is_inactive_unless_asked),
        cmocka_unit_test(what_cannot_be_restored_says_why),
        cmocka_unit_test(an_anonymised_user_who_is_provisioned_again_has_a_retention_time_again),
        cmocka_unit_test(the_pass_purges_those_who_are_due_part_by_part_and_nobody_else),
        cmocka_unit_test(the_pass_waits_while_a_client_walks_through_the_list),
        cmocka_unit_test(l1_a_wall_clock_that_jumps_stops_the_pass),
        cmocka_unit_test(l1_a_clock_that_goes_slowly_wrong_is_no_jump),
        cmocka_unit_test(l1_a_start_before_what_was_written_last_stops_the_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
