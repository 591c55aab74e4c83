/* record: what a stored user, session and activity entry are, as values. The bytes on disk are store's own business:
 * fixed little-endian headers with a CRC-32 that is verified on every read. Any thread. */
#pragma once

#include "gateway/base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Caps (law 10). */
#define STORE_USER_NAME_BYTES_MAX 256u
#define STORE_EXTERNAL_ID_BYTES_MAX 256u
#define STORE_EMAIL_BYTES_MAX 320u
#define STORE_EMAILS_MAX 64u /* of one user, indexed */
#define STORE_ATTRIBUTES_BYTES_MAX (256u * 1024u)
#define STORE_SESSION_DIGEST_BYTES 16u

enum store_user_flag {
    STORE_USER_ACTIVE = 1u << 0,      /* SCIM active */
    STORE_USER_OBSERVED = 1u << 1,    /* the SSO side has seen the person sign in */
    STORE_USER_PROVISIONED = 1u << 2, /* Okta has pushed the record */
    STORE_USER_IMPORTED = 1u << 3,
    STORE_USER_LOCKED = 1u << 4,     /* by an operator; apart from active */
    STORE_USER_DELETED = 1u << 5,    /* a tombstone: gone from every SCIM read and total */
    STORE_USER_ANONYMISED = 1u << 6, /* after retention: names and attributes are gone, the id stays */
};
/* linked = observed and provisioned */

/* The part of a user that the guard reads on every request: a small table of its own. */
struct store_user_state {
    uint32_t flags;      /* enum store_user_flag */
    uint64_t generation; /* sessions bound with another generation are dead */
};

struct store_user {
    uint32_t folder;
    uint64_t seq; /* creation sequence in the folder: the order of every list, and the inside of the SCIM id */
    struct store_user_state state;
    uint64_t version;             /* raised by each change of what SCIM shows; the ETag */
    int64_t created_ms;           /* wall clock */
    int64_t modified_ms;          /* never goes backwards */
    int64_t deactivated_ms;       /* 0 while active */
    uint64_t deactivated_version; /* version that the last deactivation made; for the stale PUT rule */
    struct gw_str user_name;
    struct gw_str external_id; /* empty: none */
    struct gw_str *emails;     /* values only, for the index */
    size_t email_count;
    struct gw_str attributes; /* JSON object text of the other SCIM attributes, as routes/scim made it; opaque here */
};

#define STORE_GROUP_NAME_BYTES_MAX 256u

struct store_group {
    uint32_t folder;
    uint64_t seq;     /* of its own; the inside of the SCIM id */
    uint64_t version; /* raised by each change of what SCIM shows, membership included; the ETag */
    int64_t created_ms;
    int64_t modified_ms; /* never goes backwards */
    uint64_t set;        /* names the group's members; another set takes its place when all of them change at once */
    struct gw_str display_name;
    struct gw_str external_id; /* empty: none */
    struct gw_str attributes;  /* JSON object text of the other attributes; opaque here */
};

/* A session cookie of the app, bound to a user. The key is a digest: no cookie value is ever stored (law 9). */
struct store_session_digest {
    uint8_t bytes[STORE_SESSION_DIGEST_BYTES];
};

/* HMAC over (app, cookie name, cookie value) under the store's session key, cut to 128 bits. */
struct store;
struct store_session_digest store_session_digest(const struct store *store, struct gw_str app,
                                                 struct gw_str cookie_name, struct gw_str cookie_value);

struct store_session {
    uint32_t folder;
    uint64_t user_seq;
    uint64_t generation; /* of the user when it was bound */
    int64_t bound_ms;
    int64_t seen_ms;    /* written at most once a day */
    bool is_signed_out; /* at the app, as far as its answers said so; still bound */
};

enum store_index {
    STORE_INDEX_USER_NAME = 1,         /* folded; unique among users that are not deleted */
    STORE_INDEX_EXTERNAL_ID = 2,       /* exact */
    STORE_INDEX_EMAIL = 3,             /* folded; may name several users */
    STORE_INDEX_SUBJECT = 4,           /* folded name id, then issuer */
    STORE_INDEX_GROUP_NAME = 5,        /* folded displayName of a group; unique */
    STORE_INDEX_GROUP_EXTERNAL_ID = 6, /* exact */
};

enum store_activity_kind {
    STORE_ACTIVITY_CREATE = 1,
    STORE_ACTIVITY_ADOPT,
    STORE_ACTIVITY_REVIVE,
    STORE_ACTIVITY_UPDATE,
    STORE_ACTIVITY_DEACTIVATE,
    STORE_ACTIVITY_REACTIVATE,
    STORE_ACTIVITY_STALE_REACTIVATION, /* ignored, semantics.md 4 */
    STORE_ACTIVITY_DELETE,
    STORE_ACTIVITY_OBSERVE,
    STORE_ACTIVITY_LINK, /* a subject was tied to a user */
    STORE_ACTIVITY_BIND, /* a session was bound */
    STORE_ACTIVITY_REFUSE,
    STORE_ACTIVITY_END_SESSIONS,
    STORE_ACTIVITY_LOCK,
    STORE_ACTIVITY_UNLOCK,
    STORE_ACTIVITY_IMPORT,
    STORE_ACTIVITY_GROUP_CREATE, /* user_name is the displayName, result says how many members came and went */
    STORE_ACTIVITY_GROUP_UPDATE,
    STORE_ACTIVITY_GROUP_DELETE,
    STORE_ACTIVITY_PURGE, /* after the retention time; without the name */
    STORE_ACTIVITY_ANONYMISE,
    STORE_ACTIVITY_RESTORE,
    STORE_ACTIVITY_BRAKE, /* of the folder: it engaged */
    STORE_ACTIVITY_HOLD,  /* of a user: the deactivation waits */
    STORE_ACTIVITY_BRAKE_RELEASE,
    STORE_ACTIVITY_BRAKE_REJECT,
    STORE_ACTIVITY_GUARD_OFF, /* break-glass, by an operator; result says until when */
    STORE_ACTIVITY_GUARD_ON,
    STORE_ACTIVITY_REBIND,      /* a session of the user is somebody else's from now on */
    STORE_ACTIVITY_REFUSE_MORE, /* of an app: how many refusals of one reason have no entry of their own */
};

struct store_activity {
    uint64_t seq;
    int64_t time_ms;
    enum store_activity_kind kind;
    uint32_t folder;
    uint64_t user_seq;   /* 0: none */
    struct gw_str actor; /* "token:okta", "sso", "operator" */
    struct gw_str app;
    struct gw_str user_name;  /* as it was then */
    struct gw_str attributes; /* names of changed attributes, blank separated */
    struct gw_str result;     /* short text; "" is success */
    struct gw_str reference;  /* request id or refusal reference */
    struct gw_str values;     /* JSON object text {"title":["old","new"]} of those that the operator names; "": none */
};
