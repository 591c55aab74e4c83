/* socket: the few things this module wants of a connection, plain or TLS, client's or upstream's. The one door to
 * libh2o's sockets.
 *
 * Reading goes on by itself while less than NET_INPUT_HIGH lies unread and starts again below NET_INPUT_LOW: that is
 * all the back-pressure there is. Writing is adding to a queue; it leaves at the end of the turn. Events only mean
 * "look again": they must not free or close, but stir a task. Thread: the loop's. */
#pragma once

#include "gateway/net/link.h"
#include "gateway/net/loop_private.h"
#include "gateway/net/queue.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

#define NET_INPUT_HIGH (64u * 1024u)
#define NET_INPUT_LOW (32u * 1024u)
#define NET_OUTPUT_HIGH (64u * 1024u)
#define NET_WRITE_BYTES_MAX (64u * 1024u) /* TLS encrypts a whole write at once */
/* Cap what libh2o reads in one go, and so what is held for a peer that takes nothing. Upstreams are near. */
#define NET_CLIENT_RECEIVE_BYTES (128 * 1024)
#define NET_UPSTREAM_RECEIVE_BYTES (64 * 1024)
#define NET_UNACKNOWLEDGED_MS_MAX 60000 /* TCP_USER_TIMEOUT */

enum net_socket_phase { NET_SOCKET_CLOSED, NET_SOCKET_CONNECTING, NET_SOCKET_SHAKING, NET_SOCKET_OPEN };

struct net_socket {
    struct net_loop *loop;
    struct st_h2o_socket_t *h2o;
    enum net_socket_phase phase;
    void (*on_event)(void *owner);
    void *owner;
    struct net_queue queue;
    struct net_link dirty;
    SSL_CTX *ctx;           /* of a TLS connection: a reference, since libh2o takes none */
    char *peer_certificate; /* fingerprint of the one that the peer proved to have, or NULL */
    size_t input_seen;      /* bytes of the input that were counted */
    uint64_t bytes_in;      /* of content, above TLS */
    uint64_t bytes_out;
    int64_t moved_ms;        /* when a byte last moved in either direction */
    int connect_error;       /* errno, after connecting failed */
    const char *tls_trouble; /* after a handshake failed; a text that stays */
    bool has_tls;
    bool has_ended;    /* the peer sent its end; what came before can still be read */
    bool has_failed;   /* reading or connecting failed: of no use any more */
    bool cannot_write; /* writing failed; there may still be something to read */
    bool is_writing;
    bool is_awaited; /* somebody waits until the queue is empty */
    bool wants_end;  /* after the queue: FIN */
    bool sent_end;
};

/* Takes over an accepted descriptor. */
void net_socket_open(struct net_socket *socket, struct net_loop *loop, int fd, void (*on_event)(void *owner),
                     void *owner);
/* Starts connecting; an event tells when `phase` is open or has_failed is set. False when it fails at once.
 * Then, and with has_failed, connect_error says why. */
GW_MUST_CHECK bool net_socket_connect(struct net_socket *socket, struct net_loop *loop, struct sockaddr *address,
                                      socklen_t address_len, void (*on_event)(void *owner), void *owner);
/* Takes the connection out of `from` into `to`, for another owner, with all that was read. Nothing may be queued. */
void net_socket_move(struct net_socket *to, struct net_socket *from, void (*on_event)(void *owner), void *owner);
/* Begins TLS; `server_name` NULL: as the server. An event tells the end of it. Takes a reference of `ctx`. */
void net_socket_handshake(struct net_socket *socket, SSL_CTX *ctx, const char *server_name);

/* Was HTTP/2 agreed on in the handshake (RFC 7301)? */
bool net_socket_speaks_http2(const struct net_socket *socket);

/* What was read and not consumed. Valid until the next consume or the end of the turn. */
struct gw_str net_socket_input(const struct net_socket *socket);
void net_socket_consume(struct net_socket *socket, size_t size);
/* Is the peer kept from sending more because we hold enough? */
bool net_socket_is_paused(const struct net_socket *socket);

/* Alive, and nothing to be read, as far as is known; `asks_kernel`: also of what has not been told yet. */
bool net_socket_is_quiet(const struct net_socket *socket, bool asks_kernel);

/* Where to add bytes that are to be written. */
struct gw_buf *net_socket_output(struct net_socket *socket);
static inline size_t net_socket_queued(const struct net_socket *socket)
{
    return net_queue_bytes(&socket->queue);
}
/* How much more a stream should add now. Less than was wanted: an event tells when there is more. */
size_t net_socket_room(const struct net_socket *socket);
/* Has all that was added been written? If not, an event tells when to look again. */
bool net_socket_is_flushed(struct net_socket *socket);

/* Sends FIN after what is queued (plain text; with TLS it only marks, since libh2o cannot half-close). */
void net_socket_end(struct net_socket *socket);
/* Closes at once and forgets what is queued. `is_clean` false: the peer sees a reset. */
void net_socket_close(struct net_socket *socket, bool is_clean);
/* Frees what holds nothing. What net_socket_input gave before is no longer valid. */
void net_socket_trim(struct net_socket *socket);

/* For the loop: writes what was added in this turn. */
void net_sockets_flush(struct net_loop *loop);
