#include "gateway/base/gauge.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROW_FREE, ROW_BUSY, ROW_READY };

struct gauge_row {
    const char *name;
    const char *first;
    const char *second;
    const char *help;
};

static const struct gauge_row gauge_table[GW_GAUGE_KIND_COUNT] = {
#define XX(constant, name, first, second, help) {name, first, second, help},
    GW_GAUGE_MAP(XX)
#undef XX
};

/* Within a process; between processes the state of a row decides. */
static pthread_mutex_t gauge_lock = PTHREAD_MUTEX_INITIALIZER;

static bool has_name(const struct gw_gauge *gauge, enum gw_gauge_kind kind, const char *first, const char *second)
{
    return atomic_load(&gauge->state) == ROW_READY && gauge->kind == (uint32_t)kind &&
           strncmp(gauge->first, first, sizeof gauge->first - 1) == 0 &&
           strncmp(gauge->second, second, sizeof gauge->second - 1) == 0;
}

static struct gw_gauge *find(enum gw_gauge_kind kind, const char *first, const char *second)
{
    struct gw_gauge *gauges = gw_gauges_attached();
    for (unsigned i = 0; i < GW_GAUGES_MAX; i++) {
        if (has_name(&gauges[i], kind, first, second))
            return &gauges[i];
    }
    return NULL;
}

static struct gw_gauge *find_or_make(enum gw_gauge_kind kind, const char *first, const char *second)
{
    struct gw_gauge *gauges = gw_gauges_attached();
    struct gw_gauge *found = find(kind, first, second);
    if (found != NULL)
        return found;
    for (unsigned i = 0; i < GW_GAUGES_MAX; i++) {
        uint32_t is_free = ROW_FREE;
        if (!atomic_compare_exchange_strong(&gauges[i].state, &is_free, ROW_BUSY))
            continue;
        found = &gauges[i];
        found->kind = (uint32_t)kind;
        (void)snprintf(found->first, sizeof found->first, "%s", first);
        (void)snprintf(found->second, sizeof found->second, "%s", second);
        atomic_store(&found->value, 0);
        atomic_store(&found->holders, 0);
        atomic_store(&found->state, ROW_READY);
        return found;
    }
    return NULL;
}

int64_t gw_gauge_max(enum gw_gauge_kind kind)
{
    struct gw_gauge *gauges = gw_gauges_attached();
    int64_t most = 0;
    for (unsigned i = 0; i < GW_GAUGES_MAX; i++) {
        bool is_one = atomic_load(&gauges[i].state) == ROW_READY && gauges[i].kind == (uint32_t)kind;
        if (is_one && atomic_load(&gauges[i].value) > most)
            most = atomic_load(&gauges[i].value);
    }
    return most;
}

void gw_gauge_set(enum gw_gauge_kind kind, const char *first, const char *second, int64_t value)
{
    (void)pthread_mutex_lock(&gauge_lock);
    struct gw_gauge *gauge = find_or_make(kind, first, second);
    if (gauge != NULL)
        atomic_store(&gauge->value, value);
    (void)pthread_mutex_unlock(&gauge_lock);
}

void gw_gauge_hold(enum gw_gauge_kind kind, const char *first, const char *second)
{
    (void)pthread_mutex_lock(&gauge_lock);
    struct gw_gauge *gauge = find_or_make(kind, first, second);
    uint32_t process = (uint32_t)getpid();
    if (gauge != NULL && atomic_exchange(&gauge->process, process) != process)
        atomic_store(&gauge->holders, 0);
    if (gauge != NULL)
        atomic_fetch_add(&gauge->holders, 1);
    (void)pthread_mutex_unlock(&gauge_lock);
}

/* Another process may have taken it over meanwhile. */
void gw_gauge_drop(enum gw_gauge_kind kind, const char *first, const char *second)
{
    (void)pthread_mutex_lock(&gauge_lock);
    struct gw_gauge *gauge = find(kind, first, second);
    if (gauge != NULL && atomic_load(&gauge->process) == (uint32_t)getpid() &&
        atomic_fetch_sub(&gauge->holders, 1) == 1)
        atomic_store(&gauge->state, ROW_FREE);
    (void)pthread_mutex_unlock(&gauge_lock);
}

/* `\\` and `"` are escaped, line ends do not occur. */
static void write_label(struct gw_buf *buf, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"')
            gw_buf_add_byte(buf, '\\');
        gw_buf_add_byte(buf, *text == '\n' ? ' ' : *text);
    }
}

static void write_row(const struct gw_gauge *gauge, struct gw_buf *buf)
{
    const struct gauge_row *row = &gauge_table[gauge->kind];
    gw_buf_printf(buf, "%s{%s=\"", row->name, row->first);
    write_label(buf, gauge->first);
    gw_buf_printf(buf, "\",%s=\"", row->second);
    write_label(buf, gauge->second);
    gw_buf_printf(buf, "\"} %lld\n", (long long)atomic_load(&gauge->value));
}

void gw_gauges_write(const struct gw_gauge *gauges, struct gw_buf *buf)
{
    for (unsigned kind = 0; kind < GW_GAUGE_KIND_COUNT; kind++) {
        const struct gauge_row *row = &gauge_table[kind];
        gw_buf_printf(buf, "# HELP %s %s\n# TYPE %s gauge\n", row->name, row->help, row->name);
        for (unsigned i = 0; i < GW_GAUGES_MAX; i++) {
            if (atomic_load(&gauges[i].state) == ROW_READY && gauges[i].kind == kind)
                write_row(&gauges[i], buf);
        }
    }
}
