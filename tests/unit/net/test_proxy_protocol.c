/* The PROXY protocol header, alone and in front of a connection; security.md C2. */
#include "gateway/net/proxy_protocol.h"
#include "tests/unit/http/http_lab.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define INET "\xc0\0\2\1\xc6\x33\x64\1\xc8\x22\1\xbb" /* 192.0.2.1:51234 to 198.51.100.1:443 */
#define INET6 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\xc8\x22\1\xbb"
#define BYTES(literal) GW_STR_INIT(literal)
#define TEN "1234567890"
#define NINETY TEN TEN TEN TEN TEN TEN TEN TEN TEN

struct row {
    struct gw_str input;
    enum net_proxy_result result;
    size_t size;
    const char *peer; /* NULL: the connection's own */
    uint16_t port;
};

static const struct row rows[] = {
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\r\nGET /"), NET_PROXY_DONE, 45, "192.0.2.1", 51234},
    {BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), NET_PROXY_DONE, 56, "255.255.255.255", 65535},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 0 0\r\n"), NET_PROXY_DONE, 39, "192.0.2.1", 0},
    {BYTES("PROXY TCP6 2001:db8::1 ::1 1 2\r\n"), NET_PROXY_DONE, 32, "2001:db8::1", 1},
    {BYTES("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), NET_PROXY_DONE, 37, "::ffff:192.0.2.1", 1},
    {BYTES("PROXY UNKNOWN\r\n"), NET_PROXY_DONE, 15, NULL, 0},
    {BYTES("PROXY UNKNOWN ffff:: whatever 70000\r\n"), NET_PROXY_DONE, 37, NULL, 0},
    {BYTES(V2 "\x21\x11\0\x0c" INET), NET_PROXY_DONE, 28, "192.0.2.1", 51234},
    {BYTES(V2 "\x21\x11\0\x14" INET "\3\0\4abcd\4"
              "GET /"),
     NET_PROXY_DONE, 36, "192.0.2.1", 51234},
    {BYTES(V2 "\x21\x21\0\x24" INET6 "\x16\3\1"), NET_PROXY_DONE, 52, "2001:db8::1", 51234},
    {BYTES(V2 "\x20\0\0\0"), NET_PROXY_DONE, 16, NULL, 0},
    {BYTES(V2 "\x20\x11\0\x0c" INET), NET_PROXY_DONE, 28, NULL, 0},
    {BYTES(V2 "\x20\xff\0\2xx"), NET_PROXY_DONE, 18, NULL, 0}, /* of LOCAL all the rest is ignored */
    {BYTES(V2 "\x21\0\0\3xyz"), NET_PROXY_DONE, 19, NULL, 0},
    {BYTES(V2 "\x21\1\0\0"), NET_PROXY_DONE, 16, NULL, 0},
    {BYTES(""), NET_PROXY_MORE, 0, NULL, 0},
    {BYTES("P"), NET_PROXY_MORE, 0, NULL, 0},
    {BYTES("PROXY "), NET_PROXY_MORE, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\r"), NET_PROXY_MORE, 0, NULL, 0},
    {BYTES("\r\n\r\n"), NET_PROXY_MORE, 0, NULL, 0},
    {BYTES(V2 "\x21\x11\0\x0c"
              "\xc0\0\2"),
     NET_PROXY_MORE, 0, NULL, 0},
    {BYTES("GET / HTTP/1.1\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("\x16\3\1"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("\r\n\r\n\1"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY \r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 ::1 ::1 1 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 host.test 198.51.100.1 1 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2.1\0 198.51.100.1 1 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 -1 2\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1 \r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY UNKNOWN " NINETY "1\r\n"), NET_PROXY_DONE, 107, NULL, 0},
    {BYTES("PROXY UNKNOWN " NINETY "12\r\n"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES("PROXY UNKNOWN " NINETY "123"), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES(V2 "\x11\x11\0\x0c" INET), NET_PROXY_BAD, 0, NULL, 0}, /* version 1 */
    {BYTES(V2 "\x22\x11\0\x0c" INET), NET_PROXY_BAD, 0, NULL, 0}, /* an unknown command */
    {BYTES(V2 "\x21\x12\0\x0c" INET), NET_PROXY_BAD, 0, NULL, 0}, /* datagrams */
    {BYTES(V2 "\x21\x10\0\x0c" INET), NET_PROXY_BAD, 0, NULL, 0}, /* a family without a transport */
    {BYTES(V2 "\x21\x41\0\x0c" INET), NET_PROXY_BAD, 0, NULL, 0}, /* an unknown family */
    {BYTES(V2 "\x21\x11\0\x0b" INET), NET_PROXY_BAD, 0, NULL, 0}, /* too short for its family */
    {BYTES(V2 "\x21\x21\0\x0c" INET), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES(V2 "\x21\x31\0\x0c" INET), NET_PROXY_BAD, 0, NULL, 0},
    {BYTES(V2 "\x21\x11\x40\x01"), NET_PROXY_BAD, 0, NULL, 0}, /* longer than the cap */
};

static void headers_are_read_strictly_and_alike_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct net_proxy_header header;
        enum net_proxy_result result = NET_PROXY_MORE;
        for (size_t len = 0; len <= row->input.len && result == NET_PROXY_MORE; len++)
            result = net_proxy_read(gw_str_n(row->input.ptr, len), &header);
        if (result != row->result)
            print_error("row %zu: %.*s\n", i, GW_STR_ARG(row->input));
        assert_int_equal(result, row->result);
        assert_int_equal(net_proxy_read(row->input, &header), row->result);
        if (result != NET_PROXY_DONE)
            continue;
        assert_int_equal(header.size, row->size);
        assert_int_equal(header.has_peer, row->peer != NULL);
        char text[INET6_ADDRSTRLEN] = "";
        if (row->peer != NULL && header.peer.ss_family == AF_INET) {
            const struct sockaddr_in *peer = (const struct sockaddr_in *)&header.peer;
            inet_ntop(AF_INET, &peer->sin_addr, text, sizeof text);
            assert_int_equal(ntohs(peer->sin_port), row->port);
        } else if (row->peer != NULL) {
            const struct sockaddr_in6 *peer = (const struct sockaddr_in6 *)&header.peer;
            inet_ntop(AF_INET6, &peer->sin6_addr, text, sizeof text);
            assert_int_equal(ntohs(peer->sin6_port), row->port);
        }
        assert_string_equal(text, row->peer != NULL ? row->peer : "");
    }
}

static void an_address_of_a_unix_socket_is_skipped(void **state)
{
    (void)state;
    char bytes[16 + 216] = V2 "\x21\x31\0\xd8/run/x";
    struct net_proxy_header header;
    assert_int_equal(net_proxy_read(gw_str_n(bytes, sizeof bytes - 1), &header), NET_PROXY_MORE);
    assert_int_equal(net_proxy_read(gw_str_n(bytes, sizeof bytes), &header), NET_PROXY_DONE);
    assert_int_equal(header.size, sizeof bytes);
    assert_false(header.has_peer);
}

/* --- in front of a connection ----------------------------------------------------------------------------------- */

static bool everybody(const struct sockaddr *peer, void *data)
{
    (void)data;
    return peer->sa_family == AF_INET;
}

static bool nobody(const struct sockaddr *peer, void *data)
{
    (void)peer;
    (void)data;
    return false;
}

/* All but 192.0.2.66. */
static bool all_but_one(const struct sockaddr *peer, void *data)
{
    (void)data;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
    return peer->sa_family != AF_INET || v4->sin_addr.s_addr != inet_addr("192.0.2.66");
}

static struct lab *new_lab(bool (*may_tell_peer)(const struct sockaddr *peer, void *data))
{
    struct lab *lab = calloc(1, sizeof *lab);
    lab_init(lab);
    lab->may_tell_peer = may_tell_peer;
    lab->allow = all_but_one;
    lab->limits.head_ms = 1500;
    lab_start(lab);
    return lab;
}

static int setup(void **state)
{
    *state = new_lab(everybody);
    return 0;
}

static int setup_unlisted(void **state)
{
    *state = new_lab(nobody);
    return 0;
}

static void the_peer_is_who_the_header_tells(void **state)
{
    struct lab *lab = *state;
    static const struct {
        struct gw_str header;
        const char *seen;
    } told[] = {
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\r\n"), "192.0.2.1"},
        {BYTES(V2 "\x21\x21\0\x24" INET6), "2001:db8::1"},
        {BYTES(V2 "\x20\0\0\0"), "127.0.0.1"},
        {BYTES("PROXY UNKNOWN\r\n"), "127.0.0.1"},
    };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        for (int in_pieces = 0; in_pieces < 2; in_pieces++) {
            int client = lab_connect(lab);
            size_t first = in_pieces ? told[i].header.len / 2 : 0;
            lab_send_n(client, told[i].header.ptr, first);
            lab_send_n(client, told[i].header.ptr + first, told[i].header.len - first);
            lab_send(client, "GET /own HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            int app = lab_accept(lab);
            char head[1024], wanted[128];
            lab_read_head(app, head, sizeof head);
            (void)snprintf(wanted, sizeof wanted, "\r\nX-Forwarded-For: %s\r\n", told[i].seen);
            assert_non_null(strstr(head, wanted));
            lab_send(app, "HTTP/1.1 204 No\r\nConnection: close\r\n\r\n");
            lab_expect(client, "HTTP/1.1 204 No\r\n");
            close(client);
            close(app);
        }
    }
}

static void a_connection_without_a_good_header_never_reaches_a_face(void **state)
{
    struct lab *lab = *state;
    static const struct gw_str bad[] = {
        BYTES("GET /local HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 51234\r\nGET /local HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES(V2 "\x21\x11\0\x04" INET "GET /local HTTP/1.1\r\nHost: a\r\n\r\n"),
        /* a good header, of an address that may not come */
        BYTES("PROXY TCP4 192.0.2.66 198.51.100.1 51234 443\r\nGET /local HTTP/1.1\r\nHost: a\r\n\r\n"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int client = lab_connect(lab);
        lab_send_n(client, bad[i].ptr, bad[i].len);
        lab_expect_gone(client);
        close(client);
    }
    assert_int_equal(atomic_load(&lab->requests), 0);
}

static void c2_a_header_that_does_not_end_is_ended(void **state)
{
    struct lab *lab = *state;
    int silent = lab_connect(lab), half = lab_connect(lab), slow_head = lab_connect(lab);
    lab_send(half, "PROXY TCP4 192.0.2.1");
    lab_send(slow_head, "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n");
    lab_expect_gone(silent);
    lab_expect_gone(half);
    lab_expect(slow_head, "HTTP/1.1 408 ");
    close(silent);
    close(half);
    close(slow_head);
}

static void a_peer_that_is_not_listed_is_closed_before_it_says_anything(void **state)
{
    struct lab *lab = *state;
    int client = lab_connect(lab);
    lab_expect_gone(client);
    close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read_strictly_and_alike_in_pieces),
        cmocka_unit_test(an_address_of_a_unix_socket_is_skipped),
        cmocka_unit_test_setup_teardown(the_peer_is_who_the_header_tells, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(a_connection_without_a_good_header_never_reaches_a_face, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(c2_a_header_that_does_not_end_is_ended, setup, lab_tear_down),
        cmocka_unit_test_setup_teardown(a_peer_that_is_not_listed_is_closed_before_it_says_anything, setup_unlisted,
                                        lab_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
