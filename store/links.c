#include "store/links.h"

#include "store/bytes.h"
#include "store/codec.h"

#define USER_KEY_BYTES 12u
#define LINK_KEY_BYTES (USER_KEY_BYTES + STORE_SUBJECT_DIGEST_BYTES)
#define LINK_EQUAL_MAX 256u /* taken away at a time; more than one is unlikely */

enum link_field {
    LINK_AT_TIME = STORE_SEAL_BYTES,
    LINK_AT_ISSUER = LINK_AT_TIME + 8,
    LINK_AT_NAME = LINK_AT_ISSUER + 2,
    LINK_HEAD_BYTES = LINK_AT_NAME + 2
};

static struct store_key link_key(uint32_t folder, uint64_t seq, const struct store_subject_digest *digest)
{
    struct store_key key = store_user_key(folder, seq);
    store_key_add(&key, gw_str_n((const char *)digest->bytes, sizeof digest->bytes));
    return key;
}

bool store_link_decode(struct gw_str value, struct gw_str *ret_issuer, struct gw_str *ret_name)
{
    if (value.len < LINK_HEAD_BYTES)
        return false;
    size_t issuer = (size_t)bytes_get_le(value.ptr + LINK_AT_ISSUER, 2);
    size_t name = (size_t)bytes_get_le(value.ptr + LINK_AT_NAME, 2);
    if (value.len != LINK_HEAD_BYTES + issuer + name)
        return false;
    *ret_issuer = gw_str_n(value.ptr + LINK_HEAD_BYTES, issuer);
    *ret_name = gw_str_n(value.ptr + LINK_HEAD_BYTES + issuer, name);
    return true;
}

static enum gw_code put_link(struct store_apply *apply, struct gw_str key, struct gw_str issuer, struct gw_str name_id,
                             struct gw_error *err)
{
    size_t size = LINK_HEAD_BYTES + issuer.len + name_id.len;
    uint8_t *record = gw_arena_alloc(&apply->arena, size);
    bytes_put_le(record + LINK_AT_TIME, (uint64_t)apply->change->time_ms, 8);
    bytes_put_le(record + LINK_AT_ISSUER, issuer.len, 2);
    bytes_put_le(record + LINK_AT_NAME, name_id.len, 2);
    if (issuer.len > 0)
        memcpy(record + LINK_HEAD_BYTES, issuer.ptr, issuer.len);
    memcpy(record + LINK_HEAD_BYTES + issuer.len, name_id.ptr, name_id.len);
    return store_put(&apply->view, STORE_TABLE_LINKS, key, record, size, err);
}

static enum gw_code remove_link(struct store_apply *apply, uint32_t folder, uint64_t seq, struct gw_str folded,
                                const struct store_subject_digest *digest, struct gw_error *err)
{
    struct store_key key = link_key(folder, seq, digest);
    struct store_key index_key = store_index_subject_key(folder, folded, digest, seq);
    GW_TRY(store_delete(&apply->view, STORE_TABLE_LINKS, store_key_str(&key), err));
    return store_delete(&apply->view, STORE_TABLE_INDEX, store_key_str(&index_key), err);
}

/* Subjects under one folded name id: whose, and with which digest. */
struct subject {
    uint64_t seq;
    struct store_subject_digest digest;
};

