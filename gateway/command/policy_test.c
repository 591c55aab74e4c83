#include "gateway/base/clock.h"
#include "gateway/command/policy_effects.h"
#include "routes/scim/handlers/user_rules.h"
#include "store/inspect.h"

#include <inttypes.h>

void policy_effect_add(struct policy_effects *effects, const char *text)
{
    GW_ASSERT(effects->count < POLICY_EFFECTS_MAX);
    effects->texts[effects->count++] = text;
}

static void add_ended(struct policy_effects *effects, uint64_t alive)
{
    effects->is_change = true;
    effects->sessions = alive;
    policy_effect_add(
        effects, gw_arena_printf(effects->arena,
                                 "%" PRIu64 " sessions end: their next request is refused, open streams are cut", alive)
                     .ptr);
}

/* From now on. */
static void add_retention(struct policy_effects *effects, const struct config_policy *policy)
{
    if (policy == NULL || policy->after_retention == CONFIG_RETENTION_KEEP) {
        policy_effect_add(effects, "the record is kept for good (policy.after_retention: keep)");
        return;
    }
    struct gw_str end = command_time_text(effects->arena, gw_clock_wall_ms() + policy->retain_ms);
    effects->kept_until = end;
    bool goes = policy->after_retention == CONFIG_RETENTION_DELETE;
    policy_effect_add(effects, gw_arena_printf(effects->arena, "the record is kept until %.*s, and is then %s",
                                               GW_STR_ARG(end), goes ? "deleted" : "anonymised")
                                   .ptr);
}

static void foresee_deactivation(struct policy_effects *effects, const struct store_user *user,
                                 const struct config_policy *policy, uint64_t alive)
{
    if ((user->state.flags & STORE_USER_ACTIVE) == 0) {
        policy_effect_add(effects, "nothing: the user is deactivated already");
        return;
    }
    add_ended(effects, alive);
    policy_effect_add(effects, "signing in is refused until somebody reactivates the user");
    bool is_provisioned = (user->state.flags & STORE_USER_PROVISIONED) != 0;
    if (!is_provisioned && (policy == NULL || !policy->adopt)) {
        policy_effect_add(effects,
                          "not by Okta: the record is not provisioned, and policy.adopt is off (409); an operator "
                          "can do it, and the record is kept for good then");
        return;
    }
    if (!is_provisioned)
        policy_effect_add(effects,
                          "Okta's call makes the record provisioned (policy.adopt); when an operator does it, it "
                          "does not become so, and is kept for good");
    add_retention(effects, policy);
}

static void foresee_reactivation(struct policy_effects *effects, const struct store_user *user,
                                 const struct config_policy *policy)
{
    if ((user->state.flags & STORE_USER_ACTIVE) != 0) {
        policy_effect_add(effects, "nothing: the user is active already");
        return;
    }
    effects->is_change = true;
    policy_effect_add(effects, "the user is active with the same id and attributes; sessions from before stay ended");
    if ((user->state.flags & STORE_USER_LOCKED) != 0)
        policy_effect_add(effects,
                          "signing in is still refused: an operator has locked the user (provgate user unlock)");
    if (policy != NULL && !policy->revive)
        policy_effect_add(effects, "by PUT or PATCH only: policy.revive is off, and a POST is answered 409");
    bool is_provisioned = (user->state.flags & STORE_USER_PROVISIONED) != 0;
    if (policy != NULL && !policy->adopt && !is_provisioned)
        policy_effect_add(effects, "not by Okta: the record is not provisioned, and policy.adopt is off (409)");
}

static void foresee_deletion(struct policy_effects *effects, const struct config_policy *policy, uint64_t alive)
{
    add_ended(effects, alive);
    policy_effect_add(
        effects, "the record is gone from every SCIM answer and total at once; provgate user restore brings it back");
    add_retention(effects, policy);
    policy_effect_add(
        effects, "provisioning the same person again makes a new user with a new id; until then signing in is refused");
}

static enum gw_code foresee_brake(struct policy_effects *effects, struct command_folder *folder,
                                  const struct store_user *user, const struct config_policy *policy,
                                  struct gw_error *err)
{
    static const char *const texts[] = {[STORE_BRAKE_PASSES] = "lets it pass",
                                        [STORE_BRAKE_ALERTS] = "lets it pass, with an alarm",
                                        [STORE_BRAKE_HOLDS] = "holds it when Okta asks for it (429)"};
    const struct store_brake brake = user_rules_brake(policy);
    struct store_brake_foreseen seen;
    GW_TRY(store_brake_foresee(folder->reader, effects->arena, user, &brake, gw_clock_wall_ms(), &seen, err));
    effects->brake = seen.verdict;
    if (seen.verdict == STORE_BRAKE_REJECTS) {
        policy_effect_add(effects, gw_arena_printf(effects->arena, "refused with 403: an operator rejected this: %.*s",
                                                   GW_STR_ARG(seen.reason))
                                       .ptr);
        return GW_OK;
    }
    policy_effect_add(effects,
                      gw_arena_printf(effects->arena,
                                      "the brake %s: %" PRIu64 " of %" PRIu64 " users are out, it engages at %" PRIu64,
                                      texts[seen.verdict], seen.count, seen.base, seen.limit)
                          .ptr);
    return GW_OK;
}

