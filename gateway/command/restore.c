#include "gateway/command/backup_progress.h"
#include "gateway/command/folder.h"
#include "gateway/command/options.h"

#include <getopt.h>
#include <stdio.h>

static int restore(const struct config *config, const char *from, bool as_json)
{
    struct gw_error err;
    struct store *backup = NULL;
    struct store_stats stats;
    uint64_t bytes = 0;
    enum gw_code code = store_open_to_copy(from, config->store_max_size, &backup, &err);
    if (code == GW_E_NOT_FOUND)
        code = gw_fail(&err, GW_E_NOT_FOUND, "there is no backup in %s", from);
    if (code == GW_OK)
        code = command_backup_run(backup, config->store_path, store_restore, &stats, &bytes, &err);
    store_close(backup);
    if (code != GW_OK)
        return command_failed(&err);
    command_backup_print(config->store_path, &stats, bytes, as_json);
    (void)fputs(
        "Whoever was deactivated or locked after the backup was made is let in again: before the app is served,\n"
        "let Okta provision again, and look at the activity of the old store if there is one.\n",
        stderr);
    return command_output_done(COMMAND_DONE);
}

struct request {
    const char *config_path;
    const char *from;
    bool as_json;
};

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"),
    COMMAND_TEXT(request, from, "from"),
    COMMAND_FLAG(request, as_json, "json"),
};

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT};
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof options[0], &request);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind < argc || request.from == NULL)
        return command_usage_error(command, "--from DIR is needed, and nothing else");
    struct config *config = NULL;
    if (command_config_load(request.config_path, &config) != COMMAND_DONE)
        return COMMAND_WRONG;
    status = restore(config, request.from, request.as_json);
    config_unref(config);
    return status;
}

const struct command command_restore = {
    .name = "restore",
    .summary = "make the configured store from a backup",
    .usage =
        "usage: provgate restore --from DIR [--config FILE] [--json]\n"
        "Copies the backup in DIR to store.path, which must not exist or be empty, and verifies every record. An\n"
        "existing store is never touched: move it away first. Ids that were given out after the backup was made are\n"
        "not given to others. A backup that an older provgate made is brought to this one's format; it stays as it "
        "is.\n"
        "  --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
        "  --from DIR     what `provgate backup` made\n"
        "  --json         one JSON object instead of a line\n",
    .run = run,
};
