#include "config/tokens.h"
#include "gateway/command/options.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Missing folders above `path`. */
static enum gw_code make_folders(const char *path, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        const char *folder = gw_arena_cstr(&arena, gw_str_n(path, (size_t)(slash - path)));
        if (mkdir(folder, 0755) != 0 && errno != EEXIST)
            return gw_fail(err, GW_E_CONFIG, "%s: cannot be made: %s", folder, strerror(errno));
    }
    return GW_OK;
}

static enum gw_code write_example(const char *path, struct gw_error *err)
{
    GW_TRY(make_folders(path, err));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return gw_fail(err, GW_E_CONFIG, "%s: cannot be written: %s", path, strerror(errno));
    const char *text = config_example_text();
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    ok = close(fd) == 0 && ok;
    return ok ? GW_OK : gw_fail(err, GW_E_CONFIG, "%s: cannot be written", path);
}

static enum gw_code make_store(const struct config *config, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    const char *data = gw_arena_printf(&arena, "%s/data.mdb", config->store_path).ptr;
    if (access(data, F_OK) == 0) {
        (void)fprintf(stderr, "store: %s is there already, left as it is\n", config->store_path);
        return GW_OK;
    }
    GW_TRY(make_folders(config->store_path, err));
    GW_TRY(store_create(config->store_path, config->store_max_size, err));
    (void)fprintf(stderr, "store: made %s\n", config->store_path);
    return GW_OK;
}

static enum gw_code make_tokens(const char *path, const char *hint, struct gw_error *err)
{
    bool is_made = false;
    if (path == NULL)
        return GW_OK;
    GW_TRY(make_folders(path, err));
    GW_TRY(token_file_touch(path, &is_made, err));
    if (is_made)
        (void)fprintf(stderr, "credentials: made %s, empty; provgate token new %s --name NAME\n", path, hint);
    return GW_OK;
}

static enum gw_code make_all(const struct config *config, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    GW_TRY(make_store(config, err));
    for (size_t i = 0; i < config->app_count; i++) {
        const struct config_app *app = &config->apps[i];
        if (app->prov.is_present)
            GW_TRY(make_tokens(app->prov.tokens_file, gw_arena_printf(&arena, "--app %s", app->name).ptr, err));
    }
    return make_tokens(config->admin_tokens_file, "--admin", err);
}

static int init(const char *path)
{
    struct gw_error err;
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        if (write_example(path, &err) != GW_OK)
            return command_failed(&err);
        (void)fprintf(stderr, "configuration: wrote an example to %s; edit it, then run provgate init again\n", path);
        return COMMAND_DONE;
    }
    struct config *config = NULL;
    if (command_config_load(path, &config) != COMMAND_DONE)
        return COMMAND_WRONG;
    int status = make_all(config, &err) == GW_OK ? COMMAND_DONE : command_failed(&err);
    config_unref(config);
    return status;
}

struct request {
    const char *config_path;
    bool wants_example;
};

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"),
    COMMAND_FLAG(request, wants_example, "example"),
};

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT};
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof options[0], &request);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind < argc)
        return command_usage_error(command, "unexpected \"%s\"", argv[optind]);
    if (request.wants_example) {
        (void)fputs(config_example_text(), stdout);
        return COMMAND_DONE;
    }
    return init(request.config_path);
}

const struct command command_init = {
    .name = "init",
    .summary = "make the store and the credentials files that the configuration names",
    .usage =
        "usage: provgate init [--config FILE]\n"
        "Makes what the configuration names and what is not there yet: the store, with its keys, and empty\n"
        "credentials files. Nothing that exists is changed. When FILE itself is missing, an example is written there.\n"
        "  --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
        "  --example      only print the example configuration\n",
    .run = run,
};
