#include "store/role.h"

#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const role_names[] = {
    [STORE_ROLE_SSO] = "sso", [STORE_ROLE_PROV] = "prov", [STORE_ROLE_TOOL] = "tool", [STORE_ROLE_IMPORT] = "import"};

#define PID_TEXT_BYTES 16

static long read_holder(int fd)
{
    char text[PID_TEXT_BYTES] = "";
    ssize_t len = pread(fd, text, sizeof text - 1, 0);
    return len > 0 ? strtol(text, NULL, 10) : 0;
}

/* For people only; the lock is what counts. */
static void write_holder(int fd)
{
    char text[PID_TEXT_BYTES];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len)
        return;
}

enum gw_code store_role_take(const char *path, enum store_role role, int *ret_fd, struct gw_error *err)
{
    char name[32];
    char file[STORE_PATH_BYTES_MAX];
    (void)snprintf(name, sizeof name, "%s.lock", role_names[role]);
    GW_TRY(store_files_path(path, name, file, err));
    int fd = open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return gw_fail(err, GW_E_STORE_IO, "cannot open %s: %s", file, strerror(errno));
    (void)store_files_give(path, fd); /* the lock is what counts */
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        write_holder(fd);
        *ret_fd = fd;
        return GW_OK;
    }
    int reason = errno;
    long holder = read_holder(fd);
    (void)close(fd);
    if (reason != EWOULDBLOCK)
        return gw_fail(err, GW_E_STORE_IO, "cannot lock %s: %s", file, strerror(reason));
    return gw_fail(err, GW_E_STORE_LOCKED, "the store in %s has a writer for %s already: process %ld", path,
                   role_names[role], holder);
}

enum gw_code store_role_hold(const char *path, enum store_role role, int *ret_fd, struct gw_error *err)
{
    char file[STORE_PATH_BYTES_MAX];
    *ret_fd = -1;
    if (store_files_path(path, "data.mdb", file, err) != GW_OK || access(file, F_OK) != 0)
        return GW_OK;
    enum gw_code code = store_role_take(path, role, ret_fd, err);
    return code == GW_E_STORE_LOCKED ? code : GW_OK;
}
