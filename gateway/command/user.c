#include "gateway/base/text.h"
#include "gateway/command/options.h"
#include "gateway/command/user_sessions.h"
#include "gateway/command/user_show.h"

#include <getopt.h>

#define REASON_BYTES_MAX 512u
#define LIST_COUNT_DEFAULT 100u

struct request {
    const char *config_path;
    const char *app;
    const char *folder;
    const char *user;
    const char *id;
    const char *reason;
    const char *state;
    const char *start;
    const char *count;
    bool deleted;
    bool active;
    bool sessions;
    bool as_json;
};

struct verb {
    const char *name;
    bool is_about_one; /* --user or --id */
    int (*run)(const struct command *command, struct command_folder *folder, const struct request *request,
               const struct verb *verb);
    /* of the verbs that change something */
    enum store_change_kind kind;
    bool is_urgent;
    const char *done;
    const char *unchanged;
};

static bool is_state(const char *name)
{
    const char *const *state = command_list_states;
    while (*state != NULL && strcmp(*state, name) != 0)
        state++;
    return *state != NULL;
}

static int list(const struct command *command, struct command_folder *folder, const struct request *request,
                const struct verb *verb)
{
    (void)verb;
    struct command_list_query query = {
        .state = request->state, .start = 1, .count = LIST_COUNT_DEFAULT, .as_json = request->as_json};
    if (request->deleted && (query.state != NULL || request->start != NULL))
        return command_usage_error(command, "--deleted goes with --count and --json only");
    if (query.state != NULL && !is_state(query.state))
        return command_usage_error(command,
                                   "--state is active, deactivated, locked, observed, provisioned, linked or imported");
    if (request->start != NULL &&
        (!gw_str_to_u64(gw_str_from(request->start), INT64_MAX, &query.start) || query.start == 0))
        return command_usage_error(command, "--start is a position from 1 on");
    if (request->count != NULL && !gw_str_to_u64(gw_str_from(request->count), INT64_MAX, &query.count))
        return command_usage_error(command, "--count is a number");
    struct gw_error err;
    enum gw_code code =
        request->deleted ? command_deleted_list(folder, &query, &err) : command_users_list(folder, &query, &err);
    if (code != GW_OK)
        return command_failed(&err);
    return command_output_done(COMMAND_DONE);
}

static int show(const struct command *command, struct command_folder *folder, const struct request *request,
                const struct verb *verb)
{
    (void)command;
    (void)verb;
    GW_ARENA_SCOPED(arena);
    struct gw_error err;
    struct store_user user;
    if (command_user_find(folder, &arena, request->user, request->id, &user, &err) != GW_OK ||
        command_user_show(folder, &user, request->as_json, stdout, &err) != GW_OK ||
        (request->sessions && command_user_sessions(folder, &user, request->as_json, &err) != GW_OK))
        return command_failed(&err);
    return command_output_done(COMMAND_DONE);
}

static enum gw_code apply_change(struct command_folder *folder, const struct request *request, const struct verb *verb,
                                 const struct store_user *user, struct store_change *change, struct gw_error *err)
{
    struct store_writer *writer = NULL;
    change->user_seq = user->seq;
    if (change->kind == STORE_CHANGE_USER_RESTORE)
        change->as.restore.active = request->active;
    change->is_urgent = verb->is_urgent;
    change->app = gw_str_from(request->app);
    change->reference = gw_str_from(request->reason);
    GW_TRY(command_writer_open(folder->store, STORE_ROLE_TOOL, &writer, err));
    enum gw_code code = store_writer_apply(writer, change, err);
    store_writer_free(writer);
    return code;
}

/* Reactivated is not unlocked, and the other way round: say what still keeps the user out. */
static const char *remaining(const struct store_change *change)
{
    uint32_t flags = change->result.state.flags;
    if (change->kind == STORE_CHANGE_USER_RESTORE && (flags & STORE_USER_ACTIVE) == 0)
        return "; deactivated until somebody reactivates the user";
    if (change->kind == STORE_CHANGE_USER_REACTIVATE && (flags & STORE_USER_LOCKED) != 0)
        return "; still locked";
    if (change->kind == STORE_CHANGE_USER_UNLOCK && (flags & STORE_USER_ACTIVE) == 0)
        return "; still deactivated";
    return "";
}

static void print_done(const struct command_folder *folder, const struct request *request, const struct verb *verb,
                       const struct store_user *user, const struct store_change *change)
{
    GW_ARENA_SCOPED(arena);
    struct gw_str id = command_id_text(folder, &arena, user->seq);
    bool is_changed = change->result.outcome == STORE_OUTCOME_UPDATED;
    if (!request->as_json) {
        command_print_text(stdout, user->user_name);
        (void)printf(" (%.*s) %s%s\n", GW_STR_ARG(id), is_changed ? verb->done : verb->unchanged, remaining(change));
        return;
    }
    struct store_user now = *user;
    now.state = change->result.state;
    struct json_value *top = json_object_new(&arena);
    command_text_append(&arena, top, GW_STR("id"), id);
    command_text_append(&arena, top, GW_STR("userName"), user->user_name);
    json_object_append(&arena, top, GW_STR("changed"), json_bool_new(&arena, is_changed));
    json_object_append(&arena, top, GW_STR("active"),
                       json_bool_new(&arena, (now.state.flags & STORE_USER_ACTIVE) != 0));
    json_object_append(&arena, top, GW_STR("locked"),
                       json_bool_new(&arena, (now.state.flags & STORE_USER_LOCKED) != 0));
    if (!command_print_json(stdout, top))
        return; /* command_output_done says so */
}

