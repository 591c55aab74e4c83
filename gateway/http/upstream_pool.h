/* upstream_pool: the connections of one loop to one server: what upstream_pool.c (who gets which) and upstream_conn.c
 * (one connection's life) share. Thread: the loop's. */
#pragma once

#include "gateway/http/resolver.h"
#include "gateway/http/servers.h"
#include "gateway/http/upstream_private.h"

struct http_pool {
    struct net_sweepable sweepable;
    struct net_loop *loop;
    struct http_server *server;
    struct http_upstream_settings settings; /* times and limits */
    struct http_addresses addresses;
    size_t next_address; /* the one that worked last */
    struct http_resolver *resolver;
    struct net_link idle;    /* connections, the youngest last */
    struct net_link busy;    /* connecting, with a flow, or dying */
    struct net_link waiting; /* flows, the oldest first */
    struct net_task line_task;
    size_t idle_count;
    size_t connection_count;
};

/* `server` outlives it. */
GW_MUST_CHECK enum gw_code http_pool_new(struct net_loop *loop, const struct http_upstream_settings *settings,
                                         struct http_server *server, struct http_pool **ret_pool, struct gw_error *err);
void http_pool_free(struct http_pool *pool);

/* Finds a connection for the flow, now or later, and adds the flow's request_head to it. `fresh`: not a pooled one. May
 * fail the flow. */
void http_pool_ask(struct http_pool *pool, struct http_flow *flow, bool fresh);

/* Opens a connection for the flow; failing is told to the flow. */
void http_upstream_conn_open(struct http_pool *pool, struct http_flow *flow);
/* Gives a ready connection to the flow and adds its head. */
void http_upstream_conn_attach(struct http_upstream_conn *conn, struct http_flow *flow);
void http_upstream_conn_enter(struct http_upstream_conn *conn, enum http_upstream_conn_state state);
/* Connecting failed for good: tells the flow and kills. */
void http_upstream_conn_failed(struct http_upstream_conn *conn, enum http_failure failure, const char *detail);
/* Closes now, freed at the end of the turn. */
void http_upstream_conn_kill(struct http_upstream_conn *conn);
/* Closes and frees now; only when no turn can come any more. */
void http_upstream_conn_free(struct http_upstream_conn *conn);

/* A connection or its place may be free: whoever waits is served in this turn. */
void http_pool_stir_line(struct http_pool *pool);
