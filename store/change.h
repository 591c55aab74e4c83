/* change: a plain value that says what is to be changed, by whom and when. Applying it is deterministic: no clock, no
 * randomness, no configuration is read while it is applied; everything it depends on is in it or in the store. That is
 * what would let a replicated database order the same changes for many nodes.
 *
 * Ownership: the maker allocates a change with store_change_new and everything it points to from change->arena, submits
 * it, and owns it again when on_done is called. */
#pragma once

#include "gateway/base/arena.h"
#include "store/reader.h"

#define STORE_SIGN_ON_SESSIONS_MAX 16u

/* What the provisioning side or a sign-on says of a user. Text runs live in the change's arena. */
struct store_user_draft {
    struct gw_str user_name;
    struct gw_str external_id;
    struct gw_str *emails;
    size_t email_count;
    struct gw_str attributes; /* JSON object text */
    bool active;
};

/* Match rules of POST (policy.match), evaluated all; they must name at most one record. */
enum store_match { STORE_MATCH_USER_NAME = 1u << 0, STORE_MATCH_EXTERNAL_ID = 1u << 1, STORE_MATCH_EMAIL = 1u << 2 };

enum store_change_kind {
    STORE_CHANGE_FOLDER_ENSURE = 1,
    STORE_CHANGE_USER_CREATE,       /* POST: create, adopt, revive or GW_E_UNIQUENESS (semantics.md 4) */
    STORE_CHANGE_USER_REPLACE,      /* PUT and PATCH: the whole new record, if its version is still the expected one */
    STORE_CHANGE_USER_DELETE,       /* tombstone; sessions dead */
    STORE_CHANGE_USER_END_SESSIONS, /* raises the generation; the user stays active. With as.replay also marks that */
    STORE_CHANGE_USER_LOCK,
    STORE_CHANGE_USER_UNLOCK,
    STORE_CHANGE_REPLAY_MARK,   /* GW_E_CONFLICT when it is marked already */
    STORE_CHANGE_REPLAY_UNMARK, /* nothing was sent upstream */
    /* A refusal of the person (GW_E_FORBIDDEN, GW_E_CONFLICT, GW_E_INVALID_VALUE) is a refusal; every other failure
     * means that nothing could be recorded, and `undecided` decides (law 8). */
    STORE_CHANGE_SIGN_ON,      /* observe or link the user, bind the sessions that the app set */
    STORE_CHANGE_SESSION_BIND, /* rotation: a new cookie with the old one's user and generation */
    STORE_CHANGE_SESSION_SEEN,
    STORE_CHANGE_SESSION_MARK,  /* they signed out at the app: still bound, and known as such */
    STORE_CHANGE_SESSION_SWEEP, /* forgets a part of those that are due; result.has_more */
    STORE_CHANGE_ACTIVITY,      /* append one entry, e.g. a refusal */
    STORE_CHANGE_ACTIVITY_TRIM, /* a part of what is too old or too much; result.has_more */
    /* By an operator: neither makes the user a provisioned one, and nothing but active changes. */
    STORE_CHANGE_USER_DEACTIVATE,
    STORE_CHANGE_USER_REACTIVATE,
    STORE_CHANGE_USER_IMPORT, /* an account of the app: made when it names nobody, else left alone */
    /* Groups. A change with few members is one change; one with many first brings them with STAGE, part by part, into a
     * set that nobody sees, so that no transaction is long, and then puts the set in place at once. */
    STORE_CHANGE_GROUP_CREATE,
    STORE_CHANGE_GROUP_UPDATE, /* PUT, PATCH; changes of membership commute: no version is needed */
    STORE_CHANGE_GROUP_DELETE, /* gone for good; its number is never used again */
    STORE_CHANGE_GROUP_STAGE,
    /* The end of the retention time (semantics.md 4), and the way back before it. */
    STORE_CHANGE_USER_PURGE, /* by the background pass: nothing happens to a record that is not due any more */
    /* What the brake holds, a part at a time: result.has_more (semantics.md 9). */
    STORE_CHANGE_BRAKE_RELEASE,
    STORE_CHANGE_BRAKE_REJECT,
    STORE_CHANGE_USER_RESTORE, /* by an operator: a tombstone becomes a user again, with the same id */
    STORE_CHANGE_GROUP_SWEEP,  /* a part of the members of sets that are nobody's; result.has_more */
};

#define STORE_MEMBER_OPS_MAX 4096u /* of one change: it takes about 20 ms of the writer */
#define STORE_MEMBER_PART 1024u    /* of work that can be parted: a sign-on may wait for one of them */
#define STORE_STAGE_KEPT_MS 600000 /* a staged set that was not put in place within this time is swept */

enum store_member_op_kind { STORE_MEMBER_ADD, STORE_MEMBER_REMOVE, STORE_MEMBER_CLEAR };

struct store_member_op {
    enum store_member_op_kind kind;
    uint64_t user_seq; /* not of CLEAR */
};

enum store_group_field {
    STORE_GROUP_DISPLAY_NAME = 1u << 0,
    STORE_GROUP_EXTERNAL_ID = 1u << 1,
    STORE_GROUP_ATTRIBUTES = 1u << 2
};

/* policy.brake, of a change that provisioning makes. */
struct store_brake {
    bool is_on;   /* else nothing of it counts: by an operator */
    bool is_hold; /* else an alert is all */
    unsigned share_percent;
    uint64_t at_least;
    int64_t within_ms;
    int64_t max_hold_ms;
};

/* How long bindings of a folder are kept. */
struct store_session_rule {
    uint32_t folder;
    int64_t ttl_ms;    /* since last seen; a day is added, since that is how often it is written */
    int64_t retain_ms; /* of an inactive user: also so long after the deactivation */
};
#define STORE_SESSION_SWEEP_MAX 512u /* looked at by one change */
#define STORE_SESSION_PLACE_BYTES (4u + STORE_SESSION_DIGEST_BYTES)

