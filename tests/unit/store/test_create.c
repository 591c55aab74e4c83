#include "tests/unit/store/fixture.h"

static void deactivate(struct fixture *f, uint64_t seq, const char *user_name, const char *external_id)
{
    struct store_user user = fixture_user(f, seq);
    struct outcome out = fixture_replace(f, seq, user.version, fixture_draft(user_name, external_id, false));
    assert_ok(out.code, &f->err);
}

fixture_test(a_new_user_gets_the_next_sequence_and_is_found_by_every_index)
{
    struct gw_str emails[] = {GW_STR("Alice@Example.com"), GW_STR("a@example.com"), GW_STR("ALICE@example.com")};
    struct store_user_draft draft = fixture_draft("Alice@Example.com", "00u1", true);
    draft.emails = emails;
    draft.email_count = 3;
    struct outcome out = fixture_apply(f, fixture_create_change(f, draft));
    assert_ok(out.code, &f->err);
    assert_int_equal(out.outcome, STORE_OUTCOME_CREATED);
    assert_int_equal(out.seq, 1);
    assert_int_equal(out.version, 1);
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, "alice@EXAMPLE.com"), 1);
    assert_int_equal(fixture_find(f, STORE_INDEX_EXTERNAL_ID, "00u1"), 1);
    assert_int_equal(fixture_find(f, STORE_INDEX_EXTERNAL_ID, "00U1"), 0);
    assert_int_equal(fixture_find(f, STORE_INDEX_EMAIL, "alice@example.com"), 1);
    assert_int_equal(fixture_find(f, STORE_INDEX_EMAIL, "A@example.com"), 1);
    struct store_user user = fixture_user(f, 1);
    assert_str_equal(user.user_name, "Alice@Example.com");
    assert_str_equal(user.external_id, "00u1");
    assert_int_equal(user.email_count, 3);
    assert_str_equal(user.emails[2], "ALICE@example.com");
    assert_str_equal(user.attributes, "{\"title\":\"x\"}");
    assert_int_equal(user.created_ms, FIXTURE_START_MS);
    assert_int_equal(user.state.flags, STORE_USER_ACTIVE | STORE_USER_PROVISIONED);
    assert_int_equal(fixture_count(f), 1);
    assert_string_equal(fixture_activity(f, 0), "C");
}

fixture_test(an_active_provisioned_user_is_not_created_twice)
{
    fixture_create(f, "alice@x", "00u1");
    assert_code(fixture_create(f, "ALICE@X", "").code, GW_E_UNIQUENESS, &f->err);
    assert_int_equal(fixture_count(f), 1);
    assert_string_equal(fixture_activity(f, 0), "C");
}

fixture_test(an_external_id_of_an_active_user_under_another_name_is_refused)
{
    fixture_create(f, "alice@x", "00u1");
    assert_code(fixture_create(f, "other@x", "00u1").code, GW_E_UNIQUENESS, &f->err);
    assert_non_null(strstr(f->err.text, "externalId"));
}

fixture_test(an_external_id_of_an_inactive_user_revives_it_under_the_new_name)
{
    fixture_create(f, "alice@x", "00u1");
    deactivate(f, 1, "alice@x", "00u1");
    struct outcome out = fixture_create(f, "alicia@x", "00u1");
    assert_ok(out.code, &f->err);
    assert_int_equal(out.outcome, STORE_OUTCOME_REVIVED);
    assert_int_equal(out.seq, 1);
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, "alicia@x"), 1);
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, "alice@x"), 0);
    assert_int_equal(fixture_count(f), 1);
}

fixture_test(reviving_keeps_the_id_and_leaves_old_sessions_dead)
{
    fixture_create(f, "alice@x", "");
    fixture_sign_on(f, "alice@x", "cookie");
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_ALIVE);
    deactivate(f, 1, "alice@x", "");
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_DEAD);
    struct outcome out = fixture_create(f, "alice@x", "");
    assert_ok(out.code, &f->err);
    assert_int_equal(out.seq, 1);
    assert_true((out.state.flags & STORE_USER_ACTIVE) != 0);
    assert_int_equal(fixture_user(f, 1).deactivated_ms, 0);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_DEAD);
    assert_string_equal(fixture_activity(f, 0), "COLBDVR");
}

fixture_test(with_revive_off_a_deactivated_user_is_refused_naming_the_setting)
{
    fixture_create(f, "alice@x", "");
    deactivate(f, 1, "alice@x", "");
    struct store_change *change = fixture_create_change(f, fixture_draft("alice@x", "", true));
    change->as.create.revive = false;
    assert_code(fixture_apply(f, change).code, GW_E_UNIQUENESS, &f->err);
    assert_non_null(strstr(f->err.text, "policy.revive"));
}