static enum gw_code foresee(struct policy_effects *effects, struct command_folder *folder,
                            const struct store_user *user, enum policy_event event, struct gw_error *err)
{
    struct store_session_count sessions;
    const struct config_policy *policy = folder->prov_app != NULL ? &folder->prov_app->prov.policy : NULL;
    if ((user->state.flags & STORE_USER_DELETED) != 0) {
        policy_effect_add(effects, "nothing: the user is deleted already, and no call finds the record");
        return GW_OK;
    }
    GW_TRY(store_user_sessions(folder->reader, user, &sessions, err));
    if (event == POLICY_DEACTIVATE)
        foresee_deactivation(effects, user, policy, sessions.alive);
    else if (event == POLICY_REACTIVATE)
        foresee_reactivation(effects, user, policy);
    else
        foresee_deletion(effects, policy, sessions.alive);
    bool is_okta_let = policy != NULL &&
                       (policy->adopt || (user->state.flags & STORE_USER_PROVISIONED) != 0 || event == POLICY_DELETE);
    bool is_out = event != POLICY_REACTIVATE && effects->is_change;
    return is_out && is_okta_let ? foresee_brake(effects, folder, user, policy, err) : GW_OK;
}

enum gw_code policy_foresee(struct policy_effects *effects, struct command_folder *folder,
                            const struct store_user *user, enum policy_event event, struct gw_error *err)
{
    GW_TRY(store_reader_begin(folder->reader, err));
    enum gw_code code = foresee(effects, folder, user, event, err);
    store_reader_end(folder->reader);
    return code;
}

static bool print_json(struct command_folder *folder, const struct store_user *user,
                       const struct policy_effects *effects)
{
    struct gw_arena *arena = effects->arena;
    struct json_value *top = json_object_new(arena);
    struct json_value *texts = json_array_new(arena);
    if (effects->outcome != NULL)
        command_text_append(arena, top, GW_STR("outcome"), gw_str_from(effects->outcome));
    if (effects->rule != NULL)
        command_text_append(arena, top, GW_STR("rule"), gw_str_from(effects->rule));
    if (user != NULL) {
        command_text_append(arena, top, GW_STR("userName"), user->user_name);
        command_text_append(arena, top, GW_STR("userId"), command_id_text(folder, arena, user->seq));
        command_text_append(arena, top, GW_STR("state"), gw_str_from(command_state_text(user)));
    }
    json_object_append(arena, top, GW_STR("changes"), json_bool_new(arena, effects->is_change));
    json_object_append(arena, top, GW_STR("sessionsEnded"), json_integer_new(arena, (int64_t)effects->sessions));
    json_object_append(arena, top, GW_STR("held"), json_bool_new(arena, effects->brake == STORE_BRAKE_HOLDS));
    if (effects->kept_until.len > 0)
        command_text_append(arena, top, GW_STR("keptUntil"), effects->kept_until);
    if (effects->attributes.len > 0)
        command_text_append(arena, top, GW_STR("attributes"), effects->attributes);
    json_object_append(arena, top, GW_STR("effects"), texts);
    for (size_t i = 0; i < effects->count; i++)
        json_array_append(arena, texts, json_string_new(arena, gw_str_from(effects->texts[i])));
    return command_print_json(stdout, top);
}

static void print_text(struct command_folder *folder, const struct store_user *user,
                       const struct policy_effects *effects)
{
    if (user != NULL) {
        command_print_text(stdout, user->user_name);
        (void)printf(" (%.*s), %s, %s\n", GW_STR_ARG(command_id_text(folder, effects->arena, user->seq)),
                     command_state_text(user), command_origin_text(user));
    }
    for (size_t i = 0; i < effects->count; i++) {
        (void)fputs("- ", stdout);
        command_print_text(stdout, gw_str_from(effects->texts[i]));
        (void)putchar('\n');
    }
}

enum gw_code policy_effects_print(struct command_folder *folder, const struct store_user *user,
                                  const struct policy_effects *effects, bool as_json, struct gw_error *err)
{
    if (!as_json)
        print_text(folder, user, effects);
    else if (!print_json(folder, user, effects))
        return gw_fail(err, GW_E_INTERNAL, "the output could not be written");
    return GW_OK;
}

enum gw_code policy_test_show(struct command_folder *folder, const struct store_user *user, enum policy_event event,
                              bool as_json, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct policy_effects effects = {.arena = &arena};
    GW_TRY(policy_foresee(&effects, folder, user, event, err));
    return policy_effects_print(folder, user, &effects, as_json, err);
}
