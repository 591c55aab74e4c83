/* index: one ordered table for all indexes (userName, externalId, e-mail, subject). Private to store/.
 *
 * Keys: folder BE32 | kind | value | 0x00 | seq BE64, and for subjects a digest of (issuer, name id) before the seq.
 * Values over STORE_INDEX_VALUE_BYTES_MAX are cut and a SHA-256 of the whole follows, so that every key fits. */
#pragma once

#include "gateway/base/arena.h"
#include "store/record.h"
#include "store/table.h"

#define STORE_INDEX_VALUE_BYTES_MAX 256u
#define STORE_SUBJECT_DIGEST_BYTES 16u

struct store_subject_digest {
    uint8_t bytes[STORE_SUBJECT_DIGEST_BYTES];
};
struct store_subject_digest store_subject_digest(struct gw_str issuer, struct gw_str name_id);

/* The value as the index wants it; false when it is not well-formed text and so nobody's. */
GW_MUST_CHECK bool store_index_fold(struct gw_arena *arena, enum store_index index, struct gw_str value,
                                    struct gw_str *ret_folded);

/* All that begins a key with this folded value. */
struct store_key store_index_prefix(uint32_t folder, enum store_index index, struct gw_str folded);

/* The sequences under a folded value, in order, at most `max`. */
GW_MUST_CHECK enum gw_code store_index_find(struct store_view *view, uint32_t folder, enum store_index index,
                                            struct gw_str folded, uint64_t *ret_seqs, size_t max, size_t *ret_count,
                                            struct gw_error *err);

/* The keys of a user in the index, each once; none for a deleted user. Subjects are links' business. An e-mail that is
 * the userName too has no key: the value of the userName's says so. What format 2 wrote has the key instead, until one
 * of the two changes. */
struct store_index_keys {
    struct gw_str *keys; /* of a user: the userName's first */
    size_t count;
    bool name_is_email;
    struct gw_str email_key; /* that format 2 has when name_is_email */
};
GW_MUST_CHECK enum gw_code store_index_keys(struct gw_arena *arena, const struct store_user *user,
                                            struct store_index_keys *ret_keys, struct gw_error *err);

/* Does the entry of a userName say that it is an e-mail too? */
bool store_index_is_email(struct gw_str value);

/* Takes away what only `before` has and adds what only `after` has. */
GW_MUST_CHECK enum gw_code store_index_move(struct store_view *view, const struct store_index_keys *before,
                                            const struct store_index_keys *after, struct gw_error *err);

/* The key of a subject of a user. */
struct store_key store_index_subject_key(uint32_t folder, struct gw_str folded_name_id,
                                         const struct store_subject_digest *digest, uint64_t seq);