fixture_test(law_7_an_observed_user_is_adopted_and_keeps_its_id_and_sessions)
{
    fixture_sign_on(f, "Alice@x", "cookie");
    struct outcome out = fixture_create(f, "alice@X", "00u1");
    assert_ok(out.code, &f->err);
    assert_int_equal(out.outcome, STORE_OUTCOME_ADOPTED);
    assert_int_equal(out.seq, 1);
    assert_int_equal(out.version, 2);
    assert_int_equal(out.state.flags, STORE_USER_ACTIVE | STORE_USER_OBSERVED | STORE_USER_PROVISIONED);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_ALIVE);
    assert_int_equal(fixture_count(f), 1);
}

fixture_test(with_adopt_off_an_observed_user_is_refused_naming_the_setting)
{
    fixture_sign_on(f, "alice@x", NULL);
    struct store_change *change = fixture_create_change(f, fixture_draft("alice@x", "", true));
    change->as.create.adopt = false;
    assert_code(fixture_apply(f, change).code, GW_E_CONFLICT, &f->err);
    assert_non_null(strstr(f->err.text, "policy.adopt"));
}

fixture_test(adopting_as_inactive_is_a_deactivation)
{
    fixture_sign_on(f, "alice@x", "cookie");
    struct outcome out = fixture_apply(f, fixture_create_change(f, fixture_draft("alice@x", "", false)));
    assert_ok(out.code, &f->err);
    assert_int_equal(out.state.generation, 2);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_DEAD);
    assert_int_equal(fixture_revocations(f), 1);
}

fixture_test(two_rules_that_name_two_users_are_refused_naming_both)
{
    fixture_create(f, "alice@x", "00u1");
    fixture_create(f, "bob@x", "00u2");
    deactivate(f, 1, "alice@x", "00u1");
    deactivate(f, 2, "bob@x", "00u2");
    assert_code(fixture_create(f, "alice@x", "00u2").code, GW_E_UNIQUENESS, &f->err);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        char ident[GW_IDENT_TEXT + 1];
        gw_ident_format(store_ident_key(f->store), GW_IDENT_USER, f->folder, seq, ident);
        assert_non_null(strstr(f->err.text, ident));
    }
    assert_non_null(strstr(f->err.text, "userName"));
    assert_non_null(strstr(f->err.text, "externalId"));
}

static struct store_change *create_by_email(struct fixture *f, const char *user_name, struct gw_str *emails)
{
    struct store_user_draft draft = fixture_draft(user_name, "", true);
    draft.emails = emails;
    draft.email_count = 1;
    struct store_change *change = fixture_create_change(f, draft);
    change->as.create.match |= STORE_MATCH_EMAIL;
    return change;
}

static void observe_with_email(struct fixture *f, const char *name, struct gw_str *emails)
{
    struct store_change *change = fixture_sign_on_change(f, name, NULL);
    change->as.sign_on.draft.emails = emails;
    change->as.sign_on.draft.email_count = 1;
    assert_ok(fixture_apply(f, change).code, &f->err);
}

fixture_test(an_email_matches_only_where_one_record_has_it)
{
    struct gw_str emails[] = {GW_STR("shared@x")};
    observe_with_email(f, "one", emails);
    struct outcome out = fixture_apply(f, create_by_email(f, "one@okta", emails));
    assert_int_equal(out.outcome, STORE_OUTCOME_ADOPTED);
    assert_int_equal(out.seq, 1);
    observe_with_email(f, "two", emails);
    out = fixture_apply(f, create_by_email(f, "three@okta", emails));
    assert_ok(out.code, &f->err);
    assert_int_equal(out.outcome, STORE_OUTCOME_CREATED);
    assert_int_equal(out.seq, 3);
}

fixture_test(a_rule_that_is_off_names_nobody_but_a_user_name_stays_unique)
{
    fixture_create(f, "alice@x", "00u1");
    struct store_change *change = fixture_create_change(f, fixture_draft("bob@x", "00u1", true));
    change->as.create.match = STORE_MATCH_USER_NAME;
    assert_int_equal(fixture_apply(f, change).outcome, STORE_OUTCOME_CREATED);
    change = fixture_create_change(f, fixture_draft("alice@x", "", true));
    change->as.create.match = STORE_MATCH_EXTERNAL_ID;
    assert_code(fixture_apply(f, change).code, GW_E_UNIQUENESS, &f->err);
}

