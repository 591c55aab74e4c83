#include "gateway/command/command.h"
#include "store/store.h"

#include <getopt.h>
#include <stdio.h>

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'H'}, {NULL, 0, NULL, 0}};
    int option = command_option_next(command, argc, argv, options, true);
    if (option != -1)
        return option == 'H' ? COMMAND_DONE : COMMAND_WRONG;
    (void)printf("provgate %s (store format %u)\n", PROVGATE_VERSION, STORE_FORMAT_VERSION);
    return COMMAND_DONE;
}

const struct command command_version = {
    .name = "version",
    .summary = "say which version this is",
    .usage = "usage: provgate version\n"
             "Says which version this is and which store format it reads.\n",
    .run = run,
};
