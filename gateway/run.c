#include "gateway/run.h"
#include "gateway/command/options.h"

#include "gateway/base/log.h"
#include "gateway/process.h"
#include "gateway/shared.h"
#include "gateway/supervisor.h"
#include "store/migrate.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define MIGRATION_LOG_PERCENT 10u

static void on_migrated(uint64_t done, uint64_t total, void *data)
{
    uint64_t *next_percent = data;
    uint64_t percent = total > 0 ? done * 100 / total : 100;
    if (percent < *next_percent)
        return;
    *next_percent = percent + MIGRATION_LOG_PERCENT;
    gw_log(GW_LOG_INFO, "migration", "bringing the store to format %u: %llu %%", STORE_FORMAT_VERSION,
           (unsigned long long)percent);
}

bool run_migrate(const struct config *config)
{
    struct gw_error err;
    uint32_t from = 0;
    uint64_t next_percent = 0;
    enum gw_code code =
        store_migrate(config->store_path, config->store_max_size, on_migrated, &next_percent, &from, &err);
    if (code == GW_OK && from < STORE_FORMAT_VERSION)
        gw_log(GW_LOG_INFO, "migration", "the store had format %u and has format %u now", from, STORE_FORMAT_VERSION);
    if (code != GW_OK && from != 0)
        gw_log(GW_LOG_ERROR, "migration", "the store keeps format %u: %s", from, err.text);
    return code == GW_OK || from == 0;
}

struct request {
    const char *config_path;
};

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"),
};

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT};
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof options[0], &request);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind < argc)
        return command_usage_error(command, "unexpected word %s", argv[optind]);
    return supervisor_run(request.config_path);
}

const struct command command_run = {
    .name = "run",
    .summary = "serve until told to stop",
    .usage = "usage: provgate run [--config FILE]\n"
             "Serves until it is told to stop (SIGTERM, or an interrupt from the terminal): running requests have\n"
             "ten seconds to finish; a second signal ends it at once. The store must exist: provgate init.\n"
             "SIGHUP reads the configuration again, SIGUSR2 starts the program again from its file; both without a\n"
             "request lost, and with what serves going on when they fail.\n"
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
    uint64_t place = 0;
    child_fds_layout(CHILD_SSO, &(struct config){0}, 0, &fds);
    bool is_ours = argc == 6 && strcmp(argv[2], "--config") == 0 && strcmp(argv[4], "--place") == 0 &&
                   gw_str_to_u64(gw_str_from(argv[5]), SHARED_PLACES - 1, &place) && fcntl(fds.shared, F_GETFD) >= 0;
    if (!is_ours)
        return command_usage_error(command, "it is started by provgate run only");
    struct child_start start = {.config_path = argv[3], .place = (uint32_t)place};
    start.kind = strcmp(argv[1], child_name(CHILD_SSO)) == 0 ? CHILD_SSO : CHILD_PROV;
    return start.kind == CHILD_SSO ? sso_process_run(&start) : prov_process_run(&start);
}

const struct command command_child = {
    .name = "child",
    .summary = NULL, /* hidden */
    .usage = "usage: none; provgate run starts it\n",
    .run = run_child,
};
