/* Sign-ons, links and sessions: semantics.md 3 and 4. */
#include "tests/unit/store/fixture.h"

#define DAY_MS 86400000ll

fixture_test(a_person_seen_for_the_first_time_is_observed_linked_and_bound)
{
    struct outcome out = fixture_sign_on(f, "alice@x", "cookie");
    assert_ok(out.code, &f->err);
    assert_int_equal(out.outcome, STORE_OUTCOME_CREATED);
    assert_int_equal(out.seq, 1);
    assert_int_equal(out.state.flags, STORE_USER_ACTIVE | STORE_USER_OBSERVED);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_ALIVE);
    assert_int_equal(fixture_count(f), 1);
    assert_int_equal(fixture_find(f, STORE_INDEX_SUBJECT, "alice@x"), 1);
    assert_string_equal(fixture_activity(f, 0), "OLB");
}

fixture_test(a_second_sign_on_writes_one_entry_for_the_binding_only)
{
    fixture_sign_on(f, "alice@x", "one");
    struct outcome out = fixture_sign_on(f, "ALICE@x", "two");
    assert_ok(out.code, &f->err);
    assert_int_equal(out.seq, 1);
    assert_string_equal(fixture_activity(f, 3), "LB"); /* another spelling is another subject */
    fixture_sign_on(f, "ALICE@x", "three");
    assert_string_equal(fixture_activity(f, 5), "B");
}

fixture_test(a_provisioned_user_who_signs_in_becomes_observed_without_a_new_version)
{
    fixture_create(f, "alice@x", "");
    struct outcome out = fixture_sign_on(f, "alice@x", NULL);
    assert_ok(out.code, &f->err);
    assert_int_equal(out.version, 1);
    assert_int_equal(out.state.flags, STORE_USER_ACTIVE | STORE_USER_OBSERVED | STORE_USER_PROVISIONED);
    assert_string_equal(fixture_activity(f, 0), "COL");
}

fixture_test(unknown_refuse_lets_nobody_in_who_is_not_known)
{
    struct store_change *change = fixture_sign_on_change(f, "alice@x", "cookie");
    change->as.sign_on.observe = false;
    assert_code(fixture_apply(f, change).code, GW_E_FORBIDDEN, &f->err);
    assert_int_equal(fixture_count(f), 0);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_UNBOUND);
}

fixture_test(a_name_id_without_a_user_name_observes_nobody)
{
    struct store_change *change = fixture_sign_on_change(f, "opaque", "cookie");
    change->as.sign_on.join.name_id_is_opaque = true;
    change->as.sign_on.draft.user_name = GW_STR_NONE;
    struct outcome out = fixture_apply(f, change);
    assert_ok(out.code, &f->err);
    assert_int_equal(out.seq, 0);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_UNBOUND);
}

fixture_test(an_inactive_user_is_refused_and_the_session_is_dead_for_ever)
{
    fixture_create(f, "alice@x", "");
    assert_ok(fixture_replace(f, 1, 1, fixture_draft("alice@x", "", false)).code, &f->err);
    assert_code(fixture_sign_on(f, "alice@x", "cookie").code, GW_E_FORBIDDEN, &f->err);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_DEAD);
    assert_ok(fixture_replace(f, 1, 2, fixture_draft("alice@x", "", true)).code, &f->err);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_DEAD);
}

fixture_test(f14_a_deactivation_between_check_and_binding_leaves_the_session_dead)
{
    fixture_create(f, "alice@x", "");
    struct store_change *change = fixture_sign_on_change(f, "alice@x", "cookie");
    assert_ok(fixture_replace(f, 1, 1, fixture_draft("alice@x", "", false)).code, &f->err);
    assert_code(fixture_apply(f, change).code, GW_E_FORBIDDEN, &f->err);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_DEAD);
}

fixture_test(f14_deactivated_and_reactivated_between_check_and_binding_the_session_is_dead)
{
    fixture_create(f, "alice@x", "");
    struct store_change *change = fixture_sign_on_change(f, "alice@x", "cookie");
    assert_ok(fixture_replace(f, 1, 1, fixture_draft("alice@x", "", false)).code, &f->err);
    assert_ok(fixture_replace(f, 1, 2, fixture_draft("alice@x", "", true)).code, &f->err);
    assert_ok(fixture_apply(f, change).code, &f->err);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_DEAD);
}

