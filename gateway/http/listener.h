/* listener: accepts connections on a loop and hands their requests to a face. */
#pragma once

#include "gateway/base/result.h"
#include "gateway/http/exchange.h"
#include "gateway/net/loop.h"

struct tls_server; /* gateway/net/tls.h */

struct http_limits {
    int64_t head_ms;            /* a request head (and a TLS handshake) has this long; 15 s */
    int64_t idle_ms;            /* keep-alive without a request; 45 s */
    int64_t stream_idle_ms;     /* nothing owed, upgraded or streaming; 1 h */
    uint64_t min_rate;          /* bytes per second over min_rate_window_ms while bytes are owed; 4 KiB/s */
    int64_t min_rate_window_ms; /* 30 s */
    size_t connections_max;     /* per loop; accepting pauses beyond */
};
extern const struct http_limits http_limits_default;

/* Opens, binds and listens on "ADDRESS:PORT", "[V6]:PORT" or "unix:PATH", close-on-exec off so that children inherit
 * it. *ret_fd. Fails with a sentence that names the address. */
GW_MUST_CHECK enum gw_code http_listen(const char *address, int backlog, int *ret_fd, struct gw_error *err);

/* Starts accepting on `fd` (dup'ed; the caller keeps its own). `tls` NULL means plain text. `face` and `face_data` must
 * outlive the loop. May `allow` a peer address before any byte is read (NULL: all). */
struct http_listener_settings {
    int fd;
    struct tls_server *tls;
    const struct http_face *face;
    void *face_data;
    struct http_limits limits;
    bool (*allow)(const struct sockaddr *peer, void *peer_data);
    /* Every connection must begin with a PROXY protocol header (proxy_protocol.h), within `head_ms`, and only a peer
     * that `may_tell_peer` may connect at all. What the header tells is the peer from then on, also for `allow`. */
    bool has_proxy_header;
    bool (*may_tell_peer)(const struct sockaddr *peer, void *peer_data);
    void *peer_data;
};
GW_MUST_CHECK enum gw_code http_listener_start(struct net_loop *loop, const struct http_listener_settings *settings,
                                               struct gw_error *err);
