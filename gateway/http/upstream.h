/* upstream: the app behind a face, seen from one loop: one server or several, each with a keep-alive pool of
 * connections, and the client codec that fills an exchange's answer.
 *
 * Which server: the one that the session lives on (affinity.h) while it is up; else by turns, by weight, over those
 * that are up (servers.h); and when none is, by turns over all. A request that reached no server goes on to the next
 * one, whatever its method. One retry of a request that did reach one: only of an idempotent request (RFC 9110
 * section 9.2.2) on a reused connection from which nothing was received, while what was given of its body is still at
 * hand (HTTP_REPLAY_BYTES_MAX); to the same server on a connection of its own, since its session lives there, and on to
 * the next if none comes about. Strict: two lengths, length and chunked, a bad status line, bare LF, NUL, more than
 * HTTP_FIELDS_MAX fields are a failure (502), and the connection is not used again. */
#pragma once

#include "gateway/base/result.h"
#include "gateway/http/servers.h"
#include "gateway/net/loop.h"

struct http_upstream;

struct http_upstream_settings {
    struct http_servers *servers; /* borrowed; NULL: one, at the place that the next four name */
    const char
        *host; /* name or IP address, resolved at start and again after failures (off the loop); NULL with unix_path */
    uint16_t port;
    const char *unix_path;  /* or NULL */
    struct tls_client *tls; /* borrowed, or NULL for plain text */
    int64_t connect_ms;     /* 5 s */
    int64_t head_ms;        /* from the request sent to the first byte of the answer; 60 s */
    int64_t idle_ms;        /* between bytes of the answer; 60 s (upgraded: the client side's stream limit rules) */
    int64_t keep_ms;        /* an idle pooled connection is closed after; 30 s */
    size_t idle_max;        /* pooled connections per loop and server; 1024 */
    size_t connections_max; /* per loop and server; more wait in line up to connect_ms, then 504 */
};
extern const struct http_upstream_settings http_upstream_settings_default;

GW_MUST_CHECK enum gw_code http_upstream_new(struct net_loop *loop, const struct http_upstream_settings *settings,
                                             struct http_upstream **ret_upstream, struct gw_error *err);
void http_upstream_free(struct http_upstream *upstream); /* after net_loop_run returned, before net_loop_free */