fixture_test(a_user_deleted_between_check_and_binding_is_refused)
{
    fixture_create(f, "alice@x", "");
    struct store_change *change = fixture_sign_on_change(f, "alice@x", "cookie");
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, 1)).code, &f->err);
    assert_code(fixture_apply(f, change).code, GW_E_FORBIDDEN, &f->err);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_DEAD);
}

fixture_test(a_deleted_user_is_refused_and_the_session_is_dead_when_the_name_is_provisioned_again)
{
    fixture_create(f, "alice@x", "");
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, 1)).code, &f->err);
    assert_code(fixture_sign_on(f, "alice@x", "cookie").code, GW_E_FORBIDDEN, &f->err);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_DEAD);
    fixture_create(f, "alice@x", "");
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_DEAD);
}

fixture_test(a_name_that_moved_to_another_user_since_the_check_is_refused)
{
    fixture_create(f, "alice@x", "");
    struct store_change *change = fixture_sign_on_change(f, "alice@x", "cookie");
    assert_ok(fixture_replace(f, 1, 1, fixture_draft("alicia@x", "", true)).code, &f->err);
    assert_int_equal(fixture_create(f, "alice@x", "").seq, 2);
    assert_code(fixture_apply(f, change).code, GW_E_FORBIDDEN, &f->err);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_DEAD);
}

fixture_test(two_first_sign_ons_of_one_person_make_one_user)
{
    struct store_change *first = fixture_sign_on_change(f, "alice@x", "one");
    struct store_change *second = fixture_sign_on_change(f, "alice@x", "two");
    assert_int_equal(fixture_apply(f, first).seq, 1);
    assert_int_equal(fixture_apply(f, second).seq, 1);
    assert_int_equal(fixture_count(f), 1);
    assert_int_equal(fixture_guard(f, "one"), VERDICT_ALIVE);
    assert_int_equal(fixture_guard(f, "two"), VERDICT_ALIVE);
}

fixture_test(the_last_sign_on_wins_a_session)
{
    fixture_sign_on(f, "alice@x", "shared");
    fixture_sign_on(f, "bob@x", "shared");
    assert_int_equal(fixture_guard(f, "shared"), VERDICT_ALIVE);
    assert_ok(fixture_replace(f, 1, 1, fixture_draft("alice@x", "", false)).code, &f->err);
    assert_int_equal(fixture_guard(f, "shared"), VERDICT_ALIVE);
    assert_ok(fixture_replace(f, 2, 1, fixture_draft("bob@x", "", false)).code, &f->err);
    assert_int_equal(fixture_guard(f, "shared"), VERDICT_DEAD);
}

static struct store_change *opaque_sign_on(struct fixture *f, const char *name_id, const char *value, const char *name)
{
    struct store_change *change = fixture_sign_on_change(f, value, NULL);
    change->as.sign_on.join.name_id = gw_str_from(name_id);
    change->as.sign_on.join.name_id_is_opaque = true;
    change->as.sign_on.draft.user_name = gw_str_from(name);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_join_find(f->reader, &change->as.sign_on.join, &change->as.sign_on.expected_user_seq, &f->err),
              &f->err);
    store_reader_end(f->reader);
    change->as.sign_on.expected_generation = 1;
    return change;
}

fixture_test(an_opaque_name_id_finds_its_user_when_the_attribute_names_nobody)
{
    assert_int_equal(fixture_apply(f, opaque_sign_on(f, "P-1", "alice@x", "alice@x")).seq, 1);
    assert_int_equal(fixture_apply(f, opaque_sign_on(f, "P-1", "alicia@x", "alicia@x")).seq, 1);
    assert_int_equal(fixture_apply(f, opaque_sign_on(f, "p-1", "other@x", "other@x")).seq, 2);
    assert_int_equal(fixture_count(f), 2);
}

fixture_test(the_current_holder_of_the_attribute_takes_the_subject_over)
{
    fixture_apply(f, opaque_sign_on(f, "P-1", "alice@x", "alice@x"));
    fixture_create(f, "bob@x", "");
    assert_int_equal(fixture_apply(f, opaque_sign_on(f, "P-1", "bob@x", "bob@x")).seq, 2);
    assert_int_equal(fixture_find(f, STORE_INDEX_SUBJECT, "P-1"), 2);
}

