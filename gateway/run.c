#include "gateway/run.h"

#include "gateway/base/buf.h"
#include "gateway/base/log.h"
#include "gateway/process.h"
#include "gateway/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2

static const char run_help[] =
    "usage: provgate run [--config FILE]\n"
    "\n"
    "Serves until it is told to stop (SIGTERM, or an interrupt from the terminal): running requests\n"
    "have ten seconds to finish; a second signal ends it at once. The store must exist: provgate init.\n"
    "\n"
    "  --config FILE  the configuration (default " RUN_CONFIG_DEFAULT ")\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 stopped by a signal, 1 could not start, 2 the configuration or the command line is not valid.\n";

/* The exit status to end with, or -1 to go on. */
static int parse_options(int argc, char **argv, const char **ret_config)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    *ret_config = RUN_CONFIG_DEFAULT;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            *ret_config = optarg;
            break;
        case 'h':
            (void)fputs(run_help, stdout);
            return 0;
        default:
            (void)fputs(run_help, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "provgate run: unexpected word: %s\n", argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

static enum gw_code read_text(const char *path, struct gw_buf *buf, struct gw_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return gw_fail(err, GW_E_CONFIG, "%s: %s", path, strerror(errno));
    ssize_t got = 1;
    while (got > 0) {
        char *room = gw_buf_reserve(buf, 4096);
        got = room != NULL ? read(fd, room, 4096) : 0;
        if (got > 0)
            gw_buf_advance(buf, (size_t)got);
    }
    int saved = errno;
    (void)close(fd);
    if (got < 0)
        return gw_fail(err, GW_E_CONFIG, "%s: %s", path, strerror(saved));
    if (buf->overflow)
        return gw_fail(err, GW_E_CONFIG, "%s: larger than %u bytes", path, CONFIG_FILE_BYTES_MAX);
    return GW_OK;
}

static void print_finding(enum config_severity severity, const char *text, void *data)
{
    (void)data;
    (void)fprintf(stderr, "%s: %s\n", severity == CONFIG_ERROR ? "error" : "warning", text);
}

int command_run(int argc, char **argv)
{
    const char *path;
    int status = parse_options(argc, argv, &path);
    if (status >= 0)
        return status;
    GW_BUF_SCOPED(text, CONFIG_FILE_BYTES_MAX + 4096);
    struct config *config = NULL;
    struct gw_error err;
    if (read_text(path, &text, &err) != GW_OK || config_load(path, gw_buf_str(&text), &config, &err) != GW_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return EXIT_USAGE;
    }
    if (config_check_files(config, print_finding, NULL) > 0) {
        config_unref(config);
        return EXIT_USAGE;
    }
    gw_log_init("run", GW_LOG_INFO);
    status = supervisor_run(config, gw_buf_str(&text));
    config_unref(config);
    return status;
}

/* `provgate child sso|prov --config FILE`: what the supervisor executes; not for people. */
int command_child(int argc, char **argv)
{
    if (argc != 4 || strcmp(argv[2], "--config") != 0) {
        (void)fputs("provgate child: started by provgate run only\n", stderr);
        return EXIT_USAGE;
    }
    if (fcntl(CHILD_FD_CHECK, F_GETFD) < 0) {
        (void)fputs("provgate child: started by provgate run only\n", stderr);
        return EXIT_USAGE;
    }
    return strcmp(argv[1], "sso") == 0 ? sso_process_run(argv[3]) : prov_process_run(argv[3]);
}
