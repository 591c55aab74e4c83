/* An open-loop HTTP/1.1 load generator: requests begin at their own times, and the time of each is counted from when it
 * should have begun, so that a server that stalls is not asked less and looks no better.
 *   bench_paced PORT HOST RATE SECONDS CONNECTIONS get COOKIES      GET /, cookies s<16 hex digits> of 0 to COOKIES - 1
 *   bench_paced PORT HOST RATE SECONDS CONNECTIONS post FILE FIRST  POST /saml/acs, the lines of FILE from FIRST on
 * RATE 0: as fast as the connections allow. Prints one JSON object: requests, failed (another status than 200, or an
 * ended connection), missing (FILE was too short), per_second, and p50, p99, p999, max in ms. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024u
#define ANSWER_BYTES_MAX 65536u
#define HEAD_BYTES_MAX 512u
#define DRAIN_S 5.0 /* after the last one was to begin */

struct line {
    const char *ptr;
    size_t len;
};

struct connection {
    int fd;
    bool is_busy;
    double due; /* when the request under way was to begin */
    char head[HEAD_BYTES_MAX];
    struct line parts[2]; /* to be sent still: head, body */
    size_t got;
    char answer[ANSWER_BYTES_MAX];
};

struct run {
    uint16_t port;
    const char *host;
    double rate;
    double seconds;
    unsigned connections;
    uint64_t cookies; /* 0: posts */
    struct line *lines;
    size_t line_count;
    size_t next_line;
    int epoll;
    double begun;
    uint64_t started, failed, missing;
    double *times;
    size_t time_count, time_room;
    struct connection all[CONNECTIONS_MAX];
};

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench_paced: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void open_connection(struct run *run, struct connection *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(run->port)};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = c}};
    int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->is_busy = false;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("connect");
    if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 || fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(run->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        fail("connection");
}

static void note_time(struct run *run, double seconds)
{
    if (run->time_count == run->time_room) {
        run->time_room = run->time_room * 2 + 65536;
        run->times = realloc(run->times, run->time_room * sizeof *run->times);
        if (run->times == NULL)
            fail("memory");
    }
    run->times[run->time_count++] = seconds * 1000;
}

static void end_request(struct run *run, struct connection *c, bool is_good)
{
    c->is_busy = false;
    run->failed += !is_good;
    if (is_good)
        note_time(run, now_s() - c->due);
}

static void lose(struct run *run, struct connection *c)
{
    if (c->is_busy)
        end_request(run, c, false);
    (void)close(c->fd);
    open_connection(run, c);
}

/* Sends what the socket takes; false: the connection is gone. */
static bool send_parts(struct connection *c)
{
    for (int i = 0; i < 2; i++) {
        while (c->parts[i].len > 0) {
            int more = i == 0 && c->parts[1].len > 0 ? MSG_MORE : 0;
            ssize_t sent = send(c->fd, c->parts[i].ptr, c->parts[i].len, MSG_NOSIGNAL | more);
            if (sent < 0)
                return errno == EAGAIN || errno == EINTR;
            c->parts[i].ptr += sent;
            c->parts[i].len -= (size_t)sent;
        }
    }
    return true;
}

/* False: there is nothing more to ask. */
static bool begin_request(struct run *run, struct connection *c, double due)
{
    c->parts[1] = (struct line){.len = 0};
    int len;
    if (run->cookies > 0) {
        /* as sso.lua does with few */
        len = snprintf(c->head, sizeof c->head,
                       "GET / HTTP/1.1\r\nHost: %s\r\nCookie: theme=dark; bench_session=s%016llx\r\n\r\n", run->host,
                       (unsigned long long)(run->started % run->cookies));
    } else {
        if (run->next_line >= run->line_count)
            return false;
        c->parts[1] = run->lines[run->next_line++];
        len = snprintf(c->head, sizeof c->head,
                       "POST /saml/acs HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                       "Content-Length: %zu\r\n\r\n",
                       run->host, c->parts[1].len);
    }
    if (len < 0 || (size_t)len >= sizeof c->head)
        fail("host");
    c->parts[0] = (struct line){c->head, (size_t)len};
    c->is_busy = true;
    c->due = due;
    c->got = 0;
    run->started++;
    if (!send_parts(c))
        lose(run, c);
    return true;
}

/* Is the answer whole? Its length is said, or it is taken for a mistake. */
static bool is_whole(const struct connection *c, bool *ret_good)
{
    const char *end = memmem(c->answer, c->got, "\r\n\r\n", 4);
    *ret_good = false;
    if (end == NULL)
        return false;
    size_t head = (size_t)(end - c->answer) + 4;
    char name[] = "\r\ncontent-length:";
    for (size_t i = 0; i + sizeof name < head; i++) {
        if (strncasecmp(c->answer + i, name, sizeof name - 1) != 0)
            continue;
        *ret_good = memcmp(c->answer + 8, " 200", 4) == 0;
        return c->got >= head + strtoull(c->answer + i + sizeof name - 1, NULL, 10);
    }
    return true;
}

