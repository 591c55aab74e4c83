/* policy test --change: a SCIM body read as the prov face reads it, and what would come of it. Writes nothing. */
#include "gateway/command/policy_effects.h"
#include "gateway/json/parse.h"
#include "routes/scim/handlers/user_rules.h"
#include "routes/scim/patch.h"
#include "routes/scim/user.h"
#include "store/inspect.h"

#include <errno.h>

struct test {
    struct command_folder *folder;
    struct gw_arena *arena;
    const struct config_prov_face *prov;
    const struct scim_resource_type *type;
    struct json_value *body;
    bool is_patch;
    bool is_patched;        /* by it, anything */
    struct store_user user; /* whom it is about; seq 0: nobody yet */
    struct json_value *before;
    struct scim_user_draft draft;
    struct policy_effects effects;
};

static enum gw_code read_file(const char *path, struct gw_buf *text, struct gw_error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return gw_fail(err, GW_E_NOT_FOUND, "cannot read %s: %s", path, strerror(errno));
    char part[4096];
    size_t size = fread(part, 1, sizeof part, file);
    while (size > 0 && !text->overflow) {
        gw_buf_add(text, gw_str_n(part, size));
        size = fread(part, 1, sizeof part, file);
    }
    bool is_bad = ferror(file) != 0;
    int reason = errno;
    (void)fclose(file);
    return is_bad ? gw_fail(err, GW_E_NOT_FOUND, "cannot read %s: %s", path, strerror(reason)) : GW_OK;
}

static enum gw_code resource_of(struct test *test, const struct store_user *user, struct json_value **ret_resource,
                                struct gw_error *err)
{
    struct scim_user_columns columns = {
        .meta = {.id = command_id_text(test->folder, test->arena, user->seq)},
        .user_name = user->user_name,
        .external_id = user->external_id,
        .active = (user->state.flags & STORE_USER_ACTIVE) != 0,
        .attributes = user->attributes,
    };
    return scim_user_load(test->arena, test->type, &columns, ret_resource, err);
}

/* Is it an answer that the prov face would give, and not a trouble of ours? */
static bool is_refusal(enum gw_code code)
{
    int status = gw_code_status(code);
    return code != GW_OK && status < 500 && status != 429;
}

static void refuse(struct test *test, const struct gw_error *refusal)
{
    test->effects.outcome = "refuse";
    policy_effect_add(
        &test->effects,
        gw_arena_printf(test->arena, "refused with %d: %s", gw_code_status(refusal->code), refusal->text).ptr);
}

/* What the body asks for, after what the user is. */
static enum gw_code read_draft(struct test *test, struct gw_error *err)
{
    struct scim_patch steps = {0};
    struct json_value *after = NULL;
    if (!test->is_patch) {
        GW_TRY(scim_user_read(test->arena, test->type, test->body, &test->draft, NULL, err));
        if (test->user.seq != 0)
            scim_user_draft_keep(test->arena, test->type, &test->draft, test->before);
        return user_rules_check(test->prov, test->arena, test->before, &test->draft, err);
    }
    GW_TRY(scim_patch_parse(test->arena, test->type, test->body, &steps, NULL, err));
    GW_TRY(scim_patch_apply(test->arena, test->type, test->before, &steps, &after, &test->is_patched, err));
    if (!test->is_patched) {
        scim_user_draft_fill(test->arena, test->before, &test->draft);
        return GW_OK;
    }
    GW_TRY(scim_resource_check(test->type, after, err));
    scim_user_draft_fill(test->arena, after, &test->draft);
    return user_rules_check(test->prov, test->arena, test->before, &test->draft, err);
}

static struct store_user user_after(const struct test *test)
{
    struct store_user after = test->user;
    bool active = test->draft.has_active ? test->draft.active
                                         : test->user.seq == 0 || (test->user.state.flags & STORE_USER_ACTIVE) != 0;
    after.user_name = test->draft.user_name;
    after.external_id = test->draft.external_id;
    after.attributes = scim_user_store_text(test->arena, &test->draft);
    after.state.flags &= ~(uint32_t)STORE_USER_ACTIVE;
    after.state.flags |= active ? (uint32_t)STORE_USER_ACTIVE : 0u;
    return after;
}

