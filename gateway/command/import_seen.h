/* import_seen: which names a file had already, and in which line; 16 bytes a name. */
#pragma once

#include "gateway/base/str.h"

#include <stdint.h>

struct import_seen {
    struct import_seen_entry *entries;
    size_t capacity; /* a power of two */
    size_t count;
};

void import_seen_done(struct import_seen *seen);
/* Notes the name; the line in which it was noted before, or 0. `space` keeps names of different kinds apart. */
uint64_t import_seen_add(struct import_seen *seen, char space, struct gw_str name, uint64_t line);
