/* The program: looks up the command and runs it. */
#include "gateway/command/command.h"
#include "gateway/run.h"

#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {
    &command_init,     &command_run,      &command_check,   &command_token,  &command_user,    &command_policy,
    &command_activity, &command_import,   &command_export,  &command_backup, &command_restore, &command_guard,
    &command_why,      &command_coverage, &command_version, &command_child,
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_help(FILE *out)
{
    (void)fputs("provgate gives an app that only has single sign-on the full Okta provisioning life cycle.\n\n"
                "usage: provgate COMMAND [OPTIONS]\n\n",
                out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i]->summary != NULL)
            (void)fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    }
    (void)fputs("\nprovgate COMMAND --help says more. The configuration is " COMMAND_CONFIG_DEFAULT
                " unless --config names another.\n",
                out);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return COMMAND_WRONG;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return COMMAND_DONE;
    }
    const struct command *command = find_command(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (command == NULL) {
        (void)fprintf(stderr, "provgate: no command %s; see provgate --help\n", argv[1]);
        return COMMAND_WRONG;
    }
    return command->run(command, argc - 1, argv + 1);
}
