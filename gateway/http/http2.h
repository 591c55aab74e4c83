/* http2: the HTTP/2 codec of a client's connection, on libnghttp2: one flow for each stream (RFC 9113). Spoken over TLS
 * alone, where the handshake agreed on it; there is no push, no CONNECT, no WebSocket (RFC 8441) and no upgrade to it.
 * What is refused: requests with two readings (http2_head), peers that send what costs them nothing (http2_budget), and
 * peers that move too little of what is owed (http2_pace.c). Thread: the loop's. */
#pragma once

#include "gateway/http/http1.h"
#include "gateway/net/socket.h"

/* Takes the connection out of `socket`, with what was read. `peer` and `peer_text` are copied; `server` outlives it. */
void http2_adopt(const struct http_service *server, struct net_socket *socket, const struct sockaddr_storage *peer,
                 const char *peer_text);
