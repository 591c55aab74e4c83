#include "store/change.h"

#include <stdlib.h>

struct store_change *store_change_new(enum store_change_kind kind)
{
    struct store_change *change = gw_alloc(sizeof *change);
    change->kind = kind;
    gw_arena_init(&change->arena);
    return change;
}

void store_change_free(struct store_change *change)
{
    if (change == NULL)
        return;
    gw_arena_done(&change->arena);
    free(change);
}
