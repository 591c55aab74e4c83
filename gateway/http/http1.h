/* http1: the HTTP/1.1 codec of a client's connection: reads heads, makes a flow of each, one after the other, and
 * writes what the flow tells it (RFC 9112). Thread: the loop's. */
#pragma once

#include "gateway/http/exchange_private.h"
#include "gateway/http/listener.h"

/* What a connection needs of its listener; outlives it. */
struct http_service {
    struct net_loop *loop;
    const struct http_face *face;
    void *face_data;
    struct http_limits limits;
    struct tls_server *tls;
    uint16_t local_port;
    bool has_proxy_header;
    bool (*allow)(const struct sockaddr *peer, void *peer_data);
    void *peer_data;
};

/* Takes over the accepted descriptor of a peer that may come. */
void http1_accept(const struct http_service *server, int fd, const struct sockaddr_storage *peer);
