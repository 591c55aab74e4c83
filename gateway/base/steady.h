/* steady: does the wall clock go as the monotonic clock does? What ends by the calendar (retention times, bindings)
 * waits while it does not: a wrong year must not end everything at once. A clock that is put right again is steady
 * again; one that stays where it jumped to is believed by the next process. One thread at a time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct gw_steady {     /* zero: nothing seen yet */
    int64_t offset_ms; /* wall clock less monotonic clock, when both were last steady */
    bool has_offset;
    bool has_jumped;
};

/* True: steady. Small steps between two looks, below `jump_ms`, are a clock that is slewed. */
bool gw_steady_look(struct gw_steady *steady, int64_t mono_ms, int64_t wall_ms, int64_t jump_ms);
