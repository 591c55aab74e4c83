/* Group push over SCIM: scim-clients.md 1.11, traces T7 to T9, rules 0.18 to 0.23; sections 5.3, 5.5, 5.6 and 9. */
#include "tests/unit/routes/group_world.h"

static void test_T7_a_group_is_pushed_by_post_and_patch(void **state)
{
    (void)state;
    struct call *call =
        send_body(world, "POST", "/scim/v2/Groups", GROUP ",\"displayName\":\"Test SCIMv2\",\"members\":[]}");
    assert_status(call, 201);
    assert_at(call, "schemas", "[\"urn:ietf:params:scim:schemas:core:2.0:Group\"]");
    assert_at(call, "displayName", "Test SCIMv2");
    assert_at(call, "members", "[]");
    assert_at(call, "meta.resourceType", "Group");
    assert_at(call, "meta.version", "W/\"1\"");
    assert_str_equal(call_field(call, "ETag"), "W/\"1\"");
    struct gw_str id = gw_arena_copy(&world->arena, call_text(call, "id"));
    struct gw_str place = gw_arena_printf(&world->arena, "https://prov.test%s", group_path(id));
    assert_str_equal(call_field(call, "Location"), place.ptr);
    assert_at(call, "meta.location", place.ptr);
    call_free(world, call);
    call = patch_group(id, RENAME("Test SCIMv2") "," ADD(MEMBER(0) "," MEMBER(2)));
    assert_status(call, 200);
    assert_at(call, "displayName", "Test SCIMv2");
    assert_at(call, "meta.version", "W/\"2\"");
    assert_null(json_at(call->json, "members")); /* section 9 */
    call_free(world, call);
    assert_string_equal(members(id), "0 2");
}

static void test_rule_0_22_members_are_shown_with_value_ref_type_and_display(void **state)
{
    (void)state;
    struct gw_str id = create_group("G", MEMBER(1));
    struct call *call = get(world, group_path(id));
    assert_str_equal(call_text(call, "members.0.value"), gw_arena_cstr(&world->arena, users[1]));
    assert_at(call, "members.0.display", "u1@okta.local");
    assert_at(call, "members.0.type", "User");
    assert_str_equal(call_text(call, "members.0.$ref"),
                     gw_arena_printf(&world->arena, "https://prov.test/scim/v2/Users/%.*s", GW_STR_ARG(users[1])).ptr);
    call_free(world, call);
}

/* What a client says of a member beside its value is taken, and shown as it is. */
static void test_R13_sub_attributes_of_members_are_immutable(void **state)
{
    (void)state;
    struct gw_str id = create_group("G", "{\"value\":\"%0\",\"$ref\":\"../Users/other\",\"type\":\"Group\"}");
    struct call *call = get(world, group_path(id));
    assert_at(call, "members.0.type", "User");
    assert_true(gw_str_ends(call_text(call, "members.0.$ref"), users[0]));
    call_free(world, call);
    call = get(world, "/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group");
    assert_at(call, "attributes.1.name", "members");
    static const char *const names[] = {"value", "$ref", "type"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct gw_str at = gw_arena_printf(&world->arena, "attributes.1.subAttributes.%zu.", i);
        assert_str_equal(call_text(call, gw_arena_printf(&world->arena, "%sname", at.ptr).ptr), names[i]);
        assert_at(call, gw_arena_printf(&world->arena, "%smutability", at.ptr).ptr, "immutable");
    }
    call_free(world, call);
}

static void test_rule_0_18_a_rename_accepts_the_id_and_ignores_another(void **state)
{
    (void)state;
    struct gw_str id = create_group("G", MEMBER(0));
    patch_ok(id, RENAME("H"));
    patch_ok(id, "{\"op\":\"replace\",\"value\":{\"id\":\"another\",\"displayName\":\"I\"}}");
    struct call *call = get(world, group_path(id));
    assert_at(call, "displayName", "I");
    assert_str_equal(call_text(call, "id"), id.ptr);
    assert_at(call, "meta.version", "W/\"3\"");
    call_free(world, call);
    assert_string_equal(members(id), "0");
}

static void test_rule_0_19_remove_and_add_in_one_patch_keep_their_order(void **state)
{
    (void)state;
    struct gw_str id = create_group("G", MEMBER(0) "," MEMBER(1));
    patch_ok(id, RENAME("G") "," REMOVE(0) "," ADD(MEMBER(2)));
    assert_string_equal(members(id), "1 2");
    patch_ok(id, REMOVE(2) "," ADD(MEMBER(2)) "," ADD(MEMBER(0)) "," REMOVE(0));
    assert_string_equal(members(id), "1 2");
    struct call *call = patch_group(id, REMOVE(1) ",{\"op\":\"add\",\"path\":\"nothing\",\"value\":\"x\"}");
    assert_error(call, 400, "invalidPath");
    call_free(world, call);
    assert_string_equal(members(id), "1 2");
}

