/* Where an app is: one server or several. */
#include "tests/support/unit.h"

#include "config/config.h"

#include <string.h>

static enum gw_code load(struct gw_arena *arena, const char *upstream, struct config **ret_config,
                         struct gw_error *ret_err)
{
    struct gw_str text = gw_arena_printf(arena,
                                         "store: {path: /s}\nsso: {listen: [{address: \"127.0.0.1:1\"}]}\n"
                                         "prov: {listen: [{address: \"127.0.0.1:2\"}]}\napps:\n"
                                         "  - name: wiki\n    folder: staff\n    sso:\n      hosts: [wiki]\n"
                                         "      external_url: https://wiki\n      session_cookies: [sid]\n"
                                         "      identity: [{header: {name: X-Who}}]\n      upstream: %s\n",
                                         upstream);
    return config_load("/etc/provgate/f.yaml", text, ret_config, ret_err);
}

static const struct config_upstream *upstream_of(struct gw_arena *arena, const char *text, struct config **ret_config)
{
    struct gw_error err;
    if (load(arena, text, ret_config, &err) != GW_OK)
        fail_msg("%s", err.text);
    return &(*ret_config)->apps[0].sso.upstream;
}

static void a_url_is_one_server(void **state)
{
    (void)state;
    static const char *const texts[] = {"http://a:8080", "{url: \"http://a:8080\"}",
                                        "{servers: [{url: \"http://a:8080\"}]}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        GW_ARENA_SCOPED(arena);
        struct config *config;
        const struct config_upstream *upstream = upstream_of(&arena, texts[i], &config);
        assert_int_equal(upstream->server_count, 1);
        assert_string_equal(upstream->servers[0].url.host, "a");
        assert_int_equal(upstream->servers[0].weight, 1);
        assert_string_equal(upstream->url.host, "a");
        assert_null(upstream->health.path);
        assert_null(upstream->affinity_cookie);
        assert_int_equal(upstream->connect_timeout_ms, 5000);
        config_unref(config);
    }
}

static void several_servers_are_read_with_all_that_belongs_to_them(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct config *config;
    const struct config_upstream *upstream = upstream_of(
        &arena,
        "{servers: [{url: \"https://a\", weight: 3}, {url: \"unix:/run/b\"}], affinity: {cookie: JSESSIONID},"
        " health: {path: /health, every: 1s, timeout: 500ms, fall: 5, rise: 1, status: 204},"
        " certificate: own.pem, key: own.key}",
        &config);
    assert_int_equal(upstream->server_count, 2);
    assert_int_equal(upstream->servers[0].weight, 3);
    assert_string_equal(upstream->servers[1].url.unix_path, "/run/b");
    assert_string_equal(upstream->affinity_cookie, "JSESSIONID");
    assert_string_equal(upstream->health.path, "/health");
    assert_int_equal(upstream->health.every_ms, 1000);
    assert_int_equal(upstream->health.timeout_ms, 500);
    assert_int_equal(upstream->health.fall, 5);
    assert_int_equal(upstream->health.rise, 1);
    assert_int_equal(upstream->health.status_min, 204);
    assert_int_equal(upstream->health.status_max, 204);
    assert_string_equal(upstream->certificate, "/etc/provgate/own.pem");
    assert_string_equal(upstream->key, "/etc/provgate/own.key");
    config_unref(config);
}

static void health_has_defaults(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct config *config;
    const struct config_upstream *upstream = upstream_of(&arena, "{url: \"http://a\", health: {path: /h}}", &config);
    assert_int_equal(upstream->health.every_ms, 5000);
    assert_int_equal(upstream->health.timeout_ms, 2000);
    assert_int_equal(upstream->health.fall, 3);
    assert_int_equal(upstream->health.rise, 2);
    assert_int_equal(upstream->health.status_min, 200);
    assert_int_equal(upstream->health.status_max, 399);
    config_unref(config);
}

static void what_cannot_be_meant_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key, *reason;
    } rows[] = {
        {"{}", "apps[0].sso.upstream: ", "needs url, or servers"},
        {"{connect_timeout: 1s}", "apps[0].sso.upstream: ", "needs url, or servers"},
        {"{url: \"http://a\", servers: [{url: \"http://b\"}]}", "apps[0].sso.upstream: ", "one of them"},
        {"{servers: []}", "apps[0].sso.upstream.servers: ", "at least 1"},
        {"{servers: [\"http://a\"]}", "apps[0].sso.upstream.servers[0]: ", "mapping"},
        {"{servers: [{url: \"http://a\", weight: 0}]}", "servers[0].weight: ", "from 1 to 1000"},
        {"{servers: [{urls: \"http://a\"}]}", "servers[0].urls: ", "did you mean url?"},
        {"{servers: [{url: \"http://a\"}, {url: \"http://a\"}]}", "servers[1]: ", "already"},
        {"{url: \"http://a\", health: {}}", "health.path: ", "/health"},
        {"{url: \"http://a\", health: {path: h}}", "health.path: ", "did you mean /h?"},
        {"{url: \"http://a\", health: {path: /h, every: 1s, timeout: 2s}}", "health: ", "not be longer"},
        {"{url: \"http://a\", health: {path: /h, status: ok}}", "health.status: ", "range such as"},
        {"{url: \"http://a\", health: {path: /h, status: 399-200}}", "health.status: ", "range such as"},
        {"{url: \"http://a\", health: {path: /h, status: 100-200}}", "health.status: ", "range such as"},
        {"{url: \"http://a\", affinity: {cookies: x}}", "affinity.cookies: ", "did you mean cookie?"},
        {"{url: \"https://a\", certificate: c.pem}", "apps[0].sso.upstream: ", "go together"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        GW_ARENA_SCOPED(arena);
        struct config *config = NULL;
        struct gw_error err = {.text = ""};
        assert_int_equal(load(&arena, rows[i].text, &config, &err), GW_E_CONFIG);
        if (strstr(err.text, rows[i].key) == NULL || strstr(err.text, rows[i].reason) == NULL)
            fail_msg("%s: %s", rows[i].text, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_one_server),
        cmocka_unit_test(several_servers_are_read_with_all_that_belongs_to_them),
        cmocka_unit_test(health_has_defaults),
        cmocka_unit_test(what_cannot_be_meant_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
