#include "store/trail.h"

#include "gateway/base/digest.h"
#include "gateway/base/text.h"
#include "store/bytes.h"
#include "store/codec.h"
#include "store/inspect.h"

/* An index u8, what it is about, the entry's sequence BE64. Digests are short: whoever asks looks at the entry too. */
enum trail { TRAIL_USER = 1, TRAIL_KIND = 2, TRAIL_APP = 3 };
#define DIGEST_BYTES 8u
#define SEQ_BYTES 8u
#define KEYS_MAX 3u
#define RANGES_MAX 2u

static struct store_key text_prefix(enum trail trail, struct gw_str text)
{
    struct store_key key;
    struct gw_sha256 digest = gw_sha256(text);
    store_key_init(&key);
    store_key_add_be(&key, trail, 1);
    store_key_add(&key, gw_str_n((const char *)digest.bytes, DIGEST_BYTES));
    return key;
}

static struct store_key kind_prefix(enum store_activity_kind kind)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, TRAIL_KIND, 1);
    store_key_add_be(&key, kind, 2);
    return key;
}

static size_t make_keys(const struct store_activity *entry, struct store_key keys[KEYS_MAX])
{
    size_t count = 0;
    GW_ARENA_SCOPED(arena);
    struct gw_str folded;
    keys[count++] = kind_prefix(entry->kind);
    keys[count++] = text_prefix(TRAIL_APP, entry->app);
    if (entry->user_name.len > 0 && gw_name_fold(&arena, entry->user_name, &folded))
        keys[count++] = text_prefix(TRAIL_USER, folded);
    for (size_t i = 0; i < count; i++)
        store_key_add_be(&keys[i], entry->seq, SEQ_BYTES);
    return count;
}

/* ---- the entries without an index ---- */

#define GAP_KEY GW_STR("trail-gap")
enum gap_field { GAP_AT_FIRST = STORE_SEAL_BYTES, GAP_AT_LAST = GAP_AT_FIRST + 8, GAP_BYTES = GAP_AT_LAST + 8 };

struct gap {
    uint64_t first; /* 0: none */
    uint64_t last;
};

