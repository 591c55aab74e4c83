#include "store/trail.h"

#include "gateway/base/text.h"
#include "store/bytes.h"
#include "store/codec.h"
#include "store/inspect.h"

/* A Bloom filter. Of a block whose entries are all about different users about one in a thousand others is let through.
 */
#define FILTER_BYTES 512u
#define FILTER_BITS (8u * FILTER_BYTES)
#define FILTER_PROBES 6u
#define RECORD_BYTES (STORE_SEAL_BYTES + FILTER_BYTES)
#define MARKS_MAX 3u
#define SEQ_BYTES 8u

enum mark_kind { MARK_USER = 1, MARK_KIND = 2, MARK_APP = 3 };

/* What an entry is about, as a number: FNV-1a and the last steps of MurmurHash3, which make every bit count. Whoever
 * finds names that collide makes an operator wait, no more. */
static uint64_t make_mark(enum mark_kind kind, struct gw_str text)
{
    uint64_t hash = (0xCBF29CE484222325u ^ kind) * 0x100000001B3u;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 0x100000001B3u;
    hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDu;
    hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53u;
    return hash ^ (hash >> 33);
}

static uint64_t kind_mark(enum store_activity_kind kind)
{
    char bytes[2];
    bytes_put_le((uint8_t *)bytes, kind, sizeof bytes);
    return make_mark(MARK_KIND, gw_str_n(bytes, sizeof bytes));
}

static size_t make_marks(const struct store_activity *entry, uint64_t marks[MARKS_MAX])
{
    size_t count = 0;
    GW_ARENA_SCOPED(arena);
    struct gw_str folded;
    marks[count++] = kind_mark(entry->kind);
    marks[count++] = make_mark(MARK_APP, entry->app);
    if (entry->user_name.len > 0 && gw_name_fold(&arena, entry->user_name, &folded))
        marks[count++] = make_mark(MARK_USER, folded);
    return count;
}

static unsigned probe(uint64_t mark, unsigned i)
{
    return (unsigned)((uint32_t)mark + i * (uint32_t)((mark >> 32) | 1)) % FILTER_BITS;
}

static void filter_add(uint8_t *filter, uint64_t mark)
{
    for (unsigned i = 0; i < FILTER_PROBES; i++)
        filter[probe(mark, i) / 8] |= (uint8_t)(1u << probe(mark, i) % 8);
}

static bool filter_has(const uint8_t *filter, uint64_t mark)
{
    bool has = true;
    for (unsigned i = 0; i < FILTER_PROBES; i++)
        has = has && (filter[probe(mark, i) / 8] >> probe(mark, i) % 8 & 1) != 0;
    return has;
}

static struct store_key number_key(uint64_t number)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, number, SEQ_BYTES);
    return key;
}

static bool ends_block(uint64_t seq)
{
    return seq % STORE_TRAIL_BLOCK == STORE_TRAIL_BLOCK - 1;
}

/* ---- writing ---- */

