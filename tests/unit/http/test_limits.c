/* Caps, lines and addresses. */
#include "tests/unit/http/http_lab.h"

#include <sys/resource.h>
#include <sys/un.h>

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define LOCAL "GET /local HTTP/1.1\r\nHost: a\r\n\r\n"
#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static struct lab *new_lab(void **state)
{
    struct lab *lab = calloc(1, sizeof *lab);
    lab_init(lab);
    *state = lab;
    return lab;
}

static int setup(void **state)
{
    lab_start(new_lab(state));
    return 0;
}

static int setup_two_connections(void **state)
{
    struct lab *lab = new_lab(state);
    lab->limits.connections_max = 2;
    lab_start(lab);
    return 0;
}

static int setup_one_upstream_connection(void **state)
{
    struct lab *lab = new_lab(state);
    lab->upstream_settings.connections_max = 1;
    lab->upstream_settings.connect_ms = 600;
    lab_start(lab);
    return 0;
}

static int setup_one_patient_upstream_connection(void **state)
{
    struct lab *lab = new_lab(state);
    lab->upstream_settings.connections_max = 1;
    lab->upstream_settings.connect_ms = 4000; /* shorter than a dying connection may take */
    lab_start(lab);
    return 0;
}

static int setup_short_keep(void **state)
{
    struct lab *lab = new_lab(state);
    lab->upstream_settings.keep_ms = 100;
    lab_start(lab);
    return 0;
}

static int setup_by_name(void **state)
{
    struct lab *lab = new_lab(state);
    lab->upstream_settings.host = "localhost";
    lab_start(lab);
    return 0;
}

static int setup_unknown_name(void **state)
{
    struct lab *lab = new_lab(state);
    lab->upstream_settings.host = "no-such-host.invalid";
    lab_start(lab);
    return 0;
}

static void expect_local(int client)
{
    char head[4096];
    lab_read_head(client, head, sizeof head);
    head[12] = '\0';
    assert_string_equal(head, "HTTP/1.1 200");
    lab_expect(client, "hello\n");
}

static void beyond_the_cap_connections_wait_until_another_ends(void **state)
{
    struct lab *lab = *state;
    int first = lab_connect(lab), second = lab_connect(lab);
    lab_send(first, GET);
    int app = lab_accept(lab);
    lab_expect(app, GET);
    lab_send(second, GET);
    int other_app = lab_accept(lab);
    lab_expect(other_app, GET);
    int third = lab_connect(lab);
    lab_send(third, LOCAL);
    lab_send(app, EMPTY);
    lab_expect(first, EMPTY);
    assert_int_equal(atomic_load(&lab->requests), 2); /* the third was not heard */
    close(first);
    expect_local(third);
    lab_send(other_app, EMPTY);
    lab_expect(second, EMPTY);
    close(second);
    close(third);
    close(app);
    close(other_app);
}

/* security.md K2: strangers that hold connections do not keep others out. */
static void beyond_the_cap_the_oldest_idle_connection_makes_room(void **state)
{
    struct lab *lab = *state;
    int silent = lab_connect(lab), used = lab_connect(lab);
    lab_send(used, LOCAL);
    expect_local(used);
    int third = lab_connect(lab);
    lab_send(third, LOCAL);
    expect_local(third);
    lab_expect_end(silent);
    lab_send(used, LOCAL);
    expect_local(used); /* one place was needed, one was made */
    close(silent);
    close(used);
    close(third);
}

static void beyond_the_cap_no_connection_with_a_request_is_closed(void **state)
{
    struct lab *lab = *state;
    int busy = lab_connect(lab), used = lab_connect(lab);
    lab_send(busy, GET);
    int app = lab_accept(lab);
    lab_expect(app, GET);
    lab_send(used, LOCAL);
    expect_local(used);
    int third = lab_connect(lab);
    lab_send(third, LOCAL);
    expect_local(third);
    lab_expect_end(used);
    lab_send(app, EMPTY);
    lab_expect(busy, EMPTY);
    close(busy);
    close(used);
    close(third);
    close(app);
}

