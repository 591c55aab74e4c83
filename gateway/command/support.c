#include "gateway/command/command.h"

#include "config/suggest.h"

#include <getopt.h>
#include <stdio.h>

int command_usage_error(const struct command *command, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)fprintf(stderr, "provgate %s: ", command->name);
    (void)vfprintf(stderr, fmt, args);
    (void)fprintf(stderr, "; see provgate %s --help\n", command->name);
    va_end(args);
    return COMMAND_WRONG;
}

int command_option_next(const struct command *command, int argc, char **argv, const struct option *options, bool start)
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

int command_failed(const struct gw_error *err)
{
    (void)fprintf(stderr, "provgate: %s\n", err->text);
    bool is_wrong = err->code == GW_E_USAGE || err->code == GW_E_CONFIG;
    return is_wrong ? COMMAND_WRONG : COMMAND_FAILED;
}

static void print_finding(enum config_severity severity, const char *text, void *data)
{
    const bool *with_warnings = data;
    if (severity == CONFIG_ERROR)
        (void)fprintf(stderr, "%s\n", text);
    else if (*with_warnings)
        (void)fprintf(stderr, "warning: %s\n", text);
}

int command_config_ready(const char *path, bool with_warnings, struct config **ret_config)
{
    struct gw_error err;
    struct config *config = NULL;
    if (config_load(path, GW_STR_NONE, &config, &err) != GW_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return COMMAND_WRONG;
    }
    if (config_check_files(config, print_finding, &with_warnings) > 0) {
        config_unref(config);
        return COMMAND_WRONG;
    }
    *ret_config = config;
    return COMMAND_DONE;
}

const struct config_app *command_app_find(const struct config *config, const char *name)
{
    const char *names[CONFIG_APPS_MAX];
    for (size_t i = 0; i < config->app_count; i++) {
        if (strcmp(config->apps[i].name, name) == 0)
            return &config->apps[i];
        names[i] = config->apps[i].name;
    }
    const char *close = config_suggest(gw_str_from(name), names, config->app_count);
    (void)fprintf(stderr, "provgate: %s names no app \"%s\"%s%s%s\n", config->path, name,
                  close != NULL ? "; did you mean " : "", close != NULL ? close : "", close != NULL ? "?" : "");
    return NULL;
}
