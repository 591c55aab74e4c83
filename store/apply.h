/* apply: carries out one change in the writer's transaction. Private to store/; the writer's thread only.
 * Deterministic: everything a change depends on is in it or in the store.
 *
 * A function that fails has written nothing, or leaves `view.wrote` set, and then the writer gives up the transaction;
 * unless it set `keep`: then the refusal itself has something to remember. */
#pragma once

#include "store/change.h"
#include "store/room.h"
#include "store/sentinel.h"
#include "store/users.h"

struct store_apply {
    struct store_view view;
    struct store_sentinel sentinel;
    struct store_room_found found; /* when the transaction began */
    struct store_change *change;
    struct gw_arena arena; /* of this change */
    bool keep;             /* what was written stays, although the change is refused */
    bool has_writes;       /* of this transaction: there is something to commit */
    unsigned revocations;  /* of this transaction */
};

/* Applies change, fills its code, error and result. True: the transaction can go on. */
GW_MUST_CHECK bool store_apply_change(struct store_apply *apply, struct store_change *change);

GW_MUST_CHECK enum gw_code store_apply_user_create(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_user_replace(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_user_delete(struct store_apply *apply, struct gw_error *err);
/* Makes a tombstone of the user, who is not one. */
GW_MUST_CHECK enum gw_code store_apply_tombstone(struct store_apply *apply, const struct store_user *before,
                                                 struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_user_end_sessions(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_user_lock(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_user_unlock(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_user_deactivate(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_user_reactivate(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_user_import(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_user_purge(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_user_restore(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_group_create(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_group_update(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_group_delete(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_group_stage(struct store_apply *apply, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_group_sweep(struct store_apply *apply, struct gw_error *err);
/* A user who is being deleted leaves all groups. */
GW_MUST_CHECK enum gw_code store_apply_leave_groups(struct store_apply *apply, uint64_t user_seq, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_apply_sign_on(struct store_apply *apply, struct gw_error *err);

/* What the functions above share. */

/* Sizes and text of a draft are within the caps of record.h. */
GW_MUST_CHECK enum gw_code store_draft_check(const struct store_user_draft *draft, struct gw_error *err);
/* Puts the draft's data (not active) into the user; borrowed. */
void store_draft_fill(struct store_user *user, const struct store_user_draft *draft);
bool store_draft_differs(const struct store_user *user, const struct store_user_draft *draft);

/* GW_E_UNIQUENESS naming who has the userName, unless it is `own_seq` or nobody. */
GW_MUST_CHECK enum gw_code store_apply_check_name(struct store_apply *apply, uint32_t folder, struct gw_str user_name,
                                                  uint64_t own_seq, struct gw_error *err);
/* Space for a new user. */
GW_MUST_CHECK enum gw_code store_apply_check_room(struct store_apply *apply, struct gw_error *err);

/* A change of what SCIM shows. */
void store_user_touch(struct store_user *user, int64_t time_ms);
/* Raises the generation (all sessions are dead) and appends to the revocation log. */
GW_MUST_CHECK enum gw_code store_apply_revoke(struct store_apply *apply, struct store_user *user, struct gw_error *err);
/* Moves the user to active or inactive, after store_user_touch. */
GW_MUST_CHECK enum gw_code store_apply_set_active(struct store_apply *apply, struct store_user *user, bool active,
                                                  struct gw_error *err);
void store_apply_result(struct store_apply *apply, enum store_outcome outcome, const struct store_user *user);
/* Saves; a userName that is new for the record takes equal subjects from others (semantics.md 4). */
GW_MUST_CHECK enum gw_code store_apply_save(struct store_apply *apply, const struct store_user *before,
                                            const struct store_user *after, struct gw_error *err);
