#include "tests/support/unit.h"

#include "gateway/sso/route.h"

struct host_row {
    const char *text;
    const char *host; /* NULL: refused */
    unsigned port;    /* 0: none */
};

static void an_authority_is_a_host_and_a_port(void **state)
{
    (void)state;
    static const struct host_row rows[] = {
        {"wiki.example.com", "wiki.example.com", 0},
        {"wiki.example.com:8443", "wiki.example.com", 8443},
        {"127.0.0.1:1", "127.0.0.1", 1},
        {"[::1]:443", "[::1]", 443},
        {"[::1]", "[::1]", 0},
        {"under_score.test", "under_score.test", 0},
        {"", NULL, 0},
        {"wiki.example.com.", NULL, 0},
        {"wiki.example.com.:443", NULL, 0},
        {"wiki.example.com:", NULL, 0},
        {"wiki.example.com:0", NULL, 0},
        {"wiki.example.com:65536", NULL, 0},
        {"wiki.example.com:+80", NULL, 0},
        {"wiki.example.com:80:80", NULL, 0},
        {"user@wiki.example.com", NULL, 0},
        {"wiki.example.com/x", NULL, 0},
        {"wiki example.com", NULL, 0},
        {"wiki%2eexample.com", NULL, 0},
        {"[::1", NULL, 0},
        {"[]", NULL, 0},
        {"[::1]x", NULL, 0},
        {":443", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sso_authority authority;
        bool ok = sso_authority_parse(gw_str_from(rows[i].text), &authority);
        if (ok != (rows[i].host != NULL))
            fail_msg("%s", rows[i].text);
        if (!ok)
            continue;
        unit_assert_str(authority.host, gw_str_from(rows[i].host), __FILE__, __LINE__);
        assert_int_equal(authority.has_port ? authority.port : 0, rows[i].port);
    }
}

static struct sso_route route(const char *host, uint16_t public_port, size_t app)
{
    struct sso_route made = {.public_port = public_port, .app = app};
    assert_true(sso_authority_parse(gw_str_from(host), &made.authority));
    return made;
}

struct find_row {
    const char *authority;
    uint16_t local_port;
    bool tls;
    size_t app;
};

static void a_host_is_found_by_name_and_by_the_ports_that_are_its_own(void **state)
{
    (void)state;
    struct sso_route list[] = {route("wiki.example.com", 443, 0), route("127.0.0.1:8080", 0, 1),
                               route("app.example.com:443", 443, 2), route("[::1]", 0, 3)};
    struct sso_routes routes = {.list = list, .count = 4};
    static const struct find_row rows[] = {
        {"wiki.example.com", 8443, true, 0},
        {"WIKI.Example.COM", 8443, true, 0},
        {"wiki.example.com:8443", 8443, true, 0},
        {"wiki.example.com:443", 8443, true, 0},
        {"wiki.example.com:9443", 8443, true, SSO_ROUTE_NONE},
        {"wiki.example.com.", 8443, true, SSO_ROUTE_NONE},
        {"127.0.0.1:8080", 8080, false, 1},
        {"127.0.0.1", 8080, false, SSO_ROUTE_NONE},
        {"127.0.0.1:8081", 8081, false, SSO_ROUTE_NONE},
        {"app.example.com", 443, true, 2},
        {"app.example.com", 443, false, SSO_ROUTE_NONE},
        {"[::1]:99", 99, false, 3},
        {"prov.example.com", 443, true, SSO_ROUTE_NONE},
        {"xwiki.example.com", 443, true, SSO_ROUTE_NONE},
        {"", 443, true, SSO_ROUTE_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t app = sso_route_find(&routes, gw_str_from(rows[i].authority), rows[i].local_port, rows[i].tls);
        if (app != rows[i].app)
            fail_msg("%s: %zu", rows[i].authority, app);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_authority_is_a_host_and_a_port),
        cmocka_unit_test(a_host_is_found_by_name_and_by_the_ports_that_are_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
