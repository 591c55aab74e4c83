#include "gateway/command/backup_progress.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

static int restore(const struct config *config, const char *from)
{
    struct gw_error err;
    struct store *backup = NULL;
    struct store_stats stats;
    uint64_t bytes = 0;
    enum gw_code code = store_open(from, config->store_max_size, &backup, &err);
    if (code == GW_OK)
        code = command_backup_run(backup, config->store_path, &stats, &bytes, &err);
    store_close(backup);
    if (code == GW_OK)
        code = store_restore_skip(config->store_path, config->store_max_size, &err);
    if (code != GW_OK)
        return command_failed(&err);
    (void)printf("%s: %" PRIu64 " users, %" PRIu64 " sessions; every record was read again\n", config->store_path,
                 stats.users, stats.sessions);
    (void)fputs(
        "Whoever was deactivated or locked after the backup was made is let in again: before the app is served,\n"
        "let Okta provision again, and look at the activity of the old store if there is one.\n",
        stderr);
    return fflush(stdout) == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'H'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"from", required_argument, NULL, 'f'},
                                            {NULL, 0, NULL, 0}};
    const char *path = COMMAND_CONFIG_DEFAULT;
    const char *from = NULL;
    int option = command_option_next(command, argc, argv, options, true);
    for (; option != -1; option = command_option_next(command, argc, argv, options, false)) {
        if (option == 'c')
            path = optarg;
        else if (option == 'f')
            from = optarg;
        else
            return option == 'H' ? COMMAND_DONE : COMMAND_WRONG;
    }
    if (optind < argc || from == NULL)
        return command_usage_error(command, "--from DIR is needed, and nothing else");
    struct gw_error err;
    struct config *config = NULL;
    if (config_load(path, GW_STR_NONE, &config, &err) != GW_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return COMMAND_WRONG;
    }
    int status = restore(config, from);
    config_unref(config);
    return status;
}

const struct command command_restore = {
    .name = "restore",
    .summary = "make the configured store from a backup",
    .usage =
        "usage: provgate restore --from DIR [--config FILE]\n"
        "Copies the backup in DIR to store.path, which must not exist or be empty, and verifies every record. An\n"
        "existing store is never touched: move it away first. Ids that were given out after the backup was made are\n"
        "not given to others.\n"
        "  --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
        "  --from DIR     what `provgate backup` made\n",
    .run = run,
};
