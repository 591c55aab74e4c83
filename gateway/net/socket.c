#include "gateway/net/socket.h"

#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/net/tls.h"
#include "gateway/net/tls_alert.h"

#include <h2o.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <unistd.h>

#define TLS_RECORD_BYTES 16000u
#define INPUT_SLACK_BYTES 4096u /* may stay when a buffer is trimmed: as much as the smallest buffer has */

static void on_read(h2o_socket_t *h2o, const char *err);

static bool may_read(const struct net_socket *socket)
{
    return socket->phase == NET_SOCKET_OPEN && !socket->has_ended && !socket->has_failed;
}

static void start_reading(struct net_socket *socket)
{
    if (may_read(socket) && !h2o_socket_is_reading(socket->h2o))
        h2o_socket_read_start(socket->h2o, on_read);
}

static void touch(struct net_socket *socket)
{
    net_loop_wants_turn(socket->loop); /* which reads the clock */
    socket->moved_ms = net_loop_now_ms(socket->loop);
}

static void on_read(h2o_socket_t *h2o, const char *err)
{
    struct net_socket *socket = h2o->data;
    size_t size = h2o->input->size;
    if (size > socket->input_seen) {
        socket->bytes_in += size - socket->input_seen;
        socket->input_seen = size;
        touch(socket);
    }
    if (err != NULL) {
        /* After an error TLS would take writes and send nothing; after an end the callback would spin. */
        h2o_socket_read_stop(h2o);
        socket->has_ended = true;
        socket->has_failed = err != h2o_socket_error_closed;
    } else if (size >= NET_INPUT_HIGH) {
        h2o_socket_read_stop(h2o);
    }
    socket->on_event(socket->owner);
}

static void set_options(struct net_socket *socket, int receive_bytes)
{
    int fd = h2o_socket_get_fd(socket->h2o);
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void init(struct net_socket *socket, struct net_loop *loop, void (*on_event)(void *owner), void *owner)
{
    *socket = (struct net_socket){.loop = loop, .on_event = on_event, .owner = owner};
    net_queue_init(&socket->queue);
    touch(socket);
}

void net_socket_open(struct net_socket *socket, struct net_loop *loop, int fd, void (*on_event)(void *owner),
                     void *owner)
{
    init(socket, loop, on_event, owner);
    socket->h2o = h2o_evloop_socket_create(net_loop_h2o(loop), fd, H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);
    socket->h2o->data = socket;
    set_options(socket, NET_CLIENT_RECEIVE_BYTES);
    int limit_ms = NET_UNACKNOWLEDGED_MS_MAX; /* also bounds the close_notify that libh2o waits for without a limit */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof limit_ms);
    socket->phase = NET_SOCKET_OPEN;
    start_reading(socket);
}

static void on_connect(h2o_socket_t *h2o, const char *err)
{
    struct net_socket *socket = h2o->data;
    socklen_t len = sizeof socket->connect_error;
    touch(socket);
    (void)err; /* libh2o asks for no error here, since connecting was not its work */
    if (getsockopt(h2o_socket_get_fd(h2o), SOL_SOCKET, SO_ERROR, &socket->connect_error, &len) != 0)
        socket->connect_error = errno;
    socket->has_failed = socket->connect_error != 0;
    socket->phase = NET_SOCKET_OPEN;
    start_reading(socket);
    socket->on_event(socket->owner);
}

/* libh2o's own way of connecting forgets the reason when it fails. -1: errno says why. */
static int start_connecting(const struct sockaddr *address, socklen_t address_len)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, address, address_len) == 0 || errno == EINPROGRESS)
        return fd;
    int reason = errno;
    (void)close(fd);
    errno = reason;
    return -1;
}

bool net_socket_connect(struct net_socket *socket, struct net_loop *loop, struct sockaddr *address,
                        socklen_t address_len, void (*on_event)(void *owner), void *owner)
{
    init(socket, loop, on_event, owner);
    int fd = start_connecting(address, address_len);
    if (fd < 0) {
        socket->connect_error = errno;
        return false;
    }
    socket->h2o = h2o_evloop_socket_create(net_loop_h2o(loop), fd, 0);
    socket->h2o->data = socket;
    h2o_socket_notify_write(socket->h2o, on_connect);
    set_options(socket, NET_UPSTREAM_RECEIVE_BYTES);
    socket->phase = NET_SOCKET_CONNECTING;
    return true;
}

void net_socket_move(struct net_socket *to, struct net_socket *from, void (*on_event)(void *owner), void *owner)
{
    net_link_remove(&from->dirty);
    *to = *from;
    to->on_event = on_event;
    to->owner = owner;
    if (to->h2o != NULL)
        to->h2o->data = to;
    *from = (struct net_socket){.loop = to->loop};
}

/* --- TLS ------------------------------------------------------------------------------------------------------- */

/* How what libh2o keeps of a TLS connection begins; it tells neither the object nor the peer's certificate. */
struct h2o_ssl_beginning {
    SSL_CTX *ctx;
    SSL *ssl;
};

