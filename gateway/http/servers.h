/* servers: what the loops of a process know together of the servers of one app: which are out, and why. Two opinions
 * take a server out. What happened to requests: one failure to connect, or SERVERS_FAILURES_MAX requests in a row that
 * failed before an answer head, and it is out for SERVERS_PAUSE_MS_MIN, which doubles up to SERVERS_PAUSE_MS_MAX; when
 * the time is over one request at a time tries it. And health checks, where they are configured: `fall` in a row that
 * failed take it out, `rise` in a row that did not bring it back. An opinion never locks anybody out: who chooses goes
 * on to a server that is out when no other is left (upstream.c).
 *
 * Nothing here waits: all that changes is atomic, and no two values have to agree. Any thread; made before the
 * upstreams that use it, freed after them. Times are monotonic milliseconds. */
#pragma once

#include "gateway/http/failure.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SERVERS_MAX 32u
#define SERVERS_FAILURES_MAX 3u
#define SERVERS_PAUSE_MS_MIN 1000
#define SERVERS_PAUSE_MS_MAX 30000
#define SERVERS_CONNECTS_PER_SECOND 50u /* while connecting fails; security.md J7 */

struct tls_client;

/* Where one server is. */
struct http_server_settings {
    const char *name; /* for logs and metrics: its URL */
    const char *host; /* name or IP address; NULL with unix_path */
    uint16_t port;
    const char *unix_path;  /* or NULL */
    struct tls_client *tls; /* borrowed, or NULL for plain text */
    unsigned weight;        /* 1 or more */
};

struct http_health_settings {
    const char *path; /* NULL: no checks */
    const char *host; /* what the Host field says */
    int64_t every_ms;
    int64_t timeout_ms;
    unsigned fall;
    unsigned rise;
    int status_min;
    int status_max;
};

struct http_server {
    struct http_server_settings settings; /* own copies of the texts */
    uint64_t id;                          /* the same for the same name, in every process */
    const char *app;                      /* NULL: nobody is told */
    _Atomic int64_t out_until_ms;         /* 0: nothing that happened took it out */
    _Atomic int64_t pause_ms;             /* how long it is out, the next time */
    atomic_uint failures;                 /* in a row */
    atomic_bool is_sick;                  /* health checks took it out */
    atomic_uint checks;                   /* in a row that contradict is_sick */
    _Atomic int64_t next_check_ms;
    atomic_bool is_refusing; /* the last attempt to connect failed */
    _Atomic int64_t second_ms;
    atomic_uint second_connects;
};

struct http_affinity;

struct http_servers {
    struct http_server *list;
    size_t count;
    const char *app;
    struct http_health_settings health; /* own copies of the texts */
    struct http_affinity *affinity;     /* borrowed; NULL: none */
};

/* Copies what the settings point to, but for TLS. `app` names them in logs and metrics; NULL:
 * they are in none. 1 to SERVERS_MAX of them. */
struct http_servers *http_servers_new(const char *app, const struct http_server_settings *list, size_t count);
void http_servers_check_health(struct http_servers *servers, const struct http_health_settings *health);
void http_servers_free(struct http_servers *servers);

bool http_server_is_up(const struct http_server *server);
/* It is out because of what happened, and its time is over: true for one who asks, until the next pause is over. */
bool http_server_take_trial(struct http_server *server, int64_t now_ms);

enum http_server_failure {
    HTTP_SERVER_UNREACHABLE, /* no connection came about */
    HTTP_SERVER_SPEECHLESS,  /* no proper answer head came */
};
/* `why` is what the log says when that takes it out. */
void http_server_failed(struct http_server *server, enum http_server_failure failure, enum http_failure why,
                        int64_t now_ms);
void http_server_connected(struct http_server *server);
void http_server_answered(struct http_server *server);

/* While connecting fails, only so many try in a second. */
bool http_server_may_connect(struct http_server *server, int64_t now_ms);

/* Is a check due? True for one loop of all. */
bool http_server_take_check(struct http_server *server, const struct http_health_settings *health, int64_t now_ms);
void http_server_checked(struct http_server *server, const struct http_health_settings *health, bool is_well);
