#include "tests/unit/sso/face_world.h"

#define COOKIE(value) "Cookie: sid=" value "\r\n"
#define SETS(value) "Set-Cookie: sid=" value "; Path=/; HttpOnly\r\n"
#define MONITOR "monitor@example.com"

static int setup(void **state)
{
    struct world *w = gw_alloc(sizeof *w);
    world_start(
        w, "enforce",
        "        - header: {name: X-Remote-User}\n      never_refuse: [other@example.com, Monitor@Example.com]\n"
        "      roles: [{path: /admin, require: [admin]}]\n"
        "    prov:\n      hosts: [prov.example.com]\n      base_path: /scim/v2\n      tokens_file: tokens\n"
        "      roles: [{id: admin, display: A}]\n");
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_stop(*state);
    free(*state);
    return 0;
}

static void who_is_never_refused_goes_on_when_inactive_and_without_a_role(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    assert_int_equal(world_sign_on(w, client, MONITOR, "", SETS("m1"))->status, 303);
    assert_int_equal(world_visit(w, client, "/admin", COOKIE("m1"), "")->status, 200);
    world_set_active(w, MONITOR, false);
    assert_int_equal(world_visit(w, client, "/", COOKIE("m1"), "")->status, 200);
    assert_int_equal(world_visit(w, client, "/admin", COOKIE("m1"), "")->status, 200);
    /* By a new sign-on, and as the app names it. */
    assert_int_equal(world_sign_on(w, client, MONITOR, "", SETS("m2"))->status, 303);
    assert_int_equal(world_visit(w, client, "/", COOKIE("m2"), "")->status, 200);
    assert_int_equal(world_visit(w, client, "/", "", "X-Remote-User: " MONITOR "\r\n" SETS("m3"))->status, 200);
    assert_int_equal(world_visit(w, client, "/", COOKIE("m3"), "")->status, 200);
    world_set_active(w, MONITOR, true);
    assert_int_equal(world_visit(w, client, "/", COOKIE("m1"), "")->status, 200);
    (void)close(client);
}

static void an_open_stream_of_theirs_is_not_cut(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab), other = lab_connect(&w->lab);
    char head[4096], byte;
    (void)world_sign_on(w, client, MONITOR, "", SETS("m1"));
    (void)world_sign_on(w, other, "alice@example.com", "", SETS("a1"));
    int streams[2];
    for (int i = 0; i < 2; i++) {
        world_get(i == 0 ? client : other, "/events", i == 0 ? COOKIE("m1") : COOKIE("a1"));
        (void)world_app_request(w);
        streams[i] = w->app;
        w->app = -1;
        lab_send(streams[i], "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
        lab_read_head(i == 0 ? client : other, head, sizeof head);
    }
    struct fixture *f = &w->store;
    static const char *const users[] = {MONITOR, "alice@example.com"};
    for (int i = 0; i < 2; i++) {
        struct store_change *change =
            fixture_change(f, STORE_CHANGE_USER_END_SESSIONS, fixture_find(f, STORE_INDEX_USER_NAME, users[i]));
        assert_ok(fixture_apply(f, change).code, &f->err);
    }
    /* Revocations are obeyed in their order: when alice is out, the monitor's turn is over. */
    assert_true(recv(other, &byte, 1, 0) <= 0);
    lab_send(streams[0], "x");
    assert_int_equal(recv(client, &byte, 1, 0), 1);
    (void)close(streams[0]);
    (void)close(streams[1]);
    (void)close(client);
    (void)close(other);
}

static void everybody_else_is_refused(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", "", SETS("a1"));
    assert_int_equal(world_refused(w, client, "/admin", COOKIE("a1"))->status, 403);
    world_set_active(w, "alice@example.com", false);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    world_post(w, client, "/saml/acs", "", world_sign_on_form(w, "alice@example.com"));
    assert_int_equal(world_reply(w, client)->status, 403);
    (void)close(client);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH(who_is_never_refused_goes_on_when_inactive_and_without_a_role),
        WITH(an_open_stream_of_theirs_is_not_cut),
        WITH(everybody_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
