#include "tests/unit/sso/face_world.h"

#include "gateway/sso/request.h"

#define COOKIE(value) "Cookie: sid=" value "\r\n"
#define SETS(value) "Set-Cookie: sid=" value "; Path=/; HttpOnly\r\n"

static struct world *world_new(const char *gate, const char *keys)
{
    struct world *w = gw_alloc(sizeof *w);
    world_start(w, gate, keys);
    return w;
}

static int teardown(void **state)
{
    world_stop(*state);
    free(*state);
    return 0;
}

static int setup(void **state)
{
    *state = world_new("enforce", "");
    return 0;
}

static int setup_observe(void **state)
{
    *state = world_new("observe", "");
    return 0;
}

static int setup_reauth(void **state)
{
    *state = world_new("enforce", "      unbound: reauth\n");
    return 0;
}

static int setup_refuse(void **state)
{
    *state = world_new("enforce", "      unbound: refuse\n      unknown: refuse\n");
    return 0;
}

static int setup_undecided(void **state)
{
    *state = world_new("enforce", "      undecided: refuse\n");
    return 0;
}

static int setup_report(void **state)
{
    *state = world_new("enforce", "      deactivated: report\n");
    return 0;
}

static int setup_keeps(void **state)
{
    *state = world_new("enforce", "      keeps_session_id: true\n");
    return 0;
}

static void a_request_without_a_session_reaches_the_app_with_our_headers(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    world_get(client, "/a%2Fb;x?q=1", "X-Odd_Name: 1\r\nREMOTE_USER: evil\r\nX-Forwarded-For: evil\r\n");
    assert_string_equal(world_app_request(w),
                        "GET /a%2Fb;x?q=1 HTTP/1.1\r\n" HOST
                        "X-Odd_Name: 1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
                        "X-Forwarded-Host: wiki.example.com\r\n\r\n");
    world_app_answers(w, "200 OK", "X-App: yes\r\n", "page");
    struct reply *reply = world_reply(w, client);
    assert_string_equal(reply->head, "HTTP/1.1 200 OK\r\nX-App: yes\r\nContent-Length: 4\r\n\r\n");
    assert_string_equal(reply->body, "page");
    (void)close(client);
}

/* Apps that merge trailers into the head would take a spoofed identity from there. */
static void a_trailer_spoofs_no_header_that_is_stripped(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    char end[512];
    lab_send(client, "POST /up HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
                     "X-Sum: 1\r\nX-Remote-User: SPOOF\r\nREMOTE_USER: SPOOF\r\nX-Forwarded-For: SPOOF\r\n"
                     "x_forwarded.host: SPOOF\r\nX-Last: 2\r\n\r\n");
    (void)world_app_request(w);
    lab_read_head(w->app, end, sizeof end);
    assert_string_equal(end, "1\r\na\r\n0\r\nX-Sum: 1\r\nX-Last: 2\r\n\r\n");
    world_app_answers(w, "200 OK", "", "ok");
    assert_int_equal(world_reply(w, client)->status, 200);
    (void)close(client);
}

static void a_host_that_is_not_ours_is_misdirected(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    lab_send(client, "GET / HTTP/1.1\r\nHost: prov.wiki.example.com\r\n\r\n");
    assert_int_equal(world_reply(w, client)->status, 421);
    world_app_saw_nothing(w);
    (void)close(client);
}

/* The story of issue 2, and F1, F4, F5. */
static void a_deactivated_user_is_out_at_once_and_stays_out_with_the_old_cookie(void **state)
{
    struct world *w = *state;
    int alice = lab_connect(&w->lab), bob = lab_connect(&w->lab);
    assert_int_equal(world_sign_on(w, alice, "alice@example.com", "", SETS("a1"))->status, 303);
    assert_int_equal(world_sign_on(w, bob, "bob@example.com", "", SETS("b1"))->status, 303);
    uint64_t seq = fixture_find(&w->store, STORE_INDEX_USER_NAME, "alice@example.com");
    assert_int_not_equal(seq, 0);
    assert_int_equal(world_visit(w, alice, "/", COOKIE("a1"), "")->status, 200);

    world_set_active(w, "alice@example.com", false);
    assert_int_equal(world_refused(w, alice, "/", COOKIE("a1"))->status, 403);
    assert_int_equal(world_visit(w, bob, "/", COOKIE("b1"), "")->status, 200);
    world_post(w, alice, "/saml/acs", COOKIE("a1"), world_sign_on_form(w, "alice@example.com"));
    struct reply *reply = world_reply(w, alice);
    assert_int_equal(reply->status, 403);
    assert_null(strstr(reply->head, "Set-Cookie"));
    world_app_saw_nothing(w);

    world_set_active(w, "alice@example.com", true);
    assert_int_equal(fixture_find(&w->store, STORE_INDEX_USER_NAME, "alice@example.com"), seq);
    assert_int_equal(world_refused(w, alice, "/", COOKIE("a1"))->status, 403);
    /* The browser still brings the dead cookie to the ACS: the new sign-on replaces it. */
    assert_int_equal(world_sign_on(w, alice, "alice@example.com", COOKIE("a1"), SETS("a2"))->status, 303);
    assert_int_equal(world_visit(w, alice, "/", COOKIE("a2"), "")->status, 200);
    assert_int_equal(world_refused(w, alice, "/", COOKIE("a1"))->status, 403);
    (void)close(alice);
    (void)close(bob);
}

