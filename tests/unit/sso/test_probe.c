#include "tests/unit/sso/face_world.h"

#include <sched.h>

#define COOKIE(value) "Cookie: sid=" value "\r\n"
#define SETS(value) "Set-Cookie: sid=" value "; Path=/; HttpOnly\r\n"
#define PROBE "        - probe: {when: [unbound, {after: /callback}], get: \"/api/me\", user_name: /user/email}\n"
#define SAYS(user) "{\"user\":{\"email\":\"" user "\"}}"

static int setup_with(void **state, const char *keys)
{
    struct world *w = gw_alloc(sizeof *w);
    world_start(w, "enforce", keys);
    *state = w;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, PROBE);
}

static int setup_refuse(void **state)
{
    return setup_with(state, PROBE "      unbound: refuse\n      undecided: refuse\n");
}

static int teardown(void **state)
{
    world_stop(*state);
    free(*state);
    return 0;
}

static void wait_alive(struct world *w, const char *cookie)
{
    while (fixture_guard(&w->store, cookie) != VERDICT_ALIVE)
        (void)sched_yield();
}

/* One request at the app, on a connection of its own. */
struct arrival {
    int fd;
    char head[8192];
};

static struct arrival *arrival(struct world *w)
{
    struct arrival *a = gw_arena_alloc(&w->store.arena, sizeof *a);
    a->fd = lab_accept(&w->lab);
    lab_read_head(a->fd, a->head, sizeof a->head);
    return a;
}

static void answer(const struct arrival *a, const char *status, const char *fields, const char *body)
{
    char text[8192];
    (void)snprintf(text, sizeof text, "HTTP/1.1 %s\r\n%sConnection: close\r\nContent-Length: %zu\r\n\r\n%s", status,
                   fields, strlen(body), body);
    lab_send(a->fd, text);
    (void)close(a->fd);
}

static bool is_probe(const struct arrival *a)
{
    return strncmp(a->head, "GET /api/me HTTP/1.1\r\n", 22) == 0;
}

/* A request and the probe that goes with it, in whatever order they come. */
static void arrivals(struct world *w, struct arrival **ret_request, struct arrival **ret_probe)
{
    struct arrival *first = arrival(w), *second = arrival(w);
    assert_int_not_equal(is_probe(first), is_probe(second));
    *ret_request = is_probe(first) ? second : first;
    *ret_probe = is_probe(first) ? first : second;
}

/* One request without a probe. */
static struct reply *plain_visit(struct world *w, int client, const char *path, const char *fields)
{
    world_get(client, path, fields);
    struct arrival *request = arrival(w);
    assert_false(is_probe(request));
    answer(request, "200 OK", "", "page");
    struct reply *reply = world_reply(w, client);
    assert_false(lab_has_connection(&w->lab));
    return reply;
}

static void an_unknown_session_is_asked_about_once_and_then_known(void **state)
{
    struct world *w = *state;
    struct arrival *request, *probe;
    int client = lab_connect(&w->lab), other = lab_connect(&w->lab);
    world_get(client, "/page",
              "Cookie: a=1; sid=s%3A1\r\nUser-Agent: browser\r\nAuthorization: Basic x\r\n"
              "X-Remote-User: mallory\r\nIf-None-Match: x\r\n");
    arrivals(w, &request, &probe);
    assert_string_equal(probe->head, "GET /api/me HTTP/1.1\r\n" HOST "User-Agent: browser\r\n"
                                     "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
                                     "X-Forwarded-Host: wiki.example.com\r\nCookie: a=1; sid=s%3A1\r\n"
                                     "Accept: application/json\r\n\r\n");
    /* Neither the first nor another request waits for it. */
    answer(request, "200 OK", "", "page");
    assert_string_equal(world_reply(w, client)->body, "page");
    assert_int_equal(plain_visit(w, other, "/", COOKIE("s%3A1"))->status, 200);
    answer(probe, "200 OK", SETS("rolled"), SAYS("alice@example.com"));
    wait_alive(w, "s:1");
    assert_int_equal(plain_visit(w, client, "/", COOKIE("s%3A1"))->status, 200);
    world_set_active(w, "alice@example.com", false);
    assert_int_equal(world_refused(w, client, "/", COOKIE("s%3A1"))->status, 403);
    (void)close(client);
    (void)close(other);
}

