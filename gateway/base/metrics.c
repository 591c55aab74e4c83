#include "gateway/base/gauge.h"

#include <stddef.h>

static struct gw_metrics own_metrics;
static struct gw_metrics *attached = &own_metrics;
static unsigned attached_first;
static unsigned attached_count = 1;
static _Atomic unsigned slots_taken;
static _Thread_local struct gw_metric_slot *thread_slot;

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

void gw_metric_add(enum gw_metric metric, uint64_t n)
{
    if (thread_slot == NULL)
        thread_slot = &attached->slots[attached_first + atomic_fetch_add(&slots_taken, 1) % attached_count];
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
