#include "tests/unit/store/fixture.h"

#include "gateway/cookie/cookie.h"
#include "gateway/sso/guard.h"

struct bench {
    struct fixture f;
    struct sso_held *bound;
    struct sso_held *anonymous;
    struct gw_arena arena;
    uint32_t other_folder; /* of the app; 0: the fixture's */
    const char *app;       /* NULL: the one that sign-ons go through */
};

static const char *const patterns[] = {"sid", "chunk_*"};
static const struct sso_guard_sibling siblings[] = {
    {GW_STR_INIT("intranet"), patterns, 2}, {GW_STR_INIT("wiki"), patterns, 1}, {GW_STR_INIT("blog"), NULL, 0}};

static struct sso_guard check_request(struct bench *b, const struct http_request *request)
{
    struct sso_guard_view view = {.store = b->f.store,
                                  .reader = b->f.reader,
                                  .bound = b->bound,
                                  .anonymous = b->anonymous,
                                  .app = gw_str_from(b->app != NULL ? b->app : "wiki"),
                                  .folder = b->other_folder != 0 ? b->other_folder : b->f.folder,
                                  .session_cookies = patterns,
                                  .session_cookie_count = 2,
                                  .siblings = siblings,
                                  .sibling_count = b->app != NULL ? 3 : 0,
                                  .now_ms = 1000};
    struct sso_guard guard;
    assert_ok(store_reader_begin(b->f.reader, &b->f.err), &b->f.err);
    sso_guard_check(&view, request, &b->arena, &guard);
    store_reader_end(b->f.reader);
    return guard;
}

static struct sso_guard check_lines(struct bench *b, const char *const *cookies, size_t count)
{
    struct http_field fields[4];
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct http_field){GW_STR("Cookie"), gw_str_from(cookies[i])};
    struct http_request request = {.fields = fields, .field_count = count};
    return check_request(b, &request);
}

static struct sso_guard check_address(struct bench *b, const char *path, const char *query, const char *cookie)
{
    struct http_field field = {GW_STR("Cookie"), gw_str_from(cookie)};
    struct http_request request = {
        .fields = &field, .field_count = 1, .path = gw_str_from(path), .query = gw_str_from(query)};
    return check_request(b, &request);
}

static enum sso_guard_verdict check(struct bench *b, const char *cookie)
{
    return check_lines(b, &cookie, 1).verdict;
}

static uint64_t seq_of(struct bench *b, const char *name)
{
    return fixture_find(&b->f, STORE_INDEX_USER_NAME, name);
}

static void apply(struct bench *b, enum store_change_kind kind, const char *name)
{
    assert_ok(fixture_apply(&b->f, fixture_change(&b->f, kind, seq_of(b, name))).code, &b->f.err);
}

static void set_active(struct bench *b, const char *name, bool active)
{
    struct store_user user = fixture_user(&b->f, seq_of(b, name));
    struct store_user_draft draft = fixture_draft(name, "", active);
    assert_ok(fixture_replace(&b->f, user.seq, user.version, draft).code, &b->f.err);
}

static void sign_on(struct bench *b, const char *name, const char *cookie)
{
    assert_ok(fixture_sign_on(&b->f, name, cookie).code, &b->f.err);
}

static void what_a_cookie_is_decides(void **state)
{
    struct bench *b = *state;
    sign_on(b, "alice@example.com", "alice");
    assert_int_equal(check_lines(b, NULL, 0).verdict, SSO_GUARD_NO_SESSION);
    assert_int_equal(check(b, "other=1; sidebar=open"), SSO_GUARD_NO_SESSION);
    assert_int_equal(check(b, "sid="), SSO_GUARD_NO_SESSION);
    assert_int_equal(check(b, "sid=unknown"), SSO_GUARD_UNBOUND);
    assert_int_equal(check(b, "a=b; sid=alice"), SSO_GUARD_BOUND);
    struct sso_guard guard = check_lines(b, (const char *[]){"x=1", "sid=alice"}, 2);
    assert_int_equal(guard.verdict, SSO_GUARD_BOUND);
    assert_int_equal(guard.user_seq, seq_of(b, "alice@example.com"));
    assert_int_equal(guard.generation, 1);
    assert_int_equal(guard.carried_count, 1);
}

