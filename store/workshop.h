/* workshop: the folder inside a store's directory in which a new store or a copy is made, before its files are moved
 * into place. What was interrupted leaves it behind: it is known as such by its name, is no store, and is cleared away
 * by the next one. Private to store/. */
#pragma once

#include "store/files.h"

/* Makes the directory, or accepts one that is empty but for what an interrupted create left, and locks it: a second
 * create at the same time is refused. */
GW_MUST_CHECK enum gw_code store_workshop_enter(const char *path, int *ret_lock_fd, bool *ret_is_new,
                                                struct gw_error *err);
void store_workshop_leave(int lock_fd);

/* An empty workshop; its path in `dst`. */
GW_MUST_CHECK enum gw_code store_workshop_make(const char *path, char dst[STORE_PATH_BYTES_MAX], struct gw_error *err);
/* Moves the files into place, data.mdb last, and ends the workshop. */
GW_MUST_CHECK enum gw_code store_workshop_move(const char *path, struct gw_error *err);
/* Takes away the workshop and what it made; never a data.mdb that is in place. */
void store_workshop_remove(const char *path);
