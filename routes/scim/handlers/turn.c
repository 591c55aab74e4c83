#include "routes/scim/handlers/turn.h"

#include "gateway/base/clock.h"

void turn_begin(struct turn *turn)
{
    *turn = (struct turn){.began_us = gw_clock_mono_us()};
}

bool turn_is_spent(struct turn *turn)
{
    return ++turn->records >= TURN_RECORDS_MAX || gw_clock_mono_us() - turn->began_us >= TURN_MS * 1000;
}

static void on_turn(void *data)
{
    struct prov_request *r = data;
    r->turn = NULL;
    r->next_turn(r);
}

void turn_later(struct prov_request *r, route_handler_fn next)
{
    GW_ASSERT(r->turn == NULL && !store_reader_is_reading(r->face->reader));
    r->next_turn = next;
    r->turn = net_timer_start(r->face->loop, TURN_PAUSE_MS, on_turn, r);
}

void turn_forget(struct prov_request *r)
{
    if (r->turn != NULL)
        net_timer_cancel(r->turn);
    r->turn = NULL;
}
