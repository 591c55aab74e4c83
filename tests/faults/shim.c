/* shim: preloaded into provgate or into tool.c, it stands between LMDB and the disk (security.md H2, H3, H6, H7). Only
 * calls on files named data.mdb are looked at.
 *   FAULTS_CONTROL  a file of one page that holds struct control: the test says in it what the next calls do
 *   FAULTS_LOG      every write and every sync is recorded in it, in order, so that a power loss can be played
 * Without them every call passes. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CONTROL_BYTES 4096
#define NAME "/data.mdb"
#define LINK_BYTES 4096
#define PARTS_MAX 64
#define RECORD_BYTES_MAX (4u << 20)

enum mode {
    MODE_PASS,
    MODE_ERROR,         /* nothing is done */
    MODE_SHORT,         /* half of a write is done */
    MODE_DELAY,         /* it is done, later */
    MODE_DONE_AND_ERROR /* it is done, and called an error */
};
enum op { OP_WRITE = 1, OP_SYNC = 2 };
enum role { ROLE_ANY, ROLE_SSO, ROLE_PROV };
enum lie { LIE_SYNC = 1, LIE_META = 2 }; /* what says that it is on disk, and is not: MDB_NOSYNC, MDB_NOMETASYNC */

/* Little-endian words; tests/system/support/faults.py writes them. */
struct control {
    _Atomic uint32_t mode;
    uint32_t ops;
    uint32_t role; /* of the process; others pass */
    int32_t error;
    _Atomic int32_t before; /* so many calls pass first */
    uint32_t is_for_ever;   /* else one call fails */
    uint32_t delay_ms;
    _Atomic uint32_t hits;
    _Atomic uint32_t calls;
    uint32_t lie;
};

static struct control idle;
static struct control *control = &idle;
static enum role own_role;
static int log_fd = -1;

int fdatasync(int fd);
int fsync(int fd);
int ftruncate(int fd, off_t size);
ssize_t write(int fd, const void *data, size_t size);
ssize_t writev(int fd, const struct iovec *parts, int count);
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset);

static void *real(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL)
        abort();
    return function;
}

#define REAL(name)                                                                                                     \
    static __typeof__(&name) name##_real = NULL;                                                                       \
    if (name##_real == NULL)                                                                                           \
    *(void **)&name##_real = real(#name)

static enum role find_role(void)
{
    static char line[4096];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, line, sizeof line - 1) : 0;
    if (fd >= 0)
        (void)close(fd);
    for (ssize_t i = 0; i < len; i += (ssize_t)strlen(line + i) + 1) {
        if (strcmp(line + i, "sso") == 0)
            return ROLE_SSO;
        if (strcmp(line + i, "prov") == 0)
            return ROLE_PROV;
    }
    return ROLE_ANY;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTS_CONTROL");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *page = mmap(NULL, CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        control = page != MAP_FAILED ? page : &idle;
        (void)close(fd);
    }
    path = getenv("FAULTS_LOG");
    log_fd = path != NULL ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    own_role = find_role();
}

static bool is_store(int fd)
{
    char link[32] = "/proc/self/fd/";
    char path[LINK_BYTES];
    struct stat info;
    int kept = errno;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        errno = kept;
        return false;
    }
    size_t at = strlen(link);
    for (int rest = fd, scale = 1000000; scale > 0; rest %= scale, scale /= 10) {
        if (fd >= scale || scale == 1)
            link[at++] = (char)('0' + rest / scale);
    }
    ssize_t len = readlink(link, path, sizeof path);
    errno = kept;
    return len >= (ssize_t)strlen(NAME) && memcmp(path + len - strlen(NAME), NAME, strlen(NAME)) == 0;
}

static void sleep_ms(uint32_t ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&time, NULL);
}

/* What this call is to do. */
static enum mode strike(enum op op)
{
    enum mode mode = (enum mode)atomic_load(&control->mode);
    if (mode == MODE_PASS || (control->ops & op) == 0 ||
        (control->role != ROLE_ANY && control->role != (uint32_t)own_role))
        return MODE_PASS;
    (void)atomic_fetch_add(&control->calls, 1);
    int32_t before = atomic_fetch_sub(&control->before, 1);
    if (before > 0 || (before < 0 && control->is_for_ever == 0))
        return MODE_PASS;
    (void)atomic_fetch_add(&control->hits, 1);
    errno = control->error;
    return mode;
}

