#include "gateway/base/line_file.h"

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct lines {
    char *bytes; /* GW_LINE_FILE_BUFFER_BYTES */
    size_t len;
    uint64_t count;
};

struct gw_line_file {
    char *path;
    pthread_t thread;
    pthread_mutex_t mutex; /* held to copy a line or to swap the buffers, never while writing */
    pthread_cond_t stirred;
    struct lines filling;
    struct lines writing; /* the thread's */
    uint64_t dropped;
    bool is_ending;
    bool has_failed; /* the thread's: said once in the log */
    int fd;
};

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

static void say_failed(struct gw_line_file *file, const char *what)
{
    if (!file->has_failed)
        gw_log(GW_LOG_ERROR, "line-file", "file=%s what=%s reason=\"%s\"", file->path, what, strerror(errno));
    file->has_failed = true;
}

/* Is the name still that of the open file? Else it was rotated away. */
static void look(struct gw_line_file *file)
{
    struct stat named, opened;
    bool is_same = file->fd >= 0 && stat(file->path, &named) == 0 && fstat(file->fd, &opened) == 0 &&
                   named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
    if (is_same)
        return;
    int fd = open_file(file->path);
    if (fd < 0) {
        say_failed(file, "open");
        return; /* goes on with the old one */
    }
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = fd;
    file->has_failed = false;
}

static bool write_all(struct gw_line_file *file, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = file->fd >= 0 ? write(file->fd, data, size) : -1;
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        data += written;
        size -= (size_t)written;
    }
    return true;
}

static void write_taken(struct gw_line_file *file)
{
    bool is_written = write_all(file, file->writing.bytes, file->writing.len);
    if (is_written) {
        file->has_failed = false;
    } else {
        say_failed(file, "write");
        (void)pthread_mutex_lock(&file->mutex);
        file->dropped += file->writing.count;
        (void)pthread_mutex_unlock(&file->mutex);
    }
    file->writing.len = 0;
    file->writing.count = 0;
}

/* Waits for the next flush, or until half of the buffer is full. With the mutex held. */
static void wait_for_lines(struct gw_line_file *file)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += GW_LINE_FILE_FLUSH_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    int status = 0;
    while (!file->is_ending && file->filling.len < GW_LINE_FILE_BUFFER_BYTES / 2 && status == 0)
        status = pthread_cond_timedwait(&file->stirred, &file->mutex, &until);
}

static void *run(void *data)
{
    struct gw_line_file *file = data;
    int64_t looked_ms = gw_clock_mono_ms();
    bool is_ending = false;
    while (!is_ending) {
        (void)pthread_mutex_lock(&file->mutex);
        wait_for_lines(file);
        is_ending = file->is_ending;
        struct lines full = file->filling;
        file->filling = file->writing;
        file->writing = full;
        (void)pthread_mutex_unlock(&file->mutex);
        if (gw_clock_mono_ms() - looked_ms >= GW_LINE_FILE_LOOK_MS) {
            look(file);
            looked_ms = gw_clock_mono_ms();
        }
        write_taken(file);
    }
    return NULL;
}

static void start_thread(struct gw_line_file *file)
{
    pthread_condattr_t attributes;
    sigset_t all, before;
    (void)pthread_mutex_init(&file->mutex, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&file->stirred, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&file->thread, NULL, run, file);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    GW_ASSERT(status == 0);
}

enum gw_code gw_line_file_new(const char *path, struct gw_line_file **ret_file, struct gw_error *err)
{
    int fd = open_file(path);
    if (fd < 0)
        return gw_fail(err, GW_E_CONFIG, "%s cannot be written: %s", path, strerror(errno));
    struct gw_line_file *file = gw_alloc(sizeof *file);
    file->path = gw_strdup(path);
    file->fd = fd;
    file->filling.bytes = gw_alloc(GW_LINE_FILE_BUFFER_BYTES);
    file->writing.bytes = gw_alloc(GW_LINE_FILE_BUFFER_BYTES);
    start_thread(file);
    *ret_file = file;
    return GW_OK;
}

void gw_line_file_free(struct gw_line_file *file)
{
    if (file == NULL)
        return;
    (void)pthread_mutex_lock(&file->mutex);
    file->is_ending = true;
    (void)pthread_cond_signal(&file->stirred);
    (void)pthread_mutex_unlock(&file->mutex);
    (void)pthread_join(file->thread, NULL);
    if (file->fd >= 0)
        (void)close(file->fd);
    (void)pthread_cond_destroy(&file->stirred);
    (void)pthread_mutex_destroy(&file->mutex);
    free(file->filling.bytes);
    free(file->writing.bytes);
    free(file->path);
    free(file);
}

bool gw_line_file_add(struct gw_line_file *file, struct gw_str line)
{
    (void)pthread_mutex_lock(&file->mutex);
    struct lines *lines = &file->filling;
    bool has_room = line.len <= GW_LINE_FILE_LINE_BYTES_MAX && lines->len + line.len <= GW_LINE_FILE_BUFFER_BYTES;
    if (has_room) {
        bool was_below = lines->len < GW_LINE_FILE_BUFFER_BYTES / 2;
        memcpy(lines->bytes + lines->len, line.ptr, line.len);
        lines->len += line.len;
        lines->count++;
        if (was_below && lines->len >= GW_LINE_FILE_BUFFER_BYTES / 2)
            (void)pthread_cond_signal(&file->stirred);
    } else {
        file->dropped++;
    }
    (void)pthread_mutex_unlock(&file->mutex);
    return has_room;
}

uint64_t gw_line_file_dropped(struct gw_line_file *file)
{
    (void)pthread_mutex_lock(&file->mutex);
    uint64_t dropped = file->dropped;
    (void)pthread_mutex_unlock(&file->mutex);
    return dropped;
}
