#include "store/reader.h"

#include "store/brake_record.h"
#include "store/bytes.h"
#include "store/codec.h"
#include "store/env.h"
#include "store/fault.h"
#include "store/groups.h"
#include "store/join.h"
#include "store/journal.h"
#include "store/positions.h"
#include "store/recent.h"
#include "store/replay.h"
#include "store/sentinel.h"
#include "store/users.h"
#include "store/walk_users.h"

#include <stdlib.h>
#include <unistd.h>

struct store_reader {
    struct store_view view;
    bool is_reading;
    bool is_spare;     /* of store->spare */
    uint64_t snapshot; /* counts them */
    struct store_recent_group recent_groups[STORE_RECENT_GROUPS];
    struct store_recent recent;
};

enum gw_code store_reader_new(struct store *store, struct store_reader **ret_reader, struct gw_error *err)
{
    GW_ASSERT(store->pid == getpid());
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    bool is_spare = rc == MDB_PANIC && store->spare != NULL;
    if (is_spare)
        rc = mdb_txn_begin(store->spare, NULL, MDB_RDONLY, &txn);
    if (rc != 0)
        return store_fail_mdb(err, rc, "read the store");
    mdb_txn_reset(txn);
    struct store_reader *reader = gw_alloc(sizeof *reader);
    reader->view = (struct store_view){.store = store, .txn = txn};
    reader->is_spare = is_spare;
    *ret_reader = reader;
    return GW_OK;
}

void store_reader_free(struct store_reader *reader)
{
    if (reader == NULL)
        return;
    mdb_txn_abort(reader->view.txn);
    free(reader);
}

static int renew(void *txn)
{
    return mdb_txn_renew(txn);
}

/* LMDB gave up in this process. */
static int begin_spare(struct store_reader *reader)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(reader->view.store->spare, NULL, MDB_RDONLY, &txn);
    if (rc != 0)
        return rc;
    mdb_txn_abort(reader->view.txn);
    reader->view.txn = txn;
    reader->is_spare = true;
    return 0;
}

enum gw_code store_reader_begin(struct store_reader *reader, struct gw_error *err)
{
    GW_ASSERT(!reader->is_reading);
    int rc = store_fault_run(renew, reader->view.txn);
    if (rc == MDB_PANIC && !reader->is_spare && reader->view.store->spare != NULL)
        rc = begin_spare(reader);
    if (rc != 0)
        return store_fail_mdb(err, rc, "read the store");
    reader->is_reading = true;
    reader->snapshot++;
    return GW_OK;
}

void store_reader_end(struct store_reader *reader)
{
    GW_ASSERT(reader->is_reading);
    mdb_txn_reset(reader->view.txn);
    reader->is_reading = false;
}

bool store_reader_is_reading(const struct store_reader *reader)
{
    return reader->is_reading;
}

struct store_recent_group *store_reader_recent_group(struct store_reader *reader, uint32_t folder, uint64_t set,
                                                     bool *ret_is_known)
{
    struct store_recent_group *slot = &reader->recent_groups[set % STORE_RECENT_GROUPS];
    GW_ASSERT(reader->is_reading);
    *ret_is_known = slot->snapshot == reader->snapshot && slot->folder == folder && slot->set == set;
    if (!*ret_is_known)
        *slot = (struct store_recent_group){.snapshot = reader->snapshot, .folder = folder, .set = set};
    return slot;
}

struct store_view *store_reader_view(struct store_reader *reader)
{
    GW_ASSERT(reader->is_reading);
    return &reader->view;
}

uint64_t store_reader_snapshot(struct store_reader *reader)
{
    return mdb_txn_id(store_reader_view(reader)->txn);
}