static void note_peer(struct net_socket *socket)
{
    char text[TLS_FINGERPRINT_TEXT + 1] = "";
    const struct h2o_ssl_beginning *tls = (const void *)socket->h2o->ssl;
    if (socket->has_failed || SSL_CTX_get_verify_mode(socket->ctx) == SSL_VERIFY_NONE)
        return;
    GW_ASSERT(tls->ctx == socket->ctx && tls->ssl != NULL);
    if (SSL_is_server(tls->ssl))
        tls_fingerprint(tls->ssl, text);
    if (text[0] != '\0')
        socket->peer_certificate = gw_strdup(text);
}

/* What does not fit into an empty socket at once is not worth waiting for. */
static void send_alert(const struct net_socket *socket)
{
    struct gw_str record = tls_alert_take();
    if (socket->has_failed && record.len > 0)
        (void)send(h2o_socket_get_fd(socket->h2o), record.ptr, record.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Of a certificate libh2o says what is wrong; of all else only that something is, and OpenSSL knows more. */
static void note_trouble(struct net_socket *socket, const char *err)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    bool is_vague = strcmp(err, "ssl handshake failure") == 0;
    socket->tls_trouble = is_vague && reason != NULL ? reason : err;
    ERR_clear_error();
}

static void on_handshake(h2o_socket_t *h2o, const char *err)
{
    struct net_socket *socket = h2o->data;
    touch(socket);
    /* libh2o compares the name once more where it can, and knows no addresses: OpenSSL has done both (tls_client.c). */
    socket->has_failed = err != NULL && err != h2o_socket_error_ssl_cert_name_mismatch;
    if (socket->has_failed)
        note_trouble(socket, err);
    send_alert(socket);
    note_peer(socket);
    socket->phase = NET_SOCKET_OPEN;
    socket->bytes_in += h2o->input->size;
    socket->input_seen = h2o->input->size;
    /* Otherwise the first 200 KiB leave in records of 1,400 bytes. */
    h2o->_latency_optimization.state = H2O_SOCKET_LATENCY_OPTIMIZATION_STATE_NEEDS_UPDATE;
    h2o->_latency_optimization.suggested_tls_payload_size = TLS_RECORD_BYTES;
    h2o->_latency_optimization.suggested_write_size = SIZE_MAX;
    start_reading(socket);
    socket->on_event(socket->owner);
}

void net_socket_handshake(struct net_socket *socket, SSL_CTX *ctx, const char *server_name)
{
    socket->has_tls = true;
    socket->phase = NET_SOCKET_SHAKING;
    h2o_socket_read_stop(socket->h2o);
    GW_ASSERT(SSL_CTX_up_ref(ctx) == 1);
    socket->ctx = ctx;
    h2o_socket_ssl_handshake(socket->h2o, ctx, server_name, on_handshake);
}

bool net_socket_speaks_http2(const struct net_socket *socket)
{
    if (!socket->has_tls || socket->phase != NET_SOCKET_OPEN)
        return false;
    h2o_iovec_t protocol = h2o_socket_ssl_get_selected_protocol(socket->h2o);
    return gw_str_eq(gw_str_n(protocol.base, protocol.len), GW_STR("h2"));
}

/* --- reading --------------------------------------------------------------------------------------------------- */

struct gw_str net_socket_input(const struct net_socket *socket)
{
    if (socket->h2o == NULL || socket->h2o->input->size == 0)
        return GW_STR(""); /* not NULL, which must not be counted from */
    return gw_str_n(socket->h2o->input->bytes, socket->h2o->input->size);
}

void net_socket_consume(struct net_socket *socket, size_t size)
{
    if (size == 0 || socket->h2o == NULL)
        return;
    h2o_buffer_consume(&socket->h2o->input, size);
    socket->input_seen = socket->h2o->input->size;
    if (socket->input_seen < NET_INPUT_LOW)
        start_reading(socket);
}

bool net_socket_is_paused(const struct net_socket *socket)
{
    return may_read(socket) && !h2o_socket_is_reading(socket->h2o);
}

bool net_socket_is_quiet(const struct net_socket *socket, bool asks_kernel)
{
    char byte;
    if (!may_read(socket) || socket->cannot_write || net_socket_input(socket).len > 0)
        return false;
    if (!asks_kernel)
        return true;
    ssize_t size = recv(h2o_socket_get_fd(socket->h2o), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* --- writing --------------------------------------------------------------------------------------------------- */

static void mark_dirty(struct net_socket *socket)
{
    if (!net_link_is_linked(&socket->dirty))
        net_link_add(net_loop_dirty(socket->loop), &socket->dirty);
    net_loop_wants_turn(socket->loop);
}

struct gw_buf *net_socket_output(struct net_socket *socket)
{
    mark_dirty(socket);
    return &socket->queue.collecting;
}

size_t net_socket_room(const struct net_socket *socket)
{
    size_t queued = net_socket_queued(socket);
    return queued < NET_OUTPUT_HIGH && !socket->cannot_write ? NET_OUTPUT_HIGH - queued : 0;
}

bool net_socket_is_flushed(struct net_socket *socket)
{
    socket->is_awaited = net_socket_queued(socket) > 0;
    return !socket->is_awaited;
}

void net_socket_end(struct net_socket *socket)
{
    socket->wants_end = true;
    mark_dirty(socket);
}

static void fail_writing(struct net_socket *socket)
{
    socket->cannot_write = true;
    net_queue_done(&socket->queue);
    socket->on_event(socket->owner);
}

static void note_written(struct net_socket *socket)
{
    socket->bytes_out += socket->queue.piece;
    net_queue_written(&socket->queue);
    if (net_socket_queued(socket) > 0 || socket->wants_end)
        mark_dirty(socket);
}

static void on_written(h2o_socket_t *h2o, const char *err)
{
    struct net_socket *socket = h2o->data;
    socket->is_writing = false;
    if (err != NULL) {
        fail_writing(socket);
        return;
    }
    touch(socket);
    note_written(socket);
    socket->on_event(socket->owner);
}

static void send_end(struct net_socket *socket)
{
    socket->sent_end = true;
    if (!socket->has_tls)
        (void)shutdown(h2o_socket_get_fd(socket->h2o), SHUT_WR);
    socket->on_event(socket->owner);
}

/* What the kernel takes at once of plain text; an error is told by the next write. */
static size_t send_now(const struct net_socket *socket, struct gw_str piece)
{
    if (socket->has_tls)
        return 0;
    ssize_t sent = send(h2o_socket_get_fd(socket->h2o), piece.ptr, piece.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? (size_t)sent : 0;
}

/* Nearly all that is plain leaves here. Then there is no callback, and no event when nobody can be waiting for one:
 * it would run the whole exchange again for nothing. */
static void write_piece(struct net_socket *socket, struct gw_str piece)
{
    bool is_awaited = socket->is_awaited || net_socket_queued(socket) >= NET_OUTPUT_HIGH;
    size_t sent = send_now(socket, piece);
    socket->is_awaited = false;
    if (sent < piece.len) {
        h2o_iovec_t vec = {.base = socket->queue.flying.data + socket->queue.flown + sent, .len = piece.len - sent};
        socket->is_writing = true;
        h2o_socket_write(socket->h2o, &vec, 1, on_written);
        return;
    }
    socket->moved_ms = net_loop_now_ms(socket->loop);
    note_written(socket);
    if (is_awaited)
        socket->on_event(socket->owner);
}

static void flush(struct net_socket *socket)
{
    if (socket->phase != NET_SOCKET_OPEN || socket->is_writing)
        return;
    if (socket->queue.collecting.overflow || socket->cannot_write || socket->has_failed) {
        if (!socket->cannot_write)
            fail_writing(socket);
        return;
    }
    struct gw_str piece = net_queue_piece(&socket->queue, NET_WRITE_BYTES_MAX);
    if (piece.len > 0)
        write_piece(socket, piece);
    else if (socket->wants_end && !socket->sent_end)
        send_end(socket);
}

void net_sockets_flush(struct net_loop *loop)
{
    struct net_link *dirty = net_loop_dirty(loop);
    while (!net_link_is_empty(dirty)) {
        struct net_socket *socket = NET_CONTAINER(dirty->next, struct net_socket, dirty);
        net_link_remove(&socket->dirty);
        flush(socket);
    }
}

/* --- ending ---------------------------------------------------------------------------------------------------- */

void net_socket_close(struct net_socket *socket, bool is_clean)
{
    net_link_remove(&socket->dirty);
    if (socket->h2o != NULL) {
        int fd = h2o_socket_get_fd(socket->h2o);
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        if (!is_clean)
            (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        /* Without a way out, libh2o's close_notify fails at once and nobody waits for a peer that does not read. */
        if (socket->has_tls && (!is_clean || net_socket_queued(socket) > 0))
            (void)shutdown(fd, SHUT_RDWR);
        h2o_socket_close(socket->h2o);
    }
    SSL_CTX_free(socket->ctx);
    free(socket->peer_certificate);
    socket->h2o = NULL;
    socket->ctx = NULL;
    socket->peer_certificate = NULL;
    socket->phase = NET_SOCKET_CLOSED;
    net_queue_done(&socket->queue);
}

/* libh2o doubles a buffer of which the front was consumed, and never gives any of it back. */
static void trim_input(h2o_buffer_t **input)
{
    size_t size = (*input)->size;
    if ((*input)->capacity < size + INPUT_SLACK_BYTES)
        return;
    h2o_buffer_t *exact;
    h2o_buffer_init(&exact, &h2o_socket_buffer_prototype);
    if (size > 0) {
        memcpy(h2o_buffer_reserve(&exact, size).base, (*input)->bytes, size);
        exact->size = size;
    }
    h2o_buffer_dispose(input);
    *input = exact;
}

void net_socket_trim(struct net_socket *socket)
{
    net_queue_trim(&socket->queue);
    if (socket->h2o != NULL && socket->phase == NET_SOCKET_OPEN)
        trim_input(&socket->h2o->input);
}
