/* upstream_pool: what upstream.c (who gets which connection) and upstream_conn.c (one connection's life) share. */
#pragma once

#include "gateway/http/resolver.h"
#include "gateway/http/upstream_private.h"

struct http_upstream {
    struct http_sweepable sweepable;
    struct http_loop *loop;
    struct http_upstream_settings settings; /* own copies of the texts */
    struct http_addresses addresses;
    size_t next_address; /* the one that worked last */
    struct http_resolver *resolver;
    struct http_link idle;    /* connections, the youngest last */
    struct http_link busy;    /* connecting, with a flow, or dying */
    struct http_link waiting; /* flows, the oldest first */
    struct http_task line_task;
    size_t idle_count;
    size_t connection_count;
    bool is_failing; /* the last attempt to connect failed */
    int64_t second_ms;
    unsigned second_connects;
};

/* Opens a connection for the flow; failing is told to the flow. */
void http_upstream_conn_open(struct http_upstream *upstream, struct http_flow *flow);
/* Gives a ready connection to the flow and adds its head. */
void http_upstream_conn_attach(struct http_upstream_conn *conn, struct http_flow *flow);
void http_upstream_conn_enter(struct http_upstream_conn *conn, enum http_upstream_conn_state state);
/* Connecting failed for good: tells the flow and kills. */
void http_upstream_conn_failed(struct http_upstream_conn *conn, enum gw_code code);
/* Closes now, freed at the end of the turn. */
void http_upstream_conn_kill(struct http_upstream_conn *conn);
/* Closes and frees now; only when no turn can come any more. */
void http_upstream_conn_free(struct http_upstream_conn *conn);

/* A connection or its place may be free: whoever waits is served in this turn. */
void http_upstream_stir_line(struct http_upstream *upstream);
