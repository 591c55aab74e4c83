/* groups: loading, finding, saving and walking group records, with index, positions and last changes kept in step.
 * Private to store/. */
#pragma once

#include "gateway/base/arena.h"
#include "store/index.h"
#include "store/reader.h"
#include "store/table.h"

/* Copies into the arena. GW_E_NOT_FOUND leaves `err` alone. */
GW_MUST_CHECK enum gw_code store_groups_load(struct store_view *view, struct gw_arena *arena, uint32_t folder,
                                             uint64_t seq, struct store_group *ret_group, struct gw_error *err);
/* `before` NULL: a new one; `after` NULL: it goes. `before` lies in the arena. */
GW_MUST_CHECK enum gw_code store_groups_save(struct store_view *view, struct gw_arena *arena,
                                             const struct store_group *before, const struct store_group *after,
                                             struct gw_error *err);
/* The value is folded here. */
GW_MUST_CHECK enum gw_code store_groups_lookup(struct store_view *view, uint32_t folder, enum store_index index,
                                               struct gw_str value, uint64_t *ret_seqs, size_t max, size_t *ret_count,
                                               struct gw_error *err);

/* For the full scan: borrows from `value`. */
GW_MUST_CHECK bool store_group_decode(struct gw_str key, struct gw_str value, struct store_group *ret_group);
GW_MUST_CHECK enum gw_code store_group_index_keys(struct gw_arena *arena, const struct store_group *group,
                                                  struct store_index_keys *ret_keys, struct gw_error *err);

/* In creation order. */
GW_MUST_CHECK enum gw_code store_groups_walk(struct store_view *view, uint32_t folder, uint64_t from_seq, uint64_t skip,
                                             uint64_t count, store_group_fn on_group, void *data, struct gw_error *err);

/* The groups behind the sets that a reader looked at last, for as long as its snapshot lasts: users of one page are in
 * the same groups. */
#define STORE_RECENT_GROUPS 16u

struct store_recent_group {
    uint64_t snapshot; /* of the reader; 0: nothing is here */
    uint32_t folder;
    uint64_t set;
    struct store_group group; /* lives in LMDB's pages; seq 0: the set is nobody's */
};

/* The place of a set. Unless *ret_is_known its group is to be filled in, or the snapshot set to 0. Between begin and
 * end. */
struct store_recent_group *store_reader_recent_group(struct store_reader *reader, uint32_t folder, uint64_t set,
                                                     bool *ret_is_known);
