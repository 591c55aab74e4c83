#include "gateway/base/clock.h"
#include "gateway/command/policy_show.h"
#include "store/inspect.h"

#include <inttypes.h>

#define EFFECTS_MAX 8u

/* What would happen, sentence by sentence. */
struct effects {
    struct gw_arena *arena;
    bool is_change;
    uint64_t sessions; /* that would end */
    const char *texts[EFFECTS_MAX];
    size_t count;
};

static void add(struct effects *effects, const char *text)
{
    GW_ASSERT(effects->count < EFFECTS_MAX);
    effects->texts[effects->count++] = text;
}

static void add_ended(struct effects *effects, uint64_t alive)
{
    effects->is_change = true;
    effects->sessions = alive;
    add(effects, gw_arena_printf(effects->arena,
                                 "%" PRIu64 " sessions end: their next request is refused, open streams are cut", alive)
                     .ptr);
}

/* From now on. */
static void add_retention(struct effects *effects, const struct config_policy *policy)
{
    if (policy == NULL || policy->after_retention == CONFIG_RETENTION_KEEP) {
        add(effects, "the record is kept for good (policy.after_retention: keep)");
        return;
    }
    struct gw_str end = command_time_text(effects->arena, gw_clock_wall_ms() + policy->retain_ms);
    bool goes = policy->after_retention == CONFIG_RETENTION_DELETE;
    add(effects, gw_arena_printf(effects->arena, "the record is kept until %.*s, and is then %s", GW_STR_ARG(end),
                                 goes ? "deleted" : "anonymised")
                     .ptr);
}

static void foresee_deactivation(struct effects *effects, const struct store_user *user,
                                 const struct config_policy *policy, uint64_t alive)
{
    if ((user->state.flags & STORE_USER_ACTIVE) == 0) {
        add(effects, "nothing: the user is deactivated already");
        return;
    }
    add_ended(effects, alive);
    add(effects, "signing in is refused until somebody reactivates the user");
    if ((user->state.flags & STORE_USER_PROVISIONED) != 0)
        add_retention(effects, policy);
    else
        add(effects, "the record is kept for good: Okta never provisioned it");
}

static void foresee_reactivation(struct effects *effects, const struct store_user *user,
                                 const struct config_policy *policy)
{
    if ((user->state.flags & STORE_USER_ACTIVE) != 0) {
        add(effects, "nothing: the user is active already");
        return;
    }
    effects->is_change = true;
    add(effects, "the user is active with the same id and attributes; sessions from before stay ended");
    if ((user->state.flags & STORE_USER_LOCKED) != 0)
        add(effects, "signing in is still refused: an operator has locked the user (provgate user unlock)");
    if (policy != NULL && !policy->revive)
        add(effects, "by PUT or PATCH only: policy.revive is off, and a POST is answered 409");
    bool is_provisioned = (user->state.flags & STORE_USER_PROVISIONED) != 0;
    if (policy != NULL && !policy->adopt && !is_provisioned)
        add(effects, "not by Okta: the record is not provisioned, and policy.adopt is off (409)");
}

static void foresee_deletion(struct effects *effects, const struct config_policy *policy, uint64_t alive)
{
    add_ended(effects, alive);
    add(effects, "the record is gone from every SCIM answer and total at once; provgate user restore brings it back");
    add_retention(effects, policy);
    add(effects, "provisioning the same person again makes a new user with a new id; until then signing in is refused");
}

static enum gw_code count_alive(struct command_folder *folder, const struct store_user *user, uint64_t *ret_alive,
                                struct gw_error *err)
{
    struct store_session_count sessions;
    GW_TRY(store_reader_begin(folder->reader, err));
    enum gw_code code = store_user_sessions(folder->reader, user, &sessions, err);
    store_reader_end(folder->reader);
    *ret_alive = code == GW_OK ? sessions.alive : 0;
    return code;
}

static bool print_json(struct command_folder *folder, const struct store_user *user, const struct effects *effects)
{
    struct gw_arena *arena = effects->arena;
    struct json_value *top = json_object_new(arena);
    struct json_value *texts = json_array_new(arena);
    command_text_append(arena, top, GW_STR("userName"), user->user_name);
    command_text_append(arena, top, GW_STR("userId"), command_id_text(folder, arena, user->seq));
    command_text_append(arena, top, GW_STR("state"), gw_str_from(command_state_text(user)));
    json_object_append(arena, top, GW_STR("changes"), json_bool_new(arena, effects->is_change));
    json_object_append(arena, top, GW_STR("sessionsEnded"), json_integer_new(arena, (int64_t)effects->sessions));
    json_object_append(arena, top, GW_STR("effects"), texts);
    for (size_t i = 0; i < effects->count; i++)
        json_array_append(arena, texts, json_string_new(arena, gw_str_from(effects->texts[i])));
    return command_print_json(stdout, top);
}

static void print_text(struct command_folder *folder, const struct store_user *user, const struct effects *effects)
{
    command_print_text(stdout, user->user_name);
    (void)printf(" (%.*s), %s, %s\n", GW_STR_ARG(command_id_text(folder, effects->arena, user->seq)),
                 command_state_text(user), command_origin_text(user));
    for (size_t i = 0; i < effects->count; i++)
        (void)printf("- %s\n", effects->texts[i]);
}

enum gw_code policy_test_show(struct command_folder *folder, const struct config_app *app,
                              const struct store_user *user, enum policy_event event, bool as_json,
                              struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct effects effects = {.arena = &arena};
    uint64_t alive = 0;
    const struct config_policy *policy = folder->prov_app != NULL ? &folder->prov_app->prov.policy : NULL;
    (void)app;
    GW_TRY(count_alive(folder, user, &alive, err));
    if ((user->state.flags & STORE_USER_DELETED) != 0)
        add(&effects, "nothing: the user is deleted already, and no call finds the record");
    else if (event == POLICY_DEACTIVATE)
        foresee_deactivation(&effects, user, policy, alive);
    else if (event == POLICY_REACTIVATE)
        foresee_reactivation(&effects, user, policy);
    else
        foresee_deletion(&effects, policy, alive);
    if (!as_json)
        print_text(folder, user, &effects);
    else if (!print_json(folder, user, &effects))
        return gw_fail(err, GW_E_INTERNAL, "the output could not be written");
    return GW_OK;
}
