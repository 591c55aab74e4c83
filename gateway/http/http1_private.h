/* http1_private: the connection as http1.c (reading, life) and http1_answer.c (writing) share it. */
#pragma once

#include "gateway/http/http1.h"
#include "gateway/net/socket.h"

#define HTTP1_LINGER_MS 3000        /* for the peer to read the last answer and close, as long as it sends nothing */
#define HTTP1_LINGER_TOTAL_MS 25000 /* while it goes on sending what nobody wants */
#define HTTP1_DISCARD_BYTES_MAX (64u * 1024u) /* of an unread body, so that the connection can go on */
#define HTTP1_HALF_TUNNEL_MS 30000            /* a tunnel of which one side has ended, without a byte */
#define HTTP1_LEFT_MS 750 /* a client that ended its side and takes nothing for so long has left (security.md J9) */

enum http1_state {
    HTTP1_UNTOLD,     /* awaits the PROXY protocol header */
    HTTP1_SHAKING,    /* TLS */
    HTTP1_HEAD,       /* idle, or a head is coming */
    HTTP1_EXCHANGE,   /* has a flow */
    HTTP1_DISCARDING, /* answered; reads off what is left of the body */
    HTTP1_LINGERING,  /* the last answer leaves, then the peer has time to close */
    HTTP1_CLOSED,
};

enum http1_output { HTTP1_OUTPUT_NONE, HTTP1_OUTPUT_PLAIN, HTTP1_OUTPUT_CHUNKED, HTTP1_OUTPUT_UNTIL_CLOSE };

/* How fast a peer that owes or is owed bytes moves them (semantics.md 8). */
struct http1_pace {
    int64_t begun_ms;
    uint64_t bytes; /* moved when it began */
    bool is_running;
};

struct http1 {
    struct net_socket socket;
    struct net_task task;
    struct net_grave grave;
    struct net_sweepable sweepable;
    const struct http_service *server;
    enum http1_state state;
    int64_t since_ms; /* when the state began; in HTTP1_HEAD when its first byte came */
    struct http1_pace pace;

    struct http_head_scan scan;
    bool head_has_begun;
    bool line_was_checked;
    bool was_used; /* had a request before: what it waits for now is the next one */

    struct http_flow *flow;
    struct http_framing request;
    bool request_has_ended;
    enum http1_output output;
    bool closes;           /* after this answer */
    bool closes_when_sent; /* nothing more is expected from the peer: no need to linger */
    bool is_broken;        /* its answer was broken off: the end of the connection must say so */

    struct sockaddr_storage peer;
    char peer_text[64];
};

static inline struct http1 *http1_of(struct http_flow *flow)
{
    return flow->carrier;
}

extern const struct http_codec http1_codec;

/* Answers a request that never became a flow, and ends the connection. */
void http1_refuse(struct http1 *http1, enum gw_code code, const char *text);

/* Could the rest of the request's body be read off, so that the connection can go on? */
bool http1_can_discard(const struct http1 *http1);

void http1_request_step(struct http_flow *flow, struct http_framing_step *ret_step);
void http1_request_take(struct http_flow *flow, size_t size);
void http1_on_flow_end(struct http_flow *flow);
void http1_enter(struct http1 *http1, enum http1_state state);
void http1_linger(struct http1 *http1);
/* Closes now; freed at the end of the turn. `is_clean` false: the peer sees a reset. */
void http1_close(struct http1 *http1, bool is_clean);
void http1_on_event(void *owner);

/* http1_time.c */
void http1_on_sweep(struct net_sweepable *sweepable, int64_t now_ms);
void http1_on_drain(struct net_sweepable *sweepable, bool is_over);
bool http1_on_evict(struct net_sweepable *sweepable, int64_t now_ms);
