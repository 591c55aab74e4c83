#include "tests/support/unit.h"

#include "gateway/sso/forward.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define FIELD(n, v)                                                                                                    \
    {                                                                                                                  \
        GW_STR_INIT(n), GW_STR_INIT(v)                                                                                 \
    }
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static const char *strip_list[] = {"Remote-User",    "X-Remote-User",      "X-Forwarded-User",
                                   "X-Real-IP",      "X-Forwarded-Prefix", "Forwarded",
                                   "X-Original-URL", "X-Rewrite-URL",      "Proxy"};

static struct config_sso_face face_make(void)
{
    return (struct config_sso_face){.strip_request_headers = strip_list,
                                    .strip_request_header_count = COUNT(strip_list),
                                    .forwarded = {.for_on = true, .proto_on = true, .host_on = true}};
}

/* The fields as the lines of a head. */
static const char *lines_of(struct gw_arena *arena, const struct http_field *fields, size_t count)
{
    struct gw_str text = GW_STR("");
    for (size_t i = 0; i < count; i++)
        text = gw_arena_printf(arena, "%.*s%.*s: %.*s\n", GW_STR_ARG(text), GW_STR_ARG(fields[i].name),
                               GW_STR_ARG(fields[i].value));
    return gw_arena_cstr(arena, text);
}

static const char *forwarded(struct gw_arena *arena, const struct config_sso_face *face, struct http_field *fields,
                             size_t count, struct sso_forward_peer peer)
{
    struct sso_forward_rules rules;
    sso_forward_rules_init(&rules, arena, face);
    struct http_request request = {.fields = fields,
                                   .field_count = count,
                                   .authority = GW_STR("wiki.example.com"),
                                   .tls = true,
                                   .local_port = 8443};
    size_t made;
    struct http_field *out = sso_forward_fields(&rules, &request, &peer, arena, &made);
    return lines_of(arena, out, made);
}

static const struct sso_forward_peer stranger = {.address = GW_STR_INIT("192.0.2.7")};
static const struct sso_forward_peer proxy = {.address = GW_STR_INIT("10.0.0.1"), .is_trusted = true};

#define OURS "X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https\nX-Forwarded-Host: wiki.example.com\n"

static void everything_else_keeps_order_case_and_repetition(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct config_sso_face face = face_make();
    struct http_field fields[] = {FIELD("hOST", "wiki.example.com"),
                                  FIELD("Cookie", "a=1"),
                                  FIELD("X-HTTP-Method-Override", "PUT"),
                                  FIELD("cookie", "b=2"),
                                  FIELD("Under_Score", "x"),
                                  FIELD("X-Forwarded", "kept"),
                                  FIELD("Empty", "")};
    assert_string_equal(forwarded(&arena, &face, fields, COUNT(fields), stranger),
                        "hOST: wiki.example.com\nCookie: a=1\nX-HTTP-Method-Override: PUT\ncookie: b=2\n"
                        "Under_Score: x\nX-Forwarded: kept\nEmpty: \n" OURS);
}

/* A8, CVE-2025-64484 */
static void a8_spoofed_identity_and_forwarding_headers_are_gone_in_every_spelling(void **state)
{
    (void)state;
    static const char *const spoofed[] = {
        "Remote-User",       "remote_user",
        "REMOTE.USER",       "X-Remote-User",
        "X_Remote_User",     "X-Forwarded-User",
        "x-forwarded_user",  "X-Real-IP",
        "X_Real-Ip",         "X-Forwarded-Prefix",
        "Forwarded",         "X-Original-URL",
        "X-Rewrite-Url",     "Proxy",
        "X-Forwarded-For",   "X_Forwarded_For",
        "x.forwarded.proto", "X-Forwarded_Host",
        "X-Forwarded-Port",  "X-FORWARDED-PROTO",
        "X-Forwarded-Host",  "X_FORWARDED_PORT",
        "X-Secret-Identity", "x_secret.identity",
    };
    struct config_identity identity = {.kind = CONFIG_IDENTITY_HEADER, .header_name = "X-Secret-Identity"};
    struct config_sso_face face = face_make();
    face.identities = &identity;
    face.identity_count = 1;
    for (size_t i = 0; i < COUNT(spoofed); i++) {
        GW_ARENA_SCOPED(arena);
        struct http_field fields[] = {{gw_str_from(spoofed[i]), GW_STR("evil")}};
        assert_string_equal(forwarded(&arena, &face, fields, 1, stranger), OURS);
    }
}

