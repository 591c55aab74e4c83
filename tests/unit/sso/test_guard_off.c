/* Break-glass through the whole face: while the guard rests who is out passes, and when it is back nobody is forgotten.
 */
#include "tests/unit/sso/face_world.h"

#include "gateway/sso/keeper.h"
#include "store/guard_off.h"

#include <sys/stat.h>

#define COOKIE(value) "Cookie: sid=" value "\r\n"
#define SETS(value) "Set-Cookie: sid=" value "; Path=/; HttpOnly\r\n"
#define MINUTE_MS 60000ll

struct rest_world {
    struct world w;
    struct sso_keeper *keeper;
    int64_t mono_ms;
    int64_t wall_ms;
};

static void start(void **state, const char *keys)
{
    struct rest_world *rw = gw_alloc(sizeof *rw);
    world_start(&rw->w, "enforce", keys);
    rw->keeper = sso_keeper_new(rw->w.shared);
    rw->mono_ms = 1000000;
    rw->wall_ms = FORGE_NOW_MS;
    *state = rw;
}

static int setup(void **state)
{
    start(state, "");
    return 0;
}

static int setup_strict(void **state)
{
    start(state, "      unbound: refuse\n      roles: [{path: /admin, require: [admin]}]\n"
                 "    prov:\n      hosts: [prov.example.com]\n      tokens_file: tokens\n"
                 "      roles: [{id: admin, display: A}]\n");
    return 0;
}

static int teardown(void **state)
{
    struct rest_world *rw = *state;
    world_halt(&rw->w);
    sso_keeper_stop(rw->keeper);
    world_stop(&rw->w);
    free(rw);
    return 0;
}

static void turn(struct rest_world *rw, int64_t step_ms)
{
    rw->mono_ms += step_ms;
    rw->wall_ms += step_ms;
    sso_keeper_turn(rw->keeper, rw->mono_ms, rw->wall_ms);
}

static void rest(struct rest_world *rw, const char *app, int64_t for_ms)
{
    struct store_guard_offs offs = {.count = for_ms > 0};
    struct gw_error err;
    offs.list[0] = (struct store_guard_off){rw->wall_ms, rw->wall_ms + for_ms, gw_str_from(app), GW_STR("operator:x"),
                                            GW_STR("test")};
    assert_ok(store_guard_offs_write(rw->w.store.path, &offs, &err), &err);
    turn(rw, 1000);
}

static void the_deactivated_pass_while_it_rests_and_are_out_when_it_is_back(void **state)
{
    struct rest_world *rw = *state;
    struct world *w = &rw->w;
    int client = lab_connect(&w->lab);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    world_set_active(w, "alice@example.com", false);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    rest(rw, "", 30 * MINUTE_MS);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a1"), "")->status, 200);
    turn(rw, 29 * MINUTE_MS);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a1"), "")->status, 200);
    turn(rw, MINUTE_MS); /* by itself */
    assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    (void)close(client);
}

static void another_apps_rest_and_an_unreadable_file_change_nothing(void **state)
{
    struct rest_world *rw = *state;
    struct world *w = &rw->w;
    char path[1100];
    int client = lab_connect(&w->lab);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    world_set_active(w, "alice@example.com", false);
    rest(rw, "forum", 30 * MINUTE_MS);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    rest(rw, "wiki", 30 * MINUTE_MS);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a1"), "")->status, 200);
    (void)snprintf(path, sizeof path, "%s/guard-off", w->store.path);
    assert_int_equal(chmod(path, 0644), 0);
    turn(rw, 1000);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    (void)close(client);
}

