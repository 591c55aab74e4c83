/* The program: looks up the command and runs it. */
#include "config/suggest.h"
#include "gateway/command/command.h"
#include "gateway/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static int no_command(const char *name)
{
    const char *names[COMMAND_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i]->summary != NULL)
            names[count++] = commands[i]->name;
    }
    const char *close = config_suggest(gw_str_from(name), names, count);
    (void)fprintf(stderr, "provgate: no command %s%s%s; see provgate --help\n", name,
                  close != NULL ? "; did you mean " : "", close != NULL ? close : "");
    return COMMAND_WRONG;
}

/* Started with one of these closed, the next file that is opened would be it: the store's, and then what is printed or
 * logged would be written into that. What is printed to nobody fails, as it should. */
static bool open_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        bool is_closed = fcntl(fd, F_GETFD) < 0;
        if (is_closed && open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) != fd)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static char help_option[] = "--help";
    if (!open_standard_files())
        return COMMAND_FAILED;
    if (argc < 2) {
        print_help(stderr);
        return COMMAND_WRONG;
    }
    bool is_help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "-h") == 0;
    if (is_help && argc == 2) {
        print_help(stdout);
        return COMMAND_DONE;
    }
    if (is_help) { /* provgate help COMMAND */
        argv[1] = argv[2];
        argv[2] = help_option;
    }
    const struct command *command = find_command(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (command == NULL)
        return no_command(argv[1]);
    return command->run(command, argc - 1, argv + 1);
}