static void a_session_of_nobody_is_asked_about_again_after_a_minute_only(void **state)
{
    struct world *w = *state;
    struct arrival *request, *probe;
    int client = lab_connect(&w->lab);
    world_get(client, "/", COOKIE("s1"));
    arrivals(w, &request, &probe);
    answer(probe, "401 Unauthorized", "", SAYS("mallory@example.com"));
    answer(request, "200 OK", "", "page");
    assert_int_equal(world_reply(w, client)->status, 200);
    assert_int_equal(plain_visit(w, client, "/", COOKIE("s1"))->status, 200);
    assert_int_equal(plain_visit(w, client, "/", COOKIE("s1"))->status, 200);
    assert_int_equal(fixture_find(&w->store, STORE_INDEX_USER_NAME, "mallory@example.com"), 0);
    (void)close(client);
}

static void a_session_that_the_app_handed_out_is_asked_about_too(void **state)
{
    struct world *w = *state;
    struct arrival *request, *probe;
    int client = lab_connect(&w->lab);
    world_get(client, "/login", "");
    answer(arrival(w), "200 OK", SETS("kept"), "form");
    assert_int_equal(world_reply(w, client)->status, 200);
    world_get(client, "/", COOKIE("kept"));
    arrivals(w, &request, &probe);
    answer(request, "200 OK", "", "page");
    answer(probe, "200 OK", "", SAYS("alice@example.com"));
    assert_int_equal(world_reply(w, client)->status, 200);
    wait_alive(w, "kept");
    (void)close(client);
}