static void each_way_out_refuses(void **state)
{
    struct bench *b = *state;
    sign_on(b, "a@example.com", "a");
    set_active(b, "a@example.com", false);
    assert_int_equal(check(b, "sid=a"), SSO_GUARD_INACTIVE);
    set_active(b, "a@example.com", true);
    assert_int_equal(check(b, "sid=a"), SSO_GUARD_ENDED);
    sign_on(b, "b@example.com", "b");
    apply(b, STORE_CHANGE_USER_LOCK, "b@example.com");
    assert_int_equal(check(b, "sid=b"), SSO_GUARD_INACTIVE);
    sign_on(b, "c@example.com", "c");
    apply(b, STORE_CHANGE_USER_END_SESSIONS, "c@example.com");
    assert_int_equal(check(b, "sid=c"), SSO_GUARD_ENDED);
    sign_on(b, "d@example.com", "d");
    apply(b, STORE_CHANGE_USER_DELETE, "d@example.com");
    assert_int_equal(check(b, "sid=d"), SSO_GUARD_INACTIVE);
    /* F5: the same name again, once it is provisioned again, is another person */
    assert_ok(fixture_create(&b->f, "d@example.com", "").code, &b->f.err);
    sign_on(b, "d@example.com", "d2");
    assert_int_equal(check(b, "sid=d"), SSO_GUARD_INACTIVE);
    assert_int_equal(check(b, "sid=d2"), SSO_GUARD_BOUND);
}

static void the_worst_reading_decides_for_the_request(void **state)
{
    struct bench *b = *state;
    sign_on(b, "dead@example.com", "dead");
    sign_on(b, "alive@example.com", "alive");
    sign_on(b, "other@example.com", "other");
    set_active(b, "dead@example.com", false);
    assert_int_equal(check(b, "sid=alive; sid=dead"), SSO_GUARD_INACTIVE);
    assert_int_equal(check(b, "sid=dead; sid=alive"), SSO_GUARD_INACTIVE);
    assert_int_equal(check(b, "sid=unknown; sid=dead"), SSO_GUARD_INACTIVE);
    assert_int_equal(check(b, "sid=alive; sid=other"), SSO_GUARD_TWO_USERS);
    assert_int_equal(check(b, "sid=\"dead\""), SSO_GUARD_INACTIVE);
    assert_int_equal(check(b, "sid=de%61d"), SSO_GUARD_INACTIVE);
    struct sso_guard twins = check_lines(b, (const char *[]){"sid=alive; sid=unknown"}, 1);
    assert_int_equal(twins.verdict, SSO_GUARD_BOUND);
    assert_true(twins.has_unbound_twin);
    assert_false(check_lines(b, (const char *[]){"sid=alive; chunk_1=unknown"}, 1).has_unbound_twin);
    assert_false(check_lines(b, (const char *[]){"sid=%61live"}, 1).has_unbound_twin);
}

static void a_session_of_another_folder_is_dead(void **state)
{
    struct bench *b = *state;
    sign_on(b, "alice@example.com", "alice");
    assert_int_equal(check(b, "sid=alice"), SSO_GUARD_BOUND);
    b->other_folder = b->f.folder + 1;
    assert_int_equal(check(b, "sid=alice"), SSO_GUARD_ENDED);
}

/* One app with two entries, or two that share their sessions: out is out through both (law 3). */
static void a_session_bound_through_another_app_of_the_folder_is_known(void **state)
{
    struct bench *b = *state;
    sign_on(b, "alice@example.com", "alice");
    sign_on(b, "bob@example.com", "bob");
    b->app = "portal";
    struct sso_guard guard = check_lines(b, (const char *[]){"sid=alice"}, 1);
    assert_int_equal(guard.verdict, SSO_GUARD_BOUND);
    assert_int_equal(guard.user_seq, seq_of(b, "alice@example.com"));
    struct store_session_digest wiki = fixture_digest(&b->f, "alice");
    assert_memory_equal(&guard.session, &wiki, sizeof wiki);
    assert_memory_equal(&guard.known[0], &wiki, sizeof wiki);
    assert_memory_not_equal(&guard.carried[0], &wiki, sizeof wiki); /* what this app would bind is its own */
    assert_memory_not_equal(&guard.sessions[0], &wiki, sizeof wiki);
    assert_int_equal(check(b, "sid=alice; sid=bob"), SSO_GUARD_TWO_USERS);
    assert_int_equal(check(b, "sid=nobody"), SSO_GUARD_UNBOUND);
    assert_int_equal(check(b, "chunk_1=alice"), SSO_GUARD_UNBOUND);
    set_active(b, "alice@example.com", false);
    assert_int_equal(check(b, "sid=alice"), SSO_GUARD_INACTIVE);
    assert_int_equal(check_address(b, "/page;sid=alice", "", "").verdict, SSO_GUARD_INACTIVE);
    struct sso_held_session visitor = {
        .digest = store_session_digest(b->f.store, GW_STR("portal"), GW_STR("sid"), GW_STR("alice")),
        .kind = SSO_HELD_ANONYMOUS,
        .expires_ms = 5000};
    sso_held_put(b->anonymous, &visitor); /* it was there before the sign-on */
    assert_int_equal(check(b, "sid=alice"), SSO_GUARD_INACTIVE);
}

