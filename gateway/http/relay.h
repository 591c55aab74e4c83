/* relay: what changes in a head on its way through: hop-by-hop fields and framing, nothing else (RFC 9110
 * section 7.6.1). Pure; any thread. */
#pragma once

#include "gateway/base/buf.h"
#include "gateway/http/exchange_private.h"

/* The request as it goes upstream, from flow->forward_fields. */
void http_relay_request_head(const struct http_flow *flow, struct gw_buf *out);

struct http_relay_answer {
    const struct http_answer *answer;
    const struct http_flow
        *flow;              /* for what the upstream's Connection fields name; NULL for an answer without a flow */
    bool is_chunked;        /* Transfer-Encoding: chunked is to be said */
    bool keeps_length;      /* a Content-Length may stand */
    bool is_tunnel;         /* 101: everything stays */
    const char *connection; /* the value of our own Connection field, or NULL for none */
};
/* May the field go on to the client? */
bool http_relay_answer_field_stays(const struct http_relay_answer *relay, const struct http_field *field);
void http_relay_answer_head(const struct http_relay_answer *relay, struct gw_buf *out);

/* "0", trailers, empty line. Trailers that may not stand there are left out. */
void http_relay_last_chunk(const struct http_field *trailers, size_t count, struct gw_buf *out);
void http_relay_chunk(struct gw_str data, struct gw_buf *out);
