#include "tests/unit/sso/face_world.h"

#define COOKIE(value) "Cookie: sid=" value "\r\n"
#define SETS(value) "Set-Cookie: sid=" value "; Path=/; HttpOnly\r\n"
#define NAMES(user) "X-Remote-User: " user "\r\n"
#define HEADER "        - header: {name: X-Remote-User}\n"

static int setup_with(void **state, const char *keys)
{
    struct world *w = gw_alloc(sizeof *w);
    world_start(w, "enforce", keys);
    *state = w;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, HEADER);
}

static int setup_unknown_refuse(void **state)
{
    return setup_with(state, HEADER "      unknown: refuse\n");
}

static int setup_report(void **state)
{
    return setup_with(state, HEADER "      deactivated: report\n");
}

static int teardown(void **state)
{
    world_stop(*state);
    free(*state);
    return 0;
}

static struct reply *named_visit(struct world *w, int client, const char *fields, const char *answer_fields)
{
    struct reply *reply = world_visit(w, client, "/", fields, answer_fields);
    world_settle(w);
    return reply;
}

static void an_answer_that_names_its_user_binds_the_brought_session(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    struct reply *reply =
        named_visit(w, client, COOKIE("s%3A1"), NAMES("alice") "x_remote.USER: alice\r\nX-App: 1\r\n");
    assert_int_equal(reply->status, 200);
    assert_null(strcasestr(reply->head, "remote"));
    assert_non_null(strstr(reply->head, "X-App: 1\r\n"));
    assert_int_not_equal(fixture_find(&w->store, STORE_INDEX_USER_NAME, "alice"), 0);
    world_set_active(w, "alice", false);
    assert_int_equal(world_refused(w, client, "/", COOKIE("s%3A1"))->status, 403);
    assert_int_equal(world_refused(w, client, "/", COOKIE("s:1"))->status, 403);
    (void)close(client);
}

static void a_session_is_known_from_the_very_next_request_on(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)named_visit(w, client, COOKIE("a0"), NAMES("alice"));
    world_set_active(w, "alice", false);
    world_set_active(w, "alice", true);
    (void)world_visit(w, client, "/", COOKIE("a1"), NAMES("alice"));
    world_set_active(w, "alice", false);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    (void)close(client);
}

static void a_login_binds_what_the_answer_sets_and_not_what_was_brought(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)named_visit(w, client, COOKIE("before"), NAMES("alice") SETS("after"));
    assert_int_equal(fixture_guard(&w->store, "after"), VERDICT_ALIVE);
    assert_int_equal(fixture_guard(&w->store, "before"), VERDICT_UNBOUND);
    (void)close(client);
}

static void an_inactive_user_gets_neither_answer_nor_session(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)named_visit(w, client, COOKIE("a0"), NAMES("alice"));
    world_set_active(w, "alice", false);
    /* A session from before provgate, and one that a login sets. */
    for (int round = 0; round < 2; round++) {
        const char *fields = round == 0 ? COOKIE("old") : "";
        const char *sets = round == 0 ? NAMES("Alice") : NAMES("alice") SETS("new");
        struct reply *reply = named_visit(w, client, fields, sets);
        assert_int_equal(reply->status, 403);
        assert_null(strcasestr(reply->head, "Set-Cookie"));
        assert_null(strstr(reply->body, "page"));
        w->app = -1; /* the connection to the app is not used again */
    }
    assert_int_equal(world_refused(w, client, "/", COOKIE("old"))->status, 403);
    assert_int_equal(world_refused(w, client, "/", COOKIE("new"))->status, 403);
    (void)close(client);
}

static void what_is_no_clear_name_binds_nothing(void **state)
{
    struct world *w = *state;
    static const char *const answers[] = {
        "",
        "X-Remote-User:\r\n",
        NAMES("alice") NAMES("bob"),
        NAMES("al\tice"),
        NAMES("\xff"),
        "X_Remote_User: alice\r\n",
    };
    int client = lab_connect(&w->lab);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct reply *reply = named_visit(w, client, COOKIE("s1") NAMES("mallory"), answers[i]);
        assert_int_equal(reply->status, 200);
        assert_null(strcasestr(reply->head, "remote"));
        assert_int_equal(fixture_guard(&w->store, "s1"), VERDICT_UNBOUND);
    }
    assert_int_equal(fixture_find(&w->store, STORE_INDEX_USER_NAME, "alice"), 0);
    assert_int_equal(fixture_find(&w->store, STORE_INDEX_USER_NAME, "mallory"), 0);
    (void)close(client);
}

static void an_error_of_the_app_names_nobody(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    world_get(client, "/", COOKIE("s1"));
    (void)world_app_request(w);
    world_app_answers(w, "401 Unauthorized", NAMES("alice"), "no");
    assert_int_equal(world_reply(w, client)->status, 401);
    world_settle(w);
    assert_int_equal(fixture_guard(&w->store, "s1"), VERDICT_UNBOUND);
    (void)close(client);
}

