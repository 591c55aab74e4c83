/* Several servers behind one app: who is asked, who is out, and where a session goes. */
#include "gateway/http/affinity.h"
#include "tests/unit/http/http_lab.h"

#define SERVERS 3u

/* --- what is known of a server, without a loop ------------------------------------------------------------------ */

static struct http_servers *servers_of(size_t count)
{
    static const char *const names[] = {"http://a", "http://b", "http://c"};
    struct http_server_settings list[SERVERS] = {{0}};
    for (size_t i = 0; i < count; i++)
        list[i] = (struct http_server_settings){.name = names[i], .host = "127.0.0.1", .port = 1, .weight = 1};
    return http_servers_new(NULL, list, count);
}

static void one_failure_to_connect_takes_a_server_out_for_a_second(void **state)
{
    (void)state;
    struct http_servers *servers = servers_of(1);
    struct http_server *server = servers->list;
    assert_true(http_server_is_up(server));
    assert_false(http_server_take_trial(server, 5000));
    http_server_failed(server, HTTP_SERVER_UNREACHABLE, HTTP_FAILURE_REFUSED, 5000);
    assert_false(http_server_is_up(server));
    assert_false(http_server_take_trial(server, 5999));
    assert_true(http_server_take_trial(server, 6000));
    assert_false(http_server_take_trial(server, 6000)); /* one at a time */
    http_server_answered(server);
    assert_true(http_server_is_up(server));
    http_servers_free(servers);
}

