#include "gateway/command/policy_show.h"
#include "routes/scim/handlers/user_rules.h"
#include "store/inspect.h"

/* One way in: a sign-on, or a POST. */
struct way {
    const char *way;
    struct gw_str rules;
    const char *outcome; /* "join", "observe", "refuse", "create", "adopt", "revive" */
    const char *rule;    /* that named the user; NULL: none */
    uint64_t seq;        /* 0: nobody */
    struct gw_str reason;
};

static const char *match_name(enum config_match match)
{
    static const char *const names[] = {[CONFIG_MATCH_USER_NAME] = "userName",
                                        [CONFIG_MATCH_EXTERNAL_ID] = "externalId",
                                        [CONFIG_MATCH_EMAIL] = "email"};
    return names[match];
}

static enum store_index index_of(enum config_match match)
{
    static const enum store_index indexes[] = {[CONFIG_MATCH_USER_NAME] = STORE_INDEX_USER_NAME,
                                               [CONFIG_MATCH_EXTERNAL_ID] = STORE_INDEX_EXTERNAL_ID,
                                               [CONFIG_MATCH_EMAIL] = STORE_INDEX_EMAIL};
    return indexes[match];
}

static enum gw_code refuse_inactive(struct command_folder *folder, struct way *way, struct gw_error *err)
{
    struct store_user_state state;
    enum gw_code code = store_user_state_get(folder->reader, folder->number, way->seq, &state);
    if (code != GW_OK)
        return gw_fail(err, code, "the user cannot be read");
    bool is_in = (state.flags & STORE_USER_ACTIVE) != 0 && (state.flags & STORE_USER_LOCKED) == 0;
    way->outcome = is_in ? "join" : "refuse";
    if (!is_in)
        way->reason =
            (state.flags & STORE_USER_LOCKED) != 0 ? GW_STR("the user is locked") : GW_STR("the user is deactivated");
    return GW_OK;
}

/* What the app itself or a header of it says is a userName. */
static enum config_match match_of(const struct config_identity *identity)
{
    bool is_claim = identity->kind == CONFIG_IDENTITY_PROBE || identity->kind == CONFIG_IDENTITY_HEADER;
    return is_claim ? CONFIG_MATCH_USER_NAME : identity->saml.match;
}

/* The value that a sign-on brings is the name that was asked for, whatever the rule compares it with. */
static enum gw_code foresee_sign_on(struct command_folder *folder, const struct config_app *app,
                                    const struct config_identity *identity, const char *name, struct way *way,
                                    struct gw_error *err)
{
    static const char *const names[] = {[CONFIG_IDENTITY_SAML] = "sign-on",
                                        [CONFIG_IDENTITY_ID_TOKEN] = "id_token",
                                        [CONFIG_IDENTITY_PROBE] = "probe",
                                        [CONFIG_IDENTITY_HEADER] = "header"};
    enum config_match match = match_of(identity);
    struct store_join join = {.folder = folder->number, .match = index_of(match), .value = gw_str_from(name)};
    struct gw_error refusal;
    *way = (struct way){.way = names[identity->kind], .rules = gw_str_from(match_name(match))};
    enum gw_code code = folder->number != 0 ? store_join_find(folder->reader, &join, &way->seq, &refusal) : GW_OK;
    if (code == GW_E_CONFLICT) {
        way->outcome = "refuse";
        way->reason = GW_STR("it names two users");
        return GW_OK;
    }
    if (code == GW_E_FORBIDDEN) {
        way->seq = 0;
        way->outcome = "refuse";
        way->reason = GW_STR("the user of that name was deleted, and nobody has provisioned the person again");
        return GW_OK;
    }
    if (code != GW_OK) {
        *err = refusal;
        return code;
    }
    way->rule = way->seq != 0 ? match_name(match) : NULL;
    if (way->seq != 0)
        return refuse_inactive(folder, way, err);
    way->outcome = app->sso.unknown == CONFIG_UNKNOWN_OBSERVE ? "observe" : "refuse";
    if (app->sso.unknown != CONFIG_UNKNOWN_OBSERVE)
        way->reason = GW_STR("nobody of that name is known, and sso.unknown is refuse");
    return GW_OK;
}

static const char *outcome_name(enum store_outcome outcome)
{
    return outcome == STORE_OUTCOME_ADOPTED ? "adopt" : outcome == STORE_OUTCOME_REVIVED ? "revive" : "create";
}

static bool is_refusal(enum gw_code code)
{
    return code == GW_E_UNIQUENESS || code == GW_E_CONFLICT || code == GW_E_INVALID_VALUE;
}