static enum gw_code find_subjects(struct store_view *view, uint32_t folder, struct gw_str folded,
                                  const struct store_subject_digest *only, struct subject *ret_subjects, size_t max,
                                  size_t *ret_count, struct gw_error *err)
{
    struct store_key prefix = store_index_prefix(folder, STORE_INDEX_SUBJECT, folded);
    size_t size = prefix.len + STORE_SUBJECT_DIGEST_BYTES + 8;
    size_t at_digest = prefix.len;
    if (only != NULL)
        store_key_add(&prefix, gw_str_n((const char *)only->bytes, sizeof only->bytes));
    *ret_count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_INDEX, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&prefix), err);
    while (code == GW_OK && *ret_count < max && gw_str_starts(walk.key, store_key_str(&prefix))) {
        if (walk.key.len == size) {
            struct subject *subject = &ret_subjects[(*ret_count)++];
            memcpy(subject->digest.bytes, walk.key.ptr + at_digest, STORE_SUBJECT_DIGEST_BYTES);
            subject->seq = bytes_get_be(walk.key.ptr + size - 8, 8);
        }
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static enum gw_code remove_others(struct store_apply *apply, const struct store_user *user, struct gw_str folded,
                                  const struct store_subject_digest *only, struct gw_error *err)
{
    struct subject subjects[LINK_EQUAL_MAX];
    size_t count = 0;
    GW_TRY(find_subjects(&apply->view, user->folder, folded, only, subjects, LINK_EQUAL_MAX, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (subjects[i].seq != user->seq)
            GW_TRY(remove_link(apply, user->folder, subjects[i].seq, folded, &subjects[i].digest, err));
    }
    return GW_OK;
}

enum gw_code store_links_remove_equal(struct store_apply *apply, const struct store_user *user, struct gw_error *err)
{
    struct gw_str folded;
    if (!store_index_fold(&apply->arena, STORE_INDEX_SUBJECT, user->user_name, &folded))
        return GW_OK;
    return remove_others(apply, user, folded, NULL, err);
}

/* The links of one user, in the arena. */
struct link_list {
    struct gw_str names[STORE_LINKS_MAX];
    struct store_subject_digest digests[STORE_LINKS_MAX];
    size_t count;
};

static enum gw_code list_links(struct store_apply *apply, const struct store_user *user, struct link_list *ret_list,
                               struct gw_error *err)
{
    struct store_key prefix = store_user_key(user->folder, user->seq);
    ret_list->count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, &apply->view, STORE_TABLE_LINKS, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&prefix), err);
    while (code == GW_OK && ret_list->count < STORE_LINKS_MAX && gw_str_starts(walk.key, store_key_str(&prefix))) {
        struct gw_str issuer;
        struct gw_str name;
        if (walk.key.len != LINK_KEY_BYTES || !store_link_decode(walk.value, &issuer, &name))
            return store_fail_damaged(err, STORE_TABLE_LINKS, "a record makes no sense");
        ret_list->names[ret_list->count] = gw_arena_copy(&apply->arena, name);
        memcpy(ret_list->digests[ret_list->count++].bytes, walk.key.ptr + USER_KEY_BYTES, STORE_SUBJECT_DIGEST_BYTES);
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_links_digests(struct store_apply *apply, const struct store_user *user,
                                 struct store_subject_digest *ret_digests, size_t *ret_count, struct gw_error *err)
{
    struct link_list *list = gw_arena_alloc(&apply->arena, sizeof *list);
    *ret_count = 0;
    GW_TRY(list_links(apply, user, list, err));
    memcpy(ret_digests, list->digests, list->count * sizeof *ret_digests);
    *ret_count = list->count;
    return GW_OK;
}

enum gw_code store_links_remove_user(struct store_apply *apply, const struct store_user *user, struct gw_error *err)
{
    struct link_list *list = gw_arena_alloc(&apply->arena, sizeof *list);
    GW_TRY(list_links(apply, user, list, err));
    for (size_t i = 0; i < list->count; i++) {
        struct gw_str folded;
        if (!store_index_fold(&apply->arena, STORE_INDEX_SUBJECT, list->names[i], &folded))
            return store_fail_damaged(err, STORE_TABLE_LINKS, "a name id is not well-formed");
        GW_TRY(remove_link(apply, user->folder, user->seq, folded, &list->digests[i], err));
    }
    return GW_OK;
}

enum gw_code store_links_add(struct store_apply *apply, const struct store_user *user, struct gw_str issuer,
                             struct gw_str name_id, bool *ret_added, struct gw_error *err)
{
    *ret_added = false;
    struct gw_str folded;
    if (name_id.len > STORE_SUBJECT_TEXT_BYTES_MAX || issuer.len > STORE_SUBJECT_TEXT_BYTES_MAX ||
        !store_index_fold(&apply->arena, STORE_INDEX_SUBJECT, name_id, &folded))
        return gw_fail(err, GW_E_INVALID_VALUE, "the name id or its issuer is too long or not well-formed UTF-8");
    struct store_subject_digest digest = store_subject_digest(issuer, name_id);
    struct store_key key = link_key(user->folder, user->seq, &digest);
    struct gw_str value;
    enum gw_code code = store_get(&apply->view, STORE_TABLE_LINKS, store_key_str(&key), &value, err);
    if (code != GW_E_NOT_FOUND)
        return code;
    GW_TRY(remove_others(apply, user, folded, &digest, err));
    struct link_list *list = gw_arena_alloc(&apply->arena, sizeof *list);
    GW_TRY(list_links(apply, user, list, err));
    if (list->count == STORE_LINKS_MAX)
        return GW_OK;
    GW_TRY(put_link(apply, store_key_str(&key), issuer, name_id, err));
    struct store_key index_key = store_index_subject_key(user->folder, folded, &digest, user->seq);
    GW_TRY(store_put_key(&apply->view, STORE_TABLE_INDEX, store_key_str(&index_key), err));
    *ret_added = true;
    return GW_OK;
}

enum gw_code store_links_find(struct store_view *view, uint32_t folder, struct gw_str issuer, struct gw_str name_id,
                              uint64_t *ret_seqs, size_t max, size_t *ret_count, struct gw_error *err)
{
    struct subject subjects[2];
    struct store_subject_digest digest = store_subject_digest(issuer, name_id);
    struct gw_str folded;
    *ret_count = 0;
    GW_ARENA_SCOPED(arena);
    if (!store_index_fold(&arena, STORE_INDEX_SUBJECT, name_id, &folded))
        return GW_OK;
    GW_TRY(find_subjects(view, folder, folded, &digest, subjects, max < 2 ? max : 2, ret_count, err));
    for (size_t i = 0; i < *ret_count; i++)
        ret_seqs[i] = subjects[i].seq;
    return GW_OK;
}

bool store_link_index_key(struct gw_arena *arena, struct gw_str key, struct gw_str value,
                          struct store_key *ret_index_key)
{
    struct gw_str issuer;
    struct gw_str name;
    struct gw_str folded;
    if (key.len != LINK_KEY_BYTES || !store_link_decode(value, &issuer, &name) ||
        !store_index_fold(arena, STORE_INDEX_SUBJECT, name, &folded))
        return false;
    struct store_subject_digest digest;
    memcpy(digest.bytes, key.ptr + USER_KEY_BYTES, sizeof digest.bytes);
    *ret_index_key =
        store_index_subject_key((uint32_t)bytes_get_be(key.ptr, 4), folded, &digest, bytes_get_be(key.ptr + 4, 8));
    return true;
}