static void the_refusal_is_a_page_for_browsers_and_json_for_scripts(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", "", SETS("a1"));
    world_set_active(w, "alice@example.com", false);
    struct reply *page = world_refused(w, client, "/", COOKIE("a1") "Accept: text/html\r\n");
    assert_non_null(strstr(page->head, "text/html"));
    assert_non_null(strstr(page->head, "Cache-Control: no-store"));
    assert_non_null(strstr(page->body, "Reference: "));
    struct reply *json = world_refused(w, client, "/", COOKIE("a1") "Accept: application/json\r\n");
    assert_non_null(strstr(json->head, "application/json"));
    assert_non_null(strstr(json->body, "\"error\":\"inactive\""));
    (void)close(client);
}

/* F2: a dead session never gets in, in no spelling. */
static void f2_every_spelling_of_a_dead_session_is_refused(void **state)
{
    struct world *w = *state;
    static const char *const spellings[] = {
        "Cookie: sid=s%3Ad1\r\n",
        "Cookie: sid=s:d1\r\n",
        "Cookie: sid=\"s:d1\"\r\n",
        "Cookie: a=1; sid=s%3Ad1; b=2\r\n",
        "Cookie: a=1\r\nCookie: sid=s%3Ad1\r\n",
        "cookie: sid=s%3ad1\r\n",
        "COOKIE: sid=other; sid=s:d1\r\n",
        "Cookie: corp=\"x; sid=s%3Ad1\"\r\n",
        "Cookie: a=1, sid=s%3Ad1\r\n",
        "Cookie: SID=s%3Ad1\r\n",
        "Cookie: s%69d=s%3Ad1\r\n",
        "Cookie: sid =s%3Ad1\r\n",
        "Cookie: a=1;sid=s%3Ad1\r\n",
    };
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", "", SETS("s%3Ad1"));
    assert_int_equal(world_visit(w, client, "/", COOKIE("s%3Ad1"), "")->status, 200);
    world_set_active(w, "alice@example.com", false);
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        int status = world_refused(w, client, "/", spellings[i])->status;
        if (status != 403 && status != 400)
            fail_msg("%s", spellings[i]);
    }
    (void)close(client);
}

/* F3 */
static void f3_paths_and_methods_open_nothing_to_a_dead_session(void **state)
{
    struct world *w = *state;
    static const char *const lines[] = {
        "GET //",   "GET /./", "GET /%2e",  "GET /saml/acs", "GET /saml/acs/..", "GET /;x",    "GET /static/a.css",
        "HEAD /",   "PUT /",   "DELETE /x", "OPTIONS /",     "PATCH /",          "PROPFIND /", "GET /scim/v2/Users",
        "REPORT /",
    };
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", "", SETS("a1"));
    world_set_active(w, "alice@example.com", false);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[512], head[4096];
        (void)snprintf(text, sizeof text, "%s HTTP/1.1\r\n" HOST COOKIE("a1") "Connection: close\r\n\r\n", lines[i]);
        int fd = lab_connect(&w->lab);
        lab_send(fd, text);
        (void)lab_read_all(fd, head, sizeof head);
        if (strncmp(head, "HTTP/1.1 403", 12) != 0)
            fail_msg("%s: %s", lines[i], head);
        (void)close(fd);
        world_app_saw_nothing(w);
    }
    (void)close(client);
}

/* F6 */
static void f6_an_assertion_is_used_once(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    const char *form = world_sign_on_form(w, "alice@example.com");
    world_post(w, client, "/saml/acs", "", form);
    (void)world_app_request(w);
    world_app_answers(w, "303 See Other", SETS("a1"), "");
    assert_int_equal(world_reply(w, client)->status, 303);
    world_post(w, client, "/saml/acs", "", form);
    struct reply *reply = world_reply(w, client);
    assert_int_equal(reply->status, 403);
    assert_non_null(strstr(reply->body, "Sign in again"));
    world_app_saw_nothing(w);
    (void)close(client);
}

