#include "store/pages.h"

#include "gateway/base/arena.h"
#include "store/bytes.h"
#include "store/files.h"
#include "store/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The layout of LMDB 0.9 (lmdb.h says MDB_VERSION 0.9; the data version in each meta page is 1). */
#define META_MAGIC 0xBEEFC0DEu
#define META_VERSION 1u
#define META_COUNT 2u
#define META_BYTES 152u
#define PAGE_HEAD_BYTES 16u
#define PAGE_BYTES_MIN 512u
#define PAGE_BYTES_MAX 65536u
#define PAGE_BRANCH 0x01u
#define PAGE_LEAF 0x02u
#define PAGE_OVERFLOW 0x04u
#define PAGE_META 0x08u
#define NODE_HEAD_BYTES 8u
#define NODE_BIG 0x01u
#define NODE_TABLE 0x02u
#define TREE_BYTES 48u
#define TREE_DEPTH_MAX 32u
#define TREE_FLAGS 0u      /* plain keys, no duplicates */
#define TREE_FREE_FLAGS 8u /* numbers as keys */
#define METAS_TRIES_MAX 100
#define NO_PAGE UINT64_MAX

struct tree {
    uint32_t pad; /* page size in the first tree of a meta page */
    unsigned flags;
    unsigned depth;
    uint64_t entries;
    uint64_t root;
};

struct meta {
    struct tree free_pages;
    struct tree main;
    uint64_t last_page;
    uint64_t txnid;
};

struct checker {
    int fd;
    const char *file;
    uint32_t page_bytes;
    uint64_t file_bytes;
    struct meta meta;
    bool whole;
    uint8_t *seen;    /* one bit per page */
    uint8_t *pages;   /* one page per level of each of two trees: main and a table in it */
    uint64_t entries; /* of the tree that is being walked */
    struct gw_error *err;
};

static enum gw_code damaged(const struct checker *checker, uint64_t page, const char *reason)
{
    return gw_fail(checker->err, GW_E_STORE_DAMAGED, "%s is damaged: page %llu: %s", checker->file,
                   (unsigned long long)page, reason);
}

static enum gw_code read_at(const struct checker *checker, uint64_t offset, uint8_t *dst, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(checker->fd, dst + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return gw_fail(checker->err, GW_E_STORE_IO, "cannot read %s: %s", checker->file, strerror(errno));
        if (got == 0)
            return gw_fail(checker->err, GW_E_STORE_DAMAGED, "%s is damaged: it is cut short", checker->file);
        done += (size_t)got;
    }
    return GW_OK;
}

static enum gw_code read_size(struct checker *checker)
{
    struct stat info;
    if (fstat(checker->fd, &info) != 0)
        return gw_fail(checker->err, GW_E_STORE_IO, "cannot read %s: %s", checker->file, strerror(errno));
    checker->file_bytes = (uint64_t)info.st_size;
    return GW_OK;
}

static struct tree parse_tree(const uint8_t *bytes)
{
    return (struct tree){.pad = (uint32_t)bytes_get_le(bytes, 4),
                         .flags = (unsigned)bytes_get_le(bytes + 4, 2),
                         .depth = (unsigned)bytes_get_le(bytes + 6, 2),
                         .entries = bytes_get_le(bytes + 32, 8),
                         .root = bytes_get_le(bytes + 40, 8)};
}

static enum gw_code parse_meta(const struct checker *checker, unsigned which, const uint8_t *bytes,
                               struct meta *ret_meta)
{
    const uint8_t *body = bytes + PAGE_HEAD_BYTES;
    if (bytes_get_le(bytes, 8) != which || (bytes_get_le(bytes + 10, 2) & PAGE_META) == 0 ||
        bytes_get_le(body, 4) != META_MAGIC)
        return damaged(checker, which, "not a meta page of a store");
    if (bytes_get_le(body + 4, 4) != META_VERSION)
        return damaged(checker, which, "the meta page is of another version of LMDB");
    *ret_meta = (struct meta){.free_pages = parse_tree(body + 24),
                              .main = parse_tree(body + 24 + TREE_BYTES),
                              .last_page = bytes_get_le(body + 24 + 2 * TREE_BYTES, 8),
                              .txnid = bytes_get_le(body + 32 + 2 * TREE_BYTES, 8)};
    uint32_t size = ret_meta->free_pages.pad;
    if (size < PAGE_BYTES_MIN || size > PAGE_BYTES_MAX || (size & (size - 1)) != 0)
        return damaged(checker, which, "the meta page has an impossible page size");
    if (ret_meta->free_pages.depth > TREE_DEPTH_MAX || ret_meta->main.depth > TREE_DEPTH_MAX)
        return damaged(checker, which, "the meta page has an impossible depth");
    return GW_OK;
}

