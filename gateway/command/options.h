/* options: reading a command's options from a table. Every command has --help besides. Main thread only. */
#pragma once

#include "gateway/command/command.h"

struct command_option {
    const char *name;
    size_t offset; /* in the request: of a `const char *`, or of a `bool` when it is a flag */
    bool is_flag;
};
#define COMMAND_TEXT(type, member, text)                                                                               \
    {                                                                                                                  \
        (text), offsetof(struct type, member), false                                                                   \
    }
#define COMMAND_FLAG(type, member, text)                                                                               \
    {                                                                                                                  \
        (text), offsetof(struct type, member), true                                                                    \
    }
#define COMMAND_OPTIONS_MAX 24u

/* Fills `request`, and leaves optind at the first word that is no option. COMMAND_GO_ON, or the exit status. */
#define COMMAND_GO_ON (-1)
int command_options_read(const struct command *command, int argc, char **argv, const struct command_option *options,
                         size_t count, void *request);