static void who_turns_out_inactive_is_out_with_all_that_is_open(void **state)
{
    struct world *w = *state;
    struct arrival *request, *probe;
    int client = lab_connect(&w->lab);
    char head[4096], byte;
    assert_ok(fixture_sign_on(&w->store, "alice@example.com", "elsewhere").code, &w->store.err);
    world_set_active(w, "alice@example.com", false);
    world_get(client, "/events", COOKIE("old"));
    arrivals(w, &request, &probe);
    lab_send(request->fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    lab_read_head(client, head, sizeof head);
    answer(probe, "200 OK", "", SAYS("Alice@example.com"));
    assert_true(recv(client, &byte, 1, 0) <= 0);
    int again = lab_connect(&w->lab);
    assert_int_equal(world_refused(w, again, "/", COOKIE("old"))->status, 403);
    (void)close(request->fd);
    (void)close(client);
    (void)close(again);
}

static void a_stream_that_began_unknown_is_cut_with_its_user(void **state)
{
    struct world *w = *state;
    struct arrival *request, *probe;
    int client = lab_connect(&w->lab);
    char head[4096], byte;
    world_get(client, "/events", COOKIE("s1"));
    arrivals(w, &request, &probe);
    lab_send(request->fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    lab_read_head(client, head, sizeof head);
    assert_ok(fixture_sign_on(&w->store, "alice@example.com", "elsewhere").code, &w->store.err);
    answer(probe, "200 OK", "", SAYS("alice@example.com"));
    wait_alive(w, "s1");
    world_set_active(w, "alice@example.com", false);
    assert_true(recv(client, &byte, 1, 0) <= 0);
    (void)close(request->fd);
    (void)close(client);
}

static void the_answer_of_a_sign_on_path_waits_for_the_name(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    world_get(client, "/callback?code=1", "Cookie: state=x\r\n");
    answer(arrival(w), "303 See Other", "Location: /\r\nSet-Cookie: state=; Max-Age=0\r\n" SETS("new"), "");
    struct arrival *probe = arrival(w);
    assert_non_null(strstr(probe->head, "\r\nCookie: sid=new\r\n"));
    char byte;
    assert_int_equal(recv(client, &byte, 1, MSG_DONTWAIT), -1);
    answer(probe, "200 OK", "", SAYS("alice@example.com"));
    struct reply *reply = world_reply(w, client);
    assert_int_equal(reply->status, 303);
    assert_non_null(strstr(reply->head, "Set-Cookie: sid=new;"));
    world_settle(w);
    assert_int_equal(fixture_guard(&w->store, "new"), VERDICT_ALIVE);
    world_set_active(w, "alice@example.com", false);
    assert_int_equal(world_refused(w, client, "/", COOKIE("new"))->status, 403);
    /* And again: the app lets her in, provgate does not. */
    world_get(client, "/callback?code=2", "");
    answer(arrival(w), "303 See Other", "Location: /\r\n" SETS("newer"), "");
    answer(arrival(w), "200 OK", "", SAYS("alice@example.com"));
    reply = world_reply(w, client);
    assert_int_equal(reply->status, 403);
    assert_null(strcasestr(reply->head, "Set-Cookie"));
    assert_int_equal(world_refused(w, client, "/", COOKIE("newer"))->status, 403);
    (void)close(client);
}

static void what_names_nobody_binds_nothing_and_the_answer_goes_on(void **state)
{
    struct world *w = *state;
    static const char *const bodies[] = {
        "",
        "null",
        "<html>",
        "{\"user\":{}}",
        "{\"user\":{\"email\":null}}",
        "{\"user\":{\"email\":\"\"}}",
        "{\"user\":{\"email\":7}}",
        "{\"user\":{\"email\":[\"alice@example.com\"]}}",
        "{\"user\":{\"email\":\" alice\"}}",
        "{\"user\":\"alice@example.com\"}",
        SAYS("alice@example.com") "x",
    };
    int client = lab_connect(&w->lab);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        world_get(client, "/callback", "");
        answer(arrival(w), "303 See Other", SETS("new"), "");
        answer(arrival(w), "200 OK", "", bodies[i]);
        if (world_reply(w, client)->status != 303)
            fail_msg("%s", bodies[i]);
        world_settle(w);
        assert_int_equal(fixture_guard(&w->store, "new"), VERDICT_UNBOUND);
    }
    assert_int_equal(fixture_find(&w->store, STORE_INDEX_USER_NAME, "alice@example.com"), 0);
    (void)close(client);
}

static void a_sign_on_whose_name_cannot_be_had_is_undecided(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    world_get(client, "/callback", "");
    answer(arrival(w), "303 See Other", SETS("new"), "");
    answer(arrival(w), "500 Internal Server Error", "", "");
    struct reply *reply = world_reply(w, client);
    assert_int_equal(reply->status, 503);
    assert_null(strcasestr(reply->head, "Set-Cookie"));
    /* A login that failed is no sign-on. */
    world_get(client, "/callback", "");
    answer(arrival(w), "303 See Other", SETS("new"), "");
    answer(arrival(w), "401 Unauthorized", "", "");
    assert_int_equal(world_reply(w, client)->status, 303);
    (void)close(client);
}

static void unbound_refuse_lets_the_next_request_in(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    world_get(client, "/", COOKIE("old"));
    assert_int_equal(world_reply(w, client)->status, 403);
    struct arrival *probe = arrival(w);
    assert_true(is_probe(probe));
    answer(probe, "200 OK", "", SAYS("alice@example.com"));
    wait_alive(w, "old");
    assert_int_equal(plain_visit(w, client, "/", COOKIE("old"))->status, 200);
    (void)close(client);
}

static void a_browser_that_leaves_is_not_waited_for(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    world_get(client, "/callback", "");
    answer(arrival(w), "303 See Other", SETS("new"), "");
    struct arrival *probe = arrival(w);
    (void)close(client);
    answer(probe, "200 OK", "", SAYS("alice@example.com"));
    client = lab_connect(&w->lab);
    assert_int_equal(plain_visit(w, client, "/", "")->status, 200);
    /* One that is still under way when the loop ends. */
    world_get(client, "/", COOKIE("s2"));
    struct arrival *request;
    arrivals(w, &request, &probe);
    (void)close(client);
}

int main(void)
{
#define WITH(test, setup) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH(an_unknown_session_is_asked_about_once_and_then_known, setup),
        WITH(a_session_of_nobody_is_asked_about_again_after_a_minute_only, setup),
        WITH(a_session_that_the_app_handed_out_is_asked_about_too, setup),
        WITH(who_turns_out_inactive_is_out_with_all_that_is_open, setup),
        WITH(a_stream_that_began_unknown_is_cut_with_its_user, setup),
        WITH(the_answer_of_a_sign_on_path_waits_for_the_name, setup),
        WITH(what_names_nobody_binds_nothing_and_the_answer_goes_on, setup),
        WITH(a_sign_on_whose_name_cannot_be_had_is_undecided, setup_refuse),
        WITH(unbound_refuse_lets_the_next_request_in, setup_refuse),
        WITH(a_browser_that_leaves_is_not_waited_for, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
