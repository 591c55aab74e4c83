/* Groups over SCIM: scim-clients.md 1.11, traces T7 to T9, rules 0.18 to 0.23; sections 5.3 to 5.7 and 9. */
#include "tests/unit/routes/world.h"

#define GROUP "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"]"
#define PATCH_OP "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["
#define USERS 6

static struct world *world;
static struct gw_str users[USERS];

static int set_up(void **state)
{
    (void)state;
    world = world_new("");
    for (size_t i = 0; i < USERS; i++)
        users[i] = create_user(world, gw_arena_printf(&world->arena, "u%zu@okta.local", i).ptr);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_free(world);
    return 0;
}

/* Text with %0 to %5 for the ids of users and %G for one more id. */
static const char *fill(const char *text, struct gw_str group)
{
    GW_BUF_SCOPED(out, 1 << 16);
    for (; *text != '\0'; text++) {
        if (text[0] != '%') {
            gw_buf_add_byte(&out, *text);
            continue;
        }
        text++;
        gw_buf_add(&out, *text == 'G' ? group : users[*text - '0']);
    }
    return gw_arena_cstr(&world->arena, gw_buf_str(&out));
}

static const char *group_path(struct gw_str id)
{
    return gw_arena_printf(&world->arena, "/scim/v2/Groups/%.*s", GW_STR_ARG(id)).ptr;
}

static struct gw_str create_group(const char *name, const char *members)
{
    struct gw_str body = gw_arena_printf(&world->arena, GROUP ",\"displayName\":\"%s\",\"members\":[%s]}", name,
                                         fill(members, GW_STR_NONE));
    struct call *call = send_body(world, "POST", "/scim/v2/Groups", body.ptr);
    assert_status(call, 201);
    struct gw_str id = gw_arena_copy(&world->arena, call_text(call, "id"));
    assert_int_equal(id.len, 32);
    call_free(world, call);
    return id;
}

static struct call *patch_group(struct gw_str id, const char *operations)
{
    struct gw_str body = gw_arena_printf(&world->arena, PATCH_OP "%s]}", fill(operations, id));
    return send_body(world, "PATCH", group_path(id), body.ptr);
}

static void patch_ok(struct gw_str id, const char *operations)
{
    struct call *call = patch_group(id, operations);
    assert_status(call, 200);
    call_free(world, call);
}

/* "0 3 5": which of the users are members, by GET. */
static const char *members(struct gw_str id)
{
    GW_BUF_SCOPED(text, 256);
    struct call *call = get(world, group_path(id));
    assert_status(call, 200);
    const struct json_value *list = json_at(call->json, "members");
    for (size_t i = 0; i < json_count(list); i++) {
        struct gw_str value = json_object_get(list->array.items[i], GW_STR("value"))->text;
        for (size_t user = 0; user < USERS; user++) {
            if (gw_str_eq(users[user], value))
                gw_buf_printf(&text, text.len > 0 ? " %zu" : "%zu", user);
        }
    }
    call_free(world, call);
    return gw_arena_cstr(&world->arena, gw_buf_str(&text));
}

static struct gw_str version(struct gw_str id)
{
    struct call *call = get(world, group_path(id));
    struct gw_str text = gw_arena_copy(&world->arena, call_text(call, "meta.version"));
    call_free(world, call);
    return text;
}

#define MEMBER(n) "{\"value\":\"%" #n "\",\"display\":\"u" #n "@okta.local\"}"
#define ADD(list) "{\"op\":\"add\",\"path\":\"members\",\"value\":[" list "]}"
#define REPLACE(list) "{\"op\":\"replace\",\"path\":\"members\",\"value\":[" list "]}"
#define REMOVE(n) "{\"op\":\"remove\",\"path\":\"members[value eq \\\"%" #n "\\\"]\"}"
#define RENAME(name) "{\"op\":\"replace\",\"value\":{\"id\":\"%G\",\"displayName\":\"" name "\"}}"

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

/* ---- lists ---- */

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
static void test_a_patch_by_another_value_filter_loads_the_group(void **state)
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

/* ---- many ---- */

