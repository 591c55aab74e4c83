/* policy test --change: a SCIM body read as the prov face reads it, and what would come of it. Writes nothing. */
#include "gateway/command/policy_effects.h"
#include "gateway/json/parse.h"
#include "routes/scim/patch.h"
#include "routes/scim/user.h"
#include "store/inspect.h"

#include <errno.h>

struct test {
    struct command_folder *folder;
    struct gw_arena *arena;
    const struct config_prov_face *prov;
    const struct scim_resource_type *type;
    const struct json_value *body;
    struct store_user user; /* whom it is about; seq 0: nobody yet */
    struct json_value *before;
    struct scim_user_draft draft;
    struct policy_effects effects;
};

static enum gw_code read_file(const char *path, struct gw_arena *arena, struct json_value **ret_body,
                              struct gw_error *err)
{
    const struct json_limits limits = JSON_LIMITS_BODY;
    GW_BUF_SCOPED(text, POLICY_CHANGE_BYTES_MAX);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return gw_fail(err, GW_E_NOT_FOUND, "cannot read %s: %s", path, strerror(errno));
    char part[4096];
    size_t size = fread(part, 1, sizeof part, file);
    while (size > 0 && !text.overflow) {
        gw_buf_add(&text, gw_str_n(part, size));
        size = fread(part, 1, sizeof part, file);
    }
    bool is_bad = ferror(file) != 0;
    (void)fclose(file);
    if (is_bad)
        return gw_fail(err, GW_E_NOT_FOUND, "cannot read %s", path);
    if (text.overflow)
        return gw_fail(err, GW_E_TOO_LARGE, "%s is larger than %u bytes", path, POLICY_CHANGE_BYTES_MAX);
    return json_parse(arena, gw_buf_str(&text), &limits, ret_body, err);
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

/* What the body asks for, after what the user is. */
static enum gw_code read_draft(struct test *test, bool is_patch, struct gw_error *err)
{
    struct scim_patch steps = {0};
    struct json_value *after = NULL;
    bool is_changed = false;
    if (!is_patch) {
        GW_TRY(scim_user_read(test->arena, test->type, test->body, &test->draft, NULL, err));
        if (test->user.seq != 0)
            scim_user_draft_keep(test->arena, test->type, &test->draft, test->before);
        return GW_OK;
    }
    GW_TRY(scim_patch_parse(test->arena, test->type, test->body, &steps, NULL, err));
    GW_TRY(scim_patch_apply(test->arena, test->type, test->before, &steps, &after, &is_changed, err));
    GW_TRY(scim_resource_check(test->type, after, err));
    scim_user_draft_fill(test->arena, after, &test->draft);
    return GW_OK;
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

static void refuse(struct test *test, int status, const char *why)
{
    test->effects.outcome = "refuse";
    policy_effect_add(&test->effects, gw_arena_printf(test->arena, "refused with %d: %s", status, why).ptr);
}

/* True: somebody else has the userName. */
static enum gw_code has_other(struct test *test, bool *ret_other, struct gw_error *err)
{
    uint64_t seq = 0;
    size_t count = 0;
    GW_TRY(store_reader_begin(test->folder->reader, err));
    enum gw_code code = store_users_find(test->folder->reader, test->folder->number, STORE_INDEX_USER_NAME,
                                         test->draft.user_name, &seq, 1, &count, err);
    store_reader_end(test->folder->reader);
    *ret_other = code == GW_OK && count > 0 && seq != test->user.seq;
    return code;
}

static enum gw_code add_activity(struct test *test, const struct store_user *after, struct gw_error *err)
{
    bool was_active = (test->user.state.flags & STORE_USER_ACTIVE) != 0;
    bool is_active = (after->state.flags & STORE_USER_ACTIVE) != 0;
    if (was_active == is_active)
        return GW_OK;
    return policy_foresee(&test->effects, test->folder, &test->user, is_active ? POLICY_REACTIVATE : POLICY_DEACTIVATE,
                          err);
}

static enum gw_code foresee_update(struct test *test, bool is_patch, struct gw_error *err)
{
    bool other = false;
    struct json_value *resource = NULL;
    GW_TRY(has_other(test, &other, err));
    bool is_adoption = (test->user.state.flags & STORE_USER_PROVISIONED) == 0;
    if (other)
        refuse(test, 409, "another user has this userName");
    else if (is_adoption && !test->prov->policy.adopt)
        refuse(test, 409, "the user is not provisioned yet, and policy.adopt is off");
    if (test->effects.outcome != NULL)
        return GW_OK;
    struct store_user after = user_after(test);
    GW_TRY(resource_of(test, &after, &resource, err));
    test->effects.attributes = scim_changed_names(test->arena, test->before, resource);
    bool is_change = is_adoption || test->effects.attributes.len > 0;
    test->effects.outcome = is_adoption ? "adopt" : is_change ? "update" : "nothing";
    test->effects.is_change = is_change;
    const char *what = is_patch ? "PATCH" : "PUT";
    if (is_adoption)
        policy_effect_add(&test->effects, "the user becomes provisioned, with the same id (policy.adopt)");
    policy_effect_add(
        &test->effects,
        is_change ? gw_arena_printf(test->arena, "%s changes: %.*s", what, GW_STR_ARG(test->effects.attributes)).ptr
                  : "nothing: the user is like that already");
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
    struct store_user_draft draft = {.user_name = test->draft.user_name,
                                     .external_id = test->draft.external_id,
                                     .attributes = scim_user_store_text(test->arena, &test->draft),
                                     .active = !test->draft.has_active || test->draft.active};
    draft.emails = gw_arena_array(test->arena, test->draft.email_count, sizeof draft.emails[0]);
    draft.email_count = test->draft.email_count;
    for (size_t i = 0; i < draft.email_count; i++)
        draft.emails[i] = test->draft.emails[i];
    *ret_foreseen = (struct store_foreseen){.outcome = STORE_OUTCOME_CREATED};
    if (test->folder->number == 0)
        return GW_OK;
    GW_TRY(store_reader_begin(test->folder->reader, err));
    enum gw_code code =
        store_foresee_create(test->folder->reader, test->folder->number, &draft, policy_match_rules(policy),
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
    if (code == GW_E_UNIQUENESS || code == GW_E_CONFLICT || code == GW_E_INVALID_VALUE) {
        refuse(test, code == GW_E_INVALID_VALUE ? 400 : 409, gw_arena_cstr(test->arena, gw_str_from(refusal.text)));
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

static enum gw_code run(struct test *test, struct gw_error *err)
{
    struct gw_error refusal;
    bool is_patch = json_object_get_nocase(test->body, GW_STR("Operations")) != NULL;
    if (is_patch && test->user.seq == 0)
        return gw_fail(err, GW_E_USAGE, "a PatchOp is sent to a user: --user NAME or --id ID is needed");
    if (test->user.seq != 0)
        GW_TRY(resource_of(test, &test->user, &test->before, err));
    if (read_draft(test, is_patch, &refusal) != GW_OK) {
        refuse(test, 400, gw_arena_cstr(test->arena, gw_str_from(refusal.text)));
        return GW_OK;
    }
    return test->user.seq != 0 ? foresee_update(test, is_patch, err) : foresee_create(test, err);
}

enum gw_code policy_change_show(struct command_folder *folder, const struct store_user *user, const char *path,
                                bool as_json, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct json_value *body = NULL;
    if (folder->prov_app == NULL)
        return gw_fail(err, GW_E_USAGE, "the folder %s has no prov face, and so no policy", folder->name);
    GW_TRY(read_file(path, &arena, &body, err));
    struct test test = {.folder = folder, .arena = &arena, .prov = &folder->prov_app->prov, .body = body};
    test.type = command_user_type(folder, &arena);
    test.effects.arena = &arena;
    if (user != NULL)
        test.user = *user;
    GW_TRY(run(&test, err));
    return policy_effects_print(folder, test.user.seq != 0 ? &test.user : NULL, &test.effects, as_json, err);
}
