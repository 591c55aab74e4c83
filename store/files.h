/* files: the store's directory, and its key file. Private to store/. Refuses symbolic links, anything that is not a
 * regular file where one belongs, and a key file that others may read (security.md H9). */
#pragma once

#include "gateway/base/digest.h"
#include "gateway/base/result.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_EPOCH_BYTES 16u
#define STORE_PATH_BYTES_MAX 1024u

/* Names the store: also in the sentinel, so that a key file of another store is refused. */
struct store_keys {
    uint8_t epoch[STORE_EPOCH_BYTES];
    uint8_t ident[GW_KEY_BYTES];
    uint8_t session[GW_KEY_BYTES];
};

/* "path/name" into `dst`; GW_E_USAGE when it is too long. */
GW_MUST_CHECK enum gw_code store_files_path(const char *path, const char *name, char dst[STORE_PATH_BYTES_MAX],
                                            struct gw_error *err);

/* The directory and the files in it are what they should be. Changes nothing. */
GW_MUST_CHECK enum gw_code store_files_check(const char *path, struct gw_error *err);

/* Where a new store is made, inside its directory: store/workshop.h. */
#define STORE_WORKSHOP ".provgate-init"

/* An interrupted create left the key in place, and the data that belongs to it in the workshop. */
bool store_files_is_half_moved(const char *path);

/* Makes the directory, or accepts one that is empty but for what an interrupted create left. */
GW_MUST_CHECK enum gw_code store_files_make_folder(const char *path, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_files_sync_folder(const char *path, struct gw_error *err);
/* `fd` is a file in a store's `folder`: when root has made it, it becomes that of the folder's owner, who runs the
 * service. False with errno: it could not be given. */
bool store_files_give(const char *folder, int fd);
/* Takes away what a failed create left. */
void store_files_remove(const char *path);

GW_MUST_CHECK enum gw_code store_keys_make(const char *path, struct store_keys *ret_keys, struct gw_error *err);
/* The same keys for another folder: a key file is part of a copy. */
GW_MUST_CHECK enum gw_code store_keys_write(const char *path, const struct store_keys *keys, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_keys_read(const char *path, struct store_keys *ret_keys, struct gw_error *err);
