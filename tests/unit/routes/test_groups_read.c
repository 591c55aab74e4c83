/* Lists, filters, projections and conditions of groups, and the groups of a user: scim-clients.md 5.1 to 5.7. */
#include "tests/unit/routes/group_world.h"

struct list_row {
    const char *filter; /* @0 to @5: ids of users; NULL: none */
    const char *more;   /* of the query */
    const char *total;
    const char *names;
};

static const char *list_target(const struct list_row *row)
{
    GW_BUF_SCOPED(out, 4096);
    gw_buf_printf(&out, "/scim/v2/Groups?%s%s", row->more, row->filter != NULL ? "&filter=" : "");
    for (const char *at = row->filter; at != NULL && *at != '\0'; at++) {
        if (at[0] == '@' && at[1] >= '0' && at[1] < '0' + USERS)
            gw_buf_add(&out, users[*++at - '0']);
        else
            gw_buf_printf(&out, "%%%02X", (unsigned char)*at);
    }
    return gw_arena_cstr(&world->arena, gw_buf_str(&out));
}

static void assert_list(const struct list_row *row)
{
    GW_BUF_SCOPED(names, 1024);
    struct call *call = get(world, list_target(row));
    assert_status(call, 200);
    const struct json_value *list = json_at(call->json, "Resources");
    for (size_t i = 0; i < json_count(list); i++)
        gw_buf_printf(&names, i > 0 ? " %.*s" : "%.*s",
                      GW_STR_ARG(json_object_get(list->array.items[i], GW_STR("displayName"))->text));
    if (!gw_str_eq(gw_buf_str(&names), gw_str_from(row->names)))
        fail_msg("%s: %.*s", row->filter, GW_STR_ARG(call->text));
    assert_at(call, "totalResults", row->total);
    assert_str_equal(call_text(call, "itemsPerPage"), gw_arena_printf(&world->arena, "%zu", json_count(list)).ptr);
    call_free(world, call);
}

static void test_lists_have_true_totals_pages_and_filters(void **state)
{
    (void)state;
    static const struct list_row rows[] = {
        {NULL, "startIndex=1&count=100", "4", "A B C D"},
        {NULL, "startIndex=2&count=2", "4", "B C"},
        {NULL, "startIndex=101&count=100", "4", ""},
        {NULL, "count=0", "4", ""},
        {NULL, "startIndex=0&count=1", "4", "A"},
        {"displayName eq \"b\"", "startIndex=1&count=100", "1", "B"},
        {"displayName eq \"none\"", "", "0", ""},
        {"displayName sw \"c\"", "", "1", "C"},
        {"externalId eq \"ext-d\"", "", "1", "D"},
        {"externalId eq \"EXT-d\"", "", "0", ""},
        {"members.value eq \"@0\"", "", "2", "A C"},
        {"members.value eq \"@0\"", "startIndex=2", "2", "C"},
        {"members eq \"@1\"", "", "1", "A"},
        {"members[value eq \"@2\"]", "", "1", "B"},
        {"members.value eq \"nobody\"", "", "0", ""},
        {"not (members.value eq \"@0\")", "", "2", "B D"},
        {"displayName eq \"a\" and members.value eq \"@0\"", "excludedAttributes=members", "1", "A"},
        {"displayName eq \"b\" and members.value eq \"@0\"", "", "0", ""},
        {"displayName eq \"b\" or members.value eq \"@0\"", "", "3", "A B C"},
        {"members.display co \"U2@\"", "", "1", "B"},
        {"members pr", "", "3", "A B C"},
        {"meta.lastModified gt \"2020-01-01T00:00:00Z\"", "", "4", "A B C D"},
        {"id eq \"nothing\"", "", "0", ""},
    };
    (void)create_group("A", MEMBER(0) "," MEMBER(1));
    (void)create_group("B", MEMBER(2));
    (void)create_group("C", MEMBER(0));
    struct call *call =
        send_body(world, "POST", "/scim/v2/Groups", GROUP ",\"displayName\":\"D\",\"externalId\":\"ext-d\"}");
    assert_status(call, 201);
    call_free(world, call);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_list(&rows[i]);
}

static void test_R51_members_can_be_left_out_or_asked_for(void **state)
{
    (void)state;
    struct gw_str id = create_group("G", MEMBER(0));
    struct call *call = get(world, gw_arena_printf(&world->arena, "%s?excludedAttributes=members", group_path(id)).ptr);
    assert_at(call, "members", "");
    assert_at(call, "displayName", "G");
    call_free(world, call);
    call = get(world, gw_arena_printf(&world->arena, "%s?attributes=members.value", group_path(id)).ptr);
    assert_at(call, "members", fill("[{\"value\":\"%0\"}]", id));
    assert_at(call, "displayName", "");
    assert_str_equal(call_text(call, "id"), id.ptr);
    call_free(world, call);
    struct gw_str target = gw_arena_printf(&world->arena, "%s?attributes=members", group_path(id));
    call = send_body(world, "PATCH", target.ptr, fill(PATCH_OP ADD(MEMBER(1)) "]}", id));
    assert_int_equal(json_count(json_at(call->json, "members")), 2);
    call_free(world, call);
}

