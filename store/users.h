/* users: loading and saving whole user records, with index, state and positions kept in step. Private to store/. */
#pragma once

#include "gateway/base/arena.h"
#include "store/index.h"
#include "store/record.h"
#include "store/table.h"

/* Copies into the arena. Deleted users are found too. GW_E_NOT_FOUND leaves `err` alone. */
GW_MUST_CHECK enum gw_code store_users_load(struct store_view *view, struct gw_arena *arena, uint32_t folder,
                                            uint64_t seq, struct store_user *ret_user, struct gw_error *err);

/* `before` is what the store holds now (in the arena, not in LMDB's pages), or NULL for a new user. */
GW_MUST_CHECK enum gw_code store_users_save(struct store_view *view, struct gw_arena *arena,
                                            const struct store_user *before, const struct store_user *after,
                                            struct gw_error *err);

/* The record goes, and everything that is derived from it. */
GW_MUST_CHECK enum gw_code store_users_remove(struct store_view *view, struct gw_arena *arena,
                                              const struct store_user *before, struct gw_error *err);

/* The next number of a counter of this folder, from 1; never given twice. */
GW_MUST_CHECK enum gw_code store_new_number(struct store_view *view, struct gw_str counter, uint32_t folder,
                                            uint64_t *ret_number, struct gw_error *err);
/* Numbers are never used again. */
GW_MUST_CHECK enum gw_code store_users_new_seq(struct store_view *view, uint32_t folder, uint64_t *ret_seq,
                                               struct gw_error *err);

/* Users that are not deleted and have `value` in the index; it is folded here. */
GW_MUST_CHECK enum gw_code store_users_lookup(struct store_view *view, uint32_t folder, enum store_index index,
                                              struct gw_str value, uint64_t *ret_seqs, size_t max, size_t *ret_count,
                                              struct gw_error *err);
