#include "gateway/command/options.h"

#include <getopt.h>
#include <stdio.h>

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

/* One step of getopt_long: the option's value, -1 at the end, 'H' after the usage, '?' after a message. */
static int next(const struct command *command, int argc, char **argv, const struct option *options, bool start)
{
    if (start)
        optind = 0; /* GNU: also forgets where an earlier run stood */
    opterr = 0;
    int option = getopt_long(argc, argv, ":", options, NULL);
    if (option == 'H') {
        (void)fputs(command->usage, stdout);
        return 'H';
    }
    if (option == '?') {
        bool is_long = optind > 0 && strncmp(argv[optind - 1], "--", 2) == 0;
        (void)command_usage_error(command, "unknown option %s%.*s", is_long ? argv[optind - 1] : "-", is_long ? 0 : 1,
                                  &(char){(char)optopt});
    } else if (option == ':') {
        (void)command_usage_error(command, "%s needs a value", argv[optind - 1]);
        option = '?';
    }
    return option;
}

int command_options_read(const struct command *command, int argc, char **argv, const struct command_option *options,
                         size_t count, void *request)
{
    struct option list[COMMAND_OPTIONS_MAX + 2];
    fill(options, count, list);
    int option = next(command, argc, argv, list, true);
    for (; option >= FIRST_VALUE; option = next(command, argc, argv, list, false)) {
        const struct command_option *found = &options[option - FIRST_VALUE];
        if (!found->is_flag && *optarg == '\0') /* a script's variable that is not set must not mean everybody */
            return command_usage_error(command, "--%s needs a value", found->name);
        take(found, request);
    }
    if (option == -1)
        return COMMAND_GO_ON;
    return option == 'H' ? COMMAND_DONE : COMMAND_WRONG;
}
