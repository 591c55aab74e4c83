/* buf: a growing run of bytes with a cap that is named when it is made. Passing the cap sets a sticky mark and keeps
 * what was there; callers test `overflow` once, at the end. One thread at a time. */
#pragma once

#include "gateway/base/str.h"

#include <stdarg.h>

struct gw_buf {
    char *data;
    size_t len;
    size_t capacity;
    size_t max; /* cap in bytes */
    bool overflow;
};

#define GW_BUF_INIT(max_bytes)                                                                                         \
    {                                                                                                                  \
        .max = (max_bytes)                                                                                             \
    }
#define GW_BUF_SCOPED(name, max_bytes) struct gw_buf name __attribute__((cleanup(gw_buf_done))) = GW_BUF_INIT(max_bytes)

void gw_buf_init(struct gw_buf *buf, size_t max);
void gw_buf_done(struct gw_buf *buf);  /* frees; the buffer can be used again with the same cap */
void gw_buf_clear(struct gw_buf *buf); /* forgets content and overflow, keeps memory */

void gw_buf_add(struct gw_buf *buf, struct gw_str s);
void gw_buf_add_u64(struct gw_buf *buf, uint64_t value); /* decimal */
void gw_buf_printf(struct gw_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

char *gw_buf_reserve_slow(struct gw_buf *buf, size_t size); /* private: gw_buf_reserve when the memory must grow */

/* Room for `size` more bytes to write into, or NULL (and overflow) when the cap would be passed; then say how many were
 * written with gw_buf_advance. */
static inline char *gw_buf_reserve(struct gw_buf *buf, size_t size)
{
    size_t most = buf->capacity < buf->max ? buf->capacity : buf->max;
    return buf->len <= most && size <= most - buf->len && buf->data != NULL ? buf->data + buf->len
                                                                            : gw_buf_reserve_slow(buf, size);
}
void gw_buf_advance(struct gw_buf *buf, size_t size);

static inline void gw_buf_add_byte(struct gw_buf *buf, char c)
{
    char *room = buf->overflow ? NULL : gw_buf_reserve(buf, 1);
    if (room == NULL)
        return;
    *room = c;
    buf->len++;
}

/* Removes `size` bytes from the front. */
void gw_buf_consume(struct gw_buf *buf, size_t size);

static inline struct gw_str gw_buf_str(const struct gw_buf *buf)
{
    return gw_str_n(buf->data, buf->len);
}
#define gw_buf_add_lit(buf, literal) gw_buf_add((buf), GW_STR(literal))
