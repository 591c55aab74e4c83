/* affinity: which server a session lives on. A session of an app that keeps its sessions in memory is only known to the
 * server that made it, and nothing may be added to what app and browser exchange (law 1), so it is remembered here: a
 * bounded table from a 64-bit hint (a keyed digest of the app's own cookie, made by the face) to a server's id. The
 * eldest gives way. Shared by all loops and processes, without a lock: an entry is written as two words of which one is
 * combined with the other, so that a torn one is seen to be none (docs/decisions/0007). Any thread. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_AFFINITY_BUCKETS 32768u /* a power of two */
#define HTTP_AFFINITY_WAYS 8u
#define HTTP_AFFINITY_MINUTE_MS 60000

/* `value` is the server's id above 16 bits of the minute in which it was last used. */
struct http_affinity_entry {
    _Atomic uint64_t check; /* hint ^ value */
    _Atomic uint64_t value; /* 0: free */
};

/* 4 MiB, of which only what is used takes memory. Zeroed memory is empty; processes may share it. */
struct http_affinity {
    struct http_affinity_entry entries[HTTP_AFFINITY_BUCKETS][HTTP_AFFINITY_WAYS];
};

/* `server` as http_affinity_id gives it. Neither may be 0. */
void http_affinity_put(struct http_affinity *affinity, uint64_t hint, uint64_t server, int64_t now_ms);
/* 0: not known. A use keeps it. */
uint64_t http_affinity_get(struct http_affinity *affinity, uint64_t hint, int64_t now_ms);

/* As much of a server's id as is kept. */
static inline uint64_t http_affinity_id(uint64_t server)
{
    return server & ~(uint64_t)0xffff;
}

/* Where a session goes that nobody remembers: the highest weight wins, the same on every loop and after a restart
 * (rendezvous). */
double http_affinity_draw(uint64_t hint, uint64_t server, unsigned weight);
