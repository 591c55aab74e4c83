#include "store/sentinel.h"

#include "store/bytes.h"

#define SENTINEL_KEY GW_STR("sentinel")
#define KEY_CHECK_BYTES 16u

enum field {
    AT_FORMAT = STORE_SEAL_BYTES,
    AT_TABLES = AT_FORMAT + 4,
    AT_EPOCH = AT_TABLES + 4,
    AT_KEY_CHECK = AT_EPOCH + STORE_EPOCH_BYTES,
    AT_COMMITS = AT_KEY_CHECK + KEY_CHECK_BYTES,
    AT_ACTIVITY = AT_COMMITS + 8,
    AT_REVOCATION = AT_ACTIVITY + 8,
    AT_FOLDER = AT_REVOCATION + 8,
    AT_ENTRIES = AT_FOLDER + 8,
    SENTINEL_BYTES_MAX = AT_ENTRIES + 8 * STORE_TABLE_COUNT
};

/* How many tables a store of each format has: the first so many of enum store_table. */
static const int table_counts[] = {
    [1] = STORE_TABLE_MEMBERSHIPS + 1,
    [2] = STORE_TABLE_BLIND + 1,
    [3] = STORE_TABLE_TRAIL + 1,
    [4] = STORE_TABLE_COUNT,
};
_Static_assert(sizeof table_counts / sizeof table_counts[0] == STORE_FORMAT_VERSION + 1, "each format has its row");

int store_sentinel_tables(const struct store_view *view)
{
    GW_ASSERT(view->store->format >= 1 && view->store->format <= STORE_FORMAT_VERSION);
    return table_counts[view->store->format];
}

static size_t sentinel_bytes(const struct store_view *view)
{
    return AT_ENTRIES + 8 * (size_t)store_sentinel_tables(view);
}

/* A key file that was exchanged would turn every bound session into an unknown one. */
static struct gw_sha256 key_check(const struct store_keys *keys)
{
    struct gw_str parts[] = {GW_STR("store key check"), gw_str_n((const char *)keys->ident, sizeof keys->ident)};
    return gw_hmac_parts(keys->session, parts, 2);
}

static enum gw_code put_entries(struct store_view *view, uint8_t *record, struct gw_error *err)
{
    for (int table = STORE_TABLE_META + 1; table < store_sentinel_tables(view); table++) {
        uint64_t entries = 0;
        GW_TRY(store_table_entries(view, (enum store_table)table, &entries, err));
        bytes_put_le(record + AT_ENTRIES + 8 * table, entries, 8);
    }
    return GW_OK;
}

enum gw_code store_sentinel_write(struct store_view *view, const struct store_sentinel *sentinel, struct gw_error *err)
{
    const struct store_keys *keys = &view->store->keys;
    uint8_t record[SENTINEL_BYTES_MAX] = {0};
    struct gw_sha256 check = key_check(keys);
    bytes_put_le(record + AT_FORMAT, view->store->format, 4);
    bytes_put_le(record + AT_TABLES, (uint64_t)store_sentinel_tables(view), 4);
    memcpy(record + AT_EPOCH, keys->epoch, STORE_EPOCH_BYTES);
    memcpy(record + AT_KEY_CHECK, check.bytes, KEY_CHECK_BYTES);
    bytes_put_le(record + AT_COMMITS, sentinel->commits, 8);
    bytes_put_le(record + AT_ACTIVITY, sentinel->activity_last, 8);
    bytes_put_le(record + AT_REVOCATION, sentinel->revocation_last, 8);
    bytes_put_le(record + AT_FOLDER, sentinel->folder_last, 4);
    GW_TRY(put_entries(view, record, err));
    return store_put(view, STORE_TABLE_META, SENTINEL_KEY, record, sentinel_bytes(view), err);
}

enum gw_code store_sentinel_make(struct store_view *view, struct gw_error *err)
{
    struct store_sentinel first = {.commits = 1};
    return store_sentinel_write(view, &first, err);
}

static enum gw_code get_record(struct store_view *view, struct gw_str *ret_record, uint64_t *ret_format,
                               struct gw_error *err)
{
    enum gw_code code = store_get(view, STORE_TABLE_META, SENTINEL_KEY, ret_record, err);
    if (code == GW_E_NOT_FOUND)
        return store_fail_damaged(err, STORE_TABLE_META, "the sentinel is missing");
    if (code != GW_OK)
        return code;
    *ret_format = ret_record->len >= AT_TABLES ? bytes_get_le(ret_record->ptr + AT_FORMAT, 4) : 0;
    return GW_OK;
}

