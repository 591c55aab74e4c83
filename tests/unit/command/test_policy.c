/* `provgate policy`: what is foretold is what happens. */
#include "tests/unit/command/ground.h"

#include "store/inspect.h"

#define TEXT_64 "a-name-of-64-bytes-----------------------------------------------"
#define LONG_NAME TEXT_64 TEXT_64 TEXT_64 TEXT_64 "!"

static void prepare(struct ground *g)
{
    ground_open(g);
    assert_int_equal(fixture_create(&g->f, "alice@example.com", "x1").code, GW_OK);
    assert_int_equal(fixture_sign_on(&g->f, "bob@example.com", "bob-cookie").code, GW_OK);
    assert_int_equal(fixture_create(&g->f, "carol@example.com", "x3").code, GW_OK);
    ground_close(g);
    assert_run(g, &command_user, "deactivate --app wiki --user carol@example.com", COMMAND_DONE);
}

ground_test(match_names_the_user_and_the_rule)
{
    static const struct {
        const char *words;
        const char *output;
    } rows[] = {
        {"--name new@example.com", "POST     match externalId, userName: create\n"},
        {"--name BOB@example.com", "(bob@example.com, active, observed) by userName\n"},
        {"--name bob@example.com", "POST     match externalId, userName: adopt "},
        {"--name carol@example.com", "POST     match externalId, userName: revive "},
        {"--name renamed@example.com --external-id x3",
         "(carol@example.com, deactivated, provisioned) by externalId\n"},
        {"--name alice@example.com", "by userName; 409: userName names an active user, "},
        {"--name " LONG_NAME, "POST     match externalId, userName: refuse; 400: userName is longer than 256 bytes"},
        {"--name bob@example.com --external-id x1", "; 409: the match rules name two users: externalId names "},
    };
    prepare(g);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_run(g, &command_policy, gw_arena_printf(&g->arena, "match --app wiki %s", rows[i].words).ptr,
                   COMMAND_DONE);
        assert_has(g->out, rows[i].output);
    }
    assert_run(g, &command_policy, "match --app wiki --name bob@example.com --json", COMMAND_DONE);
    assert_has(g->out,
               "[{\"way\":\"POST\",\"match\":\"externalId, userName\",\"outcome\":\"adopt\",\"rule\":\"userName\","
               "\"userName\":\"bob@example.com\",\"userId\":\"");
    assert_run(g, &command_policy, "match --app strict --name bob@example.com", COMMAND_DONE);
    assert_str_equal(g->out, "POST     match userName, email: create\n");
}

static enum gw_code foresee(struct fixture *f, const struct store_change *change, struct store_foreseen *ret_foreseen,
                            struct gw_error *err)
{
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    enum gw_code code = store_foresee_create(f->reader, f->folder, &change->as.create.draft, change->as.create.match,
                                             change->as.create.adopt, change->as.create.revive, ret_foreseen, err);
    store_reader_end(f->reader);
    return code;
}

/* Every kind of record, against every policy: the foretold outcome, user and refusal are those of the real POST. */
ground_test(what_is_foretold_of_a_post_is_what_happens)
{
    static const struct {
        const char *name;
        const char *external_id;
    } posts[] = {{"alice@example.com", "x1"}, {"bob@example.com", ""},       {"bob@example.com", "x1"},
                 {"carol@example.com", ""},   {"renamed@example.com", "x3"}, {"alice@example.com", "x3"},
                 {"fresh@example.com", "x9"}};
    for (unsigned policy = 0; policy < 4; policy++) {
        for (size_t i = 0; i < sizeof posts / sizeof *posts; i++) {
            struct ground other;
            ground_init(&other);
            prepare(&other);
            ground_open(&other);
            struct store_change *change =
                fixture_create_change(&other.f, fixture_draft(posts[i].name, posts[i].external_id, true));
            struct store_foreseen foreseen;
            struct gw_error refusal = {.text = ""};
            change->as.create.adopt = (policy & 1) != 0;
            change->as.create.revive = (policy & 2) != 0;
            enum gw_code code = foresee(&other.f, change, &foreseen, &refusal);
            struct outcome outcome = fixture_apply(&other.f, change);
            assert_int_equal(code, outcome.code);
            if (code == GW_OK) {
                assert_int_equal(foreseen.outcome, outcome.outcome);
                assert_int_equal(foreseen.seq, foreseen.outcome == STORE_OUTCOME_CREATED ? 0 : outcome.seq);
            } else {
                assert_str_equal(gw_str_from(refusal.text), other.f.err.text);
            }
            ground_close(&other);
            ground_done(&other);
        }
    }
    (void)g;
}

