#include "store/index.h"

#include "gateway/base/digest.h"
#include "gateway/base/text.h"
#include "store/bytes.h"

#define SEQ_BYTES 8u
/* Of the value of a userName that is an e-mail too; of all others it is the seal alone. */
#define NAME_IS_EMAIL_BYTES (STORE_SEAL_BYTES + 1u)

struct store_subject_digest store_subject_digest(struct gw_str issuer, struct gw_str name_id)
{
    uint8_t length[8];
    bytes_put_le(length, issuer.len, sizeof length);
    GW_ARENA_SCOPED(arena);
    char *text = gw_arena_alloc(&arena, sizeof length + issuer.len + name_id.len);
    memcpy(text, length, sizeof length);
    if (issuer.len > 0)
        memcpy(text + sizeof length, issuer.ptr, issuer.len);
    if (name_id.len > 0)
        memcpy(text + sizeof length + issuer.len, name_id.ptr, name_id.len);
    struct gw_sha256 whole = gw_sha256(gw_str_n(text, sizeof length + issuer.len + name_id.len));
    struct store_subject_digest digest;
    memcpy(digest.bytes, whole.bytes, sizeof digest.bytes);
    return digest;
}

bool store_index_fold(struct gw_arena *arena, enum store_index index, struct gw_str value, struct gw_str *ret_folded)
{
    if (index != STORE_INDEX_EXTERNAL_ID && index != STORE_INDEX_GROUP_EXTERNAL_ID)
        return gw_name_fold(arena, value, ret_folded);
    *ret_folded = value;
    return true;
}

struct store_key store_index_prefix(uint32_t folder, enum store_index index, struct gw_str folded)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, folder, 4);
    store_key_add_be(&key, index, 1);
    if (folded.len <= STORE_INDEX_VALUE_BYTES_MAX) {
        store_key_add(&key, folded);
    } else {
        struct gw_sha256 digest = gw_sha256(folded);
        store_key_add(&key, gw_str_n(folded.ptr, STORE_INDEX_VALUE_BYTES_MAX));
        store_key_add(&key, gw_str_n((const char *)digest.bytes, sizeof digest.bytes));
    }
    store_key_add_be(&key, 0, 1);
    return key;
}

bool store_index_is_email(struct gw_str value)
{
    return value.len == NAME_IS_EMAIL_BYTES;
}

/* Into its place, once; the last one makes room. */
static void add_seq(uint64_t *seqs, size_t max, size_t *count, uint64_t seq)
{
    size_t at = *count;
    while (at > 0 && seqs[at - 1] > seq)
        at--;
    if (at == max || (at > 0 && seqs[at - 1] == seq))
        return;
    *count += *count < max;
    memmove(&seqs[at + 1], &seqs[at], (*count - at - 1) * sizeof seqs[0]);
    seqs[at] = seq;
}

/* Adds whose userName the e-mail is. */
static enum gw_code find_names(struct store_walk *walk, uint32_t folder, struct gw_str folded, uint64_t *seqs,
                               size_t max, size_t *count, struct gw_error *err)
{
    struct store_key prefix = store_index_prefix(folder, STORE_INDEX_USER_NAME, folded);
    enum gw_code code = store_walk_seek(walk, store_key_str(&prefix), err);
    while (code == GW_OK && gw_str_starts(walk->key, store_key_str(&prefix))) {
        if (walk->key.len == prefix.len + SEQ_BYTES && store_index_is_email(walk->value))
            add_seq(seqs, max, count, bytes_get_be(walk->key.ptr + prefix.len, SEQ_BYTES));
        code = store_walk_next(walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_index_find(struct store_view *view, uint32_t folder, enum store_index index, struct gw_str folded,
                              uint64_t *ret_seqs, size_t max, size_t *ret_count, struct gw_error *err)
{
    struct store_key prefix = store_index_prefix(folder, index, folded);
    size_t size = prefix.len + SEQ_BYTES + (index == STORE_INDEX_SUBJECT ? STORE_SUBJECT_DIGEST_BYTES : 0);
    *ret_count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_INDEX, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&prefix), err);
    while (code == GW_OK && *ret_count < max && gw_str_starts(walk.key, store_key_str(&prefix))) {
        /* a value with a zero byte in it shares the prefix, never the length */
        if (walk.key.len == size)
            ret_seqs[(*ret_count)++] = bytes_get_be(walk.key.ptr + size - SEQ_BYTES, SEQ_BYTES);
        code = store_walk_next(&walk, err);
    }
    if (code != GW_OK && code != GW_E_NOT_FOUND)
        return code;
    return index == STORE_INDEX_EMAIL ? find_names(&walk, folder, folded, ret_seqs, max, ret_count, err) : GW_OK;
}

static bool has_key(const struct store_index_keys *keys, struct gw_str key)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (gw_str_eq(keys->keys[i], key))
            return true;
    }
    return false;
}