/* From the first entry that is there to `last`. */
static enum gw_code fill(struct store_view *view, uint64_t last, uint8_t *filter, struct gw_error *err)
{
    struct store_key first = number_key(last - last % STORE_TRAIL_BLOCK);
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_ACTIVITY, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&first), err);
    while (code == GW_OK) {
        struct store_activity entry;
        uint64_t marks[MARKS_MAX];
        if (!store_activity_decode(walk.key, walk.value, &entry))
            return store_fail_damaged(err, STORE_TABLE_ACTIVITY, "a record makes no sense");
        if (entry.seq > last)
            return GW_OK;
        for (size_t count = make_marks(&entry, marks); count > 0; count--)
            filter_add(filter, marks[count - 1]);
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_trail_add(struct store_view *view, uint64_t seq, struct gw_error *err)
{
    uint8_t record[RECORD_BYTES] = {0};
    if (!ends_block(seq))
        return GW_OK;
    enum gw_code code = fill(view, seq, record + STORE_SEAL_BYTES, err);
    if (code == GW_E_STORE_DAMAGED && !view->broken)
        return GW_OK; /* an old damaged entry must not keep a deactivation from being done */
    if (code != GW_OK)
        return code;
    struct store_key key = number_key(seq / STORE_TRAIL_BLOCK);
    return store_append(view, STORE_TABLE_TRAIL, store_key_str(&key), record, sizeof record, err);
}

enum gw_code store_trail_remove(struct store_view *view, uint64_t seq, struct gw_error *err)
{
    if (!ends_block(seq))
        return GW_OK;
    struct store_key key = number_key(seq / STORE_TRAIL_BLOCK);
    return store_delete(view, STORE_TABLE_TRAIL, store_key_str(&key), err);
}

/* ---- reading ---- */

/* GW_E_NOT_FOUND: it has none. */
static enum gw_code get_filter(struct store_view *view, uint64_t block, const uint8_t **ret_filter,
                               struct gw_error *err)
{
    struct store_key key = number_key(block);
    struct gw_str value;
    enum gw_code code = store_get(view, STORE_TABLE_TRAIL, store_key_str(&key), &value, err);
    if (code != GW_OK)
        return code;
    if (value.len != RECORD_BYTES)
        return store_fail_damaged(err, STORE_TABLE_TRAIL, "a record has a wrong size");
    *ret_filter = (const uint8_t *)value.ptr + STORE_SEAL_BYTES;
    return GW_OK;
}

enum gw_code store_trail_check(struct store_view *view, const struct store_activity *entry, uint64_t *filters,
                               struct gw_error *err)
{
    const uint8_t *filter = NULL;
    uint64_t marks[MARKS_MAX];
    enum gw_code code = get_filter(view, entry->seq / STORE_TRAIL_BLOCK, &filter, err);
    if (code == GW_E_NOT_FOUND)
        return ends_block(entry->seq) ? store_fail_damaged(err, STORE_TABLE_TRAIL, "an entry is missing") : GW_OK;
    if (code != GW_OK)
        return code;
    for (size_t count = make_marks(entry, marks); count > 0; count--) {
        if (!filter_has(filter, marks[count - 1]))
            return store_fail_damaged(err, STORE_TABLE_TRAIL, "a filter does not know its entries");
    }
    *filters += ends_block(entry->seq);
    return GW_OK;
}

/* Entries that are about any of the marks, from the newest back. */
struct question {
    struct store_view *view;
    uint64_t marks[2];
    size_t count;
    store_activity_fn on_entry;
    void *data;
    bool is_over; /* on_entry said so */
};

static enum gw_code is_asked_for(const struct question *question, uint64_t block, bool *ret_is_asked_for,
                                 struct gw_error *err)
{
    const uint8_t *filter = NULL;
    enum gw_code code = get_filter(question->view, block, &filter, err);
    *ret_is_asked_for = code == GW_E_NOT_FOUND;
    for (size_t i = 0; code == GW_OK && i < question->count; i++)
        *ret_is_asked_for = *ret_is_asked_for || filter_has(filter, question->marks[i]);
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static enum gw_code visit_block(struct question *question, uint64_t block, struct gw_error *err)
{
    struct store_key end = number_key((block + 1) * STORE_TRAIL_BLOCK);
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, question->view, STORE_TABLE_ACTIVITY, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&end), err);
    code = code == GW_OK ? store_walk_back(&walk, err) : code == GW_E_NOT_FOUND ? store_walk_last(&walk, err) : code;
    while (code == GW_OK && !question->is_over) {
        struct store_activity entry;
        if (!store_activity_decode(walk.key, walk.value, &entry))
            return store_fail_damaged(err, STORE_TABLE_ACTIVITY, "a record makes no sense");
        if (entry.seq / STORE_TRAIL_BLOCK < block)
            return GW_OK;
        question->is_over = !question->on_entry(&entry, question->data);
        code = store_walk_back(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

/* GW_E_NOT_FOUND: there are none. */
static enum gw_code find_blocks(struct store_view *view, uint64_t *ret_first, uint64_t *ret_last, struct gw_error *err)
{
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, view, STORE_TABLE_ACTIVITY, err));
    GW_TRY(store_walk_seek(&walk, GW_STR_NONE, err));
    bool is_sound = walk.key.len == SEQ_BYTES;
    *ret_first = is_sound ? bytes_get_be(walk.key.ptr, SEQ_BYTES) / STORE_TRAIL_BLOCK : 0;
    GW_TRY(store_walk_last(&walk, err));
    is_sound = is_sound && walk.key.len == SEQ_BYTES;
    *ret_last = is_sound ? bytes_get_be(walk.key.ptr, SEQ_BYTES) / STORE_TRAIL_BLOCK : 0;
    return is_sound ? GW_OK : store_fail_damaged(err, STORE_TABLE_ACTIVITY, "a key makes no sense");
}

static enum gw_code walk_blocks(struct question *question, struct gw_error *err)
{
    uint64_t first = 0;
    uint64_t last = 0;
    enum gw_code code = find_blocks(question->view, &first, &last, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? GW_OK : code;
    for (uint64_t block = last + 1; block-- > first && !question->is_over;) {
        bool is_asked = false;
        GW_TRY(is_asked_for(question, block, &is_asked, err));
        if (is_asked)
            GW_TRY(visit_block(question, block, err));
    }
    return GW_OK;
}

enum gw_code store_activity_find(struct store_reader *reader, const struct store_activity_query *query,
                                 store_activity_fn on_entry, void *data, struct gw_error *err)
{
    struct question question = {.view = store_reader_view(reader), .on_entry = on_entry, .data = data};
    if (query->user.len > 0) {
        question.marks[question.count++] = make_mark(MARK_USER, query->user);
    } else if (query->kind != 0) {
        question.marks[question.count++] = kind_mark(query->kind);
    } else if (query->app.len > 0) {
        question.marks[question.count++] = make_mark(MARK_APP, query->app);
        question.marks[question.count++] = make_mark(MARK_APP, GW_STR_NONE); /* operators, in its folder */
    } else {
        return store_activity_back(reader, on_entry, data, err);
    }
    return walk_blocks(&question, err);
}
