#include "gateway/base/arena.h"

#include "gateway/base/digits.h"
#include "gateway/base/result.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES_MIN 4096u
#define PRINTF_BRIEF_BYTES 256u /* most texts are shorter and need no second pass */
#define ALIGNMENT _Alignof(max_align_t)

struct gw_arena_chunk {
    struct gw_arena_chunk *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) char data[];
};

static void out_of_memory(void) __attribute__((noreturn));

static void out_of_memory(void)
{
    (void)fputs("provgate: out of memory\n", stderr);
    abort();
}

void *gw_alloc(size_t size)
{
    void *ptr = calloc(1, size > 0 ? size : 1);
    if (ptr == NULL)
        out_of_memory();
    return ptr;
}

void *gw_realloc(void *ptr, size_t size)
{
    void *grown = realloc(ptr, size > 0 ? size : 1);
    if (grown == NULL)
        out_of_memory();
    return grown;
}

char *gw_strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    return memcpy(gw_alloc(size), s, size);
}

void gw_arena_init(struct gw_arena *arena)
{
    *arena = (struct gw_arena)GW_ARENA_INIT;
}

static void free_chunks(struct gw_arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct gw_arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void gw_arena_done(struct gw_arena *arena)
{
    free_chunks(arena->chunks);
    gw_arena_init(arena);
}

void gw_arena_reset(struct gw_arena *arena)
{
    struct gw_arena_chunk *kept = arena->chunks;
    if (kept == NULL)
        return;
    free_chunks(kept->next);
    kept->next = NULL;
    kept->used = 0;
    arena->used_bytes = 0;
}

static struct gw_arena_chunk *add_chunk(struct gw_arena *arena, size_t size)
{
    size_t wanted = arena->chunks != NULL ? arena->chunks->size * 2 : CHUNK_BYTES_MIN;
    if (wanted > (1u << 20))
        wanted = 1u << 20;
    if (wanted < size)
        wanted = size;
    struct gw_arena_chunk *chunk = malloc(sizeof *chunk + wanted);
    if (chunk == NULL)
        out_of_memory();
    *chunk = (struct gw_arena_chunk){.next = arena->chunks, .size = wanted};
    arena->chunks = chunk;
    return chunk;
}

void *gw_arena_alloc(struct gw_arena *arena, size_t size)
{
    GW_ASSERT(size <= SIZE_MAX / 2);
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct gw_arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->size - chunk->used < rounded)
        chunk = add_chunk(arena, rounded);
    void *ptr = chunk->data + chunk->used;
    chunk->used += rounded;
    arena->used_bytes += rounded;
    return memset(ptr, 0, rounded);
}

void *gw_arena_array(struct gw_arena *arena, size_t count, size_t size)
{
    GW_ASSERT(size == 0 || count <= SIZE_MAX / 2 / size);
    return gw_arena_alloc(arena, count * size);
}

struct gw_str gw_arena_copy(struct gw_arena *arena, struct gw_str s)
{
    char *copy = gw_arena_alloc(arena, s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    return gw_str_n(copy, s.len);
}

const char *gw_arena_cstr(struct gw_arena *arena, struct gw_str s)
{
    return gw_arena_copy(arena, s).ptr;
}

struct gw_str gw_arena_lower(struct gw_arena *arena, struct gw_str s)
{
    char *copy = gw_arena_alloc(arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = gw_lower(s.ptr[i]);
    return gw_str_n(copy, s.len);
}

struct gw_str gw_arena_u64(struct gw_arena *arena, uint64_t value)
{
    char room[GW_DIGITS_MAX];
    return gw_arena_copy(arena, gw_digits(value, room));
}

struct gw_str gw_arena_vprintf(struct gw_arena *arena, const char *fmt, va_list args)
{
    char brief[PRINTF_BRIEF_BYTES];
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(brief, sizeof brief, fmt, args);
    GW_ASSERT(len >= 0);
    char *text = gw_arena_alloc(arena, (size_t)len + 1);
    if ((size_t)len < sizeof brief)
        memcpy(text, brief, (size_t)len + 1);
    else
        (void)vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    return gw_str_n(text, (size_t)len);
}

struct gw_str gw_arena_printf(struct gw_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct gw_str s = gw_arena_vprintf(arena, fmt, args);
    va_end(args);
    return s;
}
