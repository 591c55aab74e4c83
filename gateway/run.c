#include "gateway/run.h"

#include "gateway/base/log.h"
#include "gateway/process.h"
#include "gateway/shared.h"
#include "gateway/supervisor.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'H'}, {NULL, 0, NULL, 0}};
    const char *path = COMMAND_CONFIG_DEFAULT;
    for (int option = command_option_next(command, argc, argv, options, true); option != -1;
         option = command_option_next(command, argc, argv, options, false)) {
        if (option != 'c')
            return option == 'H' ? COMMAND_DONE : COMMAND_WRONG;
        path = optarg;
    }
    if (optind < argc)
        return command_usage_error(command, "unexpected word %s", argv[optind]);
    struct config *config = NULL;
    int status = command_config_ready(path, true, &config);
    if (status != COMMAND_DONE)
        return status;
    gw_log_init("run", GW_LOG_INFO);
    gw_log_start();
    status = supervisor_run(config);
    config_unref(config);
    return status;
}

const struct command command_run = {
    .name = "run",
    .summary = "serve until told to stop",
    .usage = "usage: provgate run [--config FILE]\n"
             "Serves until it is told to stop (SIGTERM, or an interrupt from the terminal): running requests have\n"
             "ten seconds to finish; a second signal ends it at once. The store must exist: provgate init.\n"
             "\n"
             "  --config FILE  the configuration (default " COMMAND_CONFIG_DEFAULT ")\n"
             "  --help         this text\n"
             "\n"
             "Exit status: 0 stopped by a signal, 1 could not start, 2 usage or configuration error.\n",
    .run = run,
};

static int run_child(const struct command *command, int argc, char **argv)
{
    struct child_fds fds;
    child_fds_layout(CHILD_SSO, &(struct config){0}, 0, &fds);
    bool is_ours = argc == 4 && strcmp(argv[2], "--config") == 0 && fcntl(fds.shared, F_GETFD) >= 0;
    if (!is_ours)
        return command_usage_error(command, "it is started by provgate run only");
    return strcmp(argv[1], child_name(CHILD_SSO)) == 0 ? sso_process_run(argv[3]) : prov_process_run(argv[3]);
}

const struct command command_child = {
    .name = "child",
    .summary = NULL, /* hidden */
    .usage = "usage: none; provgate run starts it\n",
    .run = run_child,
};
