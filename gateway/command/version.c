#include "gateway/command/options.h"
#include "store/store.h"

#include <getopt.h>
#include <stdio.h>

static int run(const struct command *command, int argc, char **argv)
{
    int status = command_options_read(command, argc, argv, NULL, 0, NULL);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind < argc)
        return command_usage_error(command, "unexpected \"%s\"", argv[optind]);
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
