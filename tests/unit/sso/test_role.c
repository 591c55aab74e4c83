#include "tests/unit/sso/face_world.h"

#define COOKIE(value) "Cookie: sid=" value "\r\n"
#define SETS(value) "Set-Cookie: sid=" value "; Path=/; HttpOnly\r\n"
#define ALICE "alice@example.com"

static int setup(void **state)
{
    struct world *w = gw_alloc(sizeof *w);
    world_start(w, "enforce",
                "      roles: [{path: /admin, require: [admin]}, {path: /admin/audit, require: [auditor]}]\n"
                "    prov:\n      hosts: [prov.example.com]\n      base_path: /scim/v2\n      tokens_file: tokens\n"
                "      roles: [{id: admin, display: A, groups: [\"Wiki Admins\"]}, {id: auditor, display: B}]\n");
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_stop(*state);
    free(*state);
    return 0;
}

static void set_attributes(struct world *w, const char *user, const char *attributes)
{
    struct fixture *f = &w->store;
    uint64_t seq = fixture_find(f, STORE_INDEX_USER_NAME, user);
    struct store_user_draft draft = fixture_draft(user, "00u1", true);
    draft.attributes = gw_str_from(attributes);
    assert_ok(fixture_replace(f, seq, fixture_user(f, seq).version, draft).code, &f->err);
}

/* A new group, or with `group` the same one without the user; returns its number. */
static uint64_t change_group(struct world *w, uint64_t group, const char *name, uint64_t user)
{
    struct fixture *f = &w->store;
    struct store_member_op op = {group == 0 ? STORE_MEMBER_ADD : STORE_MEMBER_REMOVE, user};
    struct store_change *change =
        fixture_change(f, group == 0 ? STORE_CHANGE_GROUP_CREATE : STORE_CHANGE_GROUP_UPDATE, 0);
    change->group_seq = group;
    change->as.group.display_name = gw_str_from(name);
    change->as.group.attributes = GW_STR("{}");
    change->as.group.ops = &op;
    change->as.group.op_count = 1;
    assert_ok(store_writer_apply(f->writer, change, &f->err), &f->err);
    uint64_t seq = change->result.group_seq;
    store_change_free(change);
    return seq;
}

static void what_gives_a_role_opens_the_path(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *attributes;
        bool is_admin;
    } rows[] = {
        {"{}", false},
        {"{\"roles\":[{\"value\":\"admin\"}]}", true},
        {"{\"roles\":[{\"value\":\"editor\"},{\"display\":\"A\",\"value\":\"admin\"}]}", true},
        {"{\"Roles\":[{\"Value\":\"admin\"}]}", true},
        {"{\"roles\":[\"admin\"]}", true},
        {"{\"entitlements\":[{\"value\":\"admin\"}]}", true},
        {"{\"roles\":[{\"value\":\"Admin\"}]}", false},
        {"{\"roles\":[{\"display\":\"admin\"}]}", false},
        {"{\"roles\":[]}", false},
        {"{\"roles\":\"admin\"}", false},
        {"{\"title\":\"admin\"}", false},
    };
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, ALICE, "", SETS("a1"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        set_attributes(w, ALICE, rows[i].attributes);
        world_get(client, "/admin/users", COOKIE("a1"));
        if (rows[i].is_admin) {
            (void)world_app_request(w);
            world_app_answers(w, "200 OK", "", "page");
        }
        if (world_reply(w, client)->status != (rows[i].is_admin ? 200 : 403))
            fail_msg("%s", rows[i].attributes);
        world_app_saw_nothing(w);
        assert_int_equal(world_visit(w, client, "/other", COOKIE("a1"), "")->status, 200);
    }
    (void)close(client);
}

static void a_group_gives_its_role_and_takes_it_with_it(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, ALICE, "", SETS("a1"));
    uint64_t alice = fixture_find(&w->store, STORE_INDEX_USER_NAME, ALICE);
    (void)change_group(w, 0, "Others", alice);
    struct reply *reply = world_refused(w, client, "/admin", COOKIE("a1") "Accept: application/json\r\n");
    assert_int_equal(reply->status, 403);
    assert_non_null(strstr(reply->body, "\"error\":\"role\""));
    uint64_t group = change_group(w, 0, "wiki ADMINS", alice);
    assert_int_equal(world_visit(w, client, "/admin", COOKIE("a1"), "")->status, 200);
    (void)change_group(w, group, "", alice);
    assert_int_equal(world_refused(w, client, "/admin", COOKIE("a1"))->status, 403);
    (void)close(client);
}

