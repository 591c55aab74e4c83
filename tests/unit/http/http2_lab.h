/* http2_lab: http_lab with TLS and HTTP/2 agreed on, and a client of raw frames: what is sent and read is said frame by
 * frame, so that a test can breach any rule. Header blocks are coded by libnghttp2's HPACK, which checks nothing. */
#pragma once

#include "gateway/base/buf.h"
#include "tests/unit/http/http_lab.h"

#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#define H2_FRAME_MAX 16384u
#define H2_END_STREAM NGHTTP2_FLAG_END_STREAM
#define H2_END_HEADERS NGHTTP2_FLAG_END_HEADERS

struct h2_world {
    struct lab lab;
    char *folder;
    char certificate[4096], key[4096];
    SSL_CTX *ctx;
};

struct h2 {
    SSL *ssl;
    int fd;
    nghttp2_hd_deflater *deflater;
    nghttp2_hd_inflater *inflater;
};

struct h2_frame {
    uint32_t len;
    uint8_t type, flags;
    int32_t id;
    uint8_t payload[H2_FRAME_MAX];
};

/* One answer, put together from its frames. */
struct h2_answer {
    char heads[16384]; /* "name: value\n" of all header blocks, an empty line behind each */
    struct gw_buf body;
    bool has_ended;
    bool was_reset;
    bool is_gone; /* GOAWAY or the end of the connection came instead */
    uint32_t error;
};

/* --- the world ------------------------------------------------------------------------------------------------- */