static void each_trial_that_fails_doubles_the_pause_up_to_its_limit(void **state)
{
    (void)state;
    struct http_servers *servers = servers_of(1);
    struct http_server *server = servers->list;
    static const int64_t pauses_ms[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    int64_t now_ms = 1;
    http_server_failed(server, HTTP_SERVER_UNREACHABLE, HTTP_FAILURE_REFUSED, now_ms);
    for (size_t i = 0; i < sizeof pauses_ms / sizeof *pauses_ms; i++) {
        assert_false(http_server_take_trial(server, now_ms + pauses_ms[i] - 1));
        now_ms += pauses_ms[i];
        assert_true(http_server_take_trial(server, now_ms));
        http_server_failed(server, HTTP_SERVER_UNREACHABLE, HTTP_FAILURE_REFUSED, now_ms);
    }
    http_server_answered(server);
    http_server_failed(server, HTTP_SERVER_UNREACHABLE, HTTP_FAILURE_REFUSED, now_ms);
    assert_true(http_server_take_trial(server, now_ms + 1000)); /* and from the start after an answer */
    http_servers_free(servers);
}

static void only_failures_in_a_row_before_a_head_take_a_server_out(void **state)
{
    (void)state;
    struct http_servers *servers = servers_of(1);
    struct http_server *server = servers->list;
    for (int i = 0; i < 20; i++) {
        http_server_failed(server, HTTP_SERVER_SPEECHLESS, HTTP_FAILURE_CLOSED, 1);
        http_server_failed(server, HTTP_SERVER_SPEECHLESS, HTTP_FAILURE_CLOSED, 1);
        http_server_answered(server);
        assert_true(http_server_is_up(server));
    }
    for (unsigned i = 0; i < SERVERS_FAILURES_MAX; i++)
        http_server_failed(server, HTTP_SERVER_SPEECHLESS, HTTP_FAILURE_CLOSED, 1);
    assert_false(http_server_is_up(server));
    http_servers_free(servers);
}

static void j7_while_connecting_fails_a_second_has_so_many_attempts(void **state)
{
    (void)state;
    struct http_servers *servers = servers_of(1);
    struct http_server *server = servers->list;
    for (int i = 0; i < 1000; i++)
        assert_true(http_server_may_connect(server, 10000));
    http_server_failed(server, HTTP_SERVER_UNREACHABLE, HTTP_FAILURE_REFUSED, 10000);
    unsigned allowed = 0;
    for (int i = 0; i < 5000; i++)
        allowed += http_server_may_connect(server, 10000 + i);
    assert_true(allowed >= 4 * SERVERS_CONNECTS_PER_SECOND);
    assert_true(allowed <= 6 * SERVERS_CONNECTS_PER_SECOND);
    http_server_connected(server);
    for (int i = 0; i < 1000; i++)
        assert_true(http_server_may_connect(server, 20000));
    http_servers_free(servers);
}

static void health_checks_need_fall_and_rise_in_a_row(void **state)
{
    (void)state;
    struct http_servers *servers = servers_of(1);
    struct http_health_settings health = {.path = "/health", .host = "a", .every_ms = 5000, .fall = 3, .rise = 2};
    http_servers_check_health(servers, &health);
    struct http_server *server = servers->list;
    static const struct {
        bool is_well, is_up;
    } steps[] = {{false, true},  {false, true}, {true, true},   {false, true}, {false, true},
                 {false, false}, {true, false}, {false, false}, {true, false}, {true, true}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        http_server_checked(server, &servers->health, steps[i].is_well);
        assert_int_equal(http_server_is_up(server), steps[i].is_up);
    }
    http_servers_free(servers);
}

static void a_check_is_due_for_one_who_asks_and_then_not_for_a_while(void **state)
{
    (void)state;
    struct http_servers *servers = servers_of(1);
    struct http_health_settings health = {.path = "/health", .host = "a", .every_ms = 5000, .fall = 1, .rise = 1};
    assert_true(http_server_take_check(servers->list, &health, 100));
    assert_false(http_server_take_check(servers->list, &health, 100));
    assert_false(http_server_take_check(servers->list, &health, 5099));
    assert_true(http_server_take_check(servers->list, &health, 5100));
    http_servers_free(servers);
}

/* --- sessions ---------------------------------------------------------------------------------------------------- */

static void what_is_remembered_is_found_and_nothing_else(void **state)
{
    (void)state;
    struct http_affinity *affinity = calloc(1, sizeof(struct http_affinity));
    for (uint64_t i = 1; i <= 20000; i++)
        http_affinity_put(affinity, i * 0x1234567u, i << 16, 60000);
    for (uint64_t i = 1; i <= 20000; i++)
        assert_int_equal(http_affinity_get(affinity, i * 0x1234567u, 60000), i << 16);
    for (uint64_t i = 1; i <= 20000; i++)
        assert_int_equal(http_affinity_get(affinity, i * 0x1234567u + 1, 60000), 0);
    http_affinity_put(affinity, 0x1234567u, 77u << 16, 60000);
    assert_int_equal(http_affinity_get(affinity, 0x1234567u, 60000), 77u << 16);
    free(affinity);
}

static void a_full_table_forgets_what_was_not_used_for_longest(void **state)
{
    (void)state;
    struct http_affinity *affinity = calloc(1, sizeof(struct http_affinity));
    const uint64_t many = 2ull * HTTP_AFFINITY_BUCKETS * HTTP_AFFINITY_WAYS;
    http_affinity_put(affinity, 5, 9u << 16, 0);
    for (uint64_t i = 0; i < many; i++) {
        int64_t now_ms = (int64_t)(1 + i / 4096) * HTTP_AFFINITY_MINUTE_MS;
        http_affinity_put(affinity, (i << 8) + 0x77, 3u << 16, now_ms);
        if (i % 4096 == 0)
            assert_int_equal(http_affinity_get(affinity, 5, now_ms), 9u << 16); /* a use keeps it */
    }
    assert_int_equal(http_affinity_get(affinity, 0x77, 200 * HTTP_AFFINITY_MINUTE_MS), 0);
    free(affinity);
}

static void a_draw_follows_the_weights_and_moves_only_who_must(void **state)
{
    (void)state;
    static const unsigned weights[SERVERS] = {1, 1, 2};
    unsigned got[SERVERS] = {0};
    for (uint64_t hint = 1; hint <= 40000; hint++) {
        size_t best = 0, best_of_two = 0;
        for (size_t i = 1; i < SERVERS; i++) {
            if (http_affinity_draw(hint, i + 1, weights[i]) > http_affinity_draw(hint, best + 1, weights[best]))
                best = i;
        }
        if (http_affinity_draw(hint, 2, weights[1]) > http_affinity_draw(hint, 1, weights[0]))
            best_of_two = 1;
        got[best]++;
        if (best < 2)
            assert_int_equal(best, best_of_two); /* the third is gone: the others' sessions stay */
    }
    assert_in_range(got[0], 9400, 10600);
    assert_in_range(got[1], 9400, 10600);
    assert_in_range(got[2], 19000, 21000);
}

/* --- a loop with several servers --------------------------------------------------------------------------------- */

struct fleet {
    struct lab lab;
    int fds[SERVERS];
    struct http_servers *servers;
    struct http_affinity *affinity;
};

/* "X-Session" is the session that a request brings, and the one that an answer sets. */
static uint64_t session_in(const struct http_field *fields, size_t count)
{
    struct gw_str text = http_field_find(fields, count, GW_STR("x-session"));
    uint64_t hint = 0;
    return gw_str_to_u64(text, UINT64_MAX, &hint) ? hint : 0;
}

static void on_request(struct http_exchange *x, void *data)
{
    struct lab *lab = data;
    atomic_fetch_add(&lab->requests, 1);
    http_exchange_stick(x, session_in(x->request.fields, x->request.field_count));
    http_exchange_forward(x, lab->upstream, x->request.fields, x->request.field_count);
}

static void on_answer_head(struct http_exchange *x, void *data)
{
    (void)data;
    http_exchange_remember(x, session_in(x->answer.fields, x->answer.field_count));
    http_exchange_pass(x);
}

static struct fleet *fleet_new(void **state, const unsigned *weights, const struct http_health_settings *health)
{
    struct fleet *fleet = calloc(1, sizeof *fleet);
    struct http_server_settings list[SERVERS];
    char names[SERVERS][32];
    struct gw_error err;
    lab_init(&fleet->lab);
    for (size_t i = 0; i < SERVERS; i++) {
        assert_int_equal(http_listen("127.0.0.1:0", 64, &fleet->fds[i], &err), GW_OK);
        (void)snprintf(names[i], sizeof names[i], "http://server-%zu", i);
        list[i] = (struct http_server_settings){
            .name = names[i], .host = "127.0.0.1", .port = lab_port_of(fleet->fds[i]), .weight = weights[i]};
    }
    fleet->servers = http_servers_new(NULL, list, SERVERS);
    fleet->affinity = calloc(1, sizeof(struct http_affinity));
    fleet->servers->affinity = fleet->affinity;
    if (health != NULL)
        http_servers_check_health(fleet->servers, health);
    fleet->lab.upstream_settings.servers = fleet->servers;
    fleet->lab.face.on_request = on_request;
    fleet->lab.face.on_answer_head = on_answer_head;
    lab_start(&fleet->lab);
    *state = fleet;
    return fleet;
}

static int setup(void **state)
{
    static const unsigned weights[SERVERS] = {1, 1, 1};
    (void)fleet_new(state, weights, NULL);
    return 0;
}

static int setup_weighted(void **state)
{
    static const unsigned weights[SERVERS] = {1, 1, 2};
    (void)fleet_new(state, weights, NULL);
    return 0;
}

static int setup_checked(void **state)
{
    static const unsigned weights[SERVERS] = {1, 1, 1};
    static const struct http_health_settings health = {.path = "/health",
                                                       .host = "wiki.test",
                                                       .every_ms = 1,
                                                       .timeout_ms = LAB_DEADLINE_MS,
                                                       .fall = 2,
                                                       .rise = 1,
                                                       .status_min = 200,
                                                       .status_max = 399};
    (void)fleet_new(state, weights, &health);
    return 0;
}

static int teardown(void **state)
{
    struct fleet *fleet = *state;
    lab_stop(&fleet->lab);
    http_servers_free(fleet->servers);
    free(fleet->affinity);
    for (size_t i = 0; i < SERVERS; i++) {
        if (fleet->fds[i] >= 0)
            close(fleet->fds[i]);
    }
    free(fleet);
    return 0;
}

/* The server that the gateway connects to, and the connection. */
static size_t fleet_accept(const struct fleet *fleet, int *ret_app)
{
    struct pollfd wait[SERVERS];
    for (size_t i = 0; i < SERVERS; i++)
        wait[i] = (struct pollfd){.fd = fleet->fds[i], .events = POLLIN};
    assert_true(poll(wait, SERVERS, LAB_DEADLINE_MS) > 0);
    size_t at = 0;
    while (wait[at].revents == 0)
        at++;
    *ret_app = accept(fleet->fds[at], NULL, NULL);
    assert_true(*ret_app >= 0);
    lab_patience(*ret_app);
    return at;
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_OF(session) "GET / HTTP/1.1\r\nHost: a\r\nX-Session: " session "\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define SEEN "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* Connection: close is between us and the app. */
static size_t ask_plainly(const struct fleet *fleet, const char *request)
{
    int app, client = lab_connect(&fleet->lab);
    lab_send(client, request);
    size_t at = fleet_accept(fleet, &app);
    lab_expect(app, request);
    lab_send(app, OK);
    lab_expect(client, SEEN);
    lab_expect_end(app);
    close(app);
    close(client);
    return at;
}

static void requests_go_round_by_weight(void **state)
{
    unsigned got[SERVERS] = {0};
    for (int i = 0; i < 40; i++)
        got[ask_plainly(*state, GET)]++;
    assert_int_equal(got[0], 10);
    assert_int_equal(got[1], 10);
    assert_int_equal(got[2], 20);
}

static void a_session_stays_where_its_answer_came_from(void **state)
{
    struct fleet *fleet = *state;
    int app, client = lab_connect(&fleet->lab);
    lab_send(client, POST);
    size_t home = fleet_accept(fleet, &app);
    lab_expect(app, POST);
    lab_send(app, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Session: 42\r\nConnection: close\r\n\r\n");
    lab_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Session: 42\r\n\r\n");
    lab_expect_end(app);
    close(app);
    close(client);
    for (int i = 0; i < 12; i++)
        assert_int_equal(ask_plainly(fleet, GET_OF("42")), home);
}

static void a_session_that_nobody_remembers_always_goes_to_the_same_server(void **state)
{
    static const char *const requests[] = {GET_OF("1"), GET_OF("2"), GET_OF("3"),
                                           GET_OF("4"), GET_OF("5"), GET_OF("6")};
    unsigned used[SERVERS] = {0};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        size_t home = ask_plainly(*state, requests[i]);
        used[home]++;
        for (int k = 0; k < 4; k++)
            assert_int_equal(ask_plainly(*state, requests[i]), home);
    }
    assert_true(used[0] < 6 && used[1] < 6 && used[2] < 6);
}

static void drop_server(struct fleet *fleet, size_t at)
{
    close(fleet->fds[at]);
    fleet->fds[at] = -1;
}

static void a_request_that_reached_nobody_goes_to_the_next_server_also_a_post(void **state)
{
    struct fleet *fleet = *state;
    drop_server(fleet, 0);
    drop_server(fleet, 2);
    for (int i = 0; i < 6; i++)
        assert_int_equal(ask_plainly(fleet, POST), 1);
    assert_false(http_server_is_up(&fleet->servers->list[0]));
    assert_true(http_server_is_up(&fleet->servers->list[1]));
    assert_false(http_server_is_up(&fleet->servers->list[2]));
}

static void a_session_whose_server_is_out_is_served_elsewhere_and_comes_home(void **state)
{
    struct fleet *fleet = *state;
    size_t home = ask_plainly(fleet, GET_OF("7"));
    http_server_failed(&fleet->servers->list[home], HTTP_SERVER_UNREACHABLE, HTTP_FAILURE_REFUSED, INT64_MAX / 2);
    size_t refuge = ask_plainly(fleet, GET_OF("7"));
    assert_int_not_equal(refuge, home);
    assert_int_equal(ask_plainly(fleet, GET_OF("7")), refuge);
    http_server_answered(&fleet->servers->list[home]);
    assert_int_equal(ask_plainly(fleet, GET_OF("7")), home);
}

static void when_all_are_out_all_are_asked_in_turn(void **state)
{
    struct fleet *fleet = *state;
    for (size_t i = 0; i < SERVERS; i++)
        http_server_failed(&fleet->servers->list[i], HTTP_SERVER_UNREACHABLE, HTTP_FAILURE_REFUSED, INT64_MAX / 2);
    size_t first = ask_plainly(fleet, GET); /* and is in again, for it answered */
    assert_true(http_server_is_up(&fleet->servers->list[first]));
    assert_int_equal(ask_plainly(fleet, GET), first);
}

static void when_nobody_can_be_reached_it_is_502_once(void **state)
{
    struct fleet *fleet = *state;
    for (size_t i = 0; i < SERVERS; i++)
        drop_server(fleet, i);
    char head[4096];
    int client = lab_connect(&fleet->lab);
    lab_send(client, GET);
    lab_read_head(client, head, sizeof head);
    head[12] = '\0';
    assert_string_equal(head, "HTTP/1.1 502");
    close(client);
}

static void a_request_that_reached_a_server_does_not_go_to_another(void **state)
{
    struct fleet *fleet = *state;
    int app, client = lab_connect(&fleet->lab);
    char head[4096];
    lab_send(client, GET);
    (void)fleet_accept(fleet, &app);
    lab_expect(app, GET);
    close(app);
    lab_read_head(client, head, sizeof head);
    head[12] = '\0';
    assert_string_equal(head, "HTTP/1.1 502");
    close(client);
    struct pollfd wait[SERVERS];
    for (size_t i = 0; i < SERVERS; i++)
        wait[i] = (struct pollfd){.fd = fleet->fds[i], .events = POLLIN};
    assert_int_equal(poll(wait, SERVERS, 0), 0);
}

#define CHECK "GET /health HTTP/1.1\r\nHost: wiki.test\r\n\r\n"

/* Answers checks of server 0 until it is (not) up. */
static void answer_checks(struct fleet *fleet, const char *answer, bool until_up)
{
    while (http_server_is_up(&fleet->servers->list[0]) != until_up) {
        struct pollfd wait = {.fd = fleet->fds[0], .events = POLLIN};
        if (poll(&wait, 1, 10) == 0)
            continue;
        int app = accept(fleet->fds[0], NULL, NULL);
        lab_patience(app);
        lab_expect(app, CHECK);
        lab_send(app, answer);
        lab_expect_end(app);
        close(app);
    }
}

static void health_checks_take_a_server_out_and_bring_it_back(void **state)
{
    struct fleet *fleet = *state;
    answer_checks(fleet, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false);
    answer_checks(fleet, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", true);
}

int main(void)
{
#define FLEET(test, how) cmocka_unit_test_setup_teardown(test, how, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_failure_to_connect_takes_a_server_out_for_a_second),
        cmocka_unit_test(each_trial_that_fails_doubles_the_pause_up_to_its_limit),
        cmocka_unit_test(only_failures_in_a_row_before_a_head_take_a_server_out),
        cmocka_unit_test(j7_while_connecting_fails_a_second_has_so_many_attempts),
        cmocka_unit_test(health_checks_need_fall_and_rise_in_a_row),
        cmocka_unit_test(a_check_is_due_for_one_who_asks_and_then_not_for_a_while),
        cmocka_unit_test(what_is_remembered_is_found_and_nothing_else),
        cmocka_unit_test(a_full_table_forgets_what_was_not_used_for_longest),
        cmocka_unit_test(a_draw_follows_the_weights_and_moves_only_who_must),
        FLEET(requests_go_round_by_weight, setup_weighted),
        FLEET(a_session_stays_where_its_answer_came_from, setup),
        FLEET(a_session_that_nobody_remembers_always_goes_to_the_same_server, setup),
        FLEET(a_request_that_reached_nobody_goes_to_the_next_server_also_a_post, setup),
        FLEET(a_session_whose_server_is_out_is_served_elsewhere_and_comes_home, setup),
        FLEET(when_all_are_out_all_are_asked_in_turn, setup),
        FLEET(when_nobody_can_be_reached_it_is_502_once, setup),
        FLEET(a_request_that_reached_a_server_does_not_go_to_another, setup),
        FLEET(health_checks_take_a_server_out_and_bring_it_back, setup_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
