#include "tests/unit/sso/face_world.h"

#define COOKIE(value) "Cookie: sid=" value "\r\n"
#define SETS(value) "Set-Cookie: sid=" value "; Path=/; HttpOnly\r\n"
#define ALICE "alice@example.com"
#define OURS "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: wiki.example.com\r\n"

static int setup(void **state)
{
    struct world *w = gw_alloc(sizeof *w);
    world_start(w, "enforce",
                "      inject: {X-User: userName, X-Given: name.givenName, X-Mail: emails, X-Roles: roles, "
                "X-Level: level, X-None: nothing, X-Odd: odd}\n");
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_stop(*state);
    free(*state);
    return 0;
}

static void set_attributes(struct world *w, const char *attributes)
{
    struct fixture *f = &w->store;
    uint64_t seq = fixture_find(f, STORE_INDEX_USER_NAME, ALICE);
    struct store_user_draft draft = fixture_draft(ALICE, "00u1", true);
    draft.attributes = gw_str_from(attributes);
    assert_ok(fixture_replace(f, seq, fixture_user(f, seq).version, draft).code, &f->err);
}

static const char *head_of(struct world *w, int client, const char *fields)
{
    world_get(client, "/", fields);
    const char *head = world_app_request(w);
    world_app_answers(w, "200 OK", "", "page");
    assert_int_equal(world_reply(w, client)->status, 200);
    return head;
}

static void a_bound_session_brings_the_live_record(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, ALICE, "", SETS("a1"));
    set_attributes(w, "{\"name\":{\"givenName\":\"Al\xc3\xad"
                      "ce\"},\"emails\":[{\"value\":\"other\"},{\"value\":\"first\","
                      "\"primary\":true}],\"roles\":[{\"value\":\"admin\"},{\"value\":\"editor\"}],\"level\":7,"
                      "\"odd\":\"a\\r\\nX-Evil: 1\"}");
    assert_string_equal(head_of(w, client, COOKIE("a1")), "GET / HTTP/1.1\r\n" HOST COOKIE("a1") OURS
                        "X-User: " ALICE "\r\nX-Given: Al\xc3\xad"
                        "ce\r\n"
                        "X-Mail: first\r\nX-Roles: admin,editor\r\nX-Level: 7\r\n\r\n");
    set_attributes(w, "{}");
    assert_string_equal(head_of(w, client, COOKIE("a1")),
                        "GET / HTTP/1.1\r\n" HOST COOKIE("a1") OURS "X-User: " ALICE "\r\n\r\n");
    (void)close(client);
}

static void a_client_can_neither_send_nor_drop_them(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    static const char spoofed[] = "X-User: evil\r\nx_user: evil\r\nX.USER: evil\r\nX_None: evil\r\n";
    assert_string_equal(head_of(w, client, spoofed), "GET / HTTP/1.1\r\n" HOST OURS "\r\n");
    assert_string_equal(head_of(w, client, "Cookie: sid=unknown\r\nX-User: evil\r\n"),
                        "GET / HTTP/1.1\r\n" HOST "Cookie: sid=unknown\r\n" OURS "\r\n");
    (void)world_sign_on(w, client, ALICE, "", SETS("a1"));
    set_attributes(w, "{}");
    const char *head = head_of(w, client, COOKIE("a1") "X-User: evil\r\nConnection: X-User\r\n");
    assert_non_null(strstr(head, "\r\nX-User: " ALICE "\r\n"));
    assert_null(strstr(head, "evil"));
    (void)close(client);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH(a_bound_session_brings_the_live_record),
        WITH(a_client_can_neither_send_nor_drop_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