/* Concurrent PATCHes: all are sent before the first is answered. */
static void test_issue_6_5_concurrent_patches_lose_nothing(void **state)
{
    (void)state;
    struct call *calls[USERS];
    struct gw_str id = create_group("G", "");
    for (size_t i = 0; i < USERS; i++) {
        struct gw_str body = gw_arena_printf(&world->arena,
                                             PATCH_OP "{\"op\":\"add\",\"path\":\"members\",\"value\":"
                                                      "[{\"value\":\"%.*s\"}]}]}",
                                             GW_STR_ARG(users[i]));
        calls[i] = call_new(world, "PATCH", group_path(id), body);
        call_authorize(world, calls[i]);
        call_start(world, calls[i]);
    }
    for (size_t i = 0; i < USERS; i++) {
        call_wait(world, calls[i]);
        assert_status(calls[i], 200);
        call_free(world, calls[i]);
    }
    assert_string_equal(members(id), "0 1 2 3 4 5");
}

#define MANY 9000 /* more than two changes may name */

/* Users straight into the store: the ids of MANY of them as a list of members. */
static const char *many_members(size_t from, size_t count)
{
    GW_BUF_SCOPED(text, 4u << 20);
    char ident[GW_IDENT_TEXT + 1];
    for (size_t i = 0; i < count; i++) {
        gw_ident_format(store_ident_key(world->store), GW_IDENT_USER, world->folder_number, from + i + 1, ident);
        gw_buf_printf(&text, i > 0 ? ",{\"value\":\"%s\"}" : "{\"value\":\"%s\"}", ident);
    }
    return gw_arena_cstr(&world->arena, gw_buf_str(&text));
}

static size_t count_members(struct gw_str id)
{
    struct call *call = get(world, group_path(id));
    assert_status(call, 200);
    size_t count = json_count(json_at(call->json, "members"));
    call_free(world, call);
    return count;
}

static struct call *send_members(const char *method, struct gw_str id, const char *before, const char *list,
                                 const char *after)
{
    struct gw_str body = gw_arena_printf(&world->arena, "%s%s%s", before, list, after);
    return send_body(world, method, id.len > 0 ? group_path(id) : "/scim/v2/Groups", body.ptr);
}

static void on_many_created(struct store_change *change)
{
    assert_int_equal(change->code, GW_OK);
    store_change_free(change);
}

static void make_many_users(void)
{
    struct gw_error err = {0};
    for (size_t i = USERS; i < MANY; i++) {
        struct store_change *change = store_change_new(STORE_CHANGE_USER_CREATE);
        change->folder = world->folder_number;
        change->as.create.draft.user_name = gw_arena_printf(&change->arena, "many%zu@okta.local", i);
        change->as.create.draft.active = true;
        change->on_done = on_many_created;
        if (i % 1000 == 0 || i + 1 == MANY) {
            check_ok(store_writer_apply(world->writer, change, &err), &err);
            store_change_free(change);
        } else {
            check_ok(store_writer_submit(world->writer, change, &err), &err);
        }
    }
}

static bool is_anything_loose(struct store_reader *reader)
{
    struct gw_error err = {0};
    bool is_loose = true;
    check_ok(store_reader_begin(reader, &err), &err);
    check_ok(store_sets_are_loose(reader, &is_loose, &err), &err);
    store_reader_end(reader);
    return is_loose;
}

/* What was put out of place is swept without being asked for. */
static void assert_swept(void)
{
    struct gw_error err = {0};
    struct store_reader *reader = NULL;
    check_ok(store_reader_new(world->store, &reader, &err), &err);
    while (is_anything_loose(reader))
        assert_true(loop_turn(world->loop));
    store_reader_free(reader);
    check_ok(store_check(world->store, NULL, NULL, &err), &err);
}

