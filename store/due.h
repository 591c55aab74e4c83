/* due: whose retention runs, in the order in which it began, so that the background pass reads only those who are due;
 * and how many users of a folder became inactive in each minute, for the brake (semantics.md 4 and 9). Derived from the
 * user records and kept in step by store_users_save. Private to store/. */
#pragma once

#include "store/reader.h"
#include "store/table.h"

#define STORE_DUE_MINUTE_MS 60000

/* The key a user has in STORE_TABLE_DUE. False: none. A tombstone and a deactivated provisioned user have one. */
bool store_due_key(const struct store_user *user, struct store_key *ret_key);
/* True: the key is one. */
GW_MUST_CHECK bool store_due_decode(struct gw_str key, uint32_t *ret_folder, int64_t *ret_since_ms, uint64_t *ret_seq);

/* `before` NULL: a new user; `after` NULL: the record goes. */
GW_MUST_CHECK enum gw_code store_due_move(struct store_view *view, const struct store_user *before,
                                          const struct store_user *after, struct gw_error *err);

/* Users that became inactive from the minute of `from_ms` on, and still are or were deleted. One read per minute. */
GW_MUST_CHECK enum gw_code store_due_count(struct store_view *view, uint32_t folder, int64_t from_ms,
                                           uint64_t *ret_count, struct gw_error *err);
/* Users that are inactive and not deleted. */
GW_MUST_CHECK enum gw_code store_due_inactive(struct store_view *view, uint32_t folder, uint64_t *ret_count,
                                              struct gw_error *err);

/* For the full scan: counts what the entries should say. */
struct store_due_scan {
    uint32_t folder;
    uint64_t minute;
    uint64_t count;   /* of the minute that the walk is in */
    uint64_t entries; /* minutes that were seen */
};
/* With an empty key: the end. */
GW_MUST_CHECK enum gw_code store_due_check(struct store_view *view, struct store_due_scan *scan, struct gw_str key,
                                           struct gw_error *err);
