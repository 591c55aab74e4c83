/* `provgate why`: from a reference or a name to the call that took the access away. */
#include "tests/unit/command/ground.h"

/* Alice signed in, was deactivated by a call of Okta, and her session was refused. */
static void prepare(struct ground *g)
{
    ground_open(g);
    assert_int_equal(fixture_create(&g->f, "alice@example.com", "x1").code, GW_OK);
    assert_int_equal(fixture_sign_on(&g->f, "alice@example.com", "alice-cookie").code, GW_OK);
    uint64_t seq = fixture_find(&g->f, STORE_INDEX_USER_NAME, "alice@example.com");
    struct store_user user = fixture_user(&g->f, seq);
    assert_int_equal(fixture_create(&g->f, "bob@example.com", "x2").code, GW_OK);
    struct store_user_draft draft = fixture_draft("alice@example.com", "x1", false);
    assert_int_equal(fixture_replace(&g->f, seq, user.version, draft).code, GW_OK);
    struct store_change *change = store_change_new(STORE_CHANGE_ACTIVITY);
    change->time_ms = g->f.now_ms;
    change->actor = GW_STR("sso");
    change->app = GW_STR("wiki");
    change->reference = GW_STR("8f3a1c02-1a");
    change->folder = user.folder;
    change->user_seq = seq;
    change->as.activity.kind = STORE_ACTIVITY_REFUSE;
    change->as.activity.result = GW_STR("inactive");
    assert_ok(store_writer_apply(g->f.writer, change, &g->f.err), &g->f.err);
    store_change_free(change);
    ground_close(g);
}

ground_test(a_reference_leads_to_the_call_that_cut_it)
{
    prepare(g);
    assert_run(g, &command_why, "8f3a1c02-1a", COMMAND_DONE);
    assert_has(g->out, "Under this reference:\n");
    assert_has(g->out, "refuse        alice@example.com  by sso");
    assert_has(g->out, "result inactive");
    assert_has(g->out, "alice@example.com (");
    assert_has(g->out, ") in the folder staff is deactivated; generation 2, 0 of 1 sessions alive.\n");
    assert_has(g->out, "every request of their sessions and every sign-in is refused: the user is deactivated.\n");
    assert_has(g->out, "Cut by:\n  ");
    assert_has(g->out, "deactivate    alice@example.com  by token:okta  app wiki  folder staff");
    assert_run(g, &command_why, "8f3a1c02-1a --json", COMMAND_DONE);
    assert_has(g->out, "\"cut\":[{\"seq\":");
    assert_has(g->out, "\"kind\":\"deactivate\"");
    assert_has(g->out, "\"generation\":2");
}

ground_test(a_name_in_any_case_leads_there_too)
{
    prepare(g);
    assert_run(g, &command_why, "ALICE@example.com", COMMAND_DONE);
    assert_has(g->out, "Sessions were last ended by:\n");
    assert_run(g, &command_why, "bob@example.com", COMMAND_DONE);
    assert_has(g->out, "is active; generation 1, 0 of 0 sessions alive");
    assert_has(g->out, "sign-ins pass");
    assert_false(ground_has(g->out, "ended by"));
}

ground_test(a_name_of_somebody_deleted_leads_to_the_deletion)
{
    prepare(g);
    ground_open(g);
    uint64_t seq = fixture_find(&g->f, STORE_INDEX_USER_NAME, "bob@example.com");
    struct store_change *change = fixture_change(&g->f, STORE_CHANGE_USER_DELETE, seq);
    assert_int_equal(fixture_apply(&g->f, change).code, GW_OK);
    ground_close(g);
    assert_run(g, &command_why, "Bob@example.com", COMMAND_DONE);
    assert_has(g->out, "bob@example.com (");
    assert_has(g->out, ") in the folder staff is deleted; generation 2");
    assert_has(g->out, "every sign-in is refused: the user is deleted.\n");
    assert_has(g->out, "delete        bob@example.com");
}

/* Only the first refusal of a session has an entry: the access log knows the rest. */
ground_test(a_later_reference_is_found_in_the_access_log)
{
    prepare(g);
    assert_run(g, &command_user, "show --folder staff --user alice@example.com --json", COMMAND_DONE);
    const char *at = memmem(g->out.ptr, g->out.len, "\"id\":\"", 6);
    assert_non_null(at);
    ground_write(ground_path(g, "access.log"),
                 gw_arena_printf(&g->arena,
                                 "{\"id\":\"8f3a1c02-1b\",\"app\":\"wiki\"}\n"
                                 "{\"time\":\"t\",\"id\":\"8f3a1c02-1c\",\"app\":\"wiki\",\"why\":\"inactive\","
                                 "\"user_id\":\"%.32s\"}\n",
                                 at + 6));
    struct gw_str text = ground_read(g, g->config);
    ground_write(g->config,
                 gw_arena_printf(&g->arena,
                                 "sso: {listen: [{address: \"127.0.0.1:8081\"}], access_log: {file: %s}}\n%.*s",
                                 ground_path(g, "access.log"), GW_STR_ARG(text)));
    assert_run(g, &command_why, "8f3a1c02-1c", COMMAND_DONE);
    assert_has(g->out, "In the access log:\n");
    assert_has(g->out, "alice@example.com (");
    assert_has(g->out, "deactivate    alice@example.com  by token:okta");
    assert_run(g, &command_why, "8f3a1c02-1d", COMMAND_FAILED);
    assert_has(g->err, "or the access log");
}

ground_test(what_nobody_knows_is_said)
{
    assert_run(g, &command_why, "nobody", COMMAND_FAILED);
    assert_has(g->err, "\"nobody\" is neither a user's name nor a reference");
    assert_run(g, &command_why, "", COMMAND_WRONG);
    assert_run(g, &command_why, "a b", COMMAND_WRONG);
}

ground_test(a_guard_that_is_off_is_said)
{
    prepare(g);
    assert_run(g, &command_guard, "off --for 30m --app wiki --reason x", COMMAND_DONE);
    assert_run(g, &command_why, "alice@example.com", COMMAND_DONE);
    assert_has(g->out, "The guard of wiki is off now");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reference_leads_to_the_call_that_cut_it),
        cmocka_unit_test(a_name_in_any_case_leads_there_too),
        cmocka_unit_test(a_name_of_somebody_deleted_leads_to_the_deletion),
        cmocka_unit_test(a_later_reference_is_found_in_the_access_log),
        cmocka_unit_test(what_nobody_knows_is_said),
        cmocka_unit_test(a_guard_that_is_off_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
