/* command: the subcommands of the program. Each is one file; main looks the name up and calls it. A command parses its
 * own options (getopt_long), writes results to stdout and everything else to stderr, and never prints a secret but the
 * one that `token new` made. Main thread only. */
#pragma once

#include "config/config.h"

#define COMMAND_CONFIG_DEFAULT "/etc/provgate/provgate.yaml"

/* Exit status. */
enum command_status {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1,
    COMMAND_WRONG = 2 /* usage or configuration error */
};

struct command {
    const char *name;
    const char *summary;                                              /* one line */
    const char *usage;                                                /* the text of --help */
    int (*run)(const struct command *command, int argc, char **argv); /* argv[0] is the command's name */
};

extern const struct command command_init;
extern const struct command command_check;
extern const struct command command_token;
extern const struct command command_user;
extern const struct command command_activity;
extern const struct command command_backup;
extern const struct command command_restore;
extern const struct command command_export;
extern const struct command command_import;
extern const struct command command_policy;
extern const struct command command_guard;
extern const struct command command_why;
extern const struct command command_coverage;
extern const struct command command_version;

/* For the commands. */

/* "provgate NAME: reason; see provgate NAME --help" on stderr. Returns COMMAND_WRONG. */
int command_usage_error(const struct command *command, const char *fmt, ...) GW_PRINTF(2, 3);

/* The error's text on stderr. Returns COMMAND_WRONG for errors of usage and configuration, else COMMAND_FAILED. */
int command_failed(const struct gw_error *err);

/* COMMAND_DONE and a reference in `*ret_config`, or COMMAND_WRONG after a message. */
int command_config_load(const char *path, struct config **ret_config);

/* Loads the configuration and asks config_check_files; findings go to stderr, one a line, warnings only when
 * `with_warnings`. COMMAND_DONE and a reference in `*ret_config`, or COMMAND_WRONG: what every start begins with. */
int command_config_ready(const char *path, bool with_warnings, struct config **ret_config);

/* The app of that name, or NULL after a message with a suggestion. */
const struct config_app *command_app_find(const struct config *config, const char *name);
