/* The pure parts of the HTTP/2 codec: the budget of what costs the peer nothing, and one header block. */
#include "gateway/http/http2_budget.h"
#include "gateway/http/http2_head.h"
#include "tests/support/unit.h"

#include <nghttp2/nghttp2.h>

static void a_bucket_gives_its_burst_then_its_rate(void **state)
{
    (void)state;
    struct http2_bucket bucket;
    http2_bucket_init(&bucket, 3, 10, 1000);
    for (int i = 0; i < 3; i++)
        assert_true(http2_bucket_take(&bucket, 1000));
    assert_false(http2_bucket_take(&bucket, 1000));
    assert_false(http2_bucket_take(&bucket, 1099));
    assert_true(http2_bucket_take(&bucket, 1100));
    assert_false(http2_bucket_take(&bucket, 1000)); /* a clock that went back gives nothing */
    assert_true(http2_bucket_take(&bucket, 9999999));
    assert_true(http2_bucket_take(&bucket, 9999999));
    assert_true(http2_bucket_take(&bucket, 9999999));
    assert_false(http2_bucket_take(&bucket, 9999999)); /* never more than the burst */
    http2_bucket_earn(&bucket, 999);
    assert_false(http2_bucket_take(&bucket, 9999999));
    http2_bucket_earn(&bucket, 1);
    assert_true(http2_bucket_take(&bucket, 9999999));
}

/* The preface, SETTINGS, HEADERS with two CONTINUATIONs, DATA, empty DATA, PING, an unknown frame. */
static const char stream[] = NGHTTP2_CLIENT_MAGIC "\0\0\0\4\0\0\0\0\0"
                                                  "\0\0\2\1\1\0\0\0\1ab"
                                                  "\0\0\1\x9\0\0\0\0\1c"
                                                  "\0\0\1\x9\4\0\0\0\1d"
                                                  "\0\0\3\0\0\0\0\0\1efg"
                                                  "\0\0\0\0\0\0\0\0\1"
                                                  "\0\0\x8\6\0\0\0\0\0"
                                                  "12345678"
                                                  "\0\0\1\x77\0\0\0\0\0x"
                                                  "\0\0\0\0\1\0\0\0\1";

static uint64_t taken(const struct http2_meter *meter)
{
    return (meter->chatter.cap_milli - meter->chatter.level_milli) / 1000;
}

static void frames_are_counted_alike_however_they_are_cut(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < sizeof stream; piece++) {
        struct http2_meter meter;
        http2_meter_init(&meter, 0);
        for (size_t at = 0; at < sizeof stream - 1; at += piece) {
            size_t left = sizeof stream - 1 - at;
            assert_true(http2_meter_read(&meter, gw_str_n(stream + at, left < piece ? left : piece), 0));
        }
        assert_int_equal(taken(&meter), 4); /* SETTINGS, empty DATA, PING, the unknown one */
        assert_false(http2_meter_is_inside(&meter));
    }
}

static void what_has_begun_and_not_ended_is_known_with_its_time(void **state)
{
    (void)state;
    struct http2_meter meter;
    http2_meter_init(&meter, 5);
    assert_true(http2_meter_is_inside(&meter)); /* the preface */
    assert_true(http2_meter_read(&meter, gw_str_n(stream, 24), 10));
    assert_false(http2_meter_is_inside(&meter));
    assert_true(http2_meter_read(&meter, gw_str_n(stream + 24, 9 + 11), 20)); /* HEADERS without an end */
    assert_true(http2_meter_is_inside(&meter));
    assert_int_equal(meter.since_ms, 20);
    assert_true(http2_meter_read(&meter, gw_str_n(stream + 44, 10), 30)); /* a CONTINUATION is no new beginning */
    assert_true(http2_meter_is_inside(&meter));
    assert_int_equal(meter.since_ms, 20);
    assert_true(http2_meter_read(&meter, gw_str_n(stream + 54, 10), 40));
    assert_false(http2_meter_is_inside(&meter));
}

static void add(struct http2_head *head, const char *name, const char *value)
{
    assert_true(http2_head_add(head, gw_str_from(name), gw_str_from(value)));
}

