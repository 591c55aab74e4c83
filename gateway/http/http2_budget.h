/* http2_budget: how much of what costs the peer nothing a connection bears. HTTP/2 frames that carry no work (PING,
 * SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown types) and aborted streams are cheap to send and are counted
 * here, by token buckets; libnghttp2 has no limit for most of them. The meter walks the raw frame headers itself, since
 * libnghttp2 drops unknown frames without a word. It checks nothing else. Pure; any thread, one at a time. */
#pragma once

#include "gateway/base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP2_ABORTS_BURST 200u /* streams that end abnormally, whoever aborts them (CVE-2023-44487, CVE-2025-8671) */
#define HTTP2_ABORTS_PER_SECOND 33u
#define HTTP2_CHATTER_BURST 2000u
#define HTTP2_CHATTER_PER_SECOND 200u
#define HTTP2_CHATTER_SENT_BYTES 32u /* each so many body bytes that we send allow for one more WINDOW_UPDATE */

struct http2_bucket {
    uint64_t level_milli; /* thousandths of a token */
    uint64_t cap_milli;
    uint64_t per_second;
    int64_t at_ms;
};
void http2_bucket_init(struct http2_bucket *bucket, uint64_t burst, uint64_t per_second, int64_t now_ms);
/* Takes one token; false when there is none. */
bool http2_bucket_take(struct http2_bucket *bucket, int64_t now_ms);
void http2_bucket_earn(struct http2_bucket *bucket, uint64_t milli);

struct http2_meter {
    struct http2_bucket chatter;
    uint8_t header[9]; /* of the frame that is coming (RFC 9113 section 4.1) */
    unsigned header_bytes;
    uint32_t payload_left;
    unsigned preface_left; /* bytes of the client preface that are still to come */
    bool is_in_block;      /* HEADERS without END_HEADERS came */
    int64_t since_ms;      /* when the frame or header block that is not complete began */
};
void http2_meter_init(struct http2_meter *meter, int64_t now_ms);
/* Counts the frames in what was received. False when the connection has chattered too much. */
bool http2_meter_read(struct http2_meter *meter, struct gw_str bytes, int64_t now_ms);
/* Has a frame, a header block or the preface begun and not ended? */
bool http2_meter_is_inside(const struct http2_meter *meter);
