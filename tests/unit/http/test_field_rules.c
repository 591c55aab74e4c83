#include "gateway/http/field_rules.h"
#include "tests/support/unit.h"

static void lists_are_read_by_element_without_case_and_parameters(void **state)
{
    (void)state;
    assert_true(http_list_has(GW_STR("a, Close ,b"), GW_STR("close")));
    assert_true(http_list_has(GW_STR("gzip;q=1 , trailers ;q=0.5"), GW_STR("TRAILERS")));
    assert_true(http_list_has(GW_STR(",,x"), GW_STR("x")));
    assert_false(http_list_has(GW_STR("closed, xclose, clo se"), GW_STR("close")));
    assert_false(http_list_has(GW_STR(""), GW_STR("close")));
}

static void hop_by_hop_names_are_known_in_any_case(void **state)
{
    (void)state;
    static const char *hop[] = {"Connection",        "KEEP-ALIVE", "Proxy-Connection", "te",
                                "Transfer-Encoding", "upgrade",    "HTTP2-Settings"};
    static const char *end_to_end[] = {"Trailer",      "Host", "Content-Length",
                                       "X-Connection", "Via",  "Proxy-Authorization"};
    for (size_t i = 0; i < sizeof hop / sizeof hop[0]; i++)
        assert_true(http_field_is_hop(gw_str_from(hop[i])));
    for (size_t i = 0; i < sizeof end_to_end / sizeof end_to_end[0]; i++)
        assert_false(http_field_is_hop(gw_str_from(end_to_end[i])));
}

static void spellings_of_framing_fields_are_traps(void **state)
{
    (void)state;
    static const char *traps[] = {"Content_Length", "content.length", "TRANSFER_ENCODING", "Transfer~Encoding"};
    static const char *others[] = {"Content-Length", "transfer-encoding", "Content_Type", "X_Content_Length",
                                   "ContentLength"};
    for (size_t i = 0; i < sizeof traps / sizeof traps[0]; i++)
        assert_true(http_field_mimics_framing(gw_str_from(traps[i])));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(http_field_mimics_framing(gw_str_from(others[i])));
}

static void what_frames_routes_or_authenticates_may_not_trail(void **state)
{
    (void)state;
    static const char *bad[] = {"Content-Length", "host",       "Transfer-Encoding", "Cookie",
                                "Authorization",  "Set-Cookie", "Trailer",           "Content_Length"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(http_field_may_trail(gw_str_from(bad[i])));
    assert_true(http_field_may_trail(GW_STR("Digest")));
    assert_true(http_field_may_trail(GW_STR("grpc-status")));
}

static void connection_options_are_read_over_all_lines(void **state)
{
    (void)state;
    struct http_field fields[] = {{GW_STR("Connection"), GW_STR("keep-alive, , TE")},
                                  {GW_STR("X"), GW_STR("close")},
                                  {GW_STR("connection"), GW_STR("UPGRADE")}};
    struct http_connection_options options;
    http_connection_options_read(fields, 3, &options);
    assert_true(options.keep_alive && options.te && options.upgrade);
    assert_false(options.close || options.nominates);
    fields[1].name = GW_STR("CONNECTION");
    fields[2].value = GW_STR("x-foo");
    http_connection_options_read(fields, 3, &options);
    assert_true(options.close && options.nominates);
    assert_false(options.upgrade);
}

static void only_what_a_peer_may_lose_is_droppable(void **state)
{
    (void)state;
    assert_true(http_field_is_droppable(GW_STR("X-Hop")));
    assert_false(http_field_is_droppable(GW_STR("HOST")));
    assert_false(http_field_is_droppable(GW_STR("Cookie")));
    assert_false(http_field_is_droppable(GW_STR("content-length")));
}

static void one_byte_that_no_value_may_hold_is_found_wherever_it_stands(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool is_legal = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        for (size_t len = 1; len <= 25; len++) {
            for (size_t at = 0; at < len; at++) {
                char value[25];
                memset(value, at % 2 == 0 ? 'a' : 0xff, sizeof value);
                value[at] = (char)byte;
                assert_int_equal(http_field_value_run(gw_str_n(value, len)), is_legal ? len : at);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_byte_that_no_value_may_hold_is_found_wherever_it_stands),
        cmocka_unit_test(lists_are_read_by_element_without_case_and_parameters),
        cmocka_unit_test(hop_by_hop_names_are_known_in_any_case),
        cmocka_unit_test(spellings_of_framing_fields_are_traps),
        cmocka_unit_test(what_frames_routes_or_authenticates_may_not_trail),
        cmocka_unit_test(connection_options_are_read_over_all_lines),
        cmocka_unit_test(only_what_a_peer_may_lose_is_droppable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