ground_test(a_tested_event_says_what_it_would_do_and_does_nothing)
{
    static const struct {
        const char *words;
        const char *output;
    } rows[] = {
        {"--user bob@example.com --event deactivate", "- 1 sessions end"},
        {"--user carol@example.com --event deactivate", "- nothing: the user is deactivated already\n"},
        {"--user carol@example.com --event reactivate", "- the user is active with the same id"},
        {"--user alice@example.com --event reactivate", "- nothing: the user is active already\n"},
        {"--user bob@example.com --event deactivate", "- Okta's call makes the record provisioned (policy.adopt)"},
        {"--user bob@example.com --event deactivate", "- the brake lets it pass: 1 of 3 users are out"},
        {"--user bob@example.com --event delete", "- 1 sessions end"},
        {"--user bob@example.com --event delete --json", "\"changes\":true,\"sessionsEnded\":1,"},
    };
    prepare(g);
    assert_run(g, &command_user, "list --app wiki --count 0 --json", COMMAND_DONE);
    struct gw_str before = g->out;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_run(g, &command_policy, gw_arena_printf(&g->arena, "test --app wiki %s", rows[i].words).ptr,
                   COMMAND_DONE);
        assert_has(g->out, rows[i].output);
    }
    assert_run(g, &command_user, "list --app wiki --json", COMMAND_DONE);
    assert_true(gw_str_eq(before, g->out));
}

/* 25 users are taken out, the others are held. */
static void hold_some(struct ground *g, unsigned held)
{
    ground_open(g);
    fixture_fill(&g->f, 60);
    for (uint64_t seq = 1; seq <= 25 + held; seq++) {
        struct store_change *change = fixture_change(&g->f, STORE_CHANGE_USER_DELETE, seq);
        change->brake = (struct store_brake){true, true, 20, 25, 3600000, 1800000};
        assert_int_equal(fixture_apply(&g->f, change).code, seq <= 25 ? GW_OK : GW_E_HELD);
    }
    ground_close(g);
}

ground_test(a_tested_event_says_when_the_record_goes_and_what_okta_may_not_do)
{
    static const char text[] = "userName\nimported@example.com\n";
    const char *file = ground_path(g, "users.csv");
    ground_write(file, GW_STR(text));
    assert_run(g, &command_import, gw_arena_printf(&g->arena, "--app strict %s", file).ptr, COMMAND_DONE);
    assert_run(g, &command_policy, "test --app strict --user imported@example.com --event deactivate --json",
               COMMAND_DONE);
    assert_has(g->out, "not by Okta: the record is not provisioned, and policy.adopt is off (409)");
    assert_false(ground_has(g->out, "keptUntil"));
    assert_false(ground_has(g->out, "the brake"));
    assert_run(g, &command_policy, "test --app strict --user imported@example.com --event delete --json", COMMAND_DONE);
    assert_has(g->out, "\"keptUntil\":\"20");
    assert_has(g->out, "and is then deleted");
}

ground_test(an_operator_sees_and_releases_what_the_brake_holds)
{
    hold_some(g, 3);
    assert_run(g, &command_policy, "brake status --app wiki", COMMAND_DONE);
    assert_has(g->out, "\n3 changes are held; ");
    assert_has(g->out, "delete      held      user26@example.com\n");
    assert_run(g, &command_policy, "brake status --app wiki --json", COMMAND_DONE);
    assert_has(g->out, "\"held\":3,");
    assert_has(g->out, "\"change\":\"delete\",\"state\":\"held\"");
    assert_run(g, &command_policy, "brake release --app wiki", COMMAND_DONE);
    assert_has(g->out, "3 changes done; ");
    assert_run(g, &command_user, "list --app wiki --deleted --count 0", COMMAND_DONE);
    assert_has(g->out, "user27@example.com\n");
    assert_run(g, &command_policy, "brake release --app wiki --json", COMMAND_DONE);
    assert_has(g->out, "{\"released\":0}\n");
}

ground_test(an_operator_rejects_what_the_brake_holds_for_a_reason)
{
    hold_some(g, 2);
    assert_run(g, &command_policy, "brake reject --app wiki --reason wrong~group~rule", COMMAND_DONE);
    assert_has(g->out, "2 changes rejected; ");
    assert_run(g, &command_policy, "brake status --app wiki", COMMAND_DONE);
    assert_has(g->out, "delete      rejected  user25@example.com\n");
    assert_run(g, &command_activity, "--kind brake-reject", COMMAND_DONE);
    assert_has(g->out, "wrong group rule");
    assert_run(g, &command_policy, "brake status --app strict", COMMAND_DONE);
    assert_has(g->out, "0 of 0 users were taken out");
}

ground_test(what_cannot_be_meant_is_a_usage_error)
{
    static const char *const rows[] = {"match --app wiki",
                                       "match --name x",
                                       "match --app nobody --name x",
                                       "test --app wiki --user x",
                                       "test --app wiki --event delete",
                                       "test --app wiki --user x --event explode",
                                       "brake --app wiki",
                                       "brake status",
                                       "brake reject --app wiki",
                                       "brake melt --app wiki",
                                       "guess --app wiki"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_run(g, &command_policy, rows[i], COMMAND_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(match_names_the_user_and_the_rule),
        cmocka_unit_test(what_is_foretold_of_a_post_is_what_happens),
        cmocka_unit_test(a_tested_event_says_what_it_would_do_and_does_nothing),
        cmocka_unit_test(a_tested_event_says_when_the_record_goes_and_what_okta_may_not_do),
        cmocka_unit_test(an_operator_sees_and_releases_what_the_brake_holds),
        cmocka_unit_test(an_operator_rejects_what_the_brake_holds_for_a_reason),
        cmocka_unit_test(what_cannot_be_meant_is_a_usage_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