fixture_test(an_attribute_that_two_users_have_is_refused)
{
    struct gw_str emails[] = {GW_STR("shared@x")};
    struct store_user_draft draft = fixture_draft("one", "", true);
    draft.emails = emails;
    draft.email_count = 1;
    fixture_apply(f, fixture_create_change(f, draft));
    draft.user_name = GW_STR("two");
    fixture_apply(f, fixture_create_change(f, draft));
    struct store_change *change = fixture_sign_on_change(f, "three", "cookie");
    change->as.sign_on.join.match = STORE_INDEX_EMAIL;
    change->as.sign_on.join.value = GW_STR("SHARED@x");
    assert_code(fixture_apply(f, change).code, GW_E_CONFLICT, &f->err);
    assert_int_equal(fixture_guard(f, "cookie"), VERDICT_UNBOUND);
}

fixture_test(an_observed_user_is_found_again_by_the_attribute_that_joins)
{
    static const enum store_index matches[] = {STORE_INDEX_EMAIL, STORE_INDEX_EXTERNAL_ID};
    for (size_t i = 0; i < 2; i++) {
        const char *name = i == 0 ? "alice@x" : "bob@x";
        for (int again = 0; again < 2; again++) {
            struct store_change *change = fixture_sign_on_change(f, name, NULL);
            change->as.sign_on.join.match = matches[i];
            change->as.sign_on.expected_user_seq = 0;
            struct outcome out = fixture_apply(f, change);
            assert_ok(out.code, &f->err);
            assert_int_equal(out.seq, i + 1);
        }
    }
}

static enum gw_code rotate(struct fixture *f, const char *old_cookie, const char *new_cookie)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_SESSION_BIND, 0);
    change->as.bind.old_digest = fixture_digest(f, old_cookie);
    change->as.bind.new_digest = fixture_digest(f, new_cookie);
    return fixture_apply(f, change).code;
}

fixture_test(a_rotated_session_lives_and_dies_with_the_old_one)
{
    assert_code(rotate(f, "never", "new"), GW_E_NOT_FOUND, &f->err);
    fixture_sign_on(f, "alice@x", "old");
    assert_ok(rotate(f, "old", "new"), &f->err);
    assert_int_equal(fixture_guard(f, "new"), VERDICT_ALIVE);
    assert_ok(fixture_replace(f, 1, 1, fixture_draft("alice@x", "", false)).code, &f->err);
    assert_ok(fixture_replace(f, 1, 2, fixture_draft("alice@x", "", true)).code, &f->err);
    assert_ok(rotate(f, "old", "newer"), &f->err);
    assert_int_equal(fixture_guard(f, "new"), VERDICT_DEAD);
    assert_int_equal(fixture_guard(f, "newer"), VERDICT_DEAD);
}

static enum store_outcome seen(struct fixture *f, const char *cookie)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_SESSION_SEEN, 0);
    change->as.seen.digest = fixture_digest(f, cookie);
    return fixture_apply(f, change).outcome;
}

fixture_test(last_seen_is_written_at_most_once_a_day)
{
    fixture_sign_on(f, "alice@x", "cookie");
    f->now_ms += DAY_MS - 1;
    assert_int_equal(seen(f, "cookie"), STORE_OUTCOME_UNCHANGED);
    f->now_ms += 1;
    assert_int_equal(seen(f, "cookie"), STORE_OUTCOME_UPDATED);
    assert_int_equal(seen(f, "cookie"), STORE_OUTCOME_UNCHANGED);
}

fixture_test(law_9_the_same_cookie_of_another_app_or_name_is_another_session)
{
    struct store_session_digest one = fixture_digest(f, "value");
    struct store_session_digest other = store_session_digest(f->store, GW_STR("crm"), GW_STR("sid"), GW_STR("value"));
    struct store_session_digest third = store_session_digest(f->store, GW_STR("wikis"), GW_STR("id"), GW_STR("value"));
    assert_memory_not_equal(&one, &other, sizeof one);
    assert_memory_not_equal(&one, &third, sizeof one);
}

