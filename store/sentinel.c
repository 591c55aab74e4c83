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
    SENTINEL_BYTES = AT_ENTRIES + 8 * STORE_TABLE_COUNT
};

/* A key file that was exchanged would turn every bound session into an unknown one. */
static struct gw_sha256 key_check(const struct store_keys *keys)
{
    struct gw_str parts[] = {GW_STR("store key check"), gw_str_n((const char *)keys->ident, sizeof keys->ident)};
    return gw_hmac_parts(keys->session, parts, 2);
}

static enum gw_code put_entries(struct store_view *view, uint8_t *record, struct gw_error *err)
{
    for (int table = STORE_TABLE_META + 1; table < STORE_TABLE_COUNT; table++) {
        uint64_t entries = 0;
        GW_TRY(store_table_entries(view, (enum store_table)table, &entries, err));
        bytes_put_le(record + AT_ENTRIES + 8 * table, entries, 8);
    }
    return GW_OK;
}

enum gw_code store_sentinel_write(struct store_view *view, const struct store_sentinel *sentinel, struct gw_error *err)
{
    const struct store_keys *keys = &view->store->keys;
    uint8_t record[SENTINEL_BYTES] = {0};
    struct gw_sha256 check = key_check(keys);
    bytes_put_le(record + AT_FORMAT, STORE_FORMAT_VERSION, 4);
    bytes_put_le(record + AT_TABLES, STORE_TABLE_COUNT, 4);
    memcpy(record + AT_EPOCH, keys->epoch, STORE_EPOCH_BYTES);
    memcpy(record + AT_KEY_CHECK, check.bytes, KEY_CHECK_BYTES);
    bytes_put_le(record + AT_COMMITS, sentinel->commits, 8);
    bytes_put_le(record + AT_ACTIVITY, sentinel->activity_last, 8);
    bytes_put_le(record + AT_REVOCATION, sentinel->revocation_last, 8);
    bytes_put_le(record + AT_FOLDER, sentinel->folder_last, 4);
    GW_TRY(put_entries(view, record, err));
    return store_put(view, STORE_TABLE_META, SENTINEL_KEY, record, sizeof record, err);
}

enum gw_code store_sentinel_make(struct store_view *view, struct gw_error *err)
{
    struct store_sentinel first = {.commits = 1};
    return store_sentinel_write(view, &first, err);
}

static enum gw_code read_record(struct store_view *view, const uint8_t **ret_record, struct gw_error *err)
{
    struct gw_str value;
    enum gw_code code = store_get(view, STORE_TABLE_META, SENTINEL_KEY, &value, err);
    if (code == GW_E_NOT_FOUND)
        return store_fail_damaged(err, STORE_TABLE_META, "the sentinel is missing");
    if (code != GW_OK)
        return code;
    *ret_record = (const uint8_t *)value.ptr;
    uint64_t format = value.len >= AT_TABLES ? bytes_get_le(*ret_record + AT_FORMAT, 4) : 0;
    if (format != STORE_FORMAT_VERSION)
        return gw_fail(err, GW_E_STORE_DAMAGED, "the store has format %llu; this program reads format %u",
                       (unsigned long long)format, STORE_FORMAT_VERSION);
    if (value.len != SENTINEL_BYTES || bytes_get_le(*ret_record + AT_TABLES, 4) != STORE_TABLE_COUNT)
        return store_fail_damaged(err, STORE_TABLE_META, "the sentinel has a wrong size");
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
    for (int table = STORE_TABLE_META + 1; table < STORE_TABLE_COUNT; table++) {
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
