#include "gateway/command/options.h"

#include <getopt.h>

#define FIRST_VALUE 256 /* behind every letter */

static void fill(const struct command_option *options, size_t count, struct option *ret_options)
{
    GW_ASSERT(count <= COMMAND_OPTIONS_MAX);
    ret_options[0] = (struct option){"help", no_argument, NULL, 'H'};
    for (size_t i = 0; i < count; i++)
        ret_options[i + 1] = (struct option){options[i].name, options[i].is_flag ? no_argument : required_argument,
                                             NULL, FIRST_VALUE + (int)i};
    ret_options[count + 1] = (struct option){NULL, 0, NULL, 0};
}

static void take(const struct command_option *option, void *request)
{
    char *place = (char *)request + option->offset;
    if (option->is_flag)
        *(bool *)(void *)place = true;
    else
        *(const char **)(void *)place = optarg;
}

int command_options_read(const struct command *command, int argc, char **argv, const struct command_option *options,
                         size_t count, void *request)
{
    struct option list[COMMAND_OPTIONS_MAX + 2];
    fill(options, count, list);
    int option = command_option_next(command, argc, argv, list, true);
    for (; option >= FIRST_VALUE; option = command_option_next(command, argc, argv, list, false))
        take(&options[option - FIRST_VALUE], request);
    if (option == -1)
        return COMMAND_GO_ON;
    return option == 'H' ? COMMAND_DONE : COMMAND_WRONG;
}
