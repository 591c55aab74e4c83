#include "gateway/base/steady.h"

bool gw_steady_look(struct gw_steady *steady, int64_t mono_ms, int64_t wall_ms, int64_t jump_ms)
{
    int64_t offset_ms = wall_ms - mono_ms;
    int64_t drift_ms = offset_ms - steady->offset_ms;
    steady->has_jumped = steady->has_offset && (drift_ms > jump_ms || drift_ms < -jump_ms);
    if (!steady->has_jumped)
        steady->offset_ms = offset_ms;
    steady->has_offset = true;
    return !steady->has_jumped;
}
