#include "store/pages.h"

#include "gateway/base/arena.h"
#include "store/bytes.h"
#include "store/files.h"
#include "store/page_file.h"
#include "store/table.h"

#include <stdlib.h>

/* The layout of LMDB 0.9 (lmdb.h says MDB_VERSION 0.9; the data version in each meta page is 1). */
#define PAGE_BRANCH 0x01u
#define PAGE_LEAF 0x02u
#define PAGE_OVERFLOW 0x04u
#define NODE_HEAD_BYTES 8u
#define NODE_BIG 0x01u
#define NODE_TABLE 0x02u
#define TREE_FLAGS 0u      /* plain keys, no duplicates */
#define TREE_FREE_FLAGS 8u /* numbers as keys */
#define NO_PAGE UINT64_MAX

struct checker {
    struct page_file file;
    struct page_meta meta;
    bool whole;
    uint8_t *seen;    /* one bit per page */
    uint8_t *pages;   /* one page per level of each of two trees: main and a table in it */
    uint64_t entries; /* of the tree that is being walked */
};

static enum gw_code damaged(const struct checker *checker, uint64_t page, const char *reason)
{
    return page_file_damaged(&checker->file, page, reason);
}

static enum gw_code mark(struct checker *checker, uint64_t page)
{
    if (page < PAGE_META_COUNT || page > checker->meta.last_page)
        return damaged(checker, page, "a number beyond the last page");
    uint8_t bit = (uint8_t)(1u << (page % 8));
    if ((checker->seen[page / 8] & bit) != 0)
        return damaged(checker, page, "used twice");
    checker->seen[page / 8] |= bit;
    return GW_OK;
}

static enum gw_code check_overflow(struct checker *checker, uint64_t page, size_t size)
{
    uint8_t head[PAGE_HEAD_BYTES];
    GW_TRY(mark(checker, page));
    GW_TRY(page_file_read(&checker->file, page * checker->file.page_bytes, head, sizeof head));
    uint64_t count = (size + PAGE_HEAD_BYTES + checker->file.page_bytes - 1) / checker->file.page_bytes;
    if (bytes_get_le(head, 8) != page || (bytes_get_le(head + 10, 2) & PAGE_OVERFLOW) == 0 ||
        bytes_get_le(head + 12, 4) != count)
        return damaged(checker, page, "not the large value that belongs here");
    for (uint64_t i = 1; i < count; i++)
        GW_TRY(mark(checker, page + i));
    return GW_OK;
}

/* A list of free pages: their number, then page numbers, falling. A wrong one would let LMDB write over live data. */
static enum gw_code check_free_list(struct checker *checker, uint64_t page, const uint8_t *list, size_t size)
{
    uint64_t count = size >= 8 ? bytes_get_le(list, 8) : NO_PAGE;
    if (count > size / 8 - 1)
        return damaged(checker, page, "a list of free pages is cut short");
    for (uint64_t i = 1; i <= count; i++)
        GW_TRY(mark(checker, bytes_get_le(list + 8 * i, 8)));
    return GW_OK;
}

static enum gw_code check_big_free_list(struct checker *checker, uint64_t page, size_t size)
{
    uint8_t *list = gw_alloc(size);
    enum gw_code code = page_file_read(&checker->file, page * checker->file.page_bytes + PAGE_HEAD_BYTES, list, size);
    if (code == GW_OK)
        code = check_free_list(checker, page, list, size);
    free(list);
    return code;
}

/* Which tree a page belongs to says what its values are. */
enum tree_kind { TREE_FREE, TREE_MAIN, TREE_TABLE };

struct position {
    enum tree_kind kind;
    unsigned level; /* from the root */
    unsigned depth; /* of the tree */
    bool descend;
    struct gw_str from;   /* keys are not less than this */
    struct gw_str before; /* and less than this; ptr NULL: no bound */
};

static enum gw_code check_tree(struct checker *checker, const struct page_tree *tree, enum tree_kind kind,
                               bool descend);
static enum gw_code check_page(struct checker *checker, uint64_t page, struct position at);

