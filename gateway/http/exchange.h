/* exchange: one request and its answer, whatever carries them.
 *
 * A codec (HTTP/1.1 today, HTTP/2 beside it) reads a request head, checks it strictly and makes an exchange. The face
 * that owns the listener decides what happens to it, by exactly one of:
 *   http_exchange_answer   - answer it here;
 *   http_exchange_forward  - send it to an upstream and stream both bodies with back-pressure;
 *   http_exchange_collect  - read the whole body first (up to a cap), then be asked again;
 * now, inside the callback, or later on the same loop (after a store commit, say). Until it decides, the exchange waits
 * and costs nothing. What it refuses to do: decide anything about users, hosts or paths.
 *
 * Lifetime: an exchange lives until `on_end` has returned; its arena dies with it. A face that keeps a pointer to it
 * (a pending commit) must forget it in `on_end`. No function here frees the exchange inside the call: ending is done at
 * the end of the loop's turn, so a face may touch it until its callback returns.
 * Thread: everything on the loop that accepted the connection. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/buf.h"
#include "gateway/base/result.h"
#include "gateway/http/failure.h"
#include "gateway/http/message.h"

#include <stdbool.h>
#include <sys/socket.h>

struct http_exchange;
struct net_loop;
struct http_upstream;

/* What a face does with exchanges. `face` is the pointer given to the listener. */
struct http_face {
    /* The request head was read and passed the head rules. Required. */
    void (*on_request)(struct http_exchange *x, void *face);
    /* The upstream's final answer head arrived and no byte of it has left. The face may edit x->answer.fields and then
     * calls http_exchange_pass, or http_exchange_answer to put its own answer in its place, now or later. NULL: passed.
     */
    void (*on_answer_head)(struct http_exchange *x, void *face);
    /* The exchange is over (completed, cut, or the peer left). Called exactly once. NULL: nothing to do. */
    void (*on_end)(struct http_exchange *x, void *face);
    /* The codec refused a request before an exchange existed, or an upstream failed: the face may shape the answer
     * (SCIM JSON on the PROV face, a page on the SSO face). Writes body and sets content type; NULL: short plain text.
     * `x` is NULL when no head could be read. */
    void (*on_error_body)(struct http_exchange *x, enum gw_code code, const char *text, struct gw_buf *body,
                          const char **ret_content_type, void *face);
};

enum http_exchange_end {
    HTTP_END_COMPLETE,      /* the whole answer was handed to the socket */
    HTTP_END_CLIENT_LEFT,   /* the client closed or reset */
    HTTP_END_UPSTREAM_LOST, /* the upstream failed after its head had been passed on */
    HTTP_END_CUT,           /* http_exchange_cut */
    HTTP_END_SLOW,          /* the sweeper ended it */
};

struct http_exchange {
    struct http_request request;
    struct http_answer answer; /* valid in and after on_answer_head */
    struct gw_str body;        /* valid after http_exchange_collect succeeded; lives in the arena */
    struct gw_arena arena;     /* dies with the exchange; the face may allocate from it */
    struct net_loop *loop;
    void *face_state;           /* the face's own, NULL at first */
    uint64_t id;                /* unique in the process; for logs and request ids */
    int64_t begun_ms;           /* monotonic, when the last byte of the head was read */
    uint64_t request_bytes;     /* of the body, given to the upstream; without framing */
    uint64_t answer_bytes;      /* of the body, given to the client */
    enum http_exchange_end end; /* valid in on_end */
    /* Why the upstream failed this exchange; NONE when it did not, or another attempt went well. Valid in on_error_body
     * and on_end. For operators only. */
    enum http_failure failure;
    struct gw_str failure_detail; /* a sentence; lives as long as the exchange */
    struct gw_str failed_server;  /* its name in the configuration; may be empty */
    /* private parts of the http module follow in gateway/http/exchange_private.h */
};

/* Answers here. `fields` (may be NULL) are copied; Content-Length, Date and Connection are added. `body` is copied.
 * Allowed until the answer's head has left, also while an upstream is being asked (which is then closed). With
 * `http_exchange_close_after` the connection ends after the answer. HEAD sends no body. */
void http_exchange_answer(struct http_exchange *x, int status, const struct http_field *fields, size_t field_count,
                          struct gw_str body);

/* The same with the face's error body for `code`: its HTTP status, `text` as the sentence (NULL: the default text). */
void http_exchange_fail(struct http_exchange *x, enum gw_code code, const char *text);

/* Reads the whole request body into x->body, at most `body_bytes_max`, then calls `on_body` with GW_OK; or with
 * GW_E_TOO_LARGE as soon as that is known, in which case the face must answer, since part of the body is lost. Sends
 * 100 Continue where it is asked for. A client that leaves goes to on_end instead, and so does a malformed body, which
 * is answered here. */
typedef void (*http_body_fn)(struct http_exchange *x, enum gw_code code, void *data);
void http_exchange_collect(struct http_exchange *x, size_t body_bytes_max, http_body_fn on_body, void *data);

/* Sends the request to `upstream` with `fields` in place of the request's own (borrowed until on_end; the caller takes
 * them from x->arena): hop-by-hop fields and framing are the http module's business (RFC 9110 section 7.6.1), all
 * others leave exactly as given, in order and case. A body that was collected is sent from x->body, otherwise it
 * streams. */
void http_exchange_forward(struct http_exchange *x, struct http_upstream *upstream, const struct http_field *fields,
                           size_t field_count);

/* Asked for each trailer field of the request, when they have all come: false leaves it out. Before
 * http_exchange_forward; without one, all that may be trailers pass. `data` lives as long as the exchange. */
typedef bool (*http_trailer_fn)(const struct http_field *field, const void *data);
void http_exchange_filter_trailers(struct http_exchange *x, http_trailer_fn may_pass, const void *data);
/* The same for those of the upstream's answer. */
void http_exchange_filter_answer_trailers(struct http_exchange *x, http_trailer_fn may_pass, const void *data);

/* Where the upstream has several servers: requests of one hint (64 bits that stand for a session; 0: none) go to the
 * server that answered when the hint was remembered. Before http_exchange_forward; and in on_answer_head. */
void http_exchange_stick(struct http_exchange *x, uint64_t hint);
void http_exchange_remember(struct http_exchange *x, uint64_t hint);

/* Lets the upstream's answer go on to the client. */
void http_exchange_pass(struct http_exchange *x);

/* Ends it at once, in whatever state: the HTTP/1 connection (or the HTTP/2 stream alone) and the upstream side. Nothing
 * more is delivered in either direction. on_end follows at the end of the turn. */
void http_exchange_cut(struct http_exchange *x);

/* Can the upstream have seen anything of the request? False while it waits for a connection, and when none could be
 * made. */
bool http_exchange_reached_upstream(const struct http_exchange *x);

/* Has a byte of the final answer's head been handed to the socket? Until then http_exchange_answer is allowed. */
bool http_exchange_answer_has_begun(const struct http_exchange *x);

void http_exchange_close_after(struct http_exchange *x);

/* The peer's address as text ("192.0.2.1", "unix"); lives as long as the exchange. */
struct gw_str http_exchange_peer(struct http_exchange *x);
const struct sockaddr *http_exchange_peer_address(const struct http_exchange *x);
/* SHA-256 fingerprint of the verified client certificate of the connection (listener key tls.client_ca), 64 hex digits
 * in lower case; NULL without one. Lives as long as the exchange. */
const char *http_exchange_peer_certificate(const struct http_exchange *x);