static void a_trusted_proxy_keeps_its_own_and_gets_its_address_appended(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct config_sso_face face = face_make();
    struct http_field fields[] = {FIELD("X-Forwarded-For", "198.51.100.1"), FIELD("x-forwarded-for", "198.51.100.2"),
                                  FIELD("X-Forwarded-Proto", "http"), FIELD("X_Forwarded_Host", "evil")};
    assert_string_equal(forwarded(&arena, &face, fields, COUNT(fields), proxy),
                        "X-Forwarded-For: 198.51.100.1, 198.51.100.2, 10.0.0.1\nX-Forwarded-Proto: http\n"
                        "X-Forwarded-Host: wiki.example.com\n");
}

static void what_is_switched_off_is_neither_made_nor_believed(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct config_sso_face face = face_make();
    face.forwarded = (struct config_forwarded){.port_on = true};
    struct http_field fields[] = {FIELD("X-Forwarded-For", "198.51.100.1"), FIELD("X-Forwarded-Host", "evil")};
    assert_string_equal(forwarded(&arena, &face, fields, COUNT(fields), stranger), "X-Forwarded-Port: 8443\n");
    assert_string_equal(forwarded(&arena, &face, fields, COUNT(fields), proxy),
                        "X-Forwarded-For: 198.51.100.1\nX-Forwarded-Host: evil\nX-Forwarded-Port: 8443\n");
}

static void a_peer_without_an_address_is_not_named(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct config_sso_face face = face_make();
    struct sso_forward_peer local = {.address = GW_STR("unix")};
    assert_string_equal(forwarded(&arena, &face, NULL, 0, local),
                        "X-Forwarded-Proto: https\nX-Forwarded-Host: wiki.example.com\n");
}

static void a_mapped_address_is_named_plainly(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct config_sso_face face = face_make();
    face.forwarded = (struct config_forwarded){.for_on = true};
    struct sso_forward_peer mapped = {.address = GW_STR("::ffff:192.0.2.7")}, v6 = {.address = GW_STR("2001:db8::1")};
    assert_string_equal(forwarded(&arena, &face, NULL, 0, mapped), "X-Forwarded-For: 192.0.2.7\n");
    assert_string_equal(forwarded(&arena, &face, NULL, 0, v6), "X-Forwarded-For: 2001:db8::1\n");
}

static void the_identity_header_does_not_leave_in_the_answer(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct config_identity identity = {.kind = CONFIG_IDENTITY_HEADER, .header_name = "X-Remote-User"};
    struct config_sso_face face = face_make();
    face.identities = &identity;
    face.identity_count = 1;
    struct sso_forward_rules rules;
    sso_forward_rules_init(&rules, &arena, &face);
    struct http_field fields[] = {FIELD("Server", "app"), FIELD("x-remote-user", "alice"), FIELD("X", "y")};
    struct http_answer answer = {.status = 200, .fields = fields, .field_count = COUNT(fields)};
    sso_forward_answer(&rules, &answer);
    assert_string_equal(lines_of(&arena, answer.fields, answer.field_count), "Server: app\nX: y\n");
}

static void only_listed_peers_are_trusted(void **state)
{
    (void)state;
    struct config_cidr ranges[] = {{.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 0}, .bits = 104}};
    struct config_sso_face face = {.trusted_proxies = ranges, .trusted_proxy_count = 1};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr), 1);
    assert_true(sso_forward_peer_is_trusted(&face, (struct sockaddr *)&v4));
    assert_int_equal(inet_pton(AF_INET, "11.1.2.3", &v4.sin_addr), 1);
    assert_false(sso_forward_peer_is_trusted(&face, (struct sockaddr *)&v4));
    struct sockaddr local = {.sa_family = AF_UNIX};
    assert_false(sso_forward_peer_is_trusted(&face, &local));
    face.trusted_proxy_count = 0;
    assert_false(sso_forward_peer_is_trusted(&face, (struct sockaddr *)&v4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_else_keeps_order_case_and_repetition),
        cmocka_unit_test(a8_spoofed_identity_and_forwarding_headers_are_gone_in_every_spelling),
        cmocka_unit_test(a_trusted_proxy_keeps_its_own_and_gets_its_address_appended),
        cmocka_unit_test(what_is_switched_off_is_neither_made_nor_believed),
        cmocka_unit_test(a_peer_without_an_address_is_not_named),
        cmocka_unit_test(a_mapped_address_is_named_plainly),
        cmocka_unit_test(the_identity_header_does_not_leave_in_the_answer),
        cmocka_unit_test(only_listed_peers_are_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
