#include "gateway/base/text.h"
#include "gateway/command/options.h"
#include "gateway/command/policy_show.h"

#include <getopt.h>

#define REASON_BYTES_MAX 256u

struct request {
    const char *config_path;
    const char *app;
    const char *name;
    const char *external_id;
    const char *email;
    const char *user;
    const char *id;
    const char *event;
    const char *change;
    const char *reason;
    bool as_json;
};

static int match(const struct command *command, struct command_folder *folder, const struct config_app *app,
                 const struct request *request)
{
    struct policy_question question = {request->name, request->external_id, request->email};
    struct gw_error err;
    if (request->name == NULL)
        return command_usage_error(command, "--name NAME is needed");
    if (policy_match_show(folder, app, &question, request->as_json, &err) != GW_OK)
        return command_failed(&err);
    return command_output_done(COMMAND_DONE);
}

static bool read_event(const char *text, enum policy_event *ret_event)
{
    static const char *const names[] = {
        [POLICY_DEACTIVATE] = "deactivate", [POLICY_REACTIVATE] = "reactivate", [POLICY_DELETE] = "delete"};
    for (size_t i = 0; text != NULL && i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], text) == 0) {
            *ret_event = (enum policy_event)i;
            return true;
        }
    }
    return false;
}

static int finish(enum gw_code code, const struct gw_error *err)
{
    return code == GW_OK ? command_output_done(COMMAND_DONE) : command_failed(err);
}

static int test_change(const struct command *command, struct command_folder *folder, const struct store_user *user,
                       const struct request *request)
{
    struct gw_error err;
    enum gw_code code = policy_change_show(folder, user, request->change, request->as_json, &err);
    return code == GW_E_USAGE ? command_usage_error(command, "%s", err.text) : finish(code, &err);
}

static int test(const struct command *command, struct command_folder *folder, const struct config_app *app,
                const struct request *request)
{
    (void)app;
    GW_ARENA_SCOPED(arena);
    enum policy_event event = POLICY_DEACTIVATE;
    struct store_user user;
    struct gw_error err;
    bool has_user = request->user != NULL || request->id != NULL;
    if ((request->event != NULL) == (request->change != NULL))
        return command_usage_error(command, "one of --event EVENT and --change FILE is needed");
    if (request->user != NULL && request->id != NULL)
        return command_usage_error(command, "only one of --user NAME and --id ID is possible");
    if (request->event != NULL && !has_user)
        return command_usage_error(command, "one of --user NAME and --id ID is needed");
    if (request->event != NULL && !read_event(request->event, &event))
        return command_usage_error(command, "--event is deactivate, reactivate or delete");
    if (has_user && command_user_find(folder, &arena, request->user, request->id, &user, &err) != GW_OK)
        return command_failed(&err);
    if (request->change != NULL)
        return test_change(command, folder, has_user ? &user : NULL, request);
    return finish(policy_test_show(folder, &user, event, request->as_json, &err), &err);
}

/* The folder's one prov face has the policy, whichever of its apps is named. */
static const struct config_brake *brake_of(const struct command_folder *folder)
{
    return folder->prov_app != NULL ? &folder->prov_app->prov.policy.brake : NULL;
}

static int brake_status(const struct command *command, struct command_folder *folder, const struct config_app *app,
                        const struct request *request)
{
    struct gw_error err;
    (void)app;
    if (brake_of(folder) == NULL)
        return command_usage_error(command, "the folder %s has no prov face, and so no brake", folder->name);
    return finish(policy_brake_show(folder, brake_of(folder), request->as_json, &err), &err);
}

static int brake_release(const struct command *command, struct command_folder *folder, const struct config_app *app,
                         const struct request *request)
{
    struct gw_error err;
    (void)app;
    if (brake_of(folder) == NULL)
        return command_usage_error(command, "the folder %s has no prov face, and so no brake", folder->name);
    return finish(policy_brake_decide(folder, brake_of(folder), NULL, request->as_json, &err), &err);
}

