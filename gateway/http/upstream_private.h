/* upstream_private: an upstream and its connections, as the flow sees them. Thread: the loop's. */
#pragma once

#include "gateway/http/exchange_private.h"
#include "gateway/http/upstream.h"
#include "gateway/net/socket.h"

enum http_upstream_conn_state {
    HTTP_UPSTREAM_CONNECTING, /* the TLS handshake included */
    HTTP_UPSTREAM_BUSY,       /* has a flow, whose head was added to the socket */
    HTTP_UPSTREAM_IDLE,
    HTTP_UPSTREAM_DYING, /* its last bytes leave */
};

struct http_pool;

struct http_upstream_conn {
    struct net_socket socket;
    struct net_task task;
    struct net_grave grave;
    struct net_link link; /* in the pool's list of its state */
    struct http_pool *pool;
    struct http_flow *flow;
    enum http_upstream_conn_state state;
    int64_t since_ms; /* when the state began */
    bool is_reused;
    bool is_dead;
    uint64_t bytes_in_before; /* bytes that earlier answers had */
    size_t addresses_tried;
    size_t address;            /* index of the one in use */
    enum http_failure failure; /* of the last attempt to connect */
    const char *failure_detail;
    struct http_head_scan scan;
};

/* Chooses a server that this flow has not tried and asks there, now or later: its request_head goes to a connection.
 * May fail the flow. False: none is left. */
GW_MUST_CHECK bool http_upstream_ask(struct http_upstream *upstream, struct http_flow *flow);
/* The same server again, on a connection of its own. */
void http_upstream_ask_again(struct http_flow *flow);
/* The server that answers this flow is where the hint goes from now on. */
void http_upstream_remember(struct http_upstream *upstream, const struct http_flow *flow, uint64_t hint);

/* The flow lets go of its connection or its place in the line. `is_reusable`: everything was sent and read. */
void http_upstream_release(struct http_flow *flow, bool is_reusable);
/* The same, but what is queued still leaves. */
void http_upstream_release_flushing(struct http_flow *flow);

/* Was anything received for this flow? */
bool http_upstream_has_received(const struct http_upstream_conn *conn);
