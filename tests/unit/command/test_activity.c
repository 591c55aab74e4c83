/* `provgate activity`: the right entries, in order, without values and secrets. */
#include "tests/unit/command/ground.h"

#include "gateway/command/activity_entry.h"

#define HOUR_MS 3600000

static void prepare(struct ground *g)
{
    ground_open(g);
    assert_int_equal(fixture_create(&g->f, "alice@example.com", "x1").code, GW_OK);
    g->f.now_ms += HOUR_MS;
    assert_int_equal(fixture_sign_on(&g->f, "bob@example.com", "bob-cookie").code, GW_OK);
    ground_close(g);
    assert_run(g, &command_user, "lock --folder staff --user alice@example.com --reason stolen~laptop", COMMAND_DONE);
}

static size_t lines(struct gw_str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count;
}

ground_test(entries_are_lines_from_the_oldest_to_the_newest)
{
    prepare(g);
    assert_run(g, &command_activity, "", COMMAND_DONE);
    assert_int_equal(lines(g->out), 5);
    assert_true(gw_str_starts(g->out, GW_STR("2023-11-14T22:13:20.000Z  create        alice@example.com  by token:okta"
                                             "  app wiki  folder staff  ref r1\n")));
    assert_true(gw_str_ends(g->out, GW_STR("  folder staff  ref stolen laptop\n")));
    assert_has(g->out, "  lock          alice@example.com  by operator:");
}

ground_test(filters_leave_what_matches_all_of_them)
{
    static const struct {
        const char *words;
        size_t lines;
    } rows[] = {
        {"--user BOB@example.com", 3},
        {"--user bob@example.com --kind bind", 1},
        {"--kind lock", 1},
        {"--kind refuse", 0},
        {"--app wiki", 5}, /* the lock names no app, but happened in its folder */
        {"--app strict", 0},
        {"--since 2023-11-14T23:00:00Z", 4},
        {"--since 1h", 1}, /* the fixture's clock stands in the past */
        {"--count 2", 2},
        {"--count 0", 5},
        {"--count 0 --user bob@example.com", 3},
    };
    prepare(g);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_run(g, &command_activity, rows[i].words, COMMAND_DONE);
        if (lines(g->out) != rows[i].lines)
            fail_msg("%s: %zu lines: %.*s", rows[i].words, lines(g->out), GW_STR_ARG(g->out));
    }
}

ground_test(the_newest_are_the_last_ones)
{
    prepare(g);
    assert_run(g, &command_activity, "--count 1", COMMAND_DONE);
    assert_has(g->out, "  lock  ");
}

ground_test(json_lines_name_the_user_by_id)
{
    prepare(g);
    ground_open(g);
    char id[GW_IDENT_TEXT + 1];
    gw_ident_format(store_ident_key(g->f.store), GW_IDENT_USER, g->f.folder, 1, id);
    ground_close(g);
    assert_run(g, &command_activity, "--kind create --json", COMMAND_DONE);
    const char *expected = gw_arena_printf(&g->arena,
                                           "{\"seq\":1,\"time\":\"2023-11-14T22:13:20.000Z\",\"kind\":\"create\","
                                           "\"folder\":\"staff\",\"app\":\"wiki\",\"userName\":\"alice@example.com\","
                                           "\"userId\":\"%s\",\"actor\":\"token:okta\",\"reference\":\"r1\"}\n",
                                           id)
                               .ptr;
    assert_str_equal(g->out, expected);
}

ground_test(values_are_shown_as_they_were_recorded)
{
    ground_open(g);
    struct store_change *change = fixture_create_change(&g->f, fixture_draft("alice@example.com", "x1", true));
    change->attribute_values = GW_STR("{\"title\":[null,\"Bo\\u001bss\"]}");
    assert_int_equal(fixture_apply(&g->f, change).code, GW_OK);
    ground_close(g);
    assert_run(g, &command_activity, "--kind create", COMMAND_DONE);
    assert_has(g->out, "  values {\"title\":[null,\"Bo\\u001bss\"]}  ref r1\n");
    assert_run(g, &command_activity, "--kind create --json", COMMAND_DONE);
    assert_has(g->out,
               ",\"actor\":\"token:okta\",\"values\":{\"title\":[null,\"Bo\\u001bss\"]},\"reference\":\"r1\"}\n");
}

ground_test(more_entries_than_a_batch_are_all_there)
{
    ground_open(g);
    fixture_fill(&g->f, 1300);
    ground_close(g);
    assert_run(g, &command_activity, "--count 0", COMMAND_DONE);
    assert_int_equal(lines(g->out), 1300);
    assert_run(g, &command_activity, "--count 1000 --json", COMMAND_DONE);
    assert_int_equal(lines(g->out), 1000);
    assert_true(gw_str_starts(g->out, GW_STR("{\"seq\":301,")));
}

ground_test(what_cannot_be_meant_is_a_usage_error)
{
    static const char *const rows[] = {"--kind luck", "--since yesterday", "--count 100001", "--app nobody", "extra"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_run(g, &command_activity, rows[i], COMMAND_WRONG);
    assert_run(g, &command_activity, "--kind luck", COMMAND_WRONG);
    assert_has(g->err, "did you mean lock?");
}

static void the_help_names_every_kind(void **state)
{
    (void)state;
    size_t missing = 0;
    for (int kind = 1; activity_kind_name((enum store_activity_kind)kind) != NULL; kind++) {
        const char *name = activity_kind_name((enum store_activity_kind)kind);
        if (strstr(command_activity.usage, name) == NULL) {
            print_error("%s is not in the help\n", name);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_lines_from_the_oldest_to_the_newest),
        cmocka_unit_test(filters_leave_what_matches_all_of_them),
        cmocka_unit_test(the_newest_are_the_last_ones),
        cmocka_unit_test(json_lines_name_the_user_by_id),
        cmocka_unit_test(values_are_shown_as_they_were_recorded),
        cmocka_unit_test(more_entries_than_a_batch_are_all_there),
        cmocka_unit_test(what_cannot_be_meant_is_a_usage_error),
        cmocka_unit_test(the_help_names_every_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