/* semantics.md 7: the mark is taken back when nothing was sent upstream. */
static void an_assertion_that_the_app_never_saw_may_be_tried_again(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    const char *form = world_sign_on_form(w, "alice@example.com");
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    assert_int_equal(getsockname(w->lab.upstream_fd, (struct sockaddr *)&address, &len), 0);
    (void)close(w->lab.upstream_fd);
    world_post(w, client, "/saml/acs", "", form);
    assert_int_equal(world_reply(w, client)->status, 502);
    w->lab.upstream_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    assert_int_equal(setsockopt(w->lab.upstream_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(w->lab.upstream_fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(w->lab.upstream_fd, 8), 0);
    /* The mark was handed back before the 502 left; one commit and one turn of the loop later it is gone. */
    world_settle(w);
    lab_send(client, "GET / HTTP/1.1\r\nHost: other\r\n\r\n");
    assert_int_equal(world_reply(w, client)->status, 421);
    world_post(w, client, "/saml/acs", "", form);
    (void)world_app_request(w);
    world_app_answers(w, "303 See Other", SETS("a1"), "");
    assert_int_equal(world_reply(w, client)->status, 303);
    assert_int_equal(fixture_guard(&w->store, "a1"), VERDICT_ALIVE);
    world_post(w, client, "/saml/acs", "", form);
    assert_int_equal(world_reply(w, client)->status, 403);
    world_app_saw_nothing(w);
    (void)close(client);
}

/* F7, G10: near an ACS, only a plain POST of a form passes. */
static void f7_other_ways_to_the_acs_are_refused(void **state)
{
    struct world *w = *state;
    static const char *const heads[] = {
        "POST /saml//acs HTTP/1.1\r\n",
        "POST /saml/acs/ HTTP/1.1\r\n",
        "POST /saml/%61cs HTTP/1.1\r\n",
        "POST /saml/acs;x=1 HTTP/1.1\r\n",
        "POST /SAML/acs HTTP/1.1\r\n",
        "POST /x/../saml/acs HTTP/1.1\r\n",
        "POST /saml/acs?SAMLResponse=x HTTP/1.1\r\n",
        "PUT /saml/acs HTTP/1.1\r\n",
        "GET /saml/acs HTTP/1.1\r\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        const char *form = world_sign_on_form(w, "alice@example.com");
        char head[4096];
        int fd = lab_connect(&w->lab);
        lab_send(fd, gw_arena_printf(&w->store.arena,
                                     "%s" HOST "Content-Type: application/x-www-form-urlencoded\r\n"
                                     "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                                     heads[i], strlen(form), form)
                         .ptr);
        (void)lab_read_all(fd, head, sizeof head);
        if (strncmp(head, "HTTP/1.1 400", 12) != 0)
            fail_msg("%s: %s", heads[i], head);
        (void)close(fd);
        world_app_saw_nothing(w);
    }
}

static void a_response_of_another_key_is_refused_with_its_own_page(void **state)
{
    struct world *w = *state;
    struct forge_idp other = forge_idp_new(&w->store.arena, 2048);
    struct forge forge = world_forge(w, "alice@example.com");
    forge.key = other.key;
    int client = lab_connect(&w->lab);
    world_post(w, client, "/saml/acs", "", form_of(w, forge_make(&w->store.arena, &forge)));
    struct reply *reply = world_reply(w, client);
    assert_int_equal(reply->status, 403);
    assert_non_null(strstr(reply->body, "key"));
    world_app_saw_nothing(w);
    EVP_PKEY_free(other.key);
    (void)close(client);
}

static void gate_observe_forwards_what_fails_and_binds_nothing(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    world_post(w, client, "/saml/acs", "", "SAMLResponse=AAAA");
    assert_non_null(strstr(world_app_request(w), "POST /saml/acs"));
    world_app_answers(w, "303 See Other", SETS("x1"), "");
    assert_int_equal(world_reply(w, client)->status, 303);
    assert_int_equal(fixture_guard(&w->store, "x1"), VERDICT_UNBOUND);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    assert_int_equal(fixture_guard(&w->store, "a1"), VERDICT_ALIVE);
    (void)close(client);
}

/* F8, F11: only what the app sets, and of several lines what the browser keeps. */
static void f11_bound_is_what_the_browser_keeps(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", COOKIE("brought"),
                        SETS("first")
                            SETS("last") "Set-Cookie: other=1\r\nSet-Cookie: sid=gone; Path=/p; Max-Age=0\r\n");
    assert_int_equal(fixture_guard(&w->store, "last"), VERDICT_ALIVE);
    assert_int_equal(fixture_guard(&w->store, "first"), VERDICT_UNBOUND);
    assert_int_equal(fixture_guard(&w->store, "gone"), VERDICT_UNBOUND);
    assert_int_equal(fixture_guard(&w->store, "brought"), VERDICT_UNBOUND);
    (void)close(client);
}

/* An app that tidies up everywhere before it sets the one that counts. */
static void f11_any_number_of_cookies_taken_back_leaves_room_for_the_new_one(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    char lines[2048] = "";
    for (int i = 0; i < 20; i++)
        (void)snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "Set-Cookie: sid=; Path=/%d; Max-Age=0\r\n",
                       i);
    (void)snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%s", SETS("kept"));
    (void)world_sign_on(w, client, "alice@example.com", "", lines);
    assert_int_equal(fixture_guard(&w->store, "kept"), VERDICT_ALIVE);
    (void)close(client);
}

static void wait_until_alive(struct world *w, const char *cookie)
{
    for (unsigned i = 0; i < 1000 && fixture_guard(&w->store, cookie) != VERDICT_ALIVE; i++)
        (void)poll(NULL, 0, 10);
    assert_int_equal(fixture_guard(&w->store, cookie), VERDICT_ALIVE);
}

/* F11: a second factor may still be asked for, or the app may be wrong about its status. */
static void f11_what_an_app_sets_is_bound_whatever_its_status(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    world_post(w, client, "/saml/acs", "", world_sign_on_form(w, "alice@example.com"));
    (void)world_app_request(w);
    world_app_answers(w, "403 Forbidden", SETS("a1"), "no");
    assert_int_equal(world_reply(w, client)->status, 403);
    assert_int_equal(fixture_guard(&w->store, "a1"), VERDICT_ALIVE);
    world_set_active(w, "alice@example.com", false);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    (void)close(client);
}

static void an_answer_that_sets_no_session_binds_nothing(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", COOKIE("brought"), "")->status, 303);
    assert_int_equal(fixture_guard(&w->store, "brought"), VERDICT_UNBOUND);
    (void)close(client);
}

/* F8: the app goes on with the id that the browser brought, which was another person's. */
static void f8_a_session_that_another_person_signs_in_over_ends(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "mallory@example.com", "", SETS("m1"));
    (void)world_visit(w, client, "/", COOKIE("m1"), SETS("m2"));
    wait_until_alive(w, "m2");
    assert_int_equal(world_sign_on(w, client, "victim@example.com", COOKIE("m2"), "")->status, 303);
    assert_int_equal(fixture_guard(&w->store, "m2"), VERDICT_DEAD);
    assert_int_equal(world_refused(w, client, "/", COOKIE("m2"))->status, 403);
    assert_int_equal(world_visit(w, client, "/", COOKIE("m1"), "")->status, 200);
    (void)world_sign_on(w, client, "victim@example.com", COOKIE("m2"), SETS("v1"));
    assert_int_equal(world_visit(w, client, "/", COOKIE("v1"), "")->status, 200);
    assert_int_equal(world_sign_on(w, client, "victim@example.com", COOKIE("v1"), "")->status, 303);
    assert_int_equal(world_visit(w, client, "/", COOKIE("v1"), "")->status, 200);
    (void)close(client);
}

