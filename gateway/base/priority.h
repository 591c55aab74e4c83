/* priority: who goes last when the machine has more to do than cores. Sign-ons and what they wait for go first (law 2);
 * the process of the prov face is nice from its start (crew.c). */
#pragma once

enum gw_priority {
    GW_PRIORITY_COMMAND = 10, /* of an operator, beside a running provgate */
    GW_PRIORITY_SCAN = 19,    /* nobody waits for it */
};

/* Of the calling thread and of those that it starts from then on; it cannot raise itself again. */
void gw_priority_lower(enum gw_priority priority);
