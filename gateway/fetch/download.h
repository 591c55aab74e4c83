/* download: one document from an address that the configuration names. The only door to libcurl.
 *
 * https with the server's certificate and name verified, or plain http to this machine (for tests and for a proxy that
 * stands here). Follows no redirect, uses no proxy of the environment, takes no more than `bytes_max`, gives up after
 * `timeout_ms`. Blocks: never on a loop. Any thread. */
#pragma once

#include "gateway/base/buf.h"
#include "gateway/base/result.h"

#include <stdatomic.h>

struct download {
    const char *url;
    const char *ca; /* file; NULL: the system's */
    size_t bytes_max;
    int64_t timeout_ms;
    const atomic_bool *stop; /* true gives up at once; NULL: never */
};

/* Is this an address that download_get would ask? */
bool download_url_is_allowed(const char *url);

/* Fills `body`, which the caller made with at least bytes_max. GW_E_UPSTREAM with why. */
GW_MUST_CHECK enum gw_code download_get(const struct download *download, struct gw_buf *body, struct gw_error *err);
