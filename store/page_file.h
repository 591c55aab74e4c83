/* page_file: data.mdb as pages, read by pread(), and its two meta pages. Private to store/pages. Knows the layout of
 * LMDB 0.9 (its data version 1). */
#pragma once

#include "gateway/base/result.h"

#include <stdint.h>

#define PAGE_META_COUNT 2u
#define PAGE_HEAD_BYTES 16u
#define PAGE_TREE_BYTES 48u
#define PAGE_TREE_DEPTH_MAX 32u

/* Where a table's tree begins. */
struct page_tree {
    uint32_t pad; /* page size in the first tree of a meta page */
    unsigned flags;
    unsigned depth;
    uint64_t entries;
    uint64_t root;
};

struct page_meta {
    struct page_tree free_pages;
    struct page_tree main;
    uint64_t last_page;
    uint64_t txnid;
};

struct page_file {
    int fd;
    const char *name; /* for texts */
    uint32_t page_bytes;
    uint64_t file_bytes;
    struct gw_error *err;
};

/* `name` and `err` must outlive the file. Close also after a failure. */
GW_MUST_CHECK enum gw_code page_file_open(struct page_file *file, const char *name, struct gw_error *err);
void page_file_close(struct page_file *file);

GW_MUST_CHECK enum gw_code page_file_read(const struct page_file *file, uint64_t offset, uint8_t *dst, size_t size);
GW_MUST_CHECK enum gw_code page_file_read_metas(struct page_file *file, struct page_meta metas[PAGE_META_COUNT]);

struct page_tree page_tree_parse(const uint8_t bytes[PAGE_TREE_BYTES]);
enum gw_code page_file_damaged(const struct page_file *file, uint64_t page, const char *reason);
