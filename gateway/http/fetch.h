/* fetch: a GET of our own to an upstream, for a face that has to ask the app something. An exchange without a client:
 * it takes a connection of the upstream's pool like any other, obeys the upstream's rules and one time for the whole,
 * and gives the answer whole or not at all. Thread: the loop's. */
#pragma once

#include "gateway/http/message.h"
#include "gateway/http/upstream.h"

struct http_fetch;

/* Everything lives during the call only. `code` is GW_OK when a whole answer came (whatever its status), else
 * GW_E_UPSTREAM, GW_E_UPSTREAM_TIMEOUT or GW_E_TOO_LARGE; GW_E_OVERLOADED when the lack was ours. */
struct http_fetch_result {
    enum gw_code code;
    int status;
    const struct http_field *fields;
    size_t field_count;
    struct gw_str body;
};
typedef void (*http_fetch_fn)(const struct http_fetch_result *result, void *data);

struct http_fetch_order {
    struct net_loop *loop;
    struct http_upstream *upstream; /* of the same loop */
    uint64_t hint;                  /* where a session lives (http_exchange_stick); 0: anywhere */
    size_t server_wanted;           /* 0: any of its servers, else the index + 1 of one (upstream.c's own) */
    struct gw_str target;           /* path and query, "/api/me" */
    const struct http_field *fields;
    size_t field_count;
    size_t body_bytes_max;
    int64_t time_ms; /* for the whole; 1 or more */
    http_fetch_fn on_done;
    void *data;
};

/* Copies what the order points to. `on_done` is called once, later, and the fetch is gone after it. */
struct http_fetch *http_fetch_start(const struct http_fetch_order *order);

/* Ends it; on_done is not called. Before the upstream is freed. */
void http_fetch_cancel(struct http_fetch *fetch);