enum gw_code store_folder_find(struct store_reader *reader, struct gw_str name, uint32_t *ret_folder,
                               struct gw_error *err)
{
    struct gw_str value;
    enum gw_code code = store_get(store_reader_view(reader), STORE_TABLE_FOLDERS, name, &value, err);
    if (code == GW_E_NOT_FOUND)
        return gw_fail(err, code, "there is no folder \"%.*s\"", GW_STR_ARG(name));
    if (code != GW_OK)
        return code;
    if (value.len != STORE_SEAL_BYTES + 4)
        return store_fail_damaged(err, STORE_TABLE_FOLDERS, "a record has a wrong size");
    *ret_folder = (uint32_t)bytes_get_le(value.ptr + STORE_SEAL_BYTES, 4);
    return GW_OK;
}

static enum gw_code read_session(struct store_reader *reader, const struct store_session_digest *digest,
                                 struct store_session *ret_session)
{
    struct gw_str key = gw_str_n((const char *)digest->bytes, sizeof digest->bytes);
    struct gw_str value;
    GW_TRY(store_get(&reader->view, STORE_TABLE_SESSIONS, key, &value, NULL));
    return store_session_decode(value, ret_session) ? GW_OK : GW_E_STORE_DAMAGED;
}

enum gw_code store_session_get(struct store_reader *reader, const struct store_session_digest *digest,
                               struct store_session *ret_session)
{
    bool is_known = false;
    uint64_t snapshot = store_reader_snapshot(reader);
    struct store_recent_session *recent = store_recent_session(&reader->recent, snapshot, digest, &is_known);
    if (!is_known) {
        recent->code = read_session(reader, digest, &recent->session);
        if (recent->code == GW_OK || recent->code == GW_E_NOT_FOUND)
            recent->snapshot = snapshot;
    }
    if (recent->code == GW_OK)
        *ret_session = recent->session;
    return recent->code;
}

static enum gw_code read_state(struct store_reader *reader, uint32_t folder, uint64_t seq,
                               struct store_user_state *ret_state)
{
    struct store_key key = store_user_key(folder, seq);
    struct gw_str value;
    GW_TRY(store_get(&reader->view, STORE_TABLE_STATES, store_key_str(&key), &value, NULL));
    return store_state_decode(value, ret_state) ? GW_OK : GW_E_STORE_DAMAGED;
}

enum gw_code store_user_state_get(struct store_reader *reader, uint32_t folder, uint64_t seq,
                                  struct store_user_state *ret_state)
{
    bool is_known = false;
    uint64_t snapshot = store_reader_snapshot(reader);
    struct store_recent_state *recent = store_recent_state(&reader->recent, snapshot, folder, seq, &is_known);
    if (!is_known) {
        recent->code = read_state(reader, folder, seq, &recent->state);
        if (recent->code == GW_OK || recent->code == GW_E_NOT_FOUND)
            recent->snapshot = snapshot;
    }
    if (recent->code == GW_OK)
        *ret_state = recent->state;
    return recent->code;
}

enum gw_code store_user_get(struct store_reader *reader, struct gw_arena *arena, uint32_t folder, uint64_t seq,
                            struct store_user *ret_user, struct gw_error *err)
{
    enum gw_code code = store_users_load(store_reader_view(reader), arena, folder, seq, ret_user, err);
    return code == GW_E_NOT_FOUND ? gw_fail(err, code, "there is no such user") : code;
}

enum gw_code store_users_find(struct store_reader *reader, uint32_t folder, enum store_index index, struct gw_str value,
                              uint64_t *ret_seqs, size_t max, size_t *ret_count, struct gw_error *err)
{
    return store_users_lookup(store_reader_view(reader), folder, index, value, ret_seqs, max, ret_count, err);
}

enum gw_code store_join_find(struct store_reader *reader, const struct store_join *join, uint64_t *ret_seq,
                             struct gw_error *err)
{
    return store_join_resolve(store_reader_view(reader), join, ret_seq, err);
}

