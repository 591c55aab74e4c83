#include "store/files.h"

#include "gateway/base/arena.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE "store.key"
#define DATA_FILE "data.mdb"
#define KEY_FILE_MODE 0600

/* One line each: what it is, epoch, resource id key, session digest key; the last three in hex. */
#define KEY_TITLE "provgate store key 1"
#define KEY_FILE_BYTES_MAX 512u

enum gw_code store_files_path(const char *path, const char *name, char dst[STORE_PATH_BYTES_MAX], struct gw_error *err)
{
    int len = snprintf(dst, STORE_PATH_BYTES_MAX, "%s/%s", path, name);
    if (len < 0 || len >= (int)STORE_PATH_BYTES_MAX)
        return gw_fail(err, GW_E_USAGE, "the path of the store is longer than %u bytes", STORE_PATH_BYTES_MAX);
    return GW_OK;
}

static bool has_file(const char *path, const char *name)
{
    char file[STORE_PATH_BYTES_MAX];
    struct stat info;
    return store_files_path(path, name, file, NULL) == GW_OK && lstat(file, &info) == 0;
}

static enum gw_code missing(const char *path, struct gw_error *err)
{
    if (has_file(path, STORE_WORKSHOP))
        return gw_fail(err, GW_E_NOT_FOUND,
                       "there is no store in %s: provgate init or restore there was interrupted, run it again", path);
    return gw_fail(err, GW_E_NOT_FOUND, "there is no store in %s; make one with: provgate init", path);
}

static enum gw_code check_folder(const char *path, struct gw_error *err)
{
    struct stat info;
    if (lstat(path, &info) != 0) {
        if (errno == ENOENT)
            return missing(path, err);
        return gw_fail(err, GW_E_STORE_IO, "%s: %s", path, strerror(errno));
    }
    if (S_ISLNK(info.st_mode))
        return gw_fail(err, GW_E_STORE_DAMAGED, "%s is a symbolic link; store.path must name the directory itself",
                       path);
    if (!S_ISDIR(info.st_mode))
        return gw_fail(err, GW_E_STORE_DAMAGED, "%s is not a directory", path);
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return gw_fail(err, GW_E_STORE_DAMAGED, "%s may be written by others; chmod go-w it", path);
    if (access(path, R_OK | X_OK) != 0)
        return gw_fail(err, GW_E_STORE_IO, "%s: %s; run this as the user whose folder it is", path, strerror(errno));
    return GW_OK;
}

static enum gw_code check_file(const char *path, const char *name, mode_t forbidden, struct gw_error *err)
{
    char file[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(path, name, file, err));
    struct stat info;
    if (lstat(file, &info) != 0)
        return gw_fail(err, GW_E_STORE_DAMAGED, "%s: %s", file, strerror(errno));
    if (S_ISLNK(info.st_mode))
        return gw_fail(err, GW_E_STORE_DAMAGED, "%s is a symbolic link", file);
    if (!S_ISREG(info.st_mode))
        return gw_fail(err, GW_E_STORE_DAMAGED, "%s is not a regular file", file);
    if (geteuid() != 0 && info.st_uid != geteuid())
        return gw_fail(err, GW_E_STORE_DAMAGED, "%s belongs to another user", file);
    if ((info.st_mode & forbidden) != 0)
        return gw_fail(err, GW_E_STORE_DAMAGED, "%s has mode %03o, which lets others in; chmod 600 it", file,
                       (unsigned)(info.st_mode & 0777));
    return GW_OK;
}

bool store_files_is_half_moved(const char *path)
{
    return has_file(path, STORE_WORKSHOP "/" DATA_FILE) && !has_file(path, STORE_WORKSHOP "/" KEY_FILE) &&
           !has_file(path, DATA_FILE);
}

enum gw_code store_files_check(const char *path, struct gw_error *err)
{
    GW_TRY(check_folder(path, err));
    if (!has_file(path, DATA_FILE) && (!has_file(path, KEY_FILE) || store_files_is_half_moved(path)))
        return missing(path, err);
    GW_TRY(check_file(path, DATA_FILE, S_IWGRP | S_IWOTH | S_IROTH, err));
    return check_file(path, KEY_FILE, S_IRWXG | S_IRWXO, err);
}

/* What an interrupted start left; and the folder that ext4 makes at the top of each file system, for a store that has
 * one of its own. */
static bool is_nobodys(const char *path, const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lost+found") == 0 ||
           strcmp(name, STORE_WORKSHOP) == 0 || (strcmp(name, KEY_FILE) == 0 && store_files_is_half_moved(path));
}

static enum gw_code check_empty(const char *path, struct gw_error *err)
{
    if (has_file(path, DATA_FILE))
        return gw_fail(err, GW_E_CONFLICT, "there is a store in %s already", path);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return gw_fail(err, GW_E_STORE_IO, "%s: %s", path, strerror(errno));
    const struct dirent *entry;
    enum gw_code code = GW_OK;
    while (code == GW_OK && (entry = readdir(folder)) != NULL) {
        if (!is_nobodys(path, entry->d_name))
            code = gw_fail(err, GW_E_CONFLICT, "%s is not empty: it holds %s", path, entry->d_name);
    }
    (void)closedir(folder);
    return code;
}

