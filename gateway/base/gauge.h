/* gauge: what metrics.c asks of gauge.c. */
#pragma once

#include "gateway/base/metrics.h"

/* GW_GAUGES_MAX rows, in the memory that gw_metrics_attach was given. */
struct gw_gauge *gw_gauges_attached(void);
void gw_gauges_write(const struct gw_gauge *gauges, struct gw_buf *buf);