static enum gw_code check_value(struct checker *checker, uint64_t page, const uint8_t *node, size_t room,
                                struct position at)
{
    size_t key_bytes = (size_t)bytes_get_le(node + 6, 2);
    size_t value_bytes = (size_t)bytes_get_le(node, 4);
    unsigned flags = (unsigned)bytes_get_le(node + 4, 2);
    const uint8_t *value = node + NODE_HEAD_BYTES + key_bytes;
    bool is_big = flags == NODE_BIG;
    size_t here = is_big ? 8 : value_bytes;
    if (key_bytes > room - NODE_HEAD_BYTES || here > room - NODE_HEAD_BYTES - key_bytes)
        return damaged(checker, page, "an entry leaves its page");
    if (flags != 0 && flags != NODE_BIG && flags != NODE_TABLE)
        return damaged(checker, page, "an entry of a wrong kind");
    bool is_table = flags == NODE_TABLE;
    if (is_table != (at.kind == TREE_MAIN) || (is_table && value_bytes != PAGE_TREE_BYTES))
        return damaged(checker, page, "an entry of a wrong kind");
    checker->entries++;
    if (is_table) {
        struct page_tree table = page_tree_parse(value);
        uint64_t entries = checker->entries;
        GW_TRY(check_tree(checker, &table, TREE_TABLE, checker->whole));
        checker->entries = entries;
        return GW_OK;
    }
    if (!is_big)
        return at.kind == TREE_FREE ? check_free_list(checker, page, value, value_bytes) : GW_OK;
    uint64_t first = bytes_get_le(value, 8);
    GW_TRY(check_overflow(checker, first, value_bytes));
    return at.kind == TREE_FREE ? check_big_free_list(checker, first, value_bytes) : GW_OK;
}

static enum gw_code check_node(struct checker *checker, uint64_t page, const uint8_t *bytes, unsigned slot,
                               struct gw_str *ret_key)
{
    size_t offset = (size_t)bytes_get_le(bytes + PAGE_HEAD_BYTES + 2 * slot, 2);
    if (offset < PAGE_HEAD_BYTES || offset > checker->file.page_bytes - NODE_HEAD_BYTES)
        return damaged(checker, page, "an entry leaves its page");
    const uint8_t *node = bytes + offset;
    size_t key_bytes = (size_t)bytes_get_le(node + 6, 2);
    if (key_bytes > checker->file.page_bytes - offset - NODE_HEAD_BYTES)
        return damaged(checker, page, "an entry leaves its page");
    *ret_key = gw_str_n((const char *)node + NODE_HEAD_BYTES, key_bytes);
    return GW_OK;
}

/* A separator out of order would hide what stands below it from every lookup. */
static enum gw_code check_order(struct checker *checker, uint64_t page, struct gw_str key, struct position at)
{
    if (at.kind == TREE_FREE)
        return GW_OK;
    if (gw_str_compare(key, at.from) < 0 || (at.before.ptr != NULL && gw_str_compare(key, at.before) >= 0))
        return damaged(checker, page, "its keys are not in order");
    return GW_OK;
}

static enum gw_code check_child(struct checker *checker, const uint8_t *bytes, unsigned slot, unsigned count,
                                struct gw_str key, struct position at)
{
    size_t offset = (size_t)bytes_get_le(bytes + PAGE_HEAD_BYTES + 2 * slot, 2);
    struct gw_str next;
    struct position below = at;
    if (slot > 0)
        below.from = key; /* the first key of a branch means nothing */
    if (slot + 1 < count) {
        GW_TRY(check_node(checker, 0, bytes, slot + 1, &next));
        below.before = next;
    }
    below.level++;
    return check_page(checker, bytes_get_le(bytes + offset, 6), below);
}

static enum gw_code check_slot(struct checker *checker, uint64_t page, const uint8_t *bytes, unsigned slot,
                               unsigned count, struct position *at)
{
    struct gw_str key;
    GW_TRY(check_node(checker, page, bytes, slot, &key));
    bool is_leaf = at->level + 1 == at->depth;
    if (is_leaf || slot > 0)
        GW_TRY(check_order(checker, page, key, *at));
    if (is_leaf) {
        const uint8_t *node = (const uint8_t *)key.ptr - NODE_HEAD_BYTES;
        GW_TRY(check_value(checker, page, node, checker->file.page_bytes - (size_t)(node - bytes), *at));
    } else if (at->descend) {
        GW_TRY(check_child(checker, bytes, slot, count, key, *at));
    }
    if (is_leaf || slot > 0)
        at->from = key;
    return GW_OK;
}