static enum gw_code get_gap(struct store_view *view, struct gap *ret_gap, struct gw_error *err)
{
    struct gw_str value;
    *ret_gap = (struct gap){0, 0};
    enum gw_code code = store_get(view, STORE_TABLE_META, GAP_KEY, &value, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? GW_OK : code;
    if (value.len != GAP_BYTES)
        return store_fail_damaged(err, STORE_TABLE_META, "a record has a wrong size");
    *ret_gap = (struct gap){bytes_get_le(value.ptr + GAP_AT_FIRST, 8), bytes_get_le(value.ptr + GAP_AT_LAST, 8)};
    return GW_OK;
}

static enum gw_code widen_gap(struct store_view *view, uint64_t seq, struct gw_error *err)
{
    struct gap gap;
    uint8_t record[GAP_BYTES];
    GW_TRY(get_gap(view, &gap, err));
    bytes_put_le(record + GAP_AT_FIRST, gap.first != 0 ? gap.first : seq, 8);
    bytes_put_le(record + GAP_AT_LAST, seq, 8);
    return store_put(view, STORE_TABLE_META, GAP_KEY, record, sizeof record, err);
}

/* ---- */

enum gw_code store_trail_add(struct store_view *view, const struct store_activity *entry, struct gw_error *err)
{
    if (entry->is_unindexed)
        return widen_gap(view, entry->seq, err);
    struct store_key keys[KEYS_MAX];
    size_t count = make_keys(entry, keys);
    for (size_t i = 0; i < count; i++)
        GW_TRY(store_put_key(view, STORE_TABLE_TRAIL, store_key_str(&keys[i]), err));
    return GW_OK;
}

enum gw_code store_trail_remove(struct store_view *view, const struct store_activity *entry, struct gw_error *err)
{
    if (entry->is_unindexed)
        return GW_OK;
    struct store_key keys[KEYS_MAX];
    size_t count = make_keys(entry, keys);
    for (size_t i = 0; i < count; i++)
        GW_TRY(store_delete(view, STORE_TABLE_TRAIL, store_key_str(&keys[i]), err));
    return GW_OK;
}

enum gw_code store_trail_check(struct store_view *view, const struct store_activity *entry, uint64_t *ret_keys,
                               struct gw_error *err)
{
    struct store_key keys[KEYS_MAX];
    struct gw_str value;
    size_t count = entry->is_unindexed ? 0 : make_keys(entry, keys);
    *ret_keys = count;
    for (size_t i = 0; i < count; i++) {
        enum gw_code code = store_get(view, STORE_TABLE_TRAIL, store_key_str(&keys[i]), &value, err);
        if (code != GW_OK)
            return code == GW_E_NOT_FOUND ? store_fail_damaged(err, STORE_TABLE_TRAIL, "an entry is missing") : code;
    }
    return GW_OK;
}

bool store_trail_is_stale(struct gw_str key, uint64_t oldest_seq)
{
    return key.len > SEQ_BYTES && bytes_get_be(key.ptr + key.len - SEQ_BYTES, SEQ_BYTES) < oldest_seq;
}

/* ---- reading, from the newest entry back ---- */

struct question {
    struct store_key prefixes[RANGES_MAX];
    size_t count;
    store_activity_fn on_entry;
    void *data;
};

struct range {
    struct store_key prefix;
    uint64_t seq; /* the next one; 0: no more */
};

/* The newest entry of the range before `seq`. */
static enum gw_code range_step(struct store_walk *walk, struct range *range, uint64_t seq, struct gw_error *err)
{
    struct store_key key = range->prefix;
    store_key_add_be(&key, seq, SEQ_BYTES);
    range->seq = 0;
    enum gw_code code = store_walk_seek(walk, store_key_str(&key), err);
    if (code == GW_OK)
        code = store_walk_back(walk, err);
    else if (code == GW_E_NOT_FOUND)
        code = store_walk_last(walk, err);
    if (code == GW_OK && gw_str_starts(walk->key, store_key_str(&range->prefix)) && walk->key.len == key.len)
        range->seq = bytes_get_be(walk->key.ptr + range->prefix.len, SEQ_BYTES);
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static enum gw_code visit(struct store_view *view, uint64_t seq, store_activity_fn on_entry, void *data,
                          bool *ret_go_on, struct gw_error *err)
{
    struct store_key key;
    struct gw_str value;
    struct store_activity entry;
    store_key_init(&key);
    store_key_add_be(&key, seq, SEQ_BYTES);
    enum gw_code code = store_get(view, STORE_TABLE_ACTIVITY, store_key_str(&key), &value, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? GW_OK : code; /* trimmed when the store was full */
    if (!store_activity_decode(store_key_str(&key), value, &entry))
        return store_fail_damaged(err, STORE_TABLE_ACTIVITY, "a record makes no sense");
    *ret_go_on = on_entry(&entry, data);
    return GW_OK;
}

/* From below `seq` to `down_to`. */
static enum gw_code walk_ranges(struct store_view *view, const struct question *question, uint64_t seq,
                                uint64_t down_to, bool *goes_on, struct gw_error *err)
{
    struct range ranges[RANGES_MAX];
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_TRAIL, err));
    for (size_t i = 0; i < question->count; i++) {
        ranges[i].prefix = question->prefixes[i];
        GW_TRY(range_step(&walk, &ranges[i], seq, err));
    }
    while (*goes_on) {
        struct range *newest = &ranges[0];
        for (size_t i = 1; i < question->count; i++)
            newest = ranges[i].seq > newest->seq ? &ranges[i] : newest;
        if (newest->seq == 0 || newest->seq < down_to)
            return GW_OK;
        GW_TRY(visit(view, newest->seq, question->on_entry, question->data, goes_on, err));
        GW_TRY(range_step(&walk, newest, newest->seq, err));
    }
    return GW_OK;
}

/* Every entry, whatever it is about. */
static enum gw_code walk_gap(struct store_view *view, const struct question *question, const struct gap *gap,
                             bool *goes_on, struct gw_error *err)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, gap->last + 1, SEQ_BYTES);
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_ACTIVITY, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&key), err);
    code = code == GW_OK ? store_walk_back(&walk, err) : code == GW_E_NOT_FOUND ? store_walk_last(&walk, err) : code;
    while (code == GW_OK && *goes_on) {
        struct store_activity entry;
        if (!store_activity_decode(walk.key, walk.value, &entry))
            return store_fail_damaged(err, STORE_TABLE_ACTIVITY, "a record makes no sense");
        if (entry.seq < gap->first)
            return GW_OK;
        *goes_on = question->on_entry(&entry, question->data);
        code = store_walk_back(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static enum gw_code walk_all(struct store_view *view, const struct question *question, struct gw_error *err)
{
    bool goes_on = true;
    struct gap gap;
    GW_TRY(get_gap(view, &gap, err));
    GW_TRY(walk_ranges(view, question, UINT64_MAX, gap.last + 1, &goes_on, err));
    if (gap.first == 0 || !goes_on)
        return GW_OK;
    GW_TRY(walk_gap(view, question, &gap, &goes_on, err));
    return goes_on ? walk_ranges(view, question, gap.first, 1, &goes_on, err) : GW_OK;
}

enum gw_code store_activity_find(struct store_reader *reader, const struct store_activity_query *query,
                                 store_activity_fn on_entry, void *data, struct gw_error *err)
{
    struct question question = {.on_entry = on_entry, .data = data};
    if (query->user.len > 0) {
        question.prefixes[question.count++] = text_prefix(TRAIL_USER, query->user);
    } else if (query->kind != 0) {
        question.prefixes[question.count++] = kind_prefix(query->kind);
    } else if (query->app.len > 0) {
        question.prefixes[question.count++] = text_prefix(TRAIL_APP, query->app);
        question.prefixes[question.count++] = text_prefix(TRAIL_APP, GW_STR_NONE); /* operators, in its folder */
    } else {
        return store_activity_back(reader, on_entry, data, err);
    }
    return walk_all(store_reader_view(reader), &question, err);
}