static void the_apps_own_binding_of_a_value_comes_before_anothers(void **state)
{
    struct bench *b = *state;
    sign_on(b, "alice@example.com", "same");
    set_active(b, "alice@example.com", false);
    struct store_change *own = fixture_sign_on_change(&b->f, "bob@example.com", NULL);
    own->as.sign_on.sessions[own->as.sign_on.session_count++] =
        store_session_digest(b->f.store, GW_STR("portal"), GW_STR("sid"), GW_STR("same"));
    assert_ok(fixture_apply(&b->f, own).code, &b->f.err);
    assert_int_equal(check(b, "sid=same"), SSO_GUARD_INACTIVE);
    b->app = "portal";
    assert_int_equal(check(b, "sid=same"), SSO_GUARD_BOUND);
}

static void an_unclear_cookie_is_ambiguous_and_a_dead_one_stays_dead(void **state)
{
    struct bench *b = *state;
    sign_on(b, "dead@example.com", "dead");
    set_active(b, "dead@example.com", false);
    assert_int_equal(check(b, "corp=\"sid=x; y\""), SSO_GUARD_NO_SESSION);
    assert_int_equal(check(b, "corp=\"x; sid=unknown\""), SSO_GUARD_AMBIGUOUS);
    assert_true(sso_guard_refuses(check(b, "a=1, sid=dead")));
}

static struct sso_held_session held_session(struct bench *b, const char *cookie, enum sso_held_kind kind)
{
    return (struct sso_held_session){
        .digest = fixture_digest(&b->f, cookie), .kind = kind, .folder = b->f.folder, .expires_ms = 5000};
}

static void what_is_held_in_memory_counts_like_what_is_stored(void **state)
{
    struct bench *b = *state;
    sign_on(b, "alice@example.com", "alice");
    struct sso_held_session rotated = held_session(b, "rotated", SSO_HELD_BOUND);
    rotated.user_seq = seq_of(b, "alice@example.com");
    rotated.generation = 1;
    sso_held_put(b->bound, &rotated);
    struct sso_held_session late = held_session(b, "late", SSO_HELD_REFUSED);
    sso_held_put(b->bound, &late);
    struct sso_held_session stranger = held_session(b, "stranger", SSO_HELD_BOUND);
    sso_held_put(b->bound, &stranger);
    struct sso_held_session visitor = held_session(b, "visitor", SSO_HELD_ANONYMOUS);
    sso_held_put(b->anonymous, &visitor);
    struct sso_held_session asked = held_session(b, "asked", SSO_HELD_ASKED);
    sso_held_put(b->anonymous, &asked);
    assert_int_equal(check(b, "sid=rotated"), SSO_GUARD_BOUND);
    assert_int_equal(check(b, "sid=late"), SSO_GUARD_INACTIVE);
    assert_int_equal(check(b, "sid=stranger"), SSO_GUARD_BOUND);
    assert_int_equal(check(b, "sid=visitor"), SSO_GUARD_ANONYMOUS);
    assert_int_equal(check(b, "sid=asked"), SSO_GUARD_UNBOUND);
    set_active(b, "alice@example.com", false);
    assert_int_equal(check(b, "sid=rotated"), SSO_GUARD_INACTIVE);
}