static int change_user(const struct command *command, struct command_folder *folder, const struct request *request,
                       const struct verb *verb)
{
    if (request->reason != NULL && !gw_name_printable(gw_str_from(request->reason), REASON_BYTES_MAX))
        return command_usage_error(command, "--reason is a text of at most %u bytes, without control characters",
                                   REASON_BYTES_MAX);
    GW_ARENA_SCOPED(arena);
    struct gw_error err;
    struct store_user user;
    enum gw_code code = verb->kind == STORE_CHANGE_USER_RESTORE && request->user != NULL
                            ? command_deleted_find(folder, &arena, request->user, &user, &err)
                            : command_user_find(folder, &arena, request->user, request->id, &user, &err);
    if (code != GW_OK)
        return command_failed(&err);
    struct store_change *change = command_change_new(folder, verb->kind);
    code = apply_change(folder, request, verb, &user, change, &err);
    if (code == GW_OK)
        print_done(folder, request, verb, &user, change);
    store_change_free(change);
    return code == GW_OK ? command_output_done(COMMAND_DONE) : command_failed(&err);
}

static const struct verb verbs[] = {
    {"list", .run = list},
    {"show", .is_about_one = true, .run = show},
    {"deactivate", true, change_user, STORE_CHANGE_USER_DEACTIVATE, true, "deactivated; all sessions ended",
     "was deactivated already"},
    {"reactivate", true, change_user, STORE_CHANGE_USER_REACTIVATE, false, "reactivated; a new sign-in is needed",
     "was active already"},
    {"lock", true, change_user, STORE_CHANGE_USER_LOCK, true, "locked; all sessions ended", "was locked already"},
    {"unlock", true, change_user, STORE_CHANGE_USER_UNLOCK, false, "unlocked; a new sign-in is needed",
     "was not locked"},
    {"restore", true, change_user, STORE_CHANGE_USER_RESTORE, false,
     "restored with the same id; memberships of groups come back by the next push", ""},
    {"end-sessions", true, change_user, STORE_CHANGE_USER_END_SESSIONS, true, "signed out; all sessions ended", ""},
};
#define VERBS_TEXT "one of list, show, deactivate, reactivate, lock, unlock, restore, end-sessions"

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"),
    COMMAND_TEXT(request, app, "app"),
    COMMAND_TEXT(request, folder, "folder"),
    COMMAND_TEXT(request, user, "user"),
    COMMAND_TEXT(request, id, "id"),
    COMMAND_TEXT(request, reason, "reason"),
    COMMAND_TEXT(request, state, "state"),
    COMMAND_TEXT(request, start, "start"),
    COMMAND_TEXT(request, count, "count"),
    COMMAND_FLAG(request, deleted, "deleted"),
    COMMAND_FLAG(request, active, "active"),
    COMMAND_FLAG(request, sessions, "sessions"),
    COMMAND_FLAG(request, as_json, "json"),
};

static int run_verb(const struct command *command, const struct verb *verb, const struct request *request)
{
    if (verb->is_about_one && (request->user != NULL) == (request->id != NULL))
        return command_usage_error(command, "one of --user NAME and --id ID is needed");
    struct command_folder folder;
    int status = command_folder_open(command, request->config_path, request->app, request->folder, &folder);
    if (status != COMMAND_DONE)
        return status;
    status = verb->run(command, &folder, request, verb);
    command_folder_close(&folder);
    return status;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT};
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof options[0], &request);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind == argc)
        return command_usage_error(command, VERBS_TEXT " is needed");
    if (optind + 1 < argc)
        return command_usage_error(command, "unexpected \"%s\"", argv[optind + 1]);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[optind], verbs[i].name) == 0)
            return run_verb(command, &verbs[i], &request);
    }
    return command_usage_error(command, "\"%s\" is not " VERBS_TEXT, argv[optind]);
}

const struct command command_user = {
    .name = "user",
    .summary = "list, show, deactivate, lock and sign out users",
    .usage =
        "usage: provgate user list         [FOLDER] [--state STATE] [--start N] [--count N] [--json]\n"
        "       provgate user list         [FOLDER] --deleted [--count N] [--json]\n"
        "       provgate user show         [FOLDER] --user NAME|--id ID [--sessions] [--json]\n"
        "       provgate user deactivate   [FOLDER] --user NAME|--id ID [--reason TEXT] [--json]\n"
        "       provgate user reactivate   ...\n"
        "       provgate user lock         ...\n"
        "       provgate user unlock       ...\n"
        "       provgate user end-sessions ...\n"
        "       provgate user restore      [FOLDER] --user NAME|--id ID [--active] [--reason TEXT] [--json]\n"
        "Works beside a running provgate: once a deactivation, a lock or the end of sessions is printed, no later\n"
        "request of the user's sessions reaches the app, and open streams are cut within a second. A lock is the\n"
        "operator's own: no call of Okta lifts it. A deactivation is Okta's `active`: its next PUT may set it again.\n"
        "A deleted user can be restored until the retention time ends (policy.retain), unless the name was given "
        "away.\n"
        "  --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
        "  --app NAME     the folder of this app; or\n"
        "  --folder NAME  this folder; neither is needed when there is one folder only\n"
        "  --user NAME    the userName, in any case\n"
        "  --id ID        the SCIM id; also finds deleted users\n"
        "  --reason TEXT  kept in the activity record as its reference\n"
        "  --state STATE  active, deactivated, locked, observed, provisioned, linked or imported\n"
        "  --sessions     of show: each bound session too; who lost one to another sign-in: activity --kind rebind\n"
        "  --start N      position of the first one (1)\n"
        "  --count N      how many at most (100); 0: all\n"
        "  --deleted      those who were deleted and can be restored, oldest first\n"
        "  --active       restore lets the user in again at once\n"
        "  --json         one JSON object a line\n",
    .run = run,
};