/* ---- the record ---- */

struct record {
    char kind; /* W a write, D one through a descriptor that syncs each write, S a sync, T a new size */
    char pad[3];
    uint32_t bytes;
    uint64_t offset;
};

static void record(char kind, uint64_t offset, const void *data, size_t bytes)
{
    static ssize_t (*append)(int, const struct iovec *, int);
    if (log_fd < 0)
        return;
    if (append == NULL)
        *(void **)&append = real("writev");
    struct record head = {.kind = kind, .bytes = (uint32_t)bytes, .offset = offset};
    char *copy = malloc(bytes + 1);
    if (copy == NULL || bytes > RECORD_BYTES_MAX)
        abort();
    if (bytes > 0)
        memcpy(copy, data, bytes);
    const struct iovec parts[2] = {{&head, sizeof head}, {copy, bytes}};
    if (append(log_fd, parts, 2) != (ssize_t)(sizeof head + bytes))
        abort();
    free(copy);
}

static void record_write(int fd, uint64_t offset, const void *data, ssize_t done)
{
    int kept = errno;
    bool syncs = (fcntl(fd, F_GETFL) & O_DSYNC) != 0 && (control->lie & LIE_META) == 0;
    if (done > 0)
        record(syncs ? 'D' : 'W', offset, data, (size_t)done);
    errno = kept;
}

/* ---- the calls ---- */

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    REAL(pwrite);
    if (!is_store(fd))
        return pwrite_real(fd, data, size, offset);
    enum mode mode = strike(OP_WRITE);
    int error = errno;
    if (mode == MODE_ERROR)
        return -1;
    if (mode == MODE_DELAY)
        sleep_ms(control->delay_ms);
    ssize_t done = pwrite_real(fd, data, mode == MODE_SHORT ? size / 2 : size, offset);
    record_write(fd, (uint64_t)offset, data, done);
    if (mode != MODE_DONE_AND_ERROR)
        return done;
    errno = error;
    return -1;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    return pwrite(fd, data, size, offset);
}

/* Of several parts at the place where the descriptor stands: one write, as LMDB means it. */
ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(writev);
    if (!is_store(fd))
        return writev_real(fd, parts, count);
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    char *data = malloc(size + 1);
    if (data == NULL)
        abort();
    size_t at = 0;
    for (int i = 0; i < count; at += parts[i++].iov_len)
        memcpy(data + at, parts[i].iov_base, parts[i].iov_len);
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t done = pwrite(fd, data, size, offset);
    int kept = errno;
    if (done > 0)
        (void)lseek(fd, offset + done, SEEK_SET);
    free(data);
    errno = kept;
    return done;
}

ssize_t write(int fd, const void *data, size_t size)
{
    REAL(write);
    if (!is_store(fd))
        return write_real(fd, data, size);
    const struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
    return writev(fd, &part, 1);
}

int ftruncate(int fd, off_t size)
{
    REAL(ftruncate);
    if (!is_store(fd))
        return ftruncate_real(fd, size);
    if (strike(OP_WRITE) == MODE_ERROR)
        return -1;
    int rc = ftruncate_real(fd, size);
    if (rc == 0)
        record('T', (uint64_t)size, NULL, 0);
    return rc;
}

static int sync_file(int fd, int (*sync)(int))
{
    enum mode mode = strike(OP_SYNC);
    int error = errno;
    if (mode == MODE_ERROR)
        return -1;
    if (mode == MODE_DELAY)
        sleep_ms(control->delay_ms);
    if ((control->lie & LIE_SYNC) != 0)
        return 0;
    int rc = sync(fd);
    if (rc == 0)
        record('S', 0, NULL, 0);
    if (mode != MODE_DONE_AND_ERROR)
        return rc;
    errno = error;
    return -1;
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    return is_store(fd) ? sync_file(fd, fdatasync_real) : fdatasync_real(fd);
}

int fsync(int fd)
{
    REAL(fsync);
    return is_store(fd) ? sync_file(fd, fsync_real) : fsync_real(fd);
}
