/* How long the sso side remembers: sign-outs at the app, last seen, the keeper's sweep. */
#include "tests/unit/sso/face_world.h"

#include "gateway/base/metrics.h"
#include "gateway/sso/keeper.h"
#include "gateway/sso/refusal_counts.h"

#define COOKIE(value) "Cookie: sid=" value "\r\n"
#define SETS(value) "Set-Cookie: sid=" value "; Path=/; HttpOnly\r\n"
#define DAY_MS 86400000ll

static int setup(void **state)
{
    struct world *w = gw_alloc(sizeof *w);
    world_start(w, "enforce", "      logout: [/logout]\n      session_ttl: 2d\n");
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_stop(*state);
    free(*state);
    return 0;
}

/* In the store, once what is queued is written. */
static struct store_session session_of(struct world *w, const char *cookie)
{
    struct store_session session;
    struct store_session_digest digest = fixture_digest(&w->store, cookie);
    assert_ok(store_reader_begin(w->store.reader, &w->store.err), &w->store.err);
    assert_int_equal(store_session_get(w->store.reader, &digest, &session), GW_OK);
    store_reader_end(w->store.reader);
    return session;
}

/* A change that is answered after all that were queued before it. */
static void settle(struct world *w)
{
    struct store_change *change = fixture_change(&w->store, STORE_CHANGE_SESSION_MARK, 0);
    assert_ok(fixture_apply(&w->store, change).code, &w->store.err);
}

static void signing_out_marks_the_session_and_keeps_it_bound(void **state)
{
    static const struct {
        const char *path;
        const char *status;
        const char *fields;
        bool is_marked;
    } rows[] = {
        {"/", "200 OK", "", false},
        {"/", "200 OK", "Set-Cookie: other=; Max-Age=0\r\n", false},
        {"/", "200 OK", "Set-Cookie: sid=; Max-Age=0\r\nSet-Cookie: sid=s3\r\n", false},
        {"/", "302 Found", "Set-Cookie: sid=x; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n", true},
        {"/", "302 Found", "Set-Cookie: sid=; Path=/\r\n", true},
        {"/logout", "302 Found", "", true},
        {"/logout?x=1", "302 Found", "", true},
        {"/logout", "500 Broken", "", false},
        {"/logouts", "200 OK", "", false},
    };
    struct world *w = *state;
    char user[64], cookie[64], fields[128], sets[128];
    int client = lab_connect(&w->lab);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(user, sizeof user, "u%zu@example.com", i);
        (void)snprintf(cookie, sizeof cookie, "c%zu", i);
        (void)snprintf(fields, sizeof fields, "Cookie: sid=%s\r\n", cookie);
        (void)snprintf(sets, sizeof sets, "Set-Cookie: sid=%s; Path=/\r\n", cookie);
        assert_int_equal(world_sign_on(w, client, user, "", sets)->status, 303);
        world_get(client, rows[i].path, fields);
        (void)world_app_request(w);
        world_app_answers(w, rows[i].status, rows[i].fields, "x");
        (void)world_reply(w, client);
        settle(w);
        if (session_of(w, cookie).is_signed_out != rows[i].is_marked)
            fail_msg("row %zu", i);
        world_set_active(w, user, false);
        assert_int_equal(world_refused(w, client, "/", fields)->status, 403);
    }
    (void)close(client);
}

/* The day after it is written again, also by the same process. */
static void a_session_in_use_is_seen_once_a_day(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    int64_t start_ms = FORGE_NOW_MS;
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    gw_clock_freeze_wall(start_ms + DAY_MS / 2);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a1"), "")->status, 200);
    settle(w);
    assert_int_equal(session_of(w, "a1").seen_ms, start_ms);
    gw_clock_freeze_wall(start_ms + DAY_MS + 1000);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a1"), "")->status, 200);
    settle(w);
    assert_int_equal(session_of(w, "a1").seen_ms, start_ms + DAY_MS + 1000);
    (void)close(client);
}

static void the_keeper_forgets_what_was_not_seen_and_nothing_when_the_clock_jumps(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    struct sso_keeper *keeper = sso_keeper_new(w->shared);
    sso_keeper_turn(keeper, 1000, FORGE_NOW_MS);
    sso_keeper_turn(keeper, 62000, FORGE_NOW_MS + 61000 + 30 * DAY_MS);
    assert_int_equal(session_of(w, "a1").generation, 1);
    sso_keeper_stop(keeper);
    keeper = sso_keeper_new(w->shared); /* a new start */
    sso_keeper_turn(keeper, 1000, FORGE_NOW_MS + 30 * DAY_MS);
    struct store_session session;
    struct store_session_digest digest = fixture_digest(&w->store, "a1");
    assert_ok(store_reader_begin(w->store.reader, &w->store.err), &w->store.err);
    assert_int_equal(store_session_get(w->store.reader, &digest, &session), GW_E_NOT_FOUND);
    store_reader_end(w->store.reader);
    sso_keeper_stop(keeper);
    (void)close(client);
}