static struct call *conditional(const char *method, struct gw_str id, const char *body, const char *name,
                                const char *value)
{
    struct call *call = call_new(world, method, group_path(id), gw_str_from(body));
    call_authorize(world, call);
    call_add_field(call, name, gw_str_from(value));
    call_start(world, call);
    call_wait(world, call);
    return call;
}

static void test_R78_conditions_are_kept(void **state)
{
    (void)state;
    struct gw_str id = create_group("G", "");
    patch_ok(id, ADD(MEMBER(0)));
    struct call *call = conditional("GET", id, NULL, "If-None-Match", "W/\"2\"");
    assert_status(call, 304);
    call_free(world, call);
    static const char *const rows[][2] = {
        {"PUT", GROUP ",\"displayName\":\"H\"}"},
        {"PATCH", PATCH_OP "{\"op\":\"replace\",\"path\":\"members\",\"value\":[]}]}"},
        {"DELETE", NULL}};
    for (size_t i = 0; i < 3; i++) {
        call = conditional(rows[i][0], id, rows[i][1], "If-Match", "W/\"1\"");
        assert_error(call, 412, "");
        call_free(world, call);
    }
    assert_string_equal(members(id), "0");
    call = conditional("DELETE", id, NULL, "If-Match", "W/\"2\"");
    assert_status(call, 204);
    call_free(world, call);
}

static void test_R11_groups_of_a_user_are_derived_and_leave_its_version(void **state)
{
    (void)state;
    struct call *call = get(world, user_path(world, users[0]).ptr);
    struct gw_str before = gw_arena_copy(&world->arena, call_text(call, "meta.version"));
    call_free(world, call);
    struct gw_str id = create_group("G", MEMBER(0));
    (void)create_group("H", MEMBER(0) "," MEMBER(1));
    call = get(world, user_path(world, users[0]).ptr);
    assert_int_equal(json_count(json_at(call->json, "groups")), 2);
    assert_str_equal(call_text(call, "groups.0.value"), id.ptr);
    assert_at(call, "groups.0.display", "G");
    assert_at(call, "groups.0.type", "direct");
    assert_str_equal(call_text(call, "meta.version"), before.ptr);
    call_free(world, call);
    call = get(world, "/scim/v2/Users?filter=groups.display%20eq%20%22H%22&attributes=userName");
    assert_at(call, "totalResults", "2");
    assert_at(call, "Resources.0.groups", "");
    call_free(world, call);
    call = get(world, "/scim/v2/Users?count=2&startIndex=2");
    assert_int_equal(json_count(json_at(call->json, "Resources.0.groups")), 2);
    call_free(world, call);
    patch_ok(id, REMOVE(0));
    call = get(world, user_path(world, users[0]).ptr);
    assert_int_equal(json_count(json_at(call->json, "groups")), 1);
    call_free(world, call);
}

static void set_active(struct gw_str id, const char *active)
{
    struct gw_str body =
        gw_arena_printf(&world->arena, PATCH_OP "{\"op\":\"replace\",\"value\":{\"active\":%s}}]}", active);
    struct call *call = send_body(world, "PATCH", user_path(world, id).ptr, body.ptr);
    assert_status(call, 200);
    call_free(world, call);
}

static void test_a_deactivated_user_stays_and_a_deleted_one_leaves(void **state)
{
    (void)state;
    struct gw_str id = create_group("G", MEMBER(0) "," MEMBER(1));
    set_active(users[0], "false");
    assert_string_equal(members(id), "0 1");
    patch_ok(id, ADD(MEMBER(0) "," MEMBER(2)));
    assert_string_equal(members(id), "0 1 2");
    struct call *call = send_body(world, "DELETE", user_path(world, users[1]).ptr, NULL);
    assert_status(call, 204);
    call_free(world, call);
    assert_string_equal(members(id), "0 2");
}

#define each_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each_test(test_lists_have_true_totals_pages_and_filters),
        each_test(test_R51_members_can_be_left_out_or_asked_for),
        each_test(test_R78_conditions_are_kept),
        each_test(test_R11_groups_of_a_user_are_derived_and_leave_its_version),
        each_test(test_a_deactivated_user_stays_and_a_deleted_one_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