static struct gw_str email_key(struct gw_arena *arena, const struct store_user *user, struct gw_str folded_name)
{
    struct store_key key = store_index_prefix(user->folder, STORE_INDEX_EMAIL, folded_name);
    store_key_add_be(&key, user->seq, SEQ_BYTES);
    return gw_arena_copy(arena, store_key_str(&key));
}

static enum gw_code add_key(struct gw_arena *arena, const struct store_user *user, enum store_index index,
                            struct gw_str value, struct store_index_keys *keys, struct gw_error *err)
{
    if (value.len == 0)
        return GW_OK;
    struct gw_str folded;
    if (!store_index_fold(arena, index, value, &folded))
        return gw_fail(err, GW_E_INVALID_VALUE, "a value is not well-formed UTF-8");
    struct store_key key = store_index_prefix(user->folder, index, folded);
    store_key_add_be(&key, user->seq, SEQ_BYTES);
    if (index == STORE_INDEX_USER_NAME)
        keys->email_key = email_key(arena, user, folded);
    if (gw_str_eq(store_key_str(&key), keys->email_key))
        keys->name_is_email = true;
    else if (!has_key(keys, store_key_str(&key)))
        keys->keys[keys->count++] = gw_arena_copy(arena, store_key_str(&key));
    return GW_OK;
}

enum gw_code store_index_keys(struct gw_arena *arena, const struct store_user *user, struct store_index_keys *ret_keys,
                              struct gw_error *err)
{
    *ret_keys = (struct store_index_keys){.count = 0};
    if ((user->state.flags & STORE_USER_DELETED) != 0)
        return GW_OK;
    ret_keys->keys = gw_arena_array(arena, user->email_count + 2, sizeof *ret_keys->keys);
    GW_TRY(add_key(arena, user, STORE_INDEX_USER_NAME, user->user_name, ret_keys, err));
    GW_TRY(add_key(arena, user, STORE_INDEX_EXTERNAL_ID, user->external_id, ret_keys, err));
    for (size_t i = 0; i < user->email_count; i++)
        GW_TRY(add_key(arena, user, STORE_INDEX_EMAIL, user->emails[i], ret_keys, err));
    return GW_OK;
}

static enum gw_code put_first(struct store_view *view, const struct store_index_keys *keys, struct gw_error *err)
{
    uint8_t record[NAME_IS_EMAIL_BYTES] = {0};
    size_t size = keys->name_is_email ? sizeof record : STORE_SEAL_BYTES;
    return store_put(view, STORE_TABLE_INDEX, keys->keys[0], record, size, err);
}

enum gw_code store_index_move(struct store_view *view, const struct store_index_keys *before,
                              const struct store_index_keys *after, struct gw_error *err)
{
    bool is_same_name = before->count > 0 && after->count > 0 && gw_str_eq(before->keys[0], after->keys[0]) &&
                        before->name_is_email == after->name_is_email;
    if (before->name_is_email && !is_same_name && !has_key(after, before->email_key))
        GW_TRY(store_delete(view, STORE_TABLE_INDEX, before->email_key, err));
    for (size_t i = 0; i < before->count; i++) {
        if (!has_key(after, before->keys[i]))
            GW_TRY(store_delete(view, STORE_TABLE_INDEX, before->keys[i], err));
    }
    for (size_t i = 0; i < after->count; i++) {
        if (i == 0 && !is_same_name)
            GW_TRY(put_first(view, after, err));
        else if (!has_key(before, after->keys[i]))
            GW_TRY(store_put_key(view, STORE_TABLE_INDEX, after->keys[i], err));
    }
    return GW_OK;
}

struct store_key store_index_subject_key(uint32_t folder, struct gw_str folded_name_id,
                                         const struct store_subject_digest *digest, uint64_t seq)
{
    struct store_key key = store_index_prefix(folder, STORE_INDEX_SUBJECT, folded_name_id);
    store_key_add(&key, gw_str_n((const char *)digest->bytes, sizeof digest->bytes));
    store_key_add_be(&key, seq, SEQ_BYTES);
    return key;
}
