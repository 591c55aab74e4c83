/* socket: the few things this module wants of a connection, plain or TLS, client's or upstream's. The one door to
 * libh2o's sockets.
 *
 * Reading goes on by itself while less than HTTP_INPUT_HIGH lies unread and starts again below HTTP_INPUT_LOW: that is
 * all the back-pressure there is. Writing is adding to a queue; it leaves at the end of the turn. Events only mean
 * "look again": they must not free or close, but stir a task. Thread: the loop's. */
#pragma once

#include "gateway/http/link.h"
#include "gateway/http/loop_private.h"
#include "gateway/http/queue.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

#define HTTP_INPUT_HIGH (64u * 1024u)
#define HTTP_INPUT_LOW (32u * 1024u)
#define HTTP_OUTPUT_HIGH (64u * 1024u)
#define HTTP_WRITE_BYTES_MAX (64u * 1024u) /* TLS encrypts a whole write at once */
/* Cap what libh2o reads in one go, and so what is held for a peer that takes nothing. Upstreams are near. */
#define HTTP_CLIENT_RECEIVE_BYTES (128 * 1024)
#define HTTP_UPSTREAM_RECEIVE_BYTES (64 * 1024)
#define HTTP_UNACKNOWLEDGED_MS_MAX 60000 /* TCP_USER_TIMEOUT */

enum http_socket_phase { HTTP_SOCKET_CLOSED, HTTP_SOCKET_CONNECTING, HTTP_SOCKET_SHAKING, HTTP_SOCKET_OPEN };

struct http_socket {
    struct http_loop *loop;
    struct st_h2o_socket_t *h2o;
    enum http_socket_phase phase;
    void (*on_event)(void *owner);
    void *owner;
    struct http_queue queue;
    struct http_link dirty;
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
void http_socket_open(struct http_socket *socket, struct http_loop *loop, int fd, void (*on_event)(void *owner),
                      void *owner);
/* Starts connecting; an event tells when `phase` is open or has_failed is set. False when it fails at once.
 * Then, and with has_failed, connect_error says why. */
GW_MUST_CHECK bool http_socket_connect(struct http_socket *socket, struct http_loop *loop, struct sockaddr *address,
                                       socklen_t address_len, void (*on_event)(void *owner), void *owner);
/* Takes the connection out of `from` into `to`, for another owner, with all that was read. Nothing may be queued. */
void http_socket_move(struct http_socket *to, struct http_socket *from, void (*on_event)(void *owner), void *owner);
/* Begins TLS; `server_name` NULL: as the server. An event tells the end of it. Takes a reference of `ctx`. */
void http_socket_handshake(struct http_socket *socket, SSL_CTX *ctx, const char *server_name);

/* Was HTTP/2 agreed on in the handshake (RFC 7301)? */
bool http_socket_speaks_http2(const struct http_socket *socket);

/* What was read and not consumed. Valid until the next consume or the end of the turn. */
struct gw_str http_socket_input(const struct http_socket *socket);
void http_socket_consume(struct http_socket *socket, size_t size);
/* Is the peer kept from sending more because we hold enough? */
bool http_socket_is_paused(const struct http_socket *socket);

/* Alive, and nothing to be read, as far as is known; `asks_kernel`: also of what has not been told yet. */
bool http_socket_is_quiet(const struct http_socket *socket, bool asks_kernel);

/* Where to add bytes that are to be written. */
struct gw_buf *http_socket_output(struct http_socket *socket);
static inline size_t http_socket_queued(const struct http_socket *socket)
{
    return http_queue_bytes(&socket->queue);
}
/* How much more a stream should add now. Less than was wanted: an event tells when there is more. */
size_t http_socket_room(const struct http_socket *socket);
/* Has all that was added been written? If not, an event tells when to look again. */
bool http_socket_is_flushed(struct http_socket *socket);

/* Sends FIN after what is queued (plain text; with TLS it only marks, since libh2o cannot half-close). */
void http_socket_end(struct http_socket *socket);
/* Closes at once and forgets what is queued. `is_clean` false: the peer sees a reset. */
void http_socket_close(struct http_socket *socket, bool is_clean);
/* Frees what holds nothing. What http_socket_input gave before is no longer valid. */
void http_socket_trim(struct http_socket *socket);

/* For the loop: writes what was added in this turn. */
void http_sockets_flush(struct http_loop *loop);
