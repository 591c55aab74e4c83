/* `provgate user`: what operators see of users, and what they change. */
#include "tests/unit/command/ground.h"

static void prepare(struct ground *g)
{
    ground_open(g);
    assert_int_equal(fixture_create(&g->f, "alice@example.com", "x1").code, GW_OK);
    assert_int_equal(fixture_sign_on(&g->f, "bob@example.com", "bob-cookie").code, GW_OK);
    assert_int_equal(fixture_sign_on(&g->f, "alice@example.com", "alice-cookie").code, GW_OK);
    ground_close(g);
}

static enum verdict guard(struct ground *g, const char *cookie)
{
    ground_open(g);
    enum verdict verdict = fixture_guard(&g->f, cookie);
    ground_close(g);
    return verdict;
}

ground_test(a_list_shows_everybody_with_state_and_origin)
{
    prepare(g);
    assert_run(g, &command_user, "list --app wiki", COMMAND_DONE);
    assert_has(g->out, "active               linked       alice@example.com\n");
    assert_has(g->out, "active               observed     bob@example.com\n");
}

ground_test(a_list_of_json_lines_has_ids_and_flags_and_no_secret)
{
    prepare(g);
    assert_run(g, &command_user, "list --folder staff --state linked --json", COMMAND_DONE);
    assert_has(g->out, "\"userName\":\"alice@example.com\",\"externalId\":\"x1\",\"active\":true,\"locked\":false");
    assert_has(g->out, "\"linked\":true");
    assert_false(ground_has(g->out, "bob@example.com"));
    assert_false(ground_has(g->out, "cookie"));
}

ground_test(a_list_goes_on_where_the_last_one_stopped)
{
    ground_open(g);
    fixture_fill(&g->f, 700);
    ground_close(g);
    assert_run(g, &command_user, "list --app wiki --start 300 --count 300", COMMAND_DONE);
    assert_has(g->out, "user299@example.com\n");
    assert_has(g->out, "user598@example.com\n");
    assert_false(ground_has(g->out, "user298@example.com\n"));
    assert_false(ground_has(g->out, "user599@example.com\n"));
    assert_has(g->err, "--start 600\n");
    assert_run(g, &command_user, "list --app wiki --start 701", COMMAND_DONE);
    assert_int_equal(g->out.len, 0);
    assert_run(g, &command_user, "list --app wiki --count 0", COMMAND_DONE);
    assert_has(g->out, "user0@example.com\n");
    assert_has(g->out, "user699@example.com\n");
}

ground_test(a_user_is_shown_with_attributes_subjects_and_sessions)
{
    prepare(g);
    assert_run(g, &command_user, "show --app wiki --user ALICE@example.com", COMMAND_DONE);
    assert_has(g->out, "userName      alice@example.com\n");
    assert_has(g->out, "sessions      1 alive of 1 bound\n");
    assert_has(g->out, "subject       alice@example.com from https://idp\n");
    assert_has(g->out, "title         x\n");
    assert_run(g, &command_user, "show --app wiki --user alice@example.com --json", COMMAND_DONE);
    assert_has(g->out, "\"sessions\":{\"bound\":1,\"alive\":1}");
    assert_has(g->out, "\"attributes\":{\"title\":\"x\"}");
}

ground_test(a_user_is_found_by_id_also_when_deleted)
{
    prepare(g);
    ground_open(g);
    char id[GW_IDENT_TEXT + 1];
    gw_ident_format(store_ident_key(g->f.store), GW_IDENT_USER, g->f.folder, 2, id);
    assert_int_equal(fixture_apply(&g->f, fixture_change(&g->f, STORE_CHANGE_USER_DELETE, 2)).code, GW_OK);
    ground_close(g);
    assert_run(g, &command_user, gw_arena_printf(&g->arena, "show --app wiki --id %s", id).ptr, COMMAND_DONE);
    assert_has(g->out, "state         deleted\n");
    assert_run(g, &command_user, gw_arena_printf(&g->arena, "lock --app wiki --id %s", id).ptr, COMMAND_FAILED);
    assert_run(g, &command_user, gw_arena_printf(&g->arena, "show --app strict --id %s", id).ptr, COMMAND_FAILED);
}

