#include "gateway/base/log.h"

#include "gateway/base/clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *log_process = "provgate";
static enum gw_log_level log_level = GW_LOG_INFO;

/* All guarded by the mutex, which nobody holds while writing. */
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t log_filled = PTHREAD_COND_INITIALIZER;
static pthread_cond_t log_emptied = PTHREAD_COND_INITIALIZER;
static int64_t log_second;
static unsigned log_lines;
static unsigned log_dropped;
static bool has_thread;
static bool is_writing;
static char log_buffer[GW_LOG_BUFFER_BYTES];
static size_t log_buffered;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void gw_log_init(const char *process, enum gw_log_level level)
{
    log_process = process;
    log_level = level;
}

static void write_all(const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDERR_FILENO, data, size);
        if (written <= 0)
            return; /* the reader is gone: there is nobody to tell */
        data += written;
        size -= (size_t)written;
    }
}

static void *run_writer(void *unused)
{
    static char taken[GW_LOG_BUFFER_BYTES];
    (void)unused;
    for (;;) {
        (void)pthread_mutex_lock(&log_mutex);
        is_writing = false;
        (void)pthread_cond_broadcast(&log_emptied);
        while (log_buffered == 0)
            (void)pthread_cond_wait(&log_filled, &log_mutex);
        size_t size = log_buffered;
        memcpy(taken, log_buffer, size);
        log_buffered = 0;
        is_writing = true;
        (void)pthread_mutex_unlock(&log_mutex);
        write_all(taken, size);
    }
    return NULL;
}

void gw_log_flush(void)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_nsec += GW_LOG_STOP_MS * 1000000L;
    deadline.tv_sec += deadline.tv_nsec / 1000000000L;
    deadline.tv_nsec %= 1000000000L;
    (void)pthread_mutex_lock(&log_mutex);
    int status = 0;
    while ((log_buffered > 0 || is_writing) && status == 0)
        status = pthread_cond_timedwait(&log_emptied, &log_mutex, &deadline);
    (void)pthread_mutex_unlock(&log_mutex);
}

void gw_log_start(void)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int status = pthread_create(&thread, NULL, run_writer, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    GW_ASSERT(status == 0);
    (void)pthread_detach(thread);
    (void)pthread_mutex_lock(&log_mutex);
    has_thread = true;
    (void)pthread_mutex_unlock(&log_mutex);
    (void)atexit(gw_log_flush);
}

/* How many lines were dropped before this one, or -1 when this one is to be dropped. With the mutex held. */
static int admit_line(void)
{
    int64_t second = gw_clock_mono_ms() / 1000;
    if (second != log_second) {
        log_second = second;
        log_lines = 0;
    }
    bool is_full = has_thread && sizeof log_buffer - log_buffered < GW_LOG_LINE_MAX;
    if (log_lines >= GW_LOG_LINES_PER_SECOND || is_full) {
        log_dropped++;
        return -1;
    }
    log_lines++;
    int dropped = (int)log_dropped;
    log_dropped = 0;
    return dropped;
}

__attribute__((format(printf, 5, 0))) static size_t format_line(char line[GW_LOG_LINE_MAX], enum gw_log_level level,
                                                                const char *event, int dropped, const char *fmt,
                                                                va_list args)
{
    char when[GW_TIME_TEXT_MAX];
    (void)gw_time_format(gw_clock_wall_ms(), when);
    int used = snprintf(line, GW_LOG_LINE_MAX, "%s %s %s %.64s ", when, level_names[level], log_process, event);
    if (dropped > 0)
        used += snprintf(line + used, GW_LOG_LINE_MAX - (size_t)used, "dropped_lines=%d ", dropped);
    int wanted = vsnprintf(line + used, GW_LOG_LINE_MAX - (size_t)used - 1, fmt, args);
    size_t len = (size_t)used + (wanted > 0 ? (size_t)wanted : 0);
    if (len > GW_LOG_LINE_MAX - 2)
        len = GW_LOG_LINE_MAX - 2;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[len] = '\n';
    return len + 1;
}

/* True: it lies in the buffer. False: the caller writes it. */
static bool hand_over(const char *line, size_t len)
{
    (void)pthread_mutex_lock(&log_mutex);
    bool is_taken = has_thread;
    if (is_taken && sizeof log_buffer - log_buffered >= len) {
        memcpy(log_buffer + log_buffered, line, len);
        log_buffered += len;
        (void)pthread_cond_signal(&log_filled);
    } else if (is_taken) {
        log_dropped++;
    }
    (void)pthread_mutex_unlock(&log_mutex);
    return is_taken;
}

void gw_log(enum gw_log_level level, const char *event, const char *fmt, ...)
{
    if (level > log_level)
        return;
    (void)pthread_mutex_lock(&log_mutex);
    int dropped = admit_line();
    (void)pthread_mutex_unlock(&log_mutex);
    if (dropped < 0)
        return;
    char line[GW_LOG_LINE_MAX];
    va_list args;
    va_start(args, fmt);
    size_t len = format_line(line, level, event, dropped, fmt, args);
    va_end(args);
    if (!hand_over(line, len))
        write_all(line, len); /* one write, so that lines of processes do not mix */
}