static void test_T8_and_rule_0_20_replace_with_nothing_empties_the_group(void **state)
{
    (void)state;
    static const char *const forms[] = {REPLACE(""), "{\"op\":\"replace\",\"value\":{\"members\":[]}}",
                                        "{\"op\":\"remove\",\"path\":\"members\"}",
                                        "{\"op\":\"Replace\",\"path\":\"members\",\"value\":null}"};
    struct gw_str id = create_group("G", "");
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        patch_ok(id, ADD(MEMBER(0) "," MEMBER(1)));
        patch_ok(id, forms[i]);
        assert_string_equal(members(id), "");
    }
    patch_ok(id, REPLACE(MEMBER(4) "," MEMBER(2)));
    assert_string_equal(members(id), "2 4");
}

static void test_rule_0_21_nothing_new_is_a_success_without_change(void **state)
{
    (void)state;
    static const char *const operations[] = {ADD(MEMBER(0)),
                                             REMOVE(3),
                                             REPLACE(MEMBER(1) "," MEMBER(0)),
                                             RENAME("G"),
                                             "{\"op\":\"remove\",\"path\":\"members[value eq \\\"no-such-id\\\"]\"}",
                                             "{\"op\":\"remove\",\"path\":\"members\",\"value\":[" MEMBER(2) "]}"};
    struct gw_str id = create_group("G", MEMBER(0) "," MEMBER(1));
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        patch_ok(id, operations[i]);
        assert_str_equal(version(id), "W/\"1\"");
    }
    assert_string_equal(members(id), "0 1");
}

static void test_rule_0_23_an_unknown_member_is_named_and_nothing_changes(void **state)
{
    (void)state;
    struct gw_str id = create_group("G", MEMBER(0));
    struct gw_str gone = create_user(world, "gone@okta.local");
    struct call *call = send_body(world, "DELETE", user_path(world, gone).ptr, NULL);
    assert_status(call, 204);
    call_free(world, call);
    call = patch_group(id, REMOVE(0) "," ADD("{\"value\":\"abc-unknown\"}"));
    assert_error(call, 400, "invalidValue");
    assert_non_null(strstr(call->text.ptr, "abc-unknown"));
    call_free(world, call);
    struct gw_str body = gw_arena_printf(
        &world->arena, GROUP ",\"displayName\":\"X\",\"members\":[{\"value\":\"%.*s\"}]}", GW_STR_ARG(gone));
    const char *methods[] = {"POST", "PUT"};
    for (size_t i = 0; i < 2; i++) {
        call = send_body(world, methods[i], i == 0 ? "/scim/v2/Groups" : group_path(id), body.ptr);
        assert_error(call, 400, "invalidValue");
        assert_non_null(strstr(call->text.ptr, gone.ptr));
        call_free(world, call);
    }
    assert_string_equal(members(id), "0");
    assert_str_equal(version(id), "W/\"1\"");
}

static void test_T9_a_deleted_group_is_204_then_404(void **state)
{
    (void)state;
    struct gw_str id = create_group("G", MEMBER(0));
    int statuses[] = {204, 404};
    for (size_t i = 0; i < 2; i++) {
        struct call *call = send_body(world, "DELETE", group_path(id), NULL);
        assert_status(call, statuses[i]);
        call_free(world, call);
    }
    static const char *const rows[][2] = {{"GET", NULL},
                                          {"PUT", GROUP ",\"displayName\":\"G\"}"},
                                          {"PATCH", PATCH_OP "{\"op\":\"add\",\"value\":{\"displayName\":\"x\"}}]}"}};
    for (size_t i = 0; i < 3; i++) {
        struct call *call = send_body(world, rows[i][0], group_path(id), rows[i][1]);
        assert_error(call, 404, "");
        call_free(world, call);
    }
    struct call *call = get(world, user_path(world, users[0]).ptr);
    assert_at(call, "groups", "");
    call_free(world, call);
    assert_false(gw_str_eq(create_group("G", ""), id));
}

