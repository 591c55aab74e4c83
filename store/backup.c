#include "store/backup.h"

#include "gateway/base/arena.h"
#include "store/bytes.h"
#include "store/copy.h"
#include "store/env.h"
#include "store/migrate.h"
#include "store/sentinel.h"
#include "store/workshop.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA_FILE "data.mdb"
#define COUNTERS_MAX 4096u
#define COUNTER_BYTES (STORE_SEAL_BYTES + 8u)

static enum gw_code copy_data(struct store *store, const char *to, const struct store_backup_watch *watch,
                              uint64_t *ret_bytes, struct gw_error *err)
{
    char file[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(to, DATA_FILE, file, err));
    int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return gw_fail(err, GW_E_STORE_IO, "cannot make %s: %s", file, strerror(errno));
    enum gw_code code = store_copy(store, fd, watch, err);
    struct stat info;
    if (code == GW_OK && fstat(fd, &info) == 0)
        *ret_bytes = (uint64_t)info.st_size;
    (void)close(fd);
    return code == GW_OK ? GW_OK : gw_error_prefix(err, "%s", file);
}

/* The copy, not what was copied: that may be needed by the program that made it. */
static enum gw_code bring_up_to_date(const struct store *store, const char *to, struct gw_error *err)
{
    uint32_t from = 0;
    return store->format == STORE_FORMAT_VERSION ? GW_OK : store_migrate(to, store->max_bytes, NULL, NULL, &from, err);
}

static enum gw_code verify(const char *to, uint64_t max_bytes, const struct store_backup_watch *watch,
                           struct gw_error *err)
{
    struct store *copy = NULL;
    GW_TRY(store_open(to, max_bytes, &copy, err));
    enum gw_code code = store_check(copy, watch->on_verified, watch->data, err);
    store_close(copy);
    return code;
}

/* Keys and values of all counters of META that give numbers out. */
struct counters {
    struct gw_arena arena;
    struct gw_str *keys;
    uint64_t *values;
    size_t count;
};

