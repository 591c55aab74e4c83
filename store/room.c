#include "store/room.h"

#include "store/bytes.h"

#include <stdio.h>
#include <sys/statvfs.h>

/* With so much beyond the reserve nobody counts free pages. */
#define COUNT_BELOW_BYTES (64ull << 20)

struct level {
    uint64_t map_bytes;
    uint64_t disk_bytes;
};

static uint64_t reserve_of(uint64_t max, unsigned percent, uint64_t bytes_min, uint64_t bytes_max)
{
    uint64_t bytes = max / 100 * percent;
    bytes = bytes < bytes_min ? bytes_min : bytes;
    return bytes < bytes_max ? bytes : bytes_max;
}

static uint64_t min_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* What the store grows by while everybody goes. */
static enum gw_code count_growth(struct store_view *view, uint64_t *ret_bytes, struct gw_error *err)
{
    uint64_t users = 0;
    uint64_t due = 0;
    uint64_t names = 0;
    GW_TRY(store_table_entries(view, STORE_TABLE_STATES, &users, err));
    GW_TRY(store_table_entries(view, STORE_TABLE_DUE, &due, err));
    GW_TRY(store_table_entries(view, STORE_TABLE_INDEX, &names, err));
    *ret_bytes = above(users, due) * STORE_RESERVE_USER_BYTES + names * STORE_RESERVE_NAME_BYTES;
    return GW_OK;
}

static struct store_room_found find(uint64_t map_left, uint64_t disk_left, uint64_t max, uint64_t growth)
{
    const struct level reserve = {reserve_of(max, STORE_RESERVE_PERCENT, STORE_RESERVE_BYTES_MIN, max / 4) + growth,
                                  STORE_RESERVE_DISK_BYTES};
    const struct level last = {reserve_of(max, STORE_RESERVE_LAST_PERCENT, STORE_RESERVE_LAST_BYTES_MIN, max / 8) +
                                   growth,
                               STORE_RESERVE_DISK_LAST_BYTES};
    uint64_t spare = min_of(above(map_left, reserve.map_bytes), above(disk_left, reserve.disk_bytes));
    if (spare > 0)
        return (struct store_room_found){STORE_ROOM_PLENTY, spare};
    spare = min_of(above(map_left, last.map_bytes), above(disk_left, last.disk_bytes));
    if (spare > 0)
        return (struct store_room_found){STORE_ROOM_RESERVE, spare};
    return (struct store_room_found){STORE_ROOM_LAST, min_of(map_left, disk_left)};
}

/* A line of LMDB's reader list: process, thread, and the transaction it reads or "-". */
static int on_reader(const char *line, void *data)
{
    uint64_t *oldest = data;
    unsigned long long txnid = 0;
    if (sscanf(line, "%*d %*x %llu", &txnid) == 1)
        *oldest = min_of(*oldest, txnid);
    return 0;
}

/* What was freed after a reader began stays as it is until that reader ends. Readers of the last two commits are gone
 * in a moment and do not count. LMDB shows its table of free pages to read transactions only. */
static enum gw_code count_reusable(struct store *store, uint64_t *ret_bytes, struct gw_error *err)
{
    uint64_t oldest = UINT64_MAX - 1;
    (void)mdb_reader_list(store->env, on_reader, &oldest);
    struct store_view view = {.store = store};
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &view.txn);
    if (rc != 0)
        return store_fail_mdb(err, rc, "read the store");
    enum gw_code code = store_env_free(&view, oldest + 1, ret_bytes, err);
    mdb_txn_abort(view.txn);
    return code;
}

static uint64_t disk_free(const struct store *store)
{
    struct statvfs info;
    /* where nobody can tell, a full disk shows itself by ENOSPC */
    if (statvfs(store->path, &info) != 0)
        return UINT64_MAX / 2;
    return (uint64_t)info.f_bavail * info.f_frsize;
}

bool store_room_is_disk_full(const struct store *store)
{
    return disk_free(store) < STORE_RESERVE_DISK_LAST_BYTES;
}

enum gw_code store_room_find(struct store_view *view, struct store_room_found *ret_found, struct gw_error *err)
{
    struct store *store = view->store;
    MDB_envinfo info;
    MDB_stat stat;
    uint64_t growth = 0;
    int rc = mdb_env_info(store->env, &info);
    if (rc == 0)
        rc = mdb_stat(view->txn, store->tables[STORE_TABLE_META], &stat);
    if (rc != 0)
        return store_fail_mdb(err, rc, "read the store");
    GW_TRY(count_growth(view, &growth, err));
    uint64_t map_left = above(info.me_mapsize, ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize);
    uint64_t disk_left = disk_free(store);
    *ret_found = find(map_left, disk_left, info.me_mapsize, growth);
    if (ret_found->room == STORE_ROOM_PLENTY && ret_found->spare_bytes >= COUNT_BELOW_BYTES)
        return GW_OK;
    uint64_t reusable = 0;
    GW_TRY(count_reusable(store, &reusable, err));
    *ret_found = find(map_left + reusable, disk_left + reusable, info.me_mapsize, growth);
    return GW_OK;
}
