/* A program whose tests each have a plain world of their own: set_up and tear_down for cmocka, and the world. */
#pragma once

#include "tests/unit/routes/world.h"

static struct world *world;

static inline int set_up(void **state)
{
    (void)state;
    world = world_new("");
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    world_free(world);
    return 0;
}