static enum gw_code read_counters(struct store_view *view, struct counters *counters, struct gw_error *err)
{
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_META, err));
    enum gw_code code = store_walk_seek(&walk, GW_STR_NONE, err);
    while (code == GW_OK && counters->count < COUNTERS_MAX) {
        bool is_counter = gw_str_starts(walk.key, GW_STR("user-seq")) || gw_str_starts(walk.key, GW_STR("group-seq"));
        if (is_counter && walk.value.len == COUNTER_BYTES) {
            counters->keys[counters->count] = gw_arena_copy(&counters->arena, walk.key);
            counters->values[counters->count++] = bytes_get_le(walk.value.ptr + STORE_SEAL_BYTES, 8);
        }
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static enum gw_code skip(struct store_view *view, struct counters *counters, struct gw_error *err)
{
    struct store_sentinel sentinel;
    counters->keys = gw_arena_array(&counters->arena, COUNTERS_MAX, sizeof *counters->keys);
    counters->values = gw_arena_array(&counters->arena, COUNTERS_MAX, sizeof *counters->values);
    GW_TRY(store_sentinel_read(view, &sentinel, err));
    GW_TRY(read_counters(view, counters, err));
    for (size_t i = 0; i < counters->count; i++) {
        uint8_t record[COUNTER_BYTES];
        bytes_put_le(record + STORE_SEAL_BYTES, counters->values[i] + STORE_RESTORE_SKIP, 8);
        GW_TRY(store_put(view, STORE_TABLE_META, counters->keys[i], record, sizeof record, err));
    }
    sentinel.commits++;
    return store_sentinel_write(view, &sentinel, err);
}

static enum gw_code skip_all(struct store *store, struct gw_error *err)
{
    struct store_view view = {.store = store};
    struct counters counters = {.count = 0};
    int rc = mdb_txn_begin(store->env, NULL, 0, &view.txn);
    if (rc != 0)
        return store_fail_mdb(err, rc, "write the store");
    enum gw_code code = skip(&view, &counters, err);
    gw_arena_done(&counters.arena);
    if (code != GW_OK) {
        mdb_txn_abort(view.txn);
        return code;
    }
    rc = mdb_txn_commit(view.txn);
    return rc == 0 ? GW_OK : store_fail_mdb(err, rc, "write the store");
}

static enum gw_code skip_numbers(const char *path, uint64_t max_bytes, struct gw_error *err)
{
    struct store *store = NULL;
    GW_TRY(store_open(path, max_bytes, &store, err));
    enum gw_code code = skip_all(store, err);
    store_close(store);
    return code;
}

/* ---- the whole ---- */

struct copying {
    const char *to;
    bool is_restore;
    const struct store_backup_watch *watch;
    uint64_t *ret_bytes;
};

static enum gw_code make_copy(struct store *store, const struct copying *copying, const char *workshop,
                              struct gw_error *err)
{
    GW_TRY(store_keys_write(workshop, &store->keys, err));
    GW_TRY(copy_data(store, workshop, copying->watch, copying->ret_bytes, err));
    GW_TRY(bring_up_to_date(store, workshop, err));
    GW_TRY(verify(workshop, store->max_bytes, copying->watch, err));
    if (copying->is_restore)
        GW_TRY(skip_numbers(workshop, store->max_bytes, err));
    GW_TRY(store_files_sync_folder(workshop, err));
    return store_workshop_move(copying->to, err);
}

static enum gw_code copy_in_workshop(struct store *store, const struct copying *copying, struct gw_error *err)
{
    char workshop[STORE_PATH_BYTES_MAX];
    GW_TRY(store_workshop_make(copying->to, workshop, err));
    enum gw_code code = make_copy(store, copying, workshop, err);
    if (code != GW_OK)
        store_workshop_remove(copying->to);
    return code;
}

/* As a new store is made: a copy that was interrupted, at whatever step, looks like no store, and the next one begins
 * again. */
static enum gw_code copy_to(struct store *store, const struct copying *copying, struct gw_error *err)
{
    int lock_fd = -1;
    bool is_new = false;
    GW_TRY(store_workshop_enter(copying->to, &lock_fd, &is_new, err));
    enum gw_code code = copy_in_workshop(store, copying, err);
    store_workshop_leave(lock_fd);
    if (code != GW_OK && is_new)
        (void)rmdir(copying->to);
    return code;
}

/* A copy there goes with what it is a copy of, takes the room that the store needs, and is in the way of a restore. */
static enum gw_code check_outside(const struct store *store, const char *to, struct gw_error *err)
{
    char path[PATH_MAX];
    char ours[PATH_MAX];
    char above[STORE_PATH_BYTES_MAX];
    int len = snprintf(above, sizeof above, "%s", to);
    if (len <= 0 || (size_t)len >= sizeof above || realpath(store->path, ours) == NULL)
        return GW_OK; /* making the folder says what is wrong */
    if (realpath(to, path) == NULL && realpath(dirname(above), path) == NULL)
        return GW_OK;
    struct gw_str place = gw_str_from(path);
    size_t depth = strlen(ours);
    bool is_inside = gw_str_starts(place, gw_str_n(ours, depth)) && (place.len == depth || place.ptr[depth] == '/');
    return is_inside ? gw_fail(err, GW_E_CONFLICT, "%s is in the store's folder; a backup belongs elsewhere", to)
                     : GW_OK;
}

enum gw_code store_backup(struct store *store, const char *to, const struct store_backup_watch *watch,
                          uint64_t *ret_bytes, struct gw_error *err)
{
    GW_TRY(check_outside(store, to, err));
    const struct copying copying = {.to = to, .watch = watch, .ret_bytes = ret_bytes};
    return copy_to(store, &copying, err);
}

enum gw_code store_restore(struct store *backup, const char *to, const struct store_backup_watch *watch,
                           uint64_t *ret_bytes, struct gw_error *err)
{
    const struct copying copying = {.to = to, .is_restore = true, .watch = watch, .ret_bytes = ret_bytes};
    return copy_to(backup, &copying, err);
}
