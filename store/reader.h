/* reader: consistent reads. One reader per thread, made once; begin renews its LMDB read transaction (about a
 * microsecond), end releases it. Between them everything is one snapshot. Never hold one across a wait: it keeps old
 * pages from being used again. Its own thread only. */
#pragma once

#include "gateway/base/arena.h"
#include "store/record.h"
#include "store/store.h"

struct store_reader;

GW_MUST_CHECK enum gw_code store_reader_new(struct store *store, struct store_reader **ret_reader,
                                            struct gw_error *err);
void store_reader_free(struct store_reader *reader);

GW_MUST_CHECK enum gw_code store_reader_begin(struct store_reader *reader, struct gw_error *err);
void store_reader_end(struct store_reader *reader);
bool store_reader_is_reading(const struct store_reader *reader); /* between begin and end? */
/* Which commit this reads: grows with every commit of any process. What was decided on one snapshot holds while the
 * next begin shows the same number (semantics.md 2). */
uint64_t store_reader_snapshot(struct store_reader *reader);

/* GW_E_NOT_FOUND when there is no folder of that name yet (the writer makes it: store_folder_ensure). */
GW_MUST_CHECK enum gw_code store_folder_find(struct store_reader *reader, struct gw_str name, uint32_t *ret_folder,
                                             struct gw_error *err);

/* The guard's two gets. Not found is GW_E_NOT_FOUND; a bad checksum GW_E_STORE_DAMAGED. No allocation. */
GW_MUST_CHECK enum gw_code store_session_get(struct store_reader *reader, const struct store_session_digest *digest,
                                             struct store_session *ret_session);
GW_MUST_CHECK enum gw_code store_user_state_get(struct store_reader *reader, uint32_t folder, uint64_t seq,
                                                struct store_user_state *ret_state);

/* Copies the user into the arena. Deleted users are found too: look at the flags. */
GW_MUST_CHECK enum gw_code store_user_get(struct store_reader *reader, struct gw_arena *arena, uint32_t folder,
                                          uint64_t seq, struct store_user *ret_user, struct gw_error *err);

/* Users with `value` in the index, in creation order, without deleted ones: at most `max` sequences. The value is
 * folded here as the index wants it. *ret_count may be 0 with GW_OK. */
GW_MUST_CHECK enum gw_code store_users_find(struct store_reader *reader, uint32_t folder, enum store_index index,
                                            struct gw_str value, uint64_t *ret_seqs, size_t max, size_t *ret_count,
                                            struct gw_error *err);

/* Who is this? Join rule of a sign-on (semantics.md 4): with an e-mail-like value the current holder of the match
 * attribute decides; a stored subject is only a hint for opaque name ids. 0 found: *ret_seq 0; two found:
 * GW_E_CONFLICT. Nobody comes in under a deleted user's names: GW_E_FORBIDDEN until the person is provisioned again,
 * and *ret_seq is whom a session of that person is bound to, dead. The record itself may be gone. */
struct store_join {
    uint32_t folder;
    enum store_index match; /* userName, externalId or email */
    struct gw_str value;    /* the name id or the configured attribute's value; may be empty */
    struct gw_str issuer;
    struct gw_str name_id;
    bool name_id_is_opaque; /* persistent format, not e-mail-like */
};
GW_MUST_CHECK enum gw_code store_join_find(struct store_reader *reader, const struct store_join *join,
                                           uint64_t *ret_seq, struct gw_error *err);

/* Whose retention time runs, oldest first: those who are inactive or deleted since `until_ms` or longer. */
struct store_due {
    uint64_t seq;
    int64_t since_ms;
};
GW_MUST_CHECK enum gw_code store_due_list(struct store_reader *reader, uint32_t folder, int64_t until_ms,
                                          struct store_due *ret_due, size_t max, size_t *ret_count,
                                          struct gw_error *err);

/* Visits users in creation order from the `position`-th (0-based) that is not deleted, at most `count`; any position
 * costs the same. The user and all it points to live in LMDB's pages and only during the call. A visitor that returns
 * false stops the walk. */
typedef bool (*store_user_fn)(const struct store_user *user, void *data);
GW_MUST_CHECK enum gw_code store_users_page(struct store_reader *reader, uint32_t folder, uint64_t position,
                                            uint64_t count, store_user_fn on_user, void *data, struct gw_error *err);
