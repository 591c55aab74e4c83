/* exchange_private: the other half of an exchange, a *flow*: what joins a codec (the client's side) with an upstream, a
 * collected body or an answer made here. All progress is made by one function at the end of a turn (flow.c), which
 * pulls bytes from where they lie to where there is room. Thread: the loop's. */
#pragma once

#include "gateway/base/buf.h"
#include "gateway/http/exchange.h"
#include "gateway/http/framing.h"
#include "gateway/http/head.h"
#include "gateway/net/loop_private.h"

#define HTTP_INTERIM_MAX 32u                    /* 1xx answers to one request; an upstream that sends more is refused */
#define HTTP_REPLAY_BYTES_MAX (64u * 1024u)     /* of a body that may have to be given twice */
#define HTTP_ERROR_BODY_BYTES_MAX (64u * 1024u) /* what a face may write into an error answer */

struct http_flow;
struct http_server;
struct http_upstream_conn;

/* The client's side. A codec is told what to send and asked what came; it never calls back while it is being called. */
struct http_codec {
    /* Sends an interim answer, if the client can have one. */
    void (*send_interim)(struct http_flow *flow, const struct http_answer *answer);
    /* Sends the head of the final answer; its body comes as `kind`. */
    void (*send_head)(struct http_flow *flow, enum http_body_kind kind);
    size_t (*room)(struct http_flow *flow); /* how many body bytes it wants now */
    void (*send_body)(struct http_flow *flow, struct gw_str data);
    void (*send_end)(struct http_flow *flow, const struct http_field *trailers, size_t trailer_count);
    /* What stands next in the request's body. HTTP_STEP_END has put trailers into flow->request_trailers. */
    void (*request_step)(struct http_flow *flow, struct http_framing_step *ret_step);
    void (*request_take)(struct http_flow *flow, size_t size);
    /* From here on the connection carries bytes without framing, both ways. */
    void (*become_tunnel)(struct http_flow *flow);
    /* The flow is over and about to be freed. */
    void (*on_flow_end)(struct http_flow *flow);
};

enum http_flow_phase {
    HTTP_FLOW_UNDECIDED,
    HTTP_FLOW_COLLECTING,
    HTTP_FLOW_FORWARDED,
    HTTP_FLOW_LOCAL,
    HTTP_FLOW_ENDED,
};

enum http_answer_stage {
    HTTP_ANSWER_AWAITED,
    HTTP_ANSWER_HELD,   /* the face looks at the head */
    HTTP_ANSWER_PASSED, /* may leave */
    HTTP_ANSWER_BEGUN,  /* its head has left */
    HTTP_ANSWER_DONE,   /* its last byte has left (a tunnel goes on until the other side ends as well) */
};

struct http_flow {
    struct http_exchange exchange; /* first: the public half */
    struct net_task task;
    struct net_grave grave;
    const struct http_face *face;
    void *face_data;
    const struct http_codec *codec;
    void *carrier; /* the codec's connection or stream; NULL after on_flow_end */
    enum http_flow_phase phase;
    bool is_cut;
    bool closes_after;
    bool is_tunnel;

    /* the request */
    struct http_request_facts request_facts;
    struct http_field *request_trailers;
    size_t request_trailer_count;
    http_trailer_fn trailer_may_pass; /* NULL: all */
    const void *trailer_data;
    bool request_is_given; /* to the upstream, to its end */
    bool request_was_read; /* by us, to its end */
    bool body_was_given;   /* some byte of it was, and cannot be given again */
    struct gw_buf replay;  /* what was given of the body, for the one retry */
    size_t replay_sent;

    /* a collected body */
    struct gw_buf collected;
    bool is_collected;
    bool has_continued; /* 100 Continue has been sent */
    size_t collect_bytes_max;
    size_t collected_sent;
    http_body_fn on_body;
    void *on_body_data;

    /* the upstream */
    struct http_upstream *upstream;
    struct http_upstream_conn *conn;
    const struct http_server *server; /* that was asked last; NULL: none */
    struct net_link waiting;          /* in the upstream's line */
    int64_t waiting_since_ms;
    const struct http_field *forward_fields;
    size_t forward_field_count;
    struct gw_buf request_head; /* as it goes upstream; kept for the one retry */
    uint64_t hint;              /* the session's; 0: none */
    uint32_t servers_tried;     /* a bit for each */
    size_t server_wanted;       /* 0: any, else its index + 1 */
    bool was_retried;
    bool reached_upstream; /* its head was given to a connection that stood; also when that broke later */

    /* the answer */
    enum http_answer_stage stage;
    struct http_answer_facts answer_facts;
    const struct http_field *answer_fields; /* as the upstream sent them, for what its Connection names */
    size_t answer_field_count;
    struct http_framing answer_framing;
    unsigned interim_count;
    http_trailer_fn answer_trailer_may_pass; /* NULL: all */
    const void *answer_trailer_data;
    struct gw_str local_body;
    size_t local_sent;

    const struct sockaddr *peer_address; /* who the client is; all three in the arena: the connection may die first */
    struct gw_str peer_text;
    const char *peer_certificate;
};

static inline struct http_flow *http_flow_of(struct http_exchange *x)
{
    return (struct http_flow *)x;
}

/* A flow with an empty request; the codec fills exchange.request and request_facts, then http_flow_begin tells the
 * face. */
struct http_flow *http_flow_new(struct net_loop *loop, const struct http_face *face, void *face_data,
                                const struct http_codec *codec, void *carrier);
void http_flow_begin(struct http_flow *flow);
/* Who the client is; before it begins. All copied. `fingerprint`: of the certificate it proved to have, or NULL. */
void http_flow_note_peer(struct http_flow *flow, const struct sockaddr_storage *address, const char *text,
                         const char *fingerprint);
/* Frees one that never began. */
void http_flow_discard(struct http_flow *flow);

void http_flow_stir(struct http_flow *flow);

/* Ends it: upstream and codec let go, the face is told at the end of the turn. Only the first call counts. */
void http_flow_end(struct http_flow *flow, enum http_exchange_end end);

/* The upstream side broke or was too slow: retried, answered with an error, or the answer visibly broken off. `detail`
 * is a sentence for operators, copied; or NULL. */
void http_flow_upstream_failed(struct http_flow *flow, enum http_failure failure, const char *detail);

bool http_method_is_idempotent(struct gw_str method); /* RFC 9110 section 9.2.2 */

/* flow.c */
void http_flow_run(struct http_flow *flow);
/* What came is not a body: answered, if that can still be, and ended. */
void http_flow_refuse_body(struct http_flow *flow);

/* collect.c */
void http_flow_collect(struct http_flow *flow);

/* error_body.c: fills `body` for `code` by the face, or plainly. Returns the content type. */
const char *http_error_body(const struct http_face *face, void *face_data, struct http_exchange *x, enum gw_code code,
                            const char *text, struct gw_buf *body);