static void every_reading_of_the_path_is_guarded_and_every_role_of_it_needed(void **state)
{
    struct world *w = *state;
    static const char *const paths[] = {"/admin",       "/admin/",    "//admin",    "/x/../admin/y", "/%61dmin",
                                        "/admin;x=1/y", "/%2561dmin", "/admin%2Fy", "/./admin?x=1"};
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, ALICE, "", SETS("a1"));
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (world_refused(w, client, paths[i], COOKIE("a1"))->status != 403)
            fail_msg("%s", paths[i]);
    }
    assert_int_equal(world_visit(w, client, "/administrator", COOKIE("a1"), "")->status, 200);
    assert_int_equal(world_visit(w, client, "/Admin", COOKIE("a1"), "")->status, 200);
    set_attributes(w, ALICE, "{\"roles\":[{\"value\":\"admin\"}]}");
    assert_int_equal(world_visit(w, client, "//admin/x", COOKIE("a1"), "")->status, 200);
    assert_int_equal(world_refused(w, client, "/admin/audit/x", COOKIE("a1"))->status, 403);
    set_attributes(w, ALICE, "{\"roles\":[{\"value\":\"admin\"}],\"entitlements\":[{\"value\":\"auditor\"}]}");
    assert_int_equal(world_visit(w, client, "/admin/audit/x", COOKIE("a1"), "")->status, 200);
    (void)close(client);
}

static void a_login_can_begin_on_a_guarded_path_and_an_unknown_session_cannot_pass(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    assert_int_equal(world_visit(w, client, "/admin", "", SETS("handed"))->status, 200);
    assert_int_equal(world_refused(w, client, "/admin", COOKIE("handed"))->status, 403);
    assert_int_equal(world_refused(w, client, "/admin", COOKIE("unknown"))->status, 403);
    assert_int_equal(world_visit(w, client, "/", COOKIE("unknown"), "")->status, 200);
    (void)close(client);
}

static void loss_of_a_role_cuts_what_is_open_below_the_path_and_nothing_else(void **state)
{
    struct world *w = *state;
    int admin = lab_connect(&w->lab), plain = lab_connect(&w->lab);
    char head[4096], byte;
    (void)world_sign_on(w, admin, ALICE, "", SETS("a1"));
    set_attributes(w, ALICE, "{\"roles\":[{\"value\":\"admin\"}]}");
    world_get(admin, "/admin/events", COOKIE("a1"));
    (void)world_app_request(w);
    int streams[2] = {w->app, -1};
    w->app = -1;
    world_get(plain, "/events", COOKIE("a1"));
    (void)world_app_request(w);
    streams[1] = w->app;
    w->app = -1;
    for (int i = 0; i < 2; i++) {
        lab_send(streams[i], "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
        lab_read_head(i == 0 ? admin : plain, head, sizeof head);
    }
    set_attributes(w, ALICE, "{\"roles\":[{\"value\":\"admin\"}],\"title\":\"x\"}");
    set_attributes(w, ALICE, "{\"roles\":[{\"value\":\"editor\"}]}");
    assert_true(recv(admin, &byte, 1, 0) <= 0);
    lab_send(streams[1], "x");
    assert_int_equal(recv(plain, &byte, 1, 0), 1);
    (void)close(streams[0]);
    (void)close(streams[1]);
    (void)close(admin);
    (void)close(plain);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH(what_gives_a_role_opens_the_path),
        WITH(a_group_gives_its_role_and_takes_it_with_it),
        WITH(every_reading_of_the_path_is_guarded_and_every_role_of_it_needed),
        WITH(a_login_can_begin_on_a_guarded_path_and_an_unknown_session_cannot_pass),
        WITH(loss_of_a_role_cuts_what_is_open_below_the_path_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
