/* request: what the PROV face knows while it serves one request; shared by the router, the credentials check and the
 * handlers, and by nobody outside routes/. A request lives in its exchange's arena and dies with it. The face's own
 * loop only. */
#pragma once

#include "config/config.h"
#include "gateway/http/exchange.h"
#include "gateway/net/loop.h"
#include "routes/auth.h"
#include "routes/query.h"
#include "routes/scim/projection.h"
#include "routes/scim/schema.h"
#include "routes/values.h"
#include "store/reader.h"
#include "store/writer.h"

#include <stdatomic.h>

/* Caps (law 10). */
#define ROUTE_BODY_USERS_MAX (1024u * 1024u)
#define ROUTE_BODY_GROUPS_MAX (16u * 1024u * 1024u)
#define ROUTE_BODY_OTHER_MAX (64u * 1024u)
/* JSON values in a body that is not a group's: a tree is larger than its text. */
#define ROUTE_BODY_VALUES_MAX 60000u
#define ROUTE_ID_BYTES_MAX 512u /* of a path segment, before it is decoded */

struct prov_face;
struct prov_request;
struct pending_change;
struct key_pool;
struct key_source;
struct token_use;

struct prov_app {
    const struct config_app *config;
    struct gw_str name;
    struct gw_str base_path;
    struct gw_str scim1_base_path; /* ptr NULL: no SCIM 1.1 */
    uint32_t folder;
    struct scim_schema_set schemas;
    struct gw_arena schema_arena; /* of what the configuration declares in it */
    int64_t trace_second;         /* monotonic; trace.h */
    unsigned trace_lines;         /* in it */
    const struct scim_resource_type *user_type;
    const struct scim_resource_type *group_type;
    struct prov_values values; /* what the activity record has of them beside names */
    struct auth_file credentials;
    struct key_source *logout_keys; /* NULL: no Universal Logout */
    struct key_source *oauth_keys;  /* NULL: no tokens of an issuer */
    int64_t ignored_logged_ms;      /* monotonic, of the last line about ignored attributes */
    bool is_sweeping;               /* members that are nobody's are being taken away, part by part */
};

struct prov_face {
    struct config *config;
    struct store *store;
    struct store_writer *writer;
    struct net_loop *loop;
    struct store_reader *reader;
    struct prov_app *apps;
    size_t app_count;
    struct auth_throttle throttle;
    struct key_pool *keys;
    struct token_use *use;
    size_t awaiting_keys;           /* requests */
    struct pending_change *pending; /* changes on their way, newest first */
    _Atomic int64_t walked_ms;      /* monotonic: when a page but the first of a list was asked for; any thread */
};

typedef void (*route_handler_fn)(struct prov_request *r);

struct prov_request {
    struct http_exchange *x;
    struct prov_face *face;
    struct prov_app *app;
    struct gw_arena *arena; /* the exchange's */
    struct gw_str rest;     /* of the path, behind the base path */
    bool is_scim1;          /* it came by the base path of SCIM 1.1: scim/scim1.h */
    struct gw_str actor;    /* "token:NAME", for the activity record; set when the credential was accepted */
    bool may_read;          /* by the scope of its credential */
    bool may_push;          /* create and update users */
    bool may_write;
    bool is_by_token;       /* it brought a token of an issuer: a refusal says so (RFC 6750 section 3) */
    struct gw_str base_url; /* "https://HOST/scim/v2", as the client reached it */
    struct gw_str id;       /* decoded path segment behind the endpoint; empty: none */
    struct route_query query;
    struct scim_projection projection; /* of the answer; set by the handlers of resources */
    route_handler_fn handler;          /* called with the body read, and again when a commit found a newer record */
    const struct json_value *body;     /* parsed once */
    const struct json_value *sent;     /* the same before it was brought from SCIM 1.1 to 2.0, for the trace */
    size_t body_bytes_max;             /* of the route */
    unsigned attempts;                 /* commits that found a newer record */
    void *state;                       /* the handler's own between its calls; NULL at first (before: body.c's) */
    struct pending_change *pending;
    struct net_timer *delay;      /* a refusal that is being held back */
    struct net_timer *keys_timer; /* credential.h: an issuer is asked for its keys */
    route_handler_fn keys_again;
    unsigned keys_turns;
    struct net_timer *turn; /* scim/handlers/turn.h */
    route_handler_fn next_turn;
    void (*on_over)(void *state); /* frees what `state` holds outside the arena, once, when the request ends; or NULL */
};
