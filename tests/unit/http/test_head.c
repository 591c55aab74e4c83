/* The rules for heads, case by case; numbers are those of security.md A and J. */
#include "gateway/http/head.h"

#include "gateway/base/buf.h"
#include "tests/support/unit.h"

/* Scans and parses; pieces of one byte and all at once must agree. */
static enum gw_code parse(struct gw_arena *arena, struct gw_str input, struct http_request *request,
                          struct http_request_facts *facts)
{
    struct http_head_scan whole = {0}, slow = {0};
    size_t bytes = 0, slow_bytes = 0;
    struct gw_error err;
    enum gw_code code = http_head_scan(&whole, input, &bytes, &err), slow_code = GW_OK;
    for (size_t i = 1; i <= input.len && slow_code == GW_OK && slow_bytes == 0; i++)
        slow_code = http_head_scan(&slow, gw_str_n(input.ptr, i), &slow_bytes, &err);
    assert_int_equal(code, slow_code);
    assert_int_equal(bytes, slow_bytes);
    if (code != GW_OK)
        return code;
    if (bytes == 0)
        return GW_E_INTERNAL; /* not complete */
    return http_request_head_parse(gw_str_n(input.ptr + whole.blank, bytes - whole.blank), arena, request, facts, &err);
}

#define H "Host: a\r\n"
#define CASE(text, code)                                                                                               \
    {                                                                                                                  \
        GW_STR_INIT(text), code                                                                                        \
    }

