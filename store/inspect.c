#include "store/inspect.h"

#include "gateway/base/text.h"
#include "store/apply.h"
#include "store/bytes.h"
#include "store/codec.h"
#include "store/due.h"
#include "store/index.h"
#include "store/links.h"
#include "store/match.h"

#define INDEX_TAIL_BYTES 9u /* a zero byte and the sequence */

enum gw_code store_user_links(struct store_reader *reader, uint32_t folder, uint64_t seq, store_link_fn on_link,
                              void *data, struct gw_error *err)
{
    struct store_key user = store_user_key(folder, seq);
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, store_reader_view(reader), STORE_TABLE_LINKS, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&user), err);
    while (code == GW_OK && gw_str_starts(walk.key, store_key_str(&user))) {
        struct gw_str issuer;
        struct gw_str name_id;
        if (!store_link_decode(walk.value, &issuer, &name_id))
            return store_fail_damaged(err, STORE_TABLE_LINKS, "a record makes no sense");
        on_link(issuer, name_id, data);
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

/* A user in LMDB's pages. */
static enum gw_code visit_deleted(struct store_view *view, uint32_t folder, uint64_t seq, store_user_fn on_user,
                                  void *data, bool *ret_go_on, struct gw_error *err)
{
    struct store_key key = store_user_key(folder, seq);
    struct gw_str emails[STORE_EMAILS_MAX];
    struct store_user user;
    struct gw_str value;
    enum gw_code code = store_get(view, STORE_TABLE_USERS, store_key_str(&key), &value, err);
    if (code == GW_E_NOT_FOUND || (code == GW_OK && !store_user_decode(store_key_str(&key), value, emails, &user)))
        return store_fail_damaged(err, STORE_TABLE_DUE, "it names a user that is not there");
    if (code == GW_OK && (user.state.flags & STORE_USER_DELETED) != 0)
        *ret_go_on = on_user(&user, data);
    return code;
}

enum gw_code store_deleted_walk(struct store_reader *reader, uint32_t folder, store_user_fn on_user, void *data,
                                struct gw_error *err)
{
    struct store_key prefix;
    bool goes_on = true;
    store_key_init(&prefix);
    store_key_add_be(&prefix, folder, 4);
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, store_reader_view(reader), STORE_TABLE_DUE, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&prefix), err);
    while (code == GW_OK && goes_on && gw_str_starts(walk.key, store_key_str(&prefix))) {
        uint32_t key_folder = 0;
        int64_t since_ms = 0;
        uint64_t seq = 0;
        if (!store_due_decode(walk.key, &key_folder, &since_ms, &seq))
            return store_fail_damaged(err, STORE_TABLE_DUE, "a key makes no sense");
        GW_TRY(visit_deleted(walk.view, folder, seq, on_user, data, &goes_on, err));
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_user_sessions_each(struct store_reader *reader, const struct store_user *user,
                                      store_session_fn on_session, void *data, struct gw_error *err)
{
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, store_reader_view(reader), STORE_TABLE_SESSIONS, err));
    enum gw_code code = store_walk_seek(&walk, GW_STR_NONE, err);
    for (; code == GW_OK; code = store_walk_next(&walk, err)) {
        struct store_session session;
        struct store_session_digest digest;
        if (!store_session_decode(walk.value, &session) || walk.key.len != sizeof digest.bytes)
            return store_fail_damaged(err, STORE_TABLE_SESSIONS, "a record makes no sense");
        memcpy(digest.bytes, walk.key.ptr, sizeof digest.bytes);
        bool is_theirs = session.folder == user->folder && session.user_seq == user->seq;
        if (is_theirs && !on_session(&digest, &session, data))
            return GW_OK;
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

struct session_counting {
    const struct store_user *user;
    struct store_session_count *count;
};

static bool on_counted(const struct store_session_digest *digest, const struct store_session *session, void *data)
{
    (void)digest;
    struct session_counting *counting = data;
    counting->count->bound++;
    counting->count->alive += session->generation == counting->user->state.generation;
    return true;
}

enum gw_code store_user_sessions(struct store_reader *reader, const struct store_user *user,
                                 struct store_session_count *ret_count, struct gw_error *err)
{
    struct session_counting counting = {user, ret_count};
    *ret_count = (struct store_session_count){0, 0};
    return store_user_sessions_each(reader, user, on_counted, &counting, err);
}

enum gw_code store_user_names(struct store_reader *reader, struct gw_arena *arena, uint32_t folder,
                              struct gw_str prefix, const char **ret_names, size_t max, size_t *ret_count,
                              struct gw_error *err)
{
    *ret_count = 0;
    struct gw_str folded;
    if (!gw_name_fold(arena, prefix, &folded) || folded.len > STORE_INDEX_VALUE_BYTES_MAX)
        return GW_OK;
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, folder, 4);
    store_key_add_be(&key, STORE_INDEX_USER_NAME, 1);
    size_t head = key.len;
    store_key_add(&key, folded);
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, store_reader_view(reader), STORE_TABLE_INDEX, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), err);
    while (code == GW_OK && *ret_count < max && gw_str_starts(walk.key, store_key_str(&key))) {
        if (walk.key.len > head + INDEX_TAIL_BYTES)
            ret_names[(*ret_count)++] =
                gw_arena_cstr(arena, gw_str_n(walk.key.ptr + head, walk.key.len - head - INDEX_TAIL_BYTES));
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_activity_back(struct store_reader *reader, store_activity_fn on_entry, void *data,
                                 struct gw_error *err)
{
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, store_reader_view(reader), STORE_TABLE_ACTIVITY, err));
    enum gw_code code = store_walk_last(&walk, err);
    while (code == GW_OK) {
        struct store_activity entry;
        if (!store_activity_decode(walk.key, walk.value, &entry))
            return store_fail_damaged(err, STORE_TABLE_ACTIVITY, "a record makes no sense");
        if (!on_entry(&entry, data))
            return GW_OK;
        code = store_walk_back(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_foresee_create(struct store_reader *reader, uint32_t folder, const struct store_user_draft *draft,
                                  unsigned match, bool adopt, bool revive, struct store_foreseen *ret_foreseen,
                                  struct gw_error *err)
{
    struct store_view *view = store_reader_view(reader);
    struct store_match_found found;
    *ret_foreseen = (struct store_foreseen){.outcome = STORE_OUTCOME_CREATED};
    GW_TRY(store_draft_check(draft, err));
    GW_TRY(store_match_find(view, folder, draft, match, &found, err));
    if (found.seq == 0)
        return store_match_check_name(view, folder, draft->user_name, 0, err);
    GW_ARENA_SCOPED(arena);
    struct store_user user;
    GW_TRY(store_user_get(reader, &arena, folder, found.seq, &user, err));
    bool is_adoption = (user.state.flags & STORE_USER_PROVISIONED) == 0;
    ret_foreseen->outcome = is_adoption ? STORE_OUTCOME_ADOPTED : STORE_OUTCOME_REVIVED;
    ret_foreseen->seq = found.seq;
    ret_foreseen->rule = found.rule;
    return store_match_check(view, &found, &user, draft, adopt, revive, err);
}

enum gw_code store_folder_name(struct store_reader *reader, struct gw_arena *arena, uint32_t folder,
                               struct gw_str *ret_name, struct gw_error *err)
{
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, store_reader_view(reader), STORE_TABLE_FOLDERS, err));
    enum gw_code code = store_walk_seek(&walk, GW_STR_NONE, err);
    while (code == GW_OK) {
        if (walk.value.len != STORE_SEAL_BYTES + 4)
            return store_fail_damaged(err, STORE_TABLE_FOLDERS, "a record has a wrong size");
        if (bytes_get_le(walk.value.ptr + STORE_SEAL_BYTES, 4) == folder) {
            *ret_name = gw_arena_copy(arena, walk.key);
            return GW_OK;
        }
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? gw_fail(err, code, "there is no folder %u", folder) : code;
}

enum gw_code store_tables_each(struct store_reader *reader, store_table_fn on_table, void *data, struct gw_error *err)
{
    for (int table = 0; table < STORE_TABLE_COUNT; table++) {
        uint64_t entries = 0;
        uint64_t bytes = 0;
        GW_TRY(store_table_size(store_reader_view(reader), (enum store_table)table, &entries, &bytes, err));
        on_table(store_table_name((enum store_table)table), entries, bytes, data);
    }
    return GW_OK;
}
