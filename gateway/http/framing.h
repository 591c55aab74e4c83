/* framing: where a message body ends, as a state on top of the input buffer that holds it (RFC 9112 section 6 and 7).
 *
 * One decoder for both directions. It reads nothing and copies nothing: each step looks at the bytes in front, says how
 * many of them are framing (to be dropped by the caller) and which are body. It is strict: chunk sizes are hex digits
 * alone, lines end in CRLF alone, extensions must be well formed and are ignored. Feeding byte by byte and feeding all
 * at once give the same body. Any thread, one at a time. */
#pragma once

#include "gateway/http/message.h"

#define HTTP_CHUNK_LINE_MAX 256u             /* size and extensions, with CRLF */
#define HTTP_CHUNK_DIGITS_MAX 15u            /* hex digits of a chunk size, leading zeros counted */
#define HTTP_TRAILER_BYTES_MAX (16u * 1024u) /* the whole trailer section */

enum http_step_kind {
    HTTP_STEP_MORE, /* nothing to deliver before more input comes */
    HTTP_STEP_DATA, /* `data` is body: take any part of it with http_framing_take */
    HTTP_STEP_END,  /* the body is complete; `data` is the trailer section with its last empty line, or empty */
    HTTP_STEP_BAD,  /* not what RFC 9112 section 7.1 allows; the connection is of no use any more */
    HTTP_STEP_GONE, /* the peer ended before the body did (said by whoever owns the connection, not by the decoder) */
};

struct http_framing {
    enum http_body_kind kind;
    uint64_t left; /* of the length, or of the current chunk */
    enum { HTTP_CHUNK_SIZE, HTTP_CHUNK_DATA, HTTP_CHUNK_DATA_END, HTTP_CHUNK_TRAILERS } stage;
    size_t scanned; /* trailer bytes looked at already */
    bool ended;
    bool is_bad;
};

struct http_framing_step {
    enum http_step_kind kind;
    size_t dropped;     /* framing bytes in front: the caller removes them from the input before it uses `data` */
    struct gw_str data; /* points into the input behind them */
};

void http_framing_init(struct http_framing *framing, enum http_body_kind kind, uint64_t length);

/* Looks at `input`. HTTP_STEP_END is given once and again after it. With HTTP_BODY_UNTIL_CLOSE there is never an END:
 * the caller knows of the close. The trailer section counts as dropped as well: read it before removing. */
void http_framing_step(struct http_framing *framing, struct gw_str input, struct http_framing_step *ret_step);

/* `size` bytes of the last step's data were used. */
void http_framing_take(struct http_framing *framing, size_t size);