static void two_values_of_one_cookie_are_not_bound(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)named_visit(w, client, "Cookie: sid=s1; sid=s2\r\n", NAMES("alice"));
    assert_int_equal(fixture_guard(&w->store, "s1"), VERDICT_UNBOUND);
    assert_int_equal(fixture_guard(&w->store, "s2"), VERDICT_UNBOUND);
    (void)close(client);
}

static void the_last_user_that_the_app_names_has_the_session(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)named_visit(w, client, COOKIE("s0"), NAMES("bob"));
    (void)named_visit(w, client, COOKIE("s1"), NAMES("alice"));
    (void)named_visit(w, client, COOKIE("s1"), NAMES("bob"));
    world_set_active(w, "alice", false);
    assert_int_equal(world_visit(w, client, "/", COOKIE("s1"), NAMES("bob"))->status, 200);
    world_set_active(w, "bob", false);
    assert_int_equal(world_refused(w, client, "/", COOKIE("s1"))->status, 403);
    (void)close(client);
}

static void a_bound_session_keeps_its_user_when_the_app_has_an_older_name(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    (void)named_visit(w, client, COOKIE("a1"), NAMES("alice.smith"));
    assert_int_equal(fixture_find(&w->store, STORE_INDEX_USER_NAME, "alice.smith"), 0);
    world_set_active(w, "alice@example.com", false);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    (void)close(client);
}

static void a_stream_whose_head_names_the_user_is_cut_with_the_user(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    char byte[64];
    world_get(client, "/events", COOKIE("s1"));
    (void)world_app_request(w);
    lab_send(w->app, "HTTP/1.1 200 OK\r\n" NAMES("alice") "Content-Type: text/event-stream\r\n\r\n");
    char head[4096];
    lab_read_head(client, head, sizeof head);
    world_settle(w);
    world_set_active(w, "alice", false);
    assert_true(recv(client, byte, sizeof byte, 0) <= 0);
    (void)close(client);
}

static void where_the_app_signs_in_an_ended_session_is_sent_to_sign_in_again(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)named_visit(w, client, COOKIE("s1"), NAMES("alice"));
    world_set_active(w, "alice", false);
    world_get(client, "/page", COOKIE("s1") "Accept: text/html\r\n");
    assert_int_equal(world_reply(w, client)->status, 403);
    world_set_active(w, "alice", true);
    world_get(client, "/page", COOKIE("s1") "Accept: text/html\r\n");
    struct reply *reply = world_reply(w, client);
    assert_int_equal(reply->status, 302);
    assert_non_null(strstr(reply->head, "Location: https://wiki.example.com/page\r\n"));
    assert_non_null(strstr(reply->head, "Set-Cookie: sid=; Path=/; Max-Age=0"));
    world_app_saw_nothing(w);
    (void)named_visit(w, client, "", NAMES("alice") SETS("s2"));
    assert_int_equal(world_visit(w, client, "/", COOKIE("s2"), "")->status, 200);
    assert_int_equal(world_refused(w, client, "/", COOKIE("s1"))->status, 401);
    (void)close(client);
}

static void unknown_refuse_refuses_whom_the_app_names_and_nobody_knows(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    struct reply *reply = named_visit(w, client, COOKIE("s1"), NAMES("alice") SETS("s2"));
    assert_int_equal(reply->status, 403);
    assert_null(strcasestr(reply->head, "Set-Cookie"));
    assert_int_equal(fixture_find(&w->store, STORE_INDEX_USER_NAME, "alice"), 0);
    (void)close(client);
}

static void deactivated_report_binds_and_refuses_nothing(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)named_visit(w, client, COOKIE("s1"), NAMES("alice"));
    world_set_active(w, "alice", false);
    assert_int_equal(named_visit(w, client, COOKIE("s2"), NAMES("alice"))->status, 200);
    assert_int_equal(fixture_guard(&w->store, "s2"), VERDICT_DEAD);
    assert_int_equal(world_visit(w, client, "/", COOKIE("s1"), "")->status, 200);
    (void)close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_that_names_its_user_binds_the_brought_session, setup, teardown),
        cmocka_unit_test_setup_teardown(a_session_is_known_from_the_very_next_request_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_login_binds_what_the_answer_sets_and_not_what_was_brought, setup, teardown),
        cmocka_unit_test_setup_teardown(an_inactive_user_gets_neither_answer_nor_session, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_clear_name_binds_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(an_error_of_the_app_names_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(two_values_of_one_cookie_are_not_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(the_last_user_that_the_app_names_has_the_session, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bound_session_keeps_its_user_when_the_app_has_an_older_name, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_whose_head_names_the_user_is_cut_with_the_user, setup, teardown),
        cmocka_unit_test_setup_teardown(where_the_app_signs_in_an_ended_session_is_sent_to_sign_in_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(unknown_refuse_refuses_whom_the_app_names_and_nobody_knows,
                                        setup_unknown_refuse, teardown),
        cmocka_unit_test_setup_teardown(deactivated_report_binds_and_refuses_nothing, setup_report, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
