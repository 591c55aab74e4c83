/* resolver: the addresses of an upstream. Literals and UNIX paths are known at once; names are looked up by getaddrinfo
 * on a thread of their own and told on the loop. Thread: the loop's. */
#pragma once

#include "gateway/base/result.h"
#include "gateway/http/servers.h"
#include "gateway/net/loop.h"

#include <stdbool.h>
#include <sys/socket.h>

#define HTTP_ADDRESSES_MAX 8u
#define HTTP_RESOLVE_PAUSE_MS 1000 /* between two look-ups */

struct http_address {
    struct sockaddr_storage storage;
    socklen_t len;
};

struct http_addresses {
    struct http_address list[HTTP_ADDRESSES_MAX];
    size_t count;
};

struct http_resolver;
typedef void (*http_resolved_fn)(const struct http_addresses *addresses, void *data);

/* Borrows the texts of `settings`. *ret_addresses is filled for a literal and empty for a name. Fails for a path or
 * host that cannot be one. */
GW_MUST_CHECK enum gw_code http_resolver_new(struct net_loop *loop, const struct http_server_settings *settings,
                                             struct http_addresses *ret_addresses, http_resolved_fn on_resolved,
                                             void *data, struct http_resolver **ret_resolver, struct gw_error *err);
/* Waits for a look-up that runs. */
void http_resolver_free(struct http_resolver *resolver);

/* Looks the name up, unless that is being done. False when there is nothing to look up or the last look-up was a moment
 * ago. */
bool http_resolver_start(struct http_resolver *resolver);