/* The same from a sequence number on, deleted ones left out. */
GW_MUST_CHECK enum gw_code store_users_scan(struct store_reader *reader, uint32_t folder, uint64_t from_seq,
                                            store_user_fn on_user, void *data, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_users_count(struct store_reader *reader, uint32_t folder, uint64_t *ret_count,
                                             struct gw_error *err);

/* Users, and groups, by the time of their last change: those of the range, the oldest change first, at most `max`;
 * `range` goes on behind them. Fewer than `max`: there are no more. Who changes between two calls may come again, and
 * nobody is left out of a range without end. */
struct store_modified_range {
    int64_t since_ms;  /* included; at least 0 */
    uint64_t from_seq; /* of those with just that time; 0 at first */
    int64_t until_ms;  /* included */
};
GW_MUST_CHECK enum gw_code store_users_modified(struct store_reader *reader, uint32_t folder,
                                                struct store_modified_range *range, uint64_t *ret_seqs, size_t max,
                                                size_t *ret_count, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_groups_modified(struct store_reader *reader, uint32_t folder,
                                                 struct store_modified_range *range, uint64_t *ret_seqs, size_t max,
                                                 size_t *ret_count, struct gw_error *err);

/* Groups, as users above. A group that is gone is not found. */
GW_MUST_CHECK enum gw_code store_group_get(struct store_reader *reader, struct gw_arena *arena, uint32_t folder,
                                           uint64_t seq, struct store_group *ret_group, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_groups_find(struct store_reader *reader, uint32_t folder, enum store_index index,
                                             struct gw_str value, uint64_t *ret_seqs, size_t max, size_t *ret_count,
                                             struct gw_error *err);
/* The group and all it points to live in LMDB's pages and only during the call; false stops the walk. */
typedef bool (*store_group_fn)(const struct store_group *group, void *data);
GW_MUST_CHECK enum gw_code store_groups_page(struct store_reader *reader, uint32_t folder, uint64_t position,
                                             uint64_t count, store_group_fn on_group, void *data, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_groups_scan(struct store_reader *reader, uint32_t folder, uint64_t from_seq,
                                             store_group_fn on_group, void *data, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_groups_count(struct store_reader *reader, uint32_t folder, uint64_t *ret_count,
                                              struct gw_error *err);
/* The users in the group's set, in creation order, from user `from_seq` on; none of them is deleted. */
GW_MUST_CHECK enum gw_code store_group_members(struct store_reader *reader, const struct store_group *group,
                                               uint64_t from_seq, uint64_t *ret_seqs, size_t max, size_t *ret_count,
                                               struct gw_error *err);
/* The same as users; they live in LMDB's pages and only during the call. */
GW_MUST_CHECK enum gw_code store_group_users(struct store_reader *reader, const struct store_group *group,
                                             uint64_t from_seq, store_user_fn on_user, void *data,
                                             struct gw_error *err);
GW_MUST_CHECK enum gw_code store_group_has(struct store_reader *reader, const struct store_group *group,
                                           uint64_t user_seq, bool *ret_has, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_group_size(struct store_reader *reader, const struct store_group *group,
                                            uint64_t *ret_count, struct gw_error *err);
/* The groups that the user is in, in no particular order. */
GW_MUST_CHECK enum gw_code store_user_groups(struct store_reader *reader, uint32_t folder, uint64_t user_seq,
                                             store_group_fn on_group, void *data, struct gw_error *err);
/* Is there anything for STORE_CHANGE_GROUP_SWEEP? */
GW_MUST_CHECK enum gw_code store_sets_are_loose(struct store_reader *reader, bool *ret_loose, struct gw_error *err);

/* The revocation log: users whose generation was raised, in commit order (semantics.md 2). The last 65,536 are kept:
 * GW_E_STALE says that some after `seq` are gone, and every session must be looked at. */
struct store_revocation {
    uint64_t seq;
    uint32_t folder;
    uint64_t user_seq;
    uint64_t generation; /* the new one */
};
typedef void (*store_revocation_fn)(const struct store_revocation *revocation, void *data);
GW_MUST_CHECK enum gw_code store_revocations_after(struct store_reader *reader, uint64_t seq,
                                                   store_revocation_fn on_revocation, void *data);
GW_MUST_CHECK enum gw_code store_revocations_last(struct store_reader *reader, uint64_t *ret_seq);

/* The newest activity entry; 0: none. */
GW_MUST_CHECK enum gw_code store_activity_last(struct store_reader *reader, uint64_t *ret_seq);

/* Is this assertion known (used before)? */
GW_MUST_CHECK enum gw_code store_replay_is_marked(struct store_reader *reader, const struct gw_sha256 *assertion,
                                                  bool *ret_marked);

typedef bool (*store_activity_fn)(const struct store_activity *entry, void *data);
GW_MUST_CHECK enum gw_code store_activity_after(struct store_reader *reader, uint64_t seq, store_activity_fn on_entry,
                                                void *data, struct gw_error *err);
