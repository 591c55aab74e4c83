#include "store/copy.h"

#include "gateway/base/clock.h"
#include "store/courtesy.h"
#include "store/env.h"
#include "store/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_BYTES (256u << 10)
#define CHUNK_ALIGN 4096u /* for O_DIRECT */
#define PAUSE_US_MIN 1000

/* LMDB writes a copy by large writes, one after the other, and the syncs of sign-ons would queue behind them. So it
 * writes to a pipe, and a thread takes small chunks from there to the file, with pauses between them. */
struct copying {
    int from;
    int to;
    bool is_paced;
    bool is_direct;
    uint8_t *chunk;
    uint64_t done;
    const struct store_backup_watch *watch;
    int error;
};

static bool fill_chunk(struct copying *copying, size_t *ret_bytes)
{
    size_t bytes = 0;
    ssize_t got = 0;
    do {
        got = read(copying->from, copying->chunk + bytes, CHUNK_BYTES - bytes);
        if (got > 0)
            bytes += (size_t)got;
    } while ((got > 0 && bytes < CHUNK_BYTES) || (got < 0 && errno == EINTR));
    *ret_bytes = bytes;
    return got >= 0;
}

static bool give_up_direct(struct copying *copying)
{
    bool was_direct = copying->is_direct;
    copying->is_direct = false;
    return was_direct && fcntl(copying->to, F_SETFL, 0) == 0;
}

static bool write_chunk(struct copying *copying, size_t bytes)
{
    size_t written = 0;
    while (written < bytes) {
        ssize_t rc = pwrite(copying->to, copying->chunk + written, bytes - written, (off_t)(copying->done + written));
        if (rc == 0)
            errno = EIO; /* nothing, and no reason */
        if (rc > 0)
            written += (size_t)rc;
        /* some file systems say only here that they cannot write past the cache */
        else if (errno != EINTR && !(errno == EINVAL && give_up_direct(copying)))
            return false;
    }
    return true;
}

/* A pause as long as the chunk took that was begun then. */
static void make_way(int64_t begun_us)
{
    int64_t chunk_us = gw_clock_mono_us() - begun_us;
    int64_t pause_us = chunk_us > PAUSE_US_MIN ? chunk_us : PAUSE_US_MIN;
    const struct timespec pause = {.tv_sec = pause_us / 1000000, .tv_nsec = pause_us % 1000000 * 1000};
    (void)nanosleep(&pause, NULL);
}

static void tell(const struct copying *copying, store_progress_fn on_progress, uint64_t done, uint64_t total)
{
    if (on_progress != NULL)
        on_progress(done, total, copying->watch->data);
}

static void *drain(void *data)
{
    struct copying *copying = data;
    size_t bytes = 0;
    bool is_well = fill_chunk(copying, &bytes);
    while (is_well && bytes > 0) {
        int64_t begun_us = gw_clock_mono_us();
        is_well = write_chunk(copying, bytes);
        if (!is_well)
            break;
        copying->done += bytes;
        tell(copying, copying->watch->on_copied, copying->done, copying->watch->expected_bytes);
        if (copying->is_paced)
            make_way(begun_us);
        is_well = fill_chunk(copying, &bytes);
    }
    copying->error = is_well ? 0 : errno;
    (void)close(copying->from); /* LMDB then ends with EPIPE */
    return NULL;
}

static enum gw_code copy_by_pipe(struct store *store, struct copying *copying, struct gw_error *err)
{
    int pipe_fds[2];
    pthread_t drainer;
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return gw_fail(err, GW_E_INTERNAL, "cannot make a pipe: %s", strerror(errno));
    copying->from = pipe_fds[0];
    if (pthread_create(&drainer, NULL, drain, copying) != 0) {
        (void)close(pipe_fds[0]);
        (void)close(pipe_fds[1]);
        return gw_fail(err, GW_E_INTERNAL, "cannot start the thread that writes the copy");
    }
    store_fault_end_with("provgate: the disk does not give a page of the store: nothing was copied\n");
    int rc = mdb_env_copyfd2(store->env, pipe_fds[1], MDB_CP_COMPACT);
    store_fault_end_with(NULL);
    (void)close(pipe_fds[1]);
    (void)pthread_join(drainer, NULL);
    if (copying->error != 0)
        return gw_fail(err, GW_E_STORE_IO, "cannot write: %s", strerror(copying->error));
    return rc == 0 ? GW_OK : store_fail_mdb(err, rc, "copy the store");
}

/* Into the kernel's cache, chunk by chunk: the verification reads far faster than a disk that others use should have to
 * give, and the kernel would read megabytes ahead of it. */
static enum gw_code read_back(struct copying *copying, struct gw_error *err)
{
    (void)give_up_direct(copying);
    (void)posix_fadvise(copying->to, 0, 0, POSIX_FADV_RANDOM);
    for (uint64_t at = 0; at < copying->done;) {
        int64_t begun_us = gw_clock_mono_us();
        ssize_t got = pread(copying->to, copying->chunk, CHUNK_BYTES, (off_t)at);
        if (got <= 0)
            return gw_fail(err, GW_E_STORE_IO, "cannot read: %s", got == 0 ? "it is cut short" : strerror(errno));
        at += (uint64_t)got;
        tell(copying, copying->watch->on_read_back, at, copying->done);
        make_way(begun_us);
    }
    return GW_OK;
}

static enum gw_code copy_and_sync(struct store *store, struct copying *copying, struct gw_error *err)
{
    GW_TRY(copy_by_pipe(store, copying, err));
    if (fsync(copying->to) != 0)
        return gw_fail(err, GW_E_STORE_IO, "cannot sync: %s", strerror(errno));
    return copying->is_paced ? read_back(copying, err) : GW_OK;
}

enum gw_code store_copy(struct store *store, int fd, const struct store_backup_watch *watch, struct gw_error *err)
{
    struct copying copying = {.to = fd, .watch = watch, .is_paced = !store_courtesy_is_alone(store)};
    /* Past the kernel's cache where the file system can: else the syncs of sign-ons would wait for this file too. */
    copying.is_direct = fcntl(fd, F_SETFL, O_DIRECT) == 0;
    copying.chunk = aligned_alloc(CHUNK_ALIGN, CHUNK_BYTES);
    GW_ASSERT(copying.chunk != NULL);
    enum gw_code code = copy_and_sync(store, &copying, err);
    free(copying.chunk);
    return code;
}
