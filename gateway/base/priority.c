#include "gateway/base/priority.h"

#include <errno.h>
#include <unistd.h>

bool gw_priority_lower(enum gw_priority priority)
{
    errno = 0; /* -1 is a priority too */
    return nice((int)priority) != -1 || errno == 0;
}
