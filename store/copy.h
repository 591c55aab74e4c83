/* copy: the data file of a store, as it is at one moment and compact, written to another file while the store is in
 * use, at a pace that those who use it hardly feel: in small chunks, with the disk theirs for half of the time. Private
 * to store/. Blocks. */
#pragma once

#include "store/backup.h"

/* Writes to `fd`, which is open to read and write and is empty, and syncs it. A page of the store that the disk does
 * not give ends the process (store/fault.h): this is for commands. */
GW_MUST_CHECK enum gw_code store_copy(struct store *store, int fd, const struct store_backup_watch *watch,
                                      struct gw_error *err);
