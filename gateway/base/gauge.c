#include "gateway/base/gauge.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a row's state is modulo ROW_STATES. One that is given up goes on with the next number. */
enum { ROW_FREE, ROW_BUSY, ROW_READY, ROW_STATES = 4 };

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

struct labels {
    char first[GW_GAUGE_FIRST_BYTES];
    char second[GW_GAUGE_SECOND_BYTES];
};

struct row {
    uint32_t kind;
    int64_t value;
    struct labels labels;
};

_Static_assert(sizeof(struct labels) == sizeof(uint64_t) * GW_GAUGE_LABEL_WORDS, "the labels fill their words");

/* Whoever reads holds no lock, and the row may be given up and made anew by any process meanwhile. False: it says
 * nothing of that kind now. */
static bool row_read(const struct gw_gauge *gauge, enum gw_gauge_kind kind, struct row *ret_row)
{
    uint32_t state = atomic_load(&gauge->state);
    ret_row->kind = atomic_load(&gauge->kind);
    if (state % ROW_STATES != ROW_READY || ret_row->kind != (uint32_t)kind)
        return false;
    uint64_t words[GW_GAUGE_LABEL_WORDS];
    for (unsigned i = 0; i < GW_GAUGE_LABEL_WORDS; i++)
        words[i] = atomic_load(&gauge->labels[i]);
    memcpy(&ret_row->labels, words, sizeof words);
    ret_row->value = atomic_load(&gauge->value);
    return atomic_load(&gauge->state) == state;
}

static void row_fill(struct gw_gauge *gauge, enum gw_gauge_kind kind, const char *first, const char *second)
{
    struct labels labels = {0};
    uint64_t words[GW_GAUGE_LABEL_WORDS];
    (void)snprintf(labels.first, sizeof labels.first, "%s", first);
    (void)snprintf(labels.second, sizeof labels.second, "%s", second);
    memcpy(words, &labels, sizeof words);
    atomic_store(&gauge->kind, (uint32_t)kind);
    for (unsigned i = 0; i < GW_GAUGE_LABEL_WORDS; i++)
        atomic_store(&gauge->labels[i], words[i]);
    atomic_store(&gauge->value, 0);
    atomic_store(&gauge->holders, 0);
}

static bool has_name(const struct gw_gauge *gauge, enum gw_gauge_kind kind, const char *first, const char *second)
{
    struct row row;
    return row_read(gauge, kind, &row) && strncmp(row.labels.first, first, sizeof row.labels.first - 1) == 0 &&
           strncmp(row.labels.second, second, sizeof row.labels.second - 1) == 0;
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
        uint32_t state = atomic_load(&gauges[i].state);
        if (state % ROW_STATES != ROW_FREE ||
            !atomic_compare_exchange_strong(&gauges[i].state, &state, state + ROW_BUSY))
            continue;
        row_fill(&gauges[i], kind, first, second);
        atomic_store(&gauges[i].state, state + ROW_READY);
        return &gauges[i];
    }
    return NULL;
}

int64_t gw_gauge_max(enum gw_gauge_kind kind)
{
    struct gw_gauge *gauges = gw_gauges_attached();
    int64_t most = 0;
    for (unsigned i = 0; i < GW_GAUGES_MAX; i++) {
        struct row row;
        if (row_read(&gauges[i], kind, &row) && row.value > most)
            most = row.value;
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
    uint32_t state = gauge != NULL ? atomic_load(&gauge->state) : ROW_FREE;
    if (state % ROW_STATES == ROW_READY && atomic_load(&gauge->process) == (uint32_t)getpid() &&
        atomic_fetch_sub(&gauge->holders, 1) == 1)
        (void)atomic_compare_exchange_strong(&gauge->state, &state, state - ROW_READY + ROW_STATES);
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

static void write_row(const struct row *row, struct gw_buf *buf)
{
    const struct gauge_row *names = &gauge_table[row->kind];
    gw_buf_printf(buf, "%s{%s=\"", names->name, names->first);
    write_label(buf, row->labels.first);
    gw_buf_printf(buf, "\",%s=\"", names->second);
    write_label(buf, row->labels.second);
    gw_buf_printf(buf, "\"} %lld\n", (long long)row->value);
}

void gw_gauges_write(const struct gw_gauge *gauges, struct gw_buf *buf)
{
    for (unsigned kind = 0; kind < GW_GAUGE_KIND_COUNT; kind++) {
        const struct gauge_row *names = &gauge_table[kind];
        gw_buf_printf(buf, "# HELP %s %s\n# TYPE %s gauge\n", names->name, names->help, names->name);
        for (unsigned i = 0; i < GW_GAUGES_MAX; i++) {
            struct row row;
            if (row_read(&gauges[i], (enum gw_gauge_kind)kind, &row))
                write_row(&row, buf);
        }
    }
}