static int brake_reject(const struct command *command, struct command_folder *folder, const struct config_app *app,
                        const struct request *request)
{
    struct gw_error err;
    (void)app;
    if (brake_of(folder) == NULL)
        return command_usage_error(command, "the folder %s has no prov face, and so no brake", folder->name);
    if (request->reason == NULL || !gw_name_printable(gw_str_from(request->reason), REASON_BYTES_MAX))
        return command_usage_error(command, "--reason TEXT is needed: what Okta is told, at most %u bytes",
                                   REASON_BYTES_MAX);
    return finish(policy_brake_decide(folder, brake_of(folder), request->reason, request->as_json, &err), &err);
}

static const struct verb {
    const char *words[2];
    int (*run)(const struct command *command, struct command_folder *folder, const struct config_app *app,
               const struct request *request);
} verbs[] = {
    {{"match"}, match},
    {{"test"}, test},
    {{"brake", "status"}, brake_status},
    {{"brake", "release"}, brake_release},
    {{"brake", "reject"}, brake_reject},
};

static const struct verb *find_verb(int count, char **words)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        bool has_two = verbs[i].words[1] != NULL;
        if (count == 1 + has_two && strcmp(words[0], verbs[i].words[0]) == 0 &&
            (!has_two || strcmp(words[1], verbs[i].words[1]) == 0))
            return &verbs[i];
    }
    return NULL;
}

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"),
    COMMAND_TEXT(request, app, "app"),
    COMMAND_TEXT(request, name, "name"),
    COMMAND_TEXT(request, external_id, "external-id"),
    COMMAND_TEXT(request, email, "email"),
    COMMAND_TEXT(request, user, "user"),
    COMMAND_TEXT(request, id, "id"),
    COMMAND_TEXT(request, event, "event"),
    COMMAND_TEXT(request, change, "change"),
    COMMAND_TEXT(request, reason, "reason"),
    COMMAND_FLAG(request, as_json, "json"),
};

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT};
    struct command_folder folder;
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof options[0], &request);
    if (status != COMMAND_GO_ON)
        return status;
    const struct verb *verb = find_verb(argc - optind, argv + optind);
    if (verb == NULL)
        return command_usage_error(command, "one of match, test, brake status, brake release, brake reject is needed");
    if (request.app == NULL)
        return command_usage_error(command, "--app NAME is needed");
    status = command_folder_open(command, request.config_path, request.app, NULL, &folder);
    if (status != COMMAND_DONE)
        return status;
    const struct config_app *app = command_app_find(folder.config, request.app);
    status = verb->run(command, &folder, app, &request);
    command_folder_close(&folder);
    return status;
}

const struct command command_policy = {
    .name = "policy",
    .summary = "say whom a name would join and what an event would do; decide about the brake",
    .usage =
        "usage: provgate policy match --app NAME --name X [--external-id E] [--email M] [--json]\n"
        "       provgate policy test  --app NAME --user NAME|--id ID --event deactivate|reactivate|delete [--json]\n"
        "       provgate policy test  --app NAME --change FILE [--user NAME|--id ID] [--json]\n"
        "       provgate policy brake status|release --app NAME [--json]\n"
        "       provgate policy brake reject         --app NAME --reason TEXT [--json]\n"
        "`match` and `test` change nothing. `match` says whom a sign-on that names X, and a provisioning POST with\n"
        "the userName X, would come to, by which rule, or why it would be refused. If the two never agree, nobody is\n"
        "ever linked. `test` says what would become of a user, of the sessions and of the record.\n"
        "`brake release` does all that the brake holds, also what Okta does not ask for again; `brake reject` answers\n"
        "403 with the reason when Okta does.\n"
        "  --config FILE    the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
        "  --change FILE    a SCIM body: what it would do as POST, with --user as PUT or (a PatchOp) as PATCH\n"
        "  --app NAME       whose policy\n"
        "  --external-id E  what the POST says besides, for policies that match on it\n"
        "  --email M        the same\n"
        "  --json           JSON instead of lines\n",
    .run = run,
};