static void begin(struct http2_head *head)
{
    http2_head_clear(head);
    add(head, ":method", "GET");
    add(head, ":scheme", "https");
    add(head, ":path", "/p?q");
    add(head, ":authority", "a:8443");
}

static void a_head_becomes_a_request(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct http2_head head;
    struct http_request request;
    struct http_request_facts facts;
    struct gw_error err;
    http2_head_init(&head);
    begin(&head);
    add(&head, "cookie", "a=1");
    add(&head, "x", "");
    add(&head, "cookie", "");
    add(&head, "cookie", "b=2");
    assert_int_equal(http2_head_read(&head, true, false, &arena, &request, &facts, &err), GW_OK);
    assert_str_equal(request.method, "GET");
    assert_str_equal(request.target, "/p?q");
    assert_str_equal(request.path, "/p");
    assert_str_equal(request.query, "q");
    assert_str_equal(request.authority, "a:8443");
    assert_int_equal(request.version, 20);
    assert_int_equal(request.body_kind, HTTP_BODY_NONE);
    assert_int_equal(request.field_count, 3);
    assert_str_equal(request.fields[0].name, "host");
    assert_str_equal(request.fields[0].value, "a:8443");
    assert_str_equal(request.fields[1].name, "cookie");
    assert_str_equal(request.fields[1].value, "a=1; ; b=2");
    assert_str_equal(request.fields[2].name, "x");
    /* What lies in the request outlives the block it came in. */
    http2_head_done(&head);
    assert_str_equal(request.fields[1].value, "a=1; ; b=2");
}

static enum gw_code read_with(int fields, int crumbs, size_t value_bytes, bool *ret_is_calm)
{
    GW_ARENA_SCOPED(arena);
    static char value[300000];
    struct http2_head head;
    struct http_request request;
    struct http_request_facts facts;
    memset(value, 'v', sizeof value);
    http2_head_init(&head);
    begin(&head);
    bool is_calm = true;
    for (int i = 0; i < fields && is_calm; i++)
        is_calm = http2_head_add(&head, GW_STR("x"), gw_str_n(value, value_bytes));
    for (int i = 0; i < crumbs && is_calm; i++)
        is_calm = http2_head_add(&head, GW_STR("cookie"), gw_str_n(value, value_bytes));
    enum gw_code code = http2_head_read(&head, true, false, &arena, &request, &facts, NULL);
    http2_head_done(&head);
    *ret_is_calm = is_calm;
    return code;
}

struct size_row {
    int fields, crumbs;
    size_t value_bytes;
    enum gw_code code;
    bool is_calm;
};

static void fields_crumbs_and_bytes_have_caps(void **state)
{
    (void)state;
    static const struct size_row rows[] = {
        {100, 0, 1, GW_OK, true},
        {101, 0, 1, GW_E_HEAD_TOO_LARGE, true},
        {99, 500, 1, GW_OK, true}, /* crumbs are one field */
        {100, 1, 1, GW_E_HEAD_TOO_LARGE, true},
        {0, 501, 1, GW_E_HEAD_TOO_LARGE, true},
        {1, 0, 65000, GW_OK, true},
        {1, 0, 65536, GW_E_HEAD_TOO_LARGE, true},
        {60, 0, 1000, GW_OK, true},
        {70, 0, 1000, GW_E_HEAD_TOO_LARGE, true},
        {300, 0, 1000, GW_E_HEAD_TOO_LARGE, false},
        {1, 0, 262144, GW_OK, false}, /* not kept at all: the connection ends */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool is_calm = false;
        enum gw_code code = read_with(rows[i].fields, rows[i].crumbs, rows[i].value_bytes, &is_calm);
        assert_int_equal(code, rows[i].code);
        assert_int_equal(is_calm, rows[i].is_calm);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_gives_its_burst_then_its_rate),
        cmocka_unit_test(frames_are_counted_alike_however_they_are_cut),
        cmocka_unit_test(what_has_begun_and_not_ended_is_known_with_its_time),
        cmocka_unit_test(a_head_becomes_a_request),
        cmocka_unit_test(fields_crumbs_and_bytes_have_caps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
