/* positions: how many users that are not deleted stand in each block of 1,024 creation sequences, in each block of
 * 1,024 blocks, and so on: any page position is found in short walks, and a total is one small read (semantics.md 4).
 * Private to store/. Empty blocks have no entry, so that long runs of tombstones are jumped over. */
#pragma once

#include "store/table.h"

#define STORE_BLOCK_BITS 10u
#define STORE_BLOCK_LEVELS 3u /* the last one counts 2^30 users to an entry; totals add these up */

/* Groups are counted as if they stood in a folder of their own: folder numbers are small. */
#define STORE_POSITIONS_OF_GROUPS(folder) ((folder) | 0x80000000u)

/* A user came (+1) or went (-1). */
GW_MUST_CHECK enum gw_code store_positions_add(struct store_view *view, uint32_t folder, uint64_t seq, int change,
                                               struct gw_error *err);
GW_MUST_CHECK enum gw_code store_positions_total(struct store_view *view, uint32_t folder, uint64_t *ret_count,
                                                 struct gw_error *err);
/* The block of level 0 in which the `position`-th user stands, and how many of the block stand before it.
 * GW_E_NOT_FOUND past the end. */
GW_MUST_CHECK enum gw_code store_positions_find(struct store_view *view, uint32_t folder, uint64_t position,
                                                uint64_t *ret_block, uint64_t *ret_before, struct gw_error *err);
/* The first block of level 0, from `block` on, that holds anybody. GW_E_NOT_FOUND when there is none. */
GW_MUST_CHECK enum gw_code store_positions_block(struct store_view *view, uint32_t folder, uint64_t block,
                                                 uint64_t *ret_block, struct gw_error *err);

/* For the full scan: what an entry says. False when it is not one. */
struct store_position {
    uint32_t folder;
    unsigned level;
    uint64_t block;
    uint64_t count;
};
GW_MUST_CHECK bool store_position_decode(struct gw_str key, struct gw_str value, struct store_position *ret_position);
GW_MUST_CHECK enum gw_code store_positions_get(struct store_view *view, uint32_t folder, unsigned level, uint64_t block,
                                               uint64_t *ret_count, struct gw_error *err);
