/* links: which subjects (issuer, name id) belong to which user. Private to store/. */
#pragma once

#include "store/apply.h"

#define STORE_LINKS_MAX 64u /* of one user; more are not kept */
#define STORE_SUBJECT_TEXT_BYTES_MAX 1024u

/* Ties the subject to the user, and takes it from any other. *ret_added: it is new there. */
GW_MUST_CHECK enum gw_code store_links_add(struct store_apply *apply, const struct store_user *user,
                                           struct gw_str issuer, struct gw_str name_id, bool *ret_added,
                                           struct gw_error *err);
GW_MUST_CHECK enum gw_code store_links_remove_user(struct store_apply *apply, const struct store_user *user,
                                                   struct gw_error *err);
/* The subjects of one user, at most STORE_LINKS_MAX. */
GW_MUST_CHECK enum gw_code store_links_digests(struct store_apply *apply, const struct store_user *user,
                                               struct store_subject_digest *ret_digests, size_t *ret_count,
                                               struct gw_error *err);
/* Subjects equal to the name (folded), of any issuer, of everybody but `user`. */
GW_MUST_CHECK enum gw_code store_links_remove_equal(struct store_apply *apply, const struct store_user *user,
                                                    struct gw_error *err);

/* Who has exactly this subject? At most `max`; there should be one at most. */
GW_MUST_CHECK enum gw_code store_links_find(struct store_view *view, uint32_t folder, struct gw_str issuer,
                                            struct gw_str name_id, uint64_t *ret_seqs, size_t max, size_t *ret_count,
                                            struct gw_error *err);

/* What a record of STORE_TABLE_LINKS says; its key begins with the user's. */
GW_MUST_CHECK bool store_link_decode(struct gw_str value, struct gw_str *ret_issuer, struct gw_str *ret_name_id);

/* For the full scan: the key that this link has in the index. */
GW_MUST_CHECK bool store_link_index_key(struct gw_arena *arena, struct gw_str key, struct gw_str value,
                                        struct store_key *ret_index_key);