/* A value that was bound anew, and whose binding the store does not have yet, is not held for dead. */
static void a_held_sign_on_overrules_a_dead_binding_of_the_same_value(void **state)
{
    struct bench *b = *state;
    sign_on(b, "alice@example.com", "kept");
    apply(b, STORE_CHANGE_USER_END_SESSIONS, "alice@example.com");
    assert_int_equal(check(b, "sid=kept"), SSO_GUARD_ENDED);
    struct sso_held_session again = held_session(b, "kept", SSO_HELD_BOUND);
    again.user_seq = seq_of(b, "alice@example.com");
    again.generation = 2;
    sso_held_put(b->bound, &again);
    assert_int_equal(check(b, "sid=kept"), SSO_GUARD_BOUND);
}

static void a_session_in_the_address_counts_where_no_cookie_lives(void **state)
{
    static const struct {
        const char *path, *query, *cookie;
        enum sso_guard_verdict verdict;
    } rows[] = {
        {"/page;sid=dead", "", "", SSO_GUARD_INACTIVE},
        {"/a;x=1;SID=dead/b;c", "", "", SSO_GUARD_INACTIVE},
        {"/page;%73id=de%61d", "", "", SSO_GUARD_INACTIVE},
        {"/page%3Bsid=dead", "", "", SSO_GUARD_INACTIVE},
        {"/page;chunk_1=piece", "", "", SSO_GUARD_INACTIVE},
        {"/page", "a=b&sid=dead", "", SSO_GUARD_INACTIVE},
        {"/page;sid=dead", "", "sid=unknown", SSO_GUARD_INACTIVE},
        {"/page;sid=alive", "", "", SSO_GUARD_BOUND},
        /* a link that somebody else copied is nothing to whoever has a session */
        {"/page;sid=dead", "", "sid=alive", SSO_GUARD_BOUND},
        /* an ordinary parameter of that name */
        {"/page", "sid=42", "", SSO_GUARD_NO_SESSION},
        {"/page;sid=", "sid", "", SSO_GUARD_NO_SESSION},
        {"/dead", "side=dead", "", SSO_GUARD_NO_SESSION},
    };
    struct bench *b = *state;
    sign_on(b, "dead@example.com", "dead");
    struct store_change *piece = fixture_sign_on_change(&b->f, "dead@example.com", NULL);
    piece->as.sign_on.sessions[piece->as.sign_on.session_count++] =
        store_session_digest(b->f.store, GW_STR("wiki"), GW_STR("chunk_1"), GW_STR("piece"));
    assert_ok(fixture_apply(&b->f, piece).code, &b->f.err);
    sign_on(b, "alive@example.com", "alive");
    set_active(b, "dead@example.com", false);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sso_guard guard = check_address(b, rows[i].path, rows[i].query, rows[i].cookie);
        if (guard.verdict != rows[i].verdict)
            fail_msg("%s?%s with \"%s\": %d", rows[i].path, rows[i].query, rows[i].cookie, (int)guard.verdict);
    }
    assert_true(check_address(b, "/page;sid=alive", "", "sid=unknown").has_unbound_twin);
    char many[1024] = "x";
    for (int i = 0; i <= COOKIE_VALUES_MAX; i++)
        (void)snprintf(many + strlen(many), sizeof many - strlen(many), ";sid=%d", i);
    assert_int_equal(check_address(b, many, "", "").verdict, SSO_GUARD_AMBIGUOUS);
}

static int setup(void **state)
{
    struct bench *b = gw_alloc(sizeof *b);
    fixture_init(&b->f);
    b->bound = sso_held_new();
    b->anonymous = sso_held_new();
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    sso_held_free(b->bound);
    sso_held_free(b->anonymous);
    gw_arena_done(&b->arena);
    fixture_done(&b->f);
    free(b);
    return 0;
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(what_a_cookie_is_decides),
        WITH(each_way_out_refuses),
        WITH(the_worst_reading_decides_for_the_request),
        WITH(a_session_of_another_folder_is_dead),
        WITH(a_session_bound_through_another_app_of_the_folder_is_known),
        WITH(the_apps_own_binding_of_a_value_comes_before_anothers),
        WITH(an_unclear_cookie_is_ambiguous_and_a_dead_one_stays_dead),
        WITH(what_is_held_in_memory_counts_like_what_is_stored),
        WITH(a_held_sign_on_overrules_a_dead_binding_of_the_same_value),
        WITH(a_session_in_the_address_counts_where_no_cookie_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
