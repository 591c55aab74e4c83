#include "gateway/command/command.h"

#include "config/suggest.h"

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

int command_failed(const struct gw_error *err)
{
    (void)fprintf(stderr, "provgate: %s\n", err->text);
    bool is_wrong = err->code == GW_E_USAGE || err->code == GW_E_CONFIG;
    return is_wrong ? COMMAND_WRONG : COMMAND_FAILED;
}

int command_config_load(const char *path, struct config **ret_config)
{
    struct gw_error err;
    if (config_load(path, GW_STR_NONE, ret_config, &err) == GW_OK)
        return COMMAND_DONE;
    (void)fprintf(stderr, "%s\n", err.text);
    return COMMAND_WRONG;
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
    struct config *config = NULL;
    if (command_config_load(path, &config) != COMMAND_DONE)
        return COMMAND_WRONG;
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
