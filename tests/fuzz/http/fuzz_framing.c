/* The body decoder: in pieces of any size it reads what it reads at once, and what it calls framing it never gives out
 * as body. The first byte of the input chooses kind and pieces. */
#include "gateway/base/buf.h"
#include "gateway/http/framing.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

struct result {
    struct gw_buf body;
    size_t used;
    enum http_step_kind end;
};

static void decode(enum http_body_kind kind, uint64_t length, struct gw_str input, size_t piece, size_t take,
                   struct result *result)
{
    struct http_framing framing;
    http_framing_init(&framing, kind, length);
    *result = (struct result){.body = GW_BUF_INIT(1u << 22)};
    size_t end = piece < input.len ? piece : input.len;
    for (;;) {
        struct http_framing_step step;
        http_framing_step(&framing, gw_str_n(input.ptr + result->used, end - result->used), &step);
        CHECK(step.dropped + (step.kind == HTTP_STEP_DATA ? step.data.len : 0) <= end - result->used);
        result->used += step.dropped;
        result->end = step.kind;
        if (step.kind == HTTP_STEP_DATA) {
            CHECK(step.data.ptr == input.ptr + result->used && step.data.len > 0);
            size_t used = step.data.len < take ? step.data.len : take;
            gw_buf_add(&result->body, gw_str_n(step.data.ptr, used));
            http_framing_take(&framing, used);
            result->used += used;
        } else if (step.kind != HTTP_STEP_MORE || end == input.len) {
            return;
        } else {
            end = input.len - end < piece ? input.len : end + piece;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    static const enum http_body_kind kinds[] = {HTTP_BODY_CHUNKED, HTTP_BODY_CHUNKED, HTTP_BODY_CHUNKED,
                                                HTTP_BODY_LENGTH};
    enum http_body_kind kind = kinds[data[0] & 3];
    uint64_t length = (uint64_t)data[0] * 3;
    struct gw_str input = gw_str_n((const char *)data + 1, size - 1);
    struct result whole, bytes, pieces;
    decode(kind, length, input, input.len, SIZE_MAX, &whole);
    decode(kind, length, input, 1, 1, &bytes);
    decode(kind, length, input, 1 + (data[0] >> 2), 1 + (data[0] >> 4), &pieces);
    CHECK(whole.end == bytes.end && whole.end == pieces.end);
    CHECK(gw_str_eq(gw_buf_str(&whole.body), gw_buf_str(&bytes.body)));
    CHECK(gw_str_eq(gw_buf_str(&whole.body), gw_buf_str(&pieces.body)));
    if (whole.end == HTTP_STEP_END)
        CHECK(whole.used == bytes.used && whole.used == pieces.used);
    gw_buf_done(&whole.body);
    gw_buf_done(&bytes.body);
    gw_buf_done(&pieces.body);
    return 0;
}
