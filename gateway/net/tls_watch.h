/* tls_watch: a thread that looks at the files of certificates every few seconds. A listener whose files changed gets
 * the new ones for handshakes from then on, once they have been still for one look; what cannot be used is logged and
 * the old stays (security.md C8). It also tells when certificates end: in the metrics, and daily in the log when that
 * is near. Disk is never read on a loop. */
#pragma once

#include "gateway/net/tls.h"

#define TLS_WATCH_MS 2000
#define TLS_WATCH_NEAR_MS (14ll * 24 * 3600 * 1000)
#define TLS_WATCH_SERVERS_MAX 64u

struct tls_watch;

struct tls_watch *tls_watch_new(void);
/* `use` names it for people ("sso", "prov", "idp") and is not copied. Both before tls_watch_start. The server outlives
 * the watch. Of a file that is only read for its end. */
void tls_watch_server(struct tls_watch *watch, struct tls_server *tls, const char *use);
void tls_watch_certificate(struct tls_watch *watch, const char *file, const char *use);
void tls_watch_start(struct tls_watch *watch);
/* One look, on the calling thread; without tls_watch_start. For tests. */
void tls_watch_look(struct tls_watch *watch);
/* Ends the thread. */
void tls_watch_free(struct tls_watch *watch);
