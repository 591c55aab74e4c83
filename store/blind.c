#include "store/blind.h"

#include "store/bytes.h"
#include "store/env.h"
#include "store/links.h"

#define SEQ_BYTES 8u
#define MARK_KEY_BYTES (4u + 1u + STORE_BLIND_DIGEST_BYTES)
#define OWNER_KEY_BYTES (4u + 1u + SEQ_BYTES + 1u + STORE_BLIND_DIGEST_BYTES)
#define AT_OWNER STORE_SEAL_BYTES
#define MARK_BYTES (AT_OWNER + SEQ_BYTES)
#define MARKS_MAX (2u + STORE_EMAILS_MAX + STORE_LINKS_MAX) /* of one user */

static struct store_key mark_key(const struct store_view *view, uint32_t folder, enum store_index index,
                                 struct gw_str value)
{
    uint8_t place[5];
    bytes_put_be(place, folder, 4);
    place[4] = (uint8_t)index;
    struct gw_str parts[] = {GW_STR("blind mark"), gw_str_n((const char *)place, sizeof place), value};
    struct gw_sha256 whole = gw_hmac_parts(view->store->keys.session, parts, 3);
    struct store_key key;
    store_key_init(&key);
    store_key_add(&key, parts[1]);
    store_key_add(&key, gw_str_n((const char *)whole.bytes, STORE_BLIND_DIGEST_BYTES));
    return key;
}

/* The same mark by whom it was made of. */
static struct store_key owner_key(struct gw_str mark, uint64_t seq)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add(&key, gw_str_n(mark.ptr, 4));
    store_key_add_be(&key, 0, 1);
    store_key_add_be(&key, seq, SEQ_BYTES);
    store_key_add(&key, gw_str_from_pos(mark, 4));
    return key;
}

static enum gw_code find_mark(struct store_view *view, const struct store_key *mark, uint64_t *ret_seq,
                              struct gw_error *err)
{
    struct gw_str value;
    *ret_seq = 0;
    enum gw_code code = store_get(view, STORE_TABLE_BLIND, store_key_str(mark), &value, err);
    if (code == GW_E_NOT_FOUND)
        return GW_OK;
    if (code == GW_OK && value.len != MARK_BYTES)
        return store_fail_damaged(err, STORE_TABLE_BLIND, "a record has a wrong size");
    if (code == GW_OK)
        *ret_seq = bytes_get_le(value.ptr + AT_OWNER, SEQ_BYTES);
    return code;
}

static enum gw_code put_mark(struct store_view *view, const struct store_key *mark, uint64_t seq, struct gw_error *err)
{
    uint64_t before = 0;
    GW_TRY(find_mark(view, mark, &before, err));
    if (before != 0) { /* of somebody who had the name earlier */
        struct store_key old_owner = owner_key(store_key_str(mark), before);
        GW_TRY(store_delete(view, STORE_TABLE_BLIND, store_key_str(&old_owner), err));
    }
    uint8_t record[MARK_BYTES];
    struct store_key owner = owner_key(store_key_str(mark), seq);
    bytes_put_le(record + AT_OWNER, seq, SEQ_BYTES);
    GW_TRY(store_put(view, STORE_TABLE_BLIND, store_key_str(mark), record, sizeof record, err));
    return store_put_key(view, STORE_TABLE_BLIND, store_key_str(&owner), err);
}

static enum gw_code drop_mark(struct store_view *view, const struct store_key *mark, uint64_t seq, struct gw_error *err)
{
    struct store_key owner = owner_key(store_key_str(mark), seq);
    GW_TRY(store_delete(view, STORE_TABLE_BLIND, store_key_str(mark), err));
    return store_delete(view, STORE_TABLE_BLIND, store_key_str(&owner), err);
}

/* The marks that a user's names would have; room for MARKS_MAX. */
static void list_names(const struct store_view *view, struct gw_arena *arena, const struct store_user *user,
                       struct store_key *marks, size_t *count)
{
    struct gw_str folded;
    *count = 0;
    if (user->user_name.len > 0 && store_index_fold(arena, STORE_INDEX_USER_NAME, user->user_name, &folded))
        marks[(*count)++] = mark_key(view, user->folder, STORE_INDEX_USER_NAME, folded);
    if (user->external_id.len > 0)
        marks[(*count)++] = mark_key(view, user->folder, STORE_INDEX_EXTERNAL_ID, user->external_id);
    for (size_t i = 0; i < user->email_count && i < STORE_EMAILS_MAX; i++) {
        if (store_index_fold(arena, STORE_INDEX_EMAIL, user->emails[i], &folded))
            marks[(*count)++] = mark_key(view, user->folder, STORE_INDEX_EMAIL, folded);
    }
}

enum gw_code store_blind_fill(struct store_view *view, const struct store_user *user, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct store_key *marks = gw_arena_array(&arena, MARKS_MAX, sizeof *marks);
    size_t count = 0;
    list_names(view, &arena, user, marks, &count);
    for (size_t i = 0; i < count; i++)
        GW_TRY(put_mark(view, &marks[i], user->seq, err));
    return GW_OK;
}

