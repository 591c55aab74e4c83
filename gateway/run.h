/* run: the commands that serve. */
#pragma once

#include "gateway/command/command.h"

extern const struct command command_run;
extern const struct command command_child; /* what the supervisor executes; not for people */
