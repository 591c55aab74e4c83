/* request: what the parts of the SSO face share: the process, the loop, and one request on its way. Private to the
 * face. sso_app and sso_shared are immutable after start but for what has its own lock; everything else belongs to one
 * loop. */
#pragma once

#include "config/config.h"
#include "gateway/http/exchange.h"
#include "gateway/http/upstream.h"
#include "gateway/net/link.h"
#include "gateway/net/loop.h"
#include "gateway/net/tls.h"
#include "gateway/sso/face.h"
#include "gateway/sso/forward.h"
#include "gateway/sso/gate.h"
#include "gateway/sso/guard.h"
#include "gateway/sso/held.h"
#include "gateway/sso/job.h"
#include "gateway/sso/live.h"
#include "gateway/sso/notes.h"
#include "gateway/sso/refusal.h"
#include "gateway/sso/replay.h"
#include "gateway/sso/route.h"
#include "store/writer.h"

#include <pthread.h>

struct sso_app {
    const struct config_app *config;
    struct gw_str name;
    uint16_t index;
    unsigned counts; /* gw_app_place */
    uint32_t folder;
    struct tls_client **tls; /* by server; NULL: plain text */
    struct http_servers *servers;
    struct sso_gate *gates;
    size_t gate_count;
    struct sso_forward_rules forward;
    struct sso_guard_sibling *siblings; /* the other SSO faces of the folder */
    size_t sibling_count;
    struct gw_str refusal_page;                  /* the operator's HTML; empty: built in */
    struct gw_str refusal_contact;               /* may be empty */
    atomic_bool guard_is_off;                    /* break-glass; the keeper writes it */
    _Atomic uint32_t refused[SSO_REFUSAL_COUNT]; /* refusal_counts.h */
};

/* Does the guard rest for this app? One relaxed load. */
static inline bool sso_guard_is_off(const struct sso_app *app)
{
    return atomic_load_explicit(&app->guard_is_off, memory_order_relaxed);
}

struct gw_line_file;

struct sso_shared {
    struct config *config;
    struct store *store;
    struct store_writer *writer;
    struct gw_arena arena;
    struct sso_app *apps; /* by index in the configuration */
    struct sso_routes routes;
    struct sso_replay *replay;
    struct key_pool *keys; /* of the issuers of id_tokens */
    struct sso_held *bound;
    struct sso_held *anonymous;
    struct sso_held *probed;        /* sessions that the app was asked about lately */
    pthread_mutex_t probed_lock;    /* so that one of several workers asks */
    uint32_t reference_prefix;      /* random: references of two runs differ */
    _Atomic uint32_t guard_returns; /* how often a guard that rested came back */
    struct gw_line_file *access;    /* the access log; NULL: none */
};

struct sso_probe;

struct sso_face {
    struct sso_shared *shared;
    struct net_loop *loop;
    struct store_reader *reader;
    struct http_upstream **upstreams; /* by app */
    struct sso_live live;
    struct sso_jobs jobs;
    struct sso_notes notes;
    struct sso_probe *probes; /* under way */
    struct net_link guarded;  /* requests below guarded paths, the longest not looked at first */
    size_t probe_count;
    uint64_t revocation_seq; /* the log was read up to here */
    uint32_t guard_returns;  /* that this face has obeyed */
};

struct sso_sign_on;

struct sso_request {
    struct sso_face *face;
    struct http_exchange *x;
    const struct sso_app *app; /* NULL: host not found */
    struct sso_guard guard;
    struct sso_live_entry live;
    struct sso_sign_on *sign_on; /* on the way through an ACS; NULL: an ordinary request */
    struct sso_probe *probe;     /* asks about its session; NULL: none does */
    struct sso_request *probe_next;
    size_t probe_set_count;  /* of an answer that is held: so many session cookies does it set */
    struct net_link guarded; /* in the face's list */
    uint64_t role_snapshot;  /* in which its roles were looked at */
    uint64_t affinity_set;   /* hint of a session that its answer set; 0: none */
    bool was_forwarded;
    bool is_answered;          /* by us */
    bool is_refusal_noted;     /* it has an activity entry of its own */
    uint64_t first_refusal_id; /* the exchange whose entry says why this session is refused; 0: none */
    struct gw_str id;          /* ptr NULL: not asked for yet */
    const char *refused_why;   /* by us, or cut: the name of the refusal; NULL: neither */
    const char *failed_why;    /* the request was malformed, or the app did not answer; NULL: neither */
    int64_t forwarded_ms;      /* monotonic; 0: not (yet) */
    int64_t answer_ms;         /* when the app's answer head came */
};

/* The request's id, which is the reference of a refusal: shown, logged, recorded (access.h). In the exchange's arena.
 */
struct gw_str sso_request_reference(struct sso_request *rq);

/* What a refusal shows: that of the session's first one, where that is what the activity record has. */
struct gw_str sso_request_shown_reference(struct sso_request *rq);

/* Was its id made here? */
bool sso_request_own_reference(struct sso_request *rq);

/* Answers with a refusal, counts and logs it. `why` is for the log alone (NULL: nothing to add). */
void sso_request_refuse(struct sso_request *rq, enum sso_refusal refusal, const char *why);

/* Obeys what the guard found: false when the request was answered. */
bool sso_request_admit(struct sso_request *rq);

/* The exchange is that user's (again): a revocation cuts it. */
void sso_request_tie(struct sso_request *rq, uint32_t folder, uint64_t user_seq, uint64_t generation);

/* The fields under which it goes to the app, in the exchange's arena. */
struct http_field *sso_request_fields(struct sso_request *rq, size_t *ret_count);

/* Sends it to the app. */
void sso_request_forward(struct sso_request *rq);

/* Runs the guard (again). */
void sso_request_guard(struct sso_request *rq);