static enum gw_code read_meta(struct checker *checker, unsigned which, struct meta *ret_meta)
{
    uint8_t bytes[META_BYTES];
    GW_TRY(read_at(checker, (uint64_t)which * checker->page_bytes, bytes, sizeof bytes));
    GW_TRY(parse_meta(checker, which, bytes, ret_meta));
    checker->page_bytes = ret_meta->free_pages.pad;
    /* after the meta page: a writer makes the file longer before it says so */
    GW_TRY(read_size(checker));
    if (ret_meta->last_page >= checker->file_bytes / checker->page_bytes)
        return gw_fail(checker->err, GW_E_STORE_DAMAGED,
                       "%s is damaged: it is cut short: %llu bytes, but its last page is %llu", checker->file,
                       (unsigned long long)checker->file_bytes, (unsigned long long)ret_meta->last_page);
    return GW_OK;
}

/* Each commit writes the other meta page, the odd ones the second: their numbers follow each other. Not so when a
 * writer committed while we looked; then we look again. */
static enum gw_code read_metas(struct checker *checker, struct meta metas[META_COUNT])
{
    for (int i = 0; i < METAS_TRIES_MAX; i++) {
        GW_TRY(read_meta(checker, 0, &metas[0]));
        GW_TRY(read_meta(checker, 1, &metas[1]));
        uint64_t newer = metas[0].txnid > metas[1].txnid ? metas[0].txnid : metas[1].txnid;
        uint64_t older = metas[0].txnid > metas[1].txnid ? metas[1].txnid : metas[0].txnid;
        if (newer - older == 1 && metas[1].txnid % 2 == 1)
            return GW_OK;
    }
    return damaged(checker, 0, "the meta pages do not belong together");
}