static enum gw_code check_page(struct checker *checker, uint64_t page, struct position at)
{
    GW_TRY(mark(checker, page));
    size_t buffer = (at.kind == TREE_TABLE ? PAGE_TREE_DEPTH_MAX : 0) + at.level;
    uint8_t *bytes = checker->pages + buffer * checker->file.page_bytes;
    GW_TRY(page_file_read(&checker->file, page * checker->file.page_bytes, bytes, checker->file.page_bytes));
    unsigned expected = at.level + 1 == at.depth ? PAGE_LEAF : PAGE_BRANCH;
    if (bytes_get_le(bytes, 8) != page || bytes_get_le(bytes + 10, 2) != expected)
        return damaged(checker, page, "not the page that belongs here");
    size_t lower = (size_t)bytes_get_le(bytes + 12, 2);
    size_t upper = (size_t)bytes_get_le(bytes + 14, 2);
    if (lower < PAGE_HEAD_BYTES || lower > upper || upper > checker->file.page_bytes || lower % 2 != 0)
        return damaged(checker, page, "its head makes no sense");
    unsigned count = (unsigned)(lower - PAGE_HEAD_BYTES) / 2;
    if (count == 0)
        return damaged(checker, page, "it has no entries");
    for (unsigned slot = 0; slot < count; slot++)
        GW_TRY(check_slot(checker, page, bytes, slot, count, &at));
    return GW_OK;
}

static enum gw_code check_tree(struct checker *checker, const struct page_tree *tree, enum tree_kind kind, bool descend)
{
    if (tree->flags != (kind == TREE_FREE ? TREE_FREE_FLAGS : TREE_FLAGS))
        return damaged(checker, tree->root, "a table has impossible flags");
    if (tree->root == NO_PAGE) {
        if (tree->entries != 0)
            return damaged(checker, tree->root, "a table with entries has no pages");
        return GW_OK;
    }
    if (tree->depth == 0 || tree->depth > PAGE_TREE_DEPTH_MAX)
        return damaged(checker, tree->root, "a table has an impossible depth");
    checker->entries = 0;
    struct position at = {.kind = kind, .depth = tree->depth, .descend = descend};
    GW_TRY(check_page(checker, tree->root, at));
    if (descend && checker->entries != tree->entries)
        return damaged(checker, tree->root, "a table does not hold the entries it should");
    return GW_OK;
}

/* The meta page that `txn` reads. Two commits during the look put newer ones over it: then GW_E_STALE. */
static enum gw_code find_meta(struct checker *checker, uint64_t txnid)
{
    struct page_meta metas[PAGE_META_COUNT];
    GW_TRY(page_file_read_metas(&checker->file, metas));
    for (unsigned i = 0; i < PAGE_META_COUNT; i++) {
        if (metas[i].txnid == txnid) {
            checker->meta = metas[i];
            return GW_OK;
        }
    }
    return GW_E_STALE;
}

static enum gw_code check_trees(struct checker *checker)
{
    checker->seen = gw_alloc(checker->meta.last_page / 8 + 1);
    checker->pages = gw_alloc((size_t)2 * PAGE_TREE_DEPTH_MAX * checker->file.page_bytes);
    enum gw_code code = check_tree(checker, &checker->meta.main, TREE_MAIN, /* descend= */ true);
    if (code == GW_OK)
        code = check_tree(checker, &checker->meta.free_pages, TREE_FREE, checker->whole);
    free(checker->pages);
    free(checker->seen);
    return code;
}

enum gw_code store_pages_check_head(const char *path, struct gw_error *err)
{
    char name[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(path, "data.mdb", name, err));
    struct page_file file;
    struct page_meta metas[PAGE_META_COUNT];
    enum gw_code code = page_file_open(&file, name, err);
    if (code == GW_OK)
        code = page_file_read_metas(&file, metas);
    page_file_close(&file);
    return code;
}

#define SNAPSHOT_TRIES_MAX 100

static enum gw_code find_snapshot(struct checker *checker, MDB_txn *txn)
{
    enum gw_code code = find_meta(checker, mdb_txn_id(txn));
    for (int i = 0; code == GW_E_STALE && i < SNAPSHOT_TRIES_MAX; i++) {
        mdb_txn_reset(txn);
        int rc = mdb_txn_renew(txn);
        if (rc != 0)
            return store_fail_mdb(checker->file.err, rc, "read the store");
        code = find_meta(checker, mdb_txn_id(txn));
    }
    if (code == GW_E_STALE)
        return gw_fail(checker->file.err, GW_E_BUSY, "%s: the store is too busy to be checked", checker->file.name);
    return code;
}

enum gw_code store_pages_check_tree(const char *path, MDB_txn *txn, bool whole, struct gw_error *err)
{
    char name[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(path, "data.mdb", name, err));
    struct checker checker = {.whole = whole};
    enum gw_code code = page_file_open(&checker.file, name, err);
    if (code == GW_OK)
        code = find_snapshot(&checker, txn);
    if (code == GW_OK)
        code = check_trees(&checker);
    page_file_close(&checker.file);
    return code;
}