ground_test(a_deactivation_ends_sessions_and_keeps_the_origin)
{
    prepare(g);
    assert_int_equal(guard(g, "bob-cookie"), VERDICT_ALIVE);
    assert_run(g, &command_user, "deactivate --app wiki --user bob@example.com --reason left~today", COMMAND_DONE);
    assert_has(g->out, "deactivated; all sessions ended");
    assert_int_equal(guard(g, "bob-cookie"), VERDICT_DEAD);
    assert_int_equal(guard(g, "alice-cookie"), VERDICT_ALIVE);
    assert_run(g, &command_user, "deactivate --app wiki --user bob@example.com", COMMAND_DONE);
    assert_has(g->out, "was deactivated already");
    assert_run(g, &command_user, "show --app wiki --user bob@example.com", COMMAND_DONE);
    assert_has(g->out, "state         deactivated\n");
    assert_has(g->out, "known as      observed\n");
    assert_run(g, &command_user, "reactivate --app wiki --user bob@example.com --json", COMMAND_DONE);
    assert_has(g->out, "\"changed\":true,\"active\":true,\"locked\":false");
    assert_int_equal(guard(g, "bob-cookie"), VERDICT_DEAD);
}

ground_test(a_lock_is_apart_from_active)
{
    prepare(g);
    assert_run(g, &command_user, "lock --app wiki --user alice@example.com", COMMAND_DONE);
    assert_int_equal(guard(g, "alice-cookie"), VERDICT_DEAD);
    ground_open(g);
    struct store_user user = fixture_user(&g->f, 1);
    assert_int_equal(fixture_replace(&g->f, 1, user.version, fixture_draft("alice@example.com", "x1", true)).code,
                     GW_OK);
    assert_int_equal(fixture_sign_on(&g->f, "alice@example.com", "again").code, GW_E_FORBIDDEN);
    ground_close(g);
    assert_run(g, &command_user, "deactivate --app wiki --user alice@example.com", COMMAND_DONE);
    assert_run(g, &command_user, "unlock --app wiki --user alice@example.com", COMMAND_DONE);
    assert_has(g->out, "still deactivated");
    assert_run(g, &command_user, "reactivate --app wiki --user alice@example.com", COMMAND_DONE);
    ground_open(g);
    assert_int_equal(fixture_sign_on(&g->f, "alice@example.com", "third").code, GW_OK);
    ground_close(g);
    assert_int_equal(guard(g, "third"), VERDICT_ALIVE);
}

ground_test(ended_sessions_leave_the_user_active)
{
    prepare(g);
    assert_run(g, &command_user, "end-sessions --app wiki --user alice@example.com", COMMAND_DONE);
    assert_int_equal(guard(g, "alice-cookie"), VERDICT_DEAD);
    assert_run(g, &command_user, "show --app wiki --user alice@example.com", COMMAND_DONE);
    assert_has(g->out, "state         active\n");
    assert_has(g->out, "sessions      0 alive of 1 bound\n");
}

ground_test(a_name_that_is_nearly_right_gets_a_suggestion)
{
    prepare(g);
    assert_run(g, &command_user, "show --app wiki --user alcie@example.com", COMMAND_FAILED);
    assert_has(g->err, "no user \"alcie@example.com\" in the folder staff; did you mean alice@example.com?");
    assert_run(g, &command_user, "show --app wiki --user zoe@elsewhere.org", COMMAND_FAILED);
    assert_false(ground_has(g->err, "did you mean"));
}

ground_test(what_cannot_be_meant_is_a_usage_error)
{
    static const char *const rows[] = {
        "list", /* two folders */
        "list --app nobody",
        "list --folder nothing",
        "list --app wiki --folder staff",
        "list --app wiki --state sleeping",
        "list --app wiki --start 0",
        "list --app wiki --count many",
        "show --app wiki",
        "show --app wiki --user a --id b",
        "sing --app wiki --user a",
        "--app wiki",
        "lock --app wiki --user a extra",
        "lock --app wiki --user a --reason \xff",
        "lock --app wiki --user a --reason two\nlines",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_run(g, &command_user, rows[i], COMMAND_WRONG);
        assert_int_not_equal(g->err.len, 0);
    }
}

ground_test(an_empty_folder_lists_nobody_and_finds_nobody)
{
    assert_run(g, &command_user, "list --app strict", COMMAND_DONE);
    assert_int_equal(g->out.len, 0);
    assert_run(g, &command_user, "show --app strict --user alice@example.com", COMMAND_FAILED);
}

ground_test(control_bytes_of_a_name_do_not_reach_the_terminal)
{
    ground_open(g);
    assert_int_equal(fixture_create(&g->f, "evil\x1b[2J\xc2\x9bname", "").code, GW_OK);
    ground_close(g);
    assert_run(g, &command_user, "list --app wiki", COMMAND_DONE);
    assert_has(g->out, "evil?[2J??name\n");
}