enum store_outcome {
    STORE_OUTCOME_NONE,
    STORE_OUTCOME_CREATED,
    STORE_OUTCOME_ADOPTED,
    STORE_OUTCOME_REVIVED,
    STORE_OUTCOME_UPDATED,
    STORE_OUTCOME_UNCHANGED,
    STORE_OUTCOME_STALE_REACTIVATION
};

struct store_change {
    enum store_change_kind kind;
    int64_t time_ms;     /* wall clock, taken by the maker */
    struct gw_str actor; /* for the activity record */
    struct gw_str app;
    struct gw_str reference;
    struct gw_str attribute_names;  /* that this change names, blank separated, for the activity record */
    struct gw_str attribute_values; /* the same, of those the operator names: see struct store_activity */
    uint32_t folder;
    uint64_t user_seq;     /* REPLACE, DELETE, END_SESSIONS, LOCK, UNLOCK */
    uint64_t group_seq;    /* GROUP_UPDATE, GROUP_DELETE */
    uint64_t sessions_max; /* SIGN_ON, SESSION_BIND, SESSION_SWEEP: beyond it old bindings make room; 0: no cap */
    struct store_brake brake;
    bool is_urgent; /* sign-ons and deactivations: before the others, and never refused for a full queue */

    union {
        struct {
            struct gw_str name;
        } folder_ensure;
        struct {
            struct store_user_draft draft;
            unsigned match; /* enum store_match */
            bool adopt;
            bool revive;
        } create;
        struct {
            struct store_user_draft draft;
            uint64_t expected_version; /* GW_E_STALE when the record has another */
            uint64_t echoed_version;   /* meta.version in a PUT's body; 0: none. For the stale PUT rule */
            bool adopt;                /* policy: may a record that is not provisioned become so? else GW_E_CONFLICT */
            bool says_active;          /* the client itself says what draft.active is; else it is as it was */
        } replace;
        struct {
            struct store_user_draft draft;
            bool is_locked;
        } import;
        struct {
            int64_t since_ms; /* as store_due_list said it */
            bool anonymise;   /* names and attributes go, the record stays; else all of it goes */
        } purge;
        struct {
            int64_t before_ms;    /* entries from before it go */
            uint64_t entries_max; /* and the oldest beyond so many; 0: any number */
        } trim;
        struct {
            bool active;
        } restore;
        struct {
            bool only_when_over; /* max_hold is; else nothing happens */
        } release;
        struct {
            struct gw_str reason;
        } reject;
        struct {
            unsigned fields; /* of UPDATE: which of the next three to write; CREATE writes all */
            struct gw_str display_name;
            struct gw_str external_id;
            struct gw_str attributes;
            uint64_t expected_version;         /* of UPDATE and DELETE: GW_E_STALE when the group has another; 0: any */
            const struct store_member_op *ops; /* in order; at most STORE_MEMBER_OPS_MAX */
            size_t op_count;
            uint64_t set; /* staged members that take the place of all, and then no ops; 0: none. GW_E_STALE: swept */
        } group;
        struct {
            uint64_t set;          /* 0: begins one, see result.set */
            const uint64_t *users; /* at most STORE_MEMBER_PART */
            size_t user_count;
            void *owner; /* the maker's own */
        } stage;
        struct {
            struct gw_sha256 assertion;
            int64_t forget_after_ms; /* wall clock */
        } replay;
        struct {
            struct store_join join;
            struct store_user_draft draft; /* of a person seen for the first time; user_name empty: do not observe */
            bool observe;                  /* unknown: observe | refuse (GW_E_FORBIDDEN) */
            uint64_t expected_user_seq;    /* who the sign-on was checked for; 0: nobody known then */
            uint64_t expected_generation;  /* sessions are bound with this one, so a deactivation in between wins */
            struct store_session_digest sessions[STORE_SIGN_ON_SESSIONS_MAX];
            size_t session_count;
            bool ends_sessions; /* they are bound to a generation that never lives */
        } sign_on;
        struct {
            struct store_session_digest old_digest;
            struct store_session_digest new_digest;
        } bind;
        struct {
            struct store_session_digest digest;
        } seen;
        struct {
            struct store_session_digest digests[STORE_SIGN_ON_SESSIONS_MAX];
            size_t count;
        } mark;
        struct {
            const struct store_session_rule *rules;
            size_t rule_count;
            /* Where it begins, and afterwards where it stopped. */
            uint8_t place[STORE_SESSION_PLACE_BYTES];
        } sweep;
        struct {
            enum store_activity_kind kind;
            struct gw_str user_name;
            struct gw_str result;
        } activity;
    } as;

    /* Set before on_done. */
    enum gw_code code; /* GW_OK only after the commit that holds it */
    struct gw_error error;
    struct {
        enum store_outcome outcome;
        uint32_t folder;
        uint64_t user_seq;
        uint64_t version;
        struct store_user_state state;
        uint64_t group_seq;
        uint64_t set;
        bool has_more;      /* SWEEP, BRAKE_RELEASE, BRAKE_REJECT: there is more to do now */
        uint64_t forgotten; /* SESSION_SWEEP: bindings */
        uint64_t count;     /* of the brake's: users of this part */
    } result;

    /* Called on the writer's thread, after the commit and after the revocations of the group were announced. Must not
     * wait: it posts to a loop or signals. */
    void (*on_done)(struct store_change *change);
    void *owner; /* the maker's own */
    struct gw_arena arena;
    struct store_change *next; /* private to the queue */
};

struct store_change *store_change_new(enum store_change_kind kind);
void store_change_free(struct store_change *change);
