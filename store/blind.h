/* blind: marks of people whose record was deleted or purged: keyed digests of their names and subjects, which say
 * nothing without the store's key. Whoever comes under one at the sign-on is refused until the person is provisioned
 * again (semantics.md 4): else a deprovisioned person would walk in as somebody unknown. Private to store/. */
#pragma once

#include "store/apply.h"

#define STORE_BLIND_DIGEST_BYTES 16u

/* Marks userName, externalId, e-mails and subjects of the user, who is about to go. */
GW_MUST_CHECK enum gw_code store_blind_add(struct store_apply *apply, const struct store_user *user,
                                           struct gw_error *err);
/* The person of the user's userName or externalId was provisioned again: takes away all marks that were made with
 * these, and those of the user's e-mail addresses alone. */
GW_MUST_CHECK enum gw_code store_blind_clear(struct store_apply *apply, const struct store_user *user,
                                             struct gw_error *err);
/* The marks that the going of this very record made. */
GW_MUST_CHECK enum gw_code store_blind_clear_seq(struct store_apply *apply, uint32_t folder, uint64_t seq,
                                                 struct gw_error *err);

/* Whose going made the mark; 0: there is none. */
GW_MUST_CHECK enum gw_code store_blind_find(struct store_view *view, uint32_t folder, enum store_index index,
                                            struct gw_str value, uint64_t *ret_seq, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_blind_find_subject(struct store_view *view, uint32_t folder, struct gw_str issuer,
                                                    struct gw_str name_id, uint64_t *ret_seq, struct gw_error *err);

/* For migration: the names of a tombstone of a format that had no marks. */
GW_MUST_CHECK enum gw_code store_blind_fill(struct store_view *view, const struct store_user *user,
                                            struct gw_error *err);
/* For the full scan: an entry of STORE_TABLE_BLIND belongs to another one. */
GW_MUST_CHECK enum gw_code store_blind_check(struct store_view *view, struct gw_str key, struct gw_str value,
                                             struct gw_error *err);
