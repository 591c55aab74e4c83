/* `provgate guard`: what it writes, what it refuses, and that it needs no store to write to. */
#include "tests/unit/command/ground.h"

#include "store/guard_off.h"

ground_test(off_status_and_on_tell_one_story)
{
    assert_run(g, &command_guard, "status", COMMAND_DONE);
    assert_str_equal(g->out, "on\n");
    assert_run(g, &command_guard, "status --json", COMMAND_DONE);
    assert_str_equal(g->out, "{\"guard\":\"on\"}\n");
    assert_run(g, &command_guard, "off --for 30m --app wiki --reason wrong~import", COMMAND_DONE);
    assert_has(g->out, "off for wiki until ");
    assert_run(g, &command_guard, "status", COMMAND_DONE);
    assert_has(g->out, "off for wiki until ");
    assert_has(g->out, ": wrong import\n");
    assert_run(g, &command_guard, "status --app strict", COMMAND_DONE);
    assert_str_equal(g->out, "on\n");
    assert_run(g, &command_guard, "off --for 1h --reason all", COMMAND_DONE);
    assert_run(g, &command_guard, "status --json", COMMAND_DONE);
    assert_has(g->out, "\"app\":null");
    assert_has(g->out, "\"reason\":\"all\"");
    assert_run(g, &command_guard, "on", COMMAND_DONE);
    assert_run(g, &command_guard, "status", COMMAND_DONE);
    assert_str_equal(g->out, "on\n");
    assert_run(g, &command_activity, "", COMMAND_DONE);
    assert_has(g->out, "guard-off");
    assert_has(g->out, "wrong import");
    assert_has(g->out, "guard-on");
    assert_has(g->out, "by operator:");
}

ground_test(the_rest_of_all_apps_is_not_ended_for_one)
{
    assert_run(g, &command_guard, "off --for 30m --reason x", COMMAND_DONE);
    assert_run(g, &command_guard, "on --app wiki", COMMAND_FAILED);
    assert_has(g->err, "without --app");
}

ground_test(what_is_not_said_is_refused)
{
    static const struct {
        const char *words;
        const char *error;
    } rows[] = {
        {"", "one of off, on, status"},
        {"of", "\"of\" is not one of"},
        {"off --reason x", "--for TIME"},
        {"off --for 30m", "--reason TEXT"},
        {"off --for 25h --reason x", "from 1s to 24h"},
        {"off --for 0s --reason x", "from 1s to 24h"},
        {"off --for soon --reason x", "--for soon"},
        {"off --for 30m --reason x --app wikki", "did you mean wiki?"},
        {"on --for 30m", "--for belongs to off"},
        {"off --for 30m --reason x extra", "one of off, on, status"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_run(g, &command_guard, rows[i].words, COMMAND_WRONG);
        if (!ground_has(g->err, rows[i].error))
            fail_msg("row %zu: %.*s", i, GW_STR_ARG(g->err));
    }
    assert_run(g, &command_guard, "status", COMMAND_DONE);
    assert_str_equal(g->out, "on\n");
}

/* It is for bad days: the store cannot even be opened. */
ground_test(it_works_beside_a_damaged_store_and_says_what_is_missing)
{
    const char *data = ground_path(g, "store/data.mdb");
    const char *kept = ground_path(g, "kept.mdb");
    assert_int_equal(rename(data, kept), 0);
    assert_run(g, &command_guard, "off --for 30m --reason x", COMMAND_DONE);
    assert_has(g->out, "off for all apps");
    assert_has(g->err, "not in the activity record");
    assert_run(g, &command_guard, "status", COMMAND_DONE);
    assert_has(g->out, "off for all apps");
    assert_int_equal(rename(kept, data), 0);
}

ground_test(a_file_that_is_not_believed_is_said_and_written_anew)
{
    const char *path = ground_path(g, "store/guard-off");
    ground_write(path, GW_STR("nonsense\n"));
    assert_run(g, &command_guard, "status", COMMAND_FAILED);
    assert_has(g->err, "the guard stays on");
    assert_run(g, &command_guard, "off --for 30m --reason x", COMMAND_DONE);
    assert_run(g, &command_guard, "status", COMMAND_DONE);
    assert_has(g->out, "off for all apps");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_status_and_on_tell_one_story),
        cmocka_unit_test(the_rest_of_all_apps_is_not_ended_for_one),
        cmocka_unit_test(what_is_not_said_is_refused),
        cmocka_unit_test(it_works_beside_a_damaged_store_and_says_what_is_missing),
        cmocka_unit_test(a_file_that_is_not_believed_is_said_and_written_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
