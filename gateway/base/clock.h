/* clock: wall time for records and people, monotonic time for limits. Tests may freeze the wall clock. Any thread. */
#pragma once

#include "gateway/base/str.h"

#include <stdint.h>

int64_t gw_clock_wall_ms(void); /* milliseconds since 1970-01-01T00:00:00Z */
int64_t gw_clock_mono_ms(void); /* milliseconds since some start; never steps */
int64_t gw_clock_mono_us(void);

/* Freezes the wall clock at `wall_ms`; 0 lets it run again. For tests. */
void gw_clock_freeze_wall(int64_t wall_ms);

#define GW_TIME_TEXT_MAX 32

/* "2026-11-21T22:21:44.123Z" (RFC 3339, UTC, always milliseconds). Returns the length. */
size_t gw_time_format(int64_t wall_ms, char dst[GW_TIME_TEXT_MAX]);

/* xsd:dateTime with date, time and zone or "Z" (RFC 7643 section 2.3.5); a time without a zone is UTC. False when it is
 * not one. */
bool gw_time_parse(struct gw_str text, int64_t *ret_wall_ms);