static inline void h2_write_pair(struct h2_world *world)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    FILE *file = fopen(world->certificate, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    (void)fclose(file);
    file = fopen(world->key, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    (void)fclose(file);
    assert_int_equal(chmod(world->key, 0600), 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* Not started yet: limits may be set. */
static inline struct h2_world *h2_world_new(void)
{
    struct h2_world *world = calloc(1, sizeof *world);
    struct gw_error err;
    assert_non_null(world);
    world->folder = unit_folder_new();
    (void)snprintf(world->certificate, sizeof world->certificate, "%s/cert.pem", world->folder);
    (void)snprintf(world->key, sizeof world->key, "%s/key.pem", world->folder);
    h2_write_pair(world);
    lab_init(&world->lab);
    assert_int_equal(tls_server_new("sso:0", world->certificate, world->key, &world->lab.tls, &err), GW_OK);
    tls_server_offer_http2(world->lab.tls);
    world->ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_alpn_protos(world->ctx, (const unsigned char *)"\x02h2", 3);
    return world;
}

static inline int h2_setup(void **state)
{
    struct h2_world *world = h2_world_new();
    lab_start(&world->lab);
    *state = world;
    return 0;
}

static inline int h2_teardown(void **state)
{
    struct h2_world *world = *state;
    lab_stop(&world->lab);
    SSL_CTX_free(world->ctx);
    unit_folder_remove(world->folder);
    free(world);
    return 0;
}

/* --- sending --------------------------------------------------------------------------------------------------- */

/* False when the gateway has ended the connection. */
static inline bool h2_try_send(struct h2 *h2, const void *bytes, size_t len)
{
    ERR_clear_error();
    return len == 0 || SSL_write(h2->ssl, bytes, (int)len) == (int)len;
}

static inline void h2_send(struct h2 *h2, const void *bytes, size_t len)
{
    assert_true(h2_try_send(h2, bytes, len));
}

static inline void h2_frame_add(struct gw_buf *out, uint8_t type, uint8_t flags, int32_t id, const void *payload,
                                size_t len)
{
    const char head[9] = {(char)(len >> 16), (char)(len >> 8), (char)len,       (char)type, (char)flags,
                          (char)(id >> 24),  (char)(id >> 16), (char)(id >> 8), (char)id};
    gw_buf_add(out, gw_str_n(head, sizeof head));
    gw_buf_add(out, gw_str_n(payload, len));
}

static inline void h2_frame_send(struct h2 *h2, uint8_t type, uint8_t flags, int32_t id, const void *payload,
                                 size_t len)
{
    GW_BUF_SCOPED(out, H2_FRAME_MAX * 64u);
    h2_frame_add(&out, type, flags, id, payload, len);
    h2_send(h2, out.data, out.len);
}

/* "name: value\n" lines; a value may hold anything but LF (write \v for LF, \f for NUL). */
static inline size_t h2_lines_read(char *lines, nghttp2_nv *list, size_t max)
{
    size_t count = 0;
    for (char *at = lines; *at != '\0' && count < max; count++) {
        char *end = strchr(at, '\n');
        char *colon = strstr(at + 1, ": ");
        assert_non_null(end);
        assert_true(colon != NULL && colon < end);
        list[count] = (nghttp2_nv){.name = (uint8_t *)at,
                                   .namelen = (size_t)(colon - at),
                                   .value = (uint8_t *)colon + 2,
                                   .valuelen = (size_t)(end - colon) - 2};
        for (char *c = at; c < end; c++) {
            if (*c == '\v')
                *c = '\n';
            else if (*c == '\f')
                *c = '\0';
        }
        at = end + 1;
    }
    return count;
}

static inline void h2_block_add(struct h2 *h2, struct gw_buf *out, uint8_t flags, int32_t id, const char *lines)
{
    static nghttp2_nv list[2048];
    char *copy = strdup(lines);
    size_t count = h2_lines_read(copy, list, sizeof list / sizeof list[0]);
    size_t bound = nghttp2_hd_deflate_bound(h2->deflater, list, count);
    uint8_t *block = calloc(1, bound + 1);
    ssize_t len = nghttp2_hd_deflate_hd(h2->deflater, block, bound, list, count);
    assert_true(len >= 0 && (size_t)len <= H2_FRAME_MAX);
    h2_frame_add(out, NGHTTP2_HEADERS, flags, id, block, (size_t)len);
    free(block);
    free(copy);
}

static inline void h2_headers(struct h2 *h2, uint8_t flags, int32_t id, const char *lines)
{
    GW_BUF_SCOPED(out, H2_FRAME_MAX * 2u);
    h2_block_add(h2, &out, flags | H2_END_HEADERS, id, lines);
    h2_send(h2, out.data, out.len);
}

#define H2_GET(path) ":method: GET\n:scheme: https\n:path: " path "\n:authority: a\n"
#define H2_POST(path) ":method: POST\n:scheme: https\n:path: " path "\n:authority: a\n"

static inline void h2_data(struct h2 *h2, uint8_t flags, int32_t id, const char *data, size_t len)
{
    do {
        size_t piece = len < H2_FRAME_MAX ? len : H2_FRAME_MAX;
        h2_frame_send(h2, NGHTTP2_DATA, piece == len ? flags : 0, id, data, piece);
        data += piece;
        len -= piece;
    } while (len > 0);
}

static inline void h2_window(struct h2 *h2, int32_t id, uint32_t bytes)
{
    const char payload[4] = {(char)(bytes >> 24), (char)(bytes >> 16), (char)(bytes >> 8), (char)bytes};
    h2_frame_send(h2, NGHTTP2_WINDOW_UPDATE, 0, id, payload, sizeof payload);
}

static inline void h2_reset(struct h2 *h2, int32_t id, uint32_t error)
{
    const char payload[4] = {(char)(error >> 24), (char)(error >> 16), (char)(error >> 8), (char)error};
    h2_frame_send(h2, NGHTTP2_RST_STREAM, 0, id, payload, sizeof payload);
}

/* --- reading --------------------------------------------------------------------------------------------------- */

static inline bool h2_read_n(struct h2 *h2, void *bytes, size_t len)
{
    for (size_t got = 0; got < len;) {
        ERR_clear_error();
        int size = SSL_read(h2->ssl, (char *)bytes + got, (int)(len - got));
        if (size <= 0) {
            assert_int_not_equal(SSL_get_error(h2->ssl, size), SSL_ERROR_WANT_READ); /* nothing came for too long */
            return false;
        }
        got += (size_t)size;
    }
    return true;
}

static inline uint32_t h2_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The next frame; false at the end of the connection. */
static inline bool h2_read(struct h2 *h2, struct h2_frame *frame)
{
    uint8_t head[9];
    if (!h2_read_n(h2, head, sizeof head))
        return false;
    frame->len = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
    frame->type = head[3];
    frame->flags = head[4];
    frame->id = (int32_t)(h2_u32(head + 5) & 0x7fffffffu);
    assert_true(frame->len <= sizeof frame->payload);
    return h2_read_n(h2, frame->payload, frame->len);
}

static inline void h2_answer_init(struct h2_answer *answer)
{
    *answer = (struct h2_answer){0};
    gw_buf_init(&answer->body, 64u * 1024u * 1024u);
}

static inline void h2_answer_done(struct h2_answer *answer)
{
    gw_buf_done(&answer->body);
}

static inline void h2_inflate(struct h2 *h2, const struct h2_frame *frame, struct h2_answer *answer)
{
    const uint8_t *at = frame->payload;
    size_t left = frame->len;
    int flags = 0;
    assert_true((frame->flags & H2_END_HEADERS) != 0);
    do {
        nghttp2_nv nv;
        ssize_t used = nghttp2_hd_inflate_hd2(h2->inflater, &nv, &flags, at, left, 1);
        assert_true(used >= 0);
        at += used;
        left -= (size_t)used;
        size_t len = strlen(answer->heads);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
            (void)snprintf(answer->heads + len, sizeof answer->heads - len, "%.*s: %.*s\n", (int)nv.namelen, nv.name,
                           (int)nv.valuelen, nv.value);
    } while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0);
    nghttp2_hd_inflate_end_headers(h2->inflater);
    size_t len = strlen(answer->heads);
    (void)snprintf(answer->heads + len, sizeof answer->heads - len, "\n");
}

/* One frame into the answer of its stream; `of` finds it, NULL: dropped. Windows are opened again as data come. */
static inline void h2_take(struct h2 *h2, const struct h2_frame *frame, struct h2_answer *answer, bool opens)
{
    struct h2_answer spare;
    h2_answer_init(&spare);
    struct h2_answer *to = answer != NULL ? answer : &spare;
    if (frame->type == NGHTTP2_HEADERS)
        h2_inflate(h2, frame, to);
    if (frame->type == NGHTTP2_DATA) {
        gw_buf_add(&to->body, gw_str_n((const char *)frame->payload, frame->len));
        if (opens && frame->len > 0) {
            h2_window(h2, 0, frame->len);
            if ((frame->flags & H2_END_STREAM) == 0)
                h2_window(h2, frame->id, frame->len);
        }
    }
    if (frame->type == NGHTTP2_RST_STREAM) {
        to->was_reset = true;
        to->error = h2_u32(frame->payload);
    } else if (frame->type <= NGHTTP2_HEADERS && (frame->flags & H2_END_STREAM) != 0) {
        to->has_ended = true;
    }
    h2_answer_done(&spare);
}

/* Reads until the answer on stream `id` is over in whatever way. */
static inline void h2_await(struct h2 *h2, int32_t id, struct h2_answer *answer)
{
    static _Thread_local struct h2_frame frame;
    while (!answer->has_ended && !answer->was_reset && !answer->is_gone) {
        if (!h2_read(h2, &frame)) {
            answer->is_gone = true;
        } else if (frame.type == NGHTTP2_GOAWAY) {
            answer->is_gone = true;
            answer->error = h2_u32(frame.payload + 4);
        } else {
            h2_take(h2, &frame, frame.id == id ? answer : NULL, /* opens */ true);
        }
    }
}

/* Reads until a frame of that type on that stream; returns false when the connection ends first. */
static inline bool h2_await_frame(struct h2 *h2, uint8_t type, int32_t id, struct h2_frame *frame)
{
    while (h2_read(h2, frame)) {
        if (frame->type == type && frame->id == id)
            return true;
        if (frame->type == NGHTTP2_HEADERS)
            h2_take(h2, frame, NULL, false);
    }
    return false;
}

/* Reads to the end of the connection; the error of the last GOAWAY, or UINT32_MAX without one. */
static inline uint32_t h2_await_end(struct h2 *h2)
{
    static _Thread_local struct h2_frame frame;
    uint32_t error = UINT32_MAX;
    while (h2_read(h2, &frame)) {
        if (frame.type == NGHTTP2_GOAWAY)
            error = h2_u32(frame.payload + 4);
    }
    return error;
}

/* --- connections ----------------------------------------------------------------------------------------------- */

/* Only TLS; nothing of HTTP/2 is sent. */
static inline void h2_shake(const struct h2_world *world, struct h2 *h2)
{
    *h2 = (struct h2){.fd = lab_connect(&world->lab)};
    h2->ssl = SSL_new(world->ctx);
    SSL_set_fd(h2->ssl, h2->fd);
    assert_int_equal(SSL_connect(h2->ssl), 1);
    const unsigned char *chosen = NULL;
    unsigned int len = 0;
    SSL_get0_alpn_selected(h2->ssl, &chosen, &len);
    assert_int_equal(len, 2);
    assert_int_equal(nghttp2_hd_deflate_new(&h2->deflater, 4096), 0);
    assert_int_equal(nghttp2_hd_inflate_new(&h2->inflater), 0);
}

static inline void h2_open_with_window(const struct h2_world *world, struct h2 *h2, uint32_t window)
{
    const char settings[6] = {0, 4, (char)(window >> 24), (char)(window >> 16), (char)(window >> 8), (char)window};
    h2_shake(world, h2);
    h2_send(h2, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    h2_frame_send(h2, NGHTTP2_SETTINGS, 0, 0, settings, sizeof settings);
    h2_frame_send(h2, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
}

static inline void h2_open(const struct h2_world *world, struct h2 *h2)
{
    h2_open_with_window(world, h2, 65535);
}

static inline void h2_close(struct h2 *h2)
{
    SSL_free(h2->ssl);
    nghttp2_hd_deflate_del(h2->deflater);
    nghttp2_hd_inflate_del(h2->inflater);
    (void)close(h2->fd);
}

/* Is the gateway well and answers a new connection? */
static inline void h2_assert_well(const struct h2_world *world)
{
    struct h2 h2;
    struct h2_answer answer;
    h2_answer_init(&answer);
    h2_open(world, &h2);
    h2_headers(&h2, H2_END_STREAM, 1, H2_GET("/local"));
    h2_await(&h2, 1, &answer);
    assert_true(answer.has_ended);
    assert_str_equal(gw_buf_str(&answer.body), "hello\n");
    h2_answer_done(&answer);
    h2_close(&h2);
}
