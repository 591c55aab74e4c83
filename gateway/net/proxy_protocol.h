/* proxy_protocol: the header by which a balancer in front of us says whose connection it passes on (PROXY protocol
 * versions 1 and 2, as its authors at HAProxy define it). It comes before everything else, also before TLS. Read
 * strictly: what is not exactly such a header is refused, since behind it somebody would be taken for another. Whether
 * a peer may send one is the listener's business. Any thread. */
#pragma once

#include "gateway/base/str.h"

#include <sys/socket.h>

#define NET_PROXY_TEXT_BYTES_MAX 107u           /* version 1, with its end of line */
#define NET_PROXY_BYTES_MAX (16u + 16u * 1024u) /* version 2; what else it tells in TLVs is skipped */

enum net_proxy_result {
    NET_PROXY_MORE, /* it may become one */
    NET_PROXY_DONE,
    NET_PROXY_BAD,
};

struct net_proxy_header {
    size_t size;   /* bytes of the input that belong to it */
    bool has_peer; /* false: the peer is the connection's own (LOCAL, UNKNOWN, a UNIX socket or an unknown family) */
    struct sockaddr_storage peer; /* IPv4 or IPv6 */
};

/* `input` starts with the connection's first byte. *ret_header is valid with NET_PROXY_DONE. */
enum net_proxy_result net_proxy_read(struct gw_str input, struct net_proxy_header *ret_header);