static void test_issue_6_5_thousands_of_members_are_one_change_however_they_come(void **state)
{
    (void)state;
    make_many_users();
    const char *all = many_members(0, MANY);
    struct call *call = send_members("POST", GW_STR_NONE, GROUP ",\"displayName\":\"P\",\"members\":[", all, "]}");
    assert_status(call, 201);
    assert_at(call, "members", ""); /* too many to echo */
    struct gw_str id = gw_arena_copy(&world->arena, call_text(call, "id"));
    call_free(world, call);
    assert_int_equal(count_members(id), MANY);
    assert_str_equal(version(id), "W/\"1\"");
    /* the same again: nothing changed; one less: a small change */
    const char *sizes[] = {"W/\"1\"", "W/\"2\""};
    for (size_t i = 0; i < 2; i++) {
        call = send_members("PUT", id, GROUP ",\"displayName\":\"P\",\"members\":[", many_members(0, MANY - i), "]}");
        assert_status(call, 200);
        assert_at(call, "meta.version", sizes[i]);
        call_free(world, call);
    }
    assert_int_equal(count_members(id), MANY - 1);
    struct gw_str other = create_group("Q", MEMBER(0));
    call = send_members("PUT", other, GROUP ",\"displayName\":\"Q\",\"members\":[", many_members(1000, 8000), "]}");
    assert_status(call, 200);
    assert_at(call, "meta.version", "W/\"2\"");
    call_free(world, call);
    assert_int_equal(count_members(other), 8000);
    call = send_members("PATCH", other, PATCH_OP "{\"op\":\"add\",\"path\":\"members\",\"value\":[", all, "]}]}");
    assert_status(call, 200);
    assert_at(call, "meta.version", "W/\"3\"");
    call_free(world, call);
    assert_int_equal(count_members(other), MANY);
    call = send_members("PATCH", other, PATCH_OP "{\"op\":\"remove\",\"path\":\"members\",\"value\":[",
                        many_members(10, 8990), "]}]}");
    assert_status(call, 200);
    call_free(world, call);
    assert_string_equal(members(other), "0 1 2 3 4 5");
    patch_ok(id, REPLACE(MEMBER(3)));
    assert_string_equal(members(id), "3");
    assert_swept();
}

static void test_rule_0_23_among_thousands_one_unknown_member_changes_nothing(void **state)
{
    (void)state;
    make_many_users();
    struct gw_str id = create_group("G", MEMBER(0));
    struct call *call =
        send_members("PUT", id, GROUP ",\"displayName\":\"G\",\"members\":[", many_members(1, MANY), "]}");
    assert_error(call, 400, "invalidValue");
    call_free(world, call);
    assert_string_equal(members(id), "0");
    assert_str_equal(version(id), "W/\"1\"");
}

#define each_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each_test(test_T7_a_group_is_pushed_by_post_and_patch),
        each_test(test_rule_0_22_members_are_shown_with_value_ref_type_and_display),
        each_test(test_rule_0_18_a_rename_accepts_the_id_and_ignores_another),
        each_test(test_rule_0_19_remove_and_add_in_one_patch_keep_their_order),
        each_test(test_T8_and_rule_0_20_replace_with_nothing_empties_the_group),
        each_test(test_rule_0_21_nothing_new_is_a_success_without_change),
        each_test(test_rule_0_23_an_unknown_member_is_named_and_nothing_changes),
        each_test(test_T9_a_deleted_group_is_204_then_404),
        each_test(test_R60_put_replaces_name_and_members_and_keeps_members_that_it_lacks),
        each_test(test_a_name_is_one_group_s_in_any_spelling),
        each_test(test_lists_have_true_totals_pages_and_filters),
        each_test(test_R51_members_can_be_left_out_or_asked_for),
        each_test(test_R78_conditions_are_kept),
        each_test(test_R11_groups_of_a_user_are_derived_and_leave_its_version),
        each_test(test_a_deactivated_user_stays_and_a_deleted_one_leaves),
        each_test(test_6_1_the_forms_of_entra),
        each_test(test_a_patch_by_another_value_filter_loads_the_group),
        each_test(test_wrong_bodies_are_refused_with_the_right_type),
        each_test(test_issue_6_5_concurrent_patches_lose_nothing),
        each_test(test_issue_6_5_thousands_of_members_are_one_change_however_they_come),
        each_test(test_rule_0_23_among_thousands_one_unknown_member_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