/* The last binding wins, also over what is remembered of the one before. */
static void a_session_that_changes_hands_dies_with_its_new_user(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", "", SETS("a1"));
    (void)world_visit(w, client, "/", COOKIE("a1"), SETS("a2"));
    wait_until_alive(w, "a2");
    (void)world_sign_on(w, client, "bob@example.com", COOKIE("a2"), SETS("a2"));
    world_set_active(w, "bob@example.com", false);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a2"))->status, 403);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a1"), "")->status, 200);
    (void)close(client);
}

static void keeps_session_id_binds_the_brought_cookie(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", COOKIE("kept"), "");
    assert_int_equal(fixture_guard(&w->store, "kept"), VERDICT_ALIVE);
    (void)close(client);
}

/* F10 */
static void f10_sessions_of_two_users_in_one_request_are_refused(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", "", SETS("a1"));
    (void)world_sign_on(w, client, "bob@example.com", "", SETS("b1"));
    assert_int_equal(world_refused(w, client, "/", "Cookie: sid=a1; sid=b1\r\n")->status, 403);
    (void)close(client);
}

/* F12 */
static void f12_an_open_stream_is_cut_and_others_go_on(void **state)
{
    struct world *w = *state;
    int alice = lab_connect(&w->lab), bob = lab_connect(&w->lab);
    (void)world_sign_on(w, alice, "alice@example.com", "", SETS("a1"));
    (void)world_sign_on(w, bob, "bob@example.com", "", SETS("b1"));
    int before = w->app;
    world_get(alice, "/events", COOKIE("a1"));
    (void)world_app_request(w);
    int stream = w->app;
    assert_int_equal(stream, before);
    w->app = -1;
    lab_send(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    lab_expect(alice, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    world_set_active(w, "alice@example.com", false);
    lab_expect_gone(alice);
    lab_expect_gone(stream);
    assert_int_equal(world_visit(w, bob, "/", COOKIE("b1"), "")->status, 200);
    (void)close(stream);
    (void)close(alice);
    (void)close(bob);
}

static int open_stream(struct world *w, int client, const char *cookie)
{
    world_get(client, "/events", cookie);
    (void)world_app_request(w);
    int stream = w->app;
    w->app = -1;
    lab_send(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    lab_expect(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    return stream;
}

/* A face that stands where the revocation log no longer goes back to asks for every user. */
static void a_gap_in_the_revocation_log_cuts_no_fewer(void **state)
{
    struct world *w = *state;
    int alice = lab_connect(&w->lab), bob = lab_connect(&w->lab);
    (void)world_sign_on(w, alice, "alice@example.com", "", SETS("a1"));
    (void)world_sign_on(w, bob, "bob@example.com", "", SETS("b1"));
    int streams[] = {open_stream(w, alice, COOKIE("a1")), open_stream(w, bob, COOKIE("b1"))};
    w->face->revocation_seq = UINT64_MAX; /* before the first entry, with one missing between */
    world_set_active(w, "alice@example.com", false);
    lab_expect_gone(alice);
    lab_expect_gone(streams[0]);
    lab_send(streams[1], "2\r\nmo\r\n");
    lab_expect(bob, "2\r\nmo\r\n");
    (void)close(streams[0]);
    (void)close(streams[1]);
    (void)close(alice);
    (void)close(bob);
}

static void a_websocket_is_cut_on_both_sides(void **state)
{
    struct world *w = *state;
    int alice = lab_connect(&w->lab);
    (void)world_sign_on(w, alice, "alice@example.com", "", SETS("a1"));
    world_get(alice, "/ws", COOKIE("a1") "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    (void)world_app_request(w);
    lab_send(w->app, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi");
    char head[4096];
    lab_read_head(alice, head, sizeof head);
    lab_expect(alice, "hi");
    world_set_active(w, "alice@example.com", false);
    lab_expect_gone(alice);
    lab_expect_gone(w->app);
    (void)close(alice);
}

static void a_request_that_waits_for_the_app_is_cut(void **state)
{
    struct world *w = *state;
    int alice = lab_connect(&w->lab);
    (void)world_sign_on(w, alice, "alice@example.com", "", SETS("a1"));
    world_get(alice, "/slow", COOKIE("a1"));
    (void)world_app_request(w);
    world_set_active(w, "alice@example.com", false);
    lab_expect_gone(alice);
    lab_expect_gone(w->app);
    (void)close(alice);
}

/* semantics.md 3: rotation */
static void a_rotated_session_is_known_at_once_and_dies_with_the_old_one(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", "", SETS("a1"));
    (void)world_visit(w, client, "/", COOKIE("a1"), SETS("a2"));
    (void)world_visit(w, client, "/", COOKIE("a2"), SETS("a3"));
    (void)world_visit(w, client, "/", COOKIE("a3"), "");
    world_set_active(w, "alice@example.com", false);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a2"))->status, 403);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a3"))->status, 403);
    assert_null(strstr(world_refused(w, client, "/", COOKIE("a3"))->body, "dashboard"));
    world_set_active(w, "alice@example.com", true);
    struct reply *ended = world_refused(w, client, "/", COOKIE("a3"));
    assert_int_equal(ended->status, 403);
    assert_non_null(strstr(ended->body, "dashboard"));
    (void)world_sign_on(w, client, "alice@example.com", COOKIE("a3"), SETS("a4"));
    assert_int_equal(world_visit(w, client, "/", COOKIE("a4"), "")->status, 200);
    (void)close(client);
}

/* Law 3: a process that is killed forgets nobody whose cookie the app renewed. */
static void rotated_sessions_are_written_without_anybody_asking(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", "", SETS("a1"));
    (void)world_visit(w, client, "/", COOKIE("a1"), SETS("a2"));
    (void)world_visit(w, client, "/", COOKIE("a2"), SETS("a3"));
    (void)world_visit(w, client, "/", COOKIE("a3"), SETS("a4"));
    wait_until_alive(w, "a2");
    wait_until_alive(w, "a3");
    wait_until_alive(w, "a4");
    (void)close(client);
}

/* Law 3: nor does one that is told to stop. */
static void rotated_sessions_are_written_before_the_end(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", "", SETS("a1"));
    (void)world_visit(w, client, "/", COOKIE("a1"), SETS("a2"));
    (void)world_visit(w, client, "/", COOKIE("a2"), SETS("a3"));
    world_halt(w);
    world_set_active(w, "alice@example.com", false);
    assert_int_equal(fixture_guard(&w->store, "a2"), VERDICT_DEAD);
    assert_int_equal(fixture_guard(&w->store, "a3"), VERDICT_DEAD);
    (void)close(client);
}

/* Some providers hand every visitor the same constant before login, and again at logout. */
static void a_constant_that_every_visitor_gets_is_bound_to_nobody(void **state)
{
    struct world *w = *state;
    int visitor = lab_connect(&w->lab), alice = lab_connect(&w->lab);
    (void)world_visit(w, visitor, "/", "", SETS("guest"));
    (void)world_sign_on(w, alice, "alice@example.com", COOKIE("guest"), SETS("a1"));
    (void)world_visit(w, alice, "/logout", COOKIE("a1"), SETS("guest"));
    world_set_active(w, "alice@example.com", false);
    assert_int_equal(world_visit(w, visitor, "/", COOKIE("guest"), "")->status, 200);
    (void)close(visitor);
    (void)close(alice);
}

static struct sso_held_session anonymous_of(struct world *w, const char *cookie)
{
    struct sso_held_session held = {.kind = SSO_HELD_ANONYMOUS, .expires_ms = gw_clock_mono_ms() + 60000};
    held.digest = store_session_digest(w->store.store, GW_STR("wiki"), GW_STR("sid"), gw_str_from(cookie));
    return held;
}

/* semantics.md 3: one hour, and not one hour after the last answer. */
static void an_anonymous_cookie_that_is_set_again_lasts_no_longer(void **state)
{
    struct world *w = *state;
    int visitor = lab_connect(&w->lab);
    struct sso_held_session first = anonymous_of(w, "guest"), second = anonymous_of(w, "guest2"), found;
    sso_held_put(w->shared->anonymous, &first);
    (void)world_visit(w, visitor, "/", COOKIE("guest"), SETS("guest"));
    assert_true(sso_held_get(w->shared->anonymous, &first.digest, 0, &found));
    assert_int_equal(found.expires_ms, first.expires_ms);
    (void)world_visit(w, visitor, "/", COOKIE("guest"), SETS("guest2"));
    assert_true(sso_held_get(w->shared->anonymous, &second.digest, 0, &found));
    assert_int_equal(found.expires_ms, first.expires_ms);
    (void)close(visitor);
}

/* F15 */
static void f15_unbound_refuse_stops_what_nobody_knows_and_lets_a_login_begin(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    assert_int_equal(world_refused(w, client, "/", COOKIE("old"))->status, 403);
    (void)world_visit(w, client, "/login", "", SETS("anon"));
    assert_int_equal(world_visit(w, client, "/login2", COOKIE("anon"), "")->status, 200);
    /* unknown: refuse */
    world_post(w, client, "/saml/acs", COOKIE("anon"), world_sign_on_form(w, "nobody@example.com"));
    assert_int_equal(world_reply(w, client)->status, 403);
    world_app_saw_nothing(w);
    assert_ok(fixture_create(&w->store, "alice@example.com", "00u1").code, &w->store.err);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", COOKIE("anon"), SETS("a1"))->status, 303);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a1"), "")->status, 200);
    /* F9: a sister host's cookie beside the real one */
    assert_int_equal(world_refused(w, client, "/", "Cookie: sid=a1; sid=tossed\r\n")->status, 403);
    (void)close(client);
}

