/* Single values: sizes, times, shares, addresses, and the word that was meant. */
#include "tests/support/unit.h"

#include "config/suggest.h"
#include "config/value.h"

static void sizes_have_binary_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: refused */
    } rows[] = {{"1", 1},
                {"4096", 4096},
                {"1KiB", 1024},
                {"512MiB", 512ull << 20},
                {"64GiB", 64ull << 30},
                {"2TiB", 2ull << 40},
                {"", 0},
                {"GiB", 0},
                {"1.5GiB", 0},
                {"1 GiB", 0},
                {"1gib", 0},
                {"1GB", 0},
                {"-1", 0},
                {"99999999999999999999", 0},
                {"18014398509481984KiB", 0},
                {"1025TiB", 0}};
    GW_ARENA_SCOPED(arena);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t bytes = 0;
        const char *reason = config_size_parse(&arena, gw_str_from(rows[i].text), &bytes);
        assert_int_equal(reason == NULL, rows[i].bytes != 0);
        if (reason == NULL)
            assert_int_equal(bytes, rows[i].bytes);
    }
}

static void times_have_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {{"250ms", 250},      {"2s", 2000}, {"30m", 1800000}, {"12h", 43200000},
                {"90d", 7776000000}, {"0s", 0},    {"30", -1},       {"", -1},
                {"s", -1},           {"1w", -1},   {"1.5h", -1},     {"1 h", -1},
                {"-1s", -1},         {"1S", -1},   {"36501d", -1},   {"9223372036854775807ms", -1}};
    GW_ARENA_SCOPED(arena);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = -1;
        const char *reason = config_duration_parse(&arena, gw_str_from(rows[i].text), &ms);
        assert_int_equal(reason == NULL, rows[i].ms >= 0);
        assert_int_equal(ms, rows[i].ms);
        if (reason == NULL && ms > 0)
            assert_str_equal(config_duration_format(&arena, ms), rows[i].text);
    }
}

static void shares_are_from_one_to_a_hundred(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t percent;
    } rows[] = {{"1%", 1}, {"20%", 20}, {"100%", 100}, {"0%", 0}, {"101%", 0},
                {"20", 0}, {"%", 0},    {"2 %", 0},    {"", 0}};
    GW_ARENA_SCOPED(arena);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t percent = 0;
        const char *reason = config_percent_parse(&arena, gw_str_from(rows[i].text), &percent);
        assert_int_equal(reason == NULL, rows[i].percent != 0);
        assert_int_equal(percent, rows[i].percent);
    }
}

static void mapped(const char *v4, uint8_t address[16])
{
    GW_ARENA_SCOPED(arena);
    struct config_cidr cidr;
    assert_null(config_cidr_parse(&arena, gw_str_from(v4), &cidr));
    memcpy(address, cidr.address, 16);
}

static void an_address_is_in_its_ranges_only(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        const char *address;
        bool contains;
    } rows[] = {{"203.0.113.0/24", "203.0.113.255", true},
                {"203.0.113.0/24", "203.0.112.255", false},
                {"203.0.113.0/25", "203.0.113.128", false},
                {"10.0.0.0/9", "10.127.255.255", true},
                {"10.0.0.0/9", "10.128.0.0", false},
                {"0.0.0.0/0", "1.2.3.4", true},
                {"0.0.0.0/0", "2001:db8::1", false},
                {"::/0", "1.2.3.4", true},
                {"192.0.2.1", "192.0.2.1", true},
                {"192.0.2.1", "192.0.2.2", false},
                {"2001:db8::/33", "2001:db8:7fff::1", true},
                {"2001:db8::/33", "2001:db8:8000::1", false}};
    GW_ARENA_SCOPED(arena);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config_cidr range;
        uint8_t address[16];
        assert_null(config_cidr_parse(&arena, gw_str_from(rows[i].range), &range));
        mapped(rows[i].address, address);
        assert_int_equal(config_cidr_contains(&range, 1, address), rows[i].contains);
    }
    uint8_t address[16] = {0};
    assert_false(config_cidr_contains(NULL, 0, address));
}

