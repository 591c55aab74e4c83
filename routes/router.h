/* router: from (host, path) to an app, and from (path, method) to a handler. Routing on the PROV face is (listener,
 * host, base path), unique over apps (semantics.md 5). Pure apart from the handlers it names; any thread. */
#pragma once

#include "routes/request.h"

enum route_shape {
    ROUTE_COLLECTION, /* /Users */
    ROUTE_ITEM,       /* /Users/ID */
    ROUTE_SEARCH,     /* /Users/.search */
};

enum route_method { ROUTE_GET, ROUTE_POST, ROUTE_PUT, ROUTE_PATCH, ROUTE_DELETE, ROUTE_METHODS };

struct route {
    struct gw_str endpoint; /* without slash; empty: the base path itself */
    enum route_shape shape;
    size_t body_bytes_max;                    /* 0: the handler answers without reading a body */
    route_handler_fn handlers[ROUTE_METHODS]; /* NULL: 405 */
};

/* GW_E_MISDIRECTED: the host is nobody's; GW_E_NOT_FOUND: it is, the path is not. Sets `app`, `is_scim1` and `rest` of
 * `r`: what stands behind the base path, with its slash. */
GW_MUST_CHECK enum gw_code router_app_find(struct prov_face *face, struct prov_request *r);

/* The app whose Universal Logout this path on this host is; NULL: nobody's. */
struct prov_app *router_logout_find(struct prov_face *face, const struct http_request *request);

/* The row for a path behind the base path, and the decoded id in it; NULL when nothing is served there. SCIM 1.1 has
 * some of them only: router_is_of_scim1. */
const struct route *router_find(struct gw_arena *arena, struct gw_str rest, struct gw_str *ret_id);

bool router_is_of_scim1(const struct route *route);

/* Also for HEAD, which is GET without its body. ROUTE_METHODS when it is none of ours. */
enum route_method router_method(struct gw_str name);

/* The value of Allow for a row: "GET, HEAD, POST, OPTIONS". */
struct gw_str router_allow(struct gw_arena *arena, const struct route *route);
