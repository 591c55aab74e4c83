/* priority: who goes last when the machine has more to do than cores. Sign-ons and what they wait for go first (law 2).
 */
#pragma once

#include <stdbool.h>

enum gw_priority {
    GW_PRIORITY_PROVISIONING = 5, /* the process of the prov face */
    GW_PRIORITY_COMMAND = 10,     /* of an operator, beside a running provgate */
    GW_PRIORITY_SCAN = 19,        /* nobody waits for it */
};

/* Of the calling thread (on Linux a nice value is a thread's) and of those that it starts from then on, by so much; it
 * cannot raise itself again. False: it stays as it is. */
bool gw_priority_lower(enum gw_priority priority);