static const struct {
    struct gw_str head;
    enum gw_code code;
} requests[] = {
    /* A1: framing */
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", GW_OK),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length:5\r\n\r\n", GW_OK),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 999999999999999999\r\n\r\n", GW_OK),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\ncontent-length: 1\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 5 5\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 05\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 5 \r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 5\t\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length:\t5\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: \r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 5.0\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: \"5\"\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 5\v\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: \xef\xbc\x95\r\n\r\n", GW_E_BAD_REQUEST),
    /* A2: transfer codings */
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", GW_OK),
    CASE("POST / HTTP/1.1\r\n" H "transfer-encoding:chunked\r\n\r\n", GW_OK),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\tchunked\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked \r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \vchunked\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer_Encoding: chunked\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "Transfer.Encoding: chunked\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "content_length: 5\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("POST / HTTP/1.1\r\n" H "X-Content_Length: 5\r\nX_Y: 1\r\nX.Z: 1\r\n\r\n", GW_OK),
    /* A3: fields */
    CASE("GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n " H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X : a\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X\t: a\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H ": a\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X(a): 1\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X\"a: 1\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X\xc3\xa4: 1\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X\0: 1\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X: a\x01\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X: a\nY: b\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\nHost: a\n\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X: a\r\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "X:\r\nY:  a\t b \t\r\nZ: \xff\xfe\r\n\r\n", GW_OK),
    CASE("GET / HTTP/1.1\r\n" H "!#$%&'*+-.^_`|~09azAZ: 1\r\n\r\n", GW_OK),
    /* A5: hosts and targets */
    CASE("GET / HTTP/1.1\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.0\r\n\r\n", GW_OK),
    CASE("GET / HTTP/1.1\r\n" H H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.0\r\n" H "host: b\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost:\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: a:\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: a:080808\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: :80\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: [x]\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: a%2eb\r\n\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\nHost: a_b-c.d~e:65535\r\n\r\n", GW_OK),
    CASE("GET / HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n", GW_OK),
    CASE("GET http://a/ HTTP/1.1\r\n" H "\r\n", GW_OK),
    CASE("GET HTTP://A HTTP/1.1\r\n" H "\r\n", GW_OK),
    CASE("GET http://b/ HTTP/1.1\r\n" H "\r\n", GW_E_MISDIRECTED),
    CASE("GET http://a:81/ HTTP/1.1\r\n" H "\r\n", GW_E_MISDIRECTED),
    CASE("GET http://u@a/ HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET http:///x HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET http://a?x HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET ftp://a/ HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET a:80 HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET x HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET ?x HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET * HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("OPTIONS * HTTP/1.1\r\n" H "\r\n", GW_OK),
    CASE("CONNECT a:80 HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("CONNECT / HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1\r\n" H "Connection: a,b,c,d,e,f,g,h\r\nConnection: close, TE\r\n\r\n", GW_OK),
    CASE("GET / HTTP/1.1\r\n" H "Connection: ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\r\n\r\n", GW_E_BAD_REQUEST),
    /* A6: odd paths pass */
    CASE("GET //a/./../%2e%2e/%2F;x=1/\\|{}^`<>\"'%zz%00%?? HTTP/1.1\r\n" H "\r\n", GW_OK),
    CASE("GET /\xc3\xa4\xff HTTP/1.1\r\n" H "\r\n", GW_OK),
    CASE("GET /a#b HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET /a\tb HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET /a\x7f HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET /a\0b HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    /* A7: methods and versions */
    CASE("PROPFIND / HTTP/1.1\r\n" H "\r\n", GW_OK),
    CASE("m-search / HTTP/1.1\r\n" H "\r\n", GW_OK),
    CASE("G(T / HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("G\xc3\xa4T / HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE(" / HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET  / HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET / x HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET /  HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.1 \r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET\t/ HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET /\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET / http/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1,1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/11\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.10\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("GET / HTTP/1.2\r\n" H "\r\n", GW_E_HTTP_VERSION),
    CASE("GET / HTTP/0.9\r\n" H "\r\n", GW_E_HTTP_VERSION),
    CASE("GET / HTTP/2.0\r\n" H "\r\n", GW_E_HTTP_VERSION),
    CASE("PRI * HTTP/2.0\r\n\r\n", GW_E_HTTP_VERSION),
    CASE("\r\nGET / HTTP/1.1\r\n" H "\r\n", GW_OK),
    CASE("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
    CASE("\nGET / HTTP/1.1\r\n" H "\r\n", GW_E_BAD_REQUEST),
};

static void requests_are_judged_by_the_letter(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        GW_ARENA_SCOPED(arena);
        struct http_request request;
        struct http_request_facts facts;
        enum gw_code code = parse(&arena, requests[i].head, &request, &facts);
        if (code != requests[i].code)
            fail_msg("case %zu (%s): %s", i, requests[i].head.ptr, gw_code_name(code));
    }
}

static void a_request_is_taken_apart_without_changing_it(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct http_request request;
    struct http_request_facts facts;
    assert_int_equal(parse(&arena,
                           GW_STR("GET /a;b?c=d?e HTTP/1.1\r\nhOsT: App.test:81\r\nX:  y z \t\r\nX: \r\n"
                                  "TE: gzip, trailers\r\nConnection: TE , Upgrade,x\r\nUpgrade: websocket\r\n\r\n"),
                           &request, &facts),
                     GW_OK);
    assert_str_equal(request.method, "GET");
    assert_str_equal(request.target, "/a;b?c=d?e");
    assert_str_equal(request.path, "/a;b");
    assert_str_equal(request.query, "c=d?e");
    assert_str_equal(request.authority, "App.test:81");
    assert_int_equal(request.field_count, 6);
    assert_str_equal(request.fields[0].name, "hOsT");
    assert_str_equal(request.fields[1].value, "y z");
    assert_str_equal(request.fields[2].value, "");
    assert_true(request.is_upgrade && facts.te_trailers && facts.connection.nominates);
    assert_false(facts.connection.close || request.is_head || request.expects_continue);
    assert_int_equal(request.body_kind, HTTP_BODY_NONE);
}

static void an_absolute_target_of_our_own_is_reduced(void **state)
{
    (void)state;
    static const struct {
        const char *target, *reduced;
    } cases[] = {{"http://a", "/"}, {"https://A/x?y", "/x?y"}, {"http://a//b", "//b"}};
    for (size_t i = 0; i < 3; i++) {
        GW_ARENA_SCOPED(arena);
        struct http_request request;
        struct http_request_facts facts;
        struct gw_str head = gw_arena_printf(&arena, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].target);
        assert_int_equal(parse(&arena, head, &request, &facts), GW_OK);
        assert_str_equal(request.target, cases[i].reduced);
    }
}

/* RFC 9112 section 3.2.2, RFC 3986 section 6.2.3 */
static void an_absolute_target_may_say_the_default_port_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *target, *host;
        enum gw_code code;
    } cases[] = {
        {"http://a.example:80/x", "a.example", GW_OK},
        {"http://a.example/x", "A.example:80", GW_OK},
        {"https://a.example:443/x", "a.example", GW_OK},
        {"http://[::1]:80/x", "[::1]", GW_OK},
        {"http://a.example.:80/x", "a.example.", GW_OK}, /* as with Host alone: which hosts are ours is the face's */
        {"http://a.example:8080/x", "a.example:8080", GW_OK},
        {"http://a.example./x", "a.example", GW_E_MISDIRECTED},
        {"http://a.example:443/x", "a.example", GW_E_MISDIRECTED},
        {"https://a.example:80/x", "a.example", GW_E_MISDIRECTED},
        {"http://a.example:080/x", "a.example", GW_E_MISDIRECTED},
        {"http://a.example:8080/x", "a.example", GW_E_MISDIRECTED},
        {"http://[::80]/x", "[::", GW_E_BAD_REQUEST},
        {"http://:80/x", "a.example", GW_E_BAD_REQUEST},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        GW_ARENA_SCOPED(arena);
        struct http_request request;
        struct http_request_facts facts;
        struct gw_str head =
            gw_arena_printf(&arena, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", cases[i].target, cases[i].host);
        enum gw_code code = parse(&arena, head, &request, &facts);
        if (code != cases[i].code)
            fail_msg("case %zu: %s", i, gw_code_name(code));
        if (code != GW_OK)
            continue;
        assert_str_equal(request.target, "/x");
        assert_str_equal(request.authority, cases[i].host);
    }
}

static void upgrades_to_http_2_or_behind_a_body_are_not_upgrades(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        bool is_upgrade;
    } cases[] = {
        {"Connection: Upgrade\r\nUpgrade: websocket\r\n", true},
        {"Connection: upgrade\r\nUpgrade: a, b/1\r\nContent-Length: 0\r\n", true},
        {"Upgrade: websocket\r\n", false},
        {"Connection: Upgrade\r\n", false},
        {"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n", false},
        {"Connection: Upgrade\r\nUpgrade: websocket, H2C\r\n", false},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n", false},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        GW_ARENA_SCOPED(arena);
        struct http_request request;
        struct http_request_facts facts;
        struct gw_str head = gw_arena_printf(&arena, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", cases[i].fields);
        assert_int_equal(parse(&arena, head, &request, &facts), GW_OK);
        assert_int_equal(request.is_upgrade, cases[i].is_upgrade);
    }
}

/* A9 */
static void heads_are_capped_in_fields_line_and_bytes(void **state)
{
    (void)state;
    static const struct {
        int fields, target, value;
        enum gw_code code;
    } cases[] = {
        {99, 1, 1, GW_OK},
        {100, 1, 1, GW_E_HEAD_TOO_LARGE},
        {0, 16384, 1, GW_OK},
        {0, 32 * 1024, 1, GW_E_URI_TOO_LONG},
        {0, 1, 60000, GW_OK},
        {0, 1, 65536, GW_E_HEAD_TOO_LARGE},
        {0, 100000, 1, GW_E_URI_TOO_LONG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        GW_ARENA_SCOPED(arena);
        GW_BUF_SCOPED(head, 1u << 20);
        gw_buf_add_lit(&head, "GET /");
        for (int k = 0; k < cases[i].target; k++)
            gw_buf_add_byte(&head, 'a');
        gw_buf_add_lit(&head, " HTTP/1.1\r\nHost: ");
        gw_buf_add_lit(&head, "a\r\n");
        for (int k = 0; k < cases[i].fields; k++)
            gw_buf_add_lit(&head, "X: 1\r\n");
        if (cases[i].value > 1) {
            gw_buf_add_lit(&head, "Y: ");
            for (int k = 0; k < cases[i].value; k++)
                gw_buf_add_byte(&head, 'a');
            gw_buf_add_lit(&head, "\r\n");
        }
        gw_buf_add_lit(&head, "\r\n");
        struct http_request request;
        struct http_request_facts facts;
        enum gw_code code = parse(&arena, gw_buf_str(&head), &request, &facts);
        if (code != cases[i].code)
            fail_msg("case %zu: %s", i, gw_code_name(code));
    }
}

/* --- answers ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *head;
    bool is_head_request;
    enum gw_code code;
    enum http_body_kind kind;
    uint64_t length;
    bool keeps;
} answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, GW_OK, HTTP_BODY_LENGTH, 5, true},
    {"HTTP/1.1 200 OK\r\nContent-Length:  5 \r\n\r\n", false, GW_OK, HTTP_BODY_LENGTH, 5, true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", false, GW_OK, HTTP_BODY_LENGTH, 5, false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", false, GW_OK, HTTP_BODY_LENGTH, 5, false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: Keep-Alive\r\n\r\n", false, GW_OK, HTTP_BODY_LENGTH, 5, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n", false, GW_OK, HTTP_BODY_CHUNKED, 0, true},
    {"HTTP/1.1 200 OK\r\n\r\n", false, GW_OK, HTTP_BODY_UNTIL_CLOSE, 0, false},
    {"HTTP/1.1 200\r\n\r\n", false, GW_OK, HTTP_BODY_UNTIL_CLOSE, 0, false},
    {"HTTP/1.1 200 \r\n\r\n", true, GW_OK, HTTP_BODY_NONE, 0, true},
    {"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", false, GW_OK, HTTP_BODY_NONE, 5, true},
    {"HTTP/1.1 304 \xc3\xa4\r\nContent-Length: 5\r\n\r\n", false, GW_OK, HTTP_BODY_NONE, 5, true},
    {"HTTP/1.1 103 Early\r\n\r\n", false, GW_OK, HTTP_BODY_NONE, 0, true},
    {"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", false, GW_OK, HTTP_BODY_LENGTH, 0, true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n", true, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\n X: a\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\n : a\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nX Y: a\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length : 5\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\ncontent-length\t: 5\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nContent-Length:\r\n 5\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n \r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\tchunked\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nTransfer_Encoding : chunked\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nX: a\r\n \x01\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 5\r\n\r\n", false, GW_OK, HTTP_BODY_LENGTH, 5, true},
    {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 5\r\n\r\n", false, GW_OK, HTTP_BODY_LENGTH, 5, true},
    {"HTTP/1.1 200 OK\r\nX: a\r\n Content-Length: 7\r\nContent-Length: 5\r\n\r\n", false, GW_OK, HTTP_BODY_LENGTH, 5,
     true},
    {"HTTP/1.1 200 O\x01K\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1  200 OK\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 2000 OK\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 +20 OK\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.1 099 OK\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"HTTP/1.2 200 OK\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"http/1.1 200 OK\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
    {"\r\n\r\n", false, GW_E_UPSTREAM, 0, 0, false},
};

static void answers_are_judged_by_the_letter(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        GW_ARENA_SCOPED(arena);
        struct http_answer answer;
        struct http_answer_facts facts;
        enum gw_code code = http_answer_head_parse(gw_str_from(answers[i].head), &arena, answers[i].is_head_request,
                                                   &answer, &facts, NULL);
        if (code != answers[i].code)
            fail_msg("case %zu: %s", i, gw_code_name(code));
        if (code != GW_OK)
            continue;
        assert_int_equal(facts.body_kind, answers[i].kind);
        assert_int_equal(facts.body_length, answers[i].length);
        assert_int_equal(facts.keeps_connection, answers[i].keeps);
    }
}

/* RFC 9112 section 5.1 and 5.2: what leaves is clean, and means the same. */
static void an_app_s_blanks_before_colons_and_folded_lines_are_mended(void **state)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n"
                               "A : one\r\n"
                               "B \t :two\r\n"
                               "C: three\r\n\tand\r\n  four\r\n"
                               "D:\r\n five\r\n \r\n"
                               "Set-Cookie : sid=1;\r\n Path=/\r\n"
                               "E: as : is\r\n\r\n";
    static const char *const expected[][2] = {
        {"A", "one"},    {"B", "two"}, {"C", "three  \tand    four"}, {"D", "five"}, {"Set-Cookie", "sid=1;   Path=/"},
        {"E", "as : is"}};
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct http_answer answer;
    struct http_answer_facts facts;
    assert_int_equal(http_answer_head_parse(GW_STR(head), &arena, false, &answer, &facts, NULL), GW_OK);
    assert_int_equal(answer.field_count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < answer.field_count; i++) {
        assert_str_equal(answer.fields[i].name, expected[i][0]);
        assert_str_equal(answer.fields[i].value, expected[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_judged_by_the_letter),
        cmocka_unit_test(a_request_is_taken_apart_without_changing_it),
        cmocka_unit_test(an_absolute_target_of_our_own_is_reduced),
        cmocka_unit_test(an_absolute_target_may_say_the_default_port_or_not),
        cmocka_unit_test(upgrades_to_http_2_or_behind_a_body_are_not_upgrades),
        cmocka_unit_test(heads_are_capped_in_fields_line_and_bytes),
        cmocka_unit_test(answers_are_judged_by_the_letter),
        cmocka_unit_test(an_app_s_blanks_before_colons_and_folded_lines_are_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