static void reauth_expires_the_cookie_once_and_then_refuses(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    world_get(client, "//evil.test/x?a=b", COOKIE("old") "Accept: text/html\r\n");
    struct reply *reply = world_reply(w, client);
    assert_int_equal(reply->status, 302);
    assert_non_null(strstr(reply->head, "Location: https://wiki.example.com//evil.test/x?a=b\r\n"));
    assert_non_null(strstr(reply->head, "Set-Cookie: sid=; Path=/; Max-Age=0"));
    world_app_saw_nothing(w);
    assert_int_equal(world_refused(w, client, "/", COOKIE("old") "Accept: text/html\r\n")->status, 403);
    assert_int_equal(world_refused(w, client, "/api", COOKIE("old2") "Accept: application/json\r\n")->status, 401);
    (void)close(client);
}

static void deactivated_report_passes_and_counts(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", "", SETS("a1"));
    world_set_active(w, "alice@example.com", false);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a1"), "")->status, 200);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a2"))->status, 303);
    (void)close(client);
}

/* J: what an app fails to answer says nothing of the inside. */
static void an_app_that_fails_gives_a_short_page(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    world_get(client, "/", "");
    (void)world_app_request(w);
    lab_send(w->app, "nonsense\r\n\r\n");
    struct reply *reply = world_reply(w, client);
    assert_int_equal(reply->status, 502);
    assert_null(strstr(reply->body, "127.0.0.1"));
    assert_non_null(strstr(reply->body, "Reference: "));
    (void)close(client);
}

