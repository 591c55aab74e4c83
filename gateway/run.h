/* run: the commands that serve. */
#pragma once

#include "gateway/command/command.h"

extern const struct command command_run;
extern const struct command command_child; /* what the supervisor executes; not for people */

/* Before any child opens the store. False, after a line in the log: it is of an older format, and stays so. What else
 * may be wrong with it the children say. */
bool run_migrate(const struct config *config);