enum gw_code store_files_make_folder(const char *path, struct gw_error *err)
{
    if (mkdir(path, 0700) == 0)
        return GW_OK;
    if (errno != EEXIST)
        return gw_fail(err, GW_E_STORE_IO, "cannot make %s: %s", path, strerror(errno));
    GW_TRY(check_folder(path, err));
    return check_empty(path, err);
}

enum gw_code store_files_sync_folder(const char *path, struct gw_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    int reason = errno;
    if (fd >= 0)
        (void)close(fd);
    return synced ? GW_OK : gw_fail(err, GW_E_STORE_IO, "cannot sync %s: %s", path, strerror(reason));
}

bool store_files_give(const char *folder, int fd)
{
    struct stat owner;
    struct stat file;
    if (geteuid() != 0)
        return true;
    if (stat(folder, &owner) != 0 || fstat(fd, &file) != 0)
        return false;
    if (file.st_uid == owner.st_uid || file.st_nlink != 1) /* a second name may be that of somebody else's file */
        return true;
    return fchown(fd, owner.st_uid, owner.st_gid) == 0;
}

void store_files_remove(const char *path)
{
    static const char *const names[] = {DATA_FILE,   "lock.mdb",  KEY_FILE,     "sso.lock",
                                        "prov.lock", "tool.lock", "import.lock"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char file[STORE_PATH_BYTES_MAX];
        if (store_files_path(path, names[i], file, NULL) == GW_OK)
            (void)unlink(file);
    }
}

static enum gw_code write_key(const char *file, struct gw_str text, struct gw_error *err)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, KEY_FILE_MODE);
    if (fd < 0)
        return gw_fail(err, GW_E_STORE_IO, "cannot make %s: %s", file, strerror(errno));
    /* whatever the umask says, the owner can read it */
    bool written =
        fchmod(fd, KEY_FILE_MODE) == 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    int reason = errno;
    (void)close(fd);
    return written ? GW_OK : gw_fail(err, GW_E_STORE_IO, "cannot write %s: %s", file, strerror(reason));
}

enum gw_code store_keys_write(const char *path, const struct store_keys *keys, struct gw_error *err)
{
    char file[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(path, KEY_FILE, file, err));
    GW_ARENA_SCOPED(arena);
    struct gw_str text = gw_arena_printf(&arena, "%s\n%.*s\n%.*s\n%.*s\n", KEY_TITLE,
                                         GW_STR_ARG(gw_hex(&arena, keys->epoch, sizeof keys->epoch)),
                                         GW_STR_ARG(gw_hex(&arena, keys->ident, sizeof keys->ident)),
                                         GW_STR_ARG(gw_hex(&arena, keys->session, sizeof keys->session)));
    return write_key(file, text, err);
}

enum gw_code store_keys_make(const char *path, struct store_keys *ret_keys, struct gw_error *err)
{
    gw_random_bytes(ret_keys, sizeof *ret_keys);
    return store_keys_write(path, ret_keys, err);
}

static enum gw_code read_key(const char *file, char *dst, size_t *ret_len, struct gw_error *err)
{
    int fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return gw_fail(err, GW_E_STORE_IO, "cannot read %s: %s", file, strerror(errno));
    ssize_t len = read(fd, dst, KEY_FILE_BYTES_MAX);
    int reason = errno;
    (void)close(fd);
    if (len < 0)
        return gw_fail(err, GW_E_STORE_IO, "cannot read %s: %s", file, strerror(reason));
    *ret_len = (size_t)len;
    return GW_OK;
}

static bool parse_keys(struct gw_str text, struct store_keys *ret_keys)
{
    struct gw_str rest = text;
    return gw_str_eq(gw_str_split(&rest, '\n'), GW_STR(KEY_TITLE)) &&
           gw_hex_decode(gw_str_split(&rest, '\n'), ret_keys->epoch, sizeof ret_keys->epoch) &&
           gw_hex_decode(gw_str_split(&rest, '\n'), ret_keys->ident, sizeof ret_keys->ident) &&
           gw_hex_decode(gw_str_split(&rest, '\n'), ret_keys->session, sizeof ret_keys->session) && rest.len == 0;
}

enum gw_code store_keys_read(const char *path, struct store_keys *ret_keys, struct gw_error *err)
{
    char file[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(path, KEY_FILE, file, err));
    char text[KEY_FILE_BYTES_MAX];
    size_t len = 0;
    GW_TRY(read_key(file, text, &len, err));
    bool is_key = parse_keys(gw_str_n(text, len), ret_keys);
    gw_secret_wipe(text, sizeof text);
    return is_key ? GW_OK : gw_fail(err, GW_E_STORE_DAMAGED, "%s is not a key file of a store", file);
}