static void on_event(struct run *run, struct connection *c)
{
    if (c->is_busy && !send_parts(c)) {
        lose(run, c);
        return;
    }
    for (;;) {
        bool is_good = false;
        ssize_t got = c->got < sizeof c->answer ? recv(c->fd, c->answer + c->got, sizeof c->answer - c->got, 0) : 0;
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            lose(run, c);
            return;
        }
        c->got += (size_t)got;
        if (c->is_busy && is_whole(c, &is_good))
            end_request(run, c, is_good);
    }
}

static struct connection *find_idle(struct run *run, unsigned *at)
{
    for (unsigned i = 0; i < run->connections; i++) {
        struct connection *c = &run->all[(*at + i) % run->connections];
        if (!c->is_busy) {
            *at = (*at + i + 1) % run->connections;
            return c;
        }
    }
    return NULL;
}

#define LONG_WAIT_S 0.01

/* Begins what is due, as far as connections are idle; seconds until the next one is. */
static double begin_due(struct run *run, uint64_t *turn, unsigned *at)
{
    for (;;) {
        double now = now_s();
        double due = run->rate > 0 ? run->begun + (double)*turn / run->rate : now;
        if (due - run->begun >= run->seconds)
            return LONG_WAIT_S;
        if (due > now)
            return due - now;
        struct connection *c = find_idle(run, at);
        if (c == NULL)
            return LONG_WAIT_S;
        if (!begin_request(run, c, due))
            run->missing++;
        ++*turn;
    }
}

static bool is_any_busy(const struct run *run)
{
    for (unsigned i = 0; i < run->connections; i++) {
        if (run->all[i].is_busy)
            return true;
    }
    return false;
}

static void drive(struct run *run)
{
    struct epoll_event events[64];
    uint64_t turn = 0;
    unsigned at = 0;
    run->begun = now_s();
    while (now_s() - run->begun < run->seconds || is_any_busy(run)) {
        double wait_s = begin_due(run, &turn, &at);
        /* in milliseconds it would either come late or spin */
        struct timespec wait = {0, (long)((wait_s < LONG_WAIT_S ? wait_s : LONG_WAIT_S) * 1e9)};
        int count = epoll_pwait2(run->epoll, events, 64, &wait, NULL);
        for (int i = 0; i < count; i++)
            on_event(run, events[i].data.ptr);
        if (now_s() - run->begun > run->seconds + DRAIN_S)
            break;
    }
    for (unsigned i = 0; i < run->connections; i++)
        run->failed += run->all[i].is_busy;
}

static void read_lines(struct run *run, const char *path, size_t first)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0)
        fail(path);
    char *text = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (text == MAP_FAILED)
        fail(path);
    char *end = text + info.st_size;
    size_t number = 0;
    for (char *line = text; line < end; number++) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop != NULL ? stop : end;
        if (number >= first && run->line_count % 4096 == 0)
            run->lines = realloc(run->lines, (run->line_count + 4096) * sizeof *run->lines);
        if (number >= first && run->lines == NULL)
            fail("memory");
        if (number >= first)
            run->lines[run->line_count++] = (struct line){line, (size_t)(stop - line)};
        line = stop + 1;
    }
    (void)close(fd);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void print_figures(struct run *run)
{
    double took = now_s() - run->begun;
    size_t n = run->time_count;
    if (n > 0)
        qsort(run->times, n, sizeof *run->times, compare);
    static const struct {
        const char *name;
        unsigned share;
    } points[] = {{"p50", 500}, {"p99", 990}, {"p999", 999}, {"max", 1000}};
    (void)printf("{\"requests\": %llu, \"failed\": %llu, \"missing\": %llu, \"per_second\": %.1f",
                 (unsigned long long)run->started, (unsigned long long)run->failed, (unsigned long long)run->missing,
                 (double)n / took);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        size_t at = n * points[i].share / 1000;
        (void)printf(", \"%s\": %.3f", points[i].name, n > 0 ? run->times[at < n ? at : n - 1] : 0.0);
    }
    (void)printf("}\n");
}

int main(int argc, char **argv)
{
    static struct run run;
    bool is_get = argc == 8 && strcmp(argv[6], "get") == 0;
    if (!is_get && !(argc == 9 && strcmp(argv[6], "post") == 0)) {
        (void)fprintf(stderr, "usage: bench_paced PORT HOST RATE SECONDS CONNECTIONS get COOKIES | post FILE FIRST\n");
        return 2;
    }
    run.port = (uint16_t)strtoul(argv[1], NULL, 10);
    run.host = argv[2];
    run.rate = strtod(argv[3], NULL);
    run.seconds = strtod(argv[4], NULL);
    run.connections = (unsigned)strtoul(argv[5], NULL, 10);
    if (run.connections == 0 || run.connections > CONNECTIONS_MAX)
        return 2;
    if (is_get)
        run.cookies = strtoull(argv[7], NULL, 10);
    else
        read_lines(&run, argv[7], strtoull(argv[8], NULL, 10));
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (run.epoll < 0)
        fail("epoll");
    for (unsigned i = 0; i < run.connections; i++)
        open_connection(&run, &run.all[i]);
    drive(&run);
    print_figures(&run);
    return 0;
}