struct race {
    struct world *w;
    uint64_t seq;
    pthread_barrier_t start;
    bool is_over;
};

static void *deactivator(void *data)
{
    struct race *race = data;
    for (;;) {
        (void)pthread_barrier_wait(&race->start);
        if (race->is_over)
            return NULL;
        struct store_change *change = fixture_change(&race->w->store, STORE_CHANGE_USER_END_SESSIONS, race->seq);
        struct gw_error err;
        assert_int_equal(store_writer_apply(race->w->store.writer, change, &err), GW_OK);
        store_change_free(change);
        (void)pthread_barrier_wait(&race->start);
    }
}

/* Plays the app and the browser of one sign-on until the browser has its answer, whichever side decides. */
static int race_sign_on(struct world *w, int client, const char *set_cookie)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = client, .events = POLLIN},
                               {.fd = w->app >= 0 ? w->app : w->lab.upstream_fd, .events = POLLIN}};
        assert_true(poll(fds, 2, LAB_DEADLINE_MS) > 0);
        if (fds[0].revents != 0) {
            char head[16384], body[16384];
            int status = 0;
            lab_read_head(client, head, sizeof head);
            if (sscanf(head, "HTTP/1.1 %d ", &status) != 1)
                return 0; /* cut */
            read_body(client, head, body, sizeof body);
            return status;
        }
        char byte;
        if (w->app < 0) {
            w->app = lab_accept(&w->lab);
        } else if (recv(w->app, &byte, 1, MSG_PEEK) <= 0) {
            (void)close(w->app); /* cut */
            w->app = -1;
        } else {
            (void)world_app_request(w);
            world_app_answers(w, "303 See Other", set_cookie, "");
        }
    }
}

/* F14: whatever comes first, a sign-on that was checked before the end of all sessions does not outlive it. */
static void f14_ends_of_sessions_racing_sign_ons_leave_no_live_session_behind(void **state)
{
    struct world *w = *state;
    const char *rounds_text = getenv("PROVGATE_RACE_ROUNDS"); /* issue 4 asks for ten thousand */
    unsigned rounds = rounds_text != NULL ? (unsigned)strtoul(rounds_text, NULL, 10) : 60;
    assert_ok(fixture_create(&w->store, "alice@example.com", "00u1").code, &w->store.err);
    struct race race = {.w = w, .seq = fixture_find(&w->store, STORE_INDEX_USER_NAME, "alice@example.com")};
    pthread_t thread;
    assert_int_equal(pthread_barrier_init(&race.start, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, deactivator, &race), 0);
    for (unsigned i = 0; i < rounds; i++) {
        char cookie[64], value[32];
        gw_arena_reset(&w->store.arena);
        const char *form = world_sign_on_form(w, "alice@example.com");
        (void)snprintf(value, sizeof value, "race%u", i);
        (void)snprintf(cookie, sizeof cookie, "Set-Cookie: sid=%s; Path=/\r\n", value);
        int client = lab_connect(&w->lab);
        (void)pthread_barrier_wait(&race.start);
        world_post(w, client, "/saml/acs", "", form);
        int status = race_sign_on(w, client, cookie);
        (void)pthread_barrier_wait(&race.start);
        assert_true(status == 303 || status == 403 || status == 0);
        /* Alive only if it was checked after: then its generation is today's, and the next end kills it. */
        world_set_active(w, "alice@example.com", false);
        assert_int_not_equal(fixture_guard(&w->store, value), VERDICT_ALIVE);
        world_set_active(w, "alice@example.com", true);
        assert_int_not_equal(fixture_guard(&w->store, value), VERDICT_ALIVE);
        (void)close(client);
    }
    race.is_over = true;
    (void)pthread_barrier_wait(&race.start);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)pthread_barrier_destroy(&race.start);
}