static enum gw_code add_activity(struct test *test, const struct store_user *after, struct gw_error *err)
{
    bool was_active = (test->user.state.flags & STORE_USER_ACTIVE) != 0;
    bool is_active = (after->state.flags & STORE_USER_ACTIVE) != 0;
    if (was_active == is_active)
        return GW_OK;
    GW_TRY(policy_foresee(&test->effects, test->folder, &test->user, is_active ? POLICY_REACTIVATE : POLICY_DEACTIVATE,
                          err));
    if (test->effects.brake == STORE_BRAKE_REJECTS)
        test->effects.outcome = "refuse";
    if (test->effects.brake == STORE_BRAKE_HOLDS) {
        test->effects.outcome = "hold";
        policy_effect_add(&test->effects,
                          "nothing of it is done before the brake opens, and then the deactivation alone");
    }
    return GW_OK;
}

/* The change that the prov face would hand to the store. */
static enum gw_code fill_change(struct test *test, struct store_change *change, struct gw_error *err)
{
    bool was_active = (test->user.state.flags & STORE_USER_ACTIVE) != 0;
    change->user_seq = test->user.seq;
    change->as.replace.echoed_version = test->is_patch ? 0 : user_rules_echoed_version(test->body);
    change->as.replace.adopt = test->prov->policy.adopt;
    return user_rules_fill(&change->arena, &test->draft, test->draft.has_active ? test->draft.active : was_active,
                           &change->as.replace.draft, err);
}

static enum gw_code ask_store(struct test *test, enum store_outcome *ret_outcome, struct gw_error *err)
{
    struct store_reader *reader = test->folder->reader;
    struct store_change *change = command_change_new(test->folder, STORE_CHANGE_USER_REPLACE);
    enum gw_code code = fill_change(test, change, err);
    if (code == GW_OK)
        code = store_reader_begin(reader, err);
    if (code == GW_OK) {
        code = store_foresee_replace(reader, change, ret_outcome, err);
        store_reader_end(reader);
    }
    store_change_free(change);
    return code;
}

/* Whatever else it says, somebody who was deactivated a moment ago stays so. */
static void keep_inactive(struct test *test)
{
    test->draft.has_active = true;
    test->draft.active = false;
    policy_effect_add(&test->effects, "the user stays deactivated: by its meta.version the body was read before the "
                                      "deactivation, which is not a minute old");
}

static enum gw_code foresee_update(struct test *test, struct gw_error *err)
{
    enum store_outcome outcome = STORE_OUTCOME_NONE;
    struct json_value *resource = NULL;
    struct gw_error refusal;
    enum gw_code code = ask_store(test, &outcome, &refusal);
    if (is_refusal(code)) {
        refuse(test, &refusal);
        return GW_OK;
    }
    if (code != GW_OK) {
        *err = refusal;
        return code;
    }
    if (outcome == STORE_OUTCOME_STALE_REACTIVATION)
        keep_inactive(test);
    struct store_user after = user_after(test);
    GW_TRY(resource_of(test, &after, &resource, err));
    test->effects.attributes = scim_changed_names(test->arena, test->before, resource);
    bool is_adoption = (test->user.state.flags & STORE_USER_PROVISIONED) == 0;
    test->effects.is_change = is_adoption || test->effects.attributes.len > 0;
    test->effects.outcome = is_adoption ? "adopt" : test->effects.is_change ? "update" : "nothing";
    if (is_adoption)
        policy_effect_add(&test->effects, "the user becomes provisioned, with the same id (policy.adopt)");
    if (test->effects.attributes.len > 0)
        policy_effect_add(&test->effects,
                          gw_arena_printf(test->arena, "%s changes: %.*s", test->is_patch ? "PATCH" : "PUT",
                                          GW_STR_ARG(test->effects.attributes))
                              .ptr);
    else if (!is_adoption)
        policy_effect_add(&test->effects, "nothing: the user is like that already");
    return add_activity(test, &after, err);
}

static enum gw_code load_found(struct test *test, uint64_t seq, struct gw_error *err)
{
    if (seq == 0)
        return GW_OK;
    GW_TRY(store_reader_begin(test->folder->reader, err));
    enum gw_code code = store_user_get(test->folder->reader, test->arena, test->folder->number, seq, &test->user, err);
    store_reader_end(test->folder->reader);
    if (code == GW_OK)
        code = resource_of(test, &test->user, &test->before, err);
    return code;
}

