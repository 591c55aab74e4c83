/* members: sets of users. A group points to its set and the set back to its group; a set that is nobody's is loose: it
 * is being staged, or waits to be swept. So all members of a group change at once by one pointer, whatever their
 * number, and no transaction is long. Private to store/. */
#pragma once

#include "store/table.h"

#include <stdbool.h>
#include <stdint.h>

struct store_set {
    uint32_t folder;
    uint64_t number;
    uint64_t group; /* 0: loose */
    uint64_t count; /* of members */
};

/* GW_E_NOT_FOUND leaves `err` alone. */
GW_MUST_CHECK enum gw_code store_set_load(struct store_view *view, uint32_t folder, uint64_t number,
                                          struct store_set *ret_set, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_set_save(struct store_view *view, const struct store_set *set, struct gw_error *err);

/* A new empty set of a group, or with group 0 a loose one that was begun at `time_ms`. */
GW_MUST_CHECK enum gw_code store_set_new(struct store_view *view, uint32_t folder, uint64_t group, int64_t time_ms,
                                         struct store_set *ret_set, struct gw_error *err);
/* A loose set becomes a group's; a group's set becomes loose, to be swept at once. Both save it. */
GW_MUST_CHECK enum gw_code store_set_take(struct store_view *view, struct store_set *set, uint64_t group,
                                          struct gw_error *err);
GW_MUST_CHECK enum gw_code store_set_drop(struct store_view *view, struct store_set *set, struct gw_error *err);

/* Change `set->count`, which the caller saves. *ret_changed: it was not there; it was there. */
GW_MUST_CHECK enum gw_code store_set_add(struct store_view *view, struct store_set *set, uint64_t user_seq,
                                         bool *ret_changed, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_set_remove(struct store_view *view, struct store_set *set, uint64_t user_seq,
                                            bool *ret_changed, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_set_has(struct store_view *view, uint32_t folder, uint64_t number, uint64_t user_seq,
                                         bool *ret_has, struct gw_error *err);

/* Members in the order of their numbers, from `from_seq` on. */
GW_MUST_CHECK enum gw_code store_set_members(struct store_view *view, uint32_t folder, uint64_t number,
                                             uint64_t from_seq, uint64_t *ret_seqs, size_t max, size_t *ret_count,
                                             struct gw_error *err);
/* Sets that hold the user, loose ones included, from number `from` on. */
GW_MUST_CHECK enum gw_code store_sets_of_user(struct store_view *view, uint32_t folder, uint64_t user_seq,
                                              uint64_t from, uint64_t *ret_sets, size_t max, size_t *ret_count,
                                              struct gw_error *err);

/* Takes away at most `max` members of sets that are loose for good (dropped, or staged before `staged_before_ms`), and
 * the sets that are empty then. */
GW_MUST_CHECK enum gw_code store_sets_sweep(struct store_view *view, uint32_t folder, int64_t staged_before_ms,
                                            size_t max, bool *ret_more, struct gw_error *err);

/* For the full scan: one record of SETS, MEMBERS, LOOSE_SETS against the other tables. */
GW_MUST_CHECK enum gw_code store_set_check(struct store_view *view, struct gw_str key, uint64_t *ret_count,
                                           struct gw_error *err);
GW_MUST_CHECK enum gw_code store_member_check(struct store_view *view, struct gw_str key, struct gw_error *err);
