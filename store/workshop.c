#include "store/workshop.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE "store.key"
#define DATA_FILE "data.mdb"

enum gw_code store_workshop_enter(const char *path, int *ret_lock_fd, bool *ret_is_new, struct gw_error *err)
{
    *ret_is_new = access(path, F_OK) != 0;
    GW_TRY(store_files_make_folder(path, err));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return gw_fail(err, GW_E_STORE_IO, "%s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)close(fd);
        return gw_fail(err, GW_E_STORE_LOCKED, "a store is being made in %s already", path);
    }
    /* again, for what another one made before the lock was ours */
    enum gw_code code = store_files_make_folder(path, err);
    if (code != GW_OK) {
        (void)close(fd);
        return code;
    }
    *ret_lock_fd = fd;
    return GW_OK;
}

void store_workshop_leave(int lock_fd)
{
    (void)close(lock_fd);
}

enum gw_code store_workshop_make(const char *path, char dst[STORE_PATH_BYTES_MAX], struct gw_error *err)
{
    GW_TRY(store_files_path(path, STORE_WORKSHOP, dst, err));
    store_workshop_remove(path);
    if (mkdir(dst, 0700) != 0)
        return gw_fail(err, GW_E_STORE_IO, "cannot make %s: %s", dst, strerror(errno));
    return GW_OK;
}

static enum gw_code move(const char *from, const char *to, const char *name, struct gw_error *err)
{
    char old_file[STORE_PATH_BYTES_MAX];
    char new_file[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(from, name, old_file, err));
    GW_TRY(store_files_path(to, name, new_file, err));
    int fd = open(old_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool is_given = fd >= 0 && store_files_give(to, fd);
    int reason = errno;
    if (fd >= 0)
        (void)close(fd);
    if (!is_given)
        return gw_fail(err, GW_E_STORE_IO, "cannot give %s to its owner: %s", old_file, strerror(reason));
    if (rename(old_file, new_file) != 0)
        return gw_fail(err, GW_E_STORE_IO, "cannot move %s: %s", old_file, strerror(errno));
    return GW_OK;
}

/* The directory itself may be new. */
static enum gw_code sync_parent(const char *path, struct gw_error *err)
{
    char copy[STORE_PATH_BYTES_MAX];
    int len = snprintf(copy, sizeof copy, "%s", path);
    GW_ASSERT(len > 0 && (size_t)len < sizeof copy);
    return store_files_sync_folder(dirname(copy), err);
}

enum gw_code store_workshop_move(const char *path, struct gw_error *err)
{
    char workshop[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(path, STORE_WORKSHOP, workshop, err));
    GW_TRY(move(workshop, path, KEY_FILE, err));
    GW_TRY(store_files_sync_folder(path, err));
    GW_TRY(move(workshop, path, DATA_FILE, err));
    GW_TRY(store_files_sync_folder(path, err));
    store_files_remove(workshop);
    (void)rmdir(workshop);
    return sync_parent(path, err);
}

void store_workshop_remove(const char *path)
{
    char workshop[STORE_PATH_BYTES_MAX];
    char key[STORE_PATH_BYTES_MAX];
    if (store_files_path(path, STORE_WORKSHOP, workshop, NULL) != GW_OK ||
        store_files_path(path, KEY_FILE, key, NULL) != GW_OK)
        return;
    /* the key first: without the workshop it would look like somebody's */
    if (store_files_is_half_moved(path))
        (void)unlink(key);
    store_files_remove(workshop);
    (void)rmdir(workshop);
}
