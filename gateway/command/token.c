#include "config/token_use.h"
#include "config/tokens.h"
#include "config/value.h"
#include "gateway/base/clock.h"
#include "gateway/command/folder.h"
#include "gateway/command/options.h"
#include "gateway/json/write.h"

#include <getopt.h>
#include <stdio.h>

struct request {
    const char *config_path;
    const char *app;
    bool is_admin;
    const char *name;
    const char *kind;
    const char *expires;
    const char *scope;
    const char *certificate;
    bool as_json;
};

/* The credentials file that --app or --admin means, or NULL after a message. */
static const char *file_of(const struct command *command, const struct config *config, const struct request *request)
{
    if ((request->app != NULL) == request->is_admin) {
        (void)command_usage_error(command, "one of --app NAME and --admin is needed");
        return NULL;
    }
    if (request->is_admin) {
        if (config->admin_tokens_file == NULL)
            (void)fprintf(stderr, "provgate: %s names no admin.tokens_file\n", config->path);
        return config->admin_tokens_file;
    }
    const struct config_app *app = command_app_find(config, request->app);
    if (app != NULL && app->prov.tokens_file == NULL)
        (void)fprintf(stderr, "provgate: the app %s has no prov.tokens_file\n", app->name);
    return app != NULL ? app->prov.tokens_file : NULL;
}

static int expiry_of(const struct command *command, const struct request *request, struct gw_arena *arena,
                     int64_t *ret_expires_ms)
{
    *ret_expires_ms = 0;
    if (request->expires == NULL)
        return COMMAND_DONE;
    int64_t ms = 0;
    const char *reason = config_duration_parse(arena, gw_str_from(request->expires), &ms);
    if (reason == NULL && ms == 0)
        reason = "a credential that expires at once is of no use";
    if (reason != NULL)
        return command_usage_error(command, "--expires: %s", reason);
    *ret_expires_ms = gw_clock_wall_ms() + ms;
    return COMMAND_DONE;
}

static int certificate_new(const char *path, const struct request *request, int64_t expires_ms, enum token_scope scope)
{
    GW_ARENA_SCOPED(arena);
    struct gw_error err;
    if (token_file_add_certificate(path, gw_str_from(request->name), request->certificate, expires_ms, scope, &arena,
                                   &err) != GW_OK)
        return command_failed(&err);
    (void)fprintf(stderr, "the fingerprint of %s is in %s as the credential %s\n", request->certificate, path,
                  request->name);
    return COMMAND_DONE;
}

static int token_new(const struct command *command, const struct config *config, const struct request *request)
{
    GW_ARENA_SCOPED(arena);
    const char *path = file_of(command, config, request);
    enum token_kind kind = TOKEN_BEARER;
    enum token_scope scope = TOKEN_SCOPE_PROVISION;
    int64_t expires_ms = 0;
    if (path == NULL || expiry_of(command, request, &arena, &expires_ms) != COMMAND_DONE)
        return COMMAND_WRONG;
    if (request->name == NULL)
        return command_usage_error(command, "--name NAME is needed");
    if (request->kind != NULL && !token_kind_parse(gw_str_from(request->kind), &kind))
        return command_usage_error(command, "--kind is bearer, raw, basic or mtls");
    if (request->scope != NULL && (request->is_admin || !token_scope_parse(gw_str_from(request->scope), &scope)))
        return command_usage_error(command, "--scope is provision, read or push, of an app");
    if ((kind == TOKEN_MTLS) != (request->certificate != NULL) || (kind == TOKEN_MTLS && request->is_admin))
        return command_usage_error(command, "--certificate FILE goes with --kind mtls, of an app");
    if (kind == TOKEN_MTLS)
        return certificate_new(path, request, expires_ms, scope);
    struct gw_error err;
    struct gw_str secret;
    if (token_file_add_scoped(path, gw_str_from(request->name), kind, expires_ms, scope, &arena, &secret, &err) !=
        GW_OK)
        return command_failed(&err);
    bool is_written = printf("%.*s\n", GW_STR_ARG(secret)) > 0 && fflush(stdout) == 0;
    gw_secret_wipe((char *)(uintptr_t)secret.ptr, secret.len);
    if (!is_written) {
        (void)fprintf(stderr, "provgate: the secret could not be written, and nobody knows it; revoke %s in %s\n",
                      request->name, path);
        return COMMAND_FAILED;
    }
    (void)fprintf(stderr, "the digest of the credential %s (%s) is in %s; the secret above is shown this once\n",
                  request->name, token_kind_name(kind), path);
    return COMMAND_DONE;
}

static int token_revoke(const struct command *command, const struct config *config, const struct request *request)
{
    const char *path = file_of(command, config, request);
    if (path == NULL)
        return COMMAND_WRONG;
    if (request->name == NULL)
        return command_usage_error(command, "--name NAME is needed");
    struct gw_error err;
    if (token_file_remove(path, gw_str_from(request->name), &err) != GW_OK)
        return command_failed(&err);
    (void)fprintf(stderr, "revoked %s in %s\n", request->name, path);
    return COMMAND_DONE;
}

