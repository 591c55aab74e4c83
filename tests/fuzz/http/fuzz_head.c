/* Request heads, answer heads and field sections. What is accepted must be what strict readers all read alike. */
#include "gateway/http/head.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

static void check_fields(const struct http_field *fields, size_t count)
{
    CHECK(count <= HTTP_FIELDS_MAX);
    for (size_t i = 0; i < count; i++) {
        CHECK(http_is_token(fields[i].name));
        CHECK(http_is_field_value(fields[i].value));
        CHECK(memchr(fields[i].value.ptr, '\n', fields[i].value.len) == NULL);
        CHECK(!http_field_mimics_framing(fields[i].name));
    }
}

static void check_request(const struct http_request *request)
{
    check_fields(request->fields, request->field_count);
    size_t lengths = http_field_count(request->fields, request->field_count, GW_STR("content-length"));
    size_t codings = http_field_count(request->fields, request->field_count, GW_STR("transfer-encoding"));
    size_t hosts = http_field_count(request->fields, request->field_count, GW_STR("host"));
    CHECK(lengths + codings <= 1);
    CHECK(hosts == 1 || (hosts == 0 && request->version == 10));
    CHECK((request->body_kind == HTTP_BODY_LENGTH) == (lengths == 1));
    CHECK((request->body_kind == HTTP_BODY_CHUNKED) == (codings == 1));
    CHECK(request->target.len > 0 && memchr(request->target.ptr, ' ', request->target.len) == NULL);
    CHECK(request->target.ptr[0] == '/' || gw_str_eq(request->target, GW_STR("*")));
    CHECK(http_is_token(request->method));
}

static void try_request(struct gw_str input)
{
    struct gw_arena arena = GW_ARENA_INIT;
    struct http_head_scan scan = {0}, slow = {0};
    size_t bytes = 0, slow_bytes = 0;
    enum gw_code code = http_head_scan(&scan, input, &bytes, NULL), slow_code = GW_OK;
    for (size_t i = 0; i <= input.len && slow_code == GW_OK && slow_bytes == 0; i += i < 4096 ? 1 : 997)
        slow_code = http_head_scan(&slow, gw_str_n(input.ptr, i), &slow_bytes, NULL);
    if (slow_code == GW_OK && slow_bytes == 0)
        slow_code = http_head_scan(&slow, input, &slow_bytes, NULL);
    CHECK(code == slow_code && bytes == slow_bytes);
    if (code == GW_OK && bytes > 0) {
        struct http_request request;
        struct http_request_facts facts;
        struct gw_str head = gw_str_n(input.ptr + scan.blank, bytes - scan.blank);
        if (http_request_head_parse(head, &arena, &request, &facts, NULL) == GW_OK) {
            check_request(&request);
            CHECK(http_request_line_check(head, NULL) == GW_OK);
        }
    }
    gw_arena_done(&arena);
}

static void try_answer(struct gw_str input)
{
    struct gw_arena arena = GW_ARENA_INIT;
    struct http_head_scan scan = {0};
    size_t bytes = 0;
    struct http_answer answer;
    struct http_answer_facts facts;
    if (http_head_scan(&scan, input, &bytes, NULL) == GW_OK && bytes > 0 && scan.blank == 0 &&
        http_answer_head_parse(gw_str_n(input.ptr, bytes), &arena, (input.len & 1) != 0, &answer, &facts, NULL) ==
            GW_OK) {
        check_fields(answer.fields, answer.field_count);
        CHECK(answer.status >= 100 && answer.status <= 999);
        CHECK(http_is_field_value(answer.reason));
    }
    gw_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str input = gw_str_n((const char *)data, size);
    if (size == 0)
        return 0;
    try_request(input);
    try_answer(input);
    struct gw_arena arena = GW_ARENA_INIT;
    struct http_field *fields;
    size_t count;
    if (http_fields_parse(gw_arena_copy(&arena, input), &arena, &fields, &count, NULL) == GW_OK)
        check_fields(fields, count);
    gw_arena_done(&arena);
    return 0;
}