ground_test(a_deleted_user_is_listed_and_restored_by_name_inactive_unless_asked)
{
    prepare(g);
    ground_open(g);
    assert_int_equal(fixture_apply(&g->f, fixture_change(&g->f, STORE_CHANGE_USER_DELETE, 1)).code, GW_OK);
    ground_close(g);
    assert_run(g, &command_user, "list --app wiki --deleted", COMMAND_DONE);
    assert_has(g->out, "deleted");
    assert_has(g->out, "alice@example.com\n");
    assert_run(g, &command_user, "restore --app wiki --user nobody@example.com", COMMAND_FAILED);
    assert_run(g, &command_user, "restore --app wiki --user ALICE@example.com --reason mistake", COMMAND_DONE);
    assert_has(g->out, "restored with the same id");
    assert_has(g->out, "deactivated until somebody reactivates the user\n");
    assert_int_equal(guard(g, "alice-cookie"), VERDICT_DEAD);
    assert_run(g, &command_user, "list --app wiki --deleted", COMMAND_DONE);
    assert_int_equal(g->out.len, 0);
    assert_run(g, &command_user, "restore --app wiki --user alice@example.com", COMMAND_FAILED);
    ground_open(g);
    assert_int_equal(fixture_apply(&g->f, fixture_change(&g->f, STORE_CHANGE_USER_DELETE, 1)).code, GW_OK);
    ground_close(g);
    assert_run(g, &command_user, "restore --app wiki --user alice@example.com --active --json", COMMAND_DONE);
    assert_has(g->out, "\"active\":true");
}

ground_test(a_name_that_several_deleted_users_had_needs_an_id)
{
    ground_open(g);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        assert_int_equal(fixture_create(&g->f, "alice@example.com", "x1").code, GW_OK);
        assert_int_equal(fixture_apply(&g->f, fixture_change(&g->f, STORE_CHANGE_USER_DELETE, seq)).code, GW_OK);
    }
    ground_close(g);
    assert_run(g, &command_user, "restore --app wiki --user alice@example.com", COMMAND_FAILED);
    assert_has(g->err, "say which with --id");
}

ground_test(sessions_are_shown_by_state_and_never_by_their_cookie)
{
    ground_open(g);
    assert_int_equal(fixture_sign_on(&g->f, "alice@example.com", "cookie-one").code, GW_OK);
    uint64_t seq = fixture_find(&g->f, STORE_INDEX_USER_NAME, "alice@example.com");
    assert_int_equal(fixture_apply(&g->f, fixture_change(&g->f, STORE_CHANGE_USER_END_SESSIONS, seq)).code, GW_OK);
    assert_int_equal(fixture_sign_on(&g->f, "alice@example.com", "cookie-two").code, GW_OK);
    assert_int_equal(fixture_sign_on(&g->f, "alice@example.com", "cookie-three").code, GW_OK);
    struct store_change *change = fixture_change(&g->f, STORE_CHANGE_SESSION_MARK, 0);
    change->as.mark.digests[change->as.mark.count++] = fixture_digest(&g->f, "cookie-three");
    assert_int_equal(fixture_apply(&g->f, change).code, GW_OK);
    ground_close(g);
    assert_run(g, &command_user, "show --app wiki --user alice@example.com", COMMAND_DONE);
    assert_false(ground_has(g->out, "\nsession  "));
    assert_run(g, &command_user, "show --app wiki --user alice@example.com --sessions", COMMAND_DONE);
    assert_has(g->out, "  ended\n");
    assert_has(g->out, "  alive\n");
    assert_has(g->out, "  signed out at the app\n");
    assert_false(ground_has(g->out, "cookie"));
    assert_run(g, &command_user, "show --app wiki --user alice@example.com --sessions --json", COMMAND_DONE);
    assert_has(g->out, "\"state\":\"ended\"}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_shows_everybody_with_state_and_origin),
        cmocka_unit_test(a_list_of_json_lines_has_ids_and_flags_and_no_secret),
        cmocka_unit_test(a_list_goes_on_where_the_last_one_stopped),
        cmocka_unit_test(a_user_is_shown_with_attributes_subjects_and_sessions),
        cmocka_unit_test(a_user_is_found_by_id_also_when_deleted),
        cmocka_unit_test(a_deactivation_ends_sessions_and_keeps_the_origin),
        cmocka_unit_test(a_lock_is_apart_from_active),
        cmocka_unit_test(ended_sessions_leave_the_user_active),
        cmocka_unit_test(a_name_that_is_nearly_right_gets_a_suggestion),
        cmocka_unit_test(what_cannot_be_meant_is_a_usage_error),
        cmocka_unit_test(an_empty_folder_lists_nobody_and_finds_nobody),
        cmocka_unit_test(a_deleted_user_is_listed_and_restored_by_name_inactive_unless_asked),
        cmocka_unit_test(a_name_that_several_deleted_users_had_needs_an_id),
        cmocka_unit_test(sessions_are_shown_by_state_and_never_by_their_cookie),
        cmocka_unit_test(control_bytes_of_a_name_do_not_reach_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