static void test_R60_put_replaces_name_and_members_and_keeps_members_that_it_lacks(void **state)
{
    (void)state;
    struct gw_str id = create_group("G", MEMBER(0) "," MEMBER(1));
    struct call *call =
        send_body(world, "PUT", group_path(id),
                  fill(GROUP ",\"id\":\"%G\",\"displayName\":\"H\",\"members\":[" MEMBER(1) "," MEMBER(3) "]}", id));
    assert_status(call, 200);
    assert_at(call, "displayName", "H");
    assert_int_equal(json_count(json_at(call->json, "members")), 2);
    call_free(world, call);
    assert_string_equal(members(id), "1 3");
    call = send_body(world, "PUT", group_path(id), GROUP ",\"displayName\":\"H\"}");
    assert_status(call, 200);
    call_free(world, call);
    assert_string_equal(members(id), "1 3");
    call = send_body(world, "PUT", group_path(id), GROUP ",\"members\":[]}");
    assert_error(call, 400, "invalidValue");
    call_free(world, call);
    call = send_body(world, "PUT", group_path(id), GROUP ",\"displayName\":\"H\",\"members\":[]}");
    assert_status(call, 200);
    call_free(world, call);
    assert_string_equal(members(id), "");
}

static void test_a_name_is_one_group_s_in_any_spelling(void **state)
{
    (void)state;
    struct gw_str id = create_group("Wiki Admins", "");
    struct gw_str other = create_group("Other", "");
    struct call *call = send_body(world, "POST", "/scim/v2/Groups", GROUP ",\"displayName\":\"WIKI admins\"}");
    assert_error(call, 409, "uniqueness");
    call_free(world, call);
    call = patch_group(other, RENAME("wiki admins"));
    assert_error(call, 409, "uniqueness");
    assert_non_null(strstr(call->text.ptr, id.ptr));
    call_free(world, call);
    call = send_body(world, "PUT", group_path(other), GROUP ",\"displayName\":\"wiki ADMINS\"}");
    assert_error(call, 409, "uniqueness");
    call_free(world, call);
}

/* Section 6.1: Entra's forms. */
static void test_6_1_the_forms_of_entra(void **state)
{
    (void)state;
    struct gw_str id = create_group("G", "");
    patch_ok(id,
             "{\"op\":\"Add\",\"path\":\"members\",\"value\":[{\"$ref\":null,\"value\":\"%0\"},{\"value\":\"%1\"}]}");
    assert_string_equal(members(id), "0 1");
    patch_ok(id, "{\"op\":\"Remove\",\"path\":\"members\",\"value\":[{\"value\":\"%0\"}]}");
    assert_string_equal(members(id), "1");
    patch_ok(id, "{\"op\":\"add\",\"value\":{\"displayName\":\"H\",\"members\":[{\"value\":\"%3\"}]}}");
    assert_string_equal(members(id), "1 3");
    patch_ok(id, "{\"op\":\"remove\",\"path\":\"members[value eq \\\"%1\\\" or value eq \\\"%3\\\"]\"}");
    assert_string_equal(members(id), "");
}

/* A step that has to look into the members. */
static void test_a_patch_by_another_value_filter_looks_at_each_member(void **state)
{
    (void)state;
    struct gw_str id = create_group("G", MEMBER(0) "," MEMBER(1) "," MEMBER(2));
    patch_ok(id, "{\"op\":\"remove\",\"path\":\"members[display eq \\\"u1@okta.local\\\"]\"}");
    assert_string_equal(members(id), "0 2");
    patch_ok(id, ADD(MEMBER(4)) ",{\"op\":\"remove\",\"path\":\"members[display sw \\\"u0\\\"]\"}," RENAME("H"));
    assert_string_equal(members(id), "2 4");
    struct call *call = get(world, group_path(id));
    assert_at(call, "displayName", "H");
    call_free(world, call);
}

#define BY(op, filter, value) "{\"op\":\"" op "\",\"path\":\"members[" filter "]\",\"value\":" value "}"
#define IS(n) "value eq \\\"%" #n "\\\""

/* R71 to R74, of what stands in brackets; each starts with 0, 1 and 2. */
static const struct {
    const char *operations;
    const char *members; /* afterwards; or scimType of the refusal */
} STEPS[] = {
    {"{\"op\":\"remove\",\"path\":\"members[not (" IS(0) ")]\"}", "0"},
    {"{\"op\":\"remove\",\"path\":\"members[type eq \\\"User\\\"]\"}", ""},
    {"{\"op\":\"remove\",\"path\":\"members[type eq \\\"Group\\\"]\"}", "0 1 2"},
    {"{\"op\":\"remove\",\"path\":\"members[" IS(1) " or display eq \\\"u2@okta.local\\\"]\"}", "0"},
    {"{\"op\":\"remove\",\"path\":\"members\"}," BY("add", IS(4), "{\"value\":\"%4\"}"), "4"},
    {BY("add", IS(5), "{\"value\":\"%5\"}"), "0 1 2 5"},
    {BY("add", IS(5), "{\"value\":\"%5\"}") ",{\"op\":\"remove\",\"path\":\"members[not (" IS(5) ")]\"}", "5"},
    {BY("replace", IS(0), "{\"value\":\"%0\"}"), "0 1 2"},
    {BY("replace", IS(0) " or " IS(2), "null"), "1"},
    {BY("replace", IS(0), "{\"value\":\"%1\"}"), "mutability"},
    {BY("replace", IS(4), "{\"value\":\"%4\"}"), "noTarget"},
    {BY("add", "display eq \\\"x\\\"", "{\"value\":\"%4\"}"), "noTarget"},
    {BY("add", IS(5), "{\"value\":\"nobody\"}"), "invalidValue"},
    {"{\"op\":\"replace\",\"path\":\"members.value\",\"value\":\"%5\"}", "mutability"},
    {"{\"op\":\"remove\",\"path\":\"members.value\"}", "mutability"},
    {"{\"op\":\"replace\",\"path\":\"members[" IS(0) "].type\",\"value\":\"User\"}", "0 1 2"},
    {"{\"op\":\"replace\",\"path\":\"members[" IS(0) "].type\",\"value\":\"Group\"}", "mutability"},
};