/* ---- a writer that is busy: one change keeps its thread until it is let go ---- */

struct stall {
    struct store_change *change;
    pthread_barrier_t reached, release;
};

static void on_stalled(struct store_change *change)
{
    struct stall *stall = change->owner;
    (void)pthread_barrier_wait(&stall->reached);
    (void)pthread_barrier_wait(&stall->release);
}

static void stall_begin(struct world *w, struct stall *stall)
{
    assert_int_equal(pthread_barrier_init(&stall->reached, NULL, 2), 0);
    assert_int_equal(pthread_barrier_init(&stall->release, NULL, 2), 0);
    stall->change = fixture_change(&w->store, STORE_CHANGE_ACTIVITY, 0);
    stall->change->as.activity.kind = STORE_ACTIVITY_REFUSE;
    stall->change->owner = stall;
    stall->change->on_done = on_stalled;
    assert_ok(store_writer_submit(w->store.writer, stall->change, &w->store.err), &w->store.err);
    (void)pthread_barrier_wait(&stall->reached);
}

static void stall_end(struct stall *stall)
{
    (void)pthread_barrier_wait(&stall->release);
}

/* When the writer was let go and all that was queued is done. */
static void stall_done(struct world *w, struct stall *stall)
{
    struct store_change *last = fixture_change(&w->store, STORE_CHANGE_ACTIVITY, 0);
    last->as.activity.kind = STORE_ACTIVITY_REFUSE;
    assert_ok(fixture_apply(&w->store, last).code, &w->store.err);
    store_change_free(stall->change);
    (void)pthread_barrier_destroy(&stall->reached);
    (void)pthread_barrier_destroy(&stall->release);
}

/* semantics.md 7, law 8: undecided: pass */
static void a_sign_on_that_is_not_recorded_in_time_goes_on_and_is_known(void **state)
{
    struct world *w = *state;
    struct stall stall;
    int client = lab_connect(&w->lab);
    stall_begin(w, &stall);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a1"), SETS("a2"))->status, 200);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a2"), "")->status, 200);
    assert_int_equal(fixture_guard(&w->store, "a1"), VERDICT_UNBOUND);
    stall_end(&stall);
    stall_done(w, &stall);
    assert_int_equal(fixture_guard(&w->store, "a1"), VERDICT_ALIVE);
    world_set_active(w, "alice@example.com", false);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a2"))->status, 403);
    (void)close(client);
}

static void undecided_refuse_lets_no_unrecorded_sign_on_out(void **state)
{
    struct world *w = *state;
    struct stall stall;
    int client = lab_connect(&w->lab);
    stall_begin(w, &stall);
    struct reply *reply = world_sign_on(w, client, "alice@example.com", "", SETS("a1"));
    assert_int_equal(reply->status, 503);
    assert_null(strstr(reply->head, "Set-Cookie"));
    stall_end(&stall);
    stall_done(w, &stall);
    (void)close(client);
}

static void on_queued(struct store_change *change)
{
    pthread_barrier_t *done = change->owner;
    (void)pthread_barrier_wait(done);
}

/* Law 3: the deactivation stands in the queue before the sign-on's record, and wins. */
static void a_deactivation_between_check_and_record_wins(void **state)
{
    struct world *w = *state;
    struct stall stall;
    pthread_barrier_t done;
    int client = lab_connect(&w->lab);
    assert_ok(fixture_create(&w->store, "alice@example.com", "00u1").code, &w->store.err);
    uint64_t seq = fixture_find(&w->store, STORE_INDEX_USER_NAME, "alice@example.com");
    assert_int_equal(pthread_barrier_init(&done, NULL, 2), 0);
    world_post(w, client, "/saml/acs", "", world_sign_on_form(w, "alice@example.com"));
    (void)world_app_request(w);
    stall_begin(w, &stall);
    struct store_change *lock = fixture_change(&w->store, STORE_CHANGE_USER_LOCK, seq);
    lock->is_urgent = true;
    lock->owner = &done;
    lock->on_done = on_queued;
    assert_ok(store_writer_submit(w->store.writer, lock, &w->store.err), &w->store.err);
    world_app_answers(w, "303 See Other", SETS("a1"), "");
    struct reply *reply = world_reply(w, client); /* late, and held */
    assert_int_equal(reply->status, 303);
    stall_end(&stall);
    (void)pthread_barrier_wait(&done);
    stall_done(w, &stall);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    store_change_free(lock);
    (void)pthread_barrier_destroy(&done);
    (void)close(client);
}

static const char *reference_of(struct reply *reply)
{
    char *at = strstr(reply->body, "Reference: ");
    assert_non_null(at);
    at[strcspn(at, "<")] = '\0';
    return at;
}