/* A clock that is put right again needs no operator; until then nothing is forgotten. */
static void the_keeper_goes_on_when_the_clock_is_right_again(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    struct sso_keeper *keeper = sso_keeper_new(w->shared);
    const int64_t later_ms = 4 * DAY_MS;
    sso_keeper_turn(keeper, 1000, FORGE_NOW_MS);
    assert_int_equal(gw_gauge_max(GW_GAUGE_CLOCK_JUMPED), 0);
    sso_keeper_turn(keeper, 62000, FORGE_NOW_MS + 61000 + 365 * DAY_MS);
    assert_int_equal(gw_gauge_max(GW_GAUGE_CLOCK_JUMPED), 1);
    sso_keeper_turn(keeper, later_ms, FORGE_NOW_MS + later_ms + 365 * DAY_MS);
    assert_int_equal(session_of(w, "a1").generation, 1);
    sso_keeper_turn(keeper, later_ms + 1000, FORGE_NOW_MS + later_ms);
    assert_int_equal(gw_gauge_max(GW_GAUGE_CLOCK_JUMPED), 0);
    struct store_session session;
    struct store_session_digest digest = fixture_digest(&w->store, "a1");
    assert_ok(store_reader_begin(w->store.reader, &w->store.err), &w->store.err);
    assert_int_equal(store_session_get(w->store.reader, &digest, &session), GW_E_NOT_FOUND);
    store_reader_end(w->store.reader);
    sso_keeper_stop(keeper);
    (void)close(client);
}

struct seen_counts {
    unsigned first;
    unsigned more;
    bool is_right;
};

static bool on_count(const struct store_activity *entry, void *data)
{
    struct seen_counts *seen = data;
    seen->first += entry->kind == STORE_ACTIVITY_REFUSE;
    seen->more += entry->kind == STORE_ACTIVITY_REFUSE_MORE;
    if (entry->kind == STORE_ACTIVITY_REFUSE_MORE)
        seen->is_right = gw_str_eq(entry->result, GW_STR("inactive: 4 more within a minute")) &&
                         gw_str_eq(entry->app, GW_STR("wiki")) && entry->user_seq == 0;
    return true;
}

static struct seen_counts read_counts(struct world *w)
{
    struct seen_counts seen = {.first = 0};
    settle(w);
    assert_ok(store_reader_begin(w->store.reader, &w->store.err), &w->store.err);
    assert_ok(store_activity_after(w->store.reader, 0, on_count, &seen, &w->store.err), &w->store.err);
    store_reader_end(w->store.reader);
    return seen;
}

/* semantics.md 10: the first refusal of a session, then counts per minute. */
static void further_refusals_are_counted_by_the_minute(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    struct sso_keeper *keeper = sso_keeper_new(w->shared);
    sso_keeper_turn(keeper, 1000, FORGE_NOW_MS);
    (void)world_sign_on(w, client, "alice@example.com", "", SETS("a1"));
    world_set_active(w, "alice@example.com", false);
    for (int i = 0; i < 5; i++)
        assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    sso_keeper_turn(keeper, 30000, FORGE_NOW_MS);
    assert_int_equal(read_counts(w).more, 0);
    sso_keeper_turn(keeper, 61000, FORGE_NOW_MS);
    struct seen_counts seen = read_counts(w);
    assert_int_equal(seen.first, 1);
    assert_int_equal(seen.more, 1);
    assert_true(seen.is_right);
    sso_keeper_turn(keeper, 130000, FORGE_NOW_MS);
    assert_int_equal(read_counts(w).more, 1); /* none since */
    (void)world_refused(w, client, "/", COOKIE("a1"));
    sso_keeper_stop(keeper); /* the last ones are written, too */
    assert_int_equal(read_counts(w).more, 2);
    (void)close(client);
}

static void a_refusal_of_a_living_session_is_counted(void **state)
{
    struct world *w = *state;
    struct store_reader *reader = w->store.reader;
    struct outcome user = fixture_create(&w->store, "bob@example.com", "b");
    struct sso_guard guard = {.folder = w->store.folder, .user_seq = user.seq, .generation = user.state.generation};
    const struct gw_metrics *metrics = gw_metrics_attached();
    uint64_t before = gw_metric_sum(metrics, GW_METRIC_SSO_REFUSED_THOUGH_ACTIVE);
    assert_false(sso_refusal_is_right(reader, &guard));
    assert_int_equal(gw_metric_sum(metrics, GW_METRIC_SSO_REFUSED_THOUGH_ACTIVE), before + 1);
    guard.generation--;
    assert_true(sso_refusal_is_right(reader, &guard)); /* ended */
    guard.generation++;
    assert_ok(fixture_apply(&w->store, fixture_change(&w->store, STORE_CHANGE_USER_DEACTIVATE, user.seq)).code,
              &w->store.err);
    assert_true(sso_refusal_is_right(reader, &guard));
    assert_int_equal(gw_metric_sum(metrics, GW_METRIC_SSO_REFUSED_THOUGH_ACTIVE), before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signing_out_marks_the_session_and_keeps_it_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(a_session_in_use_is_seen_once_a_day, setup, teardown),
        cmocka_unit_test_setup_teardown(the_keeper_forgets_what_was_not_seen_and_nothing_when_the_clock_jumps, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_keeper_goes_on_when_the_clock_is_right_again, setup, teardown),
        cmocka_unit_test_setup_teardown(further_refusals_are_counted_by_the_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refusal_of_a_living_session_is_counted, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
