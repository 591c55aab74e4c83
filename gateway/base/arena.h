/* arena: memory that dies together. Allocation never fails: out of memory ends the process, and what makes that honest
 * is that every size an outsider controls is capped before it is allocated. Memory comes zeroed. One thread at a time.
 */
#pragma once

#include "gateway/base/str.h"

#include <stdarg.h>
#include <stddef.h>

struct gw_arena_chunk;

struct gw_arena {
    struct gw_arena_chunk *chunks; /* newest first */
    size_t used_bytes;             /* of all allocations */
};

#define GW_ARENA_INIT                                                                                                  \
    {                                                                                                                  \
        NULL, 0                                                                                                        \
    }

void gw_arena_init(struct gw_arena *arena);
void gw_arena_done(struct gw_arena *arena);  /* frees all; the arena can be used again */
void gw_arena_reset(struct gw_arena *arena); /* forgets all, keeps one chunk for the next use */

/* Zeroed, aligned for any type, never NULL (size 0 gives a valid pointer). */
void *gw_arena_alloc(struct gw_arena *arena, size_t size);
void *gw_arena_array(struct gw_arena *arena, size_t count, size_t size); /* checks the product */

/* Copies end in NUL, which `len` does not count. */
struct gw_str gw_arena_copy(struct gw_arena *arena, struct gw_str s);
const char *gw_arena_cstr(struct gw_arena *arena, struct gw_str s);
struct gw_str gw_arena_printf(struct gw_arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct gw_str gw_arena_vprintf(struct gw_arena *arena, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));
struct gw_str gw_arena_u64(struct gw_arena *arena, uint64_t value);    /* decimal */
struct gw_str gw_arena_lower(struct gw_arena *arena, struct gw_str s); /* ASCII lower case copy */

/* Frees the arena at the end of a scope: `GW_ARENA_SCOPED(arena);` */
#define GW_ARENA_SCOPED(name) struct gw_arena name __attribute__((cleanup(gw_arena_done))) = GW_ARENA_INIT

/* malloc, realloc and calloc that end the process instead of returning NULL; for objects of other lifetimes. */
void *gw_alloc(size_t size); /* zeroed */
void *gw_realloc(void *ptr, size_t size);
char *gw_strdup(const char *s);