enum gw_code store_sentinel_format(struct store_view *view, uint32_t *ret_format, struct gw_error *err)
{
    struct store *store = view->store;
    int rc = mdb_dbi_open(view->txn, store_table_name(STORE_TABLE_META), 0, &store->tables[STORE_TABLE_META]);
    if (rc == MDB_NOTFOUND)
        return store_fail_damaged(err, STORE_TABLE_META, "it is missing");
    if (rc != 0)
        return store_fail_mdb(err, rc, "open the tables");
    struct gw_str record;
    uint64_t format = 0;
    GW_TRY(get_record(view, &record, &format, err));
    if (format > STORE_FORMAT_VERSION)
        return gw_fail(err, GW_E_STORE_DAMAGED,
                       "the store has format %llu, made by a newer provgate; this program reads up to format %u",
                       (unsigned long long)format, STORE_FORMAT_VERSION);
    if (format == 0)
        return store_fail_damaged(err, STORE_TABLE_META, "the sentinel has no format");
    *ret_format = (uint32_t)format;
    return GW_OK;
}

static enum gw_code read_record(struct store_view *view, const uint8_t **ret_record, struct gw_error *err)
{
    struct gw_str record;
    uint64_t format = 0;
    GW_TRY(get_record(view, &record, &format, err));
    /* a writer of an older program may not go on once the store was migrated, nor a new one in what is not */
    if (format != view->store->format)
        return gw_fail(err, GW_E_STORE_DAMAGED, "the store has format %llu now, and was opened with format %u",
                       (unsigned long long)format, view->store->format);
    if (record.len != sentinel_bytes(view) ||
        bytes_get_le(record.ptr + AT_TABLES, 4) != (uint64_t)store_sentinel_tables(view))
        return store_fail_damaged(err, STORE_TABLE_META, "the sentinel has a wrong size");
    *ret_record = (const uint8_t *)record.ptr;
    return GW_OK;
}

enum gw_code store_sentinel_read(struct store_view *view, struct store_sentinel *ret_sentinel, struct gw_error *err)
{
    const uint8_t *record = NULL;
    GW_TRY(read_record(view, &record, err));
    ret_sentinel->commits = bytes_get_le(record + AT_COMMITS, 8);
    ret_sentinel->activity_last = bytes_get_le(record + AT_ACTIVITY, 8);
    ret_sentinel->revocation_last = bytes_get_le(record + AT_REVOCATION, 8);
    ret_sentinel->folder_last = (uint32_t)bytes_get_le(record + AT_FOLDER, 4);
    return GW_OK;
}

enum gw_code store_sentinel_check(struct store_view *view, struct gw_error *err)
{
    const uint8_t *record = NULL;
    GW_TRY(read_record(view, &record, err));
    const struct store_keys *keys = &view->store->keys;
    struct gw_sha256 check = key_check(keys);
    if (memcmp(record + AT_EPOCH, keys->epoch, STORE_EPOCH_BYTES) != 0 ||
        memcmp(record + AT_KEY_CHECK, check.bytes, KEY_CHECK_BYTES) != 0)
        return gw_fail(err, GW_E_STORE_DAMAGED, "store.key is not the key file of this store");
    for (int table = STORE_TABLE_META + 1; table < store_sentinel_tables(view); table++) {
        uint64_t expected = bytes_get_le(record + AT_ENTRIES + 8 * table, 8);
        uint64_t actual = 0;
        GW_TRY(store_table_entries(view, (enum store_table)table, &actual, err));
        if (actual != expected)
            return gw_fail(err, GW_E_STORE_DAMAGED, "the store is damaged: table %s holds %llu entries instead of %llu",
                           store_table_name((enum store_table)table), (unsigned long long)actual,
                           (unsigned long long)expected);
    }
    /* every commit counts one; a compacted copy begins again with small transaction numbers */
    if (bytes_get_le(record + AT_COMMITS, 8) < mdb_txn_id(view->txn))
        return store_fail_damaged(err, STORE_TABLE_META, "the sentinel is older than the file");
    return GW_OK;
}
