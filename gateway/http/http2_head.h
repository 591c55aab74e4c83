/* http2_head: one header block of HTTP/2 as it is decoded, and the strict rules that make a request of it (RFC 9113
 * sections 8.2 and 8.3). Nothing is left to the decoder's own checks: what arrives upstream as HTTP/1.1 must have one
 * reading alone. Cookie crumbs (section 8.2.3) are joined in one pass. Pure; any thread, one at a time. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/buf.h"
#include "gateway/base/result.h"
#include "gateway/http/head.h"
#include "gateway/http/message.h"

#define HTTP2_CRUMBS_MAX 500u                /* pieces that the Cookie field comes in; they are one field */
#define HTTP2_BLOCK_BYTES_MAX (256u * 1024u) /* decoded; beyond, the connection is of no use */

struct http2_head {
    struct gw_buf bytes;  /* names and values, one behind the other */
    struct gw_buf places; /* where in it, as `struct http2_place` */
    size_t field_count;   /* of the places: fields, pseudo fields and crumbs */
    size_t regular_count;
    size_t crumb_count;
    size_t crumb_bytes; /* of the joined field */
    size_t block_bytes; /* what was decoded, kept or not */
    bool is_too_large;  /* 431 */
};

void http2_head_init(struct http2_head *head);
void http2_head_done(struct http2_head *head); /* frees; can be used again after http2_head_clear */
void http2_head_clear(struct http2_head *head);
/* One decoded field. Past the caps nothing is kept. False: past HTTP2_BLOCK_BYTES_MAX. */
GW_MUST_CHECK bool http2_head_add(struct http2_head *head, struct gw_str name, struct gw_str value);

/* Makes a request of it: all of `ret_request` points into `arena`. `has_body`: the stream goes on behind the block. The
 * authority leads the fields as "host". Fills all but local_port. */
GW_MUST_CHECK enum gw_code http2_head_read(const struct http2_head *head, bool is_tls, bool has_body,
                                           struct gw_arena *arena, struct http_request *ret_request,
                                           struct http_request_facts *ret_facts, struct gw_error *err);

/* The same for a trailer section: no pseudo fields, nothing that frames, routes or authenticates. */
GW_MUST_CHECK enum gw_code http2_trailers_read(const struct http2_head *head, struct gw_arena *arena,
                                               struct http_field **ret_fields, size_t *ret_count, struct gw_error *err);
