#include "gateway/base/priority.h"
#include "gateway/command/backup_progress.h"
#include "gateway/command/folder.h"
#include "gateway/command/options.h"

#include <getopt.h>
#include <stdio.h>

struct request {
    const char *config_path;
    const char *to;
    bool as_json;
};

static int backup(const struct config *config, const struct request *request)
{
    struct gw_error err;
    struct store *store = NULL;
    struct store_stats stats;
    uint64_t bytes = 0;
    (void)gw_priority_lower(GW_PRIORITY_COMMAND);
    enum gw_code code = store_open(config->store_path, config->store_max_size, &store, &err);
    if (code == GW_OK)
        code = command_backup_run(store, request->to, store_backup, &stats, &bytes, &err);
    store_close(store);
    if (code != GW_OK)
        return command_failed(&err);
    command_backup_print(request->to, &stats, bytes, request->as_json);
    return command_output_done(COMMAND_DONE);
}

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"),
    COMMAND_TEXT(request, to, "to"),
    COMMAND_FLAG(request, as_json, "json"),
};

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT};
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof options[0], &request);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind < argc || request.to == NULL)
        return command_usage_error(command, "--to DIR is needed, and nothing else");
    struct config *config = NULL;
    if (command_config_load(request.config_path, &config) != COMMAND_DONE)
        return COMMAND_WRONG;
    status = backup(config, &request);
    config_unref(config);
    return status;
}

const struct command command_backup = {
    .name = "backup",
    .summary = "copy the store to a new folder, while it is in use",
    .usage =
        "usage: provgate backup --to DIR [--config FILE] [--json]\n"
        "Copies the store, as it is at one moment, to DIR, which must not exist or be empty: data.mdb, compact, and\n"
        "store.key, without which no session and no id means anything. Then every record of the copy is read and\n"
        "verified. A running provgate goes on. Keep a backup as secret as the store itself.\n"
        "  --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
        "  --to DIR       where to\n"
        "  --json         one JSON object instead of a line\n",
    .run = run,
};
