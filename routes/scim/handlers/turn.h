/* turn: work that is longer than one turn of the loop may be. A handler does a part of it, leaves, and is called again
 * after the others had theirs; so no list or filter holds up another request for more than some milliseconds, nor a
 * snapshot of the store for longer (security.md H13). The face's own loop only. */
#pragma once

#include "routes/request.h"

/* Caps of one part (law 10): records looked at, and time. */
#define TURN_RECORDS_MAX 2000u
#define TURN_MS 4
#define TURN_PAUSE_MS 1

struct turn {
    size_t records;
    int64_t began_us;
};

void turn_begin(struct turn *turn);
/* Counts one record. True: leave now. */
bool turn_is_spent(struct turn *turn);

/* Calls `next` on a later turn, unless the client has gone by then. Nothing of the store may be held open. */
void turn_later(struct prov_request *r, route_handler_fn next);

/* The request is over. */
void turn_forget(struct prov_request *r);