fixture_test(a_deleted_user_comes_back_under_a_new_id)
{
    fixture_create(f, "alice@x", "00u1");
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, 1)).code, &f->err);
    struct outcome out = fixture_create(f, "alice@x", "00u1");
    assert_ok(out.code, &f->err);
    assert_int_equal(out.outcome, STORE_OUTCOME_CREATED);
    assert_int_equal(out.seq, 2);
    assert_int_equal(fixture_count(f), 1);
}

fixture_test(an_inactive_draft_makes_an_inactive_user)
{
    struct outcome out = fixture_apply(f, fixture_create_change(f, fixture_draft("alice@x", "", false)));
    assert_ok(out.code, &f->err);
    assert_int_equal(out.state.flags, STORE_USER_PROVISIONED);
    assert_int_equal(fixture_user(f, 1).deactivated_ms, FIXTURE_START_MS);
}

fixture_test(names_that_differ_in_case_or_width_only_are_one_name)
{
    fixture_create(f, "J\xc3\x9cRGEN@x", "");
    assert_code(fixture_create(f, "j\xc3\xbcrgen@x", "").code, GW_E_UNIQUENESS, &f->err);
    /* U+00DF is not ss: they would be one person */
    assert_ok(fixture_create(f,
                             "stra\xc3\x9f"
                             "e@x",
                             "")
                  .code,
              &f->err);
    assert_ok(fixture_create(f, "strasse@x", "").code, &f->err);
}

fixture_test(long_values_and_values_with_a_zero_byte_are_found_and_not_confused)
{
    char name[STORE_USER_NAME_BYTES_MAX + 1];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(fixture_create(f, name, "").seq, 1);
    struct store_user_draft draft = fixture_draft("zero@x", "", true);
    draft.external_id = gw_str_n("a\0bcdefgh", 9);
    assert_int_equal(fixture_apply(f, fixture_create_change(f, draft)).seq, 2);
    draft = fixture_draft("plain@x", "a", true);
    assert_int_equal(fixture_apply(f, fixture_create_change(f, draft)).seq, 3);
    assert_int_equal(fixture_find(f, STORE_INDEX_USER_NAME, name), 1);
    assert_int_equal(fixture_find(f, STORE_INDEX_EXTERNAL_ID, "a"), 3);
}

fixture_test(values_past_their_caps_are_refused)
{
    char text[STORE_EXTERNAL_ID_BYTES_MAX + 2];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_code(fixture_create(f, text, "").code, GW_E_INVALID_VALUE, &f->err);
    assert_code(fixture_create(f, "a", text).code, GW_E_INVALID_VALUE, &f->err);
    assert_code(fixture_create(f, "", "").code, GW_E_INVALID_VALUE, &f->err);
    assert_code(fixture_create(f, "\xff", "").code, GW_E_INVALID_VALUE, &f->err);
    assert_int_equal(fixture_count(f), 0);
}

fixture_test(a_folder_that_was_never_made_is_not_written_to)
{
    struct store_change *change = fixture_create_change(f, fixture_draft("alice@x", "", true));
    change->folder = f->folder + 1;
    assert_code(fixture_apply(f, change).code, GW_E_NOT_FOUND, &f->err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_user_gets_the_next_sequence_and_is_found_by_every_index),
        cmocka_unit_test(an_active_provisioned_user_is_not_created_twice),
        cmocka_unit_test(an_external_id_of_an_active_user_under_another_name_is_refused),
        cmocka_unit_test(an_external_id_of_an_inactive_user_revives_it_under_the_new_name),
        cmocka_unit_test(reviving_keeps_the_id_and_leaves_old_sessions_dead),
        cmocka_unit_test(with_revive_off_a_deactivated_user_is_refused_naming_the_setting),
        cmocka_unit_test(law_7_an_observed_user_is_adopted_and_keeps_its_id_and_sessions),
        cmocka_unit_test(with_adopt_off_an_observed_user_is_refused_naming_the_setting),
        cmocka_unit_test(adopting_as_inactive_is_a_deactivation),
        cmocka_unit_test(two_rules_that_name_two_users_are_refused_naming_both),
        cmocka_unit_test(an_email_matches_only_where_one_record_has_it),
        cmocka_unit_test(a_rule_that_is_off_names_nobody_but_a_user_name_stays_unique),
        cmocka_unit_test(a_deleted_user_comes_back_under_a_new_id),
        cmocka_unit_test(an_inactive_draft_makes_an_inactive_user),
        cmocka_unit_test(names_that_differ_in_case_or_width_only_are_one_name),
        cmocka_unit_test(long_values_and_values_with_a_zero_byte_are_found_and_not_confused),
        cmocka_unit_test(values_past_their_caps_are_refused),
        cmocka_unit_test(a_folder_that_was_never_made_is_not_written_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