static enum gw_code foresee_post(struct command_folder *folder, const struct config_policy *policy,
                                 const struct policy_question *question, struct gw_arena *arena, struct way *way,
                                 struct gw_error *err)
{
    struct gw_str email = gw_str_from(question->email);
    struct store_user_draft draft = {.user_name = gw_str_from(question->name),
                                     .external_id = gw_str_from(question->external_id),
                                     .emails = &email,
                                     .email_count = email.len > 0,
                                     .active = true};
    struct gw_error refusal;
    struct store_foreseen foreseen = {.outcome = STORE_OUTCOME_CREATED};
    *way = (struct way){.way = "POST"};
    for (size_t i = 0; i < policy->match_count; i++)
        way->rules =
            gw_arena_printf(arena, "%.*s%s%s", GW_STR_ARG(way->rules), i > 0 ? ", " : "", match_name(policy->match[i]));
    enum gw_code code = GW_OK;
    if (user_rules_is_service(&folder->prov_app->prov, arena, draft.user_name))
        code = gw_fail(&refusal, GW_E_UNIQUENESS, "this is the name of provgate's service user");
    else if (folder->number != 0)
        code = store_foresee_create(folder->reader, folder->number, &draft, user_rules_match(policy), policy->adopt,
                                    policy->revive, &foreseen, &refusal);
    way->seq = foreseen.seq;
    way->rule = foreseen.rule;
    way->outcome = code == GW_OK ? outcome_name(foreseen.outcome) : "refuse";
    if (code == GW_OK)
        return GW_OK;
    way->reason = gw_arena_printf(arena, "%s: %s", code == GW_E_INVALID_VALUE ? "400" : "409", refusal.text);
    if (is_refusal(code))
        return GW_OK;
    *err = refusal;
    return code;
}

static enum gw_code print_way(struct command_folder *folder, const struct way *way, struct json_value *ways,
                              struct gw_arena *arena, struct gw_error *err)
{
    struct store_user user = {.seq = 0};
    if (way->seq != 0)
        GW_TRY(store_user_get(folder->reader, arena, folder->number, way->seq, &user, err));
    if (ways != NULL) {
        struct json_value *entry = json_object_new(arena);
        command_text_append(arena, entry, GW_STR("way"), gw_str_from(way->way));
        command_text_append(arena, entry, GW_STR("match"), way->rules);
        command_text_append(arena, entry, GW_STR("outcome"), gw_str_from(way->outcome));
        if (way->rule != NULL)
            command_text_append(arena, entry, GW_STR("rule"), gw_str_from(way->rule));
        if (way->seq != 0) {
            command_text_append(arena, entry, GW_STR("userName"), user.user_name);
            command_text_append(arena, entry, GW_STR("userId"), command_id_text(folder, arena, user.seq));
        }
        if (way->reason.len > 0)
            command_text_append(arena, entry, GW_STR("reason"), way->reason);
        json_array_append(arena, ways, entry);
        return GW_OK;
    }
    (void)printf("%-8s match %.*s: %s", way->way, GW_STR_ARG(way->rules), way->outcome);
    if (way->seq != 0) {
        (void)printf(" %.*s (", GW_STR_ARG(command_id_text(folder, arena, user.seq)));
        command_print_text(stdout, user.user_name);
        (void)printf(", %s, %s) by %s", command_state_text(&user), command_origin_text(&user), way->rule);
    }
    if (way->reason.len > 0) {
        (void)fputs("; ", stdout);
        command_print_text(stdout, way->reason);
    }
    (void)putchar('\n');
    return GW_OK;
}

/* In one snapshot. */
static enum gw_code show_ways(struct command_folder *folder, const struct config_app *app,
                              const struct policy_question *question, struct json_value *ways, struct gw_arena *arena,
                              struct gw_error *err)
{
    struct way way;
    for (size_t i = 0; app->sso.is_present && i < app->sso.identity_count; i++) {
        GW_TRY(foresee_sign_on(folder, app, &app->sso.identities[i], question->name, &way, err));
        GW_TRY(print_way(folder, &way, ways, arena, err));
    }
    if (folder->prov_app == NULL)
        return GW_OK;
    GW_TRY(foresee_post(folder, &folder->prov_app->prov.policy, question, arena, &way, err));
    return print_way(folder, &way, ways, arena, err);
}

enum gw_code policy_match_show(struct command_folder *folder, const struct config_app *app,
                               const struct policy_question *question, bool as_json, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct json_value *ways = as_json ? json_array_new(&arena) : NULL;
    GW_TRY(store_reader_begin(folder->reader, err));
    enum gw_code code = show_ways(folder, app, question, ways, &arena, err);
    store_reader_end(folder->reader);
    if (code == GW_OK && as_json && !command_print_json(stdout, ways))
        code = gw_fail(err, GW_E_INTERNAL, "the output could not be written");
    return code;
}