enum gw_code store_blind_add(struct store_apply *apply, const struct store_user *user, struct gw_error *err)
{
    struct store_subject_digest digests[STORE_LINKS_MAX];
    size_t count = 0;
    GW_TRY(store_blind_fill(&apply->view, user, err));
    GW_TRY(store_links_digests(apply, user, digests, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct gw_str value = gw_str_n((const char *)digests[i].bytes, sizeof digests[i].bytes);
        struct store_key mark = mark_key(&apply->view, user->folder, STORE_INDEX_SUBJECT, value);
        GW_TRY(put_mark(&apply->view, &mark, user->seq, err));
    }
    return GW_OK;
}

static enum gw_code is_empty(struct store_view *view, bool *ret_empty, struct gw_error *err)
{
    uint64_t entries = 0;
    GW_TRY(store_table_entries(view, STORE_TABLE_BLIND, &entries, err));
    *ret_empty = entries == 0;
    return GW_OK;
}

static enum gw_code list_owned(struct store_view *view, struct store_key prefix, struct store_key *owners,
                               size_t *ret_count, struct gw_error *err)
{
    *ret_count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_BLIND, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&prefix), err);
    while (code == GW_OK && *ret_count < MARKS_MAX && gw_str_starts(walk.key, store_key_str(&prefix))) {
        store_key_init(&owners[*ret_count]);
        store_key_add(&owners[(*ret_count)++], walk.key);
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_blind_clear_seq(struct store_apply *apply, uint32_t folder, uint64_t seq, struct gw_error *err)
{
    struct store_key *owners = gw_arena_array(&apply->arena, MARKS_MAX, sizeof *owners);
    struct store_key prefix;
    size_t count = 0;
    store_key_init(&prefix);
    store_key_add_be(&prefix, folder, 4);
    store_key_add_be(&prefix, 0, 1);
    store_key_add_be(&prefix, seq, SEQ_BYTES);
    GW_TRY(list_owned(&apply->view, prefix, owners, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct store_key mark;
        store_key_init(&mark);
        store_key_add_be(&mark, folder, 4);
        store_key_add(&mark, gw_str_from_pos(store_key_str(&owners[i]), prefix.len));
        GW_TRY(store_delete(&apply->view, STORE_TABLE_BLIND, store_key_str(&mark), err));
        GW_TRY(store_delete(&apply->view, STORE_TABLE_BLIND, store_key_str(&owners[i]), err));
    }
    return GW_OK;
}

enum gw_code store_blind_clear(struct store_apply *apply, const struct store_user *user, struct gw_error *err)
{
    bool empty = false;
    GW_TRY(is_empty(&apply->view, &empty, err));
    if (empty)
        return GW_OK;
    struct store_key *marks = gw_arena_array(&apply->arena, MARKS_MAX, sizeof *marks);
    size_t count = 0;
    list_names(&apply->view, &apply->arena, user, marks, &count);
    for (size_t i = 0; i < count; i++) {
        uint64_t seq = 0;
        GW_TRY(find_mark(&apply->view, &marks[i], &seq, err));
        if (seq == 0)
            continue;
        /* an address that people share does not say that the person is back */
        bool is_address = marks[i].bytes[4] == STORE_INDEX_EMAIL;
        GW_TRY(is_address ? drop_mark(&apply->view, &marks[i], seq, err)
                          : store_blind_clear_seq(apply, user->folder, seq, err));
    }
    return GW_OK;
}

enum gw_code store_blind_find(struct store_view *view, uint32_t folder, enum store_index index, struct gw_str value,
                              uint64_t *ret_seq, struct gw_error *err)
{
    bool empty = false;
    struct gw_str folded;
    GW_ARENA_SCOPED(arena);
    *ret_seq = 0;
    GW_TRY(is_empty(view, &empty, err));
    if (empty || value.len == 0 || !store_index_fold(&arena, index, value, &folded))
        return GW_OK;
    struct store_key mark = mark_key(view, folder, index, folded);
    return find_mark(view, &mark, ret_seq, err);
}

enum gw_code store_blind_find_subject(struct store_view *view, uint32_t folder, struct gw_str issuer,
                                      struct gw_str name_id, uint64_t *ret_seq, struct gw_error *err)
{
    struct store_subject_digest digest = store_subject_digest(issuer, name_id);
    struct gw_str value = gw_str_n((const char *)digest.bytes, sizeof digest.bytes);
    struct store_key mark = mark_key(view, folder, STORE_INDEX_SUBJECT, value);
    return find_mark(view, &mark, ret_seq, err);
}

enum gw_code store_blind_check(struct store_view *view, struct gw_str key, struct gw_str value, struct gw_error *err)
{
    struct gw_str found;
    struct store_key other;
    if (key.len == MARK_KEY_BYTES && value.len == MARK_BYTES) {
        other = owner_key(key, bytes_get_le(value.ptr + AT_OWNER, SEQ_BYTES));
    } else if (key.len == OWNER_KEY_BYTES) {
        store_key_init(&other);
        store_key_add(&other, gw_str_n(key.ptr, 4));
        store_key_add(&other, gw_str_from_pos(key, 5 + SEQ_BYTES));
    } else {
        return store_fail_damaged(err, STORE_TABLE_BLIND, "a record makes no sense");
    }
    enum gw_code code = store_get(view, STORE_TABLE_BLIND, store_key_str(&other), &found, err);
    return code == GW_E_NOT_FOUND ? store_fail_damaged(err, STORE_TABLE_BLIND, "an entry is missing") : code;
}
