#include "gateway/base/priority.h"

#include <sys/resource.h>
#include <unistd.h>

void gw_priority_lower(enum gw_priority priority)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), (int)priority); /* of this thread alone, on Linux */
}
