/* room: how much of the map and of the disk is left, and what it is for (semantics.md 1: creates end first,
 * deactivations still fit). Pages that an open reader still sees are not room. Private to store/. */
#pragma once

#include "store/env.h"

/* Kept of max_size, but at least so many bytes, so that small stores can commit at all; never more than a quarter and
 * an eighth of it. */
#define STORE_RESERVE_PERCENT 5u /* without it no new users */
#define STORE_RESERVE_BYTES_MIN (2ull << 20)
#define STORE_RESERVE_LAST_PERCENT 2u /* for deactivations, deletes, locks and ended sessions alone */
#define STORE_RESERVE_LAST_BYTES_MIN (1ull << 20)
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

/* `txn` is the writer's, before its first write. */
GW_MUST_CHECK enum gw_code store_room_find(struct store *store, MDB_txn *txn, struct store_room_found *ret_found,
                                           struct gw_error *err);