fixture_test(a_used_assertion_is_known_until_it_is_taken_back_or_too_old)
{
    static const enum gw_code marks[] = {GW_OK, GW_E_CONFLICT};
    struct gw_sha256 assertion = gw_sha256(GW_STR("assertion"));
    bool is_marked = false;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2; i++) {
            struct store_change *change = fixture_change(f, STORE_CHANGE_REPLAY_MARK, 0);
            change->as.replay.assertion = assertion;
            change->as.replay.forget_after_ms = f->now_ms + 1000;
            assert_code(fixture_apply(f, change).code, marks[i], &f->err);
        }
        struct store_change *change = fixture_change(f, STORE_CHANGE_REPLAY_UNMARK, 0);
        change->as.replay.assertion = assertion;
        if (round == 0)
            assert_ok(fixture_apply(f, change).code, &f->err);
        else
            store_change_free(change);
    }
    /* it outlives the assertion, in case the clock is a day ahead (security.md L1) */
    static const struct {
        int64_t later_ms;
        bool is_marked;
    } rows[] = {{1001, true}, {24 * 3600000, true}, {3 * 3600000, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        f->now_ms += rows[i].later_ms;
        struct store_change *change = fixture_change(f, STORE_CHANGE_REPLAY_MARK, 0);
        change->as.replay.assertion = gw_sha256(gw_arena_printf(&f->arena, "another %zu", i));
        change->as.replay.forget_after_ms = f->now_ms + 1000;
        assert_ok(fixture_apply(f, change).code, &f->err);
        assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
        assert_int_equal(store_replay_is_marked(f->reader, &assertion, &is_marked), GW_OK);
        store_reader_end(f->reader);
        assert_int_equal(is_marked, rows[i].is_marked);
    }
}

fixture_test(a_user_has_a_bounded_number_of_links)
{
    for (int i = 0; i < 70; i++) {
        char name_id[16];
        (void)snprintf(name_id, sizeof name_id, "P-%d", i);
        assert_ok(fixture_apply(f, opaque_sign_on(f, name_id, "alice@x", "alice@x")).code, &f->err);
    }
    assert_int_equal(fixture_find(f, STORE_INDEX_SUBJECT, "P-63"), 1);
    assert_int_equal(fixture_find(f, STORE_INDEX_SUBJECT, "P-64"), 0);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, 1)).code, &f->err);
    assert_int_equal(fixture_find(f, STORE_INDEX_SUBJECT, "P-63"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_seen_for_the_first_time_is_observed_linked_and_bound),
        cmocka_unit_test(a_second_sign_on_writes_one_entry_for_the_binding_only),
        cmocka_unit_test(a_provisioned_user_who_signs_in_becomes_observed_without_a_new_version),
        cmocka_unit_test(unknown_refuse_lets_nobody_in_who_is_not_known),
        cmocka_unit_test(a_name_id_without_a_user_name_observes_nobody),
        cmocka_unit_test(an_inactive_user_is_refused_and_the_session_is_dead_for_ever),
        cmocka_unit_test(f14_a_deactivation_between_check_and_binding_leaves_the_session_dead),
        cmocka_unit_test(f14_deactivated_and_reactivated_between_check_and_binding_the_session_is_dead),
        cmocka_unit_test(a_user_deleted_between_check_and_binding_is_refused),
        cmocka_unit_test(a_deleted_user_is_refused_and_the_session_is_dead_when_the_name_is_provisioned_again),
        cmocka_unit_test(a_name_that_moved_to_another_user_since_the_check_is_refused),
        cmocka_unit_test(two_first_sign_ons_of_one_person_make_one_user),
        cmocka_unit_test(the_last_sign_on_wins_a_session),
        cmocka_unit_test(an_opaque_name_id_finds_its_user_when_the_attribute_names_nobody),
        cmocka_unit_test(the_current_holder_of_the_attribute_takes_the_subject_over),
        cmocka_unit_test(an_attribute_that_two_users_have_is_refused),
        cmocka_unit_test(an_observed_user_is_found_again_by_the_attribute_that_joins),
        cmocka_unit_test(a_rotated_session_lives_and_dies_with_the_old_one),
        cmocka_unit_test(last_seen_is_written_at_most_once_a_day),
        cmocka_unit_test(law_9_the_same_cookie_of_another_app_or_name_is_another_session),
        cmocka_unit_test(a_used_assertion_is_known_until_it_is_taken_back_or_too_old),
        cmocka_unit_test(a_user_has_a_bounded_number_of_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
