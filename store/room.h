/* room: how much of the map and of the disk is left, and what it is for (semantics.md 1: creates end first,
 * deactivations still fit). Pages that an open reader still sees are not room. Private to store/.
 *
 * A reserve has a fixed part, for the pages that commits hold until they may be used again, and one that grows with the
 * data: what the store grows by while everybody in it is deactivated and deleted, in any order. A deactivation adds an
 * entry of 34 bytes to "due" and moves one of "modified", whose old pages go only when they are nearly empty; both may
 * lie in pages split in half: STORE_RESERVE_USER_BYTES. A deletion takes an entry out of "index" for each name and
 * makes two of 44 bytes in "blind", in pages two thirds full, before the old pages go: STORE_RESERVE_NAME_BYTES.
 * Activity and revocations give up their oldest entries instead. tests/unit/store/test_full.c measures it: 52 of 136
 * bytes for a deactivation, 140 of 264 for a deletion of somebody with two names. */
#pragma once

#include "store/env.h"

/* Kept of max_size, but at least so many bytes, so that small stores can commit at all; never more than a quarter and
 * an eighth of it. */
#define STORE_RESERVE_PERCENT 5u /* without it no new users */
#define STORE_RESERVE_BYTES_MIN (2ull << 20)
#define STORE_RESERVE_LAST_PERCENT 2u /* for deactivations, deletes, locks and ended sessions alone */
#define STORE_RESERVE_LAST_BYTES_MIN (1ull << 20)
/* Of each reserve, besides: for each user whose retention does not run yet, and for each entry of the index. */
#define STORE_RESERVE_USER_BYTES 136u
#define STORE_RESERVE_NAME_BYTES 64u
/* Kept of the disk: others write there too, so these are no promise. */
#define STORE_RESERVE_DISK_BYTES (8ull << 20)
#define STORE_RESERVE_DISK_LAST_BYTES (4ull << 20)

enum store_room { STORE_ROOM_PLENTY, STORE_ROOM_RESERVE, STORE_ROOM_LAST };

struct store_room_found {
    enum store_room room;
    uint64_t spare_bytes; /* that may be written before it is less */
};

/* Less is left of the disk than the reserve for deactivations. */
bool store_room_is_disk_full(const struct store *store);

/* `view` is the writer's, before its first write. */
GW_MUST_CHECK enum gw_code store_room_find(struct store_view *view, struct store_room_found *ret_found,
                                           struct gw_error *err);
