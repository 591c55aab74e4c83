/* inspect: slower looks at the store, for commands and never for a request: walks over tables that have no index for
 * the question. Each call works in the snapshot of its reader; the same rules as in reader.h. */
#pragma once

#include "store/change.h"

/* Subjects that are linked to the user; texts live in LMDB's pages and only during the call. */
typedef void (*store_link_fn)(struct gw_str issuer, struct gw_str name_id, void *data);
GW_MUST_CHECK enum gw_code store_user_links(struct store_reader *reader, uint32_t folder, uint64_t seq,
                                            store_link_fn on_link, void *data, struct gw_error *err);

/* Tombstones that can be restored, the oldest first; false stops the walk. Reads those whose retention runs. */
GW_MUST_CHECK enum gw_code store_deleted_walk(struct store_reader *reader, uint32_t folder, store_user_fn on_user,
                                              void *data, struct gw_error *err);

/* What the brake holds of a user (store/brake.h). Texts live in LMDB's pages and only during the call. */
enum store_held_kind { STORE_HELD_DEACTIVATE = 1, STORE_HELD_DELETE = 2 };
struct store_held {
    uint32_t folder;
    uint64_t user_seq;
    enum store_held_kind kind;
    bool is_rejected;
    int64_t time_ms;      /* when it was held, or rejected */
    struct gw_str actor;  /* who asked for it */
    struct gw_str reason; /* of the rejection */
};
typedef bool (*store_held_fn)(const struct store_held *held, void *data);
GW_MUST_CHECK enum gw_code store_held_walk(struct store_reader *reader, uint32_t folder, store_held_fn on_held,
                                           void *data, struct gw_error *err);

/* Where the brake of a folder stands. Wall clock; 0: never. */
struct store_brake_state {
    int64_t alerted_ms; /* the last time it engaged */
    uint64_t held;      /* changes that wait */
    int64_t held_ms;    /* since when */
    int64_t opens_ms;   /* and when it opens by itself */
    int64_t released_until_ms;
};
GW_MUST_CHECK enum gw_code store_brake_read(struct store_reader *reader, uint32_t folder,
                                            struct store_brake_state *ret_state, struct gw_error *err);
/* Do changes wait that max_hold is over of? */
bool store_brake_is_over(const struct store_brake_state *state, int64_t now_ms);
/* Users whom the brake counts from `from_ms` on, and how many there would be active without that. */
GW_MUST_CHECK enum gw_code store_brake_count(struct store_reader *reader, uint32_t folder, int64_t from_ms,
                                             uint64_t *ret_count, uint64_t *ret_base, struct gw_error *err);

/* What the brake would do, were the user taken out now by provisioning (struct store_brake in change.h). */
enum store_brake_verdict { STORE_BRAKE_PASSES, STORE_BRAKE_ALERTS, STORE_BRAKE_HOLDS, STORE_BRAKE_REJECTS };
struct store_brake_foreseen {
    enum store_brake_verdict verdict;
    uint64_t count;       /* who are out, or wait to be */
    uint64_t base;        /* of so many */
    uint64_t limit;       /* from which on it engages */
    struct gw_str reason; /* of a rejection; in the arena */
};
GW_MUST_CHECK enum gw_code store_brake_foresee(struct store_reader *reader, struct gw_arena *arena,
                                               const struct store_user *user, const struct store_brake *brake,
                                               int64_t now_ms, struct store_brake_foreseen *ret_foreseen,
                                               struct gw_error *err);

/* Sessions bound to the user: all there are, and those of the generation given. Reads the whole table of sessions. */
struct store_session_count {
    uint64_t bound;
    uint64_t alive;
};
GW_MUST_CHECK enum gw_code store_user_sessions(struct store_reader *reader, const struct store_user *user,
                                               struct store_session_count *ret_count, struct gw_error *err);

/* Each of them, in no particular order; a visitor that returns false ends it. Reads the whole table of sessions. */
typedef bool (*store_session_fn)(const struct store_session_digest *digest, const struct store_session *session,
                                 void *data);
GW_MUST_CHECK enum gw_code store_user_sessions_each(struct store_reader *reader, const struct store_user *user,
                                                    store_session_fn on_session, void *data, struct gw_error *err);

/* Folded userNames that begin with `prefix` (folded here), in order, at most `max`; copied into the arena. */
GW_MUST_CHECK enum gw_code store_user_names(struct store_reader *reader, struct gw_arena *arena, uint32_t folder,
                                            struct gw_str prefix, const char **ret_names, size_t max, size_t *ret_count,
                                            struct gw_error *err);

/* Activity from the newest entry back; a visitor that returns false stops the walk. */
GW_MUST_CHECK enum gw_code store_activity_back(struct store_reader *reader, store_activity_fn on_entry, void *data,
                                               struct gw_error *err);

/* The same of one user name (folded), kind or app, whichever is given first, found by an index; of an app with what
 * operators did for no app. Others may come too: the visitor looks at each. Nothing given: all. */
struct store_activity_query {
    struct gw_str user;
    enum store_activity_kind kind;
    struct gw_str app;
};
GW_MUST_CHECK enum gw_code store_activity_find(struct store_reader *reader, const struct store_activity_query *query,
                                               store_activity_fn on_entry, void *data, struct gw_error *err);

/* What a POST of this draft would come to, were it applied now: created, adopted or revived and by which rule; or the
 * refusal that it would get. ret_seq: the user that is named, 0 for a new one. */
struct store_foreseen {
    enum store_outcome outcome;
    uint64_t seq;
    const char *rule; /* NULL: none */
};
GW_MUST_CHECK enum gw_code store_foresee_create(struct store_reader *reader, uint32_t folder,
                                                const struct store_user_draft *draft, unsigned match, bool adopt,
                                                bool revive, struct store_foreseen *ret_foreseen, struct gw_error *err);

/* The same of a replacement (STORE_CHANGE_USER_REPLACE, with the time that counts), but for its expected version. */
GW_MUST_CHECK enum gw_code store_foresee_replace(struct store_reader *reader, const struct store_change *change,
                                                 enum store_outcome *ret_outcome, struct gw_error *err);

/* Whom the row of an import names, or the refusal that it would get; *ret_seq 0: nobody yet. */
GW_MUST_CHECK enum gw_code store_foresee_import(struct store_reader *reader, uint32_t folder,
                                                const struct store_user_draft *draft, uint64_t *ret_seq,
                                                struct gw_error *err);

/* Name of a folder number, copied into the arena; GW_E_NOT_FOUND when there is none. */
GW_MUST_CHECK enum gw_code store_folder_name(struct store_reader *reader, struct gw_arena *arena, uint32_t folder,
                                             struct gw_str *ret_name, struct gw_error *err);

/* Entries and bytes (whole pages) of each table, by its name. */
typedef void (*store_table_fn)(const char *name, uint64_t entries, uint64_t bytes, void *data);
GW_MUST_CHECK enum gw_code store_tables_each(struct store_reader *reader, store_table_fn on_table, void *data,
                                             struct gw_error *err);
