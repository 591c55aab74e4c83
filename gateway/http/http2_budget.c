#include "gateway/http/http2_budget.h"

#define PREFACE_BYTES 24u /* RFC 9113 section 3.4 */

enum frame_type { FRAME_DATA = 0, FRAME_HEADERS = 1, FRAME_CONTINUATION = 9 };
#define FLAG_END_STREAM 0x1u
#define FLAG_END_HEADERS 0x4u
#define FLAG_PADDED 0x8u

void http2_bucket_init(struct http2_bucket *bucket, uint64_t burst, uint64_t per_second, int64_t now_ms)
{
    *bucket = (struct http2_bucket){
        .level_milli = burst * 1000, .cap_milli = burst * 1000, .per_second = per_second, .at_ms = now_ms};
}

void http2_bucket_earn(struct http2_bucket *bucket, uint64_t milli)
{
    uint64_t room = bucket->cap_milli - bucket->level_milli;
    bucket->level_milli += milli < room ? milli : room;
}

bool http2_bucket_take(struct http2_bucket *bucket, int64_t now_ms)
{
    if (now_ms > bucket->at_ms) {
        http2_bucket_earn(bucket, (uint64_t)(now_ms - bucket->at_ms) * bucket->per_second);
        bucket->at_ms = now_ms;
    }
    if (bucket->level_milli < 1000)
        return false;
    bucket->level_milli -= 1000;
    return true;
}

void http2_meter_init(struct http2_meter *meter, int64_t now_ms)
{
    *meter = (struct http2_meter){.preface_left = PREFACE_BYTES, .since_ms = now_ms};
    http2_bucket_init(&meter->chatter, HTTP2_CHATTER_BURST, HTTP2_CHATTER_PER_SECOND, now_ms);
}

bool http2_meter_is_inside(const struct http2_meter *meter)
{
    return meter->preface_left > 0 || meter->header_bytes > 0 || meter->is_in_block;
}

/* A frame's header is complete. True when it is one that carries work. */
static bool carries_work(struct http2_meter *meter)
{
    const uint8_t *header = meter->header;
    uint8_t type = header[3], flags = header[4];
    meter->payload_left = (uint32_t)header[0] << 16 | (uint32_t)header[1] << 8 | header[2];
    if (type == FRAME_HEADERS || type == FRAME_CONTINUATION)
        meter->is_in_block = (flags & FLAG_END_HEADERS) == 0;
    if (type == FRAME_HEADERS)
        return true;
    if (type == FRAME_DATA) /* padding alone is as empty */
        return (flags & FLAG_END_STREAM) != 0 || (meter->payload_left > 0 && (flags & FLAG_PADDED) == 0);
    return type == FRAME_CONTINUATION && meter->payload_left > 0;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool http2_meter_read(struct http2_meter *meter, struct gw_str bytes, int64_t now_ms)
{
    size_t at = least(meter->preface_left, bytes.len);
    meter->preface_left -= (unsigned)at;
    while (at < bytes.len) {
        if (meter->header_bytes < sizeof meter->header) {
            if (meter->header_bytes == 0 && !meter->is_in_block)
                meter->since_ms = now_ms;
            meter->header[meter->header_bytes++] = (uint8_t)bytes.ptr[at++];
            if (meter->header_bytes < sizeof meter->header)
                continue;
            if (!carries_work(meter) && !http2_bucket_take(&meter->chatter, now_ms))
                return false;
        }
        size_t skipped = least(meter->payload_left, bytes.len - at);
        meter->payload_left -= (uint32_t)skipped;
        at += skipped;
        if (meter->payload_left == 0)
            meter->header_bytes = 0;
    }
    return true;
}