static struct json_value *token_entry(struct gw_arena *arena, const struct token *token, const char *created,
                                      const char *expires, const char *used)
{
    struct json_value *entry = json_object_new(arena);
    json_object_append(arena, entry, GW_STR("name"), json_string_new(arena, token->name));
    json_object_append(arena, entry, GW_STR("kind"), json_string_new(arena, gw_str_from(token_kind_name(token->kind))));
    json_object_append(arena, entry, GW_STR("scope"),
                       json_string_new(arena, gw_str_from(token_scope_name(token->scope))));
    json_object_append(arena, entry, GW_STR("created"),
                       json_string_new(arena, gw_arena_copy(arena, gw_str_from(created))));
    if (token->expires_ms != 0)
        json_object_append(arena, entry, GW_STR("expires"),
                           json_string_new(arena, gw_arena_copy(arena, gw_str_from(expires))));
    if (used != NULL)
        json_object_append(arena, entry, GW_STR("used"),
                           json_string_new(arena, gw_arena_copy(arena, gw_str_from(used))));
    json_object_append(arena, entry, GW_STR("expired"),
                       json_bool_new(arena, token->expires_ms != 0 && token->expires_ms <= gw_clock_wall_ms()));
    return entry;
}

static void print_tokens(const struct token_set *set, const struct token_use *use, const char *app, bool as_json)
{
    GW_ARENA_SCOPED(arena);
    struct json_value *list = json_array_new(&arena);
    for (size_t i = 0; i < set->count; i++) {
        const struct token *token = &set->tokens[i];
        char created[GW_TIME_TEXT_MAX];
        char expires[GW_TIME_TEXT_MAX] = "never";
        (void)gw_time_format(token->created_ms, created);
        if (token->expires_ms != 0)
            (void)gw_time_format(token->expires_ms, expires);
        char used[GW_TIME_TEXT_MAX] = "unknown";
        int64_t used_ms = app != NULL ? token_use_find(use, gw_str_from(app), token->name) : 0;
        if (used_ms != 0)
            (void)gw_time_format(used_ms, used);
        if (as_json)
            json_array_append(&arena, list, token_entry(&arena, token, created, expires, used_ms != 0 ? used : NULL));
        else
            (void)printf("%-24.*s %-6s %-9s created %s expires %s used %s\n", GW_STR_ARG(token->name),
                         token_kind_name(token->kind), token_scope_name(token->scope), created, expires, used);
    }
    struct gw_str text = json_text(&arena, list);
    if (as_json)
        (void)printf("%.*s\n", GW_STR_ARG(text));
}

static int token_list(const struct command *command, const struct config *config, const struct request *request)
{
    const char *path = file_of(command, config, request);
    struct token_set *set = NULL;
    struct gw_error err;
    if (path == NULL)
        return COMMAND_WRONG;
    if (token_set_load(path, &set, &err) != GW_OK)
        return command_failed(&err);
    struct token_use *use = token_use_new(config->store_path);
    print_tokens(set, use, request->app, request->as_json);
    token_use_free(use);
    token_set_free(set);
    return command_output_done(COMMAND_DONE);
}

static const struct verb {
    const char *name;
    int (*run)(const struct command *command, const struct config *config, const struct request *request);
} verbs[] = {{"new", token_new}, {"list", token_list}, {"revoke", token_revoke}};

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"), COMMAND_TEXT(request, app, "app"),
    COMMAND_FLAG(request, is_admin, "admin"),     COMMAND_TEXT(request, name, "name"),
    COMMAND_TEXT(request, kind, "kind"),          COMMAND_TEXT(request, expires, "expires"),
    COMMAND_TEXT(request, scope, "scope"),        COMMAND_TEXT(request, certificate, "certificate"),
    COMMAND_FLAG(request, as_json, "json"),
};

static int run_verb(const struct command *command, const struct verb *verb, const struct request *request)
{
    struct config *config = NULL;
    if (command_config_load(request->config_path, &config) != COMMAND_DONE)
        return COMMAND_WRONG;
    int status = verb->run(command, config, request);
    config_unref(config);
    return status;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT};
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof options[0], &request);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind + 1 != argc)
        return command_usage_error(command, "one of new, list, revoke is needed");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[optind], verbs[i].name) == 0)
            return run_verb(command, &verbs[i], &request);
    }
    return command_usage_error(command, "\"%s\" is not one of new, list, revoke", argv[optind]);
}

const struct command command_token = {
    .name = "token",
    .summary = "make, list and revoke credentials",
    .usage =
        "usage: provgate token new    --app NAME|--admin --name NAME [--kind bearer|raw|basic] [--expires 90d]\n"
        "                             [--scope provision|read|push]\n"
        "       provgate token new    --app NAME --name NAME --kind mtls --certificate FILE [--expires 90d] [--scope "
        "...]\n"
        "       provgate token list   --app NAME|--admin [--json]\n"
        "       provgate token revoke --app NAME|--admin --name NAME\n"
        "`new` prints the secret once, alone on stdout; only its digest is kept. A credential answers only to its own\n"
        "form of the Authorization field: \"Bearer SECRET\", the bare SECRET, or Basic with the name as user name.\n"
        "mtls has no secret: whoever proves to have the key of that client certificate needs no Authorization field.\n"
        "Scopes: provision (everything), read (look and search), push (also create and update users).\n"
        "  --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
        "  --app NAME     the app whose prov face takes the credential\n"
        "  --admin        the admin face instead\n",
    .run = run,
};