/* security.md K2 */
static void without_descriptors_accepting_pauses_and_recovers(void **state)
{
    enum { COUNT = 8 };
    int clients[COUNT];
    struct rlimit before, low;
    for (int i = 0; i < COUNT; i++)
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = (rlim_t)clients[COUNT - 1] + 3; /* two more can be opened */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(((struct lab *)*state)->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(connect(clients[i], (const struct sockaddr *)&address, sizeof address), 0);
        lab_patience(clients[i]);
        lab_send(clients[i], LOCAL);
    }
    expect_local(clients[0]);
    expect_local(clients[1]);
    char byte;
    assert_int_equal(recv(clients[COUNT - 1], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (int i = 2; i < COUNT; i++)
        expect_local(clients[i]);
    for (int i = 0; i < COUNT; i++)
        close(clients[i]);
}

static void requests_wait_in_line_for_an_upstream_connection(void **state)
{
    struct lab *lab = *state;
    int first = lab_connect(lab);
    lab_send(first, GET);
    int app = lab_accept(lab);
    lab_expect(app, GET);
    int second = lab_connect(lab);
    lab_send(second, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    lab_await(&lab->requests, 2);
    lab_send(app, EMPTY);
    lab_expect(first, EMPTY);
    lab_expect(app, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    lab_send(app, EMPTY);
    lab_expect(second, EMPTY);
    close(first);
    close(second);
    close(app);
}

/* Law 1: a connection that ends without an answer to its flow gives its place to whoever waits. */
static void the_end_of_a_tunnel_lets_the_next_in(void **state)
{
    static const char upgrade[] = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    static const char switched[] = "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    struct lab *lab = *state;
    char head[4096];
    int tunnel = lab_connect(lab);
    lab_send(tunnel, upgrade);
    int app = lab_accept(lab);
    lab_read_head(app, head, sizeof head);
    lab_send(app, switched);
    lab_read_head(tunnel, head, sizeof head);
    int second = lab_connect(lab);
    lab_send(second, GET);
    lab_await(&lab->requests, 2);
    close(tunnel);
    lab_expect_gone(app);
    close(app);
    app = lab_accept(lab);
    lab_expect(app, GET);
    lab_send(app, EMPTY);
    lab_expect(second, EMPTY);
    close(second);
    close(app);
}

static void who_waits_too_long_in_line_gets_504(void **state)
{
    struct lab *lab = *state;
    char head[4096];
    int first = lab_connect(lab), second = lab_connect(lab);
    lab_send(first, GET);
    int app = lab_accept(lab);
    lab_expect(app, GET);
    lab_send(second, GET);
    lab_read_head(second, head, sizeof head);
    head[12] = '\0';
    assert_string_equal(head, "HTTP/1.1 504");
    lab_send(app, EMPTY);
    lab_expect(first, EMPTY);
    close(first);
    close(second);
    close(app);
}

static void idle_upstream_connections_are_closed_after_their_time(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_send(client, GET);
    int app = lab_accept(lab);
    lab_expect(app, GET);
    lab_send(app, EMPTY);
    lab_expect(client, EMPTY);
    lab_expect_end(app);
    close(app);
    lab_send(client, GET);
    app = lab_accept(lab);
    lab_expect(app, GET);
    lab_send(app, EMPTY);
    lab_expect(client, EMPTY);
    close(client);
    close(app);
}

static void a_name_is_looked_up_and_its_addresses_tried_in_turn(void **state)
{
    struct lab *lab = *state; /* localhost may be ::1 first, where nobody listens */
    int client = lab_connect(lab);
    lab_send(client, GET);
    int app = lab_accept(lab);
    lab_expect(app, GET);
    lab_send(app, EMPTY);
    lab_expect(client, EMPTY);
    close(client);
    close(app);
}

static void an_unknown_name_is_502(void **state)
{
    char head[4096];
    int client = lab_connect(*state);
    lab_send(client, GET);
    lab_read_head(client, head, sizeof head);
    head[12] = '\0';
    assert_string_equal(head, "HTTP/1.1 502");
    close(client);
}

/* --- UNIX sockets ----------------------------------------------------------------------------------------------- */

static void unix_sockets_work_on_both_sides(void **state)
{
    (void)state;
    struct lab *lab = calloc(1, sizeof *lab);
    char *folder = unit_folder_new();
    char listen_on[4096], connect_to[4096];
    struct gw_error err;
    lab_init(lab);
    (void)snprintf(listen_on, sizeof listen_on, "unix:%s/gw", folder);
    (void)snprintf(connect_to, sizeof connect_to, "unix:%s/app", folder);
    close(lab->gateway_fd);
    close(lab->upstream_fd);
    assert_int_equal(http_listen(listen_on, 8, &lab->gateway_fd, &err), GW_OK);
    close(lab->gateway_fd);
    assert_int_equal(http_listen(listen_on, 8, &lab->gateway_fd, &err), GW_OK); /* over a file nobody listens on */
    int taken = -1;
    assert_int_equal(http_listen(listen_on, 8, &taken, &err), GW_E_CONFIG);
    assert_int_equal(http_listen(connect_to, 8, &lab->upstream_fd, &err), GW_OK);
    lab->upstream_settings.host = NULL;
    lab->upstream_settings.unix_path = connect_to + strlen("unix:");
    lab_start(lab);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = listen_on + strlen("unix:");
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path));
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof address), 0);
    lab_patience(client);
    lab_send(client, "GET /own HTTP/1.1\r\nHost: a\r\n\r\n");
    int app = lab_accept(lab);
    lab_expect(app, "GET /own HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: unix\r\n\r\n");
    lab_send(app, EMPTY);
    lab_expect(client, EMPTY);
    close(client);
    close(app);
    lab_stop(lab);
    free(lab);
    unit_folder_remove(folder);
}

static void addresses_that_cannot_be_listened_on_are_named(void **state)
{
    (void)state;
    static const char *addresses[] = {"127.0.0.1", "127.0.0.1:",      ":80",     "127.0.0.1:http", "300.0.0.1:80",
                                      "unix:",     "127.0.0.1:99999", "[::1:80", "192.0.2.1:1"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        int fd = -1;
        struct gw_error err;
        if (http_listen(addresses[i], 8, &fd, &err) != GW_E_CONFIG)
            fail_msg("%s", addresses[i]);
        assert_non_null(strstr(err.text, addresses[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(beyond_the_cap_connections_wait_until_another_ends, setup_two_connections,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(beyond_the_cap_the_oldest_idle_connection_makes_room, setup_two_connections,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(beyond_the_cap_no_connection_with_a_request_is_closed, setup_two_connections,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(without_descriptors_accepting_pauses_and_recovers, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(requests_wait_in_line_for_an_upstream_connection, setup_one_upstream_connection,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(the_end_of_a_tunnel_lets_the_next_in, setup_one_patient_upstream_connection,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(who_waits_too_long_in_line_gets_504, setup_one_upstream_connection,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(idle_upstream_connections_are_closed_after_their_time, setup_short_keep,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(a_name_is_looked_up_and_its_addresses_tried_in_turn, setup_by_name,
                                        lab_tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_name_is_502, setup_unknown_name, lab_tear_down),
        cmocka_unit_test(unix_sockets_work_on_both_sides),
        cmocka_unit_test(addresses_that_cannot_be_listened_on_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
