#include "gateway/process_private.h"

#include "gateway/base/log.h"
#include "gateway/http/listener.h"
#include "gateway/process.h"

#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define DESCRIPTORS_RESERVED 256u /* of a process, for what is not a connection */
#define DESCRIPTORS_MAX (1u << 20)
#define MAPPED_BYTES (1 << 20) /* blocks from this size on go back to the system when they are freed */
#define SPARE_BYTES (8 << 20)  /* freed memory that may stay resident for longer than GIVE_BACK_S */
#define GIVE_BACK_S 10
#define RETIRED_LOOK_MS 200

static size_t descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return DESCRIPTORS_RESERVED;
    return limit.rlim_cur < DESCRIPTORS_MAX ? (size_t)limit.rlim_cur : DESCRIPTORS_MAX;
}

void process_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        gw_log(GW_LOG_WARN, "descriptors-not-raised", "limit=%zu", descriptor_limit());
}

size_t process_connections_max(size_t loop_count, size_t outgoing_max)
{
    size_t descriptors = descriptor_limit();
    size_t reserved = descriptors / 4 < DESCRIPTORS_RESERVED ? descriptors / 4 : DESCRIPTORS_RESERVED;
    size_t free = descriptors - reserved;
    size_t outgoing = outgoing_max < free / 2 / loop_count ? outgoing_max * loop_count : free / 2;
    size_t connections = (free - outgoing) / loop_count;
    size_t cap = http_limits_default.connections_max;
    return connections < 1 ? 1 : connections < cap ? connections : cap;
}

void process_block_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, PROCESS_RETIRE_SIGNAL);
    (void)sigaddset(&set, SIGHUP); /* the parent's, sent to the whole group */
    (void)sigaddset(&set, SIGUSR2);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* Resident memory that no file backs. */
static size_t anonymous_bytes(void)
{
    char line[256] = "";
    uint64_t resident = 0;
    uint64_t shared = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    bool is_read = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    struct gw_str rest = gw_str_from(line);
    (void)gw_str_split(&rest, ' '); /* all of it, resident or not */
    is_read = is_read && gw_str_to_u64(gw_str_split(&rest, ' '), UINT32_MAX, &resident) &&
              gw_str_to_u64(gw_str_split(&rest, ' '), UINT32_MAX, &shared);
    return is_read && resident > shared ? (resident - shared) * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

/* What was freed between blocks that are in use stays resident until it is asked for. */
static void give_back_memory(void)
{
    struct mallinfo2 info = mallinfo2();
    if (anonymous_bytes() > info.uordblks + info.hblkhd + SPARE_BYTES)
        (void)malloc_trim(0);
}

void process_bound_spare_memory(void)
{
    /* Both are fixed by being set; by themselves they would grow with the largest block ever freed. */
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, SPARE_BYTES);
}

bool process_wait_for_end(void)
{
    sigset_t set;
    struct timespec interval = {.tv_sec = GIVE_BACK_S};
    int number = 0;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM); /* an interrupt from the terminal reaches the parent, which then sends this */
    (void)sigaddset(&set, PROCESS_RETIRE_SIGNAL);
    while (number != SIGTERM && number != PROCESS_RETIRE_SIGNAL) {
        number = sigtimedwait(&set, NULL, &interval);
        if (number < 0)
            give_back_memory();
    }
    return number == PROCESS_RETIRE_SIGNAL;
}

void process_wait_while_retiring(const atomic_uint *running)
{
    sigset_t set;
    struct timespec interval = {.tv_nsec = RETIRED_LOOK_MS * 1000000};
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    while (atomic_load(running) > 0 && sigtimedwait(&set, NULL, &interval) != SIGTERM)
        give_back_memory();
}

_Noreturn void process_fail(const char *what, const struct gw_error *err)
{
    gw_log(GW_LOG_ERROR, "start-failed", "what=\"%s\" reason=\"%s\"", what, err->text);
    gw_log_flush();
    _exit(1); /* half made: the system takes it back */
}
