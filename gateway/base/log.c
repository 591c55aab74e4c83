#include "gateway/base/log.h"

#include "gateway/base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static const char *log_process = "provgate";
static enum gw_log_level log_level = GW_LOG_INFO;
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static int64_t log_second;
static unsigned log_lines;
static unsigned log_dropped;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void gw_log_init(const char *process, enum gw_log_level level)
{
    log_process = process;
    log_level = level;
}

/* How many lines were dropped before this one, or -1 when this one is to be dropped. */
static int admit_line(void)
{
    int64_t second = gw_clock_mono_ms() / 1000;
    int dropped = -1;
    (void)pthread_mutex_lock(&log_mutex);
    if (second != log_second) {
        log_second = second;
        log_lines = 0;
    }
    if (log_lines < GW_LOG_LINES_PER_SECOND) {
        log_lines++;
        dropped = (int)log_dropped;
        log_dropped = 0;
    } else {
        log_dropped++;
    }
    (void)pthread_mutex_unlock(&log_mutex);
    return dropped;
}

void gw_log(enum gw_log_level level, const char *event, const char *fmt, ...)
{
    if (level > log_level)
        return;
    int dropped = admit_line();
    if (dropped < 0)
        return;
    char line[GW_LOG_LINE_MAX];
    char when[GW_TIME_TEXT_MAX];
    (void)gw_time_format(gw_clock_wall_ms(), when);
    int used = snprintf(line, sizeof line, "%s %s %s %s ", when, level_names[level], log_process, event);
    if (dropped > 0)
        used += snprintf(line + used, sizeof line - (size_t)used, "dropped_lines=%d ", dropped);
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(line + used, sizeof line - (size_t)used - 1, fmt, args);
    va_end(args);
    size_t len = (size_t)used + (wanted > 0 ? (size_t)wanted : 0);
    if (len > sizeof line - 2)
        len = sizeof line - 2;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[len++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, len); /* one write, so that lines of processes do not mix */
    (void)written;
}