/* semantics.md 10: the first refusal of a session, then only counters; all of one reason lead to the same entry. */
static void the_first_refusal_of_a_session_is_recorded(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", "", SETS("a1"));
    world_set_active(w, "alice@example.com", false);
    const char *first = reference_of(world_refused(w, client, "/", COOKIE("a1")));
    for (int i = 0; i < 3; i++)
        assert_string_equal(reference_of(world_refused(w, client, "/", COOKIE("a1"))), first);
    world_set_active(w, "alice@example.com", true); /* behind it in the queue */
    const char *activity = fixture_activity(&w->store, 0);
    assert_non_null(strchr(activity, 'F'));
    assert_ptr_equal(strchr(activity, 'F'), strrchr(activity, 'F'));
    assert_string_not_equal(reference_of(world_refused(w, client, "/", COOKIE("a1"))), first); /* for another reason */
    (void)close(client);
}

static int64_t seen_ms(struct world *w, const char *cookie)
{
    struct store_session session;
    struct store_session_digest digest = fixture_digest(&w->store, cookie);
    assert_ok(store_reader_begin(w->store.reader, &w->store.err), &w->store.err);
    assert_int_equal(store_session_get(w->store.reader, &digest, &session), GW_OK);
    store_reader_end(w->store.reader);
    return session.seen_ms;
}

static void a_session_in_use_is_marked_as_seen_once_a_day(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    (void)world_sign_on(w, client, "alice@example.com", "", SETS("a1"));
    int64_t later = FORGE_NOW_MS + 25 * 3600 * 1000ll;
    gw_clock_freeze_wall(later - 2 * 3600 * 1000ll);
    (void)world_visit(w, client, "/", COOKIE("a1"), "");
    gw_clock_freeze_wall(later);
    (void)world_visit(w, client, "/", COOKIE("a1"), "");
    w->store.now_ms = later;
    assert_ok(fixture_create(&w->store, "x@example.com", "x").code, &w->store.err); /* behind it in the queue */
    assert_int_equal(seen_ms(w, "a1"), later);
    (void)close(client);
}

#define WITH(test, setup_fn) cmocka_unit_test_setup_teardown(test, setup_fn, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_request_without_a_session_reaches_the_app_with_our_headers, setup),
        WITH(a_trailer_spoofs_no_header_that_is_stripped, setup),
        WITH(a_host_that_is_not_ours_is_misdirected, setup),
        WITH(a_deactivated_user_is_out_at_once_and_stays_out_with_the_old_cookie, setup),
        WITH(the_refusal_is_a_page_for_browsers_and_json_for_scripts, setup),
        WITH(f2_every_spelling_of_a_dead_session_is_refused, setup),
        WITH(f3_paths_and_methods_open_nothing_to_a_dead_session, setup),
        WITH(f6_an_assertion_is_used_once, setup),
        WITH(an_assertion_that_the_app_never_saw_may_be_tried_again, setup),
        WITH(f7_other_ways_to_the_acs_are_refused, setup),
        WITH(a_response_of_another_key_is_refused_with_its_own_page, setup),
        WITH(gate_observe_forwards_what_fails_and_binds_nothing, setup_observe),
        WITH(f11_bound_is_what_the_browser_keeps, setup),
        WITH(f11_any_number_of_cookies_taken_back_leaves_room_for_the_new_one, setup),
        WITH(f11_what_an_app_sets_is_bound_whatever_its_status, setup),
        WITH(an_answer_that_sets_no_session_binds_nothing, setup),
        WITH(f8_a_session_that_another_person_signs_in_over_ends, setup),
        WITH(a_session_that_changes_hands_dies_with_its_new_user, setup),
        WITH(keeps_session_id_binds_the_brought_cookie, setup_keeps),
        WITH(f10_sessions_of_two_users_in_one_request_are_refused, setup),
        WITH(f12_an_open_stream_is_cut_and_others_go_on, setup),
        WITH(a_gap_in_the_revocation_log_cuts_no_fewer, setup),
        WITH(a_websocket_is_cut_on_both_sides, setup),
        WITH(a_request_that_waits_for_the_app_is_cut, setup),
        WITH(a_rotated_session_is_known_at_once_and_dies_with_the_old_one, setup),
        WITH(rotated_sessions_are_written_without_anybody_asking, setup),
        WITH(rotated_sessions_are_written_before_the_end, setup),
        WITH(a_constant_that_every_visitor_gets_is_bound_to_nobody, setup),
        WITH(an_anonymous_cookie_that_is_set_again_lasts_no_longer, setup),
        WITH(f15_unbound_refuse_stops_what_nobody_knows_and_lets_a_login_begin, setup_refuse),
        WITH(reauth_expires_the_cookie_once_and_then_refuses, setup_reauth),
        WITH(deactivated_report_passes_and_counts, setup_report),
        WITH(a_sign_on_that_is_not_recorded_in_time_goes_on_and_is_known, setup),
        WITH(undecided_refuse_lets_no_unrecorded_sign_on_out, setup_undecided),
        WITH(a_deactivation_between_check_and_record_wins, setup),
        WITH(the_first_refusal_of_a_session_is_recorded, setup),
        WITH(a_session_in_use_is_marked_as_seen_once_a_day, setup),
        WITH(an_app_that_fails_gives_a_short_page, setup),
        WITH(f14_ends_of_sessions_racing_sign_ons_leave_no_live_session_behind, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
