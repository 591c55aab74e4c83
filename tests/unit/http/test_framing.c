/* RFC 9112 sections 6 and 7.1; security.md A4. */
#include "gateway/base/arena.h"
#include "gateway/base/buf.h"
#include "gateway/http/framing.h"
#include "tests/support/unit.h"

#include <stdio.h>

struct result {
    struct gw_buf body;
    char trailers[4096];
    size_t used;
    enum http_step_kind end;
};

/* Gives `input` in pieces of `piece` bytes, and takes at most `take` of each step. */
static void decode(enum http_body_kind kind, uint64_t length, struct gw_str input, size_t piece, size_t take,
                   struct result *result)
{
    struct http_framing framing;
    *result = (struct result){.body = GW_BUF_INIT(1u << 20)};
    http_framing_init(&framing, kind, length);
    size_t end = piece < input.len ? piece : input.len;
    for (;;) {
        struct http_framing_step step;
        http_framing_step(&framing, gw_str_n(input.ptr + result->used, end - result->used), &step);
        if (step.kind == HTTP_STEP_END && step.data.len < sizeof result->trailers)
            memcpy(result->trailers, step.data.ptr != NULL ? step.data.ptr : "", step.data.len);
        result->used += step.dropped;
        result->end = step.kind;
        if (step.kind == HTTP_STEP_DATA) {
            size_t size = step.data.len < take ? step.data.len : take;
            gw_buf_add(&result->body, gw_str_n(step.data.ptr, size));
            http_framing_take(&framing, size);
            result->used += size;
        } else if (step.kind != HTTP_STEP_MORE || end == input.len) {
            return;
        } else {
            end = input.len - end < piece ? input.len : end + piece;
        }
    }
}

static const struct {
    const char *input;
    enum http_step_kind end;
    const char *body;
    const char *trailers;
    const char *rest;
} chunked[] = {
    {"0\r\n\r\n", HTTP_STEP_END, "", "\r\n", ""},
    {"3\r\nabc\r\n0\r\n\r\nnext", HTTP_STEP_END, "abc", "\r\n", "next"},
    {"003\r\nabc\r\nA\r\n0123456789\r\n000\r\n\r\n", HTTP_STEP_END, "abc0123456789", "\r\n", ""},
    {"3;a;b=c;d=\"e\\\"\t;f\"\r\nabc\r\n0;x\r\n\r\n", HTTP_STEP_END, "abc", "\r\n", ""},
    {"0\r\nA: b\r\nC: d\r\n\r\nGET", HTTP_STEP_END, "", "A: b\r\nC: d\r\n\r\n", "GET"},
    {"3\r\nab", HTTP_STEP_MORE, "ab", NULL, ""},
    {"3", HTTP_STEP_MORE, "", NULL, NULL},
    {"3\r\nabc\r\n0\r\nA: b\r\n", HTTP_STEP_MORE, "abc", NULL, NULL},
    {"3\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"3\r\r\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"3 \r\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {" 3\r\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"0x3\r\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"+3\r\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"-1\r\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"3_\r\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"g\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {";a\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"10000000000000000\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"3;\r\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"3;a=\r\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"3;a=\"\r\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"3;a=\"b\"c\r\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"3 ;a=b\r\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"3;a\rb\r\nabc\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"3\r\nabcd\r\n", HTTP_STEP_BAD, "abc", NULL, NULL},
    {"3\r\nabc\n0\r\n\r\n", HTTP_STEP_BAD, "abc", NULL, NULL},
    {"3\r\nabc\r0\r\n\r\n", HTTP_STEP_BAD, "abc", NULL, NULL},
    {"0\r\nA: b\n\r\n", HTTP_STEP_BAD, "", NULL, NULL},
    {"0\r\n\n", HTTP_STEP_BAD, "", NULL, NULL},
};

static void chunked_bodies_are_read_by_the_letter_in_pieces_of_any_size(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 3, 7, 1000}, takes[] = {1, 2, 1000};
    for (size_t i = 0; i < sizeof chunked / sizeof chunked[0]; i++) {
        struct gw_str input = gw_str_from(chunked[i].input);
        for (size_t k = 0; k < 15; k++) {
            struct result result;
            decode(HTTP_BODY_CHUNKED, 0, input, pieces[k % 5], takes[k / 5], &result);
            if (result.end != chunked[i].end)
                fail_msg("case %zu, way %zu: ended as %d", i, k, result.end);
            assert_str_equal(gw_buf_str(&result.body), chunked[i].body);
            if (chunked[i].trailers != NULL)
                assert_string_equal(result.trailers, chunked[i].trailers);
            if (chunked[i].rest != NULL && chunked[i].end == HTTP_STEP_END)
                assert_str_equal(gw_str_from_pos(input, result.used), chunked[i].rest);
            gw_buf_done(&result.body);
        }
    }
}

static void lengths_are_counted_exactly(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 12; piece++) {
        struct result result;
        decode(HTTP_BODY_LENGTH, 5, GW_STR("helloGET"), piece, 3, &result);
        assert_int_equal(result.end, HTTP_STEP_END);
        assert_str_equal(gw_buf_str(&result.body), "hello");
        assert_int_equal(result.used, 5);
        gw_buf_done(&result.body);
    }
    struct result result;
    decode(HTTP_BODY_LENGTH, 5, GW_STR("hell"), 100, 100, &result);
    assert_int_equal(result.end, HTTP_STEP_MORE);
    gw_buf_done(&result.body);
    decode(HTTP_BODY_NONE, 0, GW_STR("GET"), 100, 100, &result);
    assert_int_equal(result.end, HTTP_STEP_END);
    assert_int_equal(result.used, 0);
    decode(HTTP_BODY_UNTIL_CLOSE, 0, GW_STR("all"), 2, 1, &result);
    assert_int_equal(result.end, HTTP_STEP_MORE);
    assert_str_equal(gw_buf_str(&result.body), "all");
    gw_buf_done(&result.body);
}

static void endless_chunk_lines_and_trailers_are_bad_at_their_caps(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    for (int trailers = 0; trailers < 2; trailers++) {
        size_t cap = trailers ? HTTP_TRAILER_BYTES_MAX : HTTP_CHUNK_LINE_MAX;
        char *bytes = gw_arena_alloc(&arena, cap + 10);
        size_t at = (size_t)snprintf(bytes, 10, "%s", trailers ? "0\r\nA: " : "1;");
        memset(bytes + at, 'a', cap + 10 - at);
        for (size_t piece = 100; piece < 100000; piece *= 10) {
            struct result result;
            decode(HTTP_BODY_CHUNKED, 0, gw_str_n(bytes, cap + 10), piece, 100, &result);
            assert_int_equal(result.end, HTTP_STEP_BAD);
        }
    }
}

static void a_bad_stream_stays_bad(void **state)
{
    (void)state;
    struct http_framing framing;
    struct http_framing_step step;
    http_framing_init(&framing, HTTP_BODY_CHUNKED, 0);
    http_framing_step(&framing, GW_STR("zz\r\n"), &step);
    assert_int_equal(step.kind, HTTP_STEP_BAD);
    http_framing_step(&framing, GW_STR("0\r\n\r\n"), &step);
    assert_int_equal(step.kind, HTTP_STEP_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunked_bodies_are_read_by_the_letter_in_pieces_of_any_size),
        cmocka_unit_test(lengths_are_counted_exactly),
        cmocka_unit_test(endless_chunk_lines_and_trailers_are_bad_at_their_caps),
        cmocka_unit_test(a_bad_stream_stays_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