/* Whoever sets the clock back does not make it longer. */
static void it_ends_in_time_also_when_the_clock_is_set_back(void **state)
{
    struct rest_world *rw = *state;
    struct world *w = &rw->w;
    int client = lab_connect(&w->lab);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    world_set_active(w, "alice@example.com", false);
    rest(rw, "wiki", 30 * MINUTE_MS);
    rw->wall_ms -= 2 * MINUTE_MS;
    turn(rw, 28 * MINUTE_MS);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a1"), "")->status, 200);
    turn(rw, 2 * MINUTE_MS); /* the wall clock says that two minutes are left */
    assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    (void)close(client);
}

static void the_deactivated_may_sign_in_while_it_rests_but_no_forged_assertion(void **state)
{
    struct rest_world *rw = *state;
    struct world *w = &rw->w;
    int client = lab_connect(&w->lab);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    world_set_active(w, "alice@example.com", false);
    rest(rw, "wiki", 30 * MINUTE_MS);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a2"))->status, 303);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a2"), "")->status, 200);
    const char *form = world_sign_on_form(w, "alice@example.com");
    char *forged = gw_arena_alloc(&w->store.arena, strlen(form) + 1);
    memcpy(forged, form, strlen(form));
    forged[strlen(forged) / 2] = forged[strlen(forged) / 2] == 'A' ? 'B' : 'A';
    world_post(w, client, "/saml/acs", "", forged);
    assert_true(world_reply(w, client)->status >= 400);
    world_app_saw_nothing(w);
    rest(rw, "wiki", 0);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a2"))->status, 403);
    (void)close(client);
}

/* A stream that was let in, and one that a deactivation did not cut meanwhile. */
static void streams_are_cut_when_it_is_back_and_not_before(void **state)
{
    struct rest_world *rw = *state;
    struct world *w = &rw->w;
    char byte[64];
    int client = lab_connect(&w->lab);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    rest(rw, "wiki", 30 * MINUTE_MS);
    world_get(client, "/stream", COOKIE("a1"));
    (void)world_app_request(w);
    lab_send(w->app, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    char head[1024];
    lab_read_head(client, head, sizeof head);
    assert_int_equal(recv(client, byte, 6, MSG_WAITALL), 6);
    world_set_active(w, "alice@example.com", false);
    int other = lab_connect(&w->lab); /* two ticks of the face go by: the cut would have come */
    assert_int_equal(world_refused(w, other, "/\x7f", "")->status, 400);
    (void)close(other);
    lab_send(w->app, "1\r\nb\r\n");
    assert_int_equal(recv(client, byte, 6, MSG_WAITALL), 6);
    rest(rw, "wiki", 0);
    assert_true(recv(client, byte, sizeof byte, 0) <= 0);
    (void)close(client);
}

static void roles_and_unbound_sessions_are_not_asked_for_while_it_rests(void **state)
{
    struct rest_world *rw = *state;
    struct world *w = &rw->w;
    int client = lab_connect(&w->lab);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    assert_int_equal(world_refused(w, client, "/admin", COOKIE("a1"))->status, 403);
    assert_int_equal(world_refused(w, client, "/", COOKIE("unknown"))->status, 403);
    rest(rw, "", 30 * MINUTE_MS);
    assert_int_equal(world_visit(w, client, "/admin", COOKIE("a1"), "")->status, 200);
    assert_int_equal(world_visit(w, client, "/", COOKIE("unknown"), "")->status, 200);
    rest(rw, "", 0);
    assert_int_equal(world_refused(w, client, "/admin", COOKIE("a1"))->status, 403);
    (void)close(client);
}

int main(void)
{
#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(the_deactivated_pass_while_it_rests_and_are_out_when_it_is_back, setup),
        CASE(another_apps_rest_and_an_unreadable_file_change_nothing, setup),
        CASE(it_ends_in_time_also_when_the_clock_is_set_back, setup),
        CASE(the_deactivated_may_sign_in_while_it_rests_but_no_forged_assertion, setup),
        CASE(streams_are_cut_when_it_is_back_and_not_before, setup),
        CASE(roles_and_unbound_sessions_are_not_asked_for_while_it_rests, setup_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
