/* http2_private: a connection and its streams as the files of the codec share them: http2.c (life), http2_session.c
 * (what libnghttp2 tells), http2_answer.c (what the flow tells), http2_pace.c (time).
 *
 * The order of a turn: all that was read goes into the session, all that the session has to say goes into the socket's
 * queue, streams that closed by that are reaped, and only then new requests begin: one that turned out malformed or was
 * taken back in the same read never reaches the face. No callback of libnghttp2 sends, ends a flow or frees. */
#pragma once

#include "gateway/http/http2.h"
#include "gateway/http/http2_budget.h"
#include "gateway/http/http2_head.h"

#include <nghttp2/nghttp2.h>

#define HTTP2_STREAMS_MAX 100u
#define HTTP2_WINDOW_BYTES (64u * 1024u) /* of a stream: the most that is buffered of its request body */
/* Of the connection: all its streams' windows, so that uploads which an app does not read cannot hold up the others. */
#define HTTP2_CONNECTION_WINDOW_BYTES (HTTP2_STREAMS_MAX * HTTP2_WINDOW_BYTES)
#define HTTP2_STREAM_OUT_BYTES (32u * 1024u) /* buffered of an answer body */
#define HTTP2_BACKLOG_MAX 1000u              /* frames to be sent, while the peer reads nothing; no more is read then */
#define HTTP2_LINGER_MS 500                  /* after GOAWAY, for the peer to read it and close */
#define HTTP2_GOAWAY_MS 500                  /* between the two GOAWAYs of a drain (RFC 9113 section 6.8) */
#define HTTP2_STOP_MS 500                    /* after an early answer, for the peer to read it and stop by itself */
#define HTTP2_ANSWER_BLOCK_BYTES_MAX (256u * 1024u)

enum http2_state {
    HTTP2_OPEN,
    HTTP2_LINGERING, /* GOAWAY leaves, then the peer has time to close */
    HTTP2_CLOSED,
};

/* How fast the peer moves what it owes or is owed (semantics.md 8). */
struct http2_pace {
    int64_t begun_ms;
    uint64_t bytes; /* moved when it began */
    bool is_running;
};

struct http2 {
    struct net_socket socket;
    struct net_task task;
    struct net_grave grave;
    struct net_sweepable sweepable;
    const struct http_service *server;
    nghttp2_session *session;
    enum http2_state state;
    int64_t since_ms;      /* when the state began */
    int64_t idle_since_ms; /* when the last stream ended */

    struct http2_head head;  /* of the block that is being decoded */
    struct net_link streams; /* all that libnghttp2 has open */
    struct net_link ready;   /* streams whose request may begin at the end of the batch */
    struct net_link closed;  /* streams to be reaped */
    size_t stream_count;

    struct http2_meter meter;
    struct http2_bucket aborts;
    struct http2_pace pace;
    uint64_t moved_bytes;   /* of bodies, both ways, and of heads that came */
    int64_t drain_since_ms; /* of the first GOAWAY of a drain */
    bool is_draining;
    bool said_last; /* the second GOAWAY was said */

    struct sockaddr_storage peer;
    char peer_text[64];
};

struct http2_stream {
    struct net_link link;  /* in `streams` or `closed` */
    struct net_link ready; /* in `ready` */
    struct http2 *http2;
    struct http_flow *flow; /* NULL after it ended, and for a request that is refused */
    int32_t id;
    bool has_begun;         /* the face knows the flow */
    bool request_has_ended; /* END_STREAM came */
    bool end_was_sent;      /* END_STREAM of the answer */
    bool is_closed;
    bool is_whole;        /* closed, with both ends */
    bool is_ours;         /* we reset it for a reason that is not the peer's doing */
    bool refuses_head;    /* the refused request was a HEAD */
    enum gw_code refusal; /* what it is answered without a flow; GW_OK: it is not refused */
    const char *refusal_text;

    struct gw_buf in; /* body of the request that was not taken yet */
    size_t in_taken;
    uint64_t length_left; /* that the peer still owes of a body with a length; UINT64_MAX: not known */

    struct gw_buf out; /* body of the answer that was not sent yet */
    size_t out_sent;
    bool out_is_over; /* nothing is added any more */
    bool out_waits;   /* libnghttp2 has asked in vain and wants to be told of more */
    struct http_field *trailers;
    size_t trailer_count;
    struct gw_arena arena; /* for trailers and refusal: they outlive the flow */

    uint64_t moved_bytes; /* of bodies, both ways */
    int64_t moved_ms;
    int64_t ended_ms; /* when END_STREAM of the answer was sent */
    struct http2_pace pace;
};

static inline struct http2_stream *http2_stream_of(struct http_flow *flow)
{
    return flow->carrier;
}

static inline size_t http2_stream_in(const struct http2_stream *stream)
{
    return stream->in.len - stream->in_taken;
}

static inline size_t http2_stream_out(const struct http2_stream *stream)
{
    return stream->out.len - stream->out_sent;
}

extern const struct http_codec http2_codec;

/* http2.c */
void http2_stir(struct http2 *http2);
/* Lets go of all flows with `end`, then of the connection. Not inside a callback of libnghttp2. */
void http2_close(struct http2 *http2, enum http_exchange_end end, bool is_clean);
/* Says GOAWAY; the connection closes when that was sent. */
void http2_terminate(struct http2 *http2, uint32_t error);

/* http2_session.c */
nghttp2_session *http2_session_new(struct http2 *http2);

/* http2_answer.c */
void http2_stream_reset(struct http2_stream *stream, uint32_t error);
/* Is more of the request's body missing than what may be on its way, as far as one can know? */
bool http2_stream_owes_much(const struct http2_stream *stream);
/* When the answer has left, its request has not come and nobody reads on: asks the peer to stop. It is given time to do
 * so by itself, while streams are not scarce; and if it owes little, it may finish. */
void http2_stream_stop(struct http2_stream *stream, int64_t now_ms);
/* Answers a request that never became a flow. */
void http2_stream_refuse(struct http2_stream *stream);
/* The data provider of all answers. */
ssize_t http2_stream_read(nghttp2_session *session, int32_t id, uint8_t *bytes, size_t size, uint32_t *flags,
                          nghttp2_data_source *source, void *data);

/* http2_pace.c */
void http2_sweep(struct http2 *http2, int64_t now_ms);
bool http2_evict(struct http2 *http2, int64_t now_ms);
