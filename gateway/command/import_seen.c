#include "gateway/command/import_seen.h"

#include "gateway/base/arena.h"
#include "gateway/base/digest.h"

#include <stdlib.h>

#define CAPACITY_FIRST 1024u

struct import_seen_entry {
    uint64_t digest;
    uint64_t line; /* 0: free */
};

void import_seen_done(struct import_seen *seen)
{
    free(seen->entries);
    *seen = (struct import_seen){.entries = NULL};
}

static struct import_seen_entry *find(const struct import_seen *seen, uint64_t digest)
{
    size_t at = (size_t)digest & (seen->capacity - 1);
    while (seen->entries[at].line != 0 && seen->entries[at].digest != digest)
        at = (at + 1) & (seen->capacity - 1);
    return &seen->entries[at];
}

static void grow(struct import_seen *seen)
{
    struct import_seen larger = {.capacity = seen->capacity > 0 ? 2 * seen->capacity : CAPACITY_FIRST,
                                 .count = seen->count};
    larger.entries = gw_alloc(larger.capacity * sizeof *larger.entries);
    for (size_t i = 0; i < seen->capacity; i++) {
        if (seen->entries[i].line != 0)
            *find(&larger, seen->entries[i].digest) = seen->entries[i];
    }
    free(seen->entries);
    *seen = larger;
}

uint64_t import_seen_add(struct import_seen *seen, char space, struct gw_str name, uint64_t line)
{
    GW_ARENA_SCOPED(arena);
    struct gw_sha256 whole = gw_sha256(gw_arena_printf(&arena, "%c%.*s", space, GW_STR_ARG(name)));
    uint64_t digest = 0;
    memcpy(&digest, whole.bytes, sizeof digest);
    if (2 * (seen->count + 1) > seen->capacity)
        grow(seen);
    struct import_seen_entry *entry = find(seen, digest);
    if (entry->line != 0)
        return entry->line;
    *entry = (struct import_seen_entry){digest, line};
    seen->count++;
    return 0;
}