static enum gw_code open_file(struct checker *checker)
{
    checker->fd = open(checker->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (checker->fd < 0)
        return gw_fail(checker->err, GW_E_STORE_IO, "cannot read %s: %s", checker->file, strerror(errno));
    GW_TRY(read_size(checker));
    if (checker->file_bytes == 0)
        return gw_fail(checker->err, GW_E_STORE_DAMAGED, "%s is empty: it holds no store", checker->file);
    if (checker->file_bytes < (uint64_t)META_COUNT * PAGE_BYTES_MIN)
        return gw_fail(checker->err, GW_E_STORE_DAMAGED, "%s is damaged: it is cut short", checker->file);
    return GW_OK;
}

enum gw_code store_pages_check_head(const char *path, struct gw_error *err)
{
    char file[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(path, "data.mdb", file, err));
    struct checker checker = {.fd = -1, .file = file, .err = err};
    struct meta metas[META_COUNT];
    enum gw_code code = open_file(&checker);
    if (code == GW_OK)
        code = read_metas(&checker, metas);
    if (checker.fd >= 0)
        (void)close(checker.fd);
    return code;
}

static enum gw_code mark(struct checker *checker, uint64_t page)
{
    if (page < META_COUNT || page > checker->meta.last_page)
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
    GW_TRY(read_at(checker, page * checker->page_bytes, head, sizeof head));
    uint64_t count = (size + PAGE_HEAD_BYTES + checker->page_bytes - 1) / checker->page_bytes;
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
    enum gw_code code = read_at(checker, page * checker->page_bytes + PAGE_HEAD_BYTES, list, size);
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

static enum gw_code check_tree(struct checker *checker, const struct tree *tree, enum tree_kind kind, bool descend);
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
    if (is_table != (at.kind == TREE_MAIN) || (is_table && value_bytes != TREE_BYTES))
        return damaged(checker, page, "an entry of a wrong kind");
    checker->entries++;
    if (is_table) {
        struct tree table = parse_tree(value);
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
    if (offset < PAGE_HEAD_BYTES || offset > checker->page_bytes - NODE_HEAD_BYTES)
        return damaged(checker, page, "an entry leaves its page");
    const uint8_t *node = bytes + offset;
    size_t key_bytes = (size_t)bytes_get_le(node + 6, 2);
    if (key_bytes > checker->page_bytes - offset - NODE_HEAD_BYTES)
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
        GW_TRY(check_value(checker, page, node, checker->page_bytes - (size_t)(node - bytes), *at));
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
    size_t buffer = (at.kind == TREE_TABLE ? TREE_DEPTH_MAX : 0) + at.level;
    uint8_t *bytes = checker->pages + buffer * checker->page_bytes;
    GW_TRY(read_at(checker, page * checker->page_bytes, bytes, checker->page_bytes));
    unsigned expected = at.level + 1 == at.depth ? PAGE_LEAF : PAGE_BRANCH;
    if (bytes_get_le(bytes, 8) != page || bytes_get_le(bytes + 10, 2) != expected)
        return damaged(checker, page, "not the page that belongs here");
    size_t lower = (size_t)bytes_get_le(bytes + 12, 2);
    size_t upper = (size_t)bytes_get_le(bytes + 14, 2);
    if (lower < PAGE_HEAD_BYTES || lower > upper || upper > checker->page_bytes || lower % 2 != 0)
        return damaged(checker, page, "its head makes no sense");
    unsigned count = (unsigned)(lower - PAGE_HEAD_BYTES) / 2;
    if (count == 0)
        return damaged(checker, page, "it has no entries");
    for (unsigned slot = 0; slot < count; slot++)
        GW_TRY(check_slot(checker, page, bytes, slot, count, &at));
    return GW_OK;
}

static enum gw_code check_tree(struct checker *checker, const struct tree *tree, enum tree_kind kind, bool descend)
{
    if (tree->flags != (kind == TREE_FREE ? TREE_FREE_FLAGS : TREE_FLAGS))
        return damaged(checker, tree->root, "a table has impossible flags");
    if (tree->root == NO_PAGE) {
        if (tree->entries != 0)
            return damaged(checker, tree->root, "a table with entries has no pages");
        return GW_OK;
    }
    if (tree->depth == 0 || tree->depth > TREE_DEPTH_MAX)
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
    struct meta metas[META_COUNT];
    GW_TRY(read_metas(checker, metas));
    for (unsigned i = 0; i < META_COUNT; i++) {
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
    checker->pages = gw_alloc((size_t)2 * TREE_DEPTH_MAX * checker->page_bytes);
    enum gw_code code = check_tree(checker, &checker->meta.main, TREE_MAIN, /* descend= */ true);
    if (code == GW_OK)
        code = check_tree(checker, &checker->meta.free_pages, TREE_FREE, checker->whole);
    free(checker->pages);
    free(checker->seen);
    return code;
}

#define SNAPSHOT_TRIES_MAX 100

enum gw_code store_pages_check_tree(const char *path, MDB_txn *txn, bool whole, struct gw_error *err)
{
    char file[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(path, "data.mdb", file, err));
    struct checker checker = {.fd = -1, .file = file, .whole = whole, .err = err};
    enum gw_code code = open_file(&checker);
    if (code == GW_OK)
        code = find_meta(&checker, mdb_txn_id(txn));
    for (int i = 0; code == GW_E_STALE && i < SNAPSHOT_TRIES_MAX; i++) {
        mdb_txn_reset(txn);
        int rc = mdb_txn_renew(txn);
        code = rc == 0 ? find_meta(&checker, mdb_txn_id(txn)) : store_fail_mdb(err, rc, "read the store");
    }
    if (code == GW_OK)
        code = check_trees(&checker);
    else if (code == GW_E_STALE)
        code = gw_fail(err, GW_E_BUSY, "%s: the store is too busy to be checked", file);
    if (checker.fd >= 0)
        (void)close(checker.fd);
    return code;
}
