#include "store/page_file.h"

#include "store/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define META_MAGIC 0xBEEFC0DEu
#define META_VERSION 1u
#define META_BYTES 152u
#define PAGE_BYTES_MIN 512u
#define PAGE_BYTES_MAX 65536u
#define PAGE_META 0x08u
#define METAS_TRIES_MAX 100

enum gw_code page_file_damaged(const struct page_file *file, uint64_t page, const char *reason)
{
    return gw_fail(file->err, GW_E_STORE_DAMAGED, "%s is damaged: page %llu: %s", file->name, (unsigned long long)page,
                   reason);
}

enum gw_code page_file_read(const struct page_file *file, uint64_t offset, uint8_t *dst, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(file->fd, dst + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return gw_fail(file->err, GW_E_STORE_IO, "cannot read %s: %s", file->name, strerror(errno));
        if (got == 0)
            return gw_fail(file->err, GW_E_STORE_DAMAGED, "%s is damaged: it is cut short", file->name);
        done += (size_t)got;
    }
    return GW_OK;
}

static enum gw_code read_size(struct page_file *file)
{
    struct stat info;
    if (fstat(file->fd, &info) != 0)
        return gw_fail(file->err, GW_E_STORE_IO, "cannot read %s: %s", file->name, strerror(errno));
    file->file_bytes = (uint64_t)info.st_size;
    return GW_OK;
}

struct page_tree page_tree_parse(const uint8_t bytes[PAGE_TREE_BYTES])
{
    return (struct page_tree){.pad = (uint32_t)bytes_get_le(bytes, 4),
                              .flags = (unsigned)bytes_get_le(bytes + 4, 2),
                              .depth = (unsigned)bytes_get_le(bytes + 6, 2),
                              .entries = bytes_get_le(bytes + 32, 8),
                              .root = bytes_get_le(bytes + 40, 8)};
}

static enum gw_code parse_meta(const struct page_file *file, unsigned which, const uint8_t *bytes,
                               struct page_meta *ret_meta)
{
    const uint8_t *body = bytes + PAGE_HEAD_BYTES;
    if (bytes_get_le(bytes, 8) != which || (bytes_get_le(bytes + 10, 2) & PAGE_META) == 0 ||
        bytes_get_le(body, 4) != META_MAGIC)
        return page_file_damaged(file, which, "not a meta page of a store");
    if (bytes_get_le(body + 4, 4) != META_VERSION)
        return page_file_damaged(file, which, "the meta page is of another version of LMDB");
    *ret_meta = (struct page_meta){.free_pages = page_tree_parse(body + 24),
                                   .main = page_tree_parse(body + 24 + PAGE_TREE_BYTES),
                                   .last_page = bytes_get_le(body + 24 + 2 * PAGE_TREE_BYTES, 8),
                                   .txnid = bytes_get_le(body + 32 + 2 * PAGE_TREE_BYTES, 8)};
    uint32_t size = ret_meta->free_pages.pad;
    if (size < PAGE_BYTES_MIN || size > PAGE_BYTES_MAX || (size & (size - 1)) != 0)
        return page_file_damaged(file, which, "the meta page has an impossible page size");
    if (ret_meta->free_pages.depth > PAGE_TREE_DEPTH_MAX || ret_meta->main.depth > PAGE_TREE_DEPTH_MAX)
        return page_file_damaged(file, which, "the meta page has an impossible depth");
    return GW_OK;
}

static enum gw_code read_meta(struct page_file *file, unsigned which, struct page_meta *ret_meta)
{
    uint8_t bytes[META_BYTES];
    GW_TRY(page_file_read(file, (uint64_t)which * file->page_bytes, bytes, sizeof bytes));
    GW_TRY(parse_meta(file, which, bytes, ret_meta));
    file->page_bytes = ret_meta->free_pages.pad;
    /* after the meta page: a writer makes the file longer before it says so */
    GW_TRY(read_size(file));
    if (ret_meta->last_page >= file->file_bytes / file->page_bytes)
        return gw_fail(file->err, GW_E_STORE_DAMAGED,
                       "%s is damaged: it is cut short: %llu bytes, but its last page is %llu", file->name,
                       (unsigned long long)file->file_bytes, (unsigned long long)ret_meta->last_page);
    return GW_OK;
}

/* Each commit writes the other meta page, the odd ones the second: their numbers follow each other. Not so when a
 * writer committed while we looked; then we look again. */
enum gw_code page_file_read_metas(struct page_file *file, struct page_meta metas[PAGE_META_COUNT])
{
    for (int i = 0; i < METAS_TRIES_MAX; i++) {
        GW_TRY(read_meta(file, 0, &metas[0]));
        GW_TRY(read_meta(file, 1, &metas[1]));
        uint64_t newer = metas[0].txnid > metas[1].txnid ? metas[0].txnid : metas[1].txnid;
        uint64_t older = metas[0].txnid > metas[1].txnid ? metas[1].txnid : metas[0].txnid;
        if (newer - older == 1 && metas[1].txnid % 2 == 1)
            return GW_OK;
    }
    return page_file_damaged(file, 0, "the meta pages do not belong together");
}

enum gw_code page_file_open(struct page_file *file, const char *name, struct gw_error *err)
{
    *file = (struct page_file){.name = name, .err = err};
    file->fd = open(file->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file->fd < 0)
        return gw_fail(file->err, GW_E_STORE_IO, "cannot read %s: %s", file->name, strerror(errno));
    GW_TRY(read_size(file));
    if (file->file_bytes == 0)
        return gw_fail(file->err, GW_E_STORE_DAMAGED, "%s is empty: it holds no store", file->name);
    if (file->file_bytes < (uint64_t)PAGE_META_COUNT * PAGE_BYTES_MIN)
        return gw_fail(file->err, GW_E_STORE_DAMAGED, "%s is damaged: it is cut short", file->name);
    return GW_OK;
}

void page_file_close(struct page_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
}