static enum gw_code find_match(struct test *test, struct store_foreseen *ret_foreseen, struct gw_error *err)
{
    const struct config_policy *policy = &test->prov->policy;
    struct store_user_draft draft;
    GW_TRY(user_rules_fill(test->arena, &test->draft, !test->draft.has_active || test->draft.active, &draft, err));
    *ret_foreseen = (struct store_foreseen){.outcome = STORE_OUTCOME_CREATED};
    if (test->folder->number == 0)
        return GW_OK;
    GW_TRY(store_reader_begin(test->folder->reader, err));
    enum gw_code code =
        store_foresee_create(test->folder->reader, test->folder->number, &draft, user_rules_match(policy),
                             policy->adopt, policy->revive, ret_foreseen, err);
    store_reader_end(test->folder->reader);
    return code;
}

static enum gw_code foresee_create(struct test *test, struct gw_error *err)
{
    struct store_foreseen foreseen;
    struct gw_error refusal = {.code = GW_OK};
    enum gw_code code = find_match(test, &foreseen, &refusal);
    GW_TRY(load_found(test, foreseen.seq, err));
    test->effects.rule = foreseen.rule;
    if (is_refusal(code)) {
        refuse(test, &refusal);
        return GW_OK;
    }
    if (code != GW_OK) {
        *err = refusal;
        return code;
    }
    test->effects.is_change = true;
    if (test->user.seq == 0) {
        test->effects.outcome = "create";
        policy_effect_add(&test->effects,
                          "a new user is created, with a new id: no rule of policy.match names anybody");
        if (test->draft.has_active && !test->draft.active)
            policy_effect_add(&test->effects, "deactivated from the beginning: signing in is refused");
        return GW_OK;
    }
    struct store_user after = user_after(test);
    if (!test->draft.has_active)
        after.state.flags |= STORE_USER_ACTIVE;
    struct json_value *resource = NULL;
    GW_TRY(resource_of(test, &after, &resource, err));
    bool is_adoption = foreseen.outcome == STORE_OUTCOME_ADOPTED;
    test->effects.outcome = is_adoption ? "adopt" : "revive";
    test->effects.attributes = scim_changed_names(test->arena, test->before, resource);
    policy_effect_add(&test->effects,
                      gw_arena_printf(test->arena, "the user is %s, with the same id: the body's %s names it",
                                      is_adoption ? "adopted" : "revived", foreseen.rule)
                          .ptr);
    policy_effect_add(&test->effects,
                      gw_arena_printf(test->arena, "it changes: %.*s", GW_STR_ARG(test->effects.attributes)).ptr);
    return add_activity(test, &after, err);
}

static enum gw_code run(struct test *test, struct gw_str text, struct gw_error *err)
{
    struct gw_error refusal;
    if (json_parse(test->arena, text, &JSON_LIMITS_BODY, &test->body, &refusal) != GW_OK) {
        refuse(test, &refusal);
        return GW_OK;
    }
    if ((test->user.state.flags & STORE_USER_DELETED) != 0) {
        (void)gw_fail(&refusal, GW_E_NOT_FOUND, "the user is deleted, and no call finds the record");
        refuse(test, &refusal);
        return GW_OK;
    }
    test->is_patch = json_object_get_nocase(test->body, GW_STR("Operations")) != NULL;
    if (test->is_patch && test->user.seq == 0)
        return gw_fail(err, GW_E_USAGE, "a PatchOp is sent to a user: --user NAME or --id ID is needed");
    if (test->user.seq != 0)
        GW_TRY(resource_of(test, &test->user, &test->before, err));
    if (read_draft(test, &refusal) != GW_OK) {
        refuse(test, &refusal);
        return GW_OK;
    }
    return test->user.seq != 0 ? foresee_update(test, err) : foresee_create(test, err);
}

enum gw_code policy_change_show(struct command_folder *folder, const struct store_user *user, const char *path,
                                bool as_json, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(text, POLICY_CHANGE_BYTES_MAX);
    if (folder->prov_app == NULL)
        return gw_fail(err, GW_E_USAGE, "the folder %s has no prov face, and so no policy", folder->name);
    struct test test = {.folder = folder, .arena = &arena, .prov = &folder->prov_app->prov};
    test.type = command_user_type(folder, &arena);
    test.effects.arena = &arena;
    if (user != NULL)
        test.user = *user;
    struct gw_error refusal;
    GW_TRY(read_file(path, &text, err));
    if (text.overflow) {
        (void)gw_fail(&refusal, GW_E_TOO_LARGE, "the body is larger than %u bytes", POLICY_CHANGE_BYTES_MAX);
        refuse(&test, &refusal);
    } else {
        GW_TRY(run(&test, gw_buf_str(&text), err));
    }
    return policy_effects_print(folder, test.user.seq != 0 ? &test.user : NULL, &test.effects, as_json, err);
}