enum gw_code store_users_page(struct store_reader *reader, uint32_t folder, uint64_t position, uint64_t count,
                              store_user_fn on_user, void *data, struct gw_error *err)
{
    uint64_t from_seq = 0;
    enum gw_code code = store_walk_users_position(store_reader_view(reader), folder, position, &from_seq, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? GW_OK : code;
    return store_walk_users_from(&reader->view, folder, from_seq, count, on_user, data, err);
}

enum gw_code store_users_scan(struct store_reader *reader, uint32_t folder, uint64_t from_seq, store_user_fn on_user,
                              void *data, struct gw_error *err)
{
    return store_walk_users_from(store_reader_view(reader), folder, from_seq, UINT64_MAX, on_user, data, err);
}

enum gw_code store_users_count(struct store_reader *reader, uint32_t folder, uint64_t *ret_count, struct gw_error *err)
{
    return store_positions_total(store_reader_view(reader), folder, ret_count, err);
}

enum gw_code store_revocations_after(struct store_reader *reader, uint64_t seq, store_revocation_fn on_revocation,
                                     void *data)
{
    return store_journal_revoked(store_reader_view(reader), seq, on_revocation, data);
}

enum gw_code store_revocations_last(struct store_reader *reader, uint64_t *ret_seq)
{
    struct store_sentinel sentinel;
    GW_TRY(store_sentinel_read(store_reader_view(reader), &sentinel, NULL));
    *ret_seq = sentinel.revocation_last;
    return GW_OK;
}

enum gw_code store_activity_last(struct store_reader *reader, uint64_t *ret_seq)
{
    struct store_sentinel sentinel;
    GW_TRY(store_sentinel_read(store_reader_view(reader), &sentinel, NULL));
    *ret_seq = sentinel.activity_last;
    return GW_OK;
}

enum gw_code store_replay_is_marked(struct store_reader *reader, const struct gw_sha256 *assertion, bool *ret_marked)
{
    return store_replay_find(store_reader_view(reader), assertion, ret_marked, NULL);
}

enum gw_code store_activity_after(struct store_reader *reader, uint64_t seq, store_activity_fn on_entry, void *data,
                                  struct gw_error *err)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, seq + 1, 8);
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, store_reader_view(reader), STORE_TABLE_ACTIVITY, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), err);
    while (code == GW_OK) {
        struct store_activity entry;
        if (!store_activity_decode(walk.key, walk.value, &entry))
            return store_fail_damaged(err, STORE_TABLE_ACTIVITY, "a record makes no sense");
        if (!on_entry(&entry, data))
            return GW_OK;
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static enum gw_code count_users(struct store_view *view, uint64_t *ret_users, struct gw_error *err)
{
    struct store_sentinel sentinel;
    GW_TRY(store_sentinel_read(view, &sentinel, err));
    *ret_users = 0;
    for (uint32_t folder = 1; folder <= sentinel.folder_last; folder++) {
        uint64_t count = 0;
        GW_TRY(store_positions_total(view, folder, &count, err));
        *ret_users += count;
    }
    return GW_OK;
}

static enum gw_code read_stats(struct store_view *view, struct store_stats *ret_stats, struct gw_error *err)
{
    MDB_envinfo info;
    int rc = mdb_env_info(view->store->env, &info);
    if (rc != 0)
        return store_fail_mdb(err, rc, "read the store");
    *ret_stats = (struct store_stats){.max_bytes = info.me_mapsize, .readers = info.me_numreaders};
    GW_TRY(store_env_used(view, &ret_stats->used_bytes, err));
    GW_TRY(count_users(view, &ret_stats->users, err));
    GW_TRY(store_table_entries(view, STORE_TABLE_SESSIONS, &ret_stats->sessions, err));
    GW_TRY(store_brake_total(view, &ret_stats->held, err));
    return store_table_entries(view, STORE_TABLE_ACTIVITY, &ret_stats->activity_entries, err);
}

enum gw_code store_stats_read(struct store *store, struct store_stats *ret_stats, struct gw_error *err)
{
    struct store_reader *reader = NULL;
    GW_TRY(store_reader_new(store, &reader, err));
    enum gw_code code = store_reader_begin(reader, err);
    if (code == GW_OK)
        code = read_stats(&reader->view, ret_stats, err);
    store_reader_free(reader);
    return code;
}
