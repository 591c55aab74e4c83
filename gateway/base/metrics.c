#include "gateway/base/gauge.h"

#include <stddef.h>

static struct gw_metrics own_metrics;
static struct gw_metrics *attached = &own_metrics;
static unsigned attached_first;
static unsigned attached_count = 1;
static _Atomic unsigned slots_taken;
static _Thread_local struct gw_metric_slot *thread_slot;
static _Thread_local struct gw_app_slot *thread_app_slot;

struct metric_row {
    const char *name;
    const char *type;
    const char *help;
};

static const struct metric_row metric_table[GW_METRIC_COUNT] = {
#define XX(constant, name, type, help) {name, type, help},
    GW_METRIC_MAP(XX)
#undef XX
};

void gw_metrics_attach(struct gw_metrics *metrics, unsigned first_slot, unsigned slot_count)
{
    attached = metrics;
    attached_first = first_slot;
    attached_count = slot_count;
    thread_slot = NULL;
}

struct gw_gauge *gw_gauges_attached(void)
{
    return attached->gauges;
}

static void take_slot(void)
{
    unsigned slot = attached_first + atomic_fetch_add(&slots_taken, 1) % attached_count;
    thread_slot = &attached->slots[slot];
    thread_app_slot = &attached->app_slots[slot];
}

void gw_metric_add(enum gw_metric metric, uint64_t n)
{
    if (thread_slot == NULL)
        take_slot();
    atomic_fetch_add_explicit(&thread_slot->values[metric], n, memory_order_relaxed);
}

uint64_t gw_metric_sum(const struct gw_metrics *metrics, enum gw_metric metric)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < GW_METRIC_SLOTS; i++)
        sum += atomic_load_explicit(&metrics->slots[i].values[metric], memory_order_relaxed);
    return sum;
}

void gw_metrics_write(const struct gw_metrics *metrics, struct gw_buf *buf)
{
    for (unsigned i = 0; i < GW_METRIC_COUNT; i++) {
        const struct metric_row *row = &metric_table[i];
        gw_buf_printf(buf, "# HELP %s %s\n# TYPE %s %s\n%s ", row->name, row->help, row->name, row->type, row->name);
        gw_buf_add_u64(buf, gw_metric_sum(metrics, (enum gw_metric)i));
        gw_buf_add_byte(buf, '\n');
    }
    gw_gauges_write(metrics->gauges, buf);
}

const struct gw_metrics *gw_metrics_attached(void)
{
    return attached;
}

/* FNV-1a; never 0. */
static uint64_t name_hash(const char *name)
{
    uint64_t hash = 14695981039346656037ull;
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211ull;
    return hash != 0 ? hash : 1;
}

unsigned gw_app_place(const char *name)
{
    uint64_t hash = name_hash(name);
    for (unsigned i = 0; i < GW_APPS_MAX; i++) {
        uint64_t found = 0;
        if (atomic_compare_exchange_strong(&attached->app_names[i], &found, hash) || found == hash)
            return i;
    }
    return GW_APPS_MAX;
}

void gw_app_add(unsigned place, enum gw_app_count count, uint64_t n)
{
    if (thread_slot == NULL)
        take_slot();
    if (place < GW_APPS_MAX)
        atomic_fetch_add_explicit(&thread_app_slot->values[place][count], n, memory_order_relaxed);
}

uint64_t gw_app_sum(const struct gw_metrics *metrics, const char *name, enum gw_app_count count)
{
    uint64_t hash = name_hash(name);
    uint64_t sum = 0;
    unsigned place = 0;
    while (place < GW_APPS_MAX && atomic_load(&metrics->app_names[place]) != hash)
        place++;
    for (unsigned i = 0; i < GW_METRIC_SLOTS && place < GW_APPS_MAX; i++)
        sum += atomic_load_explicit(&metrics->app_slots[i].values[place][count], memory_order_relaxed);
    return sum;
}