static void test_R74_each_step_in_brackets_does_what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        struct gw_str id =
            create_group(gw_arena_printf(&world->arena, "S%zu", i).ptr, MEMBER(0) "," MEMBER(1) "," MEMBER(2));
        struct call *call = patch_group(id, STEPS[i].operations);
        bool is_refused = STEPS[i].members[0] >= 'a';
        if (is_refused)
            assert_error(call, 400, STEPS[i].members);
        const char *expected = is_refused ? "0 1 2" : STEPS[i].members;
        const char *actual = members(id);
        if (strcmp(actual, expected) != 0)
            fail_msg("%s: \"%s\": %.*s", STEPS[i].operations, actual, GW_STR_ARG(call->text));
        bool is_same = strcmp(expected, "0 1 2") == 0;
        assert_str_equal(version(id), is_same ? "W/\"1\"" : "W/\"2\"");
        call_free(world, call);
    }
}

static void test_wrong_bodies_are_refused_with_the_right_type(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *body;
        int status;
        const char *type;
    } rows[] = {
        {"POST", GROUP "}", 400, "invalidValue"},
        {"POST", GROUP ",\"displayName\":\"\"}", 400, "invalidValue"},
        {"POST", "{\"displayName\":\"A\"}", 400, "invalidSyntax"},
        {"POST", GROUP ",\"displayName\":\"A\",\"members\":\"x\"}", 400, "invalidValue"},
        {"POST", GROUP ",\"displayName\":\"A\",\"members\":[{\"display\":\"x\"}]}", 400, "invalidValue"},
        {"PATCH", PATCH_OP "{\"op\":\"remove\",\"path\":\"displayName\"}]}", 400, "mutability"},
        {"PATCH", PATCH_OP "{\"op\":\"replace\",\"path\":\"id\",\"value\":\"x\"}]}", 400, "mutability"},
        {"PATCH", PATCH_OP "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":7}]}]}", 400, "invalidValue"},
    };
    struct gw_str id = create_group("G", MEMBER(0));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool is_post = strcmp(rows[i].method, "POST") == 0;
        struct call *call =
            send_body(world, rows[i].method, is_post ? "/scim/v2/Groups" : group_path(id), rows[i].body);
        if (call->status != rows[i].status || !gw_str_eq(call_text(call, "scimType"), gw_str_from(rows[i].type)))
            fail_msg("%s: %d %.*s", rows[i].body, call->status, GW_STR_ARG(call->text));
        call_free(world, call);
    }
    assert_str_equal(version(id), "W/\"1\"");
}

#define each_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each_test(test_T7_a_group_is_pushed_by_post_and_patch),
        each_test(test_rule_0_22_members_are_shown_with_value_ref_type_and_display),
        each_test(test_R13_sub_attributes_of_members_are_immutable),
        each_test(test_rule_0_18_a_rename_accepts_the_id_and_ignores_another),
        each_test(test_rule_0_19_remove_and_add_in_one_patch_keep_their_order),
        each_test(test_T8_and_rule_0_20_replace_with_nothing_empties_the_group),
        each_test(test_rule_0_21_nothing_new_is_a_success_without_change),
        each_test(test_rule_0_23_an_unknown_member_is_named_and_nothing_changes),
        each_test(test_T9_a_deleted_group_is_204_then_404),
        each_test(test_R60_put_replaces_name_and_members_and_keeps_members_that_it_lacks),
        each_test(test_a_name_is_one_group_s_in_any_spelling),
        each_test(test_6_1_the_forms_of_entra),
        each_test(test_a_patch_by_another_value_filter_looks_at_each_member),
        each_test(test_R74_each_step_in_brackets_does_what_it_says),
        each_test(test_wrong_bodies_are_refused_with_the_right_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
