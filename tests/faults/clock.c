/* clock: preloaded into provgate, it lets a test move the wall clock while provgate runs (security.md L1 to L3): the
 * file FAULTS_CLOCK holds the difference in milliseconds, a signed word of 64 bits. The monotonic clock stays. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t none;
static _Atomic int64_t *offset_ms = &none;

int clock_gettime(clockid_t clock, struct timespec *ret_time);
int gettimeofday(struct timeval *ret_time, void *zone);
time_t time(time_t *ret_time);

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTS_CLOCK");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *page = mmap(NULL, sizeof *offset_ms, PROT_READ, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED)
        offset_ms = page;
    (void)close(fd);
}

static void move(struct timespec *time)
{
    int64_t ms = atomic_load(offset_ms);
    int64_t nanoseconds = time->tv_nsec + ms % 1000 * 1000000;
    int64_t carry = nanoseconds < 0 ? -1 : nanoseconds >= 1000000000 ? 1 : 0;
    time->tv_sec += (time_t)(ms / 1000 + carry);
    time->tv_nsec = (long)(nanoseconds - carry * 1000000000);
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, ret_time);
    if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        move(ret_time);
    return rc;
}

int gettimeofday(struct timeval *ret_time, void *zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    *ret_time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret_time)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    if (ret_time != NULL)
        *ret_time = now.tv_sec;
    return now.tv_sec;
}
