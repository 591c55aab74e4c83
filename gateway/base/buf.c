#include "gateway/base/buf.h"

#include "gateway/base/arena.h"
#include "gateway/base/digits.h"
#include "gateway/base/result.h"

#include <stdio.h>
#include <stdlib.h>

#define CAPACITY_MIN 256u

void gw_buf_init(struct gw_buf *buf, size_t max)
{
    *buf = (struct gw_buf)GW_BUF_INIT(max);
}

void gw_buf_done(struct gw_buf *buf)
{
    free(buf->data);
    gw_buf_init(buf, buf->max);
}

void gw_buf_clear(struct gw_buf *buf)
{
    buf->len = 0;
    buf->overflow = false;
}

/* Makes room for `needed` bytes in all; the caller has checked the cap. */
static void grow(struct gw_buf *buf, size_t needed)
{
    if (needed <= buf->capacity && buf->data != NULL)
        return;
    size_t capacity = buf->capacity > 0 ? buf->capacity : CAPACITY_MIN;
    while (capacity < needed)
        capacity *= 2;
    buf->data = gw_realloc(buf->data, capacity);
    buf->capacity = capacity;
}

static bool fits(struct gw_buf *buf, size_t size)
{
    if (size <= buf->max && buf->len <= buf->max - size)
        return true;
    buf->overflow = true;
    return false;
}

char *gw_buf_reserve_slow(struct gw_buf *buf, size_t size)
{
    if (!fits(buf, size))
        return NULL;
    grow(buf, buf->len + size);
    return buf->data + buf->len;
}

void gw_buf_advance(struct gw_buf *buf, size_t size)
{
    GW_ASSERT(size <= buf->capacity - buf->len);
    buf->len += size;
}

void gw_buf_add(struct gw_buf *buf, struct gw_str s)
{
    if (s.len == 0 || buf->overflow)
        return;
    char *room = gw_buf_reserve(buf, s.len);
    if (room == NULL)
        return;
    memcpy(room, s.ptr, s.len);
    buf->len += s.len;
}

void gw_buf_add_u64(struct gw_buf *buf, uint64_t value)
{
    char room[GW_DIGITS_MAX];
    gw_buf_add(buf, gw_digits(value, room));
}

void gw_buf_printf(struct gw_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    GW_ASSERT(len >= 0);
    if (buf->overflow || !fits(buf, (size_t)len))
        return;
    grow(buf, buf->len + (size_t)len + 1); /* vsnprintf writes a NUL as well, which does not count against the cap */
    va_start(args, fmt);
    (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args);
    va_end(args);
    buf->len += (size_t)len;
}

void gw_buf_consume(struct gw_buf *buf, size_t size)
{
    GW_ASSERT(size <= buf->len);
    buf->len -= size;
    if (buf->len > 0)
        memmove(buf->data, buf->data + size, buf->len);
}