static void listening_addresses_know_what_they_are(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct config_address address;
    assert_null(config_address_parse(&arena, GW_STR("0.0.0.0:443"), &address));
    assert_true(address.is_any && !address.is_v6 && !address.is_loopback && address.port == 443);
    assert_null(config_address_parse(&arena, GW_STR("127.1.2.3:80"), &address));
    assert_true(address.is_loopback && !address.is_any);
    assert_null(config_address_parse(&arena, GW_STR("[::1]:80"), &address));
    assert_true(address.is_loopback && address.is_v6);
    assert_null(config_address_parse(&arena, GW_STR("[::]:80"), &address));
    assert_true(address.is_any && !address.is_loopback);
    assert_null(config_address_parse(&arena, GW_STR("unix:/run/x"), &address));
    assert_true(address.is_unix && address.is_loopback);
    static const char *const bad[] = {"",           ":80",     "1.2.3.4", "1.2.3.4:", "1.2.3.4:080000", "[1.2.3.4]:80",
                                      "[::1:80",    "[::1]80", "unix:",   "unix:/",   "1.2.3:80",       "a.example:80",
                                      "1.2.3.4:8:0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_non_null(config_address_parse(&arena, gw_str_from(bad[i]), &address));
}

static void urls_are_origins_or_sockets(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct config_url url;
    assert_null(config_url_parse(&arena, GW_STR("http://App.Internal"), &url));
    assert_string_equal(url.host, "app.internal");
    assert_int_equal(url.port, 80);
    assert_null(config_url_parse(&arena, GW_STR("https://[2001:db8::1]:8443/"), &url));
    assert_string_equal(url.host, "2001:db8::1");
    assert_true(url.is_https && url.port == 8443);
    assert_null(config_url_parse(&arena, GW_STR("unix:/run/app.sock"), &url));
    assert_string_equal(url.unix_path, "/run/app.sock");
    assert_null(url.host);
    static const char *const bad[] = {"",           "http:",      "http://",    "ftp://a",    "http://a?b",
                                      "http://a#b", "http://a b", "http://a:0", "http://[a]", "http://-a",
                                      "http://a.",  "HTTP://a",   "unix:x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_non_null(config_url_parse(&arena, gw_str_from(bad[i]), &url));
}

static void distance_counts_letters(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } rows[] = {{"", "", 0},         {"a", "", 1},       {"", "abc", 3},       {"gate", "GATE", 0},
                {"gate", "gaet", 1}, {"gate", "gat", 1}, {"gate", "gates", 1}, {"kitten", "sitting", 3},
                {"ca", "abc", 3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gw_str a = gw_str_from(rows[i].a);
        struct gw_str b = gw_str_from(rows[i].b);
        assert_int_equal(config_edit_distance(a, b), rows[i].distance);
        assert_int_equal(config_edit_distance(b, a), rows[i].distance);
    }
}

static void only_a_close_word_is_suggested(void **state)
{
    (void)state;
    static const char *const words[] = {"listen", "workers", "certificate", "key", "on"};
    static const struct {
        const char *word;
        const char *suggestion;
    } rows[] = {{"lisen", "listen"}, {"worker", "workers"}, {"cert", "certificate"},
                {"Key", "key"},      {"kye", "key"},        {"zebra", NULL},
                {"", NULL},          {"x", NULL},           {"listentothis", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *found = config_suggest(gw_str_from(rows[i].word), words, 5);
        if (rows[i].suggestion == NULL)
            assert_null(found);
        else
            assert_string_equal(found, rows[i].suggestion);
    }
    assert_null(config_suggest(GW_STR("listenlistenlistenlistenlistenlistenlisten"), words, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_binary_units),
        cmocka_unit_test(times_have_a_unit),
        cmocka_unit_test(shares_are_from_one_to_a_hundred),
        cmocka_unit_test(an_address_is_in_its_ranges_only),
        cmocka_unit_test(listening_addresses_know_what_they_are),
        cmocka_unit_test(urls_are_origins_or_sockets),
        cmocka_unit_test(distance_counts_letters),
        cmocka_unit_test(only_a_close_word_is_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
